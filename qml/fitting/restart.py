"""One restart of a fit: it keeps the history, decides when it is over, and says why."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from qml import _checks, losses, spectral
from qml._checks import OutsideDomain
from qml._typing import Real
from qml.fitting.endings import infinite, is_unattained, not_a_number
from qml.fitting.objective import Objective
from qml.fitting.progress import Progress
from qml.fitting.result import History, Iteration, Restart
from qml.optimizers import NotANumber, Optimizer, OptimizerState, Point, Stalled
from qml.optimizers.base import rounding
from qml.states import State

Callback: TypeAlias = Callable[[Iteration], object]
"""Called with every accepted iterate, the start included; returning True stops the fit."""

ROUNDING_GRADIENT = 100 * math.sqrt(spectral.EPS)
"""A stalled fit has converged when its gradient, in the units that the optimizer measures parameters by, is below this
times max(1, |loss|/|theta|): what is left is rounding."""
CTRL_C = "interrupted (Ctrl-C)"
"""Part of the status of a fit that was cut short."""
SAME_FIT = 1e-6
"""Value and gradient at the parameters of a checkpoint are those of the same fit if they differ by no more than this;
in the last bits, they do on another machine."""
MOST_DRAWS = 100
"""Random starts that are drawn when they are outside the domain, parameters limiting each other."""


@dataclass(frozen=True)
class Rules:
    """When a restart ends, and who is told of its iterates: arguments of fit."""

    max_iterations: int
    gradient_tolerance: float
    loss_tolerance: float
    callbacks: Sequence[Callback]
    track_fidelity: bool
    validation: Objective | None
    patience: int

    def __post_init__(self) -> None:
        _checks.integer("max_iterations", self.max_iterations, low=0)
        _checks.number("gradient_tolerance", self.gradient_tolerance, low=0.0)
        _checks.number("loss_tolerance", self.loss_tolerance, low=0.0)
        _checks.flag("track_fidelity", self.track_fidelity)
        _checks.integer("patience", self.patience, low=1)

    def about(self) -> dict[str, Any]:
        """As results and checkpoints have them."""
        held_out = self.validation
        return {
            "max_iterations": int(self.max_iterations),
            "gradient_tolerance": float(self.gradient_tolerance),
            "loss_tolerance": float(self.loss_tolerance),
            "validation": None if held_out is None else repr(held_out.target),
            "patience": None if held_out is None else int(self.patience),
        }

    def flush(self) -> None:
        """Have callbacks write down what they hold, those that can."""
        for callback in self.callbacks:
            if (write := getattr(callback, "flush", None)) is not None:
                write()


class Entry(NamedTuple):
    """One line of the history; fidelity and held-out loss are NaN where they are not asked for."""

    loss: float
    gradient_norm: float
    seconds: float
    fidelity: float
    held_out: float


class Standing(NamedTuple):
    """A restart as of an iterate: all that it goes on from, and why it ended (empty: it has not)."""

    point: Point
    state: OptimizerState
    entries: int
    """How many lines its history has."""
    evaluations: int
    best: Point
    score: float
    """What the best iterate is chosen by: its loss, or that of the held-out target."""
    best_at: int
    converged: bool = False
    why: str = ""


class Run:
    """One restart: keeps its history, decides when it is over, and says why.

    Attributes
    ----------
    now : Standing or None
        As of its latest iterate, put in place at once, so that a Ctrl-C anywhere leaves a whole one.
    told : Standing or None
        The latest one that callbacks know of, which is what a checkpoint holds.
    cut : str
        Who stopped it, where it did not end by itself.
    """

    def __init__(
        self,
        objective: Objective,
        rules: Rules,
        index: int,
        progress: Progress,
        keep: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.objective = objective
        self.rules = rules
        self.index = index
        self.progress = progress
        self.now: Standing | None = None
        self.told: Standing | None = None
        self.cut = ""
        self._entries: list[Entry] = []
        self._keep_on_disk = keep
        self._since = 0.0

    @property
    def standing(self) -> Standing:
        """That of a restart that has begun."""
        assert self.now is not None, "this restart has not begun"
        return self.now

    @property
    def entries(self) -> list[Entry]:
        """The lines of its history."""
        return [] if self.now is None else self._entries[: self.now.entries]

    @property
    def iterations(self) -> int:
        return 0 if self.now is None else self.now.entries - 1

    @property
    def over(self) -> bool:
        """Whether it has ended by itself."""
        return self.now is not None and bool(self.now.why)

    @property
    def count(self) -> str:
        return _checks.plural(self.iterations, "iteration")

    @property
    def status(self) -> str:
        now = self.standing
        return f"{self.cut}; this is the best so far." if self.cut and not now.converged else now.why

    def interrupt(self) -> None:
        """Note that Ctrl-C ended it."""
        self.cut = f"{CTRL_C} after {self.count}"

    def go(self, optimizer: Optimizer, start: Real | None, draw: Callable[[], Real]) -> None:
        """Run from `start`, or from a random start inside the domain; or from where it was restored."""
        self._since = time.perf_counter() - (self.entries[-1].seconds if self.entries else 0.0)
        if self.now is None:
            point = self._drawn(draw, optimizer) if start is None else optimizer.at(self.objective, start)
            if not math.isfinite(point.value) or not point.is_number:
                self._reached(point, {})
                self._end(self._not_started(point))
                return
            self._accept(point, optimizer.init(point))
        try:
            while not (self.over or self.cut):
                self._accept(*optimizer.step(self.objective, self.standing.point, self.standing.state))
        except Stalled:
            self._end(*self._stalled())
        except NotANumber as reached:
            cause = not_a_number(self.objective, "at the next step", reached.params)
            self._end(f"stopped after {self.count}: {cause}; this is the best so far.")

    def _drawn(self, draw: Callable[[], Real], optimizer: Optimizer) -> Point:
        for _ in range(MOST_DRAWS - 1):
            try:
                return optimizer.at(self.objective, draw())
            except OutsideDomain:
                continue
        return optimizer.at(self.objective, draw())

    def _accept(self, point: Point, state: OptimizerState) -> None:
        """Keep an iterate, tell the callbacks, and see whether the restart is over."""
        self._reached(point, state)
        if self.rules.callbacks or self.progress.is_due:
            iteration = self.latest
            self.progress.update(iteration)
            answers = [callback(iteration) for callback in self.rules.callbacks]
            if any(answer is True for answer in answers):
                self.cut = f"stopped by a callback after {self.count}"
        why, converged = self._verdict()
        if why:
            self._end(why, converged)
        self.told = self.now
        self._keep_on_disk(self.iterations)

    def _reached(self, point: Point, state: OptimizerState) -> None:
        """Stand at an iterate."""
        rules, before, seconds = self.rules, self.now, time.perf_counter() - self._since
        count = 0 if before is None else before.entries
        fidelity = held_out = math.nan
        if rules.track_fidelity:
            fidelity = float(np.mean(losses.fidelity(self.objective.target, self.objective.state(point.params))))
        if rules.validation is not None:
            held_out = self.objective._value_of(rules.validation, point.params)
        for array in (point.params, point.gradient):
            array.flags.writeable = False
        score = point.value if rules.validation is None else held_out
        best = (point, score, count) if before is None or self._is_better(point, score, before) else before[4:7]
        del self._entries[count:]
        self._entries.append(Entry(point.value, point.gradient_norm, seconds, fidelity, held_out))
        self.now = Standing(point, state, count + 1, self.objective.evaluations, *best)

    def _is_better(self, point: Point, score: float, before: Standing) -> bool:
        """Whether an iterate is better than the best one before it: where their losses differ by no more than rounding,
        by its gradient."""
        if self.rules.validation is None and abs(score - before.score) <= rounding(point) and point.has_gradient:
            return point.gradient_norm < before.best.gradient_norm
        return score < before.score

    def _end(self, why: str, converged: bool = False) -> None:
        """Be over, for this reason."""
        evaluations = self.objective.evaluations
        self.now = self.told = self.standing._replace(why=why, converged=converged, evaluations=evaluations)

    def _verdict(self) -> tuple[str, bool]:
        """Why the restart is over at this iterate, empty if it is not; and whether it has converged."""
        rules, now = self.rules, self.standing
        size = now.point.gradient_norm
        if is_unattained(self.objective, now.point.value):
            return (
                f"stopped after {self.count}: no state has the expectations of the target, as its loss, "
                f"{now.point.value:.3g}, would not be below 0: correct them, or take a prior."
            ), False
        if size <= rules.gradient_tolerance:
            return (
                f"converged: the largest entry of the gradient, {size:.2e}, is within the tolerance "
                f"{rules.gradient_tolerance:.2e}."
            ), True
        if rules.loss_tolerance > 0 and now.entries > 1:
            decrease = self._entries[-2].loss - now.point.value
            if 0 <= decrease <= rules.loss_tolerance:
                return (
                    f"converged: the last step lowered the loss by {decrease:.2e}, within the tolerance "
                    f"{rules.loss_tolerance:.2e}."
                ), True
        if self.iterations >= rules.max_iterations:
            last = f", with {size:.2e} as the largest entry of the gradient" if now.point.has_gradient else ""
            return f"stopped after {self.count}, the most allowed{last}: raise max_iterations.", False
        if rules.validation is not None and self.iterations - now.best_at >= rules.patience:
            return (
                f"stopped early after {self.count}: the loss on the held-out target has not fallen for "
                f"{rules.patience}; the parameters are those of iteration {now.best_at}, where it was {now.score:.8g}."
            ), False
        return "", False

    def _not_started(self, point: Point) -> str:
        if point.value == math.inf:
            return f"not started: the loss is infinite at the start{infinite(self.objective)}"
        cause = not_a_number(self.objective, "at the start")
        return f"not started: {cause}; choose another params0."

    def _stalled(self) -> tuple[str, bool]:
        best = self.standing.best
        size = best.gradient_norm
        if not best.has_gradient:
            return f"stopped after {self.count}: the loss is infinite wherever the next step leads.", False
        in_units = np.abs(best.gradient / self.standing.state.get("units", 1.0)).max(initial=0.0)
        if in_units <= ROUNDING_GRADIENT * max(1.0, abs(best.value) / np.abs(best.params).max(initial=1.0)):
            return (
                f"converged to rounding: no step lowers the loss by more than float64 tells, {rounding(best):.1e}; the "
                f"largest entry of the gradient is {size:.2e}."
            ), True
        return (
            f"line search failed after {self.count}: no step lowers the loss, though the largest entry of the "
            f"gradient is {size:.2e}; the loss may have a kink or an infinite wall here, or the gradient be wrong "
            "(see check_gradient)."
        ), False

    def held(self) -> dict[str, Any] | None:
        """What :meth:`restore` continues from, in arrays and plain data; None: nothing yet."""
        told = self.told
        if told is None:
            return None
        points = {"point": _fields(told.point), "best": _fields(told.best)}
        return told._asdict() | points | {"entries": np.array(self._entries[: told.entries])}

    def restore(self, held: dict[str, Any] | None) -> None:
        """Be where the run of :meth:`held` was; None: before its beginning."""
        if held is None:
            self.now = self.told = None
            self.objective.evaluations = 0
            return
        self._entries = [Entry(*row) for row in held["entries"].tolist()]
        self.objective.evaluations = held["evaluations"]
        points = {name: _point(*held[name]) for name in ("point", "best")}
        self.now = self.told = Standing(**held | points | {"entries": len(self._entries)})

    def check(self) -> float:
        """How far the loss and its gradient where a restored run stands are from what is on disk: 0 if equal to the
        bit."""
        point, objective = self.standing.point, self.objective
        if point.has_gradient:
            value, gradient = objective.value_and_gradient(point.params)
        else:
            value, gradient = objective.value(point.params), point.gradient
        objective.evaluations = self.standing.evaluations
        return _differs(np.append(gradient, value), np.append(point.gradient, point.value))

    def state(self) -> State:
        """The model's state at the best parameters."""
        best = self.standing.best
        return self.objective.state(best.params, best.has_gradient)

    @property
    def latest(self) -> Iteration:
        """The latest iterate, for callbacks."""
        now, entry = self.standing, self._entries[-1]
        return Iteration(
            iteration=self.iterations,
            restart=self.index,
            params=now.point.params,
            gradient=now.point.gradient,
            loss=now.point.value,
            floor=self.objective.floor,
            gradient_norm=entry.gradient_norm,
            fidelity=entry.fidelity if self.rules.track_fidelity else None,
            evaluations=now.evaluations,
            seconds=entry.seconds,
            held_out=None if self.rules.validation is None else entry.held_out,
        )

    def history(self) -> History:
        loss, gradient_norm, seconds, fidelity, held_out = np.array(self.entries).T.copy()
        return History(
            loss=loss,
            floor=np.full(len(loss), self.objective.floor),
            gradient_norm=gradient_norm,
            seconds=seconds,
            fidelity=fidelity if self.rules.track_fidelity else None,
            held_out=None if self.rules.validation is None else held_out,
        )

    def summary(self) -> Restart:
        now, seconds = self.standing, self.entries[-1].seconds
        return Restart(now.best.value, self.iterations, now.evaluations, seconds, now.converged, self.status)


def _fields(point: Point) -> tuple[Real, float, Real, bool]:
    return point.params, point.value, point.gradient, point.has_gradient


def _point(params: Real, value: float, gradient: Real, has_gradient: bool) -> Point:
    return Point(_checks.kept(params), value, _checks.kept(gradient), has_gradient)


def _differs(a: Real, b: Real) -> float:
    """The largest difference of two vectors, relative to the size of b (at least 1); +inf: a NaN or an infinity that
    only one of them has."""
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return math.inf
    finite = np.isfinite(a)
    scale = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale
