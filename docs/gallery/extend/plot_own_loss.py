r"""
How do I fit with a loss of my own?
===================================

A loss is a number from the target and the state, and its derivative in the state. Here only the expectations of chosen
operators are compared,

.. math:: L = \sum_j \left( \mathrm{Tr}\, \rho P_j - \mathrm{Tr}\, \sigma P_j \right)^2, \qquad
    \frac{dL}{d\sigma} = -2 \sum_j \left( \mathrm{Tr}\, \rho P_j - \mathrm{Tr}\, \sigma P_j \right) P_j ,

so the fit learns the correlations along Z and is free in all others.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.losses import Loss


class Correlations(Loss):
    name = "correlations"

    def __init__(self, words):
        self.operators = [qml.pauli(word) for word in words]

    def value(self, target, sigma):
        return sum((target.expect(p) - sigma.expect(p)) ** 2 for p in self.operators)

    def value_and_cotangent(self, target, sigma):
        slope = sum(-2 * (target.expect(p) - sigma.expect(p)) * p.matrix() for p in self.operators)
        return self.value(target, sigma), sigma.pull_matrix(slope)


target = qml.thermal(qml.operators.tfim(3), beta=2.0)
model = qml.CircuitModel(qml.circuits.purification(3, 1, layers=2))
loss = Correlations(["ZII", "IZI", "IIZ", "ZZI", "IZZ", "ZIZ"])
result = qml.fit(model, target, loss=loss, seed=1, progress=False)

seen, unseen = ["ZZI", "IZZ", "ZIZ"], ["XII", "IXI", "XXI", "IXX"]
place = np.arange(len(seen + unseen))
plt.bar(place - 0.2, [target.expect(word) for word in seen + unseen], 0.4, label="target")
plt.bar(place + 0.2, [result.state.expect(word) for word in seen + unseen], 0.4, label="learnt")
plt.axvline(len(seen) - 0.5, color="0.7", linestyle=":")
plt.xticks(place, seen + unseen)
plt.ylabel("expectation")
plt.title("in the loss (left), not in the loss (right)")
plt.legend()
