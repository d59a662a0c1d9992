"""Compiled kernels: one segment of a sweep on the rows of a block, forward, backward, and its sums.

See :mod:`qml.engines.block_rows` for the segments and :mod:`qml.engines.block_kernels` for who links these functions.
`x` and `g` are rows of lanes; `rows` lists where they start; M (p, q) starts at m[k].
"""

from __future__ import annotations

from typing import Any

from numba import njit

from qml._typing import Integer, Real
from qml.engines import simd
from qml.engines.block_rows import AFFINE, DENSE, GENERAL, SCALE, SHAPES, TRANSLATION, TURN, UNITAL
from qml.engines.simd import LANES, load, store, tile_in, tile_in_transposed, tile_out, tile_out_transposed

_forward: Any = [simd.product(*shape) for shape in SHAPES]
_backward: Any = [simd.product(*shape, transposed=True) for shape in SHAPES]
_unital, _affine, _general, _translation, _turn, _dense = _forward[:6]
_unital_back, _affine_back, _general_back, _translation_back, _turn_back, _dense_back = _backward[:6]


def bind(kind: int, first: int, m: Real, factors: Real, at: int, bound: Real, k: int) -> None:
    """The matrix of a segment, its columns times the factors that wait there, to bound[k :]."""
    if kind == TURN:
        c, s = m[first], m[first + 1] * factors[at + 2]
        bound[k], bound[k + 1] = c * factors[at], s * factors[at + 1]
        bound[k + 2], bound[k + 3] = -s * factors[at], c * factors[at + 1]
    elif kind == TRANSLATION:
        bound[k], bound[k + 1] = m[first + 12] * factors[at], m[first + 15] * factors[at + 1]
    elif kind != SCALE:
        side, low, left = (16, 0, 0) if kind == DENSE else (4, 0 if kind == GENERAL else 1, 1 if kind == UNITAL else 0)
        for a in range(low, side):
            for b in range(left, side):
                bound[k] = m[first + side * a + b] * factors[at + b - left]
                k += 1


def forward(kind: int, x: Real, rows: Integer, start: int, step: int, count: int, m: Real, k: int) -> None:
    """The matrix on each tuple of rows: q to read, then p to write, or the last p of the q if `step` is q."""
    if kind == UNITAL:
        for i in range(start, start + count * step, step):
            _unital(x, x, rows, i, i + step - 3, m, k)
    elif kind == AFFINE:
        for i in range(start, start + count * step, step):
            _affine(x, x, rows, i, i + step - 3, m, k)
    elif kind == GENERAL:
        for i in range(start, start + count * step, step):
            _general(x, x, rows, i, i + step - 4, m, k)
    elif kind == TRANSLATION:
        for i in range(start, start + count * step, step):
            _translation(x, x, rows, i, i + step - 1, m, k)
    elif kind == TURN:
        for i in range(start, start + count * step, step):
            _turn(x, x, rows, i, i + step - 2, m, k)
    elif kind == DENSE:
        for i in range(start, start + count * step, step):
            _dense(x, x, rows, i, i + step - 16, m, k)
    else:  # m: factors, one a row
        for i in range(start, start + count * step, step):
            store(x, rows[i + step - 1], m[k] * load(x, rows[i]))
            k += 1


def backward(kind: int, g: Real, rows: Integer, start: int, count: int, m: Real, k: int) -> None:
    """Its transpose, in place."""
    if kind == UNITAL:
        for i in range(start, start + 3 * count, 3):
            _unital_back(g, g, rows, i, i, m, k)
    elif kind == AFFINE:
        for i in range(start, start + 4 * count, 4):
            _affine_back(g, g, rows, i, i, m, k)
    elif kind == GENERAL:
        for i in range(start, start + 4 * count, 4):
            _general_back(g, g, rows, i, i, m, k)
    elif kind == TRANSLATION:
        for i in range(start, start + 2 * count, 2):
            _translation_back(g, g, rows, i, i, m, k)
    elif kind == TURN:
        for i in range(start, start + 2 * count, 2):
            _turn_back(g, g, rows, i, i, m, k)
    elif kind == DENSE:
        for i in range(start, start + 16 * count, 16):
            _dense_back(g, g, rows, i, i, m, k)
    else:
        for i in range(start, start + count):
            store(g, rows[i], m[k] * load(g, rows[i]))
            k += 1


@njit(cache=True, inline="always")
def _add(sums: Real, at: int, factor: float, value: Any) -> None:
    store(sums, at, load(sums, at) + factor * value)


def sums_of(
    kind: int,
    g: Real,
    x: Real,
    rows: Integer,
    start: int,
    history: int,
    count: int,
    factors: Real,
    at: int,
    sums: Real,
    zero: Real,
) -> None:
    """Add sum over tuples of g_a x_b, times the factor that waits at b, to the lanes of the sums.

    The rows of g are in place, those of x in the history; a row of `zero` is zero.
    """
    if kind == TURN:
        c0, c1, s0, s1 = load(zero, 0), load(zero, 0), load(zero, 0), load(zero, 0)
        for t in range(count):
            i, h = start + 2 * t, history + 4 * t
            p, q, u, v = load(g, rows[i]), load(g, rows[i + 1]), load(x, rows[h]), load(x, rows[h + 1])
            c0, c1, s0, s1 = c0 + p * u, c1 + q * v, s0 + p * v, s1 + q * u
        _add(sums, 0, factors[at], c0)
        _add(sums, 0, factors[at + 1], c1)
        _add(sums, LANES, factors[at + 1] * factors[at + 2], s0)
        _add(sums, LANES, -factors[at] * factors[at + 2], s1)
        return
    p, q = SHAPES[kind]
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


@njit(cache=True, inline="always")
def _base(unit: int, shifts: Integer) -> int:
    """The index of setting `unit` of the other sites, with zeros at the active ones (shifts ascending)."""
    for shift in shifts:
        unit = ((unit >> shift) << (shift + 2)) | (unit & ((1 << shift) - 1))
    return unit


def fill(
    r: Real, blocks: Real, unit: int, width: int, stride: int, shifts: Integer, places: Integer,
    rows: Integer, start: int, factors: Real, at: int,
) -> None:  # fmt: skip
    """`width` times eight blocks from r, component c to row rows[start + c], times factors[at + c]; blocks are `stride`
    numbers apart.

    Where the last two sites are not active, eight blocks lie side by side, in one line of the cache for each row; else
    tiles of 4 x 4 numbers are moved, transposed if the last site is active.
    """
    if shifts[0] >= 4:
        i = _base(LANES * width * unit, shifts)
        for c in range(places.size):
            for b in range(width):
                value = load(r, i + places[c] + LANES * b)
                store(blocks, b * stride + rows[start + c], factors[at + c] * value)
        return
    for half in range(0, LANES, 4):
        i = _base(LANES * unit + half, shifts)
        i1, i2 = _base(LANES * unit + half + 1, shifts), _base(LANES * unit + half + 2, shifts)
        i3 = _base(LANES * unit + half + 3, shifts)
        for c in range(0, places.size, 4):
            j, p = start + c, places[c]
            j0, j1, j2, j3 = rows[j] + half, rows[j + 1] + half, rows[j + 2] + half, rows[j + 3] + half
            if shifts[0] == 0:
                tile_in_transposed(r, i + p, i1 + p, i2 + p, i3 + p, blocks, j0, j1, j2, j3, factors, at + c)
            else:
                p1, p2, p3 = places[c + 1], places[c + 2], places[c + 3]
                tile_in(r, i + p, i + p1, i + p2, i + p3, blocks, j0, j1, j2, j3, factors, at + c)


def empty(
    r: Real, blocks: Real, unit: int, width: int, stride: int, shifts: Integer, places: Integer,
    rows: Integer, start: int, factors: Real, at: int,
) -> None:  # fmt: skip
    """The same rows, times the same factors, back to r."""
    if shifts[0] >= 4:
        i = _base(LANES * width * unit, shifts)
        for c in range(places.size):
            for b in range(width):
                value = load(blocks, b * stride + rows[start + c])
                store(r, i + places[c] + LANES * b, factors[at + c] * value)
        return
    for half in range(0, LANES, 4):
        i = _base(LANES * unit + half, shifts)
        i1, i2 = _base(LANES * unit + half + 1, shifts), _base(LANES * unit + half + 2, shifts)
        i3 = _base(LANES * unit + half + 3, shifts)
        for c in range(0, places.size, 4):
            j, p = start + c, places[c]
            j0, j1, j2, j3 = rows[j] + half, rows[j + 1] + half, rows[j + 2] + half, rows[j + 3] + half
            if shifts[0] == 0:
                tile_out_transposed(r, i + p, i1 + p, i2 + p, i3 + p, blocks, j0, j1, j2, j3, factors, at + c)
            else:
                p1, p2, p3 = places[c + 1], places[c + 2], places[c + 3]
                tile_out(r, i + p, i + p1, i + p2, i + p3, blocks, j0, j1, j2, j3, factors, at + c)
