"""What the estimators share: a penalty of some parameters, warnings, random seeds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from qml._typing import Real
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


def warn_unless_converged(result: FitResult) -> None:
    """scikit-learn's ConvergenceWarning with the status of the fit."""
    if not result.converged:
        warnings.warn(result.status, ConvergenceWarning, stacklevel=3)


def seed_of(random_state: Any) -> int:
    """An integer seed from what scikit-learn accepts as random_state."""
    return int(check_random_state(random_state).randint(2**31 - 1))
