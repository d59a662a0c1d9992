"""Work shared between the threads of a pool: chunks of an operation on a large vector, or members of a batch.

Compiled code runs without the interpreter's lock, so plain Python threads are enough, and they do not spin: a machine
that is busy with something else loses its share and no more. (An OpenMP team waits for its slowest thread by spinning,
which was measured to cost a factor of ten and more on two busy cores; see docs/explanation/engine.md.)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numba import get_num_threads

from qml._typing import Integer, Real
from qml.engines import pauli_kernels as kernels
from qml.engines.pauli_loops import BLOCK, DISCARD, KIND, QUBITS, SAVE
from qml.engines.pauli_plan import Tables

_NO_SUMS = np.empty(0)
SHARED_FROM = 9
"""Qubits from which an operation is worth sharing between threads."""
MEMBERS_FROM = 2**18
"""Numbers times operations from which the members of a batch of smaller vectors are worth sharing."""
TASKS = 4
"""Tasks for each thread, so that one that is held up does not hold up the others."""


def sweep(
    vectors: Real,
    tables: Tables,
    coefficients: Real,
    saves: Real,
    out: Real,
    backward: bool,
    threads: int | None = None,
) -> None:
    """What :func:`qml.engines.pauli_kernels.sweep` does, to the bit, on `threads` threads (None: Numba's number).

    Large vectors are shared operation by operation, batches of small ones member by member.
    """
    size, count = vectors.shape[1], len(vectors)
    large = size >= 4**SHARED_FROM  # asking for the number of threads costs as much as a small sweep
    sharing = large or (count > 1 and count * size * len(tables.table) >= MEMBERS_FROM)
    workers = workers_of(threads) if sharing else 1
    if workers == 1:
        kernels.sweep(vectors, *tables, coefficients, saves, out, backward)
    elif large:
        for b in range(count):
            own = slice(b, b + 1)
            _large(vectors[own], tables, _rows(coefficients, own), saves[own], out[own], backward, workers)
    else:

        def members(i: int, j: int) -> None:
            values = _rows(coefficients, slice(i, j))
            kernels.sweep(vectors[i:j], *tables, values, saves[i:j], out[i:j], backward)

        spread(count, workers, members)


def workers_of(threads: int | None) -> int:
    """The number of threads that `threads` stands for."""
    return int(get_num_threads()) if threads is None else threads


def _rows(coefficients: Real, members: slice) -> Real:
    return coefficients[members] if len(coefficients) > 1 else coefficients


def _large(
    vectors: Real, tables: Tables, coefficients: Real, saves: Real, out: Real, backward: bool, workers: int
) -> None:
    """One large vector, one operation after another."""
    for row in tables.table[::-1] if backward else tables.table:
        if row[QUBITS] < SHARED_FROM or row[KIND] >= DISCARD:
            kernels.sweep(vectors, *tables._replace(table=row[None]), coefficients, saves, out, backward)
        else:
            kept = saves[0, row[SAVE]] if row[SAVE] >= 0 and len(saves) > 0 else None
            sums = out[0] if backward and kept is not None else _NO_SUMS
            _shared(row, vectors[0], tables, coefficients[0], kept, sums, backward, workers)


def _shared(
    row: Integer,
    r: Real,
    tables: Tables,
    coefficients: Real,
    kept: Real | None,
    out: Real,
    backward: bool,
    workers: int,
) -> None:
    """One operation; `kept` is the vector before it, if it is to be saved or differentiated."""
    _, places, sweeps, segments, rows, factors = tables
    size = 4 ** int(row[QUBITS])
    if kept is not None and not backward:
        before = kept
        spread(size, workers, lambda i, j: np.copyto(before[i:j], r[i:j]))
    chunks, entries = kernels.layout(row, places, sweeps, coefficients, backward)
    differentiating = kept is not None and backward
    x = kept if kept is not None and backward else r
    parts = np.zeros((chunks if differentiating else 0, entries))

    def run(summing: bool) -> Callable[[int, int], None]:
        return lambda i, j: kernels.part(
            row, i, j, backward, summing, r, x, parts, places, sweeps, segments, rows, factors, coefficients
        )

    if differentiating:
        spread(chunks, workers, run(True))
        kernels.add_up(row, parts, sweeps, segments, out)
    if not differentiating or row[KIND] != BLOCK:
        spread(chunks, workers, run(False))


def spread(count: int, workers: int, task: Callable[[int, int], None]) -> None:
    """task(begin, end) over all of range(count), in pieces that whichever thread is free takes next."""
    pieces = min(count, TASKS * workers)
    waiting = iter(range(pieces))

    def work() -> None:
        for piece in waiting:
            task(piece * count // pieces, (piece + 1) * count // pieces)

    others = [_pool(workers).submit(work) for _ in range(min(workers, pieces) - 1)]
    work()
    for other in others:
        other.result()


@lru_cache(maxsize=4)
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers - 1, thread_name_prefix="qml-pauli")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
