"""Sampled Gibbs states: agreement with matrices, error bars that mean what they say, and learning from moments."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from helpers.cases import every

from qml import CrossEntropy, GibbsModel, check_gradient, fit, thermal, threads
from qml._checks import InputError, OutsideDomain
from qml.engines import ChainEngine, KrylovEngine, krylov
from qml.engines.thermal import ThermalEngine, ThermalEstimate
from qml.models import CircuitModel, LargeGibbsModel, ThermalState
from qml.moments import Moments
from qml.operators import PauliSum, heisenberg, pauli, tfim
from qml.states import GibbsState, ginibre

REAL = tfim(6, h=0.7)
COMPLEX = heisenberg(4, h=0.3) + 0.4 * pauli("XYII") + 0.2 * pauli("IIYI")


def z_scores(state: ThermalState, strings: PauliSum, exact: GibbsState) -> np.ndarray:
    """(estimate - exact) / error of log Z and of every string."""
    found, wanted = state.moments(strings), Moments.of(exact, strings)
    log_z = (float(state.log_partition()) - float(exact.log_partition())) / state.log_partition_error
    return np.array([log_z, *(found.values - wanted.values) / found.errors])


@pytest.mark.parametrize(
    ("hamiltonian", "beta"),
    [
        pytest.param(REAL, 0.3, id="real, hot"),
        pytest.param(COMPLEX, 1.0, id="complex, cold"),
        pytest.param(REAL, 1.0, id="real, cold", marks=pytest.mark.slow),
        pytest.param(COMPLEX, 0.3, id="complex, hot", marks=pytest.mark.slow),
    ],
)
def test_errors_are_calibrated(hamiltonian: PauliSum, beta: float) -> None:
    sampled = [ThermalState([hamiltonian], [beta], KrylovEngine(samples=16, seed=seed)) for seed in range(32)]
    exact = sampled[0].dense
    scores = np.array([z_scores(state, hamiltonian, exact) for state in sampled])
    count = len(scores)
    assert np.all(np.abs(scores.mean(axis=0)) < 4 / math.sqrt(count))  # standard errors of the mean
    spread = math.sqrt(float(np.square(scores).mean()))
    assert 0.85 < spread < 1.25  # Student's t with 15 degrees of freedom has 1.07
    assert np.all(scores.std(axis=0) < 1.5)


def test_more_samples_tell_more_and_extend_the_fewer() -> None:
    few, many = (ThermalState([REAL], [0.5], KrylovEngine(samples=count, seed=4)) for count in (32, 512))
    assert 2.5 < few.log_partition_error / many.log_partition_error < 6.4  # sqrt(16) = 4
    words, c = REAL.words, 0.5 * np.array(REAL.coefficients)
    draws = [krylov.sample(6, words, c, words, samples=count, seed=4, limit=400).log_weights for count in (11, 24)]
    assert np.array_equal(draws[0], draws[1][:11])


def test_a_huge_beta_is_the_ground_state_in_the_log_domain() -> None:
    state = ThermalState([REAL], [1e5], KrylovEngine(samples=16))
    ground = float(np.linalg.eigvalsh(REAL.matrix())[0])
    assert float(state.log_partition()) == pytest.approx(-1e5 * ground, rel=1e-5)
    assert float(state.expect(REAL)) == pytest.approx(ground, abs=1e-4)
    tiny = ThermalState([REAL], [1e-9])
    assert float(tiny.log_partition()) == pytest.approx(6 * math.log(2), abs=1e-7)


def test_a_constant_of_any_size_changes_no_expectation() -> None:
    plain, moved = (
        KrylovEngine(samples=16).thermal(REAL + c * pauli("I" * REAL.n_qubits), [REAL]) for c in (0.0, 1e16)
    )
    assert np.array_equal(moved.values, plain.values)
    assert np.array_equal(moved.errors, plain.errors)
    assert moved.log_partition == pytest.approx(-1e16, rel=1e-15)


@pytest.mark.parametrize("engine", [KrylovEngine(), ChainEngine()], ids=repr)
def test_couplings_that_no_number_resolves_are_outside_the_domain(engine: ThermalEngine) -> None:
    with pytest.raises(OutsideDomain, match=r"add up to 3e\+17 temperatures; above 1e\+10 rounding leaves no digit"):
        engine.thermal(tfim(2) * 1e17, ["ZI"])


def test_without_interactions_log_z_has_no_error() -> None:
    state = ThermalState([REAL], [0.0], KrylovEngine(samples=4))
    assert float(state.log_partition()) == pytest.approx(6 * math.log(2), abs=1e-13)
    assert state.log_partition_error < 1e-9
    assert float(state.entropy()) == pytest.approx(6 * math.log(2), abs=1e-12)


def test_a_state_on_one_qubit() -> None:
    state = ThermalState([pauli("Y"), pauli("Z")], [0.4, -0.2], KrylovEngine(samples=800))
    assert np.abs(z_scores(state, pauli("Y") + pauli("Z"), state.dense)).max() < 4


def test_a_constant_in_the_hamiltonian_moves_log_z_alone() -> None:
    plain = ThermalState([REAL], [0.5])
    moved = ThermalState([REAL + 3.0 * pauli("I" * 6)], [0.5])
    assert float(moved.log_partition()) == pytest.approx(float(plain.log_partition()) - 1.5, abs=1e-10)
    assert moved.moments(REAL).values == pytest.approx(plain.moments(REAL).values, abs=1e-9)


def test_imaginary_strings_vanish_exactly_in_a_real_state() -> None:
    found = ThermalState([REAL], [0.5]).moments([pauli("YIIIII"), pauli("XYIIII"), pauli("YYIIII")])
    assert np.array_equal(found.values[:2], [0.0, 0.0])
    assert found.values[2] != 0.0


def test_a_small_krylov_space_adds_its_error_to_the_bars() -> None:
    full, cut = ThermalState([REAL], [3.0]), ThermalState([REAL], [3.0], KrylovEngine(steps=8))
    off = abs(float(full.log_partition()) - float(cut.log_partition()))
    assert cut.engine_dimension == 8 < full.engine_dimension
    assert full.truncation < 1e-9 < off <= cut.truncation
    assert cut.log_partition_error > cut.truncation
    change = np.abs(full.expectations() - cut.expectations())
    assert change.max() > 1e-9
    assert np.all(change <= 2 * cut.truncation)


def test_the_number_of_threads_changes_no_bit() -> None:
    hamiltonian, found = tfim(13), []
    for count in (1, 2):
        with threads.pinned(count):
            state = ThermalState([hamiltonian], [0.2], KrylovEngine(samples=8))
            found.append((float(state.expect(hamiltonian)), float(state.log_partition())))
    assert len(set(found)) == 1


@pytest.mark.parametrize(("hamiltonian", "scale"), [(tfim(4, h=0.7), 2.0), (COMPLEX, 0.2)], ids=["real", "complex"])
def test_the_gradient_is_that_of_the_sampled_loss(hamiltonian: PauliSum, scale: float) -> None:
    model = LargeGibbsModel(hamiltonian, KrylovEngine(samples=8, seed=1))
    target = Moments.of(thermal(hamiltonian, 0.6), hamiltonian)
    theta = np.random.default_rng(0).normal(0.0, scale, model.n_params)
    gradient = target.values - model.state(theta).expectations()
    assert np.abs(gradient).min() > 1e-4
    assert check_gradient(model, target, params=theta, directions=3).ok


def test_a_state_as_target_serves_like_its_moments() -> None:
    model = LargeGibbsModel(COMPLEX, KrylovEngine(samples=8))
    rho = thermal(COMPLEX, 0.6)
    theta = np.linspace(-0.5, 0.5, model.n_params)
    loss = CrossEntropy()
    by_state = loss.value_and_cotangent(rho, model.state(theta))
    by_moments = loss.value_and_cotangent(Moments.of(rho, COMPLEX), model.state(theta))
    assert by_state[0] == pytest.approx(by_moments[0], rel=1e-13)
    assert by_state[1] == pytest.approx(by_moments[1], abs=1e-13)
    assert loss.value(rho, model.state(theta)) == pytest.approx(by_state[0], rel=1e-12)


def test_the_learnt_state_has_the_moments_of_the_target_within_the_errors() -> None:
    target = Moments.of(thermal(REAL, 0.5), REAL)
    result = fit(LargeGibbsModel(REAL, KrylovEngine(samples=64, seed=5)), target, seed=0, gradient_tolerance=1e-8)
    assert result.converged
    trained = result.state
    assert isinstance(trained, ThermalState)
    assert trained.expectations() == pytest.approx(target.values, abs=1e-7)
    true = Moments.of(trained.dense, REAL)
    scores = (true.values - target.values) / trained.expectation_errors()
    assert 0.3 < np.sqrt(np.square(scores).mean()) < 2.5


def test_whole_operators_are_generators_too() -> None:
    zz = sum(pauli("ZZ", sites=(i, i + 1), n=5) for i in range(4))
    x = sum(pauli("X", sites=(i,), n=5) for i in range(5))
    target = Moments.of(thermal(-0.4 * zz - 0.3 * x, 1.0), {"zz": zz, "x": x})
    model = LargeGibbsModel({"zz": zz, "x": x}, KrylovEngine(samples=160))
    result = fit(model, target, seed=0, gradient_tolerance=1e-6)
    assert result.parameter_names == ("zz", "x")
    assert result.params == pytest.approx([-0.4, -0.3], abs=0.06)


def test_other_losses_use_the_exact_matrix() -> None:
    from qml.losses import HilbertSchmidt

    model, dense = LargeGibbsModel(tfim(3)), GibbsModel(tfim(3))
    rho, theta = thermal(tfim(3, h=0.5), 0.8), np.linspace(-0.4, 0.6, 5)
    loss = HilbertSchmidt()
    found = []
    for known in (model, dense):
        state, pull = known.state_vjp(theta)
        value, cotangent = loss.value_and_cotangent(rho, state)
        found.append([value, *pull(cotangent)])
    assert found[0] == pytest.approx(found[1], abs=1e-13)
    assert np.abs(found[1][1:]).min() > 1e-4


class Enumerated(ThermalEngine):
    """Another engine: all eigenvalues, without errors."""

    def thermal(self, hamiltonian: PauliSum, observables: Sequence[PauliSum] = ()) -> ThermalEstimate:
        state = GibbsState(hamiltonian.matrix())
        values = np.array([state.expect(g) for g in observables])
        return ThermalEstimate(float(state.log_partition()), 0.0, values, np.zeros(len(values)), state.dim, 0.0)


def test_any_engine_of_thermal_states_serves() -> None:
    rho, theta = ginibre((2, 2, 2, 2), np.random.default_rng(0)), np.array([0.3, 0.2])
    generators = {"h": COMPLEX, "z": pauli("ZIII")}
    model, exact = LargeGibbsModel(generators, Enumerated()), GibbsModel(generators)
    assert float(model.state(theta).log_partition()) == pytest.approx(exact.state(theta).log_partition(), rel=1e-12)
    assert check_gradient(model, rho, params=theta).ok
    assert np.allclose(fit(model, rho, seed=0).params, fit(exact, rho, seed=0).params, atol=1e-4)
    with pytest.raises(InputError, match="engine must be"):
        LargeGibbsModel(generators, 32)  # type: ignore[arg-type]


@every(
    "make, sentence",
    [
        (lambda: LargeGibbsModel([np.eye(2)]), "must be a PauliSum"),
        (lambda: LargeGibbsModel([1j * pauli("X")]), "must be Hermitian"),
        (lambda: LargeGibbsModel([pauli("X"), pauli("XX")]), "generator 1 must act on sites"),
        (lambda: LargeGibbsModel([pauli("X"), pauli("X")]), "must be different"),
        (lambda: LargeGibbsModel(pauli("II")), "other than the identity"),
        (lambda: LargeGibbsModel(tfim(3), KrylovEngine(samples=1)), "samples must be an integer of at least 2"),
        (lambda: ThermalState([tfim(3)], [0.1, 0.2]), "shape"),
        (lambda: ThermalState([tfim(3)], [0.1]).moments(tfim(4)), "must have equal dims"),
    ],
)
def test_mistakes_are_told_in_a_sentence(make: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("engine", [KrylovEngine(), ChainEngine()], ids=repr)
def test_operators_that_are_not_hermitian_or_of_other_qubits_are_refused(engine: ThermalEngine) -> None:
    with pytest.raises(InputError, match="hamiltonian must be Hermitian; found a Pauli sum with complex"):
        engine.thermal({"ZZ": 1j})
    with pytest.raises(InputError, match="observable 1 must be Hermitian"):
        engine.thermal("ZZ", ["XX", {"XX": 1j}])
    with pytest.raises(InputError, match=r"observable 0 must act on sites .* found a Pauli sum on 3 qubits"):
        engine.thermal("ZZ", ["ZZZ"])


def test_what_would_not_fit_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(MemoryError, match="Krylov basis of 8 vectors of 40 qubits"):
        ThermalState([pauli("Z" * 40)], [1.0]).log_partition()
    with pytest.raises(MemoryError, match="Gibbs state of 40 qubits"):
        ThermalState([pauli("Z" * 40)], [1.0]).matrix()


def test_a_circuit_model_cannot_learn_from_moments() -> None:
    from qml.circuits import hardware_efficient

    model = CircuitModel(hardware_efficient(1, 1))
    with pytest.raises(InputError, match="needs a Gibbs model"):
        fit(model, Moments(pauli("Z"), [0.5]), seed=0)
