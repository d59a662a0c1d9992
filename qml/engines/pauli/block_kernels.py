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
from qml.engines.pauli.rows import (
    BOUND,
    COUNT,
    FACTORS,
    FIRST,
    FREE,
    GENERAL,
    HISTORY,
    KIND,
    ROWS,
    SCALE,
    SHAPES,
    SUMS,
    TURN,
)

FIRST_SEGMENT, N_SEGMENTS, END_ROWS, END_FACTORS, NEEDED, HISTORY_ROWS, N_SUMS, N_BOUND = range(8)
"""A line of `sweeps`, what :class:`qml.engines.pauli.rows.Rows` says of a sweep beside its arrays: where its segments
start and how many they are; where the rows and the factors at its end start; and the room that it needs."""


class Block(NamedTuple):
    """A sweep: the offsets of the components of a block in the vector, the shifts of its active sites, ascending, its
    line of `sweeps`, and its segments; `rows` and `factors` begin with those of components where they are at first."""

    offsets: I1
    shifts: I1
    about: I1
    segments: I2
    rows: U1
    factors: F1


@subroutine
def chunk(
    start: int, size: int, width: int, r: F1, x: F1, sums: F1, sweep: Block, m: F1, backward: bool, summing: bool
) -> None:
    """Units `start` to `start` + `size` of a sweep, `width` times eight blocks each, all its segments, from x to r.

    The coefficients m have lanes. Backward, the adjoints in place on r = dL/d(output of the sweep); if `summing`, what
    is added to the sums needs its input x.
    """
    shifts, places, about, segments = sweep.shifts, sweep.offsets, sweep.about, sweep.segments
    rows, factors = sweep.rows, sweep.factors
    length, room = LANES * places.size, LANES * about[HISTORY_ROWS] if summing else 0
    bound, zero = np.empty(LANES * about[N_BOUND]), np.zeros(LANES)
    for s in range(segments.shape[0]):
        own = segments[s]
        operations.bind(own[KIND], own[FIRST], m, factors, own[FACTORS], bound, LANES * own[BOUND])
    blocks, history = np.empty(width * length), np.empty(width * room)
    end = about[END_ROWS], about[END_FACTORS]
    (row_in, factor_in), (row_out, factor_out) = (end, (0, 0)) if backward else ((0, 0), end)
    for unit in range(start, start + size):
        source = r if backward else x
        operations.move(source, blocks, False, unit, width, length, shifts, places, rows, row_in, factors, factor_in)
        if summing:
            operations.move(x, history, False, unit, width, room, shifts, places, rows, 0, factors, 0)
        for b in range(width):
            block = blocks[b * length : (b + 1) * length]
            past = history[b * room : (b + 1) * room]
            if summing:
                for s in range(about[NEEDED]):
                    own, scaling = segments[s], segments[s, KIND] == SCALE
                    values, k = (factors, own[FACTORS]) if scaling else (bound, LANES * own[BOUND])
                    operations.remember(own[KIND], past, rows, own[HISTORY], own[COUNT], values, k)
            if not backward:
                for s in range(segments.shape[0]):
                    own, scaling = segments[s], segments[s, KIND] == SCALE
                    values, k = (factors, own[FACTORS]) if scaling else (bound, LANES * own[BOUND])
                    operations.forward(own[KIND], block, rows, own[ROWS], own[COUNT], values, k)
            else:
                for s in range(segments.shape[0] - 1, -1, -1):
                    own, scaling = segments[s], segments[s, KIND] == SCALE
                    if summing and own[FREE]:
                        operations.sums_of(
                            own[KIND], block, past, rows, own[ROWS], own[HISTORY], own[COUNT], factors, own[FACTORS],
                            sums[LANES * own[SUMS] :], zero,
                        )  # fmt: skip
                    values, k = (factors, own[FACTORS]) if scaling else (bound, LANES * own[BOUND])
                    operations.backward(own[KIND], block, rows, own[ROWS], own[COUNT], values, k)
        operations.move(r, blocks, True, unit, width, length, shifts, places, rows, row_out, factors, factor_out)


@subroutine
def collect(parts: F1, chunks: int, entries: int, segments: I2, lane: int, out: F1) -> None:
    """dL/dm from the sums of all segments in so many chunks: to one lane of `out`, or, if it is -1, each lane to its
    own."""
    for s in range(segments.shape[0]):
        kind, at, first = segments[s, KIND], segments[s, SUMS], segments[s, FIRST]
        if segments[s, FREE] != 2:
            continue
        p, q = (1, 2) if kind == TURN else SHAPES[kind]
        side = 4 if kind <= GENERAL else q
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
