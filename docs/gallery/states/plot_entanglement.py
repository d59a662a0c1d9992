r"""
How much noise does entanglement survive?
=========================================

A Bell pair and three qubits in GHZ and W states, every qubit depolarized. The negativity of the first qubit with the
rest is zero where no entanglement across this cut is left that the partial transpose can see.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml

states = {"Bell pair": qml.ghz(2), "GHZ, three qubits": qml.ghz(3), "W, three qubits": qml.w_state(3)}
strength = np.linspace(0.001, 0.7, 57)
for k, (name, pure) in enumerate(states.items()):
    n = len(pure.dims)
    noise = qml.CircuitModel(qml.Circuit(n, [qml.channels.Depolarizing("p", i) for i in range(n)]), initial=pure)
    noisy = [noise.state({"p": p}) for p in strength]
    plt.plot(strength, [state.negativity([0]) for state in noisy], ("-", "--", ":")[k], label=name)
plt.xlabel("depolarization p of every qubit")
plt.ylabel("negativity")
plt.legend()
