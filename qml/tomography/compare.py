"""likelihood_ratio: whether the data ask for the larger of two nested models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scipy.special import gammaincc

from qml import _checks
from qml._checks import InputError
from qml._results import Table
from qml.fitting.result import FitResult
from qml.measurement import Counts
from qml.tomography.models import LIKELIHOODS

SLACK, ROUNDING = 1e-2, 1e-12
"""By how much the smaller model may come out above the larger one: nats, as a rate that the data do not ask for falls
to zero only while the gradient does, and a fit stops at its tolerance; and a part of the log-likelihood: rounding."""


@dataclass(frozen=True, eq=False, repr=False)
class LikelihoodRatio(Table):
    r"""The test of a smaller model within a larger one.

    .. math:: \Lambda = 2 (L_{\text{larger}} - L_{\text{smaller}})

    Attributes
    ----------
    statistic : float
        Lambda, without a unit.
    degrees : int
        How many more parameters the larger model has.
    boundary : int
        How many of them, 0 or 1, lie at the end of their interval in the smaller model.
    p_value : float
        The probability of a Lambda at least as large where the smaller model is right and counts are large.

    Examples
    --------
    Does the record ask for noise beside the angle? The rate is zero in the smaller model, the end of its interval:

    >>> from qml import Circuit, CircuitModel, PauliMeasurement, channels, fit, gates
    >>> counts = Counts(PauliMeasurement(["X", "Z"]), [[760, 240], [800, 200]])
    >>> pure = fit(CircuitModel(Circuit(1, [gates.RY("a", 0)])), counts, seed=0)
    >>> noisy = fit(CircuitModel(Circuit(1, [gates.RY("a", 0), channels.Depolarizing("p", 0)])), counts, seed=0)
    >>> test = likelihood_ratio(pure, noisy, boundary=1)
    >>> test.degrees, round(test.statistic, 2), test.p_value < 1e-6
    (1, 1553.41, True)
    """

    statistic: float
    degrees: int
    boundary: int
    p_value: float

    caption: ClassVar[str] = "likelihood ratio"

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("statistic", f"{self.statistic:.6g}"),
            ("degrees of freedom", str(self.degrees)),
            ("p-value", f"{self.p_value:.3g}"),
            ("law", "half chi-square, half of one degree less" if self.boundary else "chi-square"),
        ]


def likelihood_ratio(smaller: FitResult, larger: FitResult, *, boundary: int = 0) -> LikelihoodRatio:
    r"""Whether the data ask for the larger of two nested models, fitted to the same counts by their likelihood.

    Where the smaller model is right, Lambda follows chi-square with as many degrees as the larger model has parameters
    more (Wilks 1938). A rate that is zero in the smaller model lies at the end of its interval: then half of the time
    the larger model gains nothing, and Lambda follows half of chi-square with one degree less and half of chi-square
    (Chernoff 1954; Self and Liang 1987).

    Parameters
    ----------
    smaller, larger : FitResult
        Of ``fit(model, counts)``; the smaller model is the larger one with some parameters fixed. Readout errors that
        are learnt (``loss=NegativeLogLikelihood(readout=...)``) are parameters like others.
    boundary : {0, 1}
        How many of the parameters fixed are at an end of their interval there, such as a rate that is zero. For more of
        them the law depends on the Fisher information; with 0 the p-value is then too large, never too small.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    InputError
        If the fits are not to the same counts, not of the likelihood alone, did not converge, or the larger one has no
        more parameters, or fits worse, which says that it has not found its optimum.

    Examples
    --------
    >>> from qml import Circuit, CircuitModel, PauliMeasurement, channels, fit, gates
    >>> counts = Counts(PauliMeasurement(["X", "Z"]), [[760, 240], [800, 200]])
    >>> pure = fit(CircuitModel(Circuit(1, [gates.RY("a", 0)])), counts, seed=0, progress=False)
    >>> noisy = CircuitModel(Circuit(1, [gates.RY("a", 0), channels.Depolarizing("p", 0)]))
    >>> likelihood_ratio(pure, fit(noisy, counts, seed=0, progress=False), boundary=1).p_value < 1e-6
    True
    """
    for name, result in (("smaller", smaller), ("larger", larger)):
        result = _checks.instance(name, result, FitResult)
        if not isinstance(result.target, Counts) or not str(result.provenance.get("loss")).startswith(LIKELIHOODS):
            raise InputError(f"{name} must be a fit of counts by their likelihood: leave out loss=.")
        if "prior" in result.provenance:
            raise InputError(f"{name} must be a fit without a prior, which its loss would hold a share of.")
        if not result.converged:
            raise InputError(f"{name} must have converged; found: {result.status}")
    if smaller.target != larger.target:
        raise InputError("both fits must be to the same counts.")
    degrees = len(larger.params) - len(smaller.params)
    if degrees < 1:
        raise InputError(
            f"the larger model must have more parameters; found {len(larger.params)} and {len(smaller.params)}."
        )
    boundary = _checks.integer("boundary", boundary, low=0, high=1)
    statistic = 2 * larger.target.total * (smaller.loss - larger.loss)
    if -statistic / 2 > max(SLACK, ROUNDING * larger.target.total * abs(larger.loss)):
        raise InputError(
            f"the larger model fits worse, by {-statistic / 2:.3g} nats: the models are not nested, or it needs a "
            "start at the optimum of the smaller one, or a smaller gradient_tolerance."
        )
    statistic = max(statistic, 0.0)
    p_value = _tail(degrees, statistic)
    if boundary:
        p_value = (p_value + _tail(degrees - 1, statistic)) / 2
    return LikelihoodRatio(statistic, degrees, boundary, p_value)


def _tail(degrees: int, statistic: float) -> float:
    return float(gammaincc(degrees / 2, statistic / 2)) if statistic > 0 else 1.0
