r"""
Which optimizer is the fastest?
===============================

S of a Gibbs model is convex, and its Hessian is the metric of Bogoliubov, Kubo and Mori. Optimizers that know it need
few steps, each of which costs more; L-BFGS learns it on the way.
"""

import matplotlib.pyplot as plt

import qml

target = qml.thermal(qml.operators.heisenberg(4), beta=0.7)
model = qml.GibbsModel(qml.operators.neighbors(4))
results = {
    name: qml.fit(model, target, optimizer=name, seed=1, max_iterations=60, progress=False)
    for name in ("lbfgs", "newton", "natural_gradient", "adam")
}
qml.plotting.plot_history(results, plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")[1])
