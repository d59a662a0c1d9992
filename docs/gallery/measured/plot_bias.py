r"""
Do more shots cure the bias of the empirical state?
===================================================

No. One qubit is measured along X, Y and Z. The empirical state tends to :math:`(\rho + 1)/3`, however many shots there
are; the state of maximum likelihood tends to :math:`\rho`.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.tomography import maximum_likelihood

rho = qml.thermal(qml.pauli("Z"), beta=1.0)
shots = np.logspace(1.5, 5, 8).astype(int)
distances = {"empirical state": [], "maximum likelihood": []}
for n in shots:
    records = [qml.sample(rho, qml.PauliMeasurement(1), int(n), np.random.default_rng(k)) for k in range(10)]
    far = np.array([qml.trace_distance(r.empirical_state(), rho) for r in records])
    near = np.array([qml.trace_distance(maximum_likelihood(r).state, rho) for r in records])
    distances["empirical state"].append(far.mean())
    distances["maximum likelihood"].append(near.mean())

for marker, (name, values) in zip("os", distances.items(), strict=True):
    plt.loglog(3 * shots, values, f"{marker}-", label=name)
plt.loglog(3 * shots, 0.8 / np.sqrt(3 * shots), ":", color="0.4", label="one over the square root")
plt.xlabel("shots")
plt.ylabel(r"trace distance from $\rho$, mean of ten records")
plt.legend()
