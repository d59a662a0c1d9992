"""A classifier of noisy circuits that data are uploaded into."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml.channels import Depolarizing
from qml.circuits import reuploading
from qml.estimators.common import StateClassifier, keep, pooled, seed_of, stopping
from qml.fitting import fit
from qml.losses.labelled import LabelLikelihood, MeanCrossEntropy, label_states
from qml.models.conditional import ConditionalModel
from qml.models.conditional_circuit import ConditionalCircuitModel


@dataclass(eq=False, repr=False)
class QuantumCircuitClassifier(StateClassifier):
    r"""Classification by the populations of a noisy circuit whose angles are data.

    .. math:: \min_\theta\; -\frac1m \sum_k \log \langle y_k | \sigma_\theta(x_k) | y_k \rangle, \qquad
        \sigma_\theta(x) = \mathcal{E}_{v(\theta, x)}[\,|0\rangle\langle 0|\,]

    By default the circuit uploads every feature once a layer onto enough qubits for the classes and `ancillas` more,
    which are traced out; the qubits of the label are depolarized, with a strength that is learnt, so that no label has
    probability zero. Features are angles in radians, times a scale that is learnt and starts near 1: bring them to
    order one first (``StandardScaler``).

    Parameters
    ----------
    layers : int
        How often every feature is uploaded.
    ancillas : int
        Qubits that are traced out.
    model : callable, optional
        (n_features, n_classes) -> :class:`~qml.models.ConditionalModel`, in place of that circuit; class c is the basis
        state \|c>. `layers` and `ancillas` are not used then.
    loss : "likelihood" or "cross_entropy"
        That of the measured labels, :class:`~qml.losses.labelled.LabelLikelihood`, or S of the label states, which
        bounds it from above.
    label_noise : float
        From 0 to 1: the weight of the uniform distribution that is mixed into every label.
    restarts : int
        Random starts, of which the best on the training data is kept: neither loss is convex in the angles.
    max_iter : int
    tol : float
        Of the largest entry of the gradient of the mean loss, in nats.
    random_state : int, RandomState or None
        For the starts.
    verbose : bool
        Whether fits of more than two seconds show their progress.

    Attributes
    ----------
    classes_ : array (n_classes,)
    model_ : ConditionalModel
    params_ : array (n_params,)
    result_ : FitResult
    n_iter_ : int

    Raises
    ------
    InputError
        By ``fit``, for a setting out of range.

    Notes
    -----
    One evaluation of loss and gradient is a batch of m circuits, forward and backward; equal inputs are pooled.
    Source: Perez-Salinas,
    Cervera-Lierta, Gil-Fuster and Latorre (2020), Quantum 4, 226, arXiv:1907.02085.

    Examples
    --------
    Two half circles, which no line separates:

    >>> from sklearn.datasets import make_moons
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = make_moons(100, noise=0.1, random_state=0)
    >>> X = StandardScaler().fit_transform(X)
    >>> classifier = QuantumCircuitClassifier(restarts=1, random_state=1).fit(X, y)
    >>> classifier.score(X, y) > 0.95, classifier.model_.dims
    (True, (2,))
    """

    layers: int = 3
    _: KW_ONLY
    ancillas: int = 1
    model: Any = None
    loss: str = "likelihood"
    label_noise: float = 0.0
    restarts: int = 2
    max_iter: int = 200
    tol: float = 1e-3
    random_state: Any = None
    verbose: bool = False

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from inputs and labels.

        Parameters
        ----------
        X : array (m, n_features)
        y : array (m,)
            The label of each input; at least two different ones.
        sample_weight : array (m,), optional
            Non-negative; equal by default.

        Raises
        ------
        InputError
            For a setting out of range, or weights that are all zero.
        ValueError
            As of scikit-learn, for data that are not finite or of other shapes.
        """
        _checks.choice("loss", self.loss, ("likelihood", "cross_entropy"))
        noise = _checks.number("label_noise", self.label_noise, 0.0, 1.0)
        rules = stopping(self.max_iter, self.tol, self.verbose)
        x, index, weights = self._labelled(X, y, sample_weight)
        model = self._built(x.shape[1])
        d = int(np.prod(model.dims))
        inputs, q, w = pooled(x, np.eye(d)[index], weights)
        q[:, : len(self.classes_)] = (1 - noise) * q[:, : len(self.classes_)] + noise / len(self.classes_)
        result = fit(
            model.at(inputs),
            label_states(q, d),
            loss=(LabelLikelihood if self.loss == "likelihood" else MeanCrossEntropy)(w),
            seed=seed_of(self.random_state),
            restarts=_checks.integer("restarts", self.restarts, low=1),
            **rules,
        )
        keep(self, model, result.params, result)
        return self

    def _built(self, n_features: int) -> ConditionalModel:
        """The model for so many features, with at least as many levels as there are classes."""
        count = len(self.classes_)
        if self.model is None:
            n = max(1, (count - 1).bit_length())
            circuit, data = reuploading(n, n_features, self.layers, self.ancillas)
            noise = [Depolarizing(f"p[{q}]", q) for q in range(n)]
            return ConditionalCircuitModel(circuit.then(*noise), data, n_inputs=n_features, scales=True)
        if not callable(self.model):
            raise InputError(
                f"model must be a function of the numbers of features and classes; found {type(self.model).__name__}: "
                "for one model, write lambda n_features, n_classes: model."
            )
        built = self.model(n_features, count)
        if not isinstance(built, ConditionalModel):
            raise InputError(f"model must return a ConditionalModel; found {type(built).__name__}.")
        if np.prod(built.dims) < count:
            raise InputError(f"model must have at least {count} levels, one a class; found dims {built.dims}.")
        return built
