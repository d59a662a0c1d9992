"""L-BFGS.

SciPy keeps its state to itself, but it is a function of the values that it was given: replaying these continues a run
to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.optimize

from qml import _checks, spectral
from qml._typing import Real
from qml.optimizers.base import SUFFICIENT_DECREASE, Differentiable, Optimizer, Point, Report, Stalled, halved, trial


class _Stop(Exception):
    pass


class _Infinite(Exception):
    """A trial at +inf, and the last accepted iterate before it."""

    def __init__(self, accepted: Point, params: Real) -> None:
        self.accepted = accepted
        self.params = params


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS with a line search that satisfies the Wolfe conditions: SciPy's L-BFGS-B without bounds.

    A trial step of the line search that reaches +inf ends SciPy's run; the step is halved from the last iterate until
    the value is finite and has decreased enough, and a new run starts there. A run that sees no way on is started once
    more without memory; when that gains nothing, it has stalled.

    Parameters
    ----------
    memory : int
        The number of past steps that model the curvature.

    Notes
    -----
    Source: Liu and Nocedal (1989), Math. Program. 45, 503; Byrd, Lu, Nocedal and Zhu (1995), SIAM J. Sci. Comput. 16,
    1190.

    Examples
    --------
    >>> LBFGS()
    LBFGS(memory=10)
    """

    name: ClassVar[str] = "lbfgs"
    memory: int = 10

    def __post_init__(self) -> None:
        _checks.integer("memory", self.memory, low=1)

    def _run(self, objective: Differentiable, start: Point, report: Report) -> None:
        point = start
        while True:
            try:
                reached = self._scipy(objective, point, report)
            except _Stop:
                return
            except _Infinite as infinite:
                point = _shortened(objective, infinite.accepted, infinite.params)
                if report(point):
                    return
                continue
            if point.value - reached.value <= 100 * spectral.EPS * max(1.0, abs(point.value)):
                raise Stalled
            point = reached

    def _scipy(self, objective: Differentiable, start: Point, report: Report) -> Point:
        """One run of SciPy from `start`; the last accepted iterate when SciPy sees no way on."""
        accepted = latest = start

        def value_and_gradient(params: Real) -> tuple[float, Real]:
            nonlocal latest
            if not np.array_equal(params, latest.params):
                latest = trial(objective, params.copy())
                if latest.value == math.inf:
                    raise _Infinite(accepted, latest.params)
            return latest.value, latest.gradient

        def on_iterate(intermediate_result: scipy.optimize.OptimizeResult) -> None:
            nonlocal accepted
            value_and_gradient(intermediate_result.x)
            accepted = latest
            if report(accepted):
                raise _Stop

        unlimited = {"gtol": 0.0, "ftol": 0.0, "maxiter": 2**31 - 1, "maxfun": 2**31 - 1, "maxcor": self.memory}
        scipy.optimize.minimize(
            value_and_gradient, start.params, jac=True, method="L-BFGS-B", callback=on_iterate, options=unlimited
        )
        return accepted


def _shortened(objective: Differentiable, start: Point, infinite: Real) -> Point:
    """A point between `start` and parameters at +inf that lowers the value enough (Armijo)."""

    def lowers(point: Point) -> bool:
        slope = min(0.0, float(start.gradient @ (point.params - start.params)))
        return point.value < start.value and point.value <= start.value + SUFFICIENT_DECREASE * slope

    return halved(objective, start, (infinite - start.params) / 2, lowers)
