r"""
What does a Boltzmann machine learn from bits?
==============================================

Four switches, of which neighbors tend to agree, seen 300 times. The estimator has scikit-learn's interface; its
couplings are the classical ones, and what it thinks of each string is compared with how often it was seen.
"""

import matplotlib.pyplot as plt
import numpy as np

from qml.estimators import QuantumBoltzmannMachine

rng = np.random.default_rng(1)
bits = np.zeros((300, 4), int)
bits[:, 0] = rng.integers(0, 2, 300)
for k in range(1, 4):
    bits[:, k] = np.where(rng.random(300) < 0.8, bits[:, k - 1], 1 - bits[:, k - 1])
machine = QuantumBoltzmannMachine("ising", alpha=1e-3).fit(bits)

strings = np.array([list(np.binary_repr(k, 4)) for k in range(16)], int)
seen = np.bincount(bits @ [8, 4, 2, 1], minlength=16) / len(bits)
plt.bar(range(16), seen, color="0.8", label="seen")
plt.plot(range(16), np.exp(machine.score_samples(strings)), "o", label="learnt")
plt.xticks(range(16), ["".join(map(str, s)) for s in strings], rotation=60)
plt.ylabel("probability")
plt.legend()
