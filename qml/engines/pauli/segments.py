"""Compiled kernels: one segment of a sweep on the rows of a block, forward, backward, and its sums.

See :mod:`qml.engines.pauli.rows` for the segments.
`x` and `g` are rows of lanes; `rows` lists where they start; `own` is the line of a segment in the table. Its bound
matrix M (p, q) has lanes, too; of ``SPARSE`` only the entries of each row that are not zero, one after another, with
their columns, -1 where there are no more, and lanes only where those differ (`wide`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qml.engines._llvm.language import F1, I1, LANES, U1, inline, subroutine
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
    HISTORY,
    KIND,
    ROWS,
    SCALE,
    SHAPES,
    SIDE,
    SPARSE,
    TRANSLATION,
    TURN,
)

_forward = chosen(*(product(*shape) for shape in SHAPES[:SPARSE]))
_remember = chosen(*(product(*shape, kept=True) for shape in SHAPES[:SPARSE]))
_backward = chosen(*(product(*shape, transposed=True) for shape in SHAPES[:SPARSE]))


@subroutine
def bind(own: I1, m: F1, wide: bool, factors: F1, bound: F1, columns: I1) -> None:
    """The matrix of a segment, its columns times the factors that wait there; m has lanes, which differ if `wide`."""
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


@inline
def _scale(x: F1, rows: U1, start: int, count: int, step: int, factors: F1, k: int) -> None:
    """Single rows times their factors; with a step of two, to the row that is listed next."""
    for i in range(count):
        place = start + step * i
        store(x, rows[place + step - 1], factors[k + i] * load(x, rows[place]))


@inline
def _times(matrix: F1, e: int, wide: bool, value: Any) -> Any:
    """A row times entry e of a sparse matrix, which has lanes if `wide`."""
    if wide:  # noqa: SIM108 - of one of them at a time
        value = load(matrix, LANES * e) * value
    else:
        value = matrix[e] * value
    return value


@subroutine
def _sparse(
    x: F1, rows: U1, start: int, step: int, own: I1, bound: F1, columns: I1, wide: bool, transposed: bool
) -> None:
    """M, or its transpose, on the first rows of each tuple, to the last of the `step` rows that are listed with it."""
    side = own[SIDE]
    matrix, listed = bound[LANES * own[BOUND] :], columns[own[BOUND] :]
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
def forward(own: I1, x: F1, rows: U1, factors: F1, bound: F1, columns: I1, wide: bool) -> None:
    """The matrix on each tuple of rows, in place."""
    if own[KIND] == SCALE:
        _scale(x, rows, own[ROWS], own[COUNT], 1, factors, own[FACTORS])
    elif own[KIND] == SPARSE:
        _sparse(x, rows, own[ROWS], own[SIDE], own, bound, columns, wide, False)
    else:
        _forward(own[KIND], x, rows, own[ROWS], own[COUNT], bound, LANES * own[BOUND])


@subroutine
def remember(own: I1, x: F1, rows: U1, factors: F1, bound: F1, columns: I1, wide: bool) -> None:
    """The same in the history: the results go to rows of their own, listed after those of each tuple."""
    if own[KIND] == SCALE:
        _scale(x, rows, own[HISTORY], own[COUNT], 2, factors, own[FACTORS])
    elif own[KIND] == SPARSE:
        _sparse(x, rows, own[HISTORY], 2 * own[SIDE], own, bound, columns, wide, False)
    else:
        _remember(own[KIND], x, rows, own[HISTORY], own[COUNT], bound, LANES * own[BOUND])


@subroutine
def backward(own: I1, g: F1, rows: U1, factors: F1, bound: F1, columns: I1, wide: bool) -> None:
    """The transpose, in place."""
    if own[KIND] == SCALE:
        _scale(g, rows, own[ROWS], own[COUNT], 1, factors, own[FACTORS])
    elif own[KIND] == SPARSE:
        _sparse(g, rows, own[ROWS], own[SIDE], own, bound, columns, wide, True)
    else:
        _backward(own[KIND], g, rows, own[ROWS], own[COUNT], bound, LANES * own[BOUND])


@inline
def _add(sums: F1, at: int, factor: float, value: Any) -> None:
    store(sums, at, load(sums, at) + factor * value)


@subroutine
def sums_of(own: I1, g: F1, x: F1, rows: U1, factors: F1, sums: F1, zero: F1) -> None:
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
def base_of(unit: int, shifts: I1) -> int:
    """The index of setting `unit` of the other sites, with zeros at the active ones (shifts ascending)."""
    for shift in shifts:
        unit = ((unit >> shift) << (shift + 2)) | (unit & ((1 << shift) - 1))
    return unit


@subroutine
def move(
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
            i = base_of(lane, shifts)
            for c in range(places.size):
                here = rows[start + c] + lane
                if out:
                    r[i + places[c]] = factors[at + c] * blocks[here]
                else:
                    blocks[here] = factors[at + c] * r[i + places[c]]
        return
    if shifts[0] >= 3:
        i = base_of(LANES * width * unit, shifts)
        for c in range(places.size):
            for b in range(width):
                there, here = i + places[c] + LANES * b, b * stride + rows[start + c]
                if out:
                    store(r, there, factors[at + c] * load(blocks, here))
                else:
                    store(blocks, here, factors[at + c] * load(r, there))
        return
    for half in range(0, LANES, 4):
        i = base_of(LANES * unit + half, shifts)
        i1, i2 = base_of(LANES * unit + half + 1, shifts), base_of(LANES * unit + half + 2, shifts)
        i3 = base_of(LANES * unit + half + 3, shifts)
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
