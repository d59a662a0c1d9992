"""Large vectors: the chunks of an operation, shared between the threads of a pool.

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

SHARED_FROM = 9
"""Qubits from which an operation is worth sharing between threads."""
TASKS = 4
"""Tasks for each thread, so that one that is held up does not hold up the others."""


def sweep(
    r: Real, tables: Tables, coefficients: Real, saves: Real, out: Real, backward: bool, threads: int | None = None
) -> None:
    """What :func:`qml.engines.pauli_kernels.sweep` does, to the bit, on `threads` threads (None: Numba's number)."""
    large = r.size >= 4**SHARED_FROM  # asking for the number of threads costs as much as a small sweep
    workers = (get_num_threads() if threads is None else threads) if large else 1
    if workers == 1:
        kernels.sweep(r, *tables, coefficients, saves, out, backward)
        return
    for row in tables.table[::-1] if backward else tables.table:
        if row[QUBITS] < SHARED_FROM or row[KIND] >= DISCARD:
            kernels.sweep(r, *tables._replace(table=row[None]), coefficients, saves, out, backward)
        else:
            _shared(row, r, tables, coefficients, saves, out, backward, workers)


def _shared(
    row: Integer, r: Real, tables: Tables, coefficients: Real, saves: Real, out: Real, backward: bool, workers: int
) -> None:
    """One operation."""
    _, places, ops, core_places, core_factors = tables
    saving = row[SAVE] >= 0 and len(saves) > 0
    size = 4 ** int(row[QUBITS])
    if saving and not backward:
        kept = saves[row[SAVE]]
        _spread(size, workers, lambda i, j: np.copyto(kept[i:j], r[i:j]))
    chunks, entries = kernels.layout(row, places, ops, coefficients, backward)
    differentiating = saving and backward
    x = saves[row[SAVE]] if differentiating else out
    parts = np.zeros((chunks if differentiating else 0, entries))

    def run(summing: bool) -> Callable[[int, int], None]:
        return lambda i, j: kernels.part(
            row, i, j, backward, summing, r, x, parts, places, ops, core_places, core_factors, coefficients
        )

    if differentiating:
        _spread(chunks, workers, run(True))
        kernels.add_up(row, parts, ops, out)
    if not differentiating or row[KIND] != BLOCK:
        _spread(chunks, workers, run(False))


def _spread(count: int, workers: int, task: Callable[[int, int], None]) -> None:
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
