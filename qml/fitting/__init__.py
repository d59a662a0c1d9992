"""Fitting: where a model meets a target and a loss."""

from qml.fitting.check import GradientCheck, check_gradient
from qml.fitting.deferred import DeferredCrossEntropy, shot_variance
from qml.fitting.factors import fit_factors
from qml.fitting.objective import Objective
from qml.fitting.result import FitError, FitResult, History, Iteration, Restart
from qml.fitting.run import fit

__all__ = [
    "DeferredCrossEntropy",
    "FitError",
    "FitResult",
    "GradientCheck",
    "History",
    "Iteration",
    "Objective",
    "Restart",
    "check_gradient",
    "fit",
    "fit_factors",
    "shot_variance",
]
