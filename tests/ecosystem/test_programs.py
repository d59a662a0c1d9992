"""OpenQASM as other tools read and write it: Qiskit, Braket and pytket, where they are installed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import pytket
import sympy
from braket import circuits as braket
from braket.circuits.serialization import IRType
from braket.devices import LocalSimulator
from braket.ir.openqasm import Program
from helpers.circuits import random_circuit
from helpers.processes import choi, same
from hypothesis import given, settings
from hypothesis import strategies as st
from pytket import passes
from qiskit import qasm2, qasm3
from qiskit import quantum_info as info
from qiskit.circuit.random import random_circuit as drawn

from qml import Circuit, channels, gates
from qml._checks import InputError
from qml.engines import ReferenceEngine
from qml.io import from_pytket, from_qasm, to_pytket, to_qasm

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_qiskit_reads_what_is_written():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        circuit = random_circuit(rng)
        bound = circuit.bind({name: rng.normal() for name in circuit.parameters})
        u = ReferenceEngine().evolve_vectors(bound, ())
        for found in (
            qasm3.loads(to_qasm(bound)),
            qasm2.loads(to_qasm(bound, version=2), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS),
        ):
            assert same(u, np.asarray(info.Operator(found).reverse_qargs().data))
        free = qasm3.loads(to_qasm(Circuit(1, [gates.RX("a", 0), gates.RZ("ry[0,2]", 0)])))
        assert {p.name for p in free.parameters} == {"a", "ry_0_2"}


def test_programs_of_qiskit_are_read_as_qiskit_means_them():
    for seed in range(60):
        circuit = drawn(3, 4, seed=seed, max_operands=3)
        v = np.asarray(info.Operator(circuit).reverse_qargs().data)
        for text in (qasm2.dumps(circuit), qasm3.dumps(circuit)):
            assert same(ReferenceEngine().evolve_vectors(from_qasm(text), ()), v), text


@settings(max_examples=500, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_circuits_mean_the_same_to_pytket_and_come_back(seed):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng)
    values = {name: rng.normal() for name in circuit.parameters}
    out = to_pytket(circuit, values)
    assert np.abs(choi(circuit.bind(values)) - choi(from_pytket(out))).max() < 1e-12
    assert same(ReferenceEngine().evolve_vectors(circuit.bind(values), ()), out.get_unitary())


def test_gates_of_pytket_come_in():
    for kind, angles, n in (
        ("TK1", (0.1, 0.2, 0.3), 1), ("TK2", (0.1, 0.2, 0.3), 2), ("XXPhase", (0.3,), 2), ("PhasedX", (0.1, 0.2), 1),
        ("CU3", (0.1, 0.2, 0.3), 2), ("CV", (), 2), ("ISWAPMax", (), 2), ("CnX", (), 3), ("Sycamore", (), 2),
    ):  # fmt: skip
        circuit = pytket.Circuit(3)
        circuit.add_gate(getattr(pytket.OpType, kind), list(angles), list(range(n)))
        assert same(ReferenceEngine().evolve_vectors(from_pytket(circuit), ()), circuit.get_unitary())
    for change in (pytket.Circuit.replace_SWAPs, passes.CliffordSimp(allow_swaps=True).apply):  # swaps become names
        circuit = pytket.Circuit(3).H(0).CX(0, 1).CX(1, 0).CX(0, 1).Rz(0.3, 1).SWAP(1, 2).CX(0, 2)
        change(circuit)
        assert circuit.has_implicit_wireswaps
        assert same(ReferenceEngine().evolve_vectors(from_pytket(circuit), ()), circuit.get_unitary())
    measured = pytket.Circuit(3, 3).X(0).SWAP(0, 1).Rx(0.3, 2).SWAP(1, 2)
    measured.replace_SWAPs()
    found, sites = from_pytket(measured.Measure(1, 0).Measure(2, 2), measured=True)
    assert sites == (1, 2)
    bits = ReferenceEngine().evolve(found, ()).partial_trace([1, 2]).probabilities()
    assert np.abs(bits - [0, np.cos(0.15 * np.pi) ** 2, 0, np.sin(0.15 * np.pi) ** 2]).max() < 1e-12
    named = pytket.Circuit()
    for qubit in (pytket.Qubit("Gate", [1, 0]), pytket.Qubit("gate", 3), pytket.Qubit("a", 7)):
        named.add_qubit(qubit)
        named.Ry(0.1 * len(named.qubits), qubit)
    named.CX(*named.qubits[:2])
    assert same(ReferenceEngine().evolve_vectors(from_pytket(named), ()), named.get_unitary())
    measured = pytket.Circuit(2, 2).H(0).Measure(0, 1).Measure(1, 0)
    assert from_pytket(measured, measured=True)[1] == (1, 0)
    with pytest.raises(InputError, match="no noise"):
        to_pytket(Circuit(1, [channels.BitFlip(0.1, 0)]))
    for other in (3, pytket.Circuit):
        with pytest.raises(InputError, match="of pytket is taken"):
            from_pytket(other)
    with pytest.raises(InputError, match="OpenQASM 2 has no free parameters; found 'a': substitute numbers"):
        from_pytket(pytket.Circuit(1).Rz(2 * sympy.Symbol("a"), 0))


def test_braket_there_and_back():
    simulator = LocalSimulator("braket_dm")
    for seed in (0, 1, 2, 3, 4, 5, 8, 9):
        drawn = random_circuit(np.random.default_rng(seed), size=5, noisy=True, free=False)
        circuit = Circuit(3, [gates.H(0), gates.H(1), gates.H(2), *drawn])
        text = to_qasm(circuit, dialect="braket")
        if "reset" not in text:
            result = simulator.run(Program(source=text + "#pragma braket result density_matrix\n"), shots=0).result()
            assert np.abs(result.values[0] - ReferenceEngine().evolve(circuit, ()).matrix()).max() < 1e-12
    turn = gates.UnitaryGate(gates.T.matrix(()) @ gates.H.matrix(()), name="turn")
    for gate, k in itertools.product((gates.U3, turn), (1, 2)):  # which Braket has no name for, with controls
        held = Circuit(k + 1, [gates.controlled(gate, k)(*(0.1, 0.2, 0.3)[: gate.n_params], *reversed(range(k + 1)))])
        found = braket.Circuit.from_ir(to_qasm(held, dialect="braket")).to_unitary()
        assert same(found, ReferenceEngine().evolve_vectors(held, ()))
    theirs = braket.Circuit().h(0).cnot(0, 1).rx(0, 0.3).xx(0, 1, 0.4).iswap(1, 2).xy(0, 2, 0.7).gpi2(1, 0.2)
    theirs = theirs.gpi(0, 0.3).ms(0, 1, 0.1, 0.2, 0.3).prx(2, 0.2, 0.4).v(0).si(1).ti(2).phaseshift(0, 0.2).cv(0, 1)
    theirs = theirs.bit_flip(0, 0.1).depolarizing(1, 0.2).two_qubit_depolarizing(0, 1, 0.1).phase_damping(2, 0.3)
    theirs = theirs.two_qubit_dephasing(0, 2, 0.1).amplitude_damping(0, 0.1).pauli_channel(0, 0.1, 0.2, 0.05)
    theirs = theirs.generalized_amplitude_damping(1, 0.1, 0.2).kraus(
        [0], [np.diag([1, 0.8]), np.array([[0, 0.6], [0, 0]])]
    )
    theirs = theirs.unitary(matrix=np.array([[0, 1j], [1, 0]]), targets=[1]).density_matrix()
    ours = from_qasm(theirs.to_ir(ir_type=IRType.OPENQASM).source)
    expected = simulator.run(theirs, shots=0).result().values[0]
    assert np.abs(ReferenceEngine().evolve(ours, ()).matrix() - expected).max() < 1e-12
