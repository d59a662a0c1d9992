r"""
How does the gap depend on a key of my study?
=============================================

A study with a sweep, from Python: a chain from hot to cold, learnt by fields alone and by neighbors. Every point is a
whole study; the table has a row for each fit.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import qml

study = qml.Study(
    target={"kind": "thermal", "hamiltonian": {"kind": "j1j2", "n": 4, "J2": 0.5}, "beta": 1.0},
    fits=[
        {"name": "fields", "model": {"kind": "gibbs", "generators": {"kind": "up_to_weight", "n": 4, "weight": 1}}},
        {"name": "neighbors", "model": {"kind": "gibbs", "generators": {"kind": "neighbors", "n": 4}}},
    ],
    seed=1,
    sweep={"grid": {"target.beta": {"low": 0.1, "high": 4, "count": 9, "scale": "log"}}},
)
with tempfile.TemporaryDirectory() as folder:
    run = study.run(Path(folder) / "run")
    table = {name: np.array(column) for name, column in run.table.items()}

for marker, name in zip(("o-", "s--"), ("fields", "neighbors"), strict=True):
    chosen = table["fit"] == name
    plt.loglog(table["target.beta"][chosen], table["gap"][chosen], marker, label=name)
plt.xlabel(r"inverse temperature $\beta$")
plt.ylabel(r"gap $D(\rho \Vert \sigma)$ (nats)")
plt.legend()
