r"""
How many restarts does a circuit need?
======================================

The landscape of a circuit has local minima. Twelve starts, two at a time in processes of their own; the result is the
same to the bit as one after the other. How they end, in order.
"""

import matplotlib.pyplot as plt

import qml
from qml import channels

target = qml.thermal(qml.operators.tfim(3), beta=2.0)
circuit = qml.circuits.purification(3, 1, layers=2).then(*(channels.Depolarizing("p", i) for i in range(3)))
result = qml.fit(qml.CircuitModel(circuit), target, seed=1, restarts=12, workers=2, max_iterations=60, progress=False)
gaps = sorted(restart.loss - result.floor for restart in result.restarts)

plt.semilogy(range(1, 13), gaps, "o")
plt.xlabel("restart, best first")
plt.ylabel("gap after 60 iterations (nats)")
