r"""
How do I classify points with a quantum model?
==============================================

Two half moons with noise. A circuit that loads the coordinates again in every layer, and a conditional Gibbs state
whose couplings are linear in the coordinates; both are scikit-learn estimators, trained by the likelihood of labels.
The lines are where the classes are equally likely.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

from qml.estimators import QuantumCircuitClassifier, QuantumCrossEntropyClassifier

x, y = make_moons(160, noise=0.15, random_state=1)
train, test, y_train, y_test = train_test_split(x, y, random_state=1)
circuit = QuantumCircuitClassifier(layers=3, restarts=1, max_iter=60, random_state=1).fit(train, y_train)
gibbs = QuantumCrossEntropyClassifier(C=10.0).fit(train, y_train)

a, b = np.meshgrid(np.linspace(-1.6, 2.6, 50), np.linspace(-1.1, 1.6, 40))
points = np.column_stack([a.ravel(), b.ravel()])
axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")[1]
for ax, (name, model) in zip(axes, {"circuit": circuit, "Gibbs state": gibbs}.items(), strict=True):
    p = model.predict_proba(points)[:, 1].reshape(a.shape)
    ax.contourf(a, b, p, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6)
    ax.contour(a, b, p, levels=[0.5], colors="black", linewidths=1)
    for label, marker in ((0, "o"), (1, "s")):
        ax.scatter(*test[y_test == label].T, marker=marker, s=22, c=["C1", "C0"][label], edgecolors="white")
    ax.set_title(f"{name}: {model.score(test, y_test):.0%} of held-out points right")
