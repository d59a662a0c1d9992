"""Threads that work through one compiled program together, each taking the next piece that nobody has taken.

The work is a sequence of phases, each of so many pieces. A thread takes tickets of a phase until there are none left,
and goes on to the next phase when all its pieces are done: so nobody waits for a thread, only for pieces, and one that
starts late or is held up by other work on the machine does less and holds up nothing but its piece. Waiting threads
yield the processor after a short while. The tickets and the finished pieces are counted in an array of integers, two
for each phase; an empty array stands for a single thread, which counts nothing.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import add_symbol
from numba import get_num_threads, types
from numba.core import cgutils
from numba.extending import intrinsic

from qml._typing import Integer

PATIENCE = 2000
"""How often a waiting thread looks before it lets others run."""

_YIELD = "qml.engines.teams.yield"
_library = ctypes.windll.kernel32 if os.name == "nt" else ctypes.CDLL(None)  # type: ignore[attr-defined,unused-ignore]
_function = _library.SwitchToThread if os.name == "nt" else _library.sched_yield
add_symbol(_YIELD, ctypes.cast(_function, ctypes.c_void_p).value)


def _place(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.gep(context.make_array(sig.args[0])(context, builder, args[0]).data, [args[1]])


def _take(typing: Any, counters: Any, index: Any) -> Any:
    """counters[index], which becomes one more: in one step, whichever threads do so."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", _place(context, builder, sig, args), one, "seq_cst")

    return types.int64(counters, types.intp), generate


def _look(typing: Any, counters: Any, index: Any) -> Any:
    """counters[index] as it is now, and all that was written before it became so."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(_place(context, builder, sig, args), "acquire", 8)

    return types.int64(counters, types.intp), generate


def _yield_now(typing: Any) -> Any:
    """Let another thread run."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        insert: Any = cgutils.get_or_insert_function
        function = insert(builder.module, ir.FunctionType(ir.IntType(32), []), _YIELD)
        builder.call(function, [])
        return context.get_dummy_value()

    return types.none(), generate


_take_one: Callable[..., Any] = intrinsic(_take)
_look_at: Callable[..., Any] = intrinsic(_look)
_let_run: Callable[..., Any] = intrinsic(_yield_now)


def ticket(progress: Integer, phase: int, before: int) -> int:
    """The next piece of a phase; `before` is the one taken last, -1 at first."""
    return before + 1 if progress.size == 0 else _take_one(progress, 2 * phase)


def finish(progress: Integer, phase: int) -> None:
    """One piece of the phase is done."""
    if progress.size != 0:
        _take_one(progress, 2 * phase + 1)


def wait(progress: Integer, phase: int, pieces: int) -> None:
    """Until all pieces of the phase are done."""
    looks = 0
    while progress.size != 0 and _look_at(progress, 2 * phase + 1) < pieces:
        looks += 1
        if looks > PATIENCE:
            _let_run()


def workers_of(threads: int | None) -> int:
    """The number of threads that `threads` stands for: None is as many as Numba uses."""
    return int(get_num_threads()) if threads is None else threads


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
