"""Fitting: where a model meets a target and a loss."""

from qml.fitting.check import GradientCheck, check_gradient
from qml.fitting.objective import Objective
from qml.fitting.result import FitError, FitResult, History, Iteration, Restart
from qml.fitting.run import fit

__all__ = [
    "FitError",
    "FitResult",
    "GradientCheck",
    "History",
    "Iteration",
    "Objective",
    "Restart",
    "check_gradient",
    "fit",
]
