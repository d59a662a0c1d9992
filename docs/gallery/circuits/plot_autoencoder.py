r"""
Can a circuit compress my states?
=================================

An autoencoder keeps two of three qubits. It works where the third, the trash, always ends in the state 0: then nothing
was lost, and running the circuit backward restores the data. The data are thermal states of a chain, close to a space
of four dimensions when cold. The model is the state of the trash qubit.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.circuits import TraceOut

encoder = qml.circuits.hardware_efficient(3, 3)
zero = qml.basis_state("0")
betas, lost, kept = (0.5, 1.0, 2.0, 4.0), [], []
for beta in betas:
    data = qml.thermal(qml.operators.tfim(3), beta)
    model = qml.CircuitModel(encoder.then(TraceOut(0, 1)), initial=data)
    result = qml.fit(model, zero, loss="infidelity", seed=1, restarts=2, max_iterations=80, progress=False)
    lost.append(result.loss)
    kept.append(float(np.sort(data.eigenvalues())[:4].sum()))

plt.plot(betas, lost, "o-", label="weight in the trash, learnt")
plt.plot(
    betas, kept, "_", color="C1", markersize=16, markeredgewidth=2, label="least possible: four smallest eigenvalues"
)
plt.xscale("log")
plt.xticks(betas, [f"{b:g}" for b in betas])
plt.minorticks_off()
plt.xlabel(r"inverse temperature $\beta$")
plt.ylabel("lost weight")
plt.legend()
