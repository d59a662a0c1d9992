"""What deferred measurement finds: means over shots, variances and iterates; and what may descend on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.optimizers import Adam, Optimizer, as_optimizer
from qml.states import StateLike, as_pair


@dataclass(frozen=True)
class ShotEstimate:
    """A mean over shots.

    Attributes
    ----------
    value : float
    variance : float
        Of the mean, estimated from the same shots; not a number for one shot.
    shots : int
    """

    value: float
    variance: float
    shots: int

    @property
    def standard_error(self) -> float:
        """The square root of the estimated variance."""
        return math.sqrt(self.variance)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The confidence interval of the normal approximation, for shots by the hundred."""
        level = _checks.number("confidence", confidence, low=0.0, high=1.0)
        half = -NormalDist().inv_cdf((1 - level) / 2) * self.standard_error if level < 1 else math.inf
        return self.value - half, self.value + half


@dataclass(frozen=True, eq=False)
class GradientEstimate:
    """The cross entropy and its gradient from shots.

    Attributes
    ----------
    value : ShotEstimate
    gradient, variances : array (n_params,)
        Unbiased estimates, and the estimated variance of each.
    copies : int
        All copies that were measured, those of the value included.
    """

    value: ShotEstimate
    gradient: Real
    variances: Real
    copies: int


@dataclass(frozen=True, eq=False)
class DeferredRun:
    """The iterates of a stochastic descent: arrays with one row an iterate, the start included.

    Attributes
    ----------
    params : array (steps + 1, n_params)
    values, standard_errors : array (steps + 1,)
        The estimated cross entropy, in nats.
    copies : array (steps + 1,)
        Copies measured so far.
    """

    params: Real
    values: Real
    standard_errors: Real
    copies: Real

    def average(self, last: int) -> Real:
        """The mean of the last iterates (n_params,): less noisy than the last one.

        Parameters
        ----------
        last : int
            How many, from 1 to all of them.

        Raises
        ------
        InputError
            If there are not so many.
        """
        return np.asarray(self.params[-_checks.integer("last", last, low=1, high=len(self.params)) :].mean(axis=0))


def means(values: Real, counts: Real) -> list[ShotEstimate]:
    """The means over shots of values (d,) or (m, d) of the outcomes, with their variances."""
    shots = counts.sum()
    seen = counts > 0
    rows, weights = np.atleast_2d(values)[:, seen], counts[seen] / shots
    found = rows @ weights
    spread = np.square(rows - found[:, None]) @ weights
    variances = spread / (shots - 1) if shots > 1 else np.full(len(found), math.nan)
    return [ShotEstimate(float(m), float(v), int(shots)) for m, v in zip(found, variances, strict=True)]


def shot_variance(rho: StateLike, sigma: StateLike) -> float:
    r"""The variance of -log s_x for one copy of rho measured in the eigenbasis of sigma, in squared nats.

    .. math:: \mathrm{Tr}\,\rho (\log\sigma)^2 - (\mathrm{Tr}\,\rho\log\sigma)^2

    Parameters
    ----------
    rho, sigma : State, matrix (d, d), vector (d,) or Qobj
        Single states of equal dims.

    Returns
    -------
    float
        +inf where S(rho, sigma) is.

    Raises
    ------
    InputError
        If the dims differ, or one is a batch or no state.

    Notes
    -----
    Costs one eigen-decomposition of sigma, O(d^3), unless it knows its spectrum.

    Examples
    --------
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix.from_probabilities([0.5, 0.5]), DensityMatrix.from_probabilities([0.25, 0.75])
    >>> round(shot_variance(rho, sigma), 6)
    0.301737
    """
    rho, sigma = as_pair(rho, sigma)
    if rho.batch_shape or sigma.batch_shape:
        raise InputError("the variance of a shot takes single states: index the batch first.")
    spectrum = sigma.spectrum()
    mean = sigma.log_expectation(rho)
    if not math.isfinite(mean):
        return math.inf
    logs = np.where(spectrum.support, spectrum.log_eigenvalues, mean)
    return float(rho.populations(spectrum.basis) @ np.square(logs - mean))


def of_shots(optimizer: Optimizer | str | None) -> Optimizer:
    """The optimizer, by default Adam(0.1); refused where it compares values."""
    found = Adam(0.1) if optimizer is None else as_optimizer(optimizer)
    if found.descends:
        raise InputError(
            "optimizer must be one that compares no values, since shots make them noisy, such as Adam(); found "
            f"{found!r}."
        )
    return found
