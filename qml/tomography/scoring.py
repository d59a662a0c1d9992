"""Fisher's scoring of gate sets, and whether it has reached the optimum."""

from __future__ import annotations

import math

import numpy as np

from qml._typing import Real
from qml.fitting import FitResult, Objective, fit
from qml.fitting.restart import CTRL_C
from qml.measurement import Counts
from qml.optimizers import NaturalLBFGS
from qml.processes.outcomes import OutcomesModel
from qml.tomography.errors import Information
from qml.tomography.excess import Excess
from qml.tomography.soft import SoftOutcomes

ROUGH, FINE = 1e-4, 1e-8
"""Largest entry of the gradient of a shot, between stages and at the end."""


GAIN, LEAST_GAIN = 1e-2, 1e-5
"""Nats that a step must gain, between stages and at the end. Errors that are completely positive lie at the boundary of
what they can be, where the last thousandth of a nat takes hundreds of steps."""


USUAL = 1e8
"""Shots from which the tolerance of the gradient falls, as noise does, with their root."""


KNOWN = 1e-10
"""An eigenvalue of the Fisher information, its diagonal scaled to one, below this part of the largest is a direction
that no word tells: a gauge."""


def scored(
    soft: SoftOutcomes, counts: Counts, params: Real, fine: bool, max_iterations: int, progress: bool | None
) -> tuple[FitResult, int, float]:
    """The optimum near `params` by Fisher's scoring, and by L-BFGS from its metric where that is slow; the iterations,
    and the nats that the slope there still promises.

    Steps become so short where a long one has failed that they gain less than they could: then it begins anew.
    """
    shots, taken, before = soft.shots, 0, math.inf
    while True:
        found = fit(
            soft,
            counts,
            loss=Excess(),
            params0=params,
            optimizer=NaturalLBFGS(),
            max_iterations=max_iterations - taken,
            gradient_tolerance=(FINE if fine else ROUGH) * min(1.0, math.sqrt(USUAL / shots)),
            loss_tolerance=(LEAST_GAIN if fine else GAIN) / shots,
            progress=progress,
        )
        params, taken = found.params, taken + found.iterations
        told = directions(soft, params)
        _, gradient = Objective(soft, counts, Excess()).value_and_gradient(params)
        promise = counts.total / 2 * float(np.square(gradient @ told).sum())
        if not told.shape[1] / 2 < promise < before / 2 or taken >= max_iterations or CTRL_C in found.status:
            return found, taken, promise
        before = promise


def directions(model: OutcomesModel, params: Real) -> Real:
    """The directions (n_params, k) that words tell: orthonormal in the Fisher information of a shot."""
    return Information(model.metric(params).matrix(), KNOWN, KNOWN).factor


def caps(counts: Counts) -> list[float]:
    """Shots of a setting that are counted one after the other, where there are more: gates at the boundary of what they
    can be are found where outcomes that were never seen may have small probabilities."""
    most = float(np.max(counts.shots))
    return [10.0**k for k in range(4, 19) if 10.0 ** (k + 1) < most] + [math.inf]


def inside(outcomes: SoftOutcomes, params: Real) -> Real:
    """The parameters, moved towards those of the ideal gates until no probability is negative."""
    if outcomes.is_physical(params):
        return params
    ideal = outcomes.init_params(np.random.default_rng(0))
    for part in np.geomspace(1e-12, 1.0, 49).tolist():
        moved: Real = params + part * (ideal - params)
        if outcomes.is_physical(moved):
            return moved
    return params
