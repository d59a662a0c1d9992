"""Mixture models: convex combinations, in whichever form keeps the most of the logarithm."""

import mpmath
import numpy as np
import pytest

from qml import Circuit, GibbsModel, SpectralModel, check_gradient, circuits, fit, pauli
from qml._checks import InputError
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity
from qml.models import CholeskyModel, MixtureModel, ProductEnergies, ProductModel, PurifiedCircuitModel
from qml.states import DensityMatrix, basis_state, ghz, ginibre, maximally_mixed


def pure(n):
    return PurifiedCircuitModel(circuits.hardware_efficient(n, 1), 0)


@pytest.mark.parametrize(
    "members",
    [
        [CholeskyModel((2, 2)), SpectralModel(circuits.hardware_efficient(2, 1)), ghz(2)],
        [pure(2), pure(2), basis_state("11")],
        [SpectralModel(Circuit(2)), GibbsModel([pauli("ZZ")]), basis_state("10")],
        [ProductModel([CholeskyModel((2,)), CholeskyModel((2,))]), maximally_mixed((2, 2))],
    ],
    ids=["matrices", "factors", "diagonals", "products"],
)
def test_is_the_convex_combination(members):
    model = MixtureModel(members)
    theta = model.init_params(np.random.default_rng(0))
    theta[: len(members) - 1] = [0.7, -1.1][: len(members) - 1]
    weights = np.exp([0.0, *theta[: len(members) - 1]])
    expected, start = 0, len(members) - 1
    for w, member in zip(weights / weights.sum(), members, strict=True):
        n = getattr(member, "n_params", 0)
        sigma = member.state(theta[start : start + n]) if n else member
        expected, start = expected + w * sigma.matrix(), start + n
    assert start == model.n_params
    assert np.allclose(model.state(theta).matrix(), expected, atol=1e-15)


def test_diagonal_members_make_a_classical_mixture():
    bits = [DensityMatrix.from_probabilities([1.0, 0.0, 0.0]), DensityMatrix.from_probabilities([0.0, 0.5, 0.5])]
    model = MixtureModel(bits)
    sigma = model.state(model.unconstrained({"w_1": 1e-30}))
    assert sigma.is_diagonal
    assert sigma.spectrum().log_eigenvalues[1] == pytest.approx(np.log(0.5e-30), rel=1e-14)


def test_factors_stay_factors_as_long_as_they_are_few():
    theta = np.zeros(2 * pure(2).n_params + 1)
    assert MixtureModel([pure(2)] * 2).state(theta).factor.shape == (4, 2)
    model = MixtureModel([pure(2)] * 5)
    assert model.state(np.zeros(model.n_params)).factor is None


@pytest.mark.parametrize("loss", [CrossEntropy(), HilbertSchmidt(), Infidelity()], ids=str)
@pytest.mark.parametrize(
    "members",
    [
        [CholeskyModel((2, 2), 1), SpectralModel(circuits.hardware_efficient(2, 1))],
        [CholeskyModel((2, 2), 2), CholeskyModel((2, 2), 1), CholeskyModel((2, 2), 1)],
    ],
    ids=["matrices", "factors"],
)
def test_gradient_of_every_loss(members, loss):
    check = check_gradient(MixtureModel(members), ginibre((2, 2), np.random.default_rng(3)), loss, directions=4)
    assert np.abs(check.analytic).min() > 1e-6
    assert check.ok, str(check)


def test_a_weight_that_vanishes_has_a_finite_gradient():
    for members in ([pure(1), pure(1)], [CholeskyModel((2,)), pure(1)], [GibbsModel([pauli("Z")])] * 2):
        model = MixtureModel(members)
        theta = model.init_params(np.random.default_rng(0))
        for odds in (-2000.0, 2000.0):
            theta[0] = odds
            sigma, pull = model.state_vjp(theta)
            gradient = pull(HilbertSchmidt().value_and_cotangent(ginibre((2,), np.random.default_rng(1)), sigma)[1])
            assert np.isfinite(gradient).all()
            assert gradient[0] == 0.0


def test_natural_weights():
    model = MixtureModel([maximally_mixed((2,)), basis_state("0"), basis_state("1")])
    values = {"w_1": 0.2, "w_2": 0.3}
    theta = model.unconstrained(values)
    assert model.natural(theta) == pytest.approx(values)
    assert model.state(theta).probabilities() == pytest.approx([0.25 + 0.2, 0.25 + 0.3])
    with pytest.raises(InputError, match="positive rest for w_0"):
        model.unconstrained({"w_1": 0.6, "w_2": 0.4})


def test_weights_of_fixed_states_are_learnt():
    members = [ginibre((2, 2), np.random.default_rng(k)) for k in range(3)]
    model = MixtureModel(members)
    rho = model.state(model.unconstrained({"w_1": 0.1, "w_2": 0.6}))
    result = fit(model, rho, seed=0)
    assert model.natural(result.params) == pytest.approx({"w_1": 0.1, "w_2": 0.6}, abs=1e-6)


@pytest.mark.parametrize(
    "members",
    [
        [CholeskyModel((2, 2), 1), CholeskyModel((2, 2), 1), maximally_mixed((2, 2))],
        [CholeskyModel((3,)), CholeskyModel((3,), 1)],
    ],
    ids=["qubits", "qutrits"],
)
def test_learns_a_state_of_its_own_family(members):
    model = MixtureModel(members)
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, seed=0).gap < 1e-10


def test_sentences():
    with pytest.raises(InputError, match="a mixture needs a list of at least one model"):
        MixtureModel([])
    with pytest.raises(InputError, match="member 1 of a mixture must be a State"):
        MixtureModel([ghz(2), "ghz"])
    with pytest.raises(InputError, match=r"equal dims; found \(2,\) \(0\) and \(2, 2\) \(1\)"):
        MixtureModel([basis_state("0"), ghz(2)])


def test_repr_names_the_members():
    assert repr(MixtureModel([CholeskyModel((3,), 1), maximally_mixed((3,))])) == (
        "MixtureModel([CholeskyModel(dims=(3,), rank=1), DensityMatrix(dims=(3,))])"
    )


def test_mixtures_of_diagonal_states_of_many_qubits_take_no_matrix(monkeypatch):
    """dL/du = w (1 - w) (g . (p_1 - p_0)) of two fixed members."""
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**8)
    model = MixtureModel([maximally_mixed(14), ProductEnergies(14)])
    sigma, back = model.state_vjp(np.zeros(15))
    slope = np.arange(2.0**14)

    def pull(slope):
        return back(sigma._pull_diagonal(slope))

    assert pull(slope)[0] == pytest.approx(0.0, abs=1e-9)
    assert pull(slope)[1:] == pytest.approx(2.0 ** np.arange(13, -1, -1) / 8, rel=1e-12)


@pytest.mark.parametrize("theta", [[0.3, 800.0, 400.0, 3000.0], [-2000.0, 500.0, 900.0, 0.3]])
def test_cold_diagonal_members_are_mixed_by_their_logarithms(theta):
    """log sum_k w_k p_k to fifty digits, where float64 holds few of the probabilities or none of a weight."""
    model = MixtureModel([GibbsModel(["ZI", "IZ"]), GibbsModel(["ZZ"])])
    rho = DensityMatrix.from_probabilities([0.4, 0.3, 0.2, 0.1])
    with mpmath.workdps(50):
        odds, *c = map(mpmath.mpf, theta)
        signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        first = [mpmath.exp(-a * c[0] - b * c[1]) for a, b in signs]
        second = [mpmath.exp(-a * b * c[2]) for a, b in signs]
        w = 1 / (1 + mpmath.exp(odds))
        q = [w * (x / sum(first) + mpmath.exp(odds) * y / sum(second)) for x, y in zip(first, second, strict=True)]
        exact = -sum(mpmath.mpf(float(p)) * mpmath.log(x) for p, x in zip(rho.probabilities(), q, strict=True))
    assert CrossEntropy().value(rho, model.state(theta)) == pytest.approx(float(exact), rel=1e-14)
    check = check_gradient(model, rho, params=np.array(theta))
    assert np.abs(check.analytic).max() > 0.5
    assert check.ok, str(check)
