"""Large arrays whose memory is kept for the next one of the same size, because touching new memory is dear.

The system gives out memory page by page at the first touch, and clears each page: on the machine of
docs/explanation/engine.md that took longer than some of the sweeps over it, and in a training loop it comes back with
every step. So the memory of an array made here returns to a small stock when the last view of the array is gone.

The stock holds at most `KEPT` bytes in `PIECES` pieces, of which the oldest leave first, and nothing larger or smaller
than what is worth it. Before something is refused for lack of memory, the stock is given back to the system.
"""

from __future__ import annotations

import math
import weakref
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

_lock = RLock()  # entered again where collecting garbage inside frees another array
_stock: list[Real] = []


class _Loan:
    """What an array and all its views hold on to; memory returns when it goes."""

    def __init__(self, memory: Real) -> None:
        self.memory = memory
        self.__array_interface__ = memory.__array_interface__
        weakref.finalize(self, _keep, memory).atexit = False


def empty(shape: tuple[int, ...], smallest: int = SMALLEST, aligned: bool = True) -> Real:
    """An array of float64 whose entries are anything; its memory is kept from `smallest` bytes on.

    Unless `aligned`, smaller ones start where NumPy's do, which takes less time to ask for.
    """
    size = math.prod(shape)
    if 8 * size < smallest or 8 * size > KEPT:
        return _aligned(size).reshape(shape) if aligned else np.empty(shape)
    memory = None
    with _lock:
        for place in range(len(_stock) - 1, -1, -1):
            if _stock[place].size == size:
                memory = _stock.pop(place)
                break
    return np.asarray(_Loan(_aligned(size) if memory is None else memory)).reshape(shape)


def _aligned(size: int) -> Real:
    """New memory that starts with a line of the cache: NumPy's starts 16 bytes later, and each row would take two."""
    room = np.empty(size + LINE)
    first = -(room.__array_interface__["data"][0] // room.itemsize) % LINE
    return room[first : first + size]


def zeros(shape: tuple[int, ...]) -> Real:
    """An array of float64 zeros; small ones are not aligned."""
    out = empty(shape, aligned=False)
    out.fill(0.0)
    return out


def rows(row: Real, count: int) -> Real:
    """So many copies of a row (m,); small ones are not aligned."""
    out = empty((count, row.size), aligned=False)
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
    """What :func:`qml._checks.memory` does; the stock is given back before anything is refused."""
    try:
        _checks.memory(what, needed, remedy, qubits)
    except MemoryRefused:
        release()
        _checks.memory(what, needed, remedy, qubits)


def release() -> None:
    """Give what is kept back to the system."""
    with _lock:
        _stock.clear()


def kept_bytes() -> int:
    """Bytes that are kept now."""
    with _lock:
        return sum(memory.nbytes for memory in _stock)


def _keep(memory: Real) -> None:
    with _lock:
        _stock.append(memory)
        while len(_stock) > PIECES or kept_bytes() > KEPT:
            _stock.pop(0)
