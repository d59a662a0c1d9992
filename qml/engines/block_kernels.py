r"""Compiled kernels: all operations on a few sites, applied while their part of the vector is in the L1 cache.

A *sweep* acts on k active sites. For every setting of the other sites there is a block of 4^k numbers; eight blocks at
a time are brought into a buffer (4^k, 8), eight lanes wide, all operations of the sweep are applied there, and they are
put back. So a sweep costs one pass over memory whatever the number of its operations, and every inner loop runs on
whole vector registers whichever sites it acts on.

The operations of a sweep, one row each in its table ``ops``:

* ``PAIR``: y = C (A x B) x on two active sites: optional 4 x 4 matrices A and B, then a permutation of the 16
  components with a factor each (every Clifford gate and every Pauli channel, or nothing);
* ``TURN``: exp(-i theta P / 2) for a string P on two active sites: pairs of components turned into each other;
* ``DENSE``: any 16 x 16 matrix on two active sites.

Backward, the vector before the sweep is run forward again inside the buffer, every intermediate kept there, so that one
saved vector a sweep is enough; sums over chunks are taken in the order of the chunks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from qml._typing import Integer, Real
from qml.engines.simd import LANES, load, store

PAIR, TURN, DENSE = range(3)
KIND, HIGH, LOW, FIRST, SECOND, CORE, FREE = range(7)
"""Columns of ``ops``: the kind; the two active sites (positions in the buffer, HIGH < LOW); where in the coefficients A
and B start (-1: none; for TURN and DENSE: cos and sin, or the matrix, start at FIRST); the row of the cores; whether A
(bit 0), B (bit 1), or the coefficients (bit 0) are differentiated."""

CHUNKS = 16
SUMS = 256
"""Sums that an operation can have: 16 for each of A and B, 2 for TURN, 256 for DENSE."""


@njit(cache=True, inline="always")
def _mix(m: Real, k: int, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """The matrix m[k : k + 16] times (a, b, c, d)."""
    return (
        m[k] * a + m[k + 1] * b + m[k + 2] * c + m[k + 3] * d,
        m[k + 4] * a + m[k + 5] * b + m[k + 6] * c + m[k + 7] * d,
        m[k + 8] * a + m[k + 9] * b + m[k + 10] * c + m[k + 11] * d,
        m[k + 12] * a + m[k + 13] * b + m[k + 14] * c + m[k + 15] * d,
    )


@njit(cache=True, inline="always")
def _mix_back(m: Real, k: int, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """Its transpose times (a, b, c, d)."""
    return (
        m[k] * a + m[k + 4] * b + m[k + 8] * c + m[k + 12] * d,
        m[k + 1] * a + m[k + 5] * b + m[k + 9] * c + m[k + 13] * d,
        m[k + 2] * a + m[k + 6] * b + m[k + 10] * c + m[k + 14] * d,
        m[k + 3] * a + m[k + 7] * b + m[k + 11] * c + m[k + 15] * d,
    )


@njit(cache=True, error_model="numpy")
def _pair(
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


@njit(cache=True, error_model="numpy")
def _pair_back(
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


@njit(cache=True, error_model="numpy")
def _turn(
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


@njit(cache=True, error_model="numpy")
def _turn_sums(x: Real, g: Real, size: int, sh: int, sl: int, partners: Integer, signs: Real, sums: Real) -> None:
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


@njit(cache=True, error_model="numpy")
def _dense(x: Real, y: Real, w: Real, size: int, sh: int, sl: int, m: Real, first: int, transposed: bool) -> None:
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


@njit(cache=True, error_model="numpy")
def _dense_sums(x: Real, g: Real, size: int, sh: int, sl: int, sums: Real) -> None:
    """Sums of g_a x_b, one row of lanes an entry (a, b)."""
    for outer in range(0, size, 4 * sh):
        for middle in range(outer, outer + sh, 4 * sl):
            for i in range(middle, middle + sl, LANES):
                for a in range(16):
                    u = load(g, i + (a >> 2) * sh + (a & 3) * sl)
                    for b in range(16):
                        k = (16 * a + b) * LANES
                        store(sums, k, load(sums, k) + u * load(x, i + (b >> 2) * sh + (b & 3) * sl))


@njit(cache=True, error_model="numpy")
def _forward(
    x: Real, y: Real, w: Real, size: int, k: int, op: Integer, m: Real, core_places: Integer, core_factors: Real
) -> None:
    """One operation on a buffer, from x to y (which may be x)."""
    sh, sl = LANES << (2 * (k - 1 - op[HIGH])), LANES << (2 * (k - 1 - op[LOW]))
    if op[KIND] == PAIR:
        _pair(x, y, size, sh, sl, m, op[FIRST], op[SECOND], core_places[op[CORE]], core_factors[op[CORE]])
    elif op[KIND] == TURN:
        _turn(x, y, size, sh, sl, m[op[FIRST]], m[op[FIRST] + 1], core_places[op[CORE]], core_factors[op[CORE]])
    else:
        _dense(x, y, w, size, sh, sl, m, op[FIRST], False)


@njit(cache=True, error_model="numpy")
def _backward(
    x: Real,
    g: Real,
    w: Real,
    size: int,
    k: int,
    op: Integer,
    m: Real,
    core_places: Integer,
    core_factors: Real,
    summing: bool,
    sums: Real,
) -> None:
    """Its adjoint on g, in place, and its sums."""
    sh, sl = LANES << (2 * (k - 1 - op[HIGH])), LANES << (2 * (k - 1 - op[LOW]))
    places, factors = core_places[op[CORE]], core_factors[op[CORE]]
    if op[KIND] == PAIR:
        free = op[FREE] if summing else 0
        _pair_back(x, g, w, size, sh, sl, m, op[FIRST], op[SECOND], places, factors, free, sums)
    elif op[KIND] == TURN:
        if summing and op[FREE]:
            _turn_sums(x, g, size, sh, sl, places, factors, sums)
        _turn(g, g, size, sh, sl, m[op[FIRST]], -m[op[FIRST] + 1], places, factors)
    else:
        if summing and op[FREE]:
            _dense_sums(x, g, size, sh, sl, sums)
        _dense(g, g, w, size, sh, sl, m, op[FIRST], True)


@njit(cache=True, inline="always")
def _base(unit: int, shifts: Integer) -> int:
    """The index of setting `unit` of the other sites, with zeros at the active ones (shifts ascending)."""
    for shift in shifts:
        unit = ((unit >> shift) << (shift + 2)) | (unit & ((1 << shift) - 1))
    return unit


@njit(cache=True, error_model="numpy")
def _fill(r: Real, buffers: Real, unit: int, width: int, shifts: Integer, rows: Integer, back: bool) -> None:
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


@njit(cache=True, error_model="numpy")
def _chunk(
    r: Real,
    x: Real,
    start: int,
    stop: int,
    width: int,
    shifts: Integer,
    rows: Integer,
    ops: Integer,
    m: Real,
    core_places: Integer,
    core_factors: Real,
    backward: bool,
    summing: bool,
    sums: Real,
) -> None:
    """Units `start` to `stop` of a sweep: forward on r, or backward on r = dL/dr with the input x of the sweep."""
    size, k = LANES * rows.size, shifts.size
    buffers, w = np.empty(width * size), np.empty(16 * LANES)
    inputs = np.empty(width * size if summing else 0)
    history = np.empty(ops.shape[0] * size if summing else 0)
    for unit in range(start, stop):
        _fill(r, buffers, unit, width, shifts, rows, False)
        if summing:
            _fill(x, inputs, unit, width, shifts, rows, False)
        for b in range(width):
            buffer = buffers[b * size : (b + 1) * size]
            before = inputs[b * size : (b + 1) * size] if summing else buffer
            if summing or not backward:
                for o in range(ops.shape[0] - 1 if summing else ops.shape[0]):
                    after = history[o * size : (o + 1) * size] if summing else buffer
                    _forward(before, after, w, size, k, ops[o], m, core_places, core_factors)
                    before = after
            if backward:
                for o in range(ops.shape[0] - 1, -1, -1):
                    if summing:
                        before = history[(o - 1) * size : o * size] if o > 0 else inputs[b * size : (b + 1) * size]
                    _backward(before, buffer, w, size, k, ops[o], m, core_places, core_factors, summing, sums[o])
        _fill(r, buffers, unit, width, shifts, rows, True)


@njit(cache=True, parallel=True)
def _share(
    r: Real,
    x: Real,
    chunks: int,
    units: int,
    width: int,
    shifts: Integer,
    rows: Integer,
    ops: Integer,
    m: Real,
    core_places: Integer,
    core_factors: Real,
    backward: bool,
    summing: bool,
    sums: Real,
) -> None:
    for c in prange(chunks):
        start, stop = c * units // chunks, (c + 1) * units // chunks
        _chunk(
            r, x, start, stop, width, shifts, rows, ops, m, core_places, core_factors, backward, summing, sums[c]
        )


@njit(cache=True)
def _rows(shifts: Integer) -> Integer:
    """Offsets of the 4^k components of a block, first active site most significant; shifts ascending."""
    k = shifts.size
    rows = np.zeros(1 << (2 * k), np.int64)
    for i in range(rows.size):
        for j in range(k):
            rows[i] |= ((i >> (2 * j)) & 3) << shifts[j]
    return rows


@njit(cache=True)
def block(
    r: Real,
    x: Real,
    n: int,
    shifts: Integer,
    ops: Integer,
    m: Real,
    core_places: Integer,
    core_factors: Real,
    parallel: bool,
    backward: bool,
    summing: bool,
    out: Real,
) -> None:
    """All operations of a sweep, in place on r; `shifts` (k,) are the bit shifts of its active sites, ascending.

    Backward, their adjoints on r = dL/d(output of the sweep). If `summing`, x is the input of the sweep, and dL/dm is
    written to `out`.
    """
    rows = _rows(shifts)
    width = min(8, (1 << shifts[0]) // LANES) if shifts[0] >= 4 else 1
    units = (1 << (2 * (n - shifts.size))) // (LANES * width)
    entries = 32 if summing else 0
    for o in range(ops.shape[0]):
        if summing and ops[o, KIND] == DENSE and ops[o, FREE]:
            entries = SUMS
    chunks = min(units, CHUNKS)
    sums = np.zeros((chunks, ops.shape[0], entries * LANES))
    if parallel:
        _share(r, x, chunks, units, width, shifts, rows, ops, m, core_places, core_factors, backward, summing, sums)
    else:  # the same chunks, so that the sums are the same to the bit
        for c in range(chunks):
            start, stop = c * units // chunks, (c + 1) * units // chunks
            _chunk(
                r, x, start, stop, width, shifts, rows, ops, m, core_places, core_factors, backward, summing, sums[c]
            )
    if summing:
        for o in range(ops.shape[0]):
            op = ops[o]
            if op[KIND] == PAIR:
                if op[FREE] & 1:
                    _collect(sums[:, o], 0, 16, out, op[FIRST])
                if op[FREE] & 2:
                    _collect(sums[:, o], 16, 16, out, op[SECOND])
            elif op[FREE]:
                _collect(sums[:, o], 0, 2 if op[KIND] == TURN else SUMS, out, op[FIRST])


@njit(cache=True)
def _collect(sums: Real, first: int, count: int, out: Real, start: int) -> None:
    """out[start : start + count] = sums over chunks, in order, and over lanes."""
    for e in range(count):
        total = 0.0
        for c in range(sums.shape[0]):
            for lane in range(LANES):
                total += sums[c, (first + e) * LANES + lane]
        out[start + e] = total
