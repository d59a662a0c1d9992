r"""Compiled kernels: a whole program on a real Pauli vector in one call, forward and backward.

A Pauli vector r_P = Tr(P rho) on n qubits is an array of 4^n numbers with one base-4 digit a qubit, qubit 0 the most
significant, I, X, Y, Z = 0, 1, 2, 3; so the digits of a product are the XOR of the digits, up to a phase. A program is
a table with one row an operation, and flat arrays of places and coefficients:

* ``MATRIX``: a real matrix (4^k, 4^k) on k sites; places: their bit shifts in the index, as listed and again in
  ascending order; coefficients: the matrix.
* ``ROTATION``: exp(-i theta P / 2) for a string P of any weight; places: its index; coefficients: cos theta, sin theta.
* ``DISCARD``: trace out a site; places: its bit shift before. ``APPEND``: a fresh site in \|0>; its bit shift after.
* ``SIGNS``, ``TO_MATRIX``, ``FROM_MATRIX``: steps between the vector and the density matrix.
* ``BLOCK``: many operations on few sites at once; see :mod:`qml.engines.block_kernels`. Places: the bit shifts of the
  active sites, ascending.

Backward, the kernels return dL/d(coefficients): they know nothing of parameters. Work on large vectors is split in
chunks, whose number does not depend on the number of threads, and sums over chunks are taken in their order, so that
results do not depend on the number of threads either.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from qml._typing import Integer, Real
from qml.engines import pauli_loops as loops
from qml.engines.block_kernels import block

MATRIX, ROTATION, DISCARD, APPEND, SIGNS, TO_MATRIX, FROM_MATRIX, BLOCK = range(8)
KIND, QUBITS, PLACES, N_PLACES, COEFFICIENTS, SAVE, OPS, N_OPS = range(8)
"""Columns of the table: the kind, qubits before the operation, where its places start, on how many sites it acts, where
its coefficients start, the row of `saves` that keeps the vector before it (-1: none, nothing is differentiated), and
where the operations of a block start and how many they are."""

CHUNKS = 64
PARALLEL_FROM = 9
"""Qubits from which an operation is worth sharing between threads."""

_SUMS = 10  # added to a kind: the task that sums dL/d(coefficients)

# Numba compiles a function again for each literal argument and for each layout of an array, and compiles what it calls
# once more with every caller: hence one call of the kernels, tasks that are computed numbers, contiguous arrays, and
# loops written out.


@njit(cache=True)
def sweep(
    r: Real,
    table: Integer,
    places: Integer,
    ops: Integer,
    core_places: Integer,
    core_factors: Real,
    coefficients: Real,
    saves: Real,
    out: Real,
    backward: bool,
) -> None:
    """The operations of `table` in place on r; or, backward, their adjoints, the last first, in place on r = dL/dr.

    Row s of `saves`, if it has rows, receives the vector before the operation that saves to s. Backward it is read, and
    dL/d(coefficients) is written to `out`. The density matrix comes from and goes to `out`, as pairs (re, im).
    """
    steps = table.shape[0]
    for step in range(steps):
        row = table[steps - 1 - step if backward else step]
        kind, n, saving = row[KIND], row[QUBITS], row[SAVE] >= 0 and saves.shape[0] > 0
        if saving and not backward:
            kept = saves[row[SAVE]]
            for i in range(1 << (2 * n)):
                kept[i] = r[i]
        if kind in (DISCARD, APPEND):
            if (kind == DISCARD) != backward:
                loops.shrink(r, n - 1 if kind == DISCARD else n, places[row[PLACES]], kind == APPEND)
            else:
                loops.grow(r, n if kind == APPEND else n - 1, places[row[PLACES]], kind == APPEND)
            continue
        if kind == BLOCK:
            summing = saving and backward
            x = saves[row[SAVE]] if summing else r
            shifts = places[row[PLACES] : row[PLACES] + row[N_PLACES]]
            own = ops[row[OPS] : row[OPS] + row[N_OPS]]
            parallel = n >= PARALLEL_FROM
            block(r, x, n, shifts, own, coefficients, core_places, core_factors, parallel, backward, summing, out)
            continue
        offsets, shifts, m, starts, columns, values = _prepare(row, places, coefficients, backward)
        units = _units(kind, n, offsets.size, shifts)
        chunks = min(CHUNKS, max(1, units // loops.TILE if kind == MATRIX else units))
        tasks = 2 if saving and backward else 1
        for turn in range(tasks):
            summing = turn + 1 < tasks
            task = kind + _SUMS if summing else kind
            x = saves[row[SAVE]] if summing else out
            parts = np.zeros((chunks if summing else 0, m.size))
            if n >= PARALLEL_FROM:
                _share(task, chunks, units // chunks, r, x, parts, offsets, shifts, m, starts, columns, values)
            else:
                for c in range(chunks):
                    _chunk(task, c, units // chunks, r, x, parts, offsets, shifts, m, starts, columns, values)
            if summing:
                _add_up(parts, out[row[COEFFICIENTS] : row[COEFFICIENTS] + m.size])


@njit(cache=True)
def _add_up(parts: Real, out: Real) -> None:
    """The sum over chunks, in their order."""
    for e in range(out.size):
        total = 0.0
        for c in range(parts.shape[0]):
            total += parts[c, e]
        out[e] = total


@njit(cache=True)
def _prepare(
    row: Integer, places: Integer, coefficients: Real, adjoint: bool
) -> tuple[Integer, Integer, Real, Integer, Integer, Real]:
    """What the kernels need of one operation: offsets, shifts, m, and the non-zero entries of m by rows.

    A matrix: the index offset of each configuration of its sites, the shifts of these in ascending order, the matrix
    (transposed for the adjoint). A rotation: the phases of the low digits, the string, cosine and sine. Signs: the
    numbers of letters Y in the low digits. To and from the density matrix: 0 ... 2^n - 1, with the bits spread.
    """
    kind, n, k, place, at = row[KIND], row[QUBITS], row[N_PLACES], row[PLACES], row[COEFFICIENTS]
    side = 1 << (2 * k) if kind == MATRIX else 1
    m = np.empty((side, side if kind == MATRIX else 2))
    starts, columns, values = np.zeros(side + 1, np.int64), np.empty(m.size, np.int64), np.empty(m.size)
    offsets = np.zeros(side if kind == MATRIX else 1 << (n if kind >= TO_MATRIX else 2 * min(n, 4)), np.int64)
    shifts = places[place + k : place + 2 * k]
    if kind == ROTATION:
        m[0, 0] = coefficients[at]
        m[0, 1] = -coefficients[at + 1] if adjoint else coefficients[at + 1]
        for low in range(offsets.size):
            offsets[low] = loops.phase(low, shifts[0] & (offsets.size - 1))
    elif kind == SIGNS:
        for low in range(offsets.size):
            offsets[low] = loops.count_y(low)
    elif kind >= TO_MATRIX:
        for i in range(offsets.size):
            for b in range(n):
                offsets[i] |= ((i >> b) & 1) << (2 * b)
    else:
        count = 0
        for i in range(side):
            for j in range(k):
                offsets[i] |= ((i >> (2 * (k - 1 - j))) & 3) << places[place + j]
            for j in range(side):
                m[i, j] = coefficients[at + (j * side + i if adjoint else i * side + j)]
                if m[i, j] != 0.0:
                    columns[count] = j
                    values[count] = m[i, j]
                    count += 1
            starts[i + 1] = count
    return offsets, shifts, m, starts, columns, values


@njit(cache=True)
def _units(kind: int, n: int, size: int, shifts: Integer) -> int:
    """How many parts of the vector an operation treats one by one."""
    if kind >= TO_MATRIX:
        return 1 << n  # rows of the matrix
    units = (1 << (2 * n)) // size  # settings of the other sites, or of the high digits
    if kind == ROTATION and shifts[0] // size:
        units //= 2  # which come in pairs
    return units


@njit(cache=True, parallel=True)
def _share(
    task: int,
    chunks: int,
    size: int,
    r: Real,
    x: Real,
    parts: Real,
    offsets: Integer,
    shifts: Integer,
    m: Real,
    starts: Integer,
    columns: Integer,
    values: Real,
) -> None:
    """The chunks of one task, shared between threads."""
    for c in prange(chunks):
        _chunk(task, int(c), size, r, x, parts, offsets, shifts, m, starts, columns, values)


@njit(cache=True)
def _chunk(
    task: int,
    c: int,
    size: int,
    r: Real,
    x: Real,
    parts: Real,
    offsets: Integer,
    shifts: Integer,
    m: Real,
    starts: Integer,
    columns: Integer,
    values: Real,
) -> None:
    """Units c size to (c + 1) size of one task."""
    first = c * size
    if task == MATRIX and offsets.size == 4:
        loops.one_site(r, first, size, 1 << shifts[0], m)
    elif task == MATRIX:
        loops.sites(r, first, size, offsets, shifts, starts, columns, values)
    elif task == ROTATION:
        loops.rotate(r, first, size, shifts[0], offsets, m[0, 0], m[0, 1])
    elif task == MATRIX + _SUMS:
        loops.site_sums(r, x, first, size, offsets, shifts, parts[c])
    elif task == ROTATION + _SUMS:
        loops.rotation_sums(r, x, first, size, shifts[0], offsets, parts[c])
    elif task == SIGNS:
        loops.flip_signs(r, first, size, offsets)
    elif task == TO_MATRIX:
        loops.to_matrix(r, first, size, offsets, x)
    else:
        loops.from_matrix(r, first, size, offsets, x)


# chains of 4 x 4 factors ---------------------------------------------------------------------------------------------


@njit(cache=True)
def chain_products(factors: Real, starts: Integer, targets: Integer, coefficients: Real) -> None:
    """Chain c, the product of factors starts[c] to starts[c + 1] (the first acts first), goes to targets[c]."""
    for c in range(targets.size):
        partial = _partial_products(factors, starts[c], starts[c + 1])
        for i in range(4):
            for j in range(4):
                coefficients[targets[c] + 4 * i + j] = partial[-1, i, j]


@njit(cache=True)
def chain_sums(factors: Real, starts: Integer, targets: Integer, sums: Real, out: Real) -> None:
    """dL/d(factor) from W = dL/d(product): (later factors)^T W (earlier factors)^T."""
    for c in range(targets.size):
        partial = _partial_products(factors, starts[c], starts[c + 1])
        w, next_w = np.empty((4, 4)), np.empty((4, 4))
        for i in range(4):
            for j in range(4):
                w[i, j] = sums[targets[c] + 4 * i + j]
        for f in range(starts[c + 1] - 1, starts[c] - 1, -1):
            for i in range(4):
                for j in range(4):
                    out[f, i, j], next_w[i, j] = 0.0, 0.0
                    for k in range(4):
                        out[f, i, j] += w[i, k] * partial[f - starts[c], j, k]
                        next_w[i, j] += factors[f, k, i] * w[k, j]
            w, next_w = next_w, w


@njit(cache=True)
def _partial_products(factors: Real, start: int, stop: int) -> Real:
    """The product of the first 0, 1, ..., stop - start factors of a chain."""
    out = np.zeros((stop - start + 1, 4, 4))
    for i in range(4):
        out[0, i, i] = 1.0
    for f in range(stop - start):
        for i in range(4):
            for j in range(4):
                for k in range(4):
                    out[f + 1, i, j] += factors[start + f, i, k] * out[f, k, j]
    return out
