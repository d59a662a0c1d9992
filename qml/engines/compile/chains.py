"""Compiled: parameters to coefficients, among them products of the maps on one qubit, and the way back.

The coefficients of a plan have lanes, one a member of a batch, in groups of eight. Line r of `turns` says where the
cosine and the sine of a rotation start, and the slot of its angle, which counts rates[r] times. Chain c is the product
of the 4 x 4 factors starts[c] to starts[c + 1] (the first acts first); its 16 entries start at targets[c]. Most entries
of a factor are zero: those of row i of factor f that are not are numbered by n from filled[4 f + i] on; they stand in
the columns columns[n], and are scales[n] times the coefficient sources[n]; coefficient 0 is 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, I1, I2, LANES, inline, subroutine
from qml.engines._llvm.simd import load, store

SIDE, ENTRIES = 4 * LANES, 16 * LANES


class Chains(NamedTuple):
    """What the kernels need to know of all rotations and chains of a plan."""

    turns: I2
    rates: F1
    starts: I1
    targets: I1
    filled: I1
    columns: I1
    sources: I1
    scales: F1
    longest: int


@subroutine
def _partial_products(values: F1, chains: Chains, start: int, length: int, out: F1) -> None:
    """The products of the first 0, 1, ..., length factors of a chain, one after the other."""
    out[:ENTRIES] = 0.0
    for i in range(4):
        out[(SIDE + LANES) * i : (SIDE + LANES) * i + LANES] = 1.0
    for number in range(length):
        f, before = start + number, ENTRIES * number
        for i in range(4):
            first, last = chains.filled[4 * f + i], chains.filled[4 * f + i + 1]
            to = before + ENTRIES + SIDE * i
            if first == last:
                out[to : to + SIDE] = 0.0
            for n in range(first, last):
                factor = chains.scales[n] * load(values, LANES * chains.sources[n])
                row = before + SIDE * chains.columns[n]
                for k in range(0, SIDE, LANES):
                    term = factor * load(out, row + k)
                    store(out, to + k, term if n == first else load(out, to + k) + term)


@inline
def _entry(w: F1, partial: F1, before: int, a: int, b: int) -> Any:
    """Entry (a, b) of W P^T, P being the product before a factor."""
    i, j = SIDE * a, before + SIDE * b
    total = load(w, i) * load(partial, j)
    for k in range(LANES, SIDE, LANES):
        total = total + load(w, i + k) * load(partial, j + k)
    return total


@kernel
def bind(coefficients: F2, chains: Chains, slots: F2) -> None:
    """The rotations and the products at slot values (B, n_slots), to the coefficients (G, size * 8)."""
    starts, targets, turns = chains.starts, chains.targets, chains.turns
    partial = np.empty((chains.longest + 1) * ENTRIES)
    for g in range(coefficients.shape[0]):
        own = coefficients[g]
        for r in range(turns.shape[0]):
            at, before = LANES * turns[r, 0], 0.0
            for lane in range(LANES):
                angle = chains.rates[r] * slots[min(LANES * g + lane, slots.shape[0] - 1), turns[r, 1]]
                if lane == 0 or angle != before:
                    cosine, sine = np.cos(angle), np.sin(angle)
                own[at + lane], own[at + LANES + lane], before = cosine, sine, angle
        for c in range(targets.size):
            length = starts[c + 1] - starts[c]
            _partial_products(own, chains, starts[c], length, partial)
            for e in range(0, ENTRIES, LANES):
                store(own, LANES * targets[c] + e, load(partial, length * ENTRIES + e))


@kernel
def pull(coefficients: F2, chains: Chains, sums: F2, gradient: F2) -> None:
    """From dL/d(coefficient) (G, size * 8): those of the coefficients that products are made of are added to it, and
    dL/d(angle) of rotations go to the gradient (B, n_slots).

    dL/d(factor) is (later factors)^T W (earlier factors)^T with W = dL/d(product).
    """
    starts, targets, turns = chains.starts, chains.targets, chains.turns
    partial = np.empty((chains.longest + 1) * ENTRIES)
    w, next_w, slope = np.empty(ENTRIES), np.empty(ENTRIES), np.empty(LANES)
    for g in range(sums.shape[0]):
        own, total = coefficients[g if coefficients.shape[0] > 1 else 0], sums[g]
        for c in range(targets.size):
            length = starts[c + 1] - starts[c]
            _partial_products(own, chains, starts[c], length, partial)
            for e in range(0, ENTRIES, LANES):
                store(w, e, load(total, LANES * targets[c] + e))
            for number in range(length - 1, -1, -1):
                f, before = starts[c] + number, ENTRIES * number
                next_w[:] = 0.0
                for row in range(4):
                    for n in range(chains.filled[4 * f + row], chains.filled[4 * f + row + 1]):
                        source, column = LANES * chains.sources[n], chains.columns[n]
                        if source:
                            slopes = chains.scales[n] * _entry(w, partial, before, row, column)
                            store(total, source, load(total, source) + slopes)
                        factor, to = chains.scales[n] * load(own, source), SIDE * column
                        for k in range(0, SIDE, LANES):
                            store(next_w, to + k, load(next_w, to + k) + factor * load(w, SIDE * row + k))
                w, next_w = next_w, w
        for r in range(turns.shape[0]):
            at = LANES * turns[r, 0]
            store(slope, 0, load(own, at) * load(total, at + LANES) - load(own, at + LANES) * load(total, at))
            for lane in range(min(LANES, gradient.shape[0] - LANES * g)):
                gradient[LANES * g + lane, turns[r, 1]] = chains.rates[r] * slope[lane]
