"""Threads that work through one compiled program together, each taking the next piece that nobody has taken.

The work is a sequence of phases, each of so many pieces. A thread takes tickets of a phase until there are none left,
and goes on to the next phase when all its pieces are done: so nobody waits for a thread, only for pieces, and one that
starts late or is held up by other work on the machine does less and holds up nothing but its piece. Waiting threads
yield the processor after a short while. The tickets and the finished pieces are counted in an array of integers, two
for each phase; an empty array stands for a single thread, which counts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np

from qml import threads
from qml._typing import Integer, Real
from qml.engines._llvm.language import I1, YIELD, inline, intrinsic

PATIENCE = 2000
"""How often a waiting thread looks before it lets others run."""


@intrinsic
def _take_one(body: Any, counters: Any, index: Any) -> Any:
    """counters[index], which becomes one more: in one step, whichever threads do so."""
    return body.builder.atomic_rmw("add", body.address(counters, index), body.WORD(1), "seq_cst")


@intrinsic
def _look_at(body: Any, counters: Any, index: Any) -> Any:
    """counters[index] as it is now, and all that was written before it became so."""
    return body.builder.load_atomic(body.address(counters, index), "acquire", 8)


@intrinsic
def _let_run(body: Any) -> None:
    """Let another thread run."""
    body.builder.call(body.unit.external(YIELD, body.SHORT), [])


@inline
def ticket(progress: I1, phase: int, before: int) -> int:
    """The next piece of a phase; `before` is the one taken last, -1 at first."""
    return before + 1 if progress.size == 0 else _take_one(progress, 2 * phase)


@inline
def finish(progress: I1, phase: int) -> None:
    """One piece of the phase is done."""
    if progress.size != 0:
        _take_one(progress, 2 * phase + 1)


@inline
def wait(progress: I1, phase: int, pieces: int) -> None:
    """Until all pieces of the phase are done."""
    looks = 0
    while progress.size != 0 and _look_at(progress, 2 * phase + 1) < pieces:
        looks += 1
        if looks > PATIENCE:
            _let_run()


def workers_of(wanted: int | None) -> int:
    """The number of threads that `wanted` stands for: None is as many as kernels may use."""
    return threads.of_kernels() if wanted is None else wanted


def together(phases: int, workers: int, task: Callable[[Integer], None]) -> None:
    """task(progress) on so many threads at once, one of which is this."""
    progress = np.zeros(2 * phases if workers > 1 else 0, dtype=np.int64)
    _side_by_side(workers - 1, workers, lambda: task(progress))


def spread(count: int, workers: int, task: Callable[[int, int], None]) -> None:
    """task(begin, end) over all of range(count), in pieces that whichever thread is free takes next."""
    pieces = min(count, TASKS * workers)
    waiting = iter(range(pieces))

    def work() -> None:
        for piece in waiting:
            task(piece * count // pieces, (piece + 1) * count // pieces)

    _side_by_side(min(workers, pieces) - 1, workers, work)


def shared(count: int, worth: bool, task: Callable[[int, int], None]) -> None:
    """task(begin, end) over all of range(count): at once, or, where it is worth it, in pieces for all threads."""
    workers = workers_of(None) if worth else 1
    if workers == 1:
        task(0, count)
    else:
        spread(count, workers, task)


def summed(count: int, chunks: int, size: int, worth: bool, task: Callable[[int, int, Real], None]) -> Real:
    """The sum of what task(begin, end, sums) leaves in `sums` (size,), over so many chunks of range(count): in their
    order, so that it does not depend on the number of threads."""
    parts = np.zeros((chunks, size))

    def run(first: int, last: int) -> None:
        for c in range(first, last):
            task(c * count // chunks, (c + 1) * count // chunks, parts[c])

    shared(chunks, worth, run)
    return np.asarray(parts.sum(axis=0))


def _side_by_side(others: int, workers: int, work: Callable[[], None]) -> None:
    """work() on this thread and on so many others, until all that it shares is done; those that have not started by
    then need not. The pool keeps what was cancelled until a thread comes to it, so it is handed no more than a box,
    which is emptied: nothing holds the arrays of `work` any longer."""
    box = [work]
    futures = [_pool(workers).submit(lambda: box[0]()) for _ in range(others)]
    try:
        work()
        for future in futures:
            if not future.cancel():
                future.result()
    finally:
        box.clear()


TASKS = 4
"""Tasks for each thread, so that one that is held up does not hold up the others."""


@lru_cache(maxsize=4)
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers - 1, thread_name_prefix="qml-engines")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
