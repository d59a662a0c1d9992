r"""Compiled kernels: a whole program on a real Pauli vector in one call, forward and backward.

A Pauli vector r_P = Tr(P rho) on n qubits is an array of 4^n numbers with one base-4 digit a qubit, qubit 0 the most
significant, I, X, Y, Z = 0, 1, 2, 3; so the digits of a product are the XOR of the digits, up to a phase. A program is
a table with one row an operation, and flat arrays of places and coefficients:

* ``MATRIX``: a real matrix (4^k, 4^k) on k sites; places: their bit shifts in the index, as listed and again in
  ascending order; coefficients: the matrix.
* ``ROTATION``: exp(-i theta P / 2) for a string P of any weight; places: its index; coefficients: cos theta, sin theta.
* ``DISCARD``: trace out a site; places: its bit shift before. ``APPEND``: a fresh site in \|0>; its bit shift after.
* ``BLOCK``: many operations on few sites at once; see :mod:`qml.engines.block_kernels`. Places: the bit shifts of the
  active sites, ascending.

Backward, the kernels return dL/d(coefficients): they know nothing of parameters. Work on large vectors is split in
chunks, whose number does not depend on the number of threads, and sums over chunks are taken in their order, so that
results do not depend on the number of threads either.

Each part is linked (:mod:`qml.engines.linking`), so it is compiled once, whoever calls it. Nothing here starts threads:
:mod:`qml.engines.pauli_threads` shares the chunks of large operations between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from qml._typing import Integer, Real
from qml.engines import block_kernels as blocks
from qml.engines import pauli_loops as loops
from qml.engines.linking import link
from qml.engines.pauli_loops import (
    APPEND,
    BLOCK,
    COEFFICIENTS,
    DISCARD,
    KIND,
    MATRIX,
    PLACES,
    QUBITS,
    ROTATION,
    SAVE,
    SWEEP,
)
from qml.engines.simd import LANES

CHUNKS = 64
BLOCK_CHUNKS = 16
ROOM = 8192
"""Rows that a unit of a sweep may take, 64 bytes each."""
ALL = -1

_X, _XX, _I, _II, _U = "float64[::1]", "float64[:, ::1]", "int64[::1]", "int64[:, ::1]", "uint32[::1]"
_prepare = link(f"Tuple(({_I}, {_I}, {_XX}))({_I}, {_I}, {_X}, boolean)", loops.prepare)
_resize = link(f"void({_X}, int64, int64, boolean, boolean)", loops.resize)
_sites = link(f"void({_X}, int64, int64, {_I}, {_I}, {_XX})", loops.sites)
_site_sums = link(f"void({_X}, {_X}, int64, int64, {_I}, {_I}, {_X})", loops.site_sums)
_rotate = link(f"void({_X}, int64, int64, int64, {_I}, float64, float64)", loops.rotate)
_rotation_sums = link(f"void({_X}, {_X}, int64, int64, int64, {_I}, {_X})", loops.rotation_sums)
_block_chunk = link(
    f"void(int64, int64, int64, int64, {_X}, {_X}, {_XX}, {_I}, {_I}, {_I}, {_II}, {_U}, {_X}, {_X}, boolean, boolean)",
    blocks.chunk,
)
_collect = link(f"void({_XX}, {_II}, {_X})", blocks.collect)

# The rest is called from Python; tasks are computed numbers, arrays contiguous, and loops written out, because Numba
# compiles a function again for each literal argument and for each layout of an array.


@njit(cache=True, error_model="numpy", nogil=True)
def sweep(
    vectors: Real,
    table: Integer,
    places: Integer,
    sweeps: Integer,
    segments: Integer,
    rows: Integer,
    factors: Real,
    coefficients: Real,
    saves: Real,
    out: Real,
    backward: bool,
) -> None:
    """The operations of `table` in place on every r of `vectors` (B, 4^n); backward, their adjoints, the last first.

    `coefficients` has a row for each vector, or one for all. Row s of `saves[b]`, if it has rows, receives vector b
    before the operation that saves to s. Backward r is dL/dr, what was saved is read, and dL/d(coefficients) is written
    to `out[b]`.
    """
    steps = table.shape[0]
    for b in range(vectors.shape[0]):
        r, values = vectors[b], coefficients[b if coefficients.shape[0] > 1 else 0]
        for step in range(steps):
            row = table[steps - 1 - step if backward else step]
            kind, n, saving = row[KIND], row[QUBITS], row[SAVE] >= 0 and saves.shape[0] > 0
            if saving and not backward:
                kept = saves[b, row[SAVE]]
                for i in range(1 << (2 * n)):
                    kept[i] = r[i]
            if kind >= DISCARD:
                smaller = n - 1 if kind == DISCARD else n
                _resize(r, smaller, places[row[PLACES]], (kind == APPEND) != backward, kind == APPEND)
                continue
            differentiating = saving and backward
            x = saves[b, row[SAVE]] if differentiating else r
            parts = vectors  # any array, where there are no sums
            if differentiating:
                chunks, entries = layout(row, places, sweeps, values, backward)
                parts = np.zeros((chunks, entries))
                part(row, 0, chunks, True, True, r, x, parts, places, sweeps, segments, rows, factors, values)
                add_up(row, parts, sweeps, segments, out[b])
            if not differentiating or kind != BLOCK:
                part(row, 0, ALL, backward, False, r, x, parts, places, sweeps, segments, rows, factors, values)


@njit(cache=True, error_model="numpy", nogil=True)
def layout(row: Integer, places: Integer, sweeps: Integer, coefficients: Real, backward: bool) -> tuple[int, int]:
    """The number of chunks of an operation, and of the sums that each makes for dL/d(coefficients)."""
    offsets, shifts, m = _prepare(row, places, coefficients, backward)
    _, _, chunks = _split(row[KIND], row[QUBITS], offsets.size, shifts)
    return chunks, LANES * sweeps[row[SWEEP], blocks.N_SUMS] if row[KIND] == BLOCK else m.size


@njit(cache=True, error_model="numpy", nogil=True)
def part(
    row: Integer,
    begin: int,
    end: int,
    backward: bool,
    summing: bool,
    r: Real,
    x: Real,
    parts: Real,
    places: Integer,
    sweeps: Integer,
    segments: Integer,
    rows: Integer,
    factors: Real,
    coefficients: Real,
) -> None:
    """Chunks `begin` to `end` of one operation on r; `ALL` stands for the last, where there are no sums.

    If `summing`, with x the input of the operation and r = dL/d(its output), their sums for dL/d(coefficients) go to
    rows of `parts`; a block is then also taken backward, other operations are not.
    """
    kind = row[KIND]
    offsets, shifts, m = _prepare(row, places, coefficients, backward)
    about = sweeps[row[SWEEP]]
    own = segments[about[blocks.FIRST_SEGMENT] :][: about[blocks.N_SEGMENTS]]
    width, units, chunks = _split(kind, row[QUBITS], offsets.size, shifts)
    size = units // chunks
    if not summing:  # nothing depends on the chunks
        first, size = begin * size, units if end == ALL else (end - begin) * size
        begin, end = 0, 1
    else:
        first = 0
    for c in range(begin, end):
        start = first + c * size
        if kind == BLOCK:
            _block_chunk(
                c, start, size, width, r, x, parts, offsets, shifts, about, own, rows, factors, coefficients, backward,
                summing,
            )  # fmt: skip
        elif kind == MATRIX and summing:
            _site_sums(r, x, start, size, offsets, shifts, parts[c])
        elif kind == MATRIX:
            _sites(r, start, size, offsets, shifts, m)
        elif kind == ROTATION and summing:
            _rotation_sums(r, x, start, size, shifts[0], offsets, parts[c])
        else:
            _rotate(r, start, size, shifts[0], offsets, m[0, 0], m[0, 1])


@njit(cache=True, error_model="numpy", nogil=True)
def add_up(row: Integer, parts: Real, sweeps: Integer, segments: Integer, out: Real) -> None:
    """dL/d(coefficients) of one operation, from the sums of its chunks, in their order."""
    if row[KIND] == BLOCK:
        about = sweeps[row[SWEEP]]
        _collect(parts, segments[about[blocks.FIRST_SEGMENT] :][: about[blocks.N_SEGMENTS]], out)
        return
    for e in range(parts.shape[1]):
        total = 0.0
        for c in range(parts.shape[0]):
            total += parts[c, e]
        out[row[COEFFICIENTS] + e] = total


@njit(cache=True, inline="always")
def _split(kind: int, n: int, size: int, shifts: Integer) -> tuple[int, int, int]:
    """How many times eight blocks a unit is, the number of units, and the number of chunks to make of them."""
    units = (1 << (2 * n)) // size  # settings of the other sites, or of the high digits
    if kind == BLOCK:
        width = max(1, min(8, (1 << shifts[0]) // LANES, ROOM // size)) if shifts[0] >= 4 else 1
        units //= LANES * width
        return width, units, min(BLOCK_CHUNKS, units)
    if kind == MATRIX:
        return 1, units, min(CHUNKS, max(1, units // loops.TILE))
    if shifts[0] // size:
        units //= 2  # a rotation's high digits come in pairs
    return 1, units, min(CHUNKS, units)
