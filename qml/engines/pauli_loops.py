r"""Compiled loops: one operation on a Pauli vector, for some of the settings of the digits that it leaves alone.

Each works on the units `first` to `first + size`, which touch other entries than any other units do; see
:mod:`qml.engines.pauli_kernels` for the vector and for who calls them. (Numba's cache does not notice that a function
called from another file has changed: after editing this one, save that one too.)
"""

from __future__ import annotations

import numpy as np
from numba import njit

from qml._typing import Integer, Real

TILE = 64
LANES = 8


# matrices on sites -------------------------------------------------------------------------------------------------


@njit(cache=True)
def one_site(r: Real, first: int, size: int, stride: int, m: Real) -> None:
    """m (4, 4) on the site whose digit has the weight `stride`, for units `first` to `first + size` of the others."""
    m00, m01, m02, m03 = m[0, 0], m[0, 1], m[0, 2], m[0, 3]
    m10, m11, m12, m13 = m[1, 0], m[1, 1], m[1, 2], m[1, 3]
    m20, m21, m22, m23 = m[2, 0], m[2, 1], m[2, 2], m[2, 3]
    m30, m31, m32, m33 = m[3, 0], m[3, 1], m[3, 2], m[3, 3]
    run_length = min(stride, size)
    if stride < 16:
        blocks = r[4 * first : 4 * (first + size)].reshape(-1, 4, stride)
        for b in range(blocks.shape[0]):
            for t in range(stride):
                a0, a1, a2, a3 = blocks[b, 0, t], blocks[b, 1, t], blocks[b, 2, t], blocks[b, 3, t]
                blocks[b, 0, t] = m00 * a0 + m01 * a1 + m02 * a2 + m03 * a3
                blocks[b, 1, t] = m10 * a0 + m11 * a1 + m12 * a2 + m13 * a3
                blocks[b, 2, t] = m20 * a0 + m21 * a1 + m22 * a2 + m23 * a3
                blocks[b, 3, t] = m30 * a0 + m31 * a1 + m32 * a2 + m33 * a3
        return
    for unit in range(first, first + size, run_length):
        base = (unit // stride) * 4 * stride + unit % stride
        x0 = r[base : base + run_length]
        x1 = r[base + stride : base + stride + run_length]
        x2 = r[base + 2 * stride : base + 2 * stride + run_length]
        x3 = r[base + 3 * stride : base + 3 * stride + run_length]
        for t in range(run_length):
            a0, a1, a2, a3 = x0[t], x1[t], x2[t], x3[t]
            x0[t] = m00 * a0 + m01 * a1 + m02 * a2 + m03 * a3
            x1[t] = m10 * a0 + m11 * a1 + m12 * a2 + m13 * a3
            x2[t] = m20 * a0 + m21 * a1 + m22 * a2 + m23 * a3
            x3[t] = m30 * a0 + m31 * a1 + m32 * a2 + m33 * a3


@njit(cache=True)
def sites(
    r: Real,
    first: int,
    size: int,
    offsets: Integer,
    ascending: Integer,
    starts: Integer,
    columns: Integer,
    values: Real,
) -> None:
    """A matrix, given by its non-zero entries, on several sites: gather a tile of units, multiply, scatter."""
    side = offsets.size
    width = min(TILE, size)
    x, y = np.empty((side, width)), np.empty(width)
    base = np.empty(width, np.int64)
    for unit in range(first, first + size, width):
        _bases(unit, ascending, base)
        _gather(r, base, offsets, x)
        for i in range(side):
            for t in range(width):
                y[t] = 0.0
            for e in range(starts[i], starts[i + 1]):
                value, column = values[e], x[columns[e]]
                for t in range(width):
                    y[t] += value * column[t]
            if base[width - 1] - base[0] == width - 1:
                row = r[base[0] + offsets[i] : base[0] + offsets[i] + width]
                for t in range(width):
                    row[t] = y[t]
            else:
                for t in range(width):
                    r[base[t] + offsets[i]] = y[t]


@njit(cache=True)
def site_sums(
    g: Real, x: Real, first: int, size: int, offsets: Integer, ascending: Integer, out: Real
) -> None:
    """out[i, j] += sum over units of g[i, unit] x[j, unit], flattened; lanes are summed at the end."""
    side = offsets.size
    width = min(TILE, size)
    lanes = min(LANES, width)
    a, b = np.empty((side, width)), np.empty((side, width))
    lane_sums = np.zeros((side * side, lanes))
    base = np.empty(width, np.int64)
    for unit in range(first, first + size, width):
        _bases(unit, ascending, base)
        _gather(g, base, offsets, a)
        _gather(x, base, offsets, b)
        for i in range(side):
            for j in range(side):
                row, left, right = lane_sums[i * side + j], a[i], b[j]
                for start in range(0, width, lanes):
                    for t in range(lanes):
                        row[t] += left[start + t] * right[start + t]
    for e in range(side * side):
        total = 0.0
        for t in range(lanes):
            total += lane_sums[e, t]
        out[e] += total


@njit(cache=True)
def _bases(unit: int, ascending: Integer, base: Integer) -> None:
    """Indices of consecutive units of the other sites, with zeros in the digits of these sites."""
    for t in range(base.size):
        index = unit + t
        for shift in ascending:
            index = ((index >> shift) << (shift + 2)) | (index & ((1 << shift) - 1))
        base[t] = index


@njit(cache=True)
def _gather(r: Real, base: Integer, offsets: Integer, x: Real) -> None:
    width = base.size
    contiguous = base[width - 1] - base[0] == width - 1
    for i in range(offsets.size):
        if contiguous:
            row, to = r[base[0] + offsets[i] : base[0] + offsets[i] + width], x[i]
            for t in range(width):
                to[t] = row[t]
        else:
            for t in range(width):
                x[i, t] = r[base[t] + offsets[i]]


# rotations about strings ---------------------------------------------------------------------------------------------
# Q is unchanged where it commutes with P; else r_Q -> cos r_Q + s sin r_QP with -i Q P = s (QP), s = +1 or -1. With
# Q P = i^e (QP), e is a sum over sites; odd where they anticommute, and s = +1 for e = 1, -1 for e = 3 (mod 4).


@njit(cache=True)
def phase(index: int, mask: int) -> int:
    """The e of Q P = i^e (QP), modulo 4."""
    e = 0
    while mask:
        q, p = index & 3, mask & 3
        if q != 0 and p != 0 and q != p:
            e += 1 if (p - q) % 3 == 1 else 3
        index >>= 2
        mask >>= 2
    return e & 3


@njit(cache=True)
def _high(unit: int, high_mask: int) -> int:
    """The setting of the high digits: `unit` with a zero at the top bit of the mask, so that no pair comes twice."""
    if high_mask == 0:
        return unit
    top = 0
    while high_mask >> (top + 1):
        top += 1
    return ((unit >> top) << (top + 1)) | (unit & ((1 << top) - 1))


@njit(cache=True)
def rotate(r: Real, first: int, size: int, mask: int, phases: Integer, cosine: float, sine: float) -> None:
    low_size = phases.size
    low_mask, high_mask = mask & (low_size - 1), mask // low_size
    for unit in range(first, first + size):
        high = _high(unit, high_mask)
        high_phase = phase(high, high_mask)
        x = r[high * low_size : (high + 1) * low_size]
        y = r[(high ^ high_mask) * low_size : ((high ^ high_mask) + 1) * low_size]
        for low in range(low_size):
            e = (high_phase + phases[low]) & 3
            partner = low ^ low_mask
            if e & 1 and (high_mask or low < partner):
                s = sine if e == 1 else -sine
                a, b = x[low], y[partner]
                x[low] = cosine * a + s * b
                y[partner] = cosine * b - s * a


@njit(cache=True)
def rotation_sums(
    g: Real, x: Real, first: int, size: int, mask: int, phases: Integer, out: Real
) -> None:
    """out += (dL/dcos, dL/dsin)."""
    low_size = phases.size
    low_mask, high_mask = mask & (low_size - 1), mask // low_size
    cosine, sine = 0.0, 0.0
    for unit in range(first, first + size):
        high = _high(unit, high_mask)
        high_phase = phase(high, high_mask)
        here, there = high * low_size, (high ^ high_mask) * low_size
        for low in range(low_size):
            e = (high_phase + phases[low]) & 3
            partner = low ^ low_mask
            if e & 1 and (high_mask or low < partner):
                i, j = here + low, there + partner
                cosine += g[i] * x[i] + g[j] * x[j]
                sine += (2 - e) * (g[i] * x[j] - g[j] * x[i])
    out[0] += cosine
    out[1] += sine


# sites that go and come ----------------------------------------------------------------------------------------------


@njit(cache=True)
def shrink(r: Real, n: int, shift: int, with_z: bool) -> None:
    """Keep the component I of a site (plus the component Z), leaving n qubits; in place, upwards."""
    stride = 1 << shift
    for start in range(0, 1 << (2 * n), stride):
        for t in range(stride):
            value = r[4 * start + t]
            if with_z:
                value += r[4 * start + 3 * stride + t]
            r[start + t] = value


@njit(cache=True)
def grow(r: Real, n: int, shift: int, with_z: bool) -> None:
    """Insert a site with component I (and Z) equal to the vector of n qubits, the others zero; in place, downwards."""
    stride = 1 << shift
    for start in range((1 << (2 * n)) - stride, -1, -stride):
        for t in range(stride - 1, -1, -1):
            value = r[start + t]
            r[4 * start + 3 * stride + t] = value if with_z else 0.0
            r[4 * start + 2 * stride + t] = 0.0
            r[4 * start + stride + t] = 0.0
            r[4 * start + t] = value


# between the matrix and the vector -----------------------------------------------------------------------------------
# Y = i J with J real, so a string with m letters Y is i^m times a real matrix R, symmetric for even m and antisymmetric
# for odd m. So the real matrix N = Re rho + Im rho holds all of rho, and

#     r_P = (-1)^floor(m/2) sum_xy R_xy N_xy,        N = 2^-n sum_P (-1)^floor(m/2) r_P R :

# one real butterfly a qubit either way.


@njit(cache=True)
def flip_signs(r: Real, first: int, size: int, counts: Integer) -> None:
    """r_P times (-1)^floor(m / 2)."""
    low_size = counts.size
    for high in range(first, first + size):
        count = count_y(high)
        x = r[high * low_size : (high + 1) * low_size]
        for low in range(low_size):
            if ((count + counts[low]) >> 1) & 1:
                x[low] = -x[low]


@njit(cache=True)
def count_y(index: int) -> int:
    count = 0
    while index:
        count += index & 3 == 2
        index >>= 2
    return count


@njit(cache=True)
def to_matrix(v: Real, first: int, size: int, spread: Integer, out: Real) -> None:
    """Rows of rho, as pairs (re, im), from 2^n N with its entry (x, y) at the interleaved index."""
    d = spread.size
    for x in range(first, first + size):
        row = out[2 * d * x : 2 * d * (x + 1)]
        for y in range(d):
            a, b = v[2 * spread[x] + spread[y]], v[2 * spread[y] + spread[x]]
            row[2 * y] = (a + b) * 0.5 / d
            row[2 * y + 1] = (a - b) * 0.5 / d


@njit(cache=True)
def from_matrix(v: Real, first: int, size: int, spread: Integer, matrix: Real) -> None:
    """N, with its entry (x, y) at the interleaved index, from rows of a Hermitian matrix as pairs (re, im)."""
    d = spread.size
    for x in range(first, first + size):
        row = matrix[2 * d * x : 2 * d * (x + 1)]
        for y in range(d):
            v[2 * spread[x] + spread[y]] = row[2 * y] + row[2 * y + 1]
