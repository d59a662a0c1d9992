"""The numbers of docs/explanation/one_principle.md, in its order.

python experiments/classification/one_principle.py
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

import qml
from qml.classical import BernoulliLikelihood, GaussianLikelihood, Network, linear_regression, perplexity
from qml.estimators import QuantumCrossEntropyClassifier
from qml.losses import cross_entropy, relative_entropy
from qml.losses.labelled import LabelLikelihood, MeanCrossEntropy, label_states
from qml.states import DensityMatrix, ginibre


def say(what: str, value: float | str) -> None:
    """A line of the output."""
    print(f"{what:<62} {value if isinstance(value, str) else f'{value:.6f}'}")


def continuous(rng: np.random.Generator) -> None:
    """Squared and absolute errors as likelihoods."""
    x = rng.uniform(-1, 1, 200)
    design, y = np.column_stack([np.ones(200), x]), 1 + 2 * x + rng.laplace(0, 0.5, 200)
    for name in ("gaussian", "laplace"):
        found = linear_regression(design, y, name)
        slope = f"{found.coefficients[1]:.4f}, scale {found.likelihood.scale:.4f}"
        say(f"1. {name}: slope", slope)
        say(f"   {name}: -log-likelihood a target", -found.log_likelihood / 200)


def logits() -> None:
    """Logistic regression, three times."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    theirs = LogisticRegression(tol=1e-12, solver="newton-cholesky").fit(X, y)
    ours = QuantumCrossEntropyClassifier(tol=1e-9).fit(X, y)
    loss = log_loss(y, theirs.predict_proba(X))
    say("2. breast cancer: log-loss, scikit-learn", loss)
    say("   breast cancer: S of label states and Gibbs states", ours.cross_entropy(X, y))
    say("   difference", f"{abs(loss - ours.cross_entropy(X, y)):.1e}")
    say("   perplexity", perplexity(loss))
    try:
        QuantumCrossEntropyClassifier(C=np.inf, tol=1e-4).fit(X, y)
    except ValueError as error:
        say("   without a penalty", str(error).split(":")[0])


def network(rng: np.random.Generator) -> None:
    """XOR with a hidden layer, and without."""
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    for widths in ([2, 1], [2, 4, 1]):
        value = Network(widths).train(X, y, BernoulliLikelihood(), rng, decay=1e-4)[1]
        say(f"3. XOR, widths {widths}: loss", value)
    say("   the same network, squared error", Network([2, 4, 1]).train(X, y, GaussianLikelihood(), rng)[1])


def quantum(rng: np.random.Generator) -> None:
    """Diagonal states are classical; others are not."""
    q, p = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    rho, sigma = DensityMatrix.from_probabilities(q), DensityMatrix.from_probabilities(p)
    say("4. -sum q log p", float(-(q * np.log(p)).sum()))
    say("   S(diag q, diag p)", float(cross_entropy(rho, sigma)))
    rho, sigma = ginibre((3,), rng), ginibre((3,), rng)
    say("   S(rho, sigma) of two random states", float(cross_entropy(rho, sigma)))
    say("   S(rho) + D(rho || sigma)", float(rho.entropy() + relative_entropy(rho, sigma)))
    target = qml.thermal(qml.operators.tfim(2), beta=1.0)
    result = qml.fit(qml.GibbsModel(qml.operators.tfim(2)), target, seed=0)
    say("   a Gibbs fit: S - S(rho)", f"{result.gap:.1e}")


def labels(rng: np.random.Generator) -> None:
    """Where generators that do not commute matter, and where they cannot."""
    X, y = load_iris(return_X_y=True)
    for generators in ("diagonal", "hermitian"):
        say(f"5. iris, {generators}: S + penalty", QuantumCrossEntropyClassifier(generators).fit(X, y).result_.loss)
    sigma, rho = ginibre((3,), rng, batch=5), label_states([0, 1, 2, 0, 1], 3)
    say("   random states: S of hard labels", MeanCrossEntropy().value(rho, sigma))
    say("   random states: -log-likelihood of measured labels", LabelLikelihood().value(rho, sigma))


def main() -> None:
    """All of them."""
    rng = np.random.default_rng(0)
    continuous(rng)
    logits()
    network(rng)
    quantum(rng)
    labels(rng)


if __name__ == "__main__":
    main()
