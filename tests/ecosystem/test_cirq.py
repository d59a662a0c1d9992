"""Cirq, where it is installed: what goes out and comes back is what Cirq says it is."""

from __future__ import annotations

import cirq
import numpy as np
import pytest
import sympy
from helpers.circuits import random_circuit
from helpers.instructions import draw
from helpers.processes import choi, close, placements, same
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import Circuit, Parameter, channels, gates
from qml._checks import InputError
from qml.channels import CHANNELS
from qml.engines import ReferenceEngine
from qml.gates import GATES
from qml.instructions import Operation
from qml.io import from_cirq, from_qasm, to_cirq

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
Q = cirq.LineQubit.range(4)


def its_state(circuit, n: int) -> np.ndarray:
    """What Cirq's own simulator makes of |0...0>."""
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    return simulator.simulate(circuit, qubit_order=Q[:n]).final_density_matrix


@pytest.mark.parametrize("noisy", [False, True])
@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_circuits_mean_the_same_there_and_come_back(noisy, seed):
    rng = np.random.default_rng([seed, noisy])
    circuit = random_circuit(rng, noisy=noisy)
    values = {name: rng.normal() for name in circuit.parameters}
    out = to_cirq(circuit)
    again = from_cirq(out, qubits=Q[:3])
    assert set(again.parameters) == set(circuit.parameters)
    bound = circuit.bind(values)
    assert close(choi(bound), choi(again.bind(values)))
    if not noisy:
        u = cirq.resolve_parameters(out, values).unitary(qubit_order=Q[:3], qubits_that_should_be_present=Q[:3])
        assert same(ReferenceEngine().evolve_vectors(bound, ()), u)
    elif seed % 10 == 0:
        theirs = its_state(cirq.resolve_parameters(out, values), 3)
        assert close(ReferenceEngine().evolve(bound, ()).matrix(), theirs)


@pytest.mark.parametrize("name", [*GATES, *CHANNELS])
def test_every_gate_and_channel_at_every_placement(name):
    instruction = GATES.get(name) or CHANNELS[name]
    rng = np.random.default_rng(1)
    for sites in placements(instruction.n_sites):
        operation = Operation(instruction, sites, tuple(draw(instruction, rng)))
        circuit = Circuit(3, [gates.U3(0.3, 0.4, 0.5, sites[0]), gates.CNOT(0, 1), gates.CNOT(1, 2), operation])
        out = to_cirq(circuit)
        assert close(choi(circuit), choi(from_cirq(out, qubits=Q[:3])))
        assert close(ReferenceEngine().evolve(circuit, ()).matrix(), its_state(out, 3))


def test_sites_that_nothing_acts_on_stay():
    circuit = Circuit(4, [gates.X(0), gates.CNOT(0, 2)])
    assert from_cirq(to_cirq(circuit)) == circuit
    assert from_cirq(to_cirq(Circuit(2), measured=[1]), measured=True) == (Circuit(2), (1,))


def test_gates_of_qutrits_come_in_by_their_matrices():
    q = cirq.LineQid.for_qid_shape((3, 2))
    excited = cirq.ControlledGate(cirq.X, control_values=[2], control_qid_shape=(3,))
    gates_of_both = [cirq.XPowGate(dimension=3)(q[0]), cirq.ZPowGate(dimension=3, exponent=0.3)(q[0]), excited(*q)]
    circuit = cirq.Circuit(gates_of_both, cirq.H(q[1]))
    found = from_cirq(circuit, qubits=q)
    assert found.dims == (3, 2)
    assert same(ReferenceEngine().evolve_vectors(found, ()), cirq.unitary(circuit))
    reset = from_cirq(cirq.Circuit(cirq.XPowGate(dimension=3)(q[0]), cirq.ResetChannel(3)(q[0])), qubits=q[:1])
    assert close(ReferenceEngine().evolve(reset, ()).matrix(), np.diag([1, 0, 0]))


A, B = sympy.symbols("a b")
EVERY = [
    cirq.X**A, cirq.Y**0.3, cirq.Z ** (A + 0.5), cirq.H**0.7, cirq.H**A, cirq.CX**A, cirq.CZ**0.3, cirq.SWAP**A,
    cirq.ISWAP**0.4, cirq.XX**A, cirq.YY**0.2, cirq.ZZ**A, cirq.PhasedXPowGate(phase_exponent=A, exponent=B),
    cirq.PhasedXZGate(x_exponent=A, z_exponent=0.3, axis_phase_exponent=B), cirq.FSimGate(A, B), cirq.CCX**A,
    cirq.CCZ**A, cirq.CSWAP, cirq.rx(A), cirq.PhasedFSimGate(0.1, 0.2, 0.3, 0.4, 0.5), cirq.ms(A), cirq.givens(A),
    cirq.PhasedISwapPowGate(phase_exponent=0.3, exponent=0.2), cirq.ControlledGate(cirq.X**A), cirq.riswap(A),
    cirq.MatrixGate(cirq.unitary(cirq.FSimGate(0.2, 0.3))), cirq.ControlledGate(cirq.H**A, control_values=[0]),
    cirq.ControlledGate(cirq.Z**0.3, num_controls=2), cirq.QuantumFourierTransformGate(3), cirq.SQRT_ISWAP, cirq.I,
    cirq.ControlledGate(cirq.XPowGate(exponent=A, global_shift=0.3)),
    cirq.PhaseGradientGate(num_qubits=3, exponent=0.3),
    cirq.SingleQubitCliffordGate.X_sqrt, cirq.ThreeQubitDiagonalGate([0.1 * k for k in range(8)]),
    cirq.PauliInteractionGate(cirq.Z, False, cirq.X, True) ** 0.3,
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(EVERY)))
def test_gates_of_cirq_come_in_alone_and_controlled(k):
    gate, values = EVERY[k], {"a": 0.37, "b": -0.6}
    n = cirq.num_qubits(gate)
    for circuit in (cirq.Circuit(gate(*Q[:n])), cirq.Circuit(gate(*Q[:n]).controlled_by(Q[3]))):
        found = from_cirq(circuit, qubits=Q)
        u = ReferenceEngine().evolve_vectors(found.bind({n: values[n] for n in found.parameters}), ())
        v = cirq.resolve_parameters(circuit, values).unitary(qubit_order=Q, qubits_that_should_be_present=Q)
        assert same(u, v)


NOISE = [
    cirq.bit_flip(0.1), cirq.phase_flip(0.2), cirq.depolarize(0.1), cirq.amplitude_damp(0.3), cirq.phase_damp(0.2),
    cirq.generalized_amplitude_damp(0.3, 0.2), cirq.asymmetric_depolarize(0.1, 0.2, 0.05), cirq.ResetChannel(),
    cirq.depolarize(0.2, n_qubits=2), cirq.MixedUnitaryChannel([(0.3, np.eye(2)), (0.7, cirq.unitary(cirq.X))]),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(NOISE)))
def test_channels_of_cirq_come_in(k):
    n = cirq.num_qubits(NOISE[k])
    circuit = cirq.Circuit(cirq.ry(0.7)(Q[0]), cirq.CX(*Q[:2]), NOISE[k](*Q[:2][::-1][:n]), cirq.H(Q[0]))
    assert close(ReferenceEngine().evolve(from_cirq(circuit), ()).matrix(), its_state(circuit, 2))


def test_measurements_expressions_and_circuits_within_circuits():
    inner = cirq.FrozenCircuit(cirq.rx(2 * A - B / 4 + 0.5)(Q[0]), cirq.CX(*Q[:2]))
    circuit = cirq.Circuit(cirq.CircuitOperation(inner).repeat(2), cirq.measure(Q[1], Q[0], key="m"))
    found, sites = from_cirq(circuit, measured=True)
    assert sites == (1, 0)
    assert found.instruction_counts() == {"RX": 2, "CNOT": 2}
    (p,) = found.operations[0].params
    assert dict(p.terms).keys() == {"a", "b"}
    assert np.isclose(p.value({"a": 1.0, "b": 2.0}), 2.0)
    assert from_cirq(to_cirq(Circuit(2, [gates.RX(Parameter("a"), 0)]), measured=[1]), measured=True)[1] == (1,)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_programs_that_cirq_writes_are_read_as_cirq_means_them(version):
    """To the ten digits that it writes; those of version 3 take a gate sxdg as known."""
    for seed in range(10):
        matrix = cirq.MatrixGate(cirq.testing.random_unitary(4, random_state=seed))
        circuit = cirq.Circuit(matrix(*Q[:2]), cirq.FSimGate(0.1, 0.2)(*Q[1:3]), cirq.CCX(*Q[:3]), (cirq.X**-0.5)(Q[0]))
        u, v = ReferenceEngine().evolve_vectors(from_qasm(circuit.to_qasm(version=version)), ()), circuit.unitary()
        phase = np.vdot(v, u)
        assert np.abs(u - v * phase / abs(phase)).max() < 1e-8


def test_what_has_no_counterpart_is_refused():
    m = cirq.measure(Q[0], key="m")
    for circuit, sentence in (
        (cirq.Circuit(m, cirq.X(Q[1]).with_classical_controls("m")), "depends on a measured result"),
        (cirq.Circuit(m, cirq.X(Q[0])), "is measured and used again"),
        (cirq.Circuit(cirq.rx(A * B)(Q[0])), "is not affine in its symbols"),
        (cirq.Circuit(cirq.WaitGate(cirq.Duration(nanos=3))(Q[0])), "a wait has no counterpart"),
        (cirq.Circuit(), "no qubits"),
        (
            cirq.Circuit(cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(Q[0])), repetitions=A)),
            "a circuit within the circuit repeats a times: give it a number",
        ),
        (cirq.Circuit(cirq.rx(1j * A)(Q[0])), "is not affine in its symbols, with real coefficients"),
        (cirq.Circuit(cirq.measure(*Q[:2], key="m", invert_mask=(True,))), "changes its results after it measured"),
        (cirq.Circuit(cirq.measure(Q[0], confusion_map={(0,): np.eye(2)})), "changes its results after it measured"),
        (cirq.Circuit(cirq.measure_single_paulistring(cirq.X(Q[0]) * cirq.Z(Q[1]))), "measures something else than"),
    ):
        with pytest.raises(InputError, match=sentence):
            from_cirq(circuit)
    for other in (3, cirq.Circuit, cirq.X(Q[0])):
        with pytest.raises(InputError, match="a circuit of Cirq is taken; found"):
            from_cirq(other)
    with pytest.raises(InputError, match="qubits must be distinct"):
        from_cirq(cirq.Circuit(cirq.CX(*Q[:2])), qubits=[*Q[:2], Q[0]])
    with pytest.raises(InputError, match="needs a number for 'p'"):
        to_cirq(Circuit(1, [channels.BitFlip("p", 0)]))
