"""Compiled kernels: one operation on a buffer of rows of eight complex numbers, or the sums of its derivative.

See :mod:`qml.engines.vectors.kernels` for the operations and the buffer.
"""

from __future__ import annotations

import numpy as np

from qml.engines._llvm.language import F1, I1, LANES, inline, subroutine
from qml.engines._llvm.simd import load, store

ROW = 2 * LANES
"""Numbers in a row of a buffer."""
PAIR_SUMS = 8
"""Of A the sums of Im S_00, Im S_11, Re(S_01 - S_10) and Im(S_01 + S_10), S_ab = <lambda_a|psi_b>; the same of B."""

# LLVM spills vector registers around branches: hence one loop for each case, without any.


@inline
def _two_by_two(m: F1, start: int, adjoint: bool, u: F1) -> None:
    """The matrix at `start` (-1: 1), or its adjoint, to u, twice (re and im of 00, 01, 10, 11).

    There, each entry a + ib is ((a, -b), (b, a)), and numbers stand eight lanes apart.
    """
    for e in range(8):
        place = LANES * (start + 8 * (e >> 2) + 4 * (e & 1) + (e & 2))
        u[e] = m[place] if start >= 0 else 1.0 if e == 0 or e == 6 else 0.0
    if adjoint:
        u[2], u[4] = u[4], u[2]
        u[1], u[3], u[5], u[7] = -u[1], -u[5], -u[3], -u[7]
    for e in range(8):
        u[8 + e] = u[e]


@inline
def _mix(x: F1, sh: int, sl: int, here: I1, there: I1, u: F1) -> None:
    """The one matrix of u on components (0, 1) and the other on (2, 3), which are at the offsets `here` and go to the
    offsets `there`."""
    p0, p1, p2, p3 = here[0], here[1], here[2], here[3]
    q0, q1, q2, q3 = there[0], there[1], there[2], there[3]
    u0, v0, u1, v1, u2, v2, u3, v3 = u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7]
    u4, v4, u5, v5, u6, v6, u7, v7 = u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]
    imaginary = 0.0
    for e in range(1, 16, 2):
        imaginary += u[e] * u[e]
    for outer in range(0, x.size, 2 * sh):
        for middle in range(outer, outer + sh, 2 * sl):
            if imaginary != 0.0:
                for i in range(middle, middle + sl, ROW):
                    r0, i0, r1, i1 = load(x, i + p0), load(x, i + p0 + 8), load(x, i + p1), load(x, i + p1 + 8)
                    r2, i2, r3, i3 = load(x, i + p2), load(x, i + p2 + 8), load(x, i + p3), load(x, i + p3 + 8)
                    store(x, i + q0, u0 * r0 - v0 * i0 + u1 * r1 - v1 * i1)
                    store(x, i + q0 + 8, u0 * i0 + v0 * r0 + u1 * i1 + v1 * r1)
                    store(x, i + q1, u2 * r0 - v2 * i0 + u3 * r1 - v3 * i1)
                    store(x, i + q1 + 8, u2 * i0 + v2 * r0 + u3 * i1 + v3 * r1)
                    store(x, i + q2, u4 * r2 - v4 * i2 + u5 * r3 - v5 * i3)
                    store(x, i + q2 + 8, u4 * i2 + v4 * r2 + u5 * i3 + v5 * r3)
                    store(x, i + q3, u6 * r2 - v6 * i2 + u7 * r3 - v7 * i3)
                    store(x, i + q3 + 8, u6 * i2 + v6 * r2 + u7 * i3 + v7 * r3)
            else:
                for i in range(middle, middle + sl, ROW):
                    r0, i0, r1, i1 = load(x, i + p0), load(x, i + p0 + 8), load(x, i + p1), load(x, i + p1 + 8)
                    r2, i2, r3, i3 = load(x, i + p2), load(x, i + p2 + 8), load(x, i + p3), load(x, i + p3 + 8)
                    store(x, i + q0, u0 * r0 + u1 * r1)
                    store(x, i + q0 + 8, u0 * i0 + u1 * i1)
                    store(x, i + q1, u2 * r0 + u3 * r1)
                    store(x, i + q1 + 8, u2 * i0 + u3 * i1)
                    store(x, i + q2, u4 * r2 + u5 * r3)
                    store(x, i + q2 + 8, u4 * i2 + u5 * i3)
                    store(x, i + q3, u6 * r2 + u7 * r3)
                    store(x, i + q3 + 8, u6 * i2 + u7 * i3)


@subroutine
def pair(x: F1, sh: int, sl: int, m: F1, first: int, second: int, places: I1, factors: F1, adjoint: bool) -> None:
    """C (A x B), or its adjoint, in place; component a goes to places[a] times factors[a]."""
    u = np.empty(16)
    before, after = np.empty(4, np.int64), np.empty(4, np.int64)  # offsets of the components
    for turn in range(2):
        near = adjoint != (turn == 1)  # B, or A alone, goes together with the permutation
        start = second if near and second >= 0 else first
        if not near and (start < 0 or second < 0):
            continue
        is_a = start == first and start >= 0
        _two_by_two(m, start, adjoint, u)
        for a in range(4):
            c = (a & 1) << 1 | a >> 1 if is_a else a
            d = places[c] if near else c
            if near:  # the factors of the rows, or of the columns of the adjoint
                f, g = factors[2 * c], -factors[2 * c + 1] if adjoint else factors[2 * c + 1]
                for b in range(2):
                    k = 8 * (a >> 1) + (4 * b + 2 * (a & 1) if adjoint else 4 * (a & 1) + 2 * b)
                    u[k], u[k + 1] = f * u[k] - g * u[k + 1], f * u[k + 1] + g * u[k]
            if adjoint:
                c, d = d, c
            before[a], after[a] = (c >> 1) * sh + (c & 1) * sl, (d >> 1) * sh + (d & 1) * sl
        _mix(x, sh, sl, before, after, u)


@inline
def pair_sums(x: F1, y: F1, sh: int, sl: int, free: int, sums: F1) -> None:
    """The sums for A and B (see ``PAIR_SUMS``), x = psi and y = lambda before the operation."""
    zero = 0.0 * load(sums, 0)
    d0, d1, d2, d3 = zero, zero, zero, zero
    ua, va, ub, vb = load(sums, 16), load(sums, 24), load(sums, 48), load(sums, 56)
    for outer in range(0, x.size, 2 * sh):
        for middle in range(outer, outer + sh, 2 * sl):
            for i in range(middle, middle + sl, ROW):
                j = i + sh
                r0, i0, r1, i1 = load(x, i), load(x, i + 8), load(x, i + sl), load(x, i + sl + 8)
                r2, i2, r3, i3 = load(x, j), load(x, j + 8), load(x, j + sl), load(x, j + sl + 8)
                p0, q0, p1, q1 = load(y, i), load(y, i + 8), load(y, i + sl), load(y, i + sl + 8)
                p2, q2, p3, q3 = load(y, j), load(y, j + 8), load(y, j + sl), load(y, j + sl + 8)
                d0 = d0 + p0 * i0 - q0 * r0
                d1 = d1 + p1 * i1 - q1 * r1
                d2 = d2 + p2 * i2 - q2 * r2
                d3 = d3 + p3 * i3 - q3 * r3
                if free & 1:
                    ua = ua + p0 * r2 + q0 * i2 - p2 * r0 - q2 * i0
                    va = va + p0 * i2 - q0 * r2 + p2 * i0 - q2 * r0
                    ua = ua + p1 * r3 + q1 * i3 - p3 * r1 - q3 * i1
                    va = va + p1 * i3 - q1 * r3 + p3 * i1 - q3 * r1
                if free & 2:
                    ub = ub + p0 * r1 + q0 * i1 - p1 * r0 - q1 * i0
                    vb = vb + p0 * i1 - q0 * r1 + p1 * i0 - q1 * r0
                    ub = ub + p2 * r3 + q2 * i3 - p3 * r2 - q3 * i2
                    vb = vb + p2 * i3 - q2 * r3 + p3 * i2 - q3 * r2
    store(sums, 0, load(sums, 0) + d0 + d1)
    store(sums, 8, load(sums, 8) + d2 + d3)
    store(sums, 16, ua)
    store(sums, 24, va)
    store(sums, 32, load(sums, 32) + d0 + d2)
    store(sums, 40, load(sums, 40) + d1 + d3)
    store(sums, 48, ub)
    store(sums, 56, vb)


@inline
def odd(word: int) -> int:
    """The parity of the bits of a non-negative number."""
    word ^= word >> 32
    word ^= word >> 16
    word ^= word >> 8
    word ^= word >> 4
    word ^= word >> 2
    word ^= word >> 1
    return word & 1


@subroutine
def turn(x: F1, flip: int, z: int, power: int, cosine: float, sine: float, signs: F1) -> None:
    """y_r = cos x_r + sin f sign(b) x_b with b = r ^ flip and f = i^power; `signs` are those of the other qubits."""
    plus = (-sine if power & 2 else sine) * load(signs, 0)
    minus = -1.0 * plus
    for r in range(x.size // ROW):
        b = r ^ flip
        if b < r:
            continue
        i, j = ROW * r, ROW * b
        ri, ii, rj, ij = load(x, i), load(x, i + 8), load(x, j), load(x, j + 8)
        here = minus if odd(b & z) else plus
        there = minus if odd(r & z) else plus
        if power & 1:
            store(x, i, cosine * ri - here * ij)
            store(x, i + 8, cosine * ii + here * rj)
            store(x, j, cosine * rj - there * ii)
            store(x, j + 8, cosine * ij + there * ri)
        else:
            store(x, i, cosine * ri + here * rj)
            store(x, i + 8, cosine * ii + here * ij)
            store(x, j, cosine * rj + there * ri)
            store(x, j + 8, cosine * ij + there * ii)


@inline
def turn_sums(x: F1, y: F1, flip: int, z: int, power: int, signs: F1, sums: F1) -> None:
    """The sum of Re(lambda_r^* f sign(b) psi_b) / 2."""
    plus = (-0.5 if power & 2 else 0.5) * load(signs, 0)
    minus = -1.0 * plus
    t = load(sums, 0)
    for r in range(x.size // ROW):
        b = r ^ flip
        i, j = ROW * r, ROW * b
        sign = minus if odd(b & z) else plus
        if power & 1:
            t = t + sign * (load(y, i + 8) * load(x, j) - load(y, i) * load(x, j + 8))
        else:
            t = t + sign * (load(y, i) * load(x, j) + load(y, i + 8) * load(x, j + 8))
    store(sums, 0, t)


@subroutine
def dense(x: F1, w: F1, offsets: I1, firsts: I1, m: F1, start: int, adjoint: bool) -> None:
    """M x, or M^dagger x, in place; w has room for the components."""
    side = offsets.size
    for first in firsts:
        for a in range(side):
            i = ROW * (first + offsets[a])
            store(w, ROW * a, load(x, i))
            store(w, ROW * a + 8, load(x, i + 8))
        for a in range(side):
            real = 0.0 * load(w, 0)
            imaginary = real
            for b in range(side):
                k = start + 2 * (b * side + a if adjoint else a * side + b)
                u, v = m[k], -m[k + 1] if adjoint else m[k + 1]
                if u != 0.0:
                    real = real + u * load(w, ROW * b)
                    imaginary = imaginary + u * load(w, ROW * b + 8)
                if v != 0.0:
                    real = real - v * load(w, ROW * b + 8)
                    imaginary = imaginary + v * load(w, ROW * b)
            i = ROW * (first + offsets[a])
            store(x, i, real)
            store(x, i + 8, imaginary)


@inline
def dense_sums(x: F1, y: F1, offsets: I1, firsts: I1, m: F1, start: int, sums: F1, out: int) -> None:
    """The sum of Re(lambda_a^* K_ab psi_b)."""
    side = offsets.size
    t = load(sums, out)
    for first in firsts:
        for a in range(side):
            i = ROW * (first + offsets[a])
            p, q = load(y, i), load(y, i + 8)
            for b in range(side):
                u, v = m[start + 2 * (a * side + b)], m[start + 2 * (a * side + b) + 1]
                j = ROW * (first + offsets[b])
                if u != 0.0:
                    t = t + u * (p * load(x, j) + q * load(x, j + 8))
                if v != 0.0:
                    t = t + v * (q * load(x, j) - p * load(x, j + 8))
    store(sums, out, t)
