"""Sweeps on as many threads as are worth it: those of a large vector together, members of a batch one by one.

Compiled code runs without the interpreter's lock, so plain Python threads are enough, and a machine that is busy with
something else loses its share and no more. (An OpenMP team waits for its slowest thread by spinning, which was measured
to cost a factor of ten and more on two busy cores; see docs/explanation/engine.md.)
"""

from __future__ import annotations

import numpy as np

from qml._typing import Integer, Real
from qml.engines import pauli_kernels as kernels
from qml.engines.pauli_plan import Tables
from qml.engines.teams import spread, together, workers_of

SHARED_FROM = 7
"""Qubits from which a sweep is worth sharing between threads."""
MEMBERS_FROM = 2**18
"""Numbers times operations from which the members of a batch of smaller vectors are worth sharing."""
_ALONE = np.zeros(0, dtype=np.int64)


def sweep(
    vectors: Real,
    tables: Tables,
    coefficients: Real,
    saves: Real,
    out: Real,
    backward: bool,
    threads: int | None = None,
) -> None:
    """What :func:`qml.engines.pauli_kernels.sweep` does, to the bit, on `threads` threads (None: Numba's number)."""
    size, count = vectors.shape[1], len(vectors)
    large = size >= 4**SHARED_FROM  # asking for the number of threads costs as much as a small sweep
    sharing = large or (count > 1 and count * size * len(tables.table) >= MEMBERS_FROM)
    workers = workers_of(threads) if sharing else 1
    parts = np.empty(tables.room if backward and saves.shape[1] > 0 else 0)

    def run(progress: Integer) -> None:
        kernels.sweep(vectors, *tables.arrays, coefficients, saves, out, parts, backward, progress)

    if workers == 1:
        run(_ALONE)
    elif large:
        together(kernels.PHASES * count * len(tables.table), workers, run)
    else:

        def members(i: int, j: int) -> None:
            values = coefficients[i:j] if len(coefficients) > 1 else coefficients
            own = np.empty_like(parts)
            kernels.sweep(vectors[i:j], *tables.arrays, values, saves[i:j], out[i:j], own, backward, _ALONE)

        spread(count, workers, members)
