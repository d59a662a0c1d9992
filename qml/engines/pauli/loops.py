r"""Compiled loops: one operation on a Pauli vector, for some of the settings of the digits that it leaves alone.

Each works on the units `first` to `first + size`, which touch other entries than any other units do; see
:mod:`qml.engines.pauli.kernels` for the vector, the kinds of operations.
"""

from __future__ import annotations

import numpy as np

from qml.engines._llvm.language import F1, F2, I1, LANES, inline, subroutine

MATRIX, BLOCK, ROTATION, DISCARD, APPEND = range(5)
"""Kinds of operations. Pairs of kinds that have something in common stand together."""
KIND, QUBITS, PLACES, N_PLACES, COEFFICIENTS, SAVE, SWEEP = range(7)
"""Columns of the table: the kind, qubits before the operation, where its places start, on how many sites it acts, where
its coefficients start (of a block: the index offsets of its components, among the places), the row of `saves` that
keeps the vector before it (-1: none, nothing is differentiated), and the line of `sweeps` that tells of a block."""

TILE = 64
CHUNKS, BLOCK_CHUNKS = 64, 16
"""Pieces at most that the sums of an operation are made of: what they add up to does not depend on the threads."""


@inline
def prepare(row: I1, places: I1, coefficients: F1, adjoint: bool) -> tuple[I1, I1, F2]:
    """What the kernels need of one operation: offsets, shifts, m.

    A matrix: the index offset of each configuration of its sites, the shifts of these in ascending order, the matrix
    (transposed for the adjoint). A rotation: the phases of the low digits, the string, cosine and sine. A block: the
    index offset of each of its components, first active site most significant, and the shifts of its sites.
    The coefficients have lanes, of which the first one is read.
    """
    kind, n, k, at = row[KIND], row[QUBITS], row[N_PLACES], row[COEFFICIENTS]
    listed = places[row[PLACES] : row[PLACES] + k]
    if kind == BLOCK:
        return places[at : at + (1 << 2 * k)], listed, np.empty((0, 0))
    shifts = places[row[PLACES] + k : row[PLACES] + 2 * k]
    offsets = np.empty(1 << (2 * k if kind == MATRIX else 2 * min(n, 4)), np.int64)
    for i in range(offsets.size):
        offset = 0
        if kind == MATRIX:
            for j in range(k):
                offset |= ((i >> (2 * (k - 1 - j))) & 3) << listed[j]
        else:
            offset = _phase(i, listed[0] & (offsets.size - 1))
        offsets[i] = offset
    if kind == ROTATION:
        shifts = listed
    side = 1 << (2 * k) if kind == MATRIX else 1
    m = np.empty((side, side if kind == MATRIX else 2 if kind == ROTATION else 0))
    if kind == ROTATION:
        m[0, 0] = coefficients[LANES * at]
        m[0, 1] = -coefficients[LANES * (at + 1)] if adjoint else coefficients[LANES * (at + 1)]
    elif kind == MATRIX:
        for i in range(side):
            for j in range(side):
                m[i, j] = coefficients[LANES * (at + (j * side + i if adjoint else i * side + j))]
    return offsets, shifts, m


# matrices on sites -------------------------------------------------------------------------------------------------


@subroutine
def gather(r: F1, unit: int, ascending: I1, offsets: I1, base: I1, x: F2) -> bool:
    """Consecutive units of the other sites, as columns of x; their indices; whether these are consecutive."""
    width = base.size
    for t in range(width):
        index = unit + t
        for shift in ascending:
            index = ((index >> shift) << (shift + 2)) | (index & ((1 << shift) - 1))
        base[t] = index
    contiguous = base[width - 1] - base[0] == width - 1
    for i in range(offsets.size):
        to = x[i]
        if contiguous:
            row = r[base[0] + offsets[i] : base[0] + offsets[i] + width]
            for t in range(width):
                to[t] = row[t]
        else:
            for t in range(width):
                to[t] = r[base[t] + offsets[i]]
    return bool(contiguous)


@subroutine
def sites(r: F1, first: int, size: int, offsets: I1, ascending: I1, m: F2) -> None:
    """A matrix on several sites: gather a tile of units, multiply by the entries that are not zero, scatter."""
    side = offsets.size
    starts, columns, count = np.zeros(side + 1, np.int64), np.empty(side * side, np.int64), 0
    for i in range(side):
        for j in range(side):
            if m[i, j] != 0.0:
                columns[count] = j
                count += 1
        starts[i + 1] = count
    width = min(TILE, size)
    x, y = np.empty((side, width)), np.empty(width)
    base = np.empty(width, np.int64)
    for unit in range(first, first + size, width):
        contiguous = gather(r, unit, ascending, offsets, base, x)
        for i in range(side):
            for t in range(width):
                y[t] = 0.0
            for e in range(starts[i], starts[i + 1]):
                value, column = m[i, columns[e]], x[columns[e]]
                for t in range(width):
                    y[t] += value * column[t]
            if contiguous:
                row = r[base[0] + offsets[i] : base[0] + offsets[i] + width]
                for t in range(width):
                    row[t] = y[t]
            else:
                for t in range(width):
                    r[base[t] + offsets[i]] = y[t]


@subroutine
def site_sums(g: F1, x: F1, first: int, size: int, offsets: I1, ascending: I1, out: F1) -> None:
    """out[i, j] += sum over units of g[i, unit] x[j, unit], flattened; lanes are summed at the end."""
    side = offsets.size
    width = min(TILE, size)
    lanes = min(LANES, width)
    a, b = np.empty((side, width)), np.empty((side, width))
    lane_sums = np.zeros((side * side, lanes))
    base = np.empty(width, np.int64)
    for unit in range(first, first + size, width):
        gather(g, unit, ascending, offsets, base, a)
        gather(x, unit, ascending, offsets, base, b)
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


# rotations about strings ---------------------------------------------------------------------------------------------
# Q is unchanged where it commutes with P; else r_Q -> cos r_Q + s sin r_QP with -i Q P = s (QP), s = +1 or -1. With
# Q P = i^e (QP), e is a sum over sites; odd where they anticommute, and s = +1 for e = 1, -1 for e = 3 (mod 4).


@inline
def _phase(index: int, mask: int) -> int:
    """The e of Q P = i^e (QP), modulo 4."""
    e = 0
    while mask:
        q, p = index & 3, mask & 3
        if q != 0 and p != 0 and q != p:
            e += 1 if (p - q) % 3 == 1 else 3
        index >>= 2
        mask >>= 2
    return e & 3


@inline
def _high(unit: int, high_mask: int) -> int:
    """The setting of the high digits: `unit` with a zero at the top bit of the mask, so that no pair comes twice."""
    if high_mask == 0:
        return unit
    top = 0
    while high_mask >> (top + 1):
        top += 1
    return ((unit >> top) << (top + 1)) | (unit & ((1 << top) - 1))


@subroutine
def rotate(r: F1, first: int, size: int, mask: int, phases: I1, cosine: float, sine: float) -> None:
    low_size = phases.size
    low_mask, high_mask = mask & (low_size - 1), mask // low_size
    for unit in range(first, first + size):
        high = _high(unit, high_mask)
        high_phase = _phase(high, high_mask)
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


@subroutine
def rotation_sums(g: F1, x: F1, first: int, size: int, mask: int, phases: I1, out: F1) -> None:
    """out += (dL/dcos, dL/dsin)."""
    low_size = phases.size
    low_mask, high_mask = mask & (low_size - 1), mask // low_size
    cosine, sine = 0.0, 0.0
    for unit in range(first, first + size):
        high = _high(unit, high_mask)
        high_phase = _phase(high, high_mask)
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


@subroutine
def resize(r: F1, size: int, shift: int, growing: bool, with_z: bool) -> None:
    """Insert a site into a vector of `size` numbers, or trace it out so that so many are left; in place.

    Growing, its component I (and Z, if `with_z`) is the vector, the others zero, from the end downwards. Shrinking, its
    component I (plus Z) is kept, upwards.
    """
    stride = 1 << shift
    if not growing:
        for start in range(0, size, stride):
            for t in range(stride):
                value = r[4 * start + t]
                if with_z:
                    value += r[4 * start + 3 * stride + t]
                r[start + t] = value
        return
    for start in range(size - stride, -1, -stride):
        for t in range(stride - 1, -1, -1):
            value = r[start + t]
            r[4 * start + 3 * stride + t] = value if with_z else 0.0
            r[4 * start + 2 * stride + t] = 0.0
            r[4 * start + stride + t] = 0.0
            r[4 * start + t] = value
