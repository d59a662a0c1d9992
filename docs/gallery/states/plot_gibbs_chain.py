r"""
What does a spin chain look like when it is warm?
=================================================

Thermal states :math:`e^{-\beta H}/Z` of the transverse-field Ising chain are exact at any temperature. Energy and
entropy of six spins, from hot to cold.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml

n, beta = 6, np.logspace(-1.5, 1.5, 31)
h = qml.operators.tfim(n, J=1.0, h=0.7)
states = [qml.thermal(h, b) for b in beta]

left = plt.subplots()[1]
left.semilogx(1 / beta, [state.expect(h) / n for state in states], color="C0")
left.set_xlabel("temperature, in units of J")
left.set_ylabel("energy per spin", color="C0")
right = left.twinx()
right.spines["right"].set_visible(True)
right.semilogx(1 / beta, [qml.von_neumann_entropy(state) / n for state in states], "--", color="C1")
right.axhline(np.log(2), color="0.6", linestyle=":")
right.set_ylabel("entropy per spin (nats)", color="C1")
