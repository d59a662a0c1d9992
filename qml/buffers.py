"""Large arrays whose memory is kept for the next one of the same size, because first touching new memory takes long.

The system gives out memory page by page at the first touch, and clears each page: on the machine of
docs/explanation/engine.md that took longer than some of the sweeps over it, and in a training loop it comes back with
every step. So while somebody holds a :class:`Workspace` (an engine does, and a fit while it lasts), the memory of an
array made here returns to it when the last view of the array is gone. All who hold one at a time hold the same; where
nobody does, arrays are new, and their memory goes back to the system.

A workspace holds at most `KEPT` bytes in `PIECES` pieces, of which the oldest leave first, and nothing larger or
smaller than what is worth it. Before something is refused for lack of memory, what it keeps is given back.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from threading import RLock
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import MemoryRefused
from qml._typing import Complex, Numeric, Real

SMALLEST = 2**17
"""Bytes from which memory is kept: from about there on the allocator gives it back to the system and asks again."""
LINE = 8
"""Numbers in a line of the cache."""
KEPT = 2**29
"""Bytes kept at most: vector, matrix and scratch of 12 qubits take 7/8 of it."""
PIECES = 64
"""How many are kept at most: every request looks through them."""


class Workspace:
    """What is kept; it goes with the last who holds it."""

    def __init__(self) -> None:
        self._lock = RLock()  # entered again where collecting garbage inside frees another array
        self._stock: list[Real] = []

    def take(self, size: int) -> Real | None:
        """The memory of so many numbers, if it is there."""
        with self._lock:
            for place in range(len(self._stock) - 1, -1, -1):
                if self._stock[place].size == size:
                    return self._stock.pop(place)
        return None

    def keep(self, memory: Real) -> None:
        """Keep memory that nobody uses."""
        with self._lock:
            self._stock.append(memory)
            while len(self._stock) > PIECES or self.kept_bytes > KEPT:
                self._stock.pop(0)

    def release(self) -> None:
        """Give what is kept back to the system."""
        with self._lock:
            self._stock.clear()

    def __reduce__(self) -> tuple[Callable[[], Workspace], tuple[()]]:
        return workspace, ()  # in another process, the one of that process

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept now."""
        with self._lock:
            return sum(memory.nbytes for memory in self._stock)


_held: weakref.WeakValueDictionary[str, Workspace] = weakref.WeakValueDictionary()
_lock = RLock()


def workspace() -> Workspace:
    """The workspace that somebody holds already, or a new one: memory is kept as long as it is held.

    Examples
    --------
    >>> room = workspace()
    >>> workspace() is room
    True
    """
    with _lock:
        found = _current()
        if found is None:
            found = _held["now"] = Workspace()
        return found


def _current() -> Workspace | None:
    return _held.get("now")


class _Loan:
    """What an array and all its views hold on to; memory returns when it goes, if the workspace is there still."""

    def __init__(self, memory: Real, owner: Workspace) -> None:
        self._memory, self._owner = memory, weakref.ref(owner)
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        if (owner := self._owner()) is not None:
            owner.keep(self._memory)


def empty(shape: tuple[int, ...], smallest: int = SMALLEST) -> Real:
    """An array of float64 whose entries are anything; its memory is kept from `smallest` bytes on."""
    size = math.prod(shape)
    owner = _current() if smallest <= 8 * size <= KEPT else None
    if owner is None:
        return np.empty(shape)
    memory = owner.take(size)
    return np.asarray(_Loan(_aligned(size) if memory is None else memory, owner)).reshape(shape)


def _aligned(size: int) -> Real:
    """New memory that starts with a line of the cache: NumPy's starts 16 bytes later, and each row would take two. To
    ask where small arrays start was measured to take longer than it saves."""
    room = np.empty(size + LINE)
    first = -(room.__array_interface__["data"][0] // room.itemsize) % LINE
    return room[first : first + size]


def zeros(shape: tuple[int, ...]) -> Real:
    """An array of float64 zeros."""
    out = empty(shape)
    out.fill(0.0)
    return out


def rows(row: Real, count: int) -> Real:
    """So many copies of a row (m,)."""
    out = empty((count, row.size))
    out[:] = row
    return out


def copy(array: Real, kept: bool = True) -> Real:
    """The same numbers in another array, whose memory may be kept or not."""
    out = empty(array.shape, SMALLEST if kept else KEPT)
    out[...] = array
    return out


def scratch(size: int, dtype: np.dtype[Any]) -> Numeric:
    """Room for `size` numbers of float64 or complex128, for calls that follow each other closely: kept from 64 KiB."""
    room = empty((size * dtype.itemsize // 8,), 1 << 16)
    return room if dtype == np.float64 else room.view(np.complex128)


def empty_complex(shape: tuple[int, ...]) -> Complex:
    """An array of complex128 whose entries are anything."""
    return empty((*shape[:-1], 2 * shape[-1])).view(np.complex128)


def check(what: str, needed: int, remedy: str, qubits: int = 0) -> None:
    """What :func:`qml._checks.memory` does; what is kept is given back before anything is refused."""
    try:
        _checks.memory(what, needed, remedy, qubits)
    except MemoryRefused:
        if (owner := _current()) is not None:
            owner.release()
        _checks.memory(what, needed, remedy, qubits)
