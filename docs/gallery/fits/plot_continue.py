r"""
How do I go on with a fit tomorrow, or elsewhere?
=================================================

A result is one file without pickle, with its model, its target and its history. A colleague loads it and goes on from
its parameters. (To continue a fit to the bit after Ctrl-C there are checkpoints.)
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import qml

target = qml.thermal(qml.operators.tfim(3), beta=1.0)
circuit = qml.circuits.purification(3, 2, layers=2).then(qml.channels.Depolarizing("p", 0))
today = qml.fit(qml.CircuitModel(circuit), target, seed=1, max_iterations=25, progress=False)

with tempfile.TemporaryDirectory() as folder:
    today.save(Path(folder) / "fit.npz")
    loaded = qml.io.load(Path(folder) / "fit.npz")
tomorrow = qml.fit(loaded.model, loaded.target, params0=loaded.params, max_iterations=60, progress=False)

steps = np.arange(len(today.history))
plt.semilogy(steps, today.history.gap, label="today")
plt.semilogy(steps[-1] + np.arange(len(tomorrow.history)), tomorrow.history.gap, "--", label="tomorrow, from the file")
plt.xlabel("iteration")
plt.ylabel("gap (nats)")
plt.legend()
