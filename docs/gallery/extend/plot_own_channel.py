r"""
How do I learn the strength of a channel of my own?
===================================================

A channel that applies Pauli strings at random takes one line. Here two qubits are dephased together, ZZ with
probability p, and each alone, Z with probability q. Which of the two happened is found from the state that came out.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml import channels, gates

dephasing = channels.PauliMixture("Dephasing", ("ZZ", "ZI", "IZ"), ((1, 0, 0), (0, 0.5, 0.5)), ("together", "alone"))
start = [gates.H(0), gates.H(1), gates.RZZ(0.5, 0, 1)]
model = qml.CircuitModel(qml.Circuit(2, [*start, dephasing("p", "q", 0, 1)]))

true, found = [], []
for p in np.linspace(0.02, 0.4, 8):
    target = qml.CircuitModel(qml.Circuit(2, [*start, dephasing(p, 0.42 - p, 0, 1)])).state()
    result = qml.fit(model, target, seed=1, progress=False)
    true.append((p, 0.42 - p))
    found.append([model.natural(result.params)[name] for name in ("p", "q")])

for k, label in enumerate(("together, ZZ", "alone, Z")):
    plt.plot(np.array(true)[:, 0], np.array(true)[:, k], color=f"C{k}", label=f"{label}: true")
    plt.plot(np.array(true)[:, 0], np.array(found)[:, k], "o", color=f"C{k}", label=f"{label}: learnt")
plt.xlabel("probability of ZZ")
plt.ylabel("probability")
plt.legend()
