"""Compiled products of the maps on one qubit that follow each other, their derivatives, and the way back.

Chain c is the product of the 4 x 4 factors starts[c] to starts[c + 1] (the first acts first); its 16 entries stand from
targets[c] on among the coefficients. Some factors are rotations: a line (f, i, j, s) of `turns` says that factor f
turns component i to j by the angle slots[s]. Leading axes are members of a batch, or directions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from qml._typing import Integer, Real


@njit(cache=True, error_model="numpy")
def chain_products(
    factors: Real, starts: Integer, targets: Integer, turns: Integer, slots: Real, coefficients: Real
) -> None:
    """The rotations, to the factors, and the products, to the coefficients."""
    for b in range(factors.shape[0]):
        for t in range(turns.shape[0]):
            f, i, j, slot = turns[t]
            factors[b, f, i, i] = factors[b, f, j, j] = np.cos(slots[b, slot])
            factors[b, f, j, i] = np.sin(slots[b, slot])
            factors[b, f, i, j] = -factors[b, f, j, i]
        for c in range(targets.size):
            partial = _partial_products(factors[b], starts[c], starts[c + 1])
            for i in range(4):
                for j in range(4):
                    coefficients[b, targets[c] + 4 * i + j] = partial[-1, i, j]


@njit(cache=True, error_model="numpy")
def chain_sums(
    factors: Real, starts: Integer, targets: Integer, turns: Integer, sums: Real, out: Real, gradient: Real
) -> None:
    """dL/d(factor) from W = dL/d(product): (later factors)^T W (earlier factors)^T; and dL/d(angle) of rotations."""
    for b in range(factors.shape[0]):
        for c in range(targets.size):
            partial = _partial_products(factors[b], starts[c], starts[c + 1])
            w, next_w = np.empty((4, 4)), np.empty((4, 4))
            for i in range(4):
                for j in range(4):
                    w[i, j] = sums[b, targets[c] + 4 * i + j]
            for f in range(starts[c + 1] - 1, starts[c] - 1, -1):
                for i in range(4):
                    for j in range(4):
                        out[b, f, i, j], next_w[i, j] = 0.0, 0.0
                        for k in range(4):
                            out[b, f, i, j] += w[i, k] * partial[f - starts[c], j, k]
                            next_w[i, j] += factors[b, f, k, i] * w[k, j]
                w, next_w = next_w, w
        for t in range(turns.shape[0]):
            f, i, j, slot = turns[t]
            along = factors[b, f, i, i] * (out[b, f, j, i] - out[b, f, i, j])
            gradient[b, slot] = along - factors[b, f, j, i] * (out[b, f, i, i] + out[b, f, j, j])


@njit(cache=True, error_model="numpy")
def chain_tangents(factors: Real, tangents: Real, starts: Integer, targets: Integer, out: Real) -> None:
    """d(product) along each direction from d(factor), factor after factor: dP' = dF P + F dP."""
    p, next_p, t, next_t = np.empty((4, 4)), np.empty((4, 4)), np.empty((4, 4)), np.empty((4, 4))
    for c in range(targets.size):
        for m in range(tangents.shape[0]):
            for i in range(4):
                for j in range(4):
                    p[i, j], t[i, j] = 1.0 if i == j else 0.0, 0.0
            for f in range(starts[c], starts[c + 1]):
                for i in range(4):
                    for j in range(4):
                        next_p[i, j], next_t[i, j] = 0.0, 0.0
                        for k in range(4):
                            next_p[i, j] += factors[f, i, k] * p[k, j]
                            next_t[i, j] += tangents[m, f, i, k] * p[k, j] + factors[f, i, k] * t[k, j]
                p, next_p, t, next_t = next_p, p, next_t, t
            for i in range(4):
                for j in range(4):
                    out[m, targets[c] + 4 * i + j] = t[i, j]


@njit(cache=True, inline="always")
def _partial_products(factors: Real, start: int, stop: int) -> Real:
    """The product of the first 0, 1, ..., stop - start factors of a chain."""
    out = np.zeros((stop - start + 1, 4, 4))
    for i in range(4):
        out[0, i, i] = 1.0
    for f in range(stop - start):
        for i in range(4):
            for j in range(4):
                for k in range(4):
                    out[f + 1, i, j] += factors[start + f, i, k] * out[f, k, j]
    return out
