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

Coefficients have eight lanes, one a member of a batch. A vector is either that of one member, which takes its lane;
or, *wide*, those of eight members side by side, number i of all of them from 8 i on, each with the coefficients of its
lane. Shifts and offsets of a wide table count that in.

Backward, the kernels return dL/d(coefficients): they know nothing of parameters. Work on large vectors is split in
chunks, whose number does not depend on the number of threads, and sums over chunks are taken in their order, so that
results do not depend on the number of threads either.

Each part is linked (:mod:`qml.engines.linking`), so it is compiled once, whoever calls it. Nothing here starts threads,
but several may run the same program together (:mod:`qml.engines.teams`).
"""

from __future__ import annotations

import numpy as np

from qml._typing import Integer, Real
from qml.engines import block_kernels as blocks
from qml.engines import lane_loops
from qml.engines import pauli_loops as loops
from qml.engines.linking import kernel, link
from qml.engines.pauli_loops import (
    APPEND,
    BLOCK,
    BLOCK_CHUNKS,
    CHUNKS,
    COEFFICIENTS,
    DISCARD,
    KIND,
    MATRIX,
    PLACES,
    QUBITS,
    SAVE,
    SWEEP,
)
from qml.engines.simd import LANES
from qml.engines.teams import finish, ticket, wait

ROOM = 8192
"""Rows that a unit of a sweep may take, 64 bytes each."""
FEWEST = 4
"""Units of a sweep at least, so that there is something to share."""
COPY_PIECES = 16
PHASES = 4
"""Phases of an operation at most: two copies or sums, what it does, adding up."""

_X, _XX, _I, _II, _U = "float64[::1]", "float64[:, ::1]", "int64[::1]", "int64[:, ::1]", "uint32[::1]"
_prepare = link(f"Tuple(({_I}, {_I}, {_XX}))({_I}, {_I}, {_X}, boolean)", loops.prepare)
_resize = link(f"void({_X}, int64, int64, boolean, boolean)", loops.resize)
_sites = link(f"void({_X}, int64, int64, {_I}, {_I}, {_XX})", loops.sites)
_site_sums = link(f"void({_X}, {_X}, int64, int64, {_I}, {_I}, {_X})", loops.site_sums)
_rotate = link(f"void({_X}, int64, int64, int64, {_I}, float64, float64)", loops.rotate)
_wide_sites = link(f"void({_X}, int64, {_I}, {_I}, {_X}, int64, boolean)", lane_loops.sites)
_wide_site_sums = link(f"void({_X}, {_X}, int64, {_I}, {_I}, {_X})", lane_loops.site_sums)
_rotation_sums = link(f"void({_X}, {_X}, int64, int64, int64, {_I}, {_X})", loops.rotation_sums)
_block_chunk = link(
    f"void(int64, int64, int64, {_X}, {_X}, {_X}, {_I}, {_I}, {_I}, {_II}, {_U}, {_X}, {_X}, boolean, boolean)",
    blocks.chunk,
)
_ticket, _finish = link(f"int64({_I}, int64, int64)", ticket), link(f"void({_I}, int64)", finish)
_wait = link(f"void({_I}, int64, int64)", wait)
_collect = link(f"void({_X}, int64, int64, {_II}, int64, {_X})", blocks.collect)


def copy(x: Real, y: Real, size: int, progress: Integer, phase: int) -> int:
    """The first `size` numbers of x to y; the next phase."""
    pieces = 1 if progress.size == 0 else COPY_PIECES
    piece = _ticket(progress, phase, -1)
    while piece < pieces:
        for i in range(piece * size // pieces, (piece + 1) * size // pieces):
            y[i] = x[i]
        _finish(progress, phase)
        piece = _ticket(progress, phase, piece)
    _wait(progress, phase, pieces)
    return phase + 1


def add_up(kind: int, chunks: int, entries: int, parts: Real, first: int, own: Integer, lane: int, out: Real) -> None:
    """dL/d(coefficients) of one operation, from the sums of its chunks, in their order: to one lane of `out`, or, if it
    is -1, each lane to its own."""
    if kind == BLOCK:
        _collect(parts, chunks, entries, own, lane, out)
        return
    for e in range(entries):
        total = 0.0
        for c in range(chunks):
            total += parts[c * entries + e]
        out[LANES * first + e if lane < 0 else LANES * (first + e) + lane] = total


def split(kind: int, numbers: int, size: int, shifts: Integer) -> tuple[int, int, int]:
    """How many times eight blocks a unit is, the number of units, and the number of chunks to make of them."""
    units = numbers // size  # settings of the other sites, or of the high digits
    if kind == BLOCK:
        width = 1
        if shifts[0] >= 4:
            width = max(1, min(8, (1 << shifts[0]) // LANES, ROOM // size, units // (LANES * FEWEST)))
        units //= LANES * width
        return width, units, min(BLOCK_CHUNKS, units)
    if kind == MATRIX:
        return 1, units, min(CHUNKS, max(1, units // loops.TILE))
    if shifts[0] // size:
        units //= 2  # a rotation's high digits come in pairs
    return 1, units, min(CHUNKS, units)


_add_up = link(f"void(int64, int64, int64, {_X}, int64, {_II}, int64, {_X})", add_up)
_copy = link(f"int64({_X}, {_X}, int64, {_I}, int64)", copy)
_split = link(f"UniTuple(int64, 3)(int64, int64, int64, {_I})", split)


@kernel(
    f"void({_XX}, int64, int64, boolean, {_II}, {_I}, {_II}, {_II}, {_U}, {_X}, {_XX}, float64[:, :, ::1], {_XX}, "
    f"{_X}, boolean, {_I})"
)
def sweep(
    vectors: Real,
    begin: int,
    end: int,
    wide: bool,
    table: Integer,
    places: Integer,
    sweeps: Integer,
    segments: Integer,
    rows: Integer,
    factors: Real,
    coefficients: Real,
    saves: Real,
    out: Real,
    parts: Real,
    backward: bool,
    progress: Integer,
) -> None:
    """The operations of `table` in place on vectors `begin` to `end` (B, size); backward, their adjoints, the last
    first.

    `coefficients` has a row for eight members, or one for all. Row s of `saves[b]`, if it has rows, is vector b before
    the operation that saves to s. Backward r is dL/dr, what was saved is read, and dL/d(coefficients) is written to
    `out`, a row for eight members; `parts` is room for the sums of any operation. For `progress` see
    :mod:`qml.engines.teams`.
    """
    steps, phase, last = table.shape[0], 0, -1
    per = LANES if wide else 1
    for step in range(steps):
        last = max(last, table[step, SAVE]) if saves.shape[1] > 0 else -1
    own_values = np.empty(coefficients.shape[1] if vectors.shape[0] > 1 and not wide else 0)
    for b in range(begin, end):
        group, lane = (b, -1) if wide else (b // LANES, b % LANES)
        r, values = vectors[b], coefficients[group if coefficients.shape[0] > 1 else 0]
        if own_values.size:
            for i in range(own_values.size):
                own_values[i] = values[i // LANES * LANES + lane]
            values = own_values
        now = r  # where the vector is
        for step in range(steps):
            row = table[steps - 1 - step if backward else step]
            kind, n, saved = row[KIND], row[QUBITS], row[SAVE] if last >= 0 else -1
            x = now
            if saved >= 0 and not backward:  # from saves[saved] to the next that is kept, or to r
                x = saves[b, saved]
                if saved == 0:
                    phase = _copy(now, x, per << (2 * n), progress, phase)
                now = r if saved == last else saves[b, saved + 1]
                if kind != BLOCK:
                    phase = _copy(x, now, per << (2 * n), progress, phase)
            if kind >= DISCARD:
                piece = _ticket(progress, phase, -1)
                if piece == 0:
                    smaller = per << (2 * (n - 1 if kind == DISCARD else n))
                    _resize(now, smaller, places[row[PLACES]], (kind == APPEND) != backward, kind == APPEND)
                    _finish(progress, phase)
                _wait(progress, phase, 1)
                phase += 1
                continue
            offsets, shifts, m = _prepare(row, places, values, backward)
            width, units, chunks = _split(kind, per << (2 * n), offsets.size, shifts)
            if wide and kind == MATRIX:
                units, chunks = units // LANES, 1
            about = sweeps[row[SWEEP] if kind == BLOCK else 0]
            own = segments[about[blocks.FIRST_SEGMENT] :][: about[blocks.N_SEGMENTS]]
            entries = 0
            for summing in range(1 if saved >= 0 and backward else 0, -1, -1):
                if summing:
                    x = saves[b, saved]
                    entries = LANES * about[blocks.N_SUMS] if kind == BLOCK else per * m.size
                pieces = chunks if summing or progress.size else 1
                piece = _ticket(progress, phase, -1)
                while piece < pieces:
                    start, size = piece * (units // pieces), units // pieces
                    sums = parts[piece * entries :][:entries] if summing else parts
                    if summing:
                        sums[:] = 0.0
                    if kind == BLOCK:
                        _block_chunk(
                            start, size, width, now, x, sums, offsets, shifts, about, own, rows, factors, values,
                            backward, summing == 1,
                        )  # fmt: skip
                    elif wide and summing:
                        _wide_site_sums(now, x, units, offsets, shifts, sums)
                    elif wide:
                        _wide_sites(now, units, offsets, shifts, values, row[COEFFICIENTS], backward)
                    elif kind == MATRIX and summing:
                        _site_sums(now, x, start, size, offsets, shifts, sums)
                    elif kind == MATRIX:
                        _sites(now, start, size, offsets, shifts, m)
                    elif summing:
                        _rotation_sums(now, x, start, size, shifts[0], offsets, sums)
                    else:
                        _rotate(now, start, size, shifts[0], offsets, m[0, 0], m[0, 1])
                    _finish(progress, phase)
                    piece = _ticket(progress, phase, piece)
                _wait(progress, phase, pieces)
                phase += 1
                if summing:
                    piece = _ticket(progress, phase, -1)
                    if piece == 0:
                        _add_up(kind, chunks, entries, parts, row[COEFFICIENTS], own, lane, out[group])
                        _finish(progress, phase)
                    _wait(progress, phase, 1)
                    phase += 1
                    if kind == BLOCK:
                        break  # taken backward with its sums
