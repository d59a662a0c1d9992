"""Compiled kernels for real symmetric Pauli sums on eight real columns: the steps of Lanczos, and expectations.

A block is an array (2^n, 8), flat: row b holds component b of eight vectors, one line of the cache. Rows are taken 64
at a time, the group of their six low bits: there the sign (-1)^(z . b) of a string is the product of one number for the
group and of one out of a table of 64 x 64, so that a string costs one multiplication a row and none a vector; the
vectors meet only the distinct masks x.

Every kernel works on rows `first` to `last` and keeps its own sums, so that chunks can be shared between threads and
added up in order: nothing depends, to the bit, on the number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qml._typing import Real
from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, I1, LANES
from qml.engines._llvm.simd import load, store
from qml.engines.vectors.operations import odd

GROUP = 64
"""Rows whose signs are found together."""
TOGETHER = 4
"""Ritz vectors that are summed together; their number is a multiple of it."""
_bits = np.arange(GROUP)
SIGNS: Real = np.asarray(1.0 - 2.0 * (np.bitwise_count(_bits[:, None] & _bits) & 1))
"""(-1)^(z . b) for six-bit z and b."""


class Terms(NamedTuple):
    """A real Pauli sum: terms starts[g] to starts[g + 1] share the mask flips[g]; `masks` holds z, `factors` the real
    entry of each term, `signs` are ``SIGNS``; `order` leads here from the order in which the terms were given."""

    starts: I1
    flips: I1
    masks: I1
    factors: F1
    signs: F2
    order: I1


@kernel
def apply(x: F1, previous: F1, beta: F1, y: F1, terms: Terms, first: int, last: int, sums: F1) -> None:
    """y = H x - beta previous, and <x, y> of each column to `sums` (8,)."""
    starts, flips, masks, factors, signs = terms.starts, terms.flips, terms.masks, terms.factors, terms.signs
    groups = flips.size
    f = np.empty((groups, GROUP))
    b = load(beta, 0)
    total = load(sums, 0)
    for block in range(first, last, GROUP):
        count = min(GROUP, last - block)
        for g in range(groups):
            for r in range(GROUP):
                f[g, r] = 0.0
            for t in range(starts[g], starts[g + 1]):
                z = masks[t]
                c = factors[t] * (1.0 - 2.0 * odd(block & z))
                row = signs[z & (GROUP - 1)]
                for r in range(GROUP):
                    f[g, r] += c * row[r]
        for r in range(count):
            i = LANES * (block + r)
            here = load(x, i)
            value = 0.0 * here - b * load(previous, i)
            for g in range(groups):
                value = value + f[g, r] * load(x, LANES * ((block + r) ^ flips[g]))
            store(y, i, value)
            total = total + here * value
    store(sums, 0, total)


@kernel
def subtract(y: F1, x: F1, alpha: F1, first: int, last: int, sums: F1) -> None:
    """y = y - alpha x, and <y, y> of each column to `sums` (8,)."""
    a = load(alpha, 0)
    total = load(sums, 0)
    for i in range(LANES * first, LANES * last, LANES):
        value = load(y, i) - a * load(x, i)
        store(y, i, value)
        total = total + value * value
    store(sums, 0, total)


@kernel
def scale(y: F1, factor: F1, first: int, last: int) -> None:
    """y = factor y, column by column."""
    f = load(factor, 0)
    for i in range(LANES * first, LANES * last, LANES):
        store(y, i, f * load(y, i))


@kernel
def gather(basis: F2, coefficients: F2, vectors: F1, first: int, last: int) -> None:
    """Add sum_k coefficients[k, m] basis[k] to vector m, column by column.

    `basis` is (k, 8 rows), `coefficients` (k, 8 count) and `vectors` (rows, 8 count), flat; count is a multiple of
    four.
    """
    depth, width = coefficients.shape
    flat = coefficients.reshape(-1)
    for row in range(first, last):
        for m in range(0, width, TOGETHER * LANES):
            i = row * width + m
            v0, v1 = load(vectors, i), load(vectors, i + LANES)
            v2, v3 = load(vectors, i + 2 * LANES), load(vectors, i + 3 * LANES)
            for k in range(depth):
                q = load(basis[k], LANES * row)
                j = k * width + m
                v0 = v0 + load(flat, j) * q
                v1 = v1 + load(flat, j + LANES) * q
                v2 = v2 + load(flat, j + 2 * LANES) * q
                v3 = v3 + load(flat, j + 3 * LANES) * q
            store(vectors, i, v0)
            store(vectors, i + LANES, v1)
            store(vectors, i + 2 * LANES, v2)
            store(vectors, i + 3 * LANES, v3)


@kernel
def expect(vectors: F1, weights: F1, terms: Terms, first: int, last: int, sums: F1) -> None:
    """sum_m weights[m] <v_m|P_t|v_m> of each column and term to `sums`, flat (terms, 8).

    `vectors` is flat (rows, 8 count), `weights` flat (count, 8).
    """
    starts, flips, masks, factors, signs = terms.starts, terms.flips, terms.masks, terms.factors, terms.signs
    width = weights.size
    left = np.empty(GROUP * width)
    q = np.zeros(GROUP * LANES)
    for block in range(first, last, GROUP):
        count = min(GROUP, last - block)
        for r in range(count):
            for m in range(0, width, LANES):
                store(left, r * width + m, load(weights, m) * load(vectors, (block + r) * width + m))
        for g in range(flips.size):
            for r in range(count):
                i, j = r * width, ((block + r) ^ flips[g]) * width
                value = load(left, i) * load(vectors, j)
                for m in range(LANES, width, LANES):
                    value = value + load(left, i + m) * load(vectors, j + m)
                store(q, LANES * r, value)
            for t in range(starts[g], starts[g + 1]):
                z = masks[t]
                c = factors[t] * (1.0 - 2.0 * odd(block & z))
                row = signs[z & (GROUP - 1)]
                s0 = row[0] * load(q, 0)
                s1 = row[1] * load(q, LANES)
                s2 = row[2] * load(q, 2 * LANES)
                s3 = row[3] * load(q, 3 * LANES)
                for r in range(4, GROUP, 4):
                    s0 = s0 + row[r] * load(q, LANES * r)
                    s1 = s1 + row[r + 1] * load(q, LANES * (r + 1))
                    s2 = s2 + row[r + 2] * load(q, LANES * (r + 2))
                    s3 = s3 + row[r + 3] * load(q, LANES * (r + 3))
                store(sums, LANES * t, load(sums, LANES * t) + c * ((s0 + s1) + (s2 + s3)))
