"""One test for every row of docs/explanation/conventions.md."""

import numpy as np
import pytest
import scipy.linalg

from qml import Circuit, GibbsModel, channels, fit, gates, losses, states
from qml._checks import InputError
from qml.engines import ReferenceEngine
from qml.operators import pauli, tfim
from qml.processes import Experiments, GateSetModel, as_process
from qml.states import DensityMatrix, GibbsState

X, Y, Z = (pauli(p).matrix() for p in "XYZ")
NONE = np.zeros(0)


def run(circuit: Circuit, initial: states.State | None = None) -> np.ndarray:
    return ReferenceEngine().evolve(circuit.compile(), NONE, initial).matrix()


def test_rho_is_data_and_sigma_the_model_in_nats() -> None:
    rho, sigma = DensityMatrix.from_probabilities([1.0, 0.0]), DensityMatrix.from_probabilities([0.25, 0.75])
    assert float(losses.cross_entropy(rho, sigma)) == pytest.approx(np.log(4))
    assert float(losses.cross_entropy(sigma, rho)) == np.inf


def test_qubit_0_is_leftmost() -> None:
    assert run(Circuit(3, [gates.X(0)]))[4, 4] == 1
    assert np.abs(pauli("ZI").matrix() - np.diag([1, 1, -1, -1])).max() == 0
    assert states.basis_state("011").probabilities().argmax() == 3


def test_rotations_have_half_angles() -> None:
    for gate, p in ((gates.RX, X), (gates.RY, Y), (gates.RZ, Z)):
        u = gate.matrix(np.array([0.7]))
        assert np.abs(u - scipy.linalg.expm(-0.35j * p)).max() < 1e-15
    zz = np.kron(Z, Z)
    assert np.abs(gates.RZZ.matrix(np.array([0.7])) - scipy.linalg.expm(-0.35j * zz)).max() < 1e-15


def test_fidelity_is_squared_and_trace_distance_has_one_half() -> None:
    zero, mixed = states.basis_state("0"), states.maximally_mixed((2,))
    assert float(losses.fidelity(zero, mixed)) == pytest.approx(0.5)
    assert float(losses.trace_distance(zero, states.basis_state("1"))) == 1.0


def test_depolarizing_and_pauli_error() -> None:
    rho = states.ginibre((2,), np.random.default_rng(0))
    got = run(Circuit(1, [channels.Depolarizing(0.3, 0)]), rho)
    assert np.abs(got - (0.7 * rho.matrix() + 0.3 * np.eye(2) / 2)).max() < 1e-15
    q = 0.3
    want = (1 - q) * rho.matrix() + q / 3 * sum(p @ rho.matrix() @ p for p in (X, Y, Z))
    assert np.abs(run(Circuit(1, [channels.PauliError(q, 0)]), rho) - want).max() < 1e-15
    two = states.ginibre((2, 2), np.random.default_rng(1))
    got = run(Circuit(2, [channels.Depolarizing2(0.3, 0, 1)]), two)
    assert np.abs(got - (0.7 * two.matrix() + 0.3 * np.eye(4) / 4)).max() < 1e-15
    assert channels.Depolarizing.domains[0].high == pytest.approx(4 / 3)
    assert channels.Depolarizing2.domains[0].high == pytest.approx(16 / 15)
    assert np.abs(run(Circuit(2, [channels.PauliError2(15 / 16 * 0.3, 0, 1)]), two) - got).max() < 1e-15  # p = q 16/15


def test_damping() -> None:
    plus = DensityMatrix(np.full((2, 2), 0.5))
    assert run(Circuit(1, [channels.PhaseDamping(0.36, 0)]), plus)[0, 1] == pytest.approx(0.4)
    out = run(Circuit(1, [channels.GeneralizedAmplitudeDamping(1.0, 0.2, 0)]), plus)
    assert out[1, 1] == pytest.approx(0.2)  # the excited population
    out = run(Circuit(1, [channels.AmplitudeDamping(0.3, 0)]), states.basis_state("1"))
    assert out[1, 1] == pytest.approx(0.7)


def test_readout_error_is_reported_given_true() -> None:
    p01, p10 = 0.1, 0.3  # P(report 0 | true 1), P(report 1 | true 0)
    channel = channels.ReadoutError
    names = channel.parameter_names
    values = {"p01": p01, "p10": p10}
    out = run(Circuit(1, [channel(*(values[name] for name in names), 0)]), states.basis_state("1"))
    assert out[0, 0] == pytest.approx(p01)
    out = run(Circuit(1, [channel(*(values[name] for name in names), 0)]), states.basis_state("0"))
    assert out[1, 1] == pytest.approx(p10)


def test_u3_and_iswap() -> None:
    t, p, lam = 0.3, 0.5, 0.7
    want = [
        [np.cos(t / 2), -np.exp(1j * lam) * np.sin(t / 2)],
        [np.exp(1j * p) * np.sin(t / 2), np.exp(1j * (p + lam)) * np.cos(t / 2)],
    ]
    assert np.abs(gates.U3.matrix(np.array([t, p, lam])) - want).max() < 1e-15
    assert gates.ISWAP.matrix(NONE)[1, 2] == 1j


def test_controls_come_first() -> None:
    assert run(Circuit(2, [gates.X(1), gates.CNOT(1, 0)]))[3, 3] == 1
    assert run(Circuit(2, [gates.X(1), gates.CNOT(0, 1)]))[1, 1] == 1
    assert run(Circuit(3, [gates.X(0), gates.X(2), gates.Toffoli(2, 0, 1)]))[7, 7] == 1


def test_gibbs_states_and_thermal_states() -> None:
    assert GibbsState([0.0, np.log(3)]).probabilities() == pytest.approx([0.75, 0.25])
    h = tfim(2, J=1.0, h=0.5)
    want = scipy.linalg.expm(-0.7 * h.matrix())
    assert np.abs(states.thermal(h, 0.7).matrix() - want / np.trace(want)).max() < 1e-15


def test_choi_states_have_the_input_first_and_unit_trace() -> None:
    damped = as_process(channels.AmplitudeDamping(0.36, 0))
    expected = np.zeros((2, 2, 2, 2), dtype=complex)  # input, output; input, output
    kraus = channels.AmplitudeDamping.kraus(np.array([0.36]))
    for i, j in np.ndindex(2, 2):
        unit = np.zeros((2, 2))
        unit[i, j] = 1
        expected[i, :, j, :] = sum(k @ unit @ k.conj().T for k in kraus) / 2
    assert np.allclose(damped.choi.matrix(), expected.reshape(4, 4))
    assert np.isclose(np.trace(damped.choi.matrix()), 1)


def test_transfer_matrices_and_superoperators() -> None:
    process = as_process(gates.S)
    paulis = [pauli(word).matrix() for word in "IXYZ"]
    u = gates.S.matrix(np.zeros(0))
    images = [u @ q @ u.conj().T for q in paulis]
    assert np.allclose(process.transfer_matrix(), [[np.trace(p @ image) / 2 for image in images] for p in paulis])
    assert np.allclose(process.superoperator(), np.kron(u, u.conj()))


def test_a_lindblad_equation_decays_at_its_rate_and_turns_about_its_hamiltonian() -> None:
    decay = channels.Lindblad(jumps={"gamma": [[0, 1], [0, 0]]})
    excited = as_process(decay(2.0, 0.3, 0)).apply([0.0, 1.0])
    assert np.isclose(excited.probabilities()[1], np.exp(-2.0 * 0.3))
    turn = as_process(channels.Lindblad({"h": "Z"})(0.7, 0.5, 0))
    assert np.allclose(turn.choi.matrix(), as_process(gates.RZ(2 * 0.7 * 0.5, 0)).choi.matrix())


def test_the_first_gate_of_a_word_acts_first() -> None:
    model = GateSetModel({"Y90": Circuit(1, [gates.RY(np.pi / 2, 0)]), "H": gates.H}, kind="known")
    z = {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}
    words = Experiments([("0", ("H", "Y90"), "Z"), ("0", ("Y90", "H"), "Z")], {"0": [1.0, 0.0]}, z)
    assert np.allclose(model.predict((), words), [0.0, 1.0, 1.0, 0.0])


def test_the_gradient_of_a_function_of_sigma_is_hermitian() -> None:
    rho, sigma = (states.ginibre((3,), np.random.default_rng(k)) for k in range(2))
    _, g = losses.CrossEntropy().value_and_cotangent(rho, sigma)
    assert np.abs(g - g.conj().T).max() < 1e-13
    x = np.diag([1.0, -1.0, 0.0]) * 1e-6
    moved = float(losses.cross_entropy(rho, DensityMatrix(sigma.matrix() + x)))
    back = float(losses.cross_entropy(rho, DensityMatrix(sigma.matrix() - x)))
    assert moved != back
    assert np.trace(g @ x).real == pytest.approx((moved - back) / 2, rel=1e-6)


def test_batches_lead() -> None:
    batch = states.ginibre((2,), np.random.default_rng(0), batch=5)
    assert batch.matrix().shape == (5, 2, 2)
    assert batch.matrix().dtype == np.complex128
    assert batch.probabilities().dtype == np.float64


def test_randomness_comes_from_a_generator_and_a_bare_seed_only_at_the_top() -> None:
    with pytest.raises(InputError, match="rng must be a numpy Generator"):
        states.haar_pure((2,), 0)
    same = [states.haar_pure((2,), np.random.default_rng(5)).matrix() for _ in range(2)]
    assert np.array_equal(*same)
    model, target = GibbsModel(tfim(2)), states.maximally_mixed((2, 2))
    a, b, c = (fit(model, target, seed=seed, max_iterations=2).params for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
