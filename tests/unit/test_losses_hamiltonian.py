"""Energies and free energies: floors, derivatives where the rank is not full, fits of every optimizer, refusals."""

import math

import numpy as np
import pytest
import scipy.linalg
from helpers.arrays import hermitian

from qml import (
    CholeskyModel,
    CircuitModel,
    FitResult,
    GibbsModel,
    GibbsState,
    LargeGibbsModel,
    ProductModel,
    PurifiedCircuitModel,
    SpectralModel,
    basis_state,
    channels,
    check_gradient,
    circuits,
    fidelity,
    fit,
    gates,
    ginibre,
    relative_entropy,
    thermal,
)
from qml._checks import InputError, MemoryRefused
from qml.circuits import Circuit
from qml.engines import PauliState
from qml.engines.pauli_state import vector_of
from qml.losses import HAMILTONIAN_LOSSES, Expectation, FreeEnergy, default_loss
from qml.operators import PauliSum, pauli, tfim
from qml.optimizers import LBFGS, SPSA, Adam, GradientDescent, MirrorDescent, NaturalGradient, ParameterShift
from qml.states import DensityMatrix, ProductState, maximally_mixed

H = tfim(2, h=0.7)
GROUND = float(np.linalg.eigvalsh(H.matrix())[0])


def floor_of(beta: float, h: np.ndarray) -> float:
    return -math.log(np.trace(scipy.linalg.expm(-beta * h)).real)


# values and floors ----------------------------------------------------------------------------------------------------


def test_the_floor_is_the_ground_energy_and_minus_log_z() -> None:
    for h in (H, H.matrix(), dict(H.terms)):
        assert Expectation().floor(h) == pytest.approx(GROUND, abs=1e-13)
        for beta in (0.0, 0.3, 2.0):
            assert FreeEnergy(beta).floor(h) == pytest.approx(floor_of(beta, H.matrix()), abs=1e-12)
    assert FreeEnergy(1e4).floor(H) == pytest.approx(1e4 * GROUND, rel=1e-13)  # nothing overflows


def test_the_gap_of_a_free_energy_is_the_relative_entropy_from_the_thermal_state() -> None:
    rng = np.random.default_rng(0)
    sigma, loss = ginibre((2, 2), rng), FreeEnergy(0.8)
    gap = loss.value(H, sigma) - loss.floor(H)
    assert gap == pytest.approx(float(relative_entropy(sigma, thermal(H, 0.8))), abs=1e-12)
    assert loss.value(H, thermal(H, 0.8)) == pytest.approx(loss.floor(H), abs=1e-13)
    pure = basis_state("01")
    assert loss.value(H, pure) == pytest.approx(0.8 * pure.expect(H), abs=1e-15)


def test_beyond_what_is_diagonalised_the_floor_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qml.losses.hamiltonian.LARGEST_DIM", 4)
    found = fit(CircuitModel(circuits.hardware_efficient(3, 1)), tfim(3), seed=0, max_iterations=3)
    assert math.isnan(found.floor)
    assert found.loss < found.history.loss[0]
    assert math.isnan(FreeEnergy(1.0).floor(tfim(3)))
    assert "nan" in found.summary()


# derivatives ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held_as", ["matrix", "vector"])
@pytest.mark.parametrize("loss", [Expectation(), FreeEnergy(0.6)], ids=repr)
def test_derivatives_along_states_of_one_rank_are_right_where_it_is_not_full(held_as: str, loss) -> None:
    """Turned by a unitary and with other weights, a state of rank two of dimension four."""
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    turn, by = hermitian(4, rng), np.array([0.2, -0.2, 0.0, 0.0])

    def state(t: float):
        u = scipy.linalg.expm(1j * t * turn) @ basis
        m = (u * (np.array([0.7, 0.3, 0.0, 0.0]) + t * by)) @ u.conj().T
        return DensityMatrix._trusted(m) if held_as == "matrix" else PauliState._trusted(vector_of(m, 2), 2)

    value, cotangent = loss.value_and_cotangent(H, state(0.0))
    assert value == pytest.approx(loss.value(H, state(0.0)), abs=1e-14)
    h = 1e-3
    f = [loss.value(H, state(k * h)) for k in (-2, -1, 1, 2)]
    m = [state(k * h).matrix() if held_as == "matrix" else state(k * h).pauli_vector for k in (-1, 1)]
    slope = np.vdot(cotangent, (m[1] - m[0]) / (2 * h)).real
    assert slope == pytest.approx((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h), abs=1e-5)
    assert abs(slope) > 0.05


def test_a_factor_knows_the_derivative_where_its_rank_changes() -> None:
    """-S falls by x^2 log(1/x^2) for the column x: its derivative in x vanishes at zero, and tends to that."""
    for x in (0.0, 1e-8):
        a = np.diag([math.sqrt(1 - x * x), x]).astype(complex)
        _, c = FreeEnergy(1.0).value_and_cotangent(pauli("X", 0.5), DensityMatrix.from_factor(a))
        assert abs(c[1, 1]) <= 2.01 * x * abs(math.log(x * x)) if x else c[1, 1] == 0


def test_every_representation_agrees_on_the_derivative_of_an_energy() -> None:
    """Those that read a Pauli sum on their own, against the matrix."""
    rng = np.random.default_rng(2)
    psi = rng.normal(size=(8, 2)) + 1j * rng.normal(size=(8, 2))
    factor = DensityMatrix.from_factor(psi / np.linalg.norm(psi), smoothing=0.1)
    h = tfim(3) + pauli("XYZ", 0.3)
    vector = PauliState._trusted(vector_of(factor.matrix(), 3), 3)
    for state in (factor, vector, ProductState([ginibre(1, rng), ginibre(2, rng)])):
        value, of_sum = Expectation().value_and_cotangent(h, state)
        same, of_matrix = Expectation().value_and_cotangent(h.matrix(), state)
        assert value == pytest.approx(same, abs=1e-13)
        parts = (of_sum, of_matrix) if isinstance(of_sum, tuple) else ((of_sum,), (of_matrix,))
        for a, b in zip(*parts, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-13)


def test_the_energy_of_a_pure_circuit_forms_no_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a matrix was formed")

    monkeypatch.setattr(PauliSum, "matrix", refuse)
    monkeypatch.setattr(DensityMatrix, "matrix", refuse)
    monkeypatch.setattr("qml.losses.hamiltonian.LARGEST_DIM", 4)
    found = fit(PurifiedCircuitModel(circuits.hardware_efficient(3, 2), 0), tfim(3), seed=0, max_iterations=5)
    assert found.loss < found.history.loss[0]


# fits -----------------------------------------------------------------------------------------------------------------


ROTATIONS = circuits.hardware_efficient(2, 2)
NOISY = circuits.hardware_efficient(2, 1).then(channels.Depolarizing("p", 0), channels.Depolarizing("q", 1))
THERMAL = {
    "Gibbs": GibbsModel.all_paulis(2, weight=2),
    "spectral": SpectralModel(ROTATIONS, "table"),
    "Cholesky": CholeskyModel((2, 2)),
    "purified": PurifiedCircuitModel(circuits.hardware_efficient(4, 4), 2),
}


@pytest.mark.parametrize("name", THERMAL)
def test_thermal_states_in_one_call(name: str) -> None:
    found = fit(THERMAL[name], H, loss=FreeEnergy(0.9), seed=1, restarts=2)
    assert 0 <= found.gap + 1e-13 < 1e-7
    assert fidelity(found.state, thermal(H, 0.9)) > 1 - 1e-6
    assert "D(sigma||rho_beta)" in found.summary()


@pytest.mark.parametrize(
    "optimizer",
    [LBFGS(), GradientDescent(0.2), Adam(0.05), NaturalGradient("bures"), ParameterShift(0.2), SPSA()],
    ids=lambda optimizer: optimizer.name,
)
def test_ground_states_by_every_optimizer_that_applies(optimizer) -> None:
    found = fit(CircuitModel(ROTATIONS), H, optimizer=optimizer, seed=3, max_iterations=400)
    assert found.loss >= GROUND - 1e-12
    assert found.gap < (0.05 if optimizer.name == "spsa" else 1e-4)
    assert found.gap == pytest.approx(found.loss - GROUND, abs=1e-12)


def test_one_natural_step_finds_the_thermal_state_of_a_family_that_has_it() -> None:
    """There D(sigma||rho_beta) has the gradient g (theta - theta*), with g the metric."""
    model = GibbsModel(H)
    step = NaturalGradient(learning_rate=1.0, damping=1e-9)
    found = fit(model, H, loss=FreeEnergy(1.3), optimizer=step, params0=[0.1, -0.2, 0.3], max_iterations=1)
    np.testing.assert_allclose(found.params, 1.3 * np.array(H.coefficients), atol=1e-7)
    mirror = fit(model, H, loss=FreeEnergy(1.3), optimizer=MirrorDescent(), seed=0, max_iterations=200)
    assert mirror.gap < 1e-8


def test_a_noisy_circuit_and_a_product_stop_above_the_floor() -> None:
    noise = Circuit(2, [gates.RY("a", 0), gates.RY("b", 1), gates.CNOT(0, 1), channels.Depolarizing(0.1, 0)])
    found = fit(CircuitModel(noise), H, seed=0)
    assert found.gap > 0.01
    mean_field = fit(ProductModel([CholeskyModel((2,))] * 2), H, loss=FreeEnergy(0.9), seed=0)
    assert 1e-3 < mean_field.gap == pytest.approx(float(relative_entropy(mean_field.state, thermal(H, 0.9))), abs=1e-9)
    theta = np.random.default_rng(5).normal(size=NOISY.n_params)
    assert check_gradient(CircuitModel(NOISY), H, FreeEnergy(0.5), theta).ok


def test_a_gibbs_model_is_on_its_way_to_the_ground_state_and_says_so() -> None:
    found = fit(GibbsModel(H), H, seed=0)
    assert found.gap < 1e-6
    assert "No finite optimum" in found.status


def test_the_result_keeps_the_hamiltonian_in_files(tmp_path) -> None:
    found = fit(GibbsModel(H), H, loss=FreeEnergy(), seed=0)
    found.save(tmp_path / "fit.npz")
    again = FitResult.load(tmp_path / "fit.npz")
    assert again.target == H
    assert again.summary() == found.summary()
    with pytest.raises(InputError, match="the fidelity needs a state as the target; this fit learnt PauliSum"):
        _ = again.fidelity


# what stands for a Hamiltonian, and what does not ---------------------------------------------------------------------


def test_what_stands_for_a_hamiltonian() -> None:
    sigma = ginibre((2, 2), np.random.default_rng(4))
    values = [Expectation().value(h, sigma) for h in (H, H.matrix(), dict(H.terms))]
    assert values == pytest.approx([sigma.expect(H)] * 3, abs=1e-14)
    assert Expectation().value("ZZ", sigma) == sigma.expect("ZZ")
    assert isinstance(default_loss(H), Expectation)
    qutrit = np.diag([0.0, 1.0, 5.0])
    found = fit(CholeskyModel((3,)), qutrit, loss=FreeEnergy(0.5), seed=0)
    np.testing.assert_allclose(found.state.matrix(), thermal(qutrit, 0.5).matrix(), atol=1e-5)
    assert repr(FreeEnergy()) == "FreeEnergy()"
    assert repr(FreeEnergy(0.5)) == "FreeEnergy(beta=0.5)"
    assert all(loss().name == name for name, loss in HAMILTONIAN_LOSSES.items())


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (tfim(3), r"the Hamiltonian must act on sites of dimensions \(2, 2\); found a Pauli sum on 3 qubits"),
        (PauliSum.from_terms({"XX": 1j}), "must be Hermitian; found a Pauli sum with complex"),
        (np.array([[0, 1], [0, 0]]), "shape|dimension"),
        (np.triu(np.ones((4, 4))), "the Hamiltonian must be Hermitian"),
        (maximally_mixed((2, 2)), "must be a Hamiltonian.*use CrossEntropy"),
        ("ZQ", "Q"),
        (3.0, "operator"),
    ],
)
def test_what_is_no_hamiltonian_is_refused(target, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit(CholeskyModel((2, 2)), target, loss="expectation")


@pytest.mark.parametrize("beta", [-0.1, math.inf, math.nan, "hot"])
def test_a_temperature_that_is_none_is_refused(beta) -> None:
    with pytest.raises(InputError, match="beta must be"):
        FreeEnergy(beta)


def test_a_state_learnt_by_the_cross_entropy_is_no_hamiltonian() -> None:
    with pytest.raises(InputError, match="target must be a State"):
        fit(CholeskyModel((2, 2)), H, loss="cross_entropy")
    with pytest.raises(InputError, match="needs covariances"):
        fit(LargeGibbsModel(tfim(2)), tfim(2), seed=0)
    with pytest.raises(InputError, match="track_fidelity needs a target that is a state; found PauliSum"):
        fit(CholeskyModel((2, 2)), H, track_fidelity=True)


@pytest.mark.parametrize("loss", [Expectation(), FreeEnergy(0.7)], ids=str)
def test_energies_of_diagonal_states_take_no_matrices(loss, monkeypatch) -> None:
    """X has no mean there, and the derivative is that of the same states as matrices."""
    rng = np.random.default_rng(5)
    for sigma in (DensityMatrix.from_probabilities(rng.dirichlet(np.ones(8))), GibbsState(rng.normal(size=8))):
        value, cotangent = loss.value_and_cotangent(tfim(3), sigma)
        exact, slope = loss.value_and_cotangent(tfim(3).matrix(), DensityMatrix(sigma.matrix()))
        assert value == pytest.approx(exact, rel=1e-13)
        assert np.abs(cotangent).max() > 1e-3
        assert cotangent == pytest.approx(sigma.pull_matrix(slope), rel=1e-12, abs=1e-14)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**6)
    loss.value_and_cotangent(tfim(12), GibbsState(rng.normal(size=2**12)))


def test_free_energies_of_vectors_are_refused_where_a_logarithm_would_not_fit(monkeypatch) -> None:
    sigma = DensityMatrix.from_vector(np.full(2**11, 2**-5.5))
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**6)
    with pytest.raises(MemoryRefused, match="a matrix of dimension 2048"):
        FreeEnergy().value_and_cotangent(tfim(11), sigma)
