"""Tomography: the state of maximum likelihood from measured counts, with a certificate and error bars."""

from collections.abc import Callable

from qml.tomography.bootstrap import Bootstrap, bootstrap
from qml.tomography.compare import LikelihoodRatio, likelihood_ratio
from qml.tomography.entropy import maximum_entropy
from qml.tomography.errors import FisherInformation
from qml.tomography.estimator import StateTomography
from qml.tomography.gate_set import GateSetResult, GaugeFixed, gate_set_tomography
from qml.tomography.intervals import ProfileLikelihood
from qml.tomography.linear import Determined, determined, least_squares
from qml.tomography.mle import maximum_likelihood
from qml.tomography.models import GoodnessOfFit, ModelErrors, goodness_of_fit, model_errors
from qml.tomography.process import process_tomography
from qml.tomography.ranks import RankChoice, RankTest, choose_rank, chosen_rank, expected_excess
from qml.tomography.result import TomographyError, TomographyHistory, TomographyResult

TOMOGRAPHIES: dict[str, Callable[..., TomographyResult]] = {
    "maximum_likelihood": maximum_likelihood,
    "process_tomography": process_tomography,
    "maximum_entropy": maximum_entropy,
    "choose_rank": chosen_rank,
}
"""Functions that find a state from its counts in at most `max_iterations`, by name: methods of studies."""

__all__ = [
    "TOMOGRAPHIES",
    "Bootstrap",
    "Determined",
    "FisherInformation",
    "GateSetResult",
    "GaugeFixed",
    "GoodnessOfFit",
    "LikelihoodRatio",
    "ModelErrors",
    "ProfileLikelihood",
    "RankChoice",
    "RankTest",
    "StateTomography",
    "TomographyError",
    "TomographyHistory",
    "TomographyResult",
    "bootstrap",
    "choose_rank",
    "determined",
    "expected_excess",
    "gate_set_tomography",
    "goodness_of_fit",
    "least_squares",
    "likelihood_ratio",
    "maximum_entropy",
    "maximum_likelihood",
    "model_errors",
    "process_tomography",
]
