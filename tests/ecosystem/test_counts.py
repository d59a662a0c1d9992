"""Records of Qiskit, Cirq, PennyLane and Braket as the libraries make them, where they are installed."""

from __future__ import annotations

import cirq
import jax
import numpy as np
import pennylane as pl
import pytest
import qiskit
import qiskit_aer
from braket.circuits import Circuit as BraketCircuit
from braket.devices import LocalSimulator
from qiskit.primitives import StatevectorSampler

from qml import Circuit, Counts, PauliMeasurement, gates
from qml._checks import InputError
from qml.io import to_cirq, to_pennylane, to_qiskit

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
CIRCUIT = Circuit(3, [gates.X(2), gates.X(1)])
"""Its outcome is 011, whatever the chance."""
EXPECTED = Counts.from_dicts({"ZZZ": {"011": 100}})


def test_qiskit():
    circuit = to_qiskit(CIRCUIT, measured=[0, 1, 2])
    result = StatevectorSampler().run([circuit], shots=100).result()
    assert Counts.from_dicts({"ZZZ": result[0].data.c}, source="qiskit") == EXPECTED
    x = qiskit.circuit.Parameter("x")
    sweep = qiskit.QuantumCircuit(1)
    sweep.rx(x, 0)
    sweep.measure_all()
    two = StatevectorSampler().run([(sweep, [[0.0], [np.pi]])], shots=100).result()[0].data.meas
    assert Counts.from_dicts({"Z": two[1]}, source="qiskit") == Counts.from_dicts({"Z": {"1": 100}})
    with pytest.raises(InputError, match=r"of shape \(2,\) holds the counts of several circuits"):
        Counts.from_dicts({"Z": two}, source="qiskit")
    job = qiskit_aer.AerSimulator().run(circuit, shots=100).result()
    assert Counts.from_dicts({"ZZZ": job.get_counts()}, source="qiskit") == EXPECTED
    plain = job.to_dict()
    plain["results"][0]["header"]["name"] = "ZZZ"
    assert Counts.from_dicts(plain, source="qiskit") == EXPECTED
    split = qiskit.QuantumCircuit(qiskit.QuantumRegister(3), qiskit.ClassicalRegister(1), qiskit.ClassicalRegister(2))
    split.x([1, 2])
    split.measure([0, 1, 2], [0, 1, 2])
    counts = qiskit_aer.AerSimulator().run(split, shots=100).result().get_counts()
    assert Counts.from_dicts({"ZZZ": counts}, source="qiskit") == EXPECTED


def test_cirq():
    circuit, qubits = to_cirq(CIRCUIT), cirq.LineQubit.range(3)
    result = cirq.Simulator().run(cirq.Circuit(circuit, cirq.measure(*qubits, key="z")), repetitions=100)
    for record in (result, dict(result.histogram(key="z"))):
        assert Counts.from_dicts({"ZZZ": record}, source="cirq") == EXPECTED
    again = cirq.Circuit(circuit, [cirq.measure(q, key="z") for q in qubits])
    with pytest.raises(InputError, match="a key that was measured several times"):
        Counts.from_dicts({"ZZZ": cirq.Simulator().run(again, repetitions=100)}, source="cirq")
    single = cirq.Circuit(circuit, [cirq.measure(q, key=str(q)) for q in qubits])
    result = cirq.Simulator().run(single, repetitions=100)
    for record in (result, dict(result.multi_measurement_histogram(keys=[str(q) for q in qubits]))):
        assert Counts.from_dicts({"ZZZ": record}, source="cirq") == EXPECTED


def test_pennylane():
    template = to_pennylane(CIRCUIT)

    def run(measure):
        @pl.set_shots(100)
        @pl.qnode(pl.device("default.qubit", wires=3))
        def node():
            template()
            return measure()

        return node()

    assert Counts.from_dicts({"ZZZ": run(pl.counts)}, source="pennylane") == EXPECTED
    for array in (np.asarray, jax.numpy.asarray):
        assert Counts.from_dicts({"ZZZ": array(run(pl.sample))}, source="pennylane") == EXPECTED


def test_braket():
    task = LocalSimulator().run(BraketCircuit().i(0).x(1).x(2), shots=100)
    result = task.result()
    for record in (result, result.measurement_counts, {"measurements": result.measurements.tolist()}):
        assert Counts.from_dicts({"ZZZ": record}, source="braket") == EXPECTED
    assert Counts.from_dicts(result, PauliMeasurement(["ZZZ"]), "braket") == EXPECTED
