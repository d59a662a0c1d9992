"""All restarts of a fit, each with a random stream of its own: begun or continued, run, and the best of them."""

from __future__ import annotations

import math
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np

from qml import _checks
from qml._typing import Real
from qml.fitting.checkpoint import Keeper
from qml.fitting.objective import Objective
from qml.fitting.parallel import side_by_side
from qml.fitting.progress import Progress
from qml.fitting.restart import SAME_FIT, Rules, Run
from qml.optimizers import Optimizer


class Restarts:
    """The restarts of a fit, continued from its checkpoint where there is one.

    Parameters
    ----------
    objective : Objective
    rules : Rules
    count : int
    seed : int, numpy Generator or None
    progress : Progress
    keeper : Keeper
        Reads and writes the checkpoint.
    resume : bool

    Attributes
    ----------
    seed : int or None
        What the streams follow from; None where they are children of a generator.
    """

    def __init__(
        self,
        objective: Objective,
        rules: Rules,
        count: int,
        seed: int | np.random.Generator | None,
        progress: Progress,
        keeper: Keeper,
        resume: bool,
    ) -> None:
        count = _checks.integer("restarts", count, low=1)
        _checks.memory(f"{_checks.readable(count)} restarts", 4096 * count, "ask for fewer of them")
        self._runs = [Run(objective._fresh(), rules, k, progress, keeper.iterate) for k in range(count)]
        self._flush, self._keeper = rules.flush, keeper
        self._streams, self.seed = streams_of(seed, count)
        keeper.open(resume, self._continue)
        self._starts = [stream.bit_generator.state for stream in self._streams]
        keeper.hold(self._held)

    def go(self, optimizer: Optimizer, start: Real | None, workers: int) -> None:
        """Run each, the first from `start`, in so many processes; a callback or Ctrl-C ends them all, and so does what
        is raised. What they have reached is written down, whatever ends them."""
        in_turn = workers == 1 or len(self._runs) == 1
        try:
            if in_turn:
                self._go_in_turn(optimizer, start)
            else:
                side_by_side(self._runs, optimizer, start, self._streams, workers)
        except BaseException:
            self._keeper.save()
            raise
        finally:
            self._flush()
        if self._cut:
            self._keeper.save()
        if not self.started:
            raise KeyboardInterrupt

    def _go_in_turn(self, optimizer: Optimizer, start: Real | None) -> None:
        for k, (run, stream) in enumerate(zip(self._runs, self._streams, strict=True)):
            if run.over:
                continue
            try:
                run.go(optimizer, start if k == 0 else None, partial(run.objective.init_params, stream))
            except KeyboardInterrupt:
                run.interrupt()
            if run.cut:
                break
            self._keeper.restart_over()

    @property
    def started(self) -> list[Run]:
        """Those of which something is known."""
        return [run for run in self._runs if run.now is not None]

    @property
    def best(self) -> Run:
        """The one with the lowest loss; of the held-out target, where there is one."""
        return min(self.started, key=lambda run: (math.isnan(run.standing.score), run.standing.score))

    @property
    def status(self) -> str:
        """Why the best one ended, and whether others were cut short."""
        best, cut = self.best, self._cut
        status = best.status
        for run in cut[:1] if best not in cut else ():
            status += f" Restart {run.index + 1} of {len(self._streams)} was {run.cut}; this is the best so far."
        return status + self._keeper.hint() if cut else status

    @property
    def _cut(self) -> list[Run]:
        return [run for run in self._runs if run.cut]

    def _continue(self, held: dict[str, Any]) -> str:
        """Go on from what a checkpoint holds; a clause if its numbers are not those of this fit."""
        for run, part in zip_longest(self._runs, held["restarts"]):
            run.restore(part)
        away = self.started[-1].check()
        self._keeper.exact = away == 0
        if not away <= SAME_FIT:
            return "loss and gradient at its parameters are others here"
        self.seed = held["seed"]
        for stream, state in zip(self._streams, held["streams"], strict=True):
            stream.bit_generator.state = state
        return ""

    def _held(self) -> dict[str, Any]:
        self._flush()
        parts = [part for run in self._runs if (part := run.held()) is not None]
        return {"seed": self.seed, "streams": self._starts, "restarts": parts}


def streams_of(seed: int | np.random.Generator | None, count: int) -> tuple[list[np.random.Generator], int | None]:
    """One generator a restart, and the seed that they follow from: None where they are children of a generator."""
    if isinstance(seed, np.random.Generator):
        return seed.spawn(count), None
    root = np.random.SeedSequence(None if seed is None else _checks.integer("seed", seed, low=0))
    assert isinstance(root.entropy, int)
    return [np.random.default_rng(child) for child in root.spawn(count)], root.entropy
