r"""Compiled kernels: all maps on a few sites, applied while their part of the vector is in the cache.

A *sweep* acts on k active sites. For every setting of the other sites there is a block of 4^k numbers; eight blocks at
a time are brought into rows (4^k, 8), eight lanes wide, all maps of the sweep are applied there, and they are put back.
So a sweep costs one pass over memory whatever the number of its maps, and every inner loop runs on whole vector
registers whichever sites it acts on. :mod:`qml.engines.pauli.rows` says what the segments of a sweep are.

Backward, the vector before the sweep is run forward again in the history of the block, which keeps every intermediate,
so that one saved vector a sweep is enough; sums over chunks are taken in the order of the chunks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qml.engines._llvm.language import F1, I1, I2, LANES, U1, subroutine
from qml.engines.pauli import segments as operations
from qml.engines.pauli.rows import CHANGED, FIRST, FREE, KIND, SIDE, SUMS, TURN

FIRST_SEGMENT, N_SEGMENTS, END_ROWS, END_FACTORS, NEEDED, HISTORY_ROWS, N_SUMS, N_BOUND = range(8)
"""A line of `sweeps`, what :class:`qml.engines.pauli.rows.Rows` says of a sweep beside its arrays: where its segments
start and how many they are; where the rows and the factors at its end start; and the room that it needs."""


class Block(NamedTuple):
    """A sweep: the offsets of the components of a block in the vector, the shifts of its active sites, ascending, how
    many blocks there are up to eight, its line of `sweeps`, its segments, and their matrices as :func:`bind` leaves
    them; `rows` and `factors` begin with those of components where they are at first."""

    offsets: I1
    shifts: I1
    lanes: int
    about: I1
    segments: I2
    rows: U1
    factors: F1
    bound: F1
    columns: I1
    wide: bool


@subroutine
def bind(sweep: Block, m: F1) -> None:
    """The matrices of all segments, from the coefficients m, which have lanes."""
    for s in range(sweep.segments.shape[0]):
        operations.bind(sweep.segments[s], m, sweep.wide, sweep.factors, sweep.bound, sweep.columns)


@subroutine
def chunk(
    start: int, size: int, width: int, r: F1, x: F1, sums: F1, sweep: Block, backward: bool, summing: bool
) -> None:
    """Units `start` to `start` + `size` of a sweep, `width` times eight blocks each, all its segments, from x to r.

    Backward, the adjoints in place on r = dL/d(output of the sweep); if `summing`, what is added to the sums needs its
    input x.
    """
    shifts, places, about, segments, lanes = sweep.shifts, sweep.offsets, sweep.about, sweep.segments, sweep.lanes
    rows, factors, bound, columns, wide = sweep.rows, sweep.factors, sweep.bound, sweep.columns, sweep.wide
    length, room = LANES * places.size, LANES * about[HISTORY_ROWS] if summing else 0
    zero, blocks, history = np.zeros(LANES), np.empty(width * length), np.empty(width * room)
    if lanes < LANES:  # what is in the others is added to sums
        blocks[:] = 0.0
        history[:] = 0.0
    end = about[END_ROWS], about[END_FACTORS]
    (row_in, factor_in), (row_out, factor_out) = (end, (0, 0)) if backward else ((0, 0), end)
    for unit in range(start, start + size):
        source = r if backward else x
        operations.move(
            source, blocks, False, unit, width, length, shifts, places, rows, row_in, factors, factor_in, lanes
        )
        if summing:
            operations.move(x, history, False, unit, width, room, shifts, places, rows, 0, factors, 0, lanes)
        for b in range(width):
            block = blocks[b * length : (b + 1) * length]
            past = history[b * room : (b + 1) * room]
            if summing:
                for s in range(about[NEEDED]):
                    operations.remember(segments[s], past, rows, factors, bound, columns, wide)
            if not backward:
                for s in range(segments.shape[0]):
                    operations.forward(segments[s], block, rows, factors, bound, columns, wide)
            else:
                for s in range(segments.shape[0] - 1, -1, -1):
                    if summing and segments[s, FREE]:
                        operations.sums_of(
                            segments[s], block, past, rows, factors, sums[LANES * segments[s, SUMS] :], zero
                        )
                    operations.backward(segments[s], block, rows, factors, bound, columns, wide)
        operations.move(r, blocks, True, unit, width, length, shifts, places, rows, row_out, factors, factor_out, lanes)


@subroutine
def collect(parts: F1, chunks: int, entries: int, segments: I2, lane: int, out: F1) -> None:
    """dL/dm from the sums of all segments in so many chunks: to one lane of `out`, or, if it is -1, each lane to its
    own."""
    for s in range(segments.shape[0]):
        kind, at, first = segments[s, KIND], segments[s, SUMS], segments[s, FIRST]
        if segments[s, FREE] != 2:
            continue
        p, q = (1, 2) if kind == TURN else (segments[s, CHANGED], segments[s, SIDE])
        side = max(4, q) if kind != TURN else q
        down = side - p if kind != TURN else 0
        for a in range(p):
            for b in range(q):
                to = LANES * (first + side * (a + down) + b + side - q)
                total = 0.0
                for c in range(chunks):  # in their order
                    for t in range(LANES):
                        value = parts[c * entries + (at + q * a + b) * LANES + t]
                        total += value
                        if lane < 0:
                            out[to + t] = value if c == 0 else out[to + t] + value
                if lane >= 0:
                    out[to + lane] = total
