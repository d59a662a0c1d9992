"""What is compared: probabilities of the classes at test inputs, learnt from training inputs and labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from qml import channels, fit
from qml.circuits import reuploading
from qml.estimators import QuantumCrossEntropyClassifier
from qml.losses.labelled import LabelLikelihood, label_states
from qml.models.conditional_circuit import ConditionalCircuitModel

Array = np.ndarray
Learner = Callable[[Array, Array, Array, int], Array]
LAYERS = 3


def logistic(X: Array, y: Array, test: Array, seed: int) -> Array:
    """scikit-learn's logistic (softmax) regression, C = 1."""
    return LogisticRegression(C=1.0, max_iter=2000, tol=1e-8).fit(X, y).predict_proba(test)


def diagonal(X: Array, y: Array, test: Array, seed: int) -> Array:
    """The same model by this library: diagonal generators, S(rho_y, sigma(x)), C = 1."""
    return QuantumCrossEntropyClassifier().fit(X, y).predict_proba(test)


def non_commuting(X: Array, y: Array, test: Array, seed: int) -> Array:
    """All Hermitian generators, and the likelihood of the measured labels, C = 1."""
    model = QuantumCrossEntropyClassifier("hermitian", loss="likelihood", tol=1e-5, max_iter=300, random_state=seed)
    return model.fit(X, y).predict_proba(test)


def perceptron(X: Array, y: Array, test: Array, seed: int) -> Array:
    """All Hermitian generators, and S of the pure states of pooled label frequencies (Wiersema and Kappen), C = 1."""
    model = QuantumCrossEntropyClassifier("hermitian", labels="rank_one", tol=1e-6)
    return model.fit(X, y).predict_proba(test)


def flip_aware(X: Array, y: Array, test: Array, seed: int) -> Array:
    """A classical answer to flipped labels: p(1|x) = e + (1 - 2 e) / (1 + exp(-b - w x)), e learnt too, C = 1."""
    design, sign = np.column_stack([np.ones(len(X)), X]), 2.0 * y - 1

    def probability(theta: Array, z: Array) -> Array:
        e = expit(theta[0]) / 2
        return e + (1 - 2 * e) * expit(z)

    def loss(theta: Array) -> tuple[float, Array]:
        z = sign * (design @ theta[1:])
        p, s, e = probability(theta, z), expit(z), expit(theta[0])
        of_e = ((2 * s - 1) / p).mean() * e * (1 - e) / 2
        of_w = design.T @ (-sign * (1 - e) * s * (1 - s) / p) / len(y)
        decay = np.concatenate([[0.0], theta[2:]]) / len(y)
        return float(-np.log(p).mean() + theta[2:] @ theta[2:] / (2 * len(y))), np.concatenate([[of_e], of_w + decay])

    theta = minimize(loss, np.concatenate([[-2.0], np.zeros(design.shape[1])]), jac=True, method="L-BFGS-B").x
    p = probability(theta, np.column_stack([np.ones(len(test)), test]) @ theta[1:])
    return np.column_stack([1 - p, p])


def circuit(X: Array, y: Array, test: Array, seed: int) -> Array:
    """A noisy data re-uploading circuit, the best of two starts."""
    classes = int(y.max()) + 1
    n = max(1, int(np.ceil(np.log2(classes))))
    layers, data = reuploading(n, X.shape[1], LAYERS)
    noise = [channels.Depolarizing(f"p[{i}]", i) for i in range(n)]
    model = ConditionalCircuitModel(layers.then(*noise), data, scales=True)
    labels = label_states(y, 2 ** len(model.dims))
    options = {"loss": LabelLikelihood(), "seed": seed, "restarts": 2, "max_iterations": 80, "progress": False}
    result = fit(model.at(X), labels, **options)
    p = model.states(result.params, test).probabilities()[:, :classes]
    return p / p.sum(axis=1, keepdims=True)


LEARNERS: dict[str, Learner] = {
    "scikit-learn": logistic,
    "diagonal": diagonal,
    "non-commuting": non_commuting,
    "circuit": circuit,
}
