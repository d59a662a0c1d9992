"""Pauli transfer matrices by their definition, and gates that are run as the turns that they consist of."""

from itertools import product

import numpy as np
import pytest
from helpers.engines import under_test
from scipy.stats import unitary_group

from qml import channels, gates
from qml._checks import MemoryRefused
from qml.circuits import Circuit
from qml.engines import ENGINES, ReferenceEngine
from qml.engines.transfer import PAULIS, transfer_derivatives, transfer_of
from qml.gates import UnitaryGate

STRINGS = {k: [np.array(p) for p in PAULIS] for k in (1,)}
for _k in (2, 3, 4):
    STRINGS[_k] = [np.kron(a, b) for a, b in product(STRINGS[_k - 1], PAULIS)]


@pytest.fixture(params=under_test({name: make() for name, make in ENGINES.items()}))
def engine(request):
    return request.param


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_transfer_matrix_of_a_unitary(k):
    u = unitary_group.rvs(2**k, random_state=k)
    found = transfer_of(UnitaryGate(u), np.zeros(0))
    rng, strings = np.random.default_rng(0), STRINGS[k]
    for _ in range(40):
        p, q = rng.integers(0, 4**k, 2)
        wanted = np.trace(strings[p] @ u @ strings[q] @ u.conj().T).real / 2**k
        assert found[p, q] == pytest.approx(wanted, abs=1e-15)
    assert np.abs(found @ found.T - np.eye(4**k)).max() < 1e-13


@pytest.mark.parametrize(
    ("instruction", "values"),
    [
        (gates.CRX, [0.4]),
        (gates.U3, [0.4, 0.2, -1.3]),
        (channels.GeneralizedAmplitudeDamping, [0.3, 0.2]),
        (channels.Depolarizing2, [0.3]),
    ],
)
def test_transfer_matrices_of_instructions_and_their_derivatives(instruction, values):
    values, k = np.array(values), instruction.n_sites
    s, strings = instruction.superoperator(values), np.reshape(STRINGS[k], (4**k, 4**k))
    np.testing.assert_allclose(
        transfer_of(instruction, values), (strings.conj() @ s @ strings.T).real / 2**k, atol=1e-15
    )
    slopes = transfer_derivatives(instruction, values)
    for p in range(len(values)):
        step = 1e-6 * np.eye(len(values))[p]
        wanted = (transfer_of(instruction, values + step) - transfer_of(instruction, values - step)) / 2e-6
        assert np.abs(wanted).max() > 1e-2
        np.testing.assert_allclose(slopes[p], wanted, atol=1e-9)


def test_a_transfer_matrix_that_does_not_fit_is_refused_before_its_superoperator_is_made(monkeypatch):
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**25)

    class Large(UnitaryGate):
        def matrix(self, params):
            raise AssertionError("made")

    gate = Large(np.eye(32))
    with pytest.raises(MemoryRefused, match="the Pauli transfer matrix on 5 qubits needs"):
        transfer_of(gate, np.zeros(0))
    with pytest.raises(MemoryRefused, match="the Pauli transfer matrix on 5 qubits needs"):
        transfer_derivatives(gates.PauliRotation("XXXXX"), np.zeros(1))


@pytest.mark.parametrize("angles", [("a", "b", "c"), ("a", 0.3, "a"), (0.7, "b", 0.2), ("a", "b", -0.4)])
def test_gates_that_consist_of_turns(engine, angles):
    """U3 = P(phi) RY(theta) P(lambda), with any of its parameters free or shared, and P itself; phases, too."""
    start = [gates.H(0), gates.RY("a", 1), gates.T(1), gates.P("d", 0)]
    circuit = Circuit(2, [*start, gates.U3(*angles, 0), gates.CNOT(0, 1), channels.AmplitudeDamping(0.1, 1)])
    program = circuit.then(gates.P("d", 1)).compile()
    theta = np.random.default_rng(2).normal(size=(3, program.n_params))
    expected = ReferenceEngine().evolve(program, theta)
    np.testing.assert_allclose(engine.evolve(program, theta).matrix(), expected.matrix(), atol=1e-14)
    along, directions = ReferenceEngine().evolve_jvp(program, theta[0])[1], np.eye(program.n_params)
    assert (np.abs(along(directions)).max(axis=(1, 2)) > 1e-2).all()
    np.testing.assert_allclose(engine.evolve_jvp(program, theta[0])[1](directions), along(directions), atol=1e-13)

    unitary = Circuit(2, [*start, gates.U3(*angles, 0), gates.CNOT(0, 1), gates.P("d", 1)]).compile()
    w, pull = ReferenceEngine().evolve_vectors_vjp(unitary, theta[0])
    found, own_pull = engine.evolve_vectors_vjp(unitary, theta[0])
    np.testing.assert_allclose(found, w, atol=1e-14)
    c = np.random.default_rng(3).normal(size=(4, 4)) * np.array([1, 1j, 2, 1])
    np.testing.assert_allclose(own_pull(c)[0], pull(c)[0], atol=1e-13)
