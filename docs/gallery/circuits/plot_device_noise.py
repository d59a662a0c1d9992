r"""
How long a circuit can my device hold?
======================================

A noise model says which errors follow which gates, and how long gates take beside T1 and T2; sites that wait relax,
too. GHZ states are prepared on more and more qubits, one CNOT after the other.
"""

import matplotlib.pyplot as plt

import qml
from qml import channels, gates

durations = {"H": 0.04, "CNOT": 0.3}  # microseconds
times = qml.NoiseModel().with_relaxation(t1=80.0, t2=60.0, durations=durations)
errors = qml.NoiseModel().add(channels.Depolarizing2, 0.01, gates="CNOT")
both = errors.with_relaxation(t1=80.0, t2=60.0, durations=durations)

sizes = range(2, 9)
for name, model in {"T1 and T2": times, "errors of gates": errors, "both": both}.items():
    fidelities = []
    for n in sizes:
        circuit = qml.Circuit(n, [gates.H(0), *(gates.CNOT(i, i + 1) for i in range(n - 1))])
        state = qml.CircuitModel(circuit.with_noise(model)).state()
        fidelities.append(qml.fidelity(state, qml.ghz(n)))
    plt.plot(sizes, fidelities, "o-", label=name)
plt.xlabel("qubits")
plt.ylabel("fidelity with the GHZ state")
plt.legend()
