"""Compiled products of the maps on one qubit that follow each other, their derivatives, and the way back.

Chain c is the product of the 4 x 4 factors starts[c] to starts[c + 1] (the first acts first); its 16 entries stand from
targets[c] on among the coefficients. Most entries of a factor are zero: those of row i of factor f that are not are
numbered by n from filled[4 f + i] on; they stand in the columns columns[n], and are scales[n] values[sources[n]].

Values have lanes, one a member of a batch, in groups of eight. The first is 1; then come the cosine and the sine of
each rotation, and the 16 entries of each other free factor. A line (i, j, slot, source) of `roles` says of a factor
that it turns component i to j by the angle of that slot (slot -1: that it is free in another way; -2: that it is
fixed), and where its values start.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, I1, I2, LANES, inline, subroutine
from qml.engines._llvm.simd import load, store

SIDE, ENTRIES = 4 * LANES, 16 * LANES
FREE, FIXED = -1, -2


class Chains(NamedTuple):
    """What the kernels need to know of all chains of a plan."""

    starts: I1
    targets: I1
    filled: I1
    columns: I1
    sources: I1
    scales: F1
    roles: I2
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
def chain_products(values: F2, chains: Chains, slots: F2, coefficients: F2) -> None:
    """The rotations at slot values (G, n_slots * 8), to the values, and the products, to the coefficients."""
    starts, targets, roles = chains.starts, chains.targets, chains.roles
    partial = np.empty((chains.longest + 1) * ENTRIES)
    for g in range(values.shape[0]):
        own, angles, to = values[g], slots[g], coefficients[g]
        for f in range(roles.shape[0]):
            slot, at = LANES * roles[f, 2], LANES * roles[f, 3]
            if slot < 0:
                continue
            for lane in range(LANES):
                angle = angles[slot + lane]
                if lane == 0 or angle != angles[slot + lane - 1]:
                    cosine, sine = np.cos(angle), np.sin(angle)
                own[at + lane], own[at + LANES + lane] = cosine, sine
        for c in range(targets.size):
            length = starts[c + 1] - starts[c]
            _partial_products(own, chains, starts[c], length, partial)
            for e in range(0, ENTRIES, LANES):
                store(to, LANES * targets[c] + e, load(partial, length * ENTRIES + e))


@kernel
def chain_sums(values: F2, chains: Chains, sums: F2, by_value: F2, gradient: F2) -> None:
    """From W = dL/d(product): dL/d(angle) of rotations, and dL/d(value) for the entries of the other free factors.

    dL/d(factor) is (later factors)^T W (earlier factors)^T.
    """
    starts, targets, roles = chains.starts, chains.targets, chains.roles
    partial = np.empty((chains.longest + 1) * ENTRIES)
    w, next_w = np.empty(ENTRIES), np.empty(ENTRIES)
    for g in range(sums.shape[0]):
        own, of_values = values[g if values.shape[0] > 1 else 0], by_value[g]
        of_products, of_angles = sums[g], gradient[g]
        for c in range(targets.size):
            length = starts[c + 1] - starts[c]
            _partial_products(own, chains, starts[c], length, partial)
            for e in range(0, ENTRIES, LANES):
                store(w, e, load(of_products, LANES * targets[c] + e))
            for number in range(length - 1, -1, -1):
                f, before = starts[c] + number, ENTRIES * number
                i, j, slot, source = roles[f]
                at = LANES * source
                if slot >= 0:
                    across = _entry(w, partial, before, j, i) - _entry(w, partial, before, i, j)
                    along = _entry(w, partial, before, i, i) + _entry(w, partial, before, j, j)
                    store(of_angles, LANES * slot, load(own, at) * across - load(own, at + LANES) * along)
                elif slot == FREE:
                    for a in range(4):
                        for b in range(4):
                            store(of_values, at + LANES * (4 * a + b), _entry(w, partial, before, a, b))
                next_w[:] = 0.0
                for row in range(4):
                    for n in range(chains.filled[4 * f + row], chains.filled[4 * f + row + 1]):
                        factor = chains.scales[n] * load(own, LANES * chains.sources[n])
                        to = SIDE * chains.columns[n]
                        for k in range(0, SIDE, LANES):
                            store(next_w, to + k, load(next_w, to + k) + factor * load(w, SIDE * row + k))
                w, next_w = next_w, w
