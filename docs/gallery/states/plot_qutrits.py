r"""
Does it work for qutrits?
=========================

Sites may have any dimension. Two spins of length one interact and feel a field; their thermal state is learnt by a
Gibbs model whose operators are plain arrays.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml

x = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / np.sqrt(2)
z = np.diag([1.0, 0.0, -1.0])
y = 1j * (z @ x - x @ z)
one = np.eye(3)
generators = [
    sum(np.kron(s, s) for s in (x, y, z)),  # exchange
    np.kron(z, one) + np.kron(one, z),  # field
    np.kron(z @ z, one) + np.kron(one, z @ z),  # anisotropy
]
true = np.array([0.8, -0.4, 0.5])
target = qml.thermal(sum(t * g for t, g in zip(true, generators, strict=True)), beta=1.0, dims=(3, 3))
model = qml.GibbsModel(generators, dims=(3, 3))
result = qml.fit(model, target, optimizer="newton", seed=1, progress=False)
print(f"couplings {result.params.round(6)}, gap {result.gap:.1e} nats")

left, right = plt.subplots(1, 2, figsize=(7.4, 3.7), layout="constrained")[1]
qml.plotting.plot_density_matrix(target, left, limit=0.3, title="target")
qml.plotting.plot_density_matrix(result.state, right, limit=0.3, title="learnt")
