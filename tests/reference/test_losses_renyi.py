"""Renyi relative entropies: against 40-digit arithmetic, at the edges of their definition, and their derivatives."""

import itertools

import mpmath
import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.digits import to_mp

from qml import GibbsModel, fit, losses, states
from qml._checks import InputError, qubit_dims
from qml.losses import Renyi, renyi_relative_entropy
from qml.operators import tfim
from qml.states import DensityMatrix, GibbsState

ORDERS = [("sandwiched", a) for a in (0.5, 0.7, 0.999, 1.001, 1.5, 2.0, 3.0, 20.0)]
ORDERS += [("petz", a) for a in (0.05, 0.5, 0.999, 1.001, 1.5, 2.0)]
GENERIC = [("sandwiched", 0.6), ("sandwiched", 3.0), ("petz", 0.3), ("petz", 1.6)]


def power(a: mpmath.matrix, t: float, kept: int) -> mpmath.matrix:
    """a^t on the eigenvectors of its `kept` largest eigenvalues."""
    values, vectors = mpmath.eighe(a)
    n = len(values)
    return vectors * mpmath.diag([values[k] ** t if k >= n - kept else 0 for k in range(n)]) * vectors.H


def exact(
    rho: np.ndarray, sigma: np.ndarray, alpha: float, variant: str, ranks: tuple[int, int] | None = None
) -> float:
    with mpmath.workdps(40):
        alpha, r, s = mpmath.mpf(alpha), to_mp(rho), to_mp(sigma)
        of_rho, of_sigma = ranks or (len(rho), len(rho))
        if variant == "petz":
            product = power(r, alpha, of_rho) * power(s, 1 - alpha, of_sigma)
            q = sum(product[k, k] for k in range(len(rho))).real
        else:
            half = power(s, (1 - alpha) / (2 * alpha), of_sigma)
            m = half * r * half
            values = sorted(mpmath.eighe((m + m.H) / 2, eigvals_only=True), reverse=True)
            q = sum(v**alpha for v in values[: min(of_rho, of_sigma)])
        return float(mpmath.log(q) / (alpha - 1))


@every("variant, alpha", ORDERS)
@every("d", [2, 3, 4])
def test_values_against_forty_digits(variant: str, alpha: float, d: int) -> None:
    rng = np.random.default_rng(d)
    rho, sigma = states.ginibre((d,), rng), states.ginibre((d,), rng)
    want = exact(rho.matrix(), sigma.matrix(), alpha, variant)
    assert want > 1e-3
    near = 1e-14 / abs(alpha - 1) + 1e-14 / np.linalg.eigvalsh(sigma.matrix())[0]
    assert float(renyi_relative_entropy(rho, sigma, alpha, variant)) == pytest.approx(want, rel=1e-12, abs=near)


@pytest.mark.parametrize(("variant", "alpha"), GENERIC)
def test_values_of_lower_rank_against_forty_digits(variant: str, alpha: float) -> None:
    rng = np.random.default_rng(1)
    v = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0][:, :3]
    sigma = v @ states.ginibre((3,), rng).matrix() @ v.conj().T
    inside = v @ states.ginibre((3,), rng, rank=2).matrix() @ v.conj().T
    want = exact(inside, sigma, alpha, variant, (2, 3))
    values, vectors = np.linalg.eigh(sigma)
    factor = vectors[:, 1:] * np.sqrt(values[1:])
    for model in (DensityMatrix._trusted(sigma), DensityMatrix.from_factor(factor / np.linalg.norm(factor))):
        for data in (DensityMatrix._trusted(inside),):
            assert float(renyi_relative_entropy(data, model, alpha, variant)) == pytest.approx(want, rel=1e-11)


def test_cold_gibbs_states_against_the_sum_over_levels() -> None:
    """Weights down to exp(-900), far below what float64 holds."""
    k = np.array([0.0, 300.0, 900.0])
    p = np.array([0.2, 0.3, 0.5])
    for variant in ("petz", "sandwiched"):  # commuting: both are the classical one
        for alpha in (0.5, 2.0):
            got = float(renyi_relative_entropy(DensityMatrix.from_probabilities(p), GibbsState(k), alpha, variant))
            logs = alpha * np.log(p) - (1 - alpha) * k
            assert got == pytest.approx(np.logaddexp.reduce(logs) / (alpha - 1), rel=1e-13)
            value, gradient = Renyi(alpha, variant).value_and_cotangent(
                DensityMatrix.from_probabilities(p), GibbsState(k)
            )
            weights = np.exp(logs - np.logaddexp.reduce(logs))  # dD/dk = weights - sigma
            assert value == pytest.approx(got)
            assert np.abs(gradient - (weights - GibbsState(k).probabilities())).max() < 1e-13


def test_levels_without_weight_do_not_hide_those_that_have_it() -> None:
    """The largest power of sigma by far may stand at a level that rho does not meet."""
    cold, ground = GibbsState([0.0, 3000.0]), states.basis_state("0")
    for variant, alpha in (("petz", 0.3), ("petz", 2.0), ("sandwiched", 0.5), ("sandwiched", 10.0)):
        for rho in (ground, cold, GibbsState([0.0, 800.0]) if alpha < 1 else cold):
            value, gradient = Renyi(alpha, variant).value_and_cotangent(rho, cold)
            assert value == pytest.approx(0.0, abs=1e-300)
            assert np.abs(gradient).max() < 1e-300
        value, gradient = Renyi(alpha, variant).value_and_cotangent(states.basis_state("1"), cold)
        assert value == 3000.0
        assert np.array_equal(gradient, [-1.0, 1.0])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_order_one_half_is_the_fidelity(rank: int) -> None:
    rng = np.random.default_rng(rank)
    rho, sigma = states.ginibre((3,), rng, rank=rank), states.ginibre((3,), rng, rank=2)
    log_f = np.log(float(losses.fidelity(rho, sigma)))
    value, cotangent = Renyi(0.5).value_and_cotangent(rho, sigma)
    assert value == pytest.approx(-log_f, rel=1e-12)
    infidelity, other = losses.Infidelity().value_and_cotangent(rho, sigma)
    assert np.abs(cotangent - other / (1 - infidelity)).max() < 1e-10 * np.abs(cotangent).max()


@pytest.mark.parametrize("variant", ["sandwiched", "petz"])
def test_order_one_is_the_relative_entropy_and_the_limit_from_both_sides(variant: str) -> None:
    rng = np.random.default_rng(2)
    rho, sigma = states.ginibre((2, 2), rng, rank=3), states.ginibre((2, 2), rng)
    d = float(losses.relative_entropy(rho, sigma))
    assert Renyi(1.0, variant).value(rho, sigma) == d
    ours = Renyi(1.0, variant).value_and_cotangent(rho, sigma)
    theirs = losses.RelativeEntropy().value_and_cotangent(rho, sigma)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-13)
    assert np.abs(ours[1] - theirs[1]).max() < 1e-9 * np.abs(theirs[1]).max()
    h = 1e-4
    below, above = (Renyi(1 + s * h, variant).value(rho, sigma) for s in (-1, 1))
    assert below < d < above
    assert (below + above) / 2 == pytest.approx(d, abs=1e-6)
    variance = losses_variance(rho, sigma)
    assert (above - below) / (2 * h) == pytest.approx(variance / 2, rel=1e-5)  # Lin and Tomamichel (2015)


def losses_variance(rho: DensityMatrix, sigma: DensityMatrix) -> float:
    """Tr rho (log rho - log sigma - D)^2 on the support of rho."""
    values, vectors = np.linalg.eigh(sigma.matrix())
    log_sigma = (vectors * np.log(values)) @ vectors.conj().T
    values, vectors = np.linalg.eigh(rho.matrix())
    logs = np.where(values > 1e-12, np.log(np.maximum(values, 1e-12)), 0.0)
    x = (vectors * logs) @ vectors.conj().T - log_sigma
    mean = np.trace(rho.matrix() @ x).real
    return float(np.trace(rho.matrix() @ x @ x).real - mean**2)


@pytest.mark.parametrize(("variant", "alpha"), GENERIC)
def test_infinite_exactly_where_the_definition_says(variant: str, alpha: float) -> None:
    rng, loss = np.random.default_rng(3), Renyi(alpha, variant)
    full, low = states.ginibre((2, 2), rng), states.ginibre((2, 2), rng, rank=2)
    zero, one, plus = states.basis_state("0"), states.basis_state("1"), DensityMatrix(np.full((2, 2), 0.5))
    for sigma in (low, DensityMatrix(low.matrix())):
        if alpha > 1:
            assert loss.value_and_cotangent(full, sigma) == (np.inf, None)
        else:
            assert 0 < loss.value(full, sigma) < np.inf
        assert loss.value(low, sigma) == pytest.approx(0.0, abs=1e-10)
        assert np.isfinite(loss.value(sigma, full))
    assert loss.value_and_cotangent(zero, one) == (np.inf, None)
    assert loss.value_and_cotangent(zero, DensityMatrix(one.matrix())) == (np.inf, None)
    assert (loss.value(zero, plus) == np.inf) == (alpha > 1)
    if alpha < 1:  # pure states: <0|+> alone counts; sigma^t = sigma, rho^alpha = rho
        assert loss.value(zero, plus) == pytest.approx(
            np.log(2) * (alpha if variant == "sandwiched" else 1) / (1 - alpha)
        )
        assert "orthogonal" in loss.why_infinite(zero, one)
    assert loss.value(zero, zero) == pytest.approx(0.0, abs=1e-15)
    single = DensityMatrix([[1.0]])
    assert loss.value(single, single) == 0.0
    tiny = DensityMatrix.from_probabilities([1 - 1e-20, 1e-20])  # read, not computed: no tolerance
    assert (loss.value(tiny, zero) == np.inf) == (alpha > 1)
    assert np.isfinite(Renyi(0.5).value(tiny, one))


@pytest.mark.parametrize(("variant", "alpha"), GENERIC)
def test_pure_data_in_closed_form(variant: str, alpha: float) -> None:
    rng = np.random.default_rng(4)
    psi, sigma = states.haar_pure((2, 2), rng), states.ginibre((2, 2), rng)
    values, vectors = np.linalg.eigh(sigma.matrix())
    p = np.square(np.abs(vectors.conj().T @ psi.factor[:, 0]))
    if variant == "petz":
        want = np.log(p @ values ** (1 - alpha)) / (alpha - 1)
    else:
        want = alpha / (alpha - 1) * np.log(p @ values ** ((1 - alpha) / alpha))
    for rho in (psi, DensityMatrix(psi.matrix())):
        assert Renyi(alpha, variant).value(rho, sigma) == pytest.approx(want, rel=1e-11)


@pytest.mark.parametrize("variant", ["sandwiched", "petz"])
def test_grows_with_the_order_and_falls_under_channels(variant: str) -> None:
    rng = np.random.default_rng(5)
    orders = [0.5, 0.8, 1.0, 1.3, 2.0]
    for _ in range(10):
        rho, sigma = states.ginibre((2, 2), rng, rank=2), states.ginibre((2, 2), rng)
        values = [float(renyi_relative_entropy(rho, sigma, a, variant)) for a in orders]
        assert all(b > a for a, b in itertools.pairwise(values))
        parts = [states.partial_trace(x, [0]) for x in (rho, sigma)]
        assert all(float(renyi_relative_entropy(*parts, a, variant)) < v for a, v in zip(orders, values, strict=True))
        for a, value in zip(orders, values, strict=True):  # Petz is never below sandwiched: Araki, Lieb and Thirring
            assert float(renyi_relative_entropy(rho, sigma, a, "petz")) >= value - 1e-12


@pytest.mark.parametrize(("variant", "alpha"), [*GENERIC, ("petz", 1.0)])
def test_batches_broadcast(variant: str, alpha: float) -> None:
    rng = np.random.default_rng(6)
    rho, sigma = states.ginibre((3,), rng, rank=2, batch=5), states.ginibre((3,), rng)
    mixed = DensityMatrix(np.stack([sigma.matrix(), states.ginibre((3,), rng, rank=2).matrix()]))
    together = renyi_relative_entropy(rho, sigma, alpha, variant)
    assert together.shape == (5,)
    for k in range(5):
        assert together[k] == pytest.approx(float(renyi_relative_entropy(rho[k], sigma, alpha, variant)), rel=1e-12)
    ranks = renyi_relative_entropy(rho[0], mixed, alpha, variant)  # one of full and one of lower rank
    for k in range(2):
        assert ranks[k] == pytest.approx(float(renyi_relative_entropy(rho[0], mixed[k], alpha, variant)), rel=1e-12)


def slope(loss: Renyi, rho: DensityMatrix, moved, h: float = 1e-3) -> float:
    f = [loss.value(rho, moved(k * h)) for k in (-2, -1, 1, 2)]
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)


@every("variant, alpha", GENERIC)
@every("d", [2, 3, 4])
def test_derivatives_in_matrices_and_gibbs_states(variant: str, alpha: float, d: int) -> None:
    rng, loss = np.random.default_rng(d), Renyi(alpha, variant)
    rho, k, x = states.ginibre(qubit_dims(d), rng), hermitian(d, rng), hermitian(d, rng)
    value, gradient = loss.value_and_cotangent(rho, GibbsState(k))
    numeric = slope(loss, rho, lambda h: GibbsState(k + h * x))
    assert value == pytest.approx(loss.value(rho, GibbsState(k)), rel=1e-13)
    assert abs(numeric) > 1e-3
    assert np.trace(gradient @ x).real == pytest.approx(numeric, rel=1e-7)
    sigma = GibbsState(k).matrix()
    x = x - np.trace(x) * np.eye(d) / d
    x = x * np.linalg.eigvalsh(sigma)[0]
    _, gradient = loss.value_and_cotangent(rho, DensityMatrix._trusted(sigma))
    numeric = slope(loss, rho, lambda h: DensityMatrix._trusted(sigma + h * x))
    assert abs(numeric) > 1e-4
    assert np.trace(gradient @ x).real == pytest.approx(numeric, rel=1e-6, abs=1e-9)


@every("variant, alpha", GENERIC)
@every("gap", [0.0, 1e-15, 1e-9, 1e-4])
def test_derivatives_at_degenerate_spectra_against_a_forty_digit_difference(
    variant: str, alpha: float, gap: float
) -> None:
    rng, loss = np.random.default_rng(7), Renyi(alpha, variant)
    p = np.array([0.25, 0.25 + gap, 0.5 - gap])
    q = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0]
    sigma = (q * p) @ q.conj().T
    sigma, rho, x = (sigma + sigma.conj().T) / 2, states.ginibre((3,), rng), hermitian(3, rng)
    _, gradient = loss.value_and_cotangent(rho, DensityMatrix(sigma))
    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -12
        s, step = to_mp(sigma), to_mp(x)
        values = [exact_mp(to_mp(rho.matrix()), s + sign * h * step, alpha, variant) for sign in (1, -1)]
        want = float((values[0] - values[1]) / (2 * h))
    assert abs(want) > 1e-2
    assert np.trace(gradient @ x).real == pytest.approx(want, rel=1e-12)


def exact_mp(r: mpmath.matrix, s: mpmath.matrix, alpha: float, variant: str) -> mpmath.mpf:
    alpha, n = mpmath.mpf(alpha), r.rows
    if variant == "petz":
        product = power(r, alpha, n) * power(s, 1 - alpha, n)
        return mpmath.log(sum(product[k, k] for k in range(n)).real) / (alpha - 1)
    half = power(s, (1 - alpha) / (2 * alpha), n)
    m = half * r * half
    return mpmath.log(sum(v**alpha for v in mpmath.eighe((m + m.H) / 2, eigvals_only=True))) / (alpha - 1)


@pytest.mark.parametrize(("variant", "alpha"), [("sandwiched", 0.5), *GENERIC])
def test_derivatives_in_factors_of_lower_rank(variant: str, alpha: float) -> None:
    """Below order 1 the support may turn, away from data that are partly outside; above, the data are inside."""
    rng, loss = np.random.default_rng(8), Renyi(alpha, variant)
    a = rng.normal(size=(4, 2)) + 1j * rng.normal(size=(4, 2))
    a /= np.linalg.norm(a)
    if alpha < 1:
        rho, b = states.ginibre((4,), rng, rank=3), rng.normal(size=(4, 2)) + 1j * rng.normal(size=(4, 2))
    else:
        v = np.linalg.qr(a)[0]
        rho = DensityMatrix._trusted(v @ states.ginibre((2,), rng).matrix() @ v.conj().T, (4,))
        b = a @ (rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))
    b = (b - a * np.vdot(a, b).real) / 4

    def moved(h: float) -> DensityMatrix:
        factor = a + h * b
        return DensityMatrix.from_factor(factor / np.linalg.norm(factor), (4,))

    _, cotangent = loss.value_and_cotangent(rho, moved(0.0))
    numeric = slope(loss, rho, moved)
    assert abs(numeric) > 1e-2
    assert np.vdot(cotangent, b).real == pytest.approx(numeric, rel=1e-7)
    matrix = moved(0.0).matrix()
    _, dense = loss.value_and_cotangent(rho, DensityMatrix._trusted(matrix, (4,)))
    x = a @ b.conj().T + b @ a.conj().T
    assert np.trace(dense @ x).real == pytest.approx(numeric, rel=1e-7)


def test_a_fit_and_a_study_take_it_by_name() -> None:
    from qml.studies.spec.config import Study

    target = states.thermal(tfim(2, h=0.5), 1.0)
    for loss in (Renyi(), Renyi(0.7, "petz")):
        result = fit(GibbsModel(tfim(2)), target, loss=loss, seed=0)
        assert result.converged
        assert np.abs(result.params - [-1.0, -0.5, -0.5]).max() < 1e-4
    spec = {"kind": "renyi", "alpha": 0.5, "variant": "petz"}
    study = Study.model_validate(
        {
            "target": {"kind": "ghz", "n": 2},
            "fits": [{"name": "a", "model": {"kind": "cholesky", "dims": [2, 2]}, "loss": spec}],
        }
    )
    assert repr(study.fits[0].loss.build()) == "Renyi(alpha=0.5, variant='petz')"
    assert eval(repr(Renyi(3.0, "sandwiched"))).alpha == 3.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((0.4,), "alpha must be a finite number from 0.5 to"),
        ((2.5, "petz"), "alpha must be a finite number from 0 to 2"),
        ((0.0, "petz"), "greater than 0"),
        ((1 + 1e-9,), "take 1, the relative entropy"),
        ((float("inf"),), "finite number"),
        ((2.0, "umlaut"), "variant"),
    ],
)
def test_orders_without_data_processing_are_refused(arguments: tuple, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Renyi(*arguments)
    with pytest.raises(InputError, match="equal dims"):
        Renyi().value(states.ghz(2), states.maximally_mixed((4,)))


def test_orders_as_near_to_one_as_the_sentence_says_are_taken():
    """1.000001 - 1 is less than 1e-6 in float64."""
    assert [Renyi(alpha).alpha for alpha in (1.000001, 0.999999)] == [1.000001, 0.999999]
    with pytest.raises(InputError, match="differ from it by at least 1e-06"):
        Renyi(1 + 0.99e-6)


@pytest.mark.parametrize("variant", ["sandwiched", "petz"])
@pytest.mark.parametrize("gap", [20.0, 400.0, 800.0, 1600.0])
def test_a_level_that_is_rare_in_both_states_counts_by_its_logarithm(gap: float, variant: str) -> None:
    """p^2/q = exp(100) of a level whose p and q float64 may not hold: D = log Q with Q = 1 + exp(100)."""
    rho, sigma = GibbsState([0.0, gap]), GibbsState([0.0, 2 * gap + 100])
    value, cotangent = Renyi(2.0, variant).value_and_cotangent(rho, sigma)
    assert value == renyi_relative_entropy(rho, sigma, 2.0, variant) == pytest.approx(100, rel=1e-9)
    assert cotangent == pytest.approx([-1.0, 1.0], rel=1e-8)


@pytest.mark.parametrize("gap", [300.0, 1e4])
@every("variant, alpha", [("sandwiched", 0.5), ("sandwiched", 0.8), ("petz", 0.3), ("petz", 0.7)])
def test_a_pure_part_turns_beside_one_that_is_as_cold_as_any(variant: str, alpha: float, gap: float) -> None:
    """Levels that float64 does not hold are no levels: the slope in the vector is that at an exactly pure second part,
    and where the data have those levels alone, their logarithms have slopes."""

    def at(angle: float, second: states.State) -> states.ProductState:
        first = DensityMatrix.from_vector([np.cos(angle), np.sin(angle)])
        return states.ProductState([first, second])

    loss, rho = Renyi(alpha, variant), states.ginibre(2, np.random.default_rng(5))
    cold, h = GibbsState(np.diag([0.0, gap])), 1e-5
    value, (of_vector, of_k) = loss.value_and_cotangent(rho, at(0.7, cold))
    ends = [loss.value(rho, at(0.7 + step, states.basis_state("0"))) for step in (-h, h)]
    assert value == pytest.approx(sum(ends) / 2, rel=1e-8)
    slope = (of_vector[:, 0] @ [-np.sin(0.7), np.cos(0.7)]).real
    assert slope == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-6)
    assert np.isfinite(of_k).all()
    value, (_, of_k) = loss.value_and_cotangent(states.basis_state("01"), at(0.7, cold))
    assert value > gap
    assert np.diag(of_k) == pytest.approx([-1.0, 1.0])
