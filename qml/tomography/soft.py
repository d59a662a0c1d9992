"""Probabilities next to zero and below, made positive: what gate sets of maximum likelihood pass through."""

from __future__ import annotations

import math

import numpy as np

from qml._typing import Numbers, ParamsLike, Real
from qml.measurement import Counts
from qml.processes.outcomes import FisherMetric, OutcomesModel, Prediction, ProcessFamily
from qml.states import State

WIDTH = 1e-2
"""The probability below which one is changed, in units of one over the shots of its setting."""


class SoftOutcomes(OutcomesModel, is_kind=False):
    r"""The model of a record of a family that may give negative probabilities, as gates do that are not completely
    positive: these are changed where they lie below a = 0.01/N, N the shots of their setting, so that the likelihood is
    finite and smooth everywhere.

    .. math:: \tilde p = \frac{a}{3} + \frac{p^2}{a} - \frac{p^3}{3 a^2} \text{ where the outcome was not seen}, \qquad
        \tilde p = \frac{a^2}{2a - p} \text{ where it was}

    divided by their sum in each setting. An outcome that was not seen is most likely at p = 0, and less so below: the
    most likely gate set gives no probability below zero by more than about a^2. The metric has the curvature of both,
    so that scoring steps are of the right length. The first form is that of pyGSTi (its Poisson picture with a radius).

    Parameters
    ----------
    family : ProcessFamily
    counts : Counts
    most : float
        Shots of a setting beyond which they make no probability smaller: fewer make the likelihood smoother.
    """

    def __init__(self, family: ProcessFamily, counts: Counts, most: float = math.inf) -> None:
        super().__init__(family, counts)
        shots = np.repeat(np.minimum(most, np.asarray(counts.shots, dtype=np.float64)), self.experiments.sizes)
        self.shots = float(np.minimum(most, np.asarray(counts.shots, dtype=np.float64)).sum())
        self._least = WIDTH / np.maximum(shots, 1.0)
        self._unseen = np.asarray(counts.counts) == 0

    def _new(self, theta: Real) -> Prediction:
        found, sizes = self.family._predict(theta, self.experiments), self.experiments.sizes
        starts = self.experiments.offsets[:-1]
        soft, slope, _ = softened(found.probabilities, self._least, self._unseen)
        totals = np.repeat(np.add.reduceat(soft, starts), sizes)
        p = soft / totals

        def pull(weights: Real) -> Real:
            means = np.repeat(np.add.reduceat(weights * p, starts), sizes)
            return found.pull((weights - means) * slope / totals)

        def jacobian() -> Real:
            rows = slope[:, None] * found.jacobian()
            sums = np.repeat(np.add.reduceat(rows, starts, axis=0), sizes, axis=0)
            return np.asarray((rows - p[:, None] * sums) / totals[:, None])

        return Prediction(p, pull, jacobian)

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> FisherMetric:
        found = self.family._predict(self.theta(params), self.experiments)
        _, _, curvature = softened(found.probabilities, self._least, self._unseen)
        return FisherMetric(1 / curvature, found.jacobian(), self._weights, kind)

    def is_physical(self, params: Real) -> bool:
        """Whether no probability is negative."""
        return bool(self.family._predict(params, self.experiments).probabilities.min() >= 0)


def softened(p: Real, least: Real, unseen: Numbers) -> tuple[Real, Real, Real]:
    """The changed probabilities, their derivatives in p, and the curvature of a shot of the likelihood in p."""
    low = p < least
    soft, slope, curvature = p.copy(), np.ones_like(p), 1 / np.maximum(p, least)
    rare, seen = low & unseen, low & ~unseen
    a, x = least[rare], p[rare] / least[rare]
    soft[rare], slope[rare] = a * (1 / 3 + x**2 - x**3 / 3), 2 * x - x**2
    curvature[rare] = np.maximum(np.square(slope[rare]) / soft[rare], 2 * (1 - x) / a)
    a, x = least[seen], p[seen] / least[seen]
    soft[seen], slope[seen] = a / (2 - x), 1 / np.square(2 - x)
    curvature[seen] = 1 / (a * (2 - x))
    return soft, slope, curvature
