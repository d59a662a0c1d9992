r"""Compiled kernels: a whole program on a real Pauli vector in one call, forward and backward.

A Pauli vector r_P = Tr(P rho) on n qubits is an array of 4^n numbers with one base-4 digit a qubit, qubit 0 the most
significant, I, X, Y, Z = 0, 1, 2, 3; so the digits of a product are the XOR of the digits, up to a phase. A program is
a table with one row an operation, and flat arrays of places and coefficients:

* ``ROTATION``: exp(-i theta P / 2) for a string P of any weight; places: its index; coefficients: cos theta, sin theta.
* ``DISCARD``: trace out a site; places: its bit shift before. ``APPEND``: a fresh site in \|0>; its bit shift after.
* ``BLOCK``: many matrices on few sites at once; see :mod:`qml.engines.pauli.block_kernels`. Places: the bit
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

from typing import NamedTuple

import numpy as np

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, F3, I1, LANES, inline, subroutine
from qml.engines._llvm.teams import finish, ticket, wait
from qml.engines.pauli import block_kernels as blocks
from qml.engines.pauli import loops
from qml.engines.pauli.loops import (
    APPEND,
    BLOCK,
    BLOCK_CHUNKS,
    CHUNKS,
    COEFFICIENTS,
    DISCARD,
    KIND,
    N_PLACES,
    PLACES,
    QUBITS,
    SAVE,
    SWEEP,
)
from qml.engines.pauli.tables import Tables

ROOM = 8192
"""Rows that a unit of a sweep may take, 64 bytes each."""
FEWEST = 4
"""Units of a sweep at least, so that there is something to share."""
PHASES = 3
"""Phases of an operation at most: sums, adding them up, what it does."""


class Operation(NamedTuple):
    """One operation of a program: its kind, where its coefficients start, how its work is shared out, what it is if it
    is a block, and if it is a rotation."""

    kind: int
    first: int
    width: int
    units: int
    chunks: int
    entries: int
    block: blocks.Block
    turn: loops.Turn


@inline
def operation(program: Tables, row: I1, values: F1, backward: bool) -> Operation:
    """The operation of a row of the table."""
    kind, per, k, at = row[KIND], LANES if program.wide else 1, row[N_PLACES], row[COEFFICIENTS]
    listed, offsets = program.places[row[PLACES] :][:k], program.places[at if kind == BLOCK else 0 :][: 1 << 2 * k]
    about = program.sweeps[row[SWEEP] if kind == BLOCK else 0]
    own = program.segments[about[blocks.FIRST_SEGMENT] :][: about[blocks.N_SEGMENTS]]
    size, width, lanes = about[blocks.N_BOUND] if kind == BLOCK else 0, 1, LANES
    bound, columns = np.empty(LANES * size), np.empty(size, np.int64)
    phases = np.empty(0 if kind == BLOCK else 1 << 2 * min(row[QUBITS], 4), np.int64)
    cosine, sine = 1.0, 0.0
    if kind == BLOCK:
        units = (per << (2 * row[QUBITS])) // offsets.size  # settings of the other sites
        if listed[0] >= 4:
            width = max(1, min(8, (1 << listed[0]) // LANES, ROOM // offsets.size, units // (LANES * FEWEST)))
        lanes = min(LANES, units)
        units = max(1, units // (LANES * width))  # of `width` times eight blocks
        chunks, entries = min(BLOCK_CHUNKS, units), LANES * about[blocks.N_SUMS]
    else:
        units = (1 << (2 * row[QUBITS])) // phases.size  # settings of the high digits
        if listed[0] // phases.size:
            units //= 2  # which come in pairs
        chunks, entries = min(CHUNKS, units), 2
        cosine, sine = values[LANES * at], values[LANES * (at + 1)]
        if backward:
            sine = -sine
        loops.fill(phases, listed[0])
    block = blocks.Block(
        offsets, listed, lanes, about, own, program.rows, program.factors, bound, columns, program.wide
    )
    if kind == BLOCK:
        blocks.bind(block, values)
    return Operation(kind, at, width, units, chunks, entries, block, loops.Turn(listed[0], phases, cosine, sine))


@subroutine
def work(
    op: Operation, r: F1, x: F1, fresh: bool, parts: F1, backward: bool, summing: bool, progress: I1, phase: int
) -> int:
    """An operation from x to r, which is another vector if it is `fresh`, or its adjoint on r; `summing`: the sums of
    its derivatives, chunk by chunk, to `parts`, for which x is the vector before it and r is dL/d(vector after it). A
    block does both at once. The next phase."""
    pieces = op.chunks if summing or progress.size else 1
    piece = ticket(progress, phase, -1)
    while piece < pieces:
        start, size = piece * (op.units // pieces), op.units // pieces
        sums = parts[piece * op.entries :][: op.entries] if summing else parts
        if summing:
            sums[:] = 0.0
        if op.kind == BLOCK:
            blocks.chunk(start, size, op.width, r, x, sums, op.block, backward, summing)
        elif summing:
            loops.rotation_sums(r, x, start, size, op.turn, sums)
        else:
            loops.rotate(r, x, fresh, start, size, op.turn)
        finish(progress, phase)
        piece = ticket(progress, phase, piece)
    wait(progress, phase, pieces)
    return phase + 1


@subroutine
def add_up(op: Operation, parts: F1, lane: int, out: F1, progress: I1, phase: int) -> int:
    """dL/d(coefficients) of one operation, from the sums of its chunks, in their order: to one lane of `out`, or, if it
    is -1, each lane to its own. The next phase."""
    piece = ticket(progress, phase, -1)
    if piece == 0:
        if op.kind == BLOCK:
            blocks.collect(parts, op.chunks, op.entries, op.block.segments, lane, out)
        else:
            for e in range(op.entries):
                total = 0.0
                for c in range(op.chunks):
                    total += parts[c * op.entries + e]
                out[LANES * (op.first + e) + lane] = total
        finish(progress, phase)
    wait(progress, phase, 1)
    return phase + 1


@subroutine
def resize(r: F1, program: Tables, row: I1, backward: bool, progress: I1, phase: int) -> int:
    """A site that goes or comes, or, backward, the other way round. The next phase."""
    piece = ticket(progress, phase, -1)
    if piece == 0:
        appended, n = row[KIND] == APPEND, row[QUBITS]
        smaller = (LANES if program.wide else 1) << (2 * (n if appended else n - 1))
        loops.resize(r, smaller, program.places[row[PLACES]], appended != backward, appended)
        finish(progress, phase)
    wait(progress, phase, 1)
    return phase + 1


@inline
def values_of(coefficients: F2, b: int, wide: bool, alone: F1) -> F1:
    """The coefficients of vector b, in lanes: those of its group, or, of a member, its own lane in every lane."""
    values: F1 = coefficients[(b if wide else b // LANES) if coefficients.shape[0] > 1 else 0]
    if alone.size == 0:
        return values
    for i in range(alone.size):
        alone[i] = values[i // LANES * LANES + b % LANES]
    return alone


@kernel
def sweep(
    vectors: F2, begin: int, end: int, program: Tables, coefficients: F2, saves: F3, out: F2, parts: F1, backward: bool,
    progress: I1,
) -> None:  # fmt: skip
    """A program in place on vectors `begin` to `end` (B, size); backward, its adjoint, the last operation first.

    `coefficients` has a row for eight members, or one for all. Row s of `saves[b]`, if it has rows, is vector b before
    the operation that saves to s; forward, it starts in the first. Backward r is dL/dr, what was saved is read, and
    dL/d(coefficients) is written to `out`, a row for eight members; `parts` is room for the sums of any operation. For
    `progress` see :mod:`qml.engines._llvm.teams`.
    """
    table, wide = program.table, program.wide
    steps, phase, last = table.shape[0], 0, -1
    for step in range(steps):
        last = max(last, table[step, SAVE]) if saves.shape[1] > 0 else -1
    alone = np.empty(coefficients.shape[1] if vectors.shape[0] > 1 and not wide else 0)
    for b in range(begin, end):
        group, lane = (b, -1) if wide else (b // LANES, b % LANES)
        values = values_of(coefficients, b, wide, alone)
        r = vectors[b]  # where the vector is
        if last >= 0 and not backward:
            r = saves[b, 0]
        for step in range(steps):
            row = table[steps - 1 - step if backward else step]
            saved, x = row[SAVE] if last >= 0 else -1, r
            if saved >= 0 and not backward:  # to where the next is kept, or to its place
                r = vectors[b]
                if saved != last:
                    r = saves[b, saved + 1]
            if row[KIND] >= DISCARD:
                phase = resize(r, program, row, backward, progress, phase)
                continue
            op = operation(program, row, values, backward)
            if saved >= 0 and backward:
                phase = work(op, r, saves[b, saved], False, parts, True, True, progress, phase)
                phase = add_up(op, parts, lane, out[group], progress, phase)
                if row[KIND] == BLOCK:
                    continue
            phase = work(op, r, x, saved >= 0 and not backward, parts, backward, False, progress, phase)
