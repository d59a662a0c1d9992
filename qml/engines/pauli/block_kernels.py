r"""Compiled kernels: all maps on a few sites, applied while their part of the vector is in the cache.

A *sweep* acts on k active sites. For every setting of the other sites there is a block of 4^k numbers; eight blocks at
a time are brought into rows (4^k, 8), eight lanes wide, all maps of the sweep are applied there, and they are put back.
So a sweep costs one pass over memory whatever the number of its maps, and every inner loop runs on whole vector
registers whichever sites it acts on. :mod:`qml.engines.pauli.rows` says what the segments of a sweep are.

Backward, the vector before the sweep is run forward again in the history of the block, which keeps every intermediate,
so that one saved vector a sweep is enough; sums over chunks are taken in the order of the chunks.

`x` and `g` are rows of lanes; `rows` lists where they start; `own` is the line of a segment in the table. Its bound
matrix M (p, q) has lanes, too; of ``SPARSE`` only the entries of each row that are not zero, one after another, with
their columns, -1 where there are no more, and lanes only where those differ (`wide`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qml.engines._llvm.language import F1, I1, I2, LANES, U1, inline, subroutine
from qml.engines._llvm.simd import (
    chosen,
    load,
    product,
    store,
    tile_in,
    tile_in_transposed,
    tile_out,
    tile_out_transposed,
)
from qml.engines.pauli.rows import (
    BOUND,
    CHANGED,
    COUNT,
    FACTORS,
    FIRST,
    FREE,
    HISTORY,
    KIND,
    ROWS,
    SCALE,
    SHAPES,
    SIDE,
    SPARSE,
    SUMS,
    TRANSLATION,
    TURN,
)

FORWARD, REMEMBER, BACKWARD = range(3)
"""Ways to apply a matrix: in place; from the rows of the history to new ones; its transpose, in place."""
_multiply = chosen(
    *(
        product(*shape, kept=way == REMEMBER, transposed=way == BACKWARD)
        for way in range(3)
        for shape in SHAPES[:SPARSE]
    )
)
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
def _bind(own: I1, m: F1, sweep: Block) -> None:
    """The matrix of a segment, its columns times the factors that wait there; m has lanes, which differ if `wide`."""
    wide, factors, bound, columns = sweep.wide, sweep.factors, sweep.bound, sweep.columns
    kind, first, at, k = own[KIND], own[FIRST], own[FACTORS], LANES * own[BOUND]
    if kind == TURN:
        c, s = load(m, LANES * first), factors[at + 2] * load(m, LANES * (first + 1))
        store(bound, k, factors[at] * c)
        store(bound, k + LANES, factors[at + 1] * s)
        store(bound, k + 2 * LANES, -factors[at] * s)
        store(bound, k + 3 * LANES, factors[at + 1] * c)
    elif kind == TRANSLATION:
        store(bound, k, factors[at] * load(m, LANES * (first + 12)))
        store(bound, k + LANES, factors[at + 1] * load(m, LANES * (first + 15)))
    elif kind == SPARSE:
        for a in range(own[SIDE]):
            e = own[SIDE] * a
            for b in range(own[SIDE]):
                entry, filled = LANES * (first + own[SIDE] * a + b), False
                for t in range(LANES if wide else 1):
                    filled |= m[entry + t] != 0.0
                if filled:
                    if wide:
                        store(bound, k + LANES * e, factors[at + b] * load(m, entry))
                    else:
                        bound[k + e] = factors[at + b] * m[entry]
                    columns[own[BOUND] + e] = b
                    e += 1
            if e < own[SIDE] * (a + 1):
                columns[own[BOUND] + e] = -1
    elif kind != SCALE:
        side = max(4, own[SIDE])
        low, left = side - own[CHANGED], side - own[SIDE]
        for a in range(low, side):
            for b in range(left, side):
                store(bound, k, factors[at + b - left] * load(m, LANES * (first + side * a + b)))
                k += LANES


@subroutine
def bind(sweep: Block, m: F1) -> None:
    """The matrices of all segments, from the coefficients m, which have lanes."""
    for s in range(sweep.segments.shape[0]):
        _bind(sweep.segments[s], m, sweep)


@inline
def _scale(x: F1, rows: U1, start: int, count: int, step: int, factors: F1, k: int) -> None:
    """Single rows times their factors; with a step of two, to the row that is listed next."""
    for i in range(count):
        place = start + step * i
        store(x, rows[place + step - 1], factors[k + i] * load(x, rows[place]))


@inline
def _times(matrix: F1, e: int, wide: bool, value: Any) -> Any:
    """A row times entry e of a sparse matrix, which has lanes if `wide`."""
    return load(matrix, LANES * e) * value if wide else matrix[e] * value


@subroutine
def _sparse(x: F1, start: int, step: int, own: I1, sweep: Block, transposed: bool) -> None:
    """M, or its transpose, on the first rows of each tuple, to the last of the `step` rows that are listed with it."""
    side, rows, wide = own[SIDE], sweep.rows, sweep.wide
    matrix, listed = sweep.bound[LANES * own[BOUND] :], sweep.columns[own[BOUND] :]
    y, zero = np.empty(LANES * side), np.zeros(LANES)
    for t in range(own[COUNT]):
        at = start + step * t
        if transposed:
            for b in range(side):
                store(y, LANES * b, load(zero, 0))
        for a in range(side):
            even, odd, here = load(zero, 0), load(zero, 0), load(x, rows[at + a])
            for e in range(side * a, side * (a + 1), 2):  # two sums, which do not wait for each other
                b, c = listed[e], listed[e + 1]
                if b < 0:
                    break
                if transposed:
                    store(y, LANES * b, load(y, LANES * b) + _times(matrix, e, wide, here))
                else:
                    even = even + _times(matrix, e, wide, load(x, rows[at + b]))
                if c < 0:
                    break
                if transposed:
                    store(y, LANES * c, load(y, LANES * c) + _times(matrix, e + 1, wide, here))
                else:
                    odd = odd + _times(matrix, e + 1, wide, load(x, rows[at + c]))
            if not transposed:
                store(y, LANES * a, even + odd)
        for a in range(side):
            store(x, rows[at + step - side + a], load(y, LANES * a))


@subroutine
def _apply(way: int, own: I1, x: F1, sweep: Block) -> None:
    """The matrix of a segment on each tuple of rows; in the history the results are listed after each tuple."""
    start, times = (own[HISTORY], 2) if way == REMEMBER else (own[ROWS], 1)
    if own[KIND] == SCALE:
        _scale(x, sweep.rows, start, own[COUNT], times, sweep.factors, own[FACTORS])
    elif own[KIND] == SPARSE:
        _sparse(x, start, times * own[SIDE], own, sweep, way == BACKWARD)
    else:
        _multiply(SPARSE * way + own[KIND], x, sweep.rows, start, own[COUNT], sweep.bound, LANES * own[BOUND])


@inline
def _add(sums: F1, at: int, factor: float, value: Any) -> None:
    store(sums, at, load(sums, at) + factor * value)


@subroutine
def _sums_of(own: I1, g: F1, x: F1, rows: U1, factors: F1, sums: F1, zero: F1) -> None:
    """Add sum over tuples of g_a x_b, times the factor that waits at b, to the lanes of the sums.

    The rows of g are in place, those of x in the history; a row of `zero` is zero.
    """
    kind, start, history, count, at = own[KIND], own[ROWS], own[HISTORY], own[COUNT], own[FACTORS]
    if kind == TURN:
        c0, c1, s0, s1 = load(zero, 0), load(zero, 0), load(zero, 0), load(zero, 0)
        for t in range(count):
            i, h = start + 2 * t, history + 4 * t
            g0, g1, u, v = load(g, rows[i]), load(g, rows[i + 1]), load(x, rows[h]), load(x, rows[h + 1])
            c0, c1, s0, s1 = c0 + g0 * u, c1 + g1 * v, s0 + g0 * v, s1 + g1 * u
        _add(sums, 0, factors[at], c0)
        _add(sums, 0, factors[at + 1], c1)
        _add(sums, LANES, factors[at + 1] * factors[at + 2], s0)
        _add(sums, LANES, -factors[at] * factors[at + 2], s1)
        return
    p, q = own[CHANGED], own[SIDE]
    for a in range(p):
        for b in range(0, q, 4):
            t0, t1, t2, t3 = load(zero, 0), load(zero, 0), load(zero, 0), load(zero, 0)
            i, h = start + q - p + a, history + b
            if q == 3:
                for _ in range(count):
                    u = load(g, rows[i])
                    t0, t1, t2 = t0 + u * load(x, rows[h]), t1 + u * load(x, rows[h + 1]), t2 + u * load(x, rows[h + 2])
                    i, h = i + q, h + p + q
            else:
                for _ in range(count):
                    u = load(g, rows[i])
                    t0, t1 = t0 + u * load(x, rows[h]), t1 + u * load(x, rows[h + 1])
                    t2, t3 = t2 + u * load(x, rows[h + 2]), t3 + u * load(x, rows[h + 3])
                    i, h = i + q, h + p + q
                _add(sums, (q * a + b + 3) * LANES, factors[at + b + 3], t3)
            _add(sums, (q * a + b) * LANES, factors[at + b], t0)
            _add(sums, (q * a + b + 1) * LANES, factors[at + b + 1], t1)
            _add(sums, (q * a + b + 2) * LANES, factors[at + b + 2], t2)


@inline
def _base_of(unit: int, shifts: I1) -> int:
    """The index of setting `unit` of the other sites, with zeros at the active ones (shifts ascending)."""
    for shift in shifts:
        unit = ((unit >> shift) << (shift + 2)) | (unit & ((1 << shift) - 1))
    return unit


@subroutine
def _move(
    r: F1, blocks: F1, out: bool, unit: int, width: int, stride: int, shifts: I1, places: I1,
    rows: U1, start: int, factors: F1, at: int, lanes: int,
) -> None:  # fmt: skip
    """`width` times eight blocks from r, or `out`, back to r: component c in row rows[start + c], times factors[at +
    c]; blocks are `stride` numbers apart.

    Where the last two sites are not active, or where members of a batch come after the last site, eight blocks lie side
    by side, in one line of the cache for each row; else tiles of 4 x 4 numbers are moved, transposed if the last site
    is active. Where there are fewer than eight blocks, the other lanes are left alone.
    """
    if lanes < LANES:
        for lane in range(lanes):
            i = _base_of(lane, shifts)
            for c in range(places.size):
                here = rows[start + c] + lane
                if out:
                    r[i + places[c]] = factors[at + c] * blocks[here]
                else:
                    blocks[here] = factors[at + c] * r[i + places[c]]
        return
    if shifts[0] >= 3:
        i = _base_of(LANES * width * unit, shifts)
        for c in range(places.size):
            for b in range(width):
                there, here = i + places[c] + LANES * b, b * stride + rows[start + c]
                if out:
                    store(r, there, factors[at + c] * load(blocks, here))
                else:
                    store(blocks, here, factors[at + c] * load(r, there))
        return
    for half in range(0, LANES, 4):
        i = _base_of(LANES * unit + half, shifts)
        i1, i2 = _base_of(LANES * unit + half + 1, shifts), _base_of(LANES * unit + half + 2, shifts)
        i3 = _base_of(LANES * unit + half + 3, shifts)
        for c in range(0, places.size, 4):
            j, p = start + c, places[c]
            j0, j1, j2, j3 = rows[j] + half, rows[j + 1] + half, rows[j + 2] + half, rows[j + 3] + half
            if shifts[0] == 0 and out:
                tile_out_transposed(r, i + p, i1 + p, i2 + p, i3 + p, blocks, j0, j1, j2, j3, factors, at + c)
            elif shifts[0] == 0:
                tile_in_transposed(r, i + p, i1 + p, i2 + p, i3 + p, blocks, j0, j1, j2, j3, factors, at + c)
            else:
                p1, p2, p3 = places[c + 1], places[c + 2], places[c + 3]
                if out:
                    tile_out(r, i + p, i + p1, i + p2, i + p3, blocks, j0, j1, j2, j3, factors, at + c)
                else:
                    tile_in(r, i + p, i + p1, i + p2, i + p3, blocks, j0, j1, j2, j3, factors, at + c)


@subroutine
def chunk(
    start: int, size: int, width: int, r: F1, x: F1, sums: F1, sweep: Block, backward: bool, summing: bool
) -> None:
    """Units `start` to `start` + `size` of a sweep, `width` times eight blocks each, all its segments, from x to r.

    Backward, the adjoints in place on r = dL/d(output of the sweep); if `summing`, what is added to the sums needs its
    input x.
    """
    shifts, places, about, segments, lanes = sweep.shifts, sweep.offsets, sweep.about, sweep.segments, sweep.lanes
    rows, factors = sweep.rows, sweep.factors
    length, room = LANES * places.size, LANES * about[HISTORY_ROWS] if summing else 0
    zero, blocks, history = np.zeros(LANES), np.empty(width * length), np.empty(width * room)
    if lanes < LANES:  # what is in the others is added to sums
        blocks[:] = 0.0
        history[:] = 0.0
    end = about[END_ROWS], about[END_FACTORS]
    (row_in, factor_in), (row_out, factor_out) = (end, (0, 0)) if backward else ((0, 0), end)
    for unit in range(start, start + size):
        source = r if backward else x
        _move(source, blocks, False, unit, width, length, shifts, places, rows, row_in, factors, factor_in, lanes)
        if summing:
            _move(x, history, False, unit, width, room, shifts, places, rows, 0, factors, 0, lanes)
        for b in range(width):
            block = blocks[b * length : (b + 1) * length]
            past = history[b * room : (b + 1) * room]
            if summing:
                for s in range(about[NEEDED]):
                    _apply(REMEMBER, segments[s], past, sweep)
            if not backward:
                for s in range(segments.shape[0]):
                    _apply(FORWARD, segments[s], block, sweep)
            else:
                for s in range(segments.shape[0] - 1, -1, -1):
                    if summing and segments[s, FREE]:
                        _sums_of(segments[s], block, past, rows, factors, sums[LANES * segments[s, SUMS] :], zero)
                    _apply(BACKWARD, segments[s], block, sweep)
        _move(r, blocks, True, unit, width, length, shifts, places, rows, row_out, factors, factor_out, lanes)


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
