"""All restarts of a fit, each with a random stream of its own: begun or continued, run, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.fitting.checkpoint import Keeper, Part
from qml.fitting.parallel import side_by_side
from qml.fitting.restart import SAME_FIT, Run
from qml.optimizers import Optimizer


class Restarts:
    """The restarts of a fit, continued from its checkpoint where there is one.

    Parameters
    ----------
    make : callable
        The restart of this number.
    keeper : Keeper
        Reads and writes the checkpoint.
    flush : callable
        Has callbacks write down what they hold.
    count : int
    seed : int or None
    rng : numpy Generator or None
        Instead of the seed.
    resume : bool

    Attributes
    ----------
    seed : int or None
        What the streams follow from; None where they are children of a generator.
    """

    def __init__(
        self,
        make: Callable[[int], Run],
        keeper: Keeper,
        flush: Callable[[], None],
        count: int,
        seed: int | None,
        rng: np.random.Generator | None,
        resume: bool,
    ) -> None:
        self._make, self._keeper, self._flush = make, keeper, flush
        self._runs: list[Run] = []
        stored = keeper.open(resume, self._continued)
        if stored is None:
            self._runs.clear()
        elif rng is None:
            seed = stored["seed"]
        self._streams, self.seed = streams_of(seed, rng, count)
        states = None if rng is None else [stream.bit_generator.state for stream in self._streams]
        if stored is not None and rng is not None:
            states = stored["streams"]
            for stream, state in zip(self._streams, states, strict=True):
                stream.bit_generator.state = state
        keeper.hold(self._parts, seed=self.seed, streams=states)

    def go(self, optimizer: Optimizer, start: Real | None) -> None:
        """Run each, the first from `start`; a callback or Ctrl-C ends them all, and so does what is raised."""
        with self._kept():
            for k, stream in enumerate(self._streams):
                run = self._runs[k] if k < len(self._runs) else self._begin()
                if run.over:
                    continue
                try:
                    run.go(optimizer, start if k == 0 else None, partial(run.objective.init_params, stream))
                except KeyboardInterrupt:
                    run.interrupt()
                if run.cut:
                    break
                self._keeper.restart_over()

    def go_side_by_side(self, optimizer: Optimizer, start: Real | None, workers: int) -> None:
        """The same in so many processes."""

        def came_back(part: Part) -> None:
            run = self._begin()
            run.restore(part)
            run.progress.update(run.latest)
            if not run.over:
                run.interrupt()

        with self._kept():
            waiting = [self._make(k) for k in range(len(self._streams))]
            side_by_side(waiting, optimizer, start, self._streams, workers, came_back)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """What the restarts inside have reached is written down, whatever ends them."""
        try:
            yield
        except BaseException:
            self._keeper.save()
            raise
        finally:
            self._flush()
        if self._cut:
            self._keeper.save()
        if not self.started:
            raise KeyboardInterrupt

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

    def _begin(self) -> Run:
        self._runs.append(self._make(len(self._runs)))
        return self._runs[-1]

    def _continued(self, parts: Sequence[Part]) -> str:
        """Restore the restarts of a checkpoint; a clause if the numbers are not those of this fit."""
        self._runs.clear()
        for part in parts:
            self._begin().restore(part)
        away = self._runs[-1].check()
        self._keeper.exact = away == 0
        return "" if away <= SAME_FIT else "loss and gradient at its parameters are others here"

    def _parts(self) -> Sequence[Part]:
        self._flush()
        return [part for run in self._runs if (part := run.part()) is not None]


def streams_of(
    seed: int | None, rng: np.random.Generator | None, count: int
) -> tuple[list[np.random.Generator], int | None]:
    """One generator a restart, and the seed that they follow from."""
    if rng is not None:
        if seed is not None:
            raise InputError("seed and rng exclude each other: pass one of them.")
        return _checks.generator("rng", rng).spawn(count), None
    root = np.random.SeedSequence(seed)
    assert isinstance(root.entropy, int)
    return [np.random.default_rng(child) for child in root.spawn(count)], root.entropy
