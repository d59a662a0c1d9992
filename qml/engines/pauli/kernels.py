r"""Compiled kernels: a whole program on a real Pauli vector in one call, forward and backward.

A Pauli vector r_P = Tr(P rho) on n qubits is an array of 4^n numbers with one base-4 digit a qubit, qubit 0 the most
significant, I, X, Y, Z = 0, 1, 2, 3; so the digits of a product are the XOR of the digits, up to a phase. A program is
a table with one row an operation, and flat arrays of places and coefficients:

* ``MATRIX``: a real matrix (4^k, 4^k) on k sites; places: their bit shifts in the index, as listed and again in
  ascending order; coefficients: the matrix.
* ``ROTATION``: exp(-i theta P / 2) for a string P of any weight; places: its index; coefficients: cos theta, sin theta.
* ``DISCARD``: trace out a site; places: its bit shift before. ``APPEND``: a fresh site in \|0>; its bit shift after.
* ``BLOCK``: many operations on few sites at once; see :mod:`qml.engines.pauli.block_kernels`. Places: the bit
  shifts of the active sites, ascending.

Coefficients have eight lanes, one a member of a batch. A vector is either that of one member, which takes its lane;
or, *wide*, those of eight members side by side, number i of all of them from 8 i on, each with the coefficients of its
lane. Shifts and offsets of a wide table count that in.

Backward, the kernels return dL/d(coefficients): they know nothing of parameters. Work on large vectors is split in
chunks, whose number does not depend on the number of threads, and sums over chunks are taken in their order, so that
results do not depend on the number of threads either.

Each part is compiled once, whoever calls it (:mod:`qml.engines._llvm`). Nothing here starts threads,
but several may run the same program together (:mod:`qml.engines._llvm.teams`).
"""

from __future__ import annotations

import numpy as np

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, F3, I1, I2, LANES, U1, inline, subroutine
from qml.engines._llvm.teams import finish, ticket, wait
from qml.engines.pauli import block_kernels as blocks
from qml.engines.pauli import lane_loops, loops
from qml.engines.pauli.loops import (
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

ROOM = 8192
"""Rows that a unit of a sweep may take, 64 bytes each."""
FEWEST = 4
"""Units of a sweep at least, so that there is something to share."""
COPY_PIECES = 16
PHASES = 4
"""Phases of an operation at most: two copies or sums, what it does, adding up."""


@subroutine
def copy(x: F1, y: F1, size: int, progress: I1, phase: int) -> int:
    """The first `size` numbers of x to y; the next phase."""
    pieces = 1 if progress.size == 0 else COPY_PIECES
    piece = ticket(progress, phase, -1)
    while piece < pieces:
        for i in range(piece * size // pieces, (piece + 1) * size // pieces):
            y[i] = x[i]
        finish(progress, phase)
        piece = ticket(progress, phase, piece)
    wait(progress, phase, pieces)
    return phase + 1


@subroutine
def add_up(kind: int, chunks: int, entries: int, parts: F1, first: int, own: I2, lane: int, out: F1) -> None:
    """dL/d(coefficients) of one operation, from the sums of its chunks, in their order: to one lane of `out`, or, if it
    is -1, each lane to its own."""
    if kind == BLOCK:
        blocks.collect(parts, chunks, entries, own, lane, out)
        return
    for e in range(entries):
        total = 0.0
        for c in range(chunks):
            total += parts[c * entries + e]
        out[LANES * first + e if lane < 0 else LANES * (first + e) + lane] = total


@inline
def split(kind: int, numbers: int, size: int, shifts: I1) -> tuple[int, int, int]:
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


@kernel
def sweep(
    vectors: F2,
    begin: int,
    end: int,
    wide: bool,
    table: I2,
    places: I1,
    sweeps: I2,
    segments: I2,
    rows: U1,
    factors: F1,
    coefficients: F2,
    saves: F3,
    out: F2,
    parts: F1,
    backward: bool,
    progress: I1,
) -> None:
    """The operations of `table` in place on vectors `begin` to `end` (B, size); backward, their adjoints, the last
    first.

    `coefficients` has a row for eight members, or one for all. Row s of `saves[b]`, if it has rows, is vector b before
    the operation that saves to s. Backward r is dL/dr, what was saved is read, and dL/d(coefficients) is written to
    `out`, a row for eight members; `parts` is room for the sums of any operation. For `progress` see
    :mod:`qml.engines._llvm.teams`.
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
                    phase = copy(now, x, per << (2 * n), progress, phase)
                now = r if saved == last else saves[b, saved + 1]
                if kind != BLOCK:
                    phase = copy(x, now, per << (2 * n), progress, phase)
            if kind >= DISCARD:
                piece = ticket(progress, phase, -1)
                if piece == 0:
                    smaller = per << (2 * (n - 1 if kind == DISCARD else n))
                    loops.resize(now, smaller, places[row[PLACES]], (kind == APPEND) != backward, kind == APPEND)
                    finish(progress, phase)
                wait(progress, phase, 1)
                phase += 1
                continue
            offsets, shifts, m = loops.prepare(row, places, values, backward)
            width, units, chunks = split(kind, per << (2 * n), offsets.size, shifts)
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
                piece = ticket(progress, phase, -1)
                while piece < pieces:
                    start, size = piece * (units // pieces), units // pieces
                    sums = parts[piece * entries :][:entries] if summing else parts
                    if summing:
                        sums[:] = 0.0
                    if kind == BLOCK:
                        blocks.chunk(
                            start, size, width, now, x, sums, offsets, shifts, about, own, rows, factors, values,
                            backward, summing == 1,
                        )  # fmt: skip
                    elif wide and summing:
                        lane_loops.site_sums(now, x, units, offsets, shifts, sums)
                    elif wide:
                        lane_loops.sites(now, units, offsets, shifts, values, row[COEFFICIENTS], backward)
                    elif kind == MATRIX and summing:
                        loops.site_sums(now, x, start, size, offsets, shifts, sums)
                    elif kind == MATRIX:
                        loops.sites(now, start, size, offsets, shifts, m)
                    elif summing:
                        loops.rotation_sums(now, x, start, size, shifts[0], offsets, sums)
                    else:
                        loops.rotate(now, start, size, shifts[0], offsets, m[0, 0], m[0, 1])
                    finish(progress, phase)
                    piece = ticket(progress, phase, piece)
                wait(progress, phase, pieces)
                phase += 1
                if summing:
                    piece = ticket(progress, phase, -1)
                    if piece == 0:
                        add_up(kind, chunks, entries, parts, row[COEFFICIENTS], own, lane, out[group])
                        finish(progress, phase)
                    wait(progress, phase, 1)
                    phase += 1
                    if kind == BLOCK:
                        break  # taken backward with its sums
