"""What the estimators share: labels and predictions, scaled inputs, a penalty of some parameters, warnings, seeds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import Integer, Real
from qml.fitting import FitResult
from qml.fitting.priors import Prior


@dataclass(frozen=True, eq=False)
class Decay(Prior):
    r"""Independent normal priors of mean zero: adds (1/2) sum_j s_j theta_j^2.

    Attributes
    ----------
    strengths : array (n_params,)
        s_j >= 0, zero for parameters that are left alone.
    """

    strengths: Real

    def value(self, theta: Real) -> float:
        return float(self.strengths @ np.square(theta)) / 2

    def gradient(self, theta: Real) -> Real:
        return self.strengths * theta

    def curvature(self, theta: Real) -> Real:
        return self.strengths


@dataclass(frozen=True, eq=False)
class Scaling:
    """Coordinates of the inputs in which the optimizer works: z = (x - center) * scale.

    A model b + w . x is b' + u . z with u = w / scale and b' = b + w . center, so that the optimum is the same; but the
    curvature in u is about one for every feature, whatever its unit.
    """

    center: Real
    scale: Real

    @classmethod
    def of(cls, x: Real, weights: Real, decay: float, *, centered: bool) -> Scaling:
        """For inputs (m, p) and a penalty (decay/2) w^2: the curvature of a logit's loss in w is at most var/4."""
        with np.errstate(over="ignore", invalid="ignore"):
            # beside the first row, so that the mean of what is constant is exactly it
            center = x[0] + np.average(x - x[0], axis=0, weights=weights) if centered else np.zeros(x.shape[1])
            unit = _matrices.power_of_two(x - center)  # squares of what is divided by it exist
            curvature = np.average(np.square((x - center) / unit), axis=0, weights=weights) / 4 + decay / unit / unit
            scale = 1 / np.sqrt(np.where(curvature > 0, curvature, 1.0)) / unit
        if not np.isfinite([center, scale, np.full_like(scale, decay)]).all():
            raise InputError("the features, with C and sample_weight, are too large or too small for float64: rescale.")
        return cls(center, scale)

    def inputs(self, x: Real) -> Real:
        """z of x (m, p)."""
        return np.asarray((x - self.center) * self.scale)

    def params(self, scaled: Real, generators: int) -> Real:
        """(b, w) of (b', u), biases first if there are any."""
        split = len(scaled) - generators * len(self.scale)
        w = scaled[split:].reshape(generators, -1) * self.scale
        b = scaled[:split] - w @ self.center if split else scaled[:0]
        return np.concatenate([b, w.ravel()])


class StateClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifiers by conditional states share: labels on the way in, populations on the way out.

    After its fit a subclass holds `model_`, a ConditionalModel in which class c is the basis state |c>, and `params_`.
    """

    classes_: Any
    model_: Any
    params_: Real
    n_features_in_: int

    def predict_proba(self, X: Any) -> Real:
        """The probabilities <c|sigma(x)|c> of the classes, given that one of them is measured: (m, n_classes).

        Parameters
        ----------
        X : array (m, n_features)

        Raises
        ------
        InputError
            Where the model has more levels than classes, and all probability is on the others.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        p = self.model_.states(self.params_, x).probabilities()[:, : len(self.classes_)]
        total = p.sum(axis=1, keepdims=True)
        if not total.all():
            raise InputError(
                f"the model must give classes a probability; found none at row {int(total.argmin())} of X: all is on "
                "other levels there, so take generators or a circuit with fewer of them."
            )
        return np.asarray(p / total)

    def predict(self, X: Any) -> Any:
        """The most probable class, (m,).

        Parameters
        ----------
        X : array (m, n_features)
        """
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    def _labelled(self, X: Any, y: Any, sample_weight: Any) -> tuple[Real, Integer, Real]:
        """Inputs (m, n_features), numbers of the classes and weights (m,), checked; sets `classes_`."""
        x, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y must hold at least two classes; found one class, {_checks.shown(self.classes_[0])}.")
        with np.errstate(over="ignore"):
            if not 0 < weights.sum() < np.inf:
                raise InputError("sample_weight must have a sum above 0 that float64 holds.")
        return x, index, weights


def pooled(x: Real, q: Real, weights: Real) -> tuple[Real, Real, Real]:
    """The distinct inputs of positive weight, the label distribution of each (averages of rows of q), and weights."""
    kept = weights > 0
    distinct, where = np.unique(x[kept], axis=0, return_inverse=True)
    counts = np.zeros((len(distinct), q.shape[1]))
    np.add.at(counts, where.ravel(), weights[kept, None] * q[kept])
    total = counts.sum(axis=1)
    return distinct, counts / total[:, None], total


def keep(estimator: Any, model: Any, params: Real, result: FitResult) -> None:
    """What an estimator knows after its fit; scikit-learn's ConvergenceWarning with the status of a fit that has not
    converged, in the estimator's words."""
    estimator.model_, estimator.params_, estimator.result_ = model, params, result
    estimator.n_iter_ = max(1, result.iterations)
    if not result.converged:
        status = result.status.replace("max_iterations", "max_iter")
        warnings.warn(status, ConvergenceWarning, stacklevel=3)


def stopping(max_iter: Any, tol: Any, verbose: Any) -> dict[str, Any]:
    """The stopping rules and the progress of a fit, checked under the names that estimators have for them."""
    return {
        "max_iterations": _checks.integer("max_iter", max_iter, low=1),
        "gradient_tolerance": _checks.number("tol", tol, low=0.0),
        "progress": None if _checks.flag("verbose", verbose) else False,
    }


def seed_of(random_state: Any) -> int:
    """An integer seed from what scikit-learn accepts as random_state."""
    return int(check_random_state(random_state).randint(2**31 - 1))
