r"""
How do I write a model of my own?
=================================

A model says its sites, the names of its parameters, its state, and how a derivative in the state goes back to the
parameters. This family mixes a state with white noise, with the weight :math:`w = 1/(1 + e^{-\theta})`:

.. math:: \sigma = w\, \rho_0 + (1 - w)\, 1/d, \qquad \frac{dL}{d\theta} = w (1 - w)\, \mathrm{Tr}\, C (\rho_0 - 1/d) ,

where C is the derivative in :math:`\sigma`. ``qml.check_gradient`` says whether it is right.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.models import Model


class Faded(Model):
    def __init__(self, pure):
        self.pure = pure

    @property
    def dims(self):
        return self.pure.dims

    @property
    def parameter_names(self):
        return ("weight",)

    def init_params(self, rng):
        return rng.normal(size=1)

    def state(self, params=()):
        return self.state_vjp(params)[0]

    def state_vjp(self, params=()):
        w = 1 / (1 + np.exp(-self.theta(params)[0]))
        difference = self.pure.matrix() - np.eye(self.pure.dim) / self.pure.dim
        sigma = qml.DensityMatrix(np.eye(self.pure.dim) / self.pure.dim + w * difference, self.dims)
        return sigma, lambda c: np.array([w * (1 - w) * np.vdot(difference, c).real])


model = Faded(qml.ghz(3))
target = qml.CircuitModel(
    qml.Circuit(3, [qml.channels.Depolarizing(0.1, i) for i in range(3)]), initial=qml.ghz(3)
).state()
print(qml.check_gradient(model, target, params=[0.3]))
result = qml.fit(model, target, seed=1, progress=False)

grid = np.linspace(-1, 5, 80)
plt.plot(1 / (1 + np.exp(-grid)), [qml.relative_entropy(target, model.state([t])) for t in grid])
best = 1 / (1 + np.exp(-result.params[0]))
plt.plot(best, result.gap, "o", label=f"the fit: weight {best:.3f}")
plt.xlabel("weight of the GHZ state")
plt.ylabel(r"$D(\rho \Vert \sigma)$ (nats)")
plt.legend()
