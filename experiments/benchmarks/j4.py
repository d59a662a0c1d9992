"""J4: learning with labels, by estimators as they come: iris (150 flowers) and two moons (200 points, noise 0.2).

All must be right on at least nine of ten of the points that they learn from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from workload import Task, Workload

QUADRATIC = "iris-cross-entropy"
WORKLOAD = Workload(
    "fitting a classifier with its defaults; n is not used",
    "seconds a fit",
    sizes=(2,),
    variants=("iris", "moons", QUADRATIC),
    defaults=True,
)


def points(variant: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris, make_moons

    return load_iris(return_X_y=True) if variant != "moons" else make_moons(200, noise=0.2, random_state=0)


def learning(make: Any, variant: str, least: float = 0.9) -> Task:
    x, y = points(variant)
    return Task(lambda: make().fit(x, y), lambda fitted: np.array([float(fitted.score(x, y) >= least)]))


@WORKLOAD.by("qml", "sklearn")
def qml(n: int, variant: str) -> Task:
    """`QuantumCircuitClassifier`, or `QuantumCrossEntropyClassifier`, whose borders are quadratic."""
    from qml.estimators import QuantumCircuitClassifier, QuantumCrossEntropyClassifier

    estimator = QuantumCrossEntropyClassifier if variant == QUADRATIC else QuantumCircuitClassifier
    return learning(lambda: estimator(random_state=0), variant)


@WORKLOAD.by("sklearn", variants=("iris", QUADRATIC))
def logistic_regression(n: int, variant: str) -> Task:
    from sklearn.linear_model import LogisticRegression

    return learning(lambda: LogisticRegression(max_iter=1000), variant)


@WORKLOAD.by("sklearn")
def neural_network(n: int, variant: str) -> Task:
    """`MLPClassifier` with inputs scaled and its iterations raised until it converges."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return learning(lambda: make_pipeline(StandardScaler(), MLPClassifier(max_iter=2000, random_state=0)), variant)
