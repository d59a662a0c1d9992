"""Where the points of a sweep are worked on: here, in processes of this machine, or on a Dask cluster.

All three speak ``concurrent.futures``, so the loop over the points (:func:`carry_out`) is one. Processes are those of
the standard library, which need nothing installed; they are forked from a process that has only imported things, since
one that was forked while BLAS had threads may hang. Dask adds what a single machine lacks: other machines, and
moving the work of one that died.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import connection, forkserver, resource_tracker
from typing import Any

from qml._checks import InputError, need
from qml.fitting.parallel import ALONE, held
from qml.studies.run.worker import Kept, Task, failed, work

WORKER_DIED = "WorkerDied: the process was killed while it worked on this point, more than once (out of memory?)"
AHEAD = 3
"""Points that are handed out for each worker, so that none waits for its next one."""
LOCAL = "local"


class Pool:
    """A place to work: this process, one point after the other; a subclass is another one. `ahead` is the number of
    points that it is given at once."""

    ahead = 1

    def __init__(self) -> None:
        self._kept = Kept()

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        """Start the work on a point."""
        future: Future[dict[str, Any]] = Future()
        future.set_result(work(task, self._kept))
        return future

    def renew(self) -> None:
        """Start new workers in place of those that died, where nobody else does."""

    def close(self, now: bool) -> None:
        """End the workers, if there are any: `now`, or when they are done with their points."""


def reach(scheduler: str) -> None:
    """Whether a cluster is there, before anything is written.

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler answers.
    """
    if not scheduler:
        raise InputError("--scheduler needs an address, 'local' or tcp://HOST:PORT; found an empty one.")
    distributed = need("distributed", "distributed", "--scheduler")
    if scheduler != LOCAL:
        _client(distributed, scheduler).close()


@contextmanager
def opened(workers: int, scheduler: str | None, say: Callable[[str], object] = lambda _: None) -> Iterator[Pool]:
    """The pool for so many workers, closed at the end; at once, if that end is an error or Ctrl-C."""
    pool: Pool = Dask(scheduler, workers, say) if scheduler else Pool() if workers == 1 else Processes(workers)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close(now=False)


def carry_out(tasks: Iterable[Task], pool: Pool, keep: Callable[[dict[str, Any]], None], names: list[str]) -> None:
    """Work on every task and `keep` each outcome as it comes, in no particular order.

    What is under way when a process dies is tried once more, each point alone, so that it takes down no other; if its
    process dies again, it is kept as failed.
    """
    waiting = deque(tasks)
    while waiting:
        for task in _side_by_side(waiting, pool, keep, names):
            if _side_by_side(deque([task]), pool, keep, names):
                keep(failed(names, task.point, WORKER_DIED))


def _side_by_side(
    waiting: deque[Task], pool: Pool, keep: Callable[[dict[str, Any]], None], names: list[str]
) -> list[Task]:
    """Work until nothing is waiting, or a process dies; returns what it was that was under way then."""
    flying: dict[Future[dict[str, Any]], Task] = {}
    while waiting or flying:
        try:
            while waiting and len(flying) < pool.ahead:
                flying[pool.submit(waiting[0])] = waiting[0]
                waiting.popleft()
            for future in sorted(wait(flying, return_when="FIRST_COMPLETED").done, key=_is_lost):
                keep(_outcome(future, flying[future], names))
                del flying[future]
        except BrokenExecutor:
            pool.renew()
            return [*flying.values()] or [waiting.popleft()]
    return []


def _is_lost(future: Future[dict[str, Any]]) -> bool:
    """Whether the process died that worked on it."""
    return not future.cancelled() and isinstance(future.exception(), BrokenExecutor)


def _outcome(future: Future[dict[str, Any]], task: Task, names: list[str]) -> dict[str, Any]:
    try:
        return future.result()
    except CancelledError:
        raise InputError("the scheduler is gone: what is done is kept; continue with --resume.") from None
    except Exception as error:
        if type(error).__name__ != "KilledWorker":  # of Dask, which has tried it on several workers
            raise
        return failed(names, task.point, WORKER_DIED)


class Processes(Pool):
    """Processes of this machine; they end with this one, however it ends."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.ahead = AHEAD * workers
        self._start()

    def _start(self) -> None:
        self._others = set(multiprocessing.active_children())
        self._executor = ProcessPoolExecutor(self.workers, _context(), initializer=_begin)

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        # a worker that starts meanwhile is there when it is to be killed
        with held(signal.SIGINT, signal.SIGTERM), _without_main():
            return self._executor.submit(_in_worker, work, task)

    def renew(self) -> None:
        self.close(now=True)
        self._start()

    def close(self, now: bool) -> None:
        if now:
            self._executor.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - self._others:
                process.kill()
        self._executor.shutdown(wait=True)


def _context() -> Any:
    """One new interpreter imports what this one has imported, and is forked for every worker; where there is no fork,
    each is a new interpreter."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([name for name in sys.modules if name.startswith("qml.")])
    with _alone():
        resource_tracker.ensure_running()
        with held(signal.SIGINT):
            forkserver.ensure_running()
    return context


@contextmanager
def _alone() -> Iterator[None]:
    """Interpreters that start in here import nothing from the folder that this one was started in."""
    before = {name: os.environ.get(name) for name in ALONE}
    os.environ.update(ALONE)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes that start in here do not import the script that runs a study, which would run it again: what they do
    needs nothing of it."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main).pop(name) for name in ("__file__", "__spec__") if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)


def _in_worker(work: Callable[[Task, Kept], dict[str, Any]], task: Task) -> dict[str, Any]:
    """In a process of a worker: what is kept belongs to it, and ends with it."""
    return work(task, vars(multiprocessing.current_process()).setdefault("kept_for_qml", Kept()))


def _begin() -> None:
    """In a new worker: Ctrl-C is for the parent to handle, and without a parent there is nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


class Dask(Pool):
    """A Dask cluster: ``local`` starts one on this machine, an address joins one that runs already. It gives the
    work of a worker that died to another one."""

    def __init__(self, address: str, workers: int, say: Callable[[str], object]) -> None:
        distributed = need("distributed", "distributed", "--scheduler")
        self._cluster: Any = None
        if address == LOCAL:
            self._cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            )
        self._client = _client(distributed, self._cluster or address)
        if not self._client.nthreads():
            say("No worker has joined the cluster yet: waiting for the first one.")
        self._executor = self._client.get_executor(pure=False)

    @property
    def ahead(self) -> int:  # type: ignore[override]
        """By the threads that the cluster has now: workers may come and go."""
        return AHEAD * max(1, sum(map(int, self._client.nthreads().values())))

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = self._executor.submit(_in_worker, work, task)
        return future

    def close(self, now: bool) -> None:
        with contextlib.suppress(Exception) if now else contextlib.nullcontext():
            self._executor.shutdown(wait=not now)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _client(distributed: Any, cluster: Any) -> Any:
    try:
        return distributed.Client(cluster, timeout=10)
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {cluster!r} ({error}).") from None
