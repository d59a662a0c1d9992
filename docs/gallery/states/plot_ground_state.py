r"""
Which state has the least free energy?
======================================

The target of a fit may be a Hamiltonian. A circuit then looks for its ground state, the state of least energy, and a
Gibbs model for the least free energy :math:`\mathrm{Tr}(H\sigma) - T\,S(\sigma)` at every temperature; the lines are
exact.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml

h = qml.operators.tfim(4)
circuit = qml.circuits.hardware_efficient(4, 4)
ground = qml.fit(qml.CircuitModel(circuit), h, seed=3, max_iterations=150, progress=False)

temperatures = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
model = qml.GibbsModel(qml.operators.neighbors(4))
warm = [qml.fit(model, h, loss=qml.losses.FreeEnergy(1 / t), seed=3, progress=False) for t in temperatures]

energies = np.linalg.eigvalsh(h.matrix())
t = np.logspace(-1, 0.7, 60)
lowest = energies[0]
free = lowest - t * np.log(np.exp(-(energies - lowest) / t[:, None]).sum(axis=1))
plt.semilogx(t, free, color="C0")
plt.plot(temperatures, [r.loss * s for r, s in zip(warm, temperatures, strict=True)], "o", color="C0")
plt.axhline(lowest, color="0.5", linestyle=":")
plt.plot(0.1, ground.loss, "s", color="C1", clip_on=False)
plt.text(0.11, lowest - 1.1, "ground state, by a circuit", color="C1")
plt.text(0.9, -9.2, "thermal states, by a Gibbs model", color="C0", ha="right")
plt.xlabel("temperature T, in units of J")
plt.ylabel("least free energy, in units of J")
print(f"ground state: {ground.gap:.1e} J too high; thermal states: gaps up to {max(r.gap for r in warm):.1e} nats")
