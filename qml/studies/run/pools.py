"""Where the points of a sweep are worked on: here, in processes of this machine, or on a Dask cluster.

All three speak ``concurrent.futures``, so the loop over the points (:func:`carry_out`) is one. Processes are those of
loky, as for restarts side by side: they import nothing of the script that runs a study. Dask adds what a single machine
lacks: other machines, and moving the work of one that died.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future, wait
from contextlib import contextmanager
from typing import Any

from qml._checks import InputError, need
from qml.fitting.parallel import held, processes
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

    def close(self, now: bool) -> None:
        """No more points come, or the workers are to end `now`, if there are any."""


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

    def submit(self, task: Task) -> Future[dict[str, Any]]:
        with held(signal.SIGINT, signal.SIGTERM):  # a worker that starts meanwhile is there when it is to be killed
            future: Future[dict[str, Any]] = processes(self.workers).submit(_in_worker, work, task)
            return future

    def close(self, now: bool) -> None:
        if now:
            processes(self.workers).shutdown(kill_workers=True)


def _in_worker(work: Callable[[Task, Kept], dict[str, Any]], task: Task) -> dict[str, Any]:
    """In a process of a worker: what is kept belongs to it, and ends with it."""
    return work(task, vars(multiprocessing.current_process()).setdefault("kept_for_qml", Kept()))


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
