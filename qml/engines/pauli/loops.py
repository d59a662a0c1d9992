r"""Compiled loops: one operation on a Pauli vector, for some of the settings of the digits that it leaves alone.

Each works on the units `first` to `first + size`, which touch other entries than any other units do; see
:mod:`qml.engines.pauli.kernels` for the vector, the kinds of operations.
"""

from __future__ import annotations

from typing import NamedTuple

from qml.engines._llvm.language import F1, I1, inline, subroutine

BLOCK, ROTATION, DISCARD, APPEND = range(4)
"""Kinds of operations."""
KIND, QUBITS, PLACES, N_PLACES, COEFFICIENTS, SAVE, SWEEP = range(7)
"""Columns of the table: the kind, qubits before the operation, where its places start, on how many sites it acts, where
its coefficients start (of a block: the index offsets of its components, among the places), the row of `saves` that
keeps the vector before it (-1: none, nothing is differentiated), and the line of `sweeps` that tells of a block."""

CHUNKS, BLOCK_CHUNKS = 64, 16
"""Pieces at most that the sums of an operation are made of: what they add up to does not depend on the threads."""


# rotations about strings ---------------------------------------------------------------------------------------------
# Q is unchanged where it commutes with P; else r_Q -> cos r_Q + s sin r_QP with -i Q P = s (QP), s = +1 or -1. With
# Q P = i^e (QP), e is a sum over sites; odd where they anticommute, and s = +1 for e = 1, -1 for e = 3 (mod 4).


class Turn(NamedTuple):
    """A rotation: the index of its string, the e of all settings of the low digits, cosine and sine."""

    mask: int
    phases: I1
    cosine: float
    sine: float


@subroutine
def fill(phases: I1, mask: int) -> None:
    """The e of all settings of the low digits."""
    for i in range(phases.size):
        phases[i] = _phase(i, mask & (phases.size - 1))


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
def rotate(r: F1, before: F1, fresh: bool, first: int, size: int, turn: Turn) -> None:
    """Some settings of the high digits, in place or, if r is `fresh`, from the vector before."""
    mask, phases, cosine, sine = turn.mask, turn.phases, turn.cosine, turn.sine
    low_size = phases.size
    low_mask, high_mask = mask & (low_size - 1), mask // low_size
    for unit in range(first, first + size):
        high = _high(unit, high_mask)
        high_phase = _phase(high, high_mask)
        x = r[high * low_size : (high + 1) * low_size]
        y = r[(high ^ high_mask) * low_size : ((high ^ high_mask) + 1) * low_size]
        if fresh:
            for low in range(low_size):
                x[low], y[low] = before[high * low_size + low], before[(high ^ high_mask) * low_size + low]
        for low in range(low_size):
            e = (high_phase + phases[low]) & 3
            partner = low ^ low_mask
            if e & 1 and (high_mask or low < partner):
                s = sine if e == 1 else -sine
                a, b = x[low], y[partner]
                x[low] = cosine * a + s * b
                y[partner] = cosine * b - s * a


@subroutine
def rotation_sums(g: F1, x: F1, first: int, size: int, turn: Turn, out: F1) -> None:
    """out += (dL/dcos, dL/dsin)."""
    mask, phases = turn.mask, turn.phases
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
