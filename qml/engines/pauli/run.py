"""Sweeps on as many threads as are worth it: those of a large vector together, members of a batch one by one.

Compiled code runs without the interpreter's lock, so plain Python threads are enough, and a machine that is busy with
something else loses its share and no more. (An OpenMP team waits for its slowest thread by spinning, which was measured
to cost a factor of ten and more on two busy cores; see docs/explanation/engine.md.)
"""

from __future__ import annotations

import numpy as np

from qml._typing import Integer, Real
from qml.engines._llvm.teams import spread, together, workers_of
from qml.engines.pauli import kernels
from qml.engines.pauli.tables import Tables

SHARED_FROM = 7
"""Qubits from which a sweep is worth sharing between threads."""
MEMBERS_FROM = 2**18
"""Numbers times operations from which the members of a batch of smaller vectors are worth sharing."""
GROUPS_FROM = 2**16
"""The same for groups of members in lanes: rows that the operations list, for all groups."""
_ALONE = np.zeros(0, dtype=np.int64)
NOTHING_SAVED, _NO_SUMS = np.empty((0, 0, 0)), np.empty((0, 0))


def sweep(
    vectors: Real,
    tables: Tables,
    coefficients: Real,
    *,
    saves: Real = NOTHING_SAVED,
    sums: Real | None = None,
    threads: int | None = None,
) -> None:
    """What :func:`qml.engines.pauli.kernels.sweep` does, to the bit, on so many threads (None: all): forward, or
    backward where there are `sums` to add to."""
    backward, out = sums is not None, _NO_SUMS if sums is None else sums
    size, count = vectors.shape[1], len(vectors)
    large = not tables.wide and size >= 4**SHARED_FROM  # asking for the number of threads takes as long as small sweeps
    if tables.wide:
        sharing = count > 1 and count * len(tables.rows) >= GROUPS_FROM
    else:
        sharing = large or (count > 1 and count * size * len(tables.table) >= MEMBERS_FROM)
    workers = workers_of(threads) if sharing else 1
    room = tables.room if backward and saves.shape[1] > 0 else 0

    if not backward and saves.shape[1]:
        saves[:, 0] = vectors

    def run(begin: int, end: int, parts: Real, progress: Integer) -> None:
        kernels.sweep(vectors, begin, end, tables, coefficients, saves, out, parts, backward, progress)

    if workers == 1:
        run(0, count, np.empty(room), _ALONE)
    elif large:
        shared = np.empty(room)
        together(kernels.PHASES * count * len(tables.table), workers, lambda progress: run(0, count, shared, progress))
    else:
        spread(count, workers, lambda begin, end: run(begin, end, np.empty(room), _ALONE))
