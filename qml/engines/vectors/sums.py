"""A Pauli sum applied to columns of vectors, compiled and without a matrix."""

from __future__ import annotations

import numpy as np

from qml._typing import Integer, Real
from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, I1, I2, LANES
from qml.engines._llvm.simd import load, store
from qml.engines.vectors.operations import ROW, odd
from qml.operators import PauliSum

BLOCK = 256
"""Rows whose factors are found together."""


def terms_of(observable: PauliSum) -> tuple[Integer, Integer, Real]:
    """What :func:`pauli_sum` takes of a Pauli sum: starts, masks, factors."""
    order = sorted(range(len(observable.words)), key=lambda t: observable.words[t])
    masks = np.array([observable.words[t] for t in order], dtype=np.int64).reshape(-1, 2)
    c = np.array([observable.coefficients[t] for t in order], dtype=np.complex128)
    c = c * np.array([1, 1j, -1, -1j])[np.bitwise_count(masks[:, 0] & masks[:, 1]) % 4]
    starts = np.flatnonzero(np.diff(masks[:, 0], prepend=-1, append=-1))
    return starts.astype(np.int64), masks, c.view(np.float64).reshape(-1, 2)


@kernel
def pauli_sum(x: F1, y: F1, m: int, starts: I1, masks: I2, factors: F2, first: int, last: int, out: F1) -> None:
    """y = H x on rows `first` to `last` (multiples of eight, or all of them), and x_c^dagger H x_c added to `out` (m,).

    Terms starts[g] to starts[g + 1] share the mask x; `masks` holds (x, z) and `factors` (re, im) of each term's
    coefficient times i^|x & z|.
    """
    f, g = np.empty(BLOCK), np.empty(BLOCK)
    width = m // LANES
    for block in range(first, last, BLOCK):
        count = min(BLOCK, last - block)
        for e in range(((block * m) >> 3) << 4, (((block + count) * m + 7) >> 3) << 4):
            y[e] = 0.0
        for group in range(starts.size - 1):
            flip = masks[starts[group], 0]
            for r in range(count):
                f[r], g[r] = 0.0, 0.0
            for t in range(starts[group], starts[group + 1]):
                z, u, v = masks[t, 1], factors[t, 0], factors[t, 1]
                for r in range(count):
                    sign = 1.0 - 2.0 * odd(((block + r) ^ flip) & z)
                    f[r] += u * sign
                    g[r] += v * sign
            for r in range(count):
                here, there = block + r, (block + r) ^ flip
                for e in range(width):
                    i, j = ROW * (here * width + e), ROW * (there * width + e)
                    a, b = load(x, j), load(x, j + 8)
                    store(y, i, load(y, i) + f[r] * a - g[r] * b)
                    store(y, i + 8, load(y, i + 8) + f[r] * b + g[r] * a)
                if width == 0:
                    for c in range(m):
                        i, j = here * m + c, there * m + c
                        i, j = ((i >> 3) << 4) | (i & 7), ((j >> 3) << 4) | (j & 7)
                        y[i] += f[r] * x[j] - g[r] * x[j + 8]
                        y[i + 8] += f[r] * x[j + 8] + g[r] * x[j]
        for r in range(count):
            for c in range(m):
                i = (block + r) * m + c
                i = ((i >> 3) << 4) | (i & 7)
                out[c] += x[i] * y[i] + x[i + 8] * y[i + 8]
