"""L-BFGS.

SciPy keeps its state to itself, but it is a function of the values that it was given: these are logged, and replaying
them continues a run to the bit.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import scipy.optimize

from qml import _checks, spectral
from qml._checks import InputError
from qml._typing import Real
from qml.optimizers.base import (
    SUFFICIENT_DECREASE,
    Differentiable,
    Memory,
    Optimizer,
    OptimizerState,
    Point,
    Report,
    Stalled,
    halved,
    trial,
)


class _Stop(Exception):
    pass


class _Infinite(Exception):
    """A trial at +inf, and the last accepted iterate before it."""

    def __init__(self, accepted: Point, params: Real) -> None:
        self.accepted = accepted
        self.params = params


class _Log:
    """One run of SciPy: where it began, the evaluations that it was given since, and how many iterates it accepted.

    It only grows, so that its length is all that a snapshot has to keep. Of the parameters there is a checksum, for
    SciPy asks for the same ones again.
    """

    def __init__(self, start: Point) -> None:
        self.start = start
        self.answers: list[tuple[int, float, Real]] = []
        self.accepted = 0

    @classmethod
    def unpacked(cls, state: OptimizerState) -> _Log:
        log = cls(Point(state["start"], float(state["value"]), state["gradient"]))
        log.answers = list(zip(state["checksums"].tolist(), state["values"].tolist(), state["gradients"], strict=True))
        log.accepted = int(state["accepted"])
        return log

    def snapshot(self) -> Callable[[], OptimizerState]:
        """What :meth:`unpacked` reads, as of now."""
        return partial(self._packed, len(self.answers), self.accepted)

    def _packed(self, length: int, accepted: int) -> OptimizerState:
        answers, n = self.answers[:length], len(self.start.params)
        return {
            "start": self.start.params,
            "value": np.array(self.start.value),
            "gradient": self.start.gradient,
            "checksums": np.array([checksum for checksum, _, _ in answers], dtype=np.float64),
            "values": np.array([value for _, value, _ in answers]),
            "gradients": np.array([gradient for _, _, gradient in answers]).reshape(length, n),
            "accepted": np.array(float(accepted)),
        }

    def keep(self, point: Point) -> None:
        self.answers.append((zlib.crc32(point.params.tobytes()), point.value, point.gradient))

    def answer(self, number: int, params: Real) -> Point | None:
        """The evaluation of this number, where it has been made."""
        if number >= len(self.answers):
            return None
        checksum, value, gradient = self.answers[number]
        if zlib.crc32(params.tobytes()) != checksum:
            raise InputError(
                "this run of L-BFGS cannot be continued, because SciPy asks for other parameters than it did before: "
                "use the version of SciPy that it began with, or start anew from its best parameters (params0)."
            )
        return Point(params.copy(), value, gradient)


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

    def _run(self, objective: Differentiable, start: Point, report: Report, memory: Memory) -> None:
        log = _Log(start) if memory.state is None else _Log.unpacked(memory.state)
        while True:
            try:
                reached = self._scipy(objective, log, report, memory)
            except _Stop:
                return
            except _Infinite as infinite:
                log = _Log(_shortened(objective, infinite.accepted, infinite.params))
                memory.recall = log.snapshot()
                if report(log.start):
                    return
                continue
            if log.start.value - reached.value <= 100 * spectral.EPS * max(1.0, abs(log.start.value)):
                raise Stalled
            log = _Log(reached)

    def _scipy(self, objective: Differentiable, log: _Log, report: Report, memory: Memory) -> Point:
        """One run of SciPy, what is in the log replayed; the last accepted iterate when SciPy sees no way on."""
        accepted = latest = log.start
        evaluated = iterates = 0

        def value_and_gradient(params: Real) -> tuple[float, Real]:
            nonlocal latest, evaluated
            if not np.array_equal(params, latest.params):
                known = log.answer(evaluated, params)
                latest = trial(objective, params.copy()) if known is None else known
                if latest.value == math.inf:
                    raise _Infinite(accepted, latest.params)
                if known is None:
                    log.keep(latest)
                evaluated += 1
            return latest.value, latest.gradient

        def on_iterate(intermediate_result: scipy.optimize.OptimizeResult) -> None:
            nonlocal accepted, iterates
            value_and_gradient(intermediate_result.x)
            accepted = latest
            iterates += 1
            if iterates <= log.accepted:
                return
            log.accepted = iterates
            memory.recall = log.snapshot()
            if report(accepted):
                raise _Stop

        unlimited = {"gtol": 0.0, "ftol": 0.0, "maxiter": 2**31 - 1, "maxfun": 2**31 - 1, "maxcor": self.memory}
        scipy.optimize.minimize(
            value_and_gradient, log.start.params, jac=True, method="L-BFGS-B", callback=on_iterate, options=unlimited
        )
        return accepted


def _shortened(objective: Differentiable, start: Point, infinite: Real) -> Point:
    """A point between `start` and parameters at +inf that lowers the value enough (Armijo)."""

    def lowers(point: Point) -> bool:
        slope = min(0.0, float(start.gradient @ (point.params - start.params)))
        return point.value < start.value and point.value <= start.value + SUFFICIENT_DECREASE * slope

    return halved(objective, start, (infinite - start.params) / 2, lowers)
