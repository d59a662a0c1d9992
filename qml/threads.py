"""As many threads as help: those of the linear algebra that NumPy and SciPy bring, and those of compiled kernels.

NumPy and SciPy each bring an OpenBLAS, with threads that wait by spinning. For small matrices they gain nothing, and
where another process is busy they lose factors of a hundred, because each thread waits for one that does not run; where
the two libraries take turns, each waits for the other. So linear algebra runs on one thread below a measured dimension,
decided once for a whole fit, and what was set before comes back when the last one that asked for it is over.
Kernels of the engines share their work in another way, in which nobody waits for a thread: ``engines/_llvm/teams.py``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache, wraps
from threading import RLock
from typing import Any, ParamSpec, TypeVar

from qml._machine import processors

P = ParamSpec("P")
T = TypeVar("T")

SHARED_FROM = 512
"""Dimension from which several threads are measured to do an eigenproblem faster than one."""
SPLIT_FROM = 32
"""Dimension below which OpenBLAS never uses a second thread."""

_lock = RLock()
_asked: list[int] = []
_before: list[int] = []


class Limit:
    """A context in which linear algebra runs on at most so many threads; of several at once, the least number counts.

    The number belongs to the process, so it counts for all threads of Python, too.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def __enter__(self) -> None:
        with _lock:
            if not _asked:
                _before[:] = [library.num_threads for library in _libraries()]
            _asked.append(self._threads)
            if len(_asked) == 1 or self._threads < min(_asked[:-1]):
                _set([self._threads] * len(_before))

    def __exit__(self, *_: object) -> None:
        with _lock:
            _asked.remove(self._threads)
            if not _asked:
                _set(_before)
            elif self._threads < min(_asked):
                _set([min(_asked)] * len(_before))


_ONE, _FREE = Limit(1), nullcontext()


def suited(dim: int) -> Limit | nullcontext[None]:
    """A context with the number of threads that suits matrices of this dimension.

    Examples
    --------
    >>> with suited(64):
    ...     found()["blas"]
    1
    """
    return _ONE if dim < SHARED_FROM else _FREE


def suited_alone(dim: int) -> Limit | nullcontext[None]:
    """The same where there are no other matrices than of this dimension: the smallest need no limit, and none needs
    one within another of one thread."""
    return _ONE if SPLIT_FROM <= dim < SHARED_FROM and 1 not in _asked else _FREE


def suited_to_matrix(function: Callable[P, T]) -> Callable[P, T]:
    """The function, run with the threads that suit its first argument, a matrix (..., d) or (..., d, r)."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        matrix: Any = args[0]
        context = suited_alone(max(matrix.shape[-2:]))
        if context is _FREE:
            return function(*args, **kwargs)
        with context:
            return function(*args, **kwargs)

    return run


def of_kernels() -> int:
    """Threads that a kernel may use: as many as there are processors, or as ``QML_NUM_THREADS`` says, or fewer within
    :func:`pinned`."""
    return min(_most_of_kernels(), _of_kernels.get())


@cache
def _most_of_kernels() -> int:
    given = os.environ.get("QML_NUM_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return processors()


_of_kernels: ContextVar[int] = ContextVar("_of_kernels", default=sys.maxsize)


def pinned(threads: int | None) -> AbstractContextManager[None]:
    """Linear algebra and kernels on this many threads (None: as they are).

    The last bits of a sum depend on how it is shared between threads, so runs are compared at equal numbers.
    """
    return as_found({"blas": threads, "kernels": threads})


@contextmanager
def as_found(numbers: Mapping[str, int | None]) -> Iterator[None]:
    """On as many threads as :func:`found` said, here or in another process; None: as they are."""
    with ExitStack() as stack:
        if (blas := numbers["blas"]) is not None:
            stack.enter_context(Limit(blas))
        if (wanted := numbers["kernels"]) is not None:
            stack.callback(_of_kernels.reset, _of_kernels.set(wanted))
        yield


def found() -> dict[str, int | None]:
    """Processors of this machine, and the threads of linear algebra and of kernels now; None: not known."""
    blas = max((library.num_threads for library in _libraries()), default=None)
    return {"cpus": os.cpu_count(), "blas": blas, "kernels": of_kernels()}


@cache
def _libraries() -> list[Any]:
    """What NumPy and SciPy have loaded: looked for once, since that takes about a millisecond."""
    import scipy.linalg  # noqa: F401 - its library must be loaded to be found

    controller = importlib.import_module("threadpoolctl").ThreadpoolController()
    found = [library for library in controller.lib_controllers if library.user_api == "blas"]
    return [library for library in found if getattr(library, "threading_layer", "") != "disabled"]  # always on one


def _set(numbers: list[int]) -> None:
    for library, number in zip(_libraries(), numbers, strict=True):
        # threadpoolctl lets only the thread of Python that set a number first change it, which our lock makes needless
        getattr(library, "_real_set_num_threads", library.set_num_threads)(number)
