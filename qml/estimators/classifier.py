"""A classifier: softmax regression and its quantum generalisation."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex, Integer, Real
from qml.classical.separation import separates, separating_direction
from qml.estimators.common import Decay, Scaling, StateClassifier, keep, pooled, seed_of, stopping
from qml.fitting import fit
from qml.losses.labelled import LabelLikelihood, MeanCrossEntropy
from qml.models.conditional import ConditionalGibbsModel
from qml.operators.sets import hermitian_basis
from qml.states import DensityMatrix


@dataclass(eq=False, repr=False)
class QuantumCrossEntropyClassifier(StateClassifier):
    r"""Classification by conditional Gibbs states, learnt by the quantum cross entropy.

    .. math:: \min_{b, W}\; \frac1m \sum_k S(\rho_k, \sigma(x_k)) + \frac{1}{2 C m} \lVert W \rVert^2, \qquad
        \sigma(x) = \frac{e^{-K(x)}}{\mathrm{Tr}\, e^{-K(x)}}, \quad K(x) = \sum_j (b_j + w_j \cdot x)\, G_j

    With the default arguments it is softmax (two classes: logistic) regression, and `C`, `coef_` and `intercept_` mean
    what they mean in scikit-learn's ``LogisticRegression``.

    Parameters
    ----------
    generators : "diagonal", "hermitian", or sequence of PauliSum or of arrays (d, d)
        "diagonal": -\|c><c\|, the logits. "hermitian": with them the off-diagonal (\|a><b\| + h.c.)/2 and
        (i\|a><b\| + h.c.)/2, which commute with none. Class c is the basis state \|c>; of own generators d may be
        larger than the number of classes, and the probabilities of the classes are then those given that one of them
        is measured.
    labels : "diagonal" or "rank_one"
        "diagonal": rho = \|y><y\|, mixed with `label_noise`. "rank_one": equal inputs are pooled and get
        the pure state sum_c sqrt(q(c\|x)) \|c> of their label frequencies q (Wiersema and Kappen).
    loss : "cross_entropy" or "likelihood"
        "likelihood" is that of the measured labels, :class:`~qml.losses.labelled.LabelLikelihood`: not convex for
        generators that do not commute.
    C : float
        Inverse strength of the penalty of W; ``np.inf`` for none.
    label_noise : float
        From 0 to 1: the weight of the uniform distribution that is mixed into every label.
    fit_intercept : bool
        Whether the biases b are there; they are not penalised.
    max_iter : int
    tol : float
        Of the largest entry of the gradient of the mean loss, for inputs in units of their spread: the optimizer scales
        them, whatever their units are.
    random_state : int, RandomState or None
        For the start, where the loss is not convex; else the start is zero.
    verbose : bool
        Whether fits of more than two seconds show their progress.

    Attributes
    ----------
    classes_ : array (n_classes,)
    params_ : array (n_params,)
        (b, W) of `model_`.
    coef_, intercept_ : arrays (n_classes, n_features) and (n_classes,); (1, ...) for two classes
        Of diagonal generators.
    model_ : ConditionalGibbsModel
    result_ : FitResult
        Its parameters belong to the scaled inputs; those of the inputs as they are stand in `params_`.
    n_iter_ : int

    Raises
    ------
    InputError
        If the maximum of the likelihood is not finite: C is infinite and the classes can be separated.

    Notes
    -----
    With diagonal labels and the cross entropy, off-diagonal generators have the optimum zero: Z does not fall when
    they are put in (Peierls and Bogoliubov), and nothing else changes. They matter for "rank_one" labels or the
    "likelihood" loss. Source: Wiersema and Kappen (2019), Phys. Rev. A 100, 020301, arXiv:1905.06728.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = QuantumCrossEntropyClassifier().fit(X, y)
    >>> round(classifier.score(X, y), 3), round(classifier.cross_entropy(X, y), 3)
    (0.973, 0.12)
    """

    generators: Any = "diagonal"
    _: KW_ONLY
    labels: str = "diagonal"
    loss: str = "cross_entropy"
    C: float = 1.0
    label_noise: float = 0.0
    fit_intercept: bool = True
    max_iter: int = 2000
    tol: float = 1e-8
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
        _checks.choice("labels", self.labels, ("diagonal", "rank_one"))
        _checks.choice("loss", self.loss, ("cross_entropy", "likelihood"))
        strength = 1 / (math.inf if math.inf == self.C else _checks.positive("C", self.C))  # 0 for C = inf
        rules, bias = stopping(self.max_iter, self.tol, self.verbose), _checks.flag("fit_intercept", self.fit_intercept)
        x, index, weights = self._labelled(X, y, sample_weight)
        model = ConditionalGibbsModel(self._operators(), x.shape[1], bias=bias)
        inputs, q, w = self._pooled(x, index, weights)
        count, penalty = len(model.generator_names), strength / float(weights.sum())
        scaling = Scaling.of(inputs, w, penalty, centered=bias)
        decay = np.zeros(model.n_params)
        decay[model.n_params - count * x.shape[1] :] = np.tile(np.square(math.sqrt(penalty) * scaling.scale), count)
        convex = self.loss == "cross_entropy" or self._is_diagonal
        result = fit(
            model.at(scaling.inputs(inputs)),
            self._states(q, model.dims),
            loss=(MeanCrossEntropy if self.loss == "cross_entropy" else LabelLikelihood)(w),
            params0=np.zeros(model.n_params) if convex else None,
            seed=seed_of(self.random_state),
            prior=Decay(decay) if strength else None,
            **rules,
        )
        self.model_, self.params_ = model, scaling.params(result.params, count)
        if not strength and self._is_diagonal and self.label_noise == 0:
            self._refuse_separable(x[weights > 0], index[weights > 0])
        keep(self, model, self.params_, result)
        return self

    def cross_entropy(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The mean of S(rho_y, sigma(x)) in nats, with label states as in the fit; +inf is a value.

        Parameters
        ----------
        X : array (m, n_features)
        y : array (m,)
            Classes of the fit.
        sample_weight : array (m,), optional
            Non-negative; equal by default.

        Raises
        ------
        InputError
            For a label that the fit has not seen.
        """
        check_is_fitted(self)
        x, y = validate_data(self, X, y, dtype=np.float64, reset=False)
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise InputError(f"y must hold the classes of the fit, {self.classes_}; found {unknown[0]}.")
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        inputs, q, w = self._pooled(x, np.searchsorted(self.classes_, y), weights)
        rho = self._states(q, self.model_.dims)
        return MeanCrossEntropy(w).value(rho, self.model_.states(self.params_, inputs))

    @property
    def intercept_(self) -> Real:
        """The biases of the logits."""
        return self._logits()[:, 0]

    @property
    def coef_(self) -> Real:
        """The weights of the logits."""
        return self._logits()[:, 1:]

    @property
    def _is_diagonal(self) -> bool:
        return isinstance(self.generators, str) and self.generators == "diagonal"

    def _logits(self) -> Real:
        """(n_classes or 1, 1 + n_features): bias first."""
        check_is_fitted(self)
        if not self._is_diagonal:
            raise AttributeError("coef_ and intercept_ exist for generators='diagonal' only: use params_.")
        w = self.params_[-len(self.model_.generator_names) * self.n_features_in_ :].reshape(-1, self.n_features_in_)
        b = self.params_[: len(w)] if self.fit_intercept else np.zeros(len(w))
        return np.column_stack([b, w])

    def _operators(self) -> Any:
        count = len(self.classes_)
        if not isinstance(self.generators, str):
            return self.generators
        _checks.choice("generators", self.generators, ("diagonal", "hermitian"))
        first = 1 if count == 2 else 0  # two classes have one logit
        operators: list[Complex] = [-np.diag(row).astype(complex) for row in np.eye(count)[first:]]
        if self.generators == "hermitian":
            pairs = hermitian_basis(count)[count:].reshape(2, -1, count, count)  # real ones, then imaginary ones
            operators += list(pairs.swapaxes(0, 1).reshape(-1, count, count) / math.sqrt(2))
        return operators

    def _pooled(self, x: Real, index: Integer, weights: Real) -> tuple[Real, Real, Real]:
        """Inputs, label distributions and weights: one a sample, or one a distinct input for pure labels."""
        q = np.eye(len(self.classes_))[index]
        if self.labels == "rank_one":
            x, q, weights = pooled(x, q, weights)
        noise = _checks.number("label_noise", self.label_noise, 0.0, 1.0)
        return x, (1 - noise) * q + noise / len(self.classes_), weights

    def _states(self, q: Real, dims: tuple[int, ...]) -> DensityMatrix:
        d = math.prod(dims)
        if d < len(self.classes_):
            raise InputError(f"generators must act on at least {len(self.classes_)} levels, one a class; found {d}.")
        wide = np.zeros((len(q), d))
        wide[:, : q.shape[1]] = q
        if self.labels == "rank_one":
            return DensityMatrix.from_vector(np.sqrt(wide), dims)
        return DensityMatrix.from_probabilities(wide, dims)

    def _refuse_separable(self, x: Real, index: Integer) -> None:
        weights, count = self._logits(), len(self.classes_)
        if len(weights) == 1:
            weights = np.vstack([np.zeros_like(weights), weights])
        design = np.column_stack([np.ones(len(x)), x]) if self.fit_intercept else x
        if not self.fit_intercept:
            weights = weights[:, 1:]
        if separates(weights, design, index) or separating_direction(design, index, count) is not None:
            raise InputError(
                "the likelihood has no finite maximum: a direction of the weights separates the classes, and along it "
                "the likelihood never falls. Penalise the weights (a finite C), or let labels be wrong (label_noise)."
            )
