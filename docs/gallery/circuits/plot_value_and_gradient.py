r"""
What are loss and gradient at parameters that I choose?
=======================================================

An ``Objective`` is the function that fits minimise. It gives the value and the whole gradient at any theta, for one
forward and one backward sweep. Here the loss along one angle, with the tangents that the gradient says.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml import channels

target = qml.thermal(qml.operators.tfim(2), beta=1.0)
circuit = qml.circuits.hardware_efficient(2, 2).then(*(channels.Depolarizing(0.2, i) for i in range(2)))
model = qml.CircuitModel(circuit)
objective = qml.fitting.Objective(model, target, qml.CrossEntropy())

theta = model.init_params(np.random.default_rng(1))
value, gradient = objective.value_and_gradient(theta)
print(f"S = {value:.6f} nats; gradient {gradient.round(3)}")

grid = np.linspace(-np.pi, np.pi, 121)
line = np.array([theta + t * np.eye(len(theta))[0] for t in grid])
plt.plot(grid, [objective.value(point) for point in line])
for k in range(10, 121, 25):
    value, gradient = objective.value_and_gradient(line[k])
    near = np.array([-0.35, 0.35])
    plt.plot(grid[k] + near, value + gradient[0] * near, color="C1")
    plt.plot(grid[k], value, "o", color="C1")
plt.xlabel(f"change of {model.parameter_names[0]} (radians)")
plt.ylabel(r"$S(\rho, \sigma_\theta)$ (nats)")
