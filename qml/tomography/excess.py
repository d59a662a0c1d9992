"""A likelihood less that of the frequencies themselves: a loss that keeps its digits however many shots there are."""

from __future__ import annotations

import math

import numpy as np

from qml._typing import Real
from qml.losses.counts import CountsLoss
from qml.measurement import Counts
from qml.tomography.likelihood import excess


class Excess(CountsLoss):
    r"""What the frequencies have above the model in likelihood, in nats a shot: a constant more than the negative
    log-likelihood, and with all its digits where shots are so many that those of log p are too few.

    .. math:: \sum_s w_s \sum_k \big( f_{sk} \log(f_{sk} / p_{sk}) - f_{sk} + p_{sk} \big)

    +inf where an outcome was counted that has a probability of zero.
    """

    name = "excess"

    def compare(self, counts: Counts, p: Real, resolution: float) -> tuple[float, Real]:
        f = counts.frequencies()
        w = np.repeat(np.asarray(counts.shots) / counts.total, counts.measurement.sizes)
        if (p[w * f > 0] <= resolution).any():
            return math.inf, np.zeros_like(p)
        return float(w @ excess(f, p)), w * np.divide(p - f, p, out=np.ones_like(p), where=f > 0)
