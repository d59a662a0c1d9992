"""One contract for every loss, in every representation of sigma that can train."""

import contextlib
import tracemalloc

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every

from qml import Moments, losses, pauli, states
from qml._checks import InputError, qubit_dims
from qml._random import haar_unitaries
from qml.losses import EVERY_LOSS, HAMILTONIAN_LOSSES, LOSSES, Infidelity, Renyi, fidelity, trace_distance
from qml.measurement import Counts, PauliMeasurement
from qml.states import DensityMatrix, GibbsState, SpectralState, State

RNG = np.random.default_rng(11)


def dense(d: int) -> tuple:
    sigma, x = states.ginibre(qubit_dims(d), RNG).matrix(), hermitian(d, RNG)
    x -= np.trace(x) * np.eye(d) / d
    x *= np.linalg.eigvalsh(sigma)[0] / np.linalg.norm(x, 2)  # a step is small for every eigenvalue
    return lambda t: DensityMatrix._trusted(sigma + t * x), lambda g: np.trace(g @ x).real


def classical(d: int) -> tuple:
    p, x = RNG.dirichlet(np.full(d, 5.0)), RNG.normal(size=d)
    x -= x.mean()
    return lambda t: DensityMatrix.from_probabilities(p + 0.01 * t * x), lambda g: 0.01 * g @ x


def gibbs(d: int) -> tuple:
    k, x = hermitian(d, RNG), hermitian(d, RNG)
    return lambda t: GibbsState(k + t * x), lambda g: np.trace(g @ x).real


def gibbs_diagonal(d: int) -> tuple:
    k, x = RNG.normal(size=d), RNG.normal(size=d)
    return lambda t: GibbsState(k + t * x), lambda g: g @ x


def spectral(d: int) -> tuple:
    import scipy.linalg

    logits, dl = RNG.normal(size=d), RNG.normal(size=d)
    w, a = np.linalg.qr(RNG.normal(size=(d, d)) + 1j * RNG.normal(size=(d, d)))[0], hermitian(d, RNG)

    def state(t: float) -> State:
        scores = logits + t * dl
        return SpectralState(scores - np.log(np.exp(scores).sum()), w @ scipy.linalg.expm(1j * t * a))

    p = np.exp(logits) / np.exp(logits).sum()

    def pull(cotangent: tuple) -> float:
        g, c = cotangent
        return g @ (dl - p @ dl) + np.vdot(c, 1j * w @ a).real

    return state, pull


@every("family", [dense, classical, gibbs, gibbs_diagonal, spectral])
@every("name", LOSSES | HAMILTONIAN_LOSSES)
@every("d", [2, 3, 4])
def test_cotangent_is_the_derivative_of_the_value(name: str, family, d: int) -> None:
    loss = (LOSSES | HAMILTONIAN_LOSSES)[name]()
    rho = hermitian(d, RNG) if name in HAMILTONIAN_LOSSES else states.ginibre(qubit_dims(d), RNG)
    state, pull = family(d)
    value, cotangent = loss.value_and_cotangent(rho, state(0.0))
    assert value == pytest.approx(loss.value(rho, state(0.0)), rel=1e-12)
    h = 1e-4
    f = [loss.value(rho, state(k * h)) for k in (-2, -1, 1, 2)]
    numeric = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
    assert abs(numeric) > 1e-8
    assert pull(cotangent) == pytest.approx(numeric, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_the_floor_is_reached_at_the_target_and_is_a_floor(name: str) -> None:
    loss = LOSSES[name]()
    for d in (1, 2, 4):
        rho = states.ginibre(qubit_dims(d), RNG)
        assert loss.value(rho, rho) == pytest.approx(loss.floor(rho), abs=2e-13)
        for _ in range(20):
            assert loss.value(rho, states.ginibre(qubit_dims(d), RNG)) >= loss.floor(rho) - 1e-12
    assert loss.name == name
    assert repr(loss) == f"{type(loss).__name__}()"


@pytest.mark.parametrize("loss", [Infidelity(), losses.Renyi(0.5)])
def test_turning_a_cold_state_under_a_mixed_target_changes_nothing(loss) -> None:
    """Eigenvalues down to exp(-400): their eigenvectors are known to rounding only."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        h = hermitian(4, rng)
        _, g = loss.value_and_cotangent(states.maximally_mixed(2), states.thermal(h / np.linalg.norm(h, 2), 200.0))
        _, v = np.linalg.eigh(h)
        inside = v.conj().T @ g @ v
        assert np.abs(inside - np.diag(np.diag(inside))).max() < 1e-7
        energies = np.sort(rng.uniform(0.0, 150.0, 4))
        sigma = SpectralState(-energies - np.logaddexp.reduce(-energies), v, 2)
        _, (_, turned) = loss.value_and_cotangent(states.maximally_mixed(2), sigma)
        moved = v.conj().T @ turned
        assert np.abs(moved - moved.conj().T).max() < 1e-7


def test_infidelity_of_a_pure_target_has_the_gradient_of_its_overlap() -> None:
    psi, sigma = states.haar_pure((2, 2), RNG), states.ginibre((2, 2), RNG)
    _, g = losses.Infidelity().value_and_cotangent(psi, sigma)
    assert np.abs(g + psi.matrix()).max() < 1e-12


def test_batches_broadcast() -> None:
    rho, sigma = states.ginibre((3,), RNG, batch=6), states.ginibre((3,), RNG)
    for measure in (
        losses.cross_entropy,
        losses.relative_entropy,
        losses.fidelity,
        losses.trace_distance,
        losses.hilbert_schmidt_distance,
    ):
        together = measure(rho, sigma)
        assert together.shape == (6,)
        for k in range(6):
            assert together[k] == pytest.approx(float(measure(rho[k], sigma)), rel=1e-12)


def test_states_of_different_dims_are_refused() -> None:
    for measure in (losses.cross_entropy, losses.fidelity, losses.trace_distance, losses.hilbert_schmidt_distance):
        with pytest.raises(InputError, match=r"equal dims; found \(2, 2\) \(rho\) and \(4,\) \(sigma\)"):
            measure(states.ghz(2), states.maximally_mixed((4,)))


def test_the_cross_entropy_of_a_known_pure_state_is_zero_and_not_minus_zero() -> None:
    assert np.copysign(1.0, losses.cross_entropy(states.basis_state("0"), states.basis_state("0"))) == 1.0


def test_rounding_has_no_direction_in_the_trace_distance() -> None:
    rho = states.ginibre((2, 2), np.random.default_rng(0))
    near = DensityMatrix(rho.matrix() + 1e-16 * np.diag([1.0, -1.0, 1.0, -1.0]))
    _, cotangent = losses.TraceDistance().value_and_cotangent(rho, near)
    assert np.abs(cotangent).max() == 0.0


def test_renyi_entropies_of_orthogonal_states_say_why_they_are_infinite() -> None:
    zero, one = states.basis_state("0"), states.basis_state("1")
    tilted, plus, minus = (DensityMatrix.from_vector(v) for v in ([0.6, 0.8], [0.5**0.5] * 2, [0.5**0.5, -(0.5**0.5)]))
    assert losses.Renyi(0.6).value(zero, one) == np.inf
    assert losses.Renyi(0.6).value(plus, minus) == np.inf
    assert losses.Renyi(0.6).value(DensityMatrix.from_vector([0.8, -0.6]), tilted) == np.inf
    assert "orthogonal" in losses.Renyi(0.6).why_infinite(zero, one)
    assert losses.Renyi(1.5).value(tilted, one) == np.inf
    assert "orthogonal" not in losses.Renyi(1.5).why_infinite(tilted, one)


def test_fidelities_and_trace_distances_are_never_above_one():
    """Not by rounding either: the angle arccos(sqrt F) exists."""
    rng = np.random.default_rng(0)
    found, derived, distances = [], [], []
    for _ in range(200):
        u = haar_unitaries(rng, (4, 4))
        pure, mixed = DensityMatrix.from_vector(u[:, 0]), DensityMatrix((u * [0.4, 0.3, 0.2, 0.1]) @ u.conj().T)
        found += [fidelity(mixed, mixed), fidelity(DensityMatrix(pure.matrix()), pure), fidelity(pure, pure)]
        derived.append(Infidelity().value_and_cotangent(mixed, mixed)[0])
        distances.append(trace_distance(pure, DensityMatrix.from_vector(u[:, 1])))
    assert max(found) == max(distances) == 1.0
    assert min(derived) == 0.0
    assert found == pytest.approx([1.0] * len(found), abs=1e-13)
    assert distances == pytest.approx([1.0] * len(distances), abs=1e-13)


NO_PAIR = {
    "a word": "spam",
    "nothing": None,
    "an object": object(),
    "a state on other sites": states.maximally_mixed((3,)),
    "a batch": DensityMatrix.from_probabilities(np.array([[0.5, 0.5], [0.1, 0.9]])),
    "an operator": pauli("X"),
    "expectations": Moments([pauli("X")], [0.1]),
    "no density matrix": np.ones((2, 2)),
}


@every("value", NO_PAIR)
@every("name", EVERY_LOSS)
def test_losses_that_are_called_without_accept_refuse_in_a_sentence(name: str, value: str) -> None:
    z, labels = PauliMeasurement(["Z"]), NO_PAIR["a batch"]
    loss = losses.ClassicalCrossEntropy(z) if name == "classical_cross_entropy" else EVERY_LOSS[name]()
    target, sigma = Counts(z, [3, 1]), GibbsState([0.0, 1.0])
    if name in HAMILTONIAN_LOSSES:
        target = pauli("Z")
    elif name in losses.LABEL_LOSSES:
        target, sigma = labels, labels
    elif name in LOSSES and name not in losses.COUNT_LOSSES:
        target = states.maximally_mixed((2,))
    if (name in losses.LABEL_LOSSES and value == "a batch") or (name == "expectation" and value == "an operator"):
        return
    for call in (loss.value, loss.value_and_cotangent):
        with pytest.raises(InputError):
            call(target, NO_PAIR[value])
        with contextlib.suppress(InputError):  # some are targets of some losses
            call(NO_PAIR[value], sigma)
    with contextlib.suppress(InputError):
        loss.floor(NO_PAIR[value])
    with contextlib.suppress(InputError):
        loss.why_infinite(NO_PAIR[value], sigma)


@every("name", [name for name in LOSSES if name != "mmd"])
def test_arrays_stand_for_states_in_losses_of_states(name: str) -> None:
    rho, sigma = np.diag([0.6, 0.4]), np.array([[0.5, 0.1], [0.1, 0.5]])
    loss = LOSSES[name]()
    expected = loss.value_and_cotangent(DensityMatrix(rho), DensityMatrix(sigma))
    found = loss.value_and_cotangent(rho, sigma.tolist())
    assert found[0] == expected[0] == pytest.approx(loss.value(rho, sigma), abs=1e-14)
    assert np.array_equal(found[1], expected[1])


@pytest.mark.parametrize("gap", [700.0, 1440.0, 1480.0, 1600.0])
def test_infidelities_where_float64_hardly_holds_the_square_root_of_a_weight(gap: float) -> None:
    """F = exp(-gap): zero, with its derivative, and no overflow on the way."""
    loss, sigma = Infidelity(), GibbsState(np.diag([0.0, gap]).astype(complex))
    value, cotangent = loss.value_and_cotangent(states.basis_state("1"), sigma)
    assert value == 1.0
    assert np.abs(cotangent).max() < 1e-300


@pytest.mark.parametrize("seed", [0, 6, 12, 38])
def test_cold_factors_of_a_product_have_the_slopes_of_their_infidelity(seed: int) -> None:
    """A product of populations as small as 1e-26 would be divided by, and multiplied back after it was rounded."""
    rng = np.random.default_rng(seed)
    first, axis = DensityMatrix.from_probabilities(np.array([0.7, 0.3])), haar_unitaries(rng, (2, 2))
    k, turn = axis * [0.0, 60.0] @ axis.conj().T, axis @ np.array([[0.0, 1.0], [1.0, 0.0]]) @ axis.conj().T
    rho, h = states.ginibre(2, rng), 1e-3

    def at(t: float) -> states.ProductState:
        return states.ProductState([first, GibbsState(k + t * turn)])

    _, (_, of_k) = Infidelity().value_and_cotangent(rho, at(0.0))
    expected = (Infidelity().value(rho, at(h)) - Infidelity().value(rho, at(-h))) / (2 * h)
    assert np.vdot(of_k, turn).real == pytest.approx(expected, abs=1e-8)


ALONG_DIAGONALS = [*(loss() for loss in LOSSES.values()), Renyi(0.5), Renyi(1.5, "petz")]


@pytest.mark.parametrize("loss", ALONG_DIAGONALS, ids=str)
def test_diagonal_states_take_no_matrices(loss, monkeypatch) -> None:
    """The derivative is that of the same states as matrices, and twelve qubits need no matrix of theirs."""
    rng = np.random.default_rng(4)
    rho = DensityMatrix.from_probabilities(rng.dirichlet(np.ones(8)))
    for sigma in (DensityMatrix.from_probabilities(rng.dirichlet(np.ones(8))), GibbsState(rng.normal(size=8))):
        value, cotangent = loss.value_and_cotangent(rho, sigma)
        exact, slope = loss.value_and_cotangent(DensityMatrix(rho.matrix()), DensityMatrix(sigma.matrix()))
        assert value == pytest.approx(exact, rel=1e-12)
        assert np.abs(cotangent).max() > 1e-3
        assert cotangent == pytest.approx(sigma.pull_matrix(slope), rel=1e-11, abs=1e-14)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**6)
    monkeypatch.setattr("numpy.linalg.eigh", None)
    rho, sigma = DensityMatrix.from_probabilities(rng.dirichlet(np.ones(2**12))), GibbsState(rng.normal(size=2**12))
    tracemalloc.start()
    try:
        loss.value_and_cotangent(rho, sigma)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_infidelities_of_factors_take_no_matrices(monkeypatch) -> None:
    rng = np.random.default_rng(6)
    for rank in (1, 2, 4):
        rho, sigma = states.ginibre(3, rng, rank=2), states.ginibre(3, rng, rank=rank)
        value, cotangent = Infidelity().value_and_cotangent(rho, sigma)
        exact, slope = Infidelity().value_and_cotangent(rho, DensityMatrix(sigma.matrix()))
        assert value == pytest.approx(exact, rel=1e-12)
        assert cotangent == pytest.approx(sigma.pull_matrix(slope), rel=1e-6, abs=1e-7)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**7)
    rho, sigma = states.haar_pure(15, rng), states.haar_pure(15, rng)
    value, cotangent = Infidelity().value_and_cotangent(rho, sigma)
    overlap = np.vdot(rho.factor, sigma.factor)
    assert value == pytest.approx(1 - abs(overlap) ** 2, rel=1e-12)
    assert cotangent == pytest.approx(-2 * overlap * rho.factor, rel=1e-10)
