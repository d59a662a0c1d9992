r"""
How do I train a noisy circuit?
===============================

A circuit with noise after every CNOT, whose strength is a parameter like the angles, learns a thermal state of three
spins. Without noise and ancillas the circuit is pure, S is infinite, and the fit says so at once.
"""

import matplotlib.pyplot as plt

import qml
from qml import channels

target = qml.thermal(qml.operators.tfim(3), beta=1.0)
noise = qml.NoiseModel().add(channels.Depolarizing, "p", gates="CNOT")
noisy = qml.circuits.hardware_efficient(3, 2).with_noise(noise)
purified = qml.circuits.purification(3, 2, layers=2)
results = {
    "noise after every CNOT": qml.fit(qml.CircuitModel(noisy), target, seed=1, max_iterations=100, progress=False),
    "two ancillas": qml.fit(
        qml.CircuitModel(purified.then(channels.Depolarizing("p", 0))),
        target,
        seed=1,
        max_iterations=100,
        progress=False,
    ),
}
pure = qml.fit(qml.CircuitModel(qml.circuits.hardware_efficient(3, 2)), target, seed=1, progress=False)
print(pure.status)
qml.plotting.plot_history(results, plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")[1])
