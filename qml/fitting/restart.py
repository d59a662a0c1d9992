"""One restart of a fit: it keeps the history, decides when it is over, and says why."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from qml import _checks, losses, spectral
from qml._checks import OutsideDomain
from qml._typing import Real
from qml.fitting import diagnosis
from qml.fitting.checkpoint import Part, differs
from qml.fitting.objective import Objective
from qml.fitting.progress import Progress
from qml.fitting.result import History, Iteration, Restart
from qml.fitting.validation import Validation
from qml.optimizers import NotANumber, Optimizer, OptimizerState, Point, Stalled
from qml.states import State

Callback: TypeAlias = Callable[[Iteration], object]
"""Called with every accepted iterate, the start included; returning True stops the fit."""

ROUNDING_GRADIENT = 100 * math.sqrt(spectral.EPS)
"""A stalled fit has converged when its gradient is below this times max(1, |loss|): what is left is rounding."""
SAME_FIT = 1e-6
"""Value and gradient at the parameters of a checkpoint are those of the same fit if they differ by no more than this;
in the last bits, they do on another machine."""
MOST_DRAWS = 100
"""Random starts that are drawn when they are outside the domain, parameters limiting each other."""


@dataclass(frozen=True)
class Rules:
    """When a restart ends, and who is told of its iterates."""

    max_iterations: int
    gradient_tolerance: float
    loss_tolerance: float
    callbacks: tuple[Callback, ...]
    track_fidelity: bool
    validation: Validation | None = None
    patience: int = 10

    def flush(self) -> None:
        """Have callbacks write down what they hold, those that can."""
        for callback in self.callbacks:
            if (write := getattr(callback, "flush", None)) is not None:
                write()


class Entry(NamedTuple):
    """One line of the history; fidelity and held-out loss where they are asked for."""

    loss: float
    gradient_norm: float
    seconds: float
    fidelity: float | None
    held_out: float | None


class Mark(NamedTuple):
    """A restart as of its latest iterate, taken at once, so that a Ctrl-C anywhere leaves a whole one."""

    point: Point
    state: OptimizerState
    entries: int
    best: Point
    score: float
    best_at: int
    evaluations: int
    converged: bool
    why: str
    at_best: bool = False
    """Of a restart that is over: whether its latest evaluation was at the best parameters."""


class Run:
    """One restart: keeps its history, decides when it is over, and says why."""

    def __init__(
        self,
        objective: Objective,
        rules: Rules,
        index: int,
        floor: float,
        progress: Progress,
        keep: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.objective = objective
        self.rules = rules
        self.index = index
        self.floor = floor
        self.progress = progress
        self.entries: list[Entry] = []
        self.converged = False
        self.cut = ""
        self.score = math.inf
        """What the best iterate is chosen by: its loss, or that of the held-out target."""
        self.mark: Mark | None = None
        self._keep_on_disk = keep
        self._state: OptimizerState = {}
        self._evaluated = True
        self._why = ""
        self._best_at = 0
        self._since = time.perf_counter()

    best: Point
    _point: Point

    @property
    def iterations(self) -> int:
        return max(0, len(self.entries) - 1)

    @property
    def over(self) -> bool:
        """Whether it has ended by itself."""
        return bool(self._why)

    @property
    def count(self) -> str:
        return _checks.plural(self.iterations, "iteration")

    @property
    def status(self) -> str:
        return f"{self.cut}; this is the best so far." if self.cut and not self.converged else self._why

    def go(self, optimizer: Optimizer, start: Real | None, draw: Callable[[], Real]) -> None:
        """Run from `start`, or from a random start inside the domain; or from where it was restored."""
        if self.mark is None:
            point = self._drawn(draw, optimizer) if start is None else optimizer.at(self.objective, start)
            if not math.isfinite(point.value) or not point.is_number:
                self._keep(point)
                self._not_started(point)
                self._mark_end()
                return
            state = optimizer.init(point)
            over = self.record(point, state)
        else:
            point, state, over = self.mark.point, self.mark.state, False
        try:
            while not over:
                point, state = optimizer.step(self.objective, point, state)
                over = self.record(point, state)
        except Stalled:
            self._stalled()
        except NotANumber as reached:
            cause = diagnosis.not_a_number(self.objective, "at the next step", reached.params)
            self._why = f"stopped after {self.count}: {cause}; this is the best so far."
        self._mark_end()

    def _not_started(self, point: Point) -> None:
        if point.value == math.inf:
            self._why = f"not started: the loss is infinite at the start{diagnosis.infinite(self.objective)}"
        else:
            cause = diagnosis.not_a_number(self.objective, "at the start")
            self._why = f"not started: {cause}; choose another params0."

    def _mark(self) -> None:
        self.mark = Mark(
            self._point,
            self._state,
            len(self.entries),
            self.best,
            self.score,
            self._best_at,
            self.objective.evaluations,
            self.converged,
            self._why,
        )

    def _mark_end(self) -> None:
        latest = self.objective.latest
        self._mark()
        self.mark = self._marked._replace(
            at_best=latest is not None and np.array_equal(latest.params, self.best.params)
        )

    def part(self, mark: Mark) -> Part:
        """What :meth:`restore` continues from."""
        entries = [[math.nan if number is None else number for number in e] for e in self.entries[: mark.entries]]
        text = {
            "value": mark.point.value,
            "best": mark.best.value,
            "score": mark.score,
            "best_at": mark.best_at,
            "evaluations": mark.evaluations,
            "converged": mark.converged,
            "why": mark.why,
            "at_best": mark.at_best,
        }
        arrays = {
            "entries": np.array(entries),
            "params": mark.point.params,
            "gradient": mark.point.gradient,
            "best.params": mark.best.params,
            "best.gradient": mark.best.gradient,
        }
        return Part(text, arrays | {f"optimizer.{name}": a for name, a in mark.state.items()})

    def restore(self, part: Part) -> None:
        """Be where the run of :meth:`part` was."""
        text, arrays = part.text, part.arrays
        prefix = "optimizer."
        held = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
        for loss, norm, seconds, fidelity, held_out in arrays["entries"].tolist():
            fidelity = fidelity if self.rules.track_fidelity else None
            self.entries.append(Entry(loss, norm, seconds, fidelity, held_out if self.rules.validation else None))
        self.best = _stored(arrays["best.params"], text["best"], arrays["best.gradient"])
        self.score, self._best_at = text["score"], text["best_at"]
        self.converged, self._why = text["converged"], text["why"]
        self.objective.evaluations = text["evaluations"]
        self._state = held
        self._since -= self.entries[-1].seconds
        self._point = _stored(arrays["params"], text["value"], arrays["gradient"])
        self._mark()
        self.mark = self._marked._replace(at_best=text["at_best"])
        self._evaluated = False

    @property
    def _marked(self) -> Mark:
        assert self.mark is not None, "this restart has not begun"
        return self.mark

    def check(self) -> float:
        """Evaluate where a restored run was, as an optimizer expects; how far that is from what is on disk: 0 if equal
        to the bit."""
        point = self._marked.point
        value, gradient = self.objective.again(point.params, point.has_gradient)
        return differs(value, point.value, gradient, point.gradient)

    def state(self) -> State:
        """The model's state at the best parameters; that of the latest evaluation where that was there."""
        if not self._evaluated:
            self.objective.latest = None
            if self._marked.at_best:
                self.objective.again(self.best.params, self.best.has_gradient)
        return self.objective.state(self.best.params)

    def _drawn(self, draw: Callable[[], Real], optimizer: Optimizer) -> Point:
        for _ in range(MOST_DRAWS - 1):
            try:
                return optimizer.at(self.objective, draw())
            except OutsideDomain:
                continue
        return optimizer.at(self.objective, draw())

    def record(self, point: Point, state: OptimizerState) -> bool:
        """Keep an accepted iterate, tell the callbacks; True when the restart is over."""
        previous = self.entries[-1].loss if self.entries else math.inf
        iteration = self._keep(point)
        self.progress.update(iteration)
        answers = [callback(iteration) for callback in self.rules.callbacks]
        size, decrease = point.gradient_norm, previous - point.value
        if size <= self.rules.gradient_tolerance:
            self.converged = True
            self._why = (
                f"converged: the largest entry of the gradient, {size:.2e}, is within the tolerance "
                f"{self.rules.gradient_tolerance:.2e}."
            )
        elif self.rules.loss_tolerance > 0 and 0 <= decrease <= self.rules.loss_tolerance:
            self.converged = True
            self._why = (
                f"converged: the last step lowered the loss by {decrease:.2e}, within the tolerance "
                f"{self.rules.loss_tolerance:.2e}."
            )
        elif self.iterations >= self.rules.max_iterations:
            last = f", with {size:.2e} as the largest entry of the gradient" if point.has_gradient else ""
            self._why = f"stopped after {self.count}, the most allowed{last}: raise max_iterations."
        elif self.rules.validation is not None and self.iterations - self._best_at >= self.rules.patience:
            self._why = (
                f"stopped early after {self.count}: the loss on the held-out target has not fallen for "
                f"{self.rules.patience}; the parameters are those of iteration {self._best_at}, where it was "
                f"{self.score:.8g}."
            )
        if any(answer is True for answer in answers):
            self.cut = f"stopped by a callback after {self.count}"
        self._state, self._evaluated = state, True
        self._mark()
        self._keep_on_disk(self.iterations)
        return bool(self._why or self.cut)

    def _keep(self, point: Point) -> Iteration:
        fidelity = None
        if self.rules.track_fidelity:
            fidelity = float(losses.fidelity(self.objective.target, self.objective.state(point.params)))
        seconds = time.perf_counter() - self._since
        point = replace(point, params=_read_only(point.params), gradient=_read_only(point.gradient))
        validation = self.rules.validation
        held_out = None if validation is None else validation.loss_of(self.objective, point.params)
        score = point.value if held_out is None else held_out
        if not self.entries or score < self.score:
            self.best, self.score, self._best_at = point, score, len(self.entries)
        self.entries.append(Entry(point.value, point.gradient_norm, seconds, fidelity, held_out))
        self._point = point
        return self.latest

    @property
    def latest(self) -> Iteration:
        """The latest accepted iterate."""
        point, entry = self._point, self.entries[-1]
        return Iteration(
            iteration=self.iterations,
            restart=self.index,
            params=point.params,
            gradient=point.gradient,
            loss=point.value,
            floor=self.floor,
            gradient_norm=point.gradient_norm,
            fidelity=entry.fidelity,
            evaluations=self.objective.evaluations,
            seconds=entry.seconds,
            held_out=entry.held_out,
        )

    def _stalled(self) -> None:
        size = self.best.gradient_norm
        self.converged = size <= ROUNDING_GRADIENT * max(1.0, abs(self.best.value))
        if not self.best.has_gradient:
            self._why = f"stopped after {self.count}: the loss is infinite wherever the next step leads."
        elif self.converged:
            self._why = (
                "converged to rounding: no step lowers the loss any further in float64; the largest entry of the "
                f"gradient is {size:.2e}."
            )
        else:
            self._why = (
                f"line search failed after {self.count}: no step lowers the loss, though the largest entry of the "
                f"gradient is {size:.2e}; the loss may have a kink or an infinite wall here, or the gradient be wrong "
                "(see check_gradient)."
            )

    def history(self) -> History:
        loss, gradient_norm, seconds, fidelity, held_out = zip(*self.entries, strict=True)
        return History._of(
            loss=np.array(loss),
            floor=np.full(len(loss), self.floor),
            gradient_norm=np.array(gradient_norm),
            seconds=np.array(seconds),
            fidelity=np.array(fidelity, dtype=np.float64) if self.rules.track_fidelity else None,
            held_out=None if self.rules.validation is None else np.array(held_out, dtype=np.float64),
        )

    def summary(self) -> Restart:
        evaluations, seconds = self.objective.evaluations, self.entries[-1].seconds
        return Restart(self.best.value, self.iterations, evaluations, seconds, self.converged, self.status)


def _stored(params: Real, value: float, gradient: Real) -> Point:
    return Point(_read_only(params), value, _read_only(gradient), has_gradient=not np.isnan(gradient).any())


def _read_only(a: Real) -> Real:
    copy = np.array(a, dtype=np.float64)
    copy.flags.writeable = False
    return copy
