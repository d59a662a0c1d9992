"""Fitting: where a model meets a target and a loss."""

from qml.fitting.check import GradientCheck, check_gradient
from qml.fitting.checkpoint import Checkpoint
from qml.fitting.deferred import DeferredCrossEntropy, fit_deferred
from qml.fitting.em import quantum_em
from qml.fitting.estimates import shot_variance
from qml.fitting.factors import fit_factors
from qml.fitting.growth import grow
from qml.fitting.objective import Objective
from qml.fitting.priors import Gaussian, Laplace, Prior
from qml.fitting.result import FitError, FitResult, History, Iteration, Restart
from qml.fitting.run import fit

__all__ = [
    "Checkpoint",
    "DeferredCrossEntropy",
    "FitError",
    "FitResult",
    "Gaussian",
    "GradientCheck",
    "History",
    "Iteration",
    "Laplace",
    "Objective",
    "Prior",
    "Restart",
    "check_gradient",
    "fit",
    "fit_deferred",
    "fit_factors",
    "grow",
    "quantum_em",
    "shot_variance",
]
