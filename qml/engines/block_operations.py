"""Compiled kernels: one operation of a sweep on a buffer of eight blocks, forward, backward, and its sums.

`sh` and `sl` are the strides of the two sites of the operation in the buffer, `sh` > `sl`. See
:mod:`qml.engines.block_kernels` for the operations and for who links these functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from qml._typing import Integer, Real
from qml.engines.simd import LANES, dot, load, store


@njit(cache=True, inline="always")
def _mix(m: Real, k: int, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """The matrix m[k : k + 16] times (a, b, c, d)."""
    return (
        dot(m, k, 1, a, b, c, d),
        dot(m, k + 4, 1, a, b, c, d),
        dot(m, k + 8, 1, a, b, c, d),
        dot(m, k + 12, 1, a, b, c, d),
    )


@njit(cache=True, inline="always")
def _mix_back(m: Real, k: int, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """Its transpose times (a, b, c, d)."""
    return (
        dot(m, k, 4, a, b, c, d),
        dot(m, k + 1, 4, a, b, c, d),
        dot(m, k + 2, 4, a, b, c, d),
        dot(m, k + 3, 4, a, b, c, d),
    )


def pair(
    x: Real, y: Real, size: int, sh: int, sl: int, m: Real, first: int, second: int, places: Integer, factors: Real
) -> None:
    """y[place of component a] = factor_a ((A x B) x)_a; sh and sl are the strides of the two sites in the buffer."""
    p = np.empty(16, np.int64)
    for a in range(16):
        p[a] = (places[a] >> 2) * sh + (places[a] & 3) * sl
    p0, p1, p2, p3, p4, p5, p6, p7 = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
    p8, p9, p10, p11, p12, p13, p14, p15 = p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]
    f0, f1, f2, f3, f4, f5, f6, f7 = (
        factors[0], factors[1], factors[2], factors[3], factors[4], factors[5], factors[6], factors[7],
    )
    f8, f9, f10, f11, f12, f13, f14, f15 = (
        factors[8], factors[9], factors[10], factors[11], factors[12], factors[13], factors[14], factors[15],
    )
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for i in range(middle, middle + sl, LANES):
                a0, a1, a2, a3 = load(x, i), load(x, i + sl), load(x, i + 2 * sl), load(x, i + 3 * sl)
                j = i + sh
                b0, b1, b2, b3 = load(x, j), load(x, j + sl), load(x, j + 2 * sl), load(x, j + 3 * sl)
                j += sh
                c0, c1, c2, c3 = load(x, j), load(x, j + sl), load(x, j + 2 * sl), load(x, j + 3 * sl)
                j += sh
                d0, d1, d2, d3 = load(x, j), load(x, j + sl), load(x, j + 2 * sl), load(x, j + 3 * sl)
                if second >= 0:
                    a0, a1, a2, a3 = _mix(m, second, a0, a1, a2, a3)
                    b0, b1, b2, b3 = _mix(m, second, b0, b1, b2, b3)
                    c0, c1, c2, c3 = _mix(m, second, c0, c1, c2, c3)
                    d0, d1, d2, d3 = _mix(m, second, d0, d1, d2, d3)
                if first >= 0:
                    a0, b0, c0, d0 = _mix(m, first, a0, b0, c0, d0)
                    a1, b1, c1, d1 = _mix(m, first, a1, b1, c1, d1)
                    a2, b2, c2, d2 = _mix(m, first, a2, b2, c2, d2)
                    a3, b3, c3, d3 = _mix(m, first, a3, b3, c3, d3)
                store(y, i + p0, f0 * a0)
                store(y, i + p1, f1 * a1)
                store(y, i + p2, f2 * a2)
                store(y, i + p3, f3 * a3)
                store(y, i + p4, f4 * b0)
                store(y, i + p5, f5 * b1)
                store(y, i + p6, f6 * b2)
                store(y, i + p7, f7 * b3)
                store(y, i + p8, f8 * c0)
                store(y, i + p9, f9 * c1)
                store(y, i + p10, f10 * c2)
                store(y, i + p11, f11 * c3)
                store(y, i + p12, f12 * d0)
                store(y, i + p13, f13 * d1)
                store(y, i + p14, f14 * d2)
                store(y, i + p15, f15 * d3)


def pair_back(
    x: Real,
    g: Real,
    w: Real,
    size: int,
    sh: int,
    sl: int,
    m: Real,
    first: int,
    second: int,
    places: Integer,
    factors: Real,
    free: int,
    sums: Real,
) -> None:
    """g = (A x B)^T C^T g, and sums of g_i x_j over everything else for A (rows 0 to 15) and B (rows 16 to 31).

    x is the input of the operation; w is room for 32 rows of lanes; sums has one row of lanes an entry.
    """
    p = np.empty(16, np.int64)
    for a in range(16):
        p[a] = (places[a] >> 2) * sh + (places[a] & 3) * sl
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for i in range(middle, middle + sl, LANES):
                for a in range(16):
                    store(w, LANES * a, factors[a] * load(g, i + p[a]))
                if free & 1:  # w: derivative in the output of A; u: its input, B x
                    for a in range(4):
                        j = i + a * sh
                        u0, u1, u2, u3 = load(x, j), load(x, j + sl), load(x, j + 2 * sl), load(x, j + 3 * sl)
                        if second >= 0:
                            u0, u1, u2, u3 = _mix(m, second, u0, u1, u2, u3)
                        for b in range(4):
                            k = 4 * b * LANES
                            t = load(sums, (4 * b + a) * LANES)
                            t = t + load(w, k) * u0
                            t = t + load(w, k + LANES) * u1
                            t = t + load(w, k + 2 * LANES) * u2
                            t = t + load(w, k + 3 * LANES) * u3
                            store(sums, (4 * b + a) * LANES, t)
                if first >= 0:
                    for b in range(4):
                        k = b * LANES
                        s = 4 * LANES
                        a0, a1, a2, a3 = _mix_back(
                            m, first, load(w, k), load(w, k + s), load(w, k + 2 * s), load(w, k + 3 * s)
                        )
                        store(w, k, a0)
                        store(w, k + s, a1)
                        store(w, k + 2 * s, a2)
                        store(w, k + 3 * s, a3)
                if free & 2:
                    for a in range(4):
                        k = 4 * a * LANES
                        w0, w1, w2, w3 = load(w, k), load(w, k + LANES), load(w, k + 2 * LANES), load(w, k + 3 * LANES)
                        for b in range(4):
                            v = load(x, i + a * sh + b * sl)
                            k = (16 + b) * LANES
                            store(sums, k, load(sums, k) + w0 * v)
                            store(sums, k + 4 * LANES, load(sums, k + 4 * LANES) + w1 * v)
                            store(sums, k + 8 * LANES, load(sums, k + 8 * LANES) + w2 * v)
                            store(sums, k + 12 * LANES, load(sums, k + 12 * LANES) + w3 * v)
                for a in range(4):
                    k, j = 4 * a * LANES, i + a * sh
                    w0, w1, w2, w3 = load(w, k), load(w, k + LANES), load(w, k + 2 * LANES), load(w, k + 3 * LANES)
                    if second >= 0:
                        w0, w1, w2, w3 = _mix_back(m, second, w0, w1, w2, w3)
                    store(g, j, w0)
                    store(g, j + sl, w1)
                    store(g, j + 2 * sl, w2)
                    store(g, j + 3 * sl, w3)


def turn(
    x: Real, y: Real, size: int, sh: int, sl: int, cosine: float, sine: float, partners: Integer, signs: Real
) -> None:
    """y_a = x_a where sign_a = 0, else cos x_a + sign_a sin x_partner."""
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for a in range(16):
                b = partners[a]
                here, there = (a >> 2) * sh + (a & 3) * sl, (b >> 2) * sh + (b & 3) * sl
                if signs[a] == 0.0:
                    for i in range(middle, middle + sl, LANES):
                        store(y, i + here, load(x, i + here))
                elif a < b:
                    s = signs[a] * sine
                    for i in range(middle, middle + sl, LANES):
                        u, v = load(x, i + here), load(x, i + there)
                        store(y, i + here, cosine * u + s * v)
                        store(y, i + there, cosine * v - s * u)


def turn_sums(x: Real, g: Real, size: int, sh: int, sl: int, partners: Integer, signs: Real, sums: Real) -> None:
    """Sums for cos and sin (rows 0 and 1)."""
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for a in range(16):
                b = partners[a]
                here, there = (a >> 2) * sh + (a & 3) * sl, (b >> 2) * sh + (b & 3) * sl
                if signs[a] != 0.0 and a < b:
                    c, s = load(sums, 0), load(sums, LANES)
                    for i in range(middle, middle + sl, LANES):
                        u, v, p, q = load(x, i + here), load(x, i + there), load(g, i + here), load(g, i + there)
                        c = c + (p * u + q * v)
                        s = s + signs[a] * (p * v - q * u)
                    store(sums, 0, c)
                    store(sums, LANES, s)


def dense(x: Real, y: Real, w: Real, size: int, sh: int, sl: int, m: Real, first: int, transposed: bool) -> None:
    """y = M x, or M^T x."""
    row, column = (1, 16) if transposed else (16, 1)
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for i in range(middle, middle + sl, LANES):
                for a in range(16):
                    store(w, LANES * a, load(x, i + (a >> 2) * sh + (a & 3) * sl))
                for a in range(16):
                    k = first + a * row
                    t = m[k] * load(w, 0)
                    for b in range(1, 16):
                        t = t + m[k + b * column] * load(w, LANES * b)
                    store(y, i + (a >> 2) * sh + (a & 3) * sl, t)


def dense_sums(x: Real, g: Real, size: int, sh: int, sl: int, sums: Real) -> None:
    """Sums of g_a x_b, one row of lanes an entry (a, b)."""
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for i in range(middle, middle + sl, LANES):
                for a in range(16):
                    u = load(g, i + (a >> 2) * sh + (a & 3) * sl)
                    for b in range(16):
                        k = (16 * a + b) * LANES
                        store(sums, k, load(sums, k) + u * load(x, i + (b >> 2) * sh + (b & 3) * sl))


@njit(cache=True, inline="always")
def _base(unit: int, shifts: Integer) -> int:
    """The index of setting `unit` of the other sites, with zeros at the active ones (shifts ascending)."""
    for shift in shifts:
        unit = ((unit >> shift) << (shift + 2)) | (unit & ((1 << shift) - 1))
    return unit


def fill(r: Real, buffers: Real, unit: int, width: int, shifts: Integer, rows: Integer, back: bool) -> None:
    """`width` times eight blocks into as many buffers (4^k, 8) one after another, or back.

    Where the last two sites are not active the eight blocks lie side by side, in one line of the cache for each row.
    """
    size = LANES * rows.size
    if shifts[0] >= 4:
        i = _base(LANES * width * unit, shifts)
        for row in range(rows.size):
            start = i + rows[row]
            for b in range(width):
                if back:
                    store(r, start + LANES * b, load(buffers, b * size + LANES * row))
                else:
                    store(buffers, b * size + LANES * row, load(r, start + LANES * b))
        return
    for lane in range(LANES):
        i = _base(LANES * unit + lane, shifts)
        for row in range(rows.size):
            if back:
                r[i + rows[row]] = buffers[LANES * row + lane]
            else:
                buffers[LANES * row + lane] = r[i + rows[row]]
