"""Restarts side by side, each in a process of its own: the same computation as here, so the same result to the bit.

What comes back of a restart is what a checkpoint holds of it, :meth:`~qml.fitting.restart.Run.held`. Processes are
those of loky, which need no ``if __name__ == "__main__"`` in a script, take models that were defined in a notebook, and
wait some seconds for the next fit.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np

from qml import threads
from qml._checks import InputError
from qml._typing import Real
from qml.fitting.objective import Objective
from qml.fitting.progress import Progress
from qml.fitting.restart import Rules, Run
from qml.optimizers import Optimizer

Part: TypeAlias = dict[str, Any] | None
"""What there is of a restart; None: it has not begun."""
KEPT = 10
"""Seconds that processes wait for the next fit."""
ALONE = {"PYTHONSAFEPATH": "1"}
"""With which they import nothing from the folder that they are started in, such as a ``random.py`` of the user."""


def side_by_side(
    runs: Sequence[Run], optimizer: Optimizer, start: Real | None, streams: Sequence[np.random.Generator], workers: int
) -> None:
    """Run all, the first from `start`, in so many processes, and restore here what there is of each, in their order.

    At Ctrl-C all end at their next iterate, and those that have not begun are left out; at a second one they are
    killed.

    Raises
    ------
    InputError
        If model, target or loss cannot be sent to a process, or a process dies; and what a restart raises.
    """
    with (
        processes(min(workers, len(runs)), "a restart") as pool,
        TemporaryDirectory(prefix="qml-") as folder,
    ):
        stop = Path(folder) / "stop"
        first = [start] + [None] * (len(runs) - 1)
        with held(signal.SIGINT):
            futures = [
                pool.submit(_run, run.objective, run.rules, run.index, optimizer, begin, stream, threads.found(), stop)
                for run, begin, stream in zip(runs, first, streams, strict=True)
            ]
        for run, future in zip(runs, futures, strict=True):
            part = _result(future, futures, stop)
            if part is None:
                continue
            run.restore(part)
            run.progress.update(run.latest)
            if not run.over:
                run.interrupt()


@contextmanager
def processes(workers: int, work: str) -> Iterator[Any]:
    """So many processes of loky for pieces of some work, those that wait for it or new ones. They are killed where
    something is raised, and end with this process, however it ends.

    Raises
    ------
    InputError
        If a process dies, or something cannot be sent to one.
    """
    from loky import get_reusable_executor
    from loky.backend import resource_tracker as of_loky

    resource_tracker.ensure_running()  # both take SIGINT as they start, whoever holds it back
    of_loky.ensure_running()
    with held(signal.SIGINT):
        how = {"timeout": KEPT, "initializer": _begin, "initargs": (os.getpid(),), "env": ALONE}
        pool = get_reusable_executor(workers, **how)
    try:
        yield pool
    except BaseException as error:
        pool.shutdown(wait=True, kill_workers=True)
        if isinstance(error, BrokenExecutor):
            raise InputError(
                f"workers: a process that worked on {work} died (out of memory?): pass a smaller number."
            ) from None
        if isinstance(error, pickle.PicklingError | AttributeError | TypeError) and "pickle" in str(error):
            raise InputError(
                f"workers must be 1 here, for something of this fit cannot be sent to another process: {error}"
            ) from error
        raise


@contextmanager
def held(*signals: signal.Signals) -> Iterator[None]:
    """These signals wait until the end of it; processes that start in here never get them, not even before their first
    line of Python (a terminal sends Ctrl-C to every process of a job, and it is for this one to handle)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: int) -> None:
    """In a new process: Ctrl-C is for the one that has asked for it, also where signals have no masks, and without that
    one there is nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        psutil.Process(parent).wait()
    os._exit(1)


def _result(future: Future[Part], all_of_them: Sequence[Future[Part]], stop: Path) -> Part:
    while True:
        try:
            return future.result()
        except CancelledError:
            return None
        except KeyboardInterrupt:
            if stop.exists():
                raise
            stop.touch()
            for other in all_of_them:
                other.cancel()


def _run(
    objective: Objective,
    rules: Rules,
    index: int,
    optimizer: Optimizer,
    start: Real | None,
    stream: np.random.Generator,
    used: dict[str, int | None],
    stop: Path,
) -> Part:
    """In another process, on as many threads: the last bits of a sum depend on how threads share it."""
    if stop.exists():
        return None
    rules = replace(rules, callbacks=(lambda _: stop.exists(),))
    run = Run(objective, rules, index, Progress(False, 0, 0))
    with threads.as_found(used):
        run.go(optimizer, start, partial(objective.init_params, stream))
    return run.held()
