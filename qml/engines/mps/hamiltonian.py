"""From Pauli sums to matrix-product operators, and from Pauli strings to one real matrix a qubit."""

from __future__ import annotations

import math

import numpy as np

from qml import _checks
from qml._typing import Integer, Numeric
from qml.engines.mps.trains import FLOOR, Train, compress
from qml.operators import PauliSum
from qml.operators.strings import digits_of

MATRICES = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1], [1, 0]], [[1, 0], [0, -1]]], dtype=np.float64)
"""Of I, X, Y / i and Z: all real."""


def phases_of(digits: Integer) -> Numeric:
    """i to the number of Ys, by which the product of :data:`MATRICES` is to be multiplied: (strings,)."""
    return np.asarray(np.array([1.0, 1.0j, -1.0, -1.0j])[(digits == 2).sum(axis=-1) % 4])


def train_of(operator: PauliSum) -> Train:
    """A Hermitian Pauli sum, other than zero, as a matrix-product operator of the least bond dimensions; real where
    every string has an even number of Ys.

    A bond of the first form has one entry for "nothing yet", one for "done", and one for everything that can still
    follow to its right; singular values then find the combinations that are needed.
    """
    digits = digits_of(operator.labels)
    weights = phases_of(digits) * np.array(operator.coefficients).real.astype(np.float64)
    n = operator.n_qubits
    last = [int(row.nonzero()[0].max()) if row.any() else -1 for row in digits]
    tails: list[dict[bytes, int]] = [{} for _ in range(n + 1)]
    entries: list[list[tuple[int, int, int, Numeric]]] = [[] for _ in range(n)]
    seen: set[tuple[int, bytes]] = set()
    for row, end, weight in zip(digits, last, weights, strict=True):
        if end < 0:  # a multiple of the identity
            entries[n - 1].append((0, 0, 1, weight))
            continue
        first = int(row.nonzero()[0][0])
        before = 0  # nothing yet
        for site in range(first, end + 1):
            tail = row[site + 1 : end + 1].tobytes()
            after = 1 if site == end else tails[site + 1].setdefault(tail, len(tails[site + 1]) + 2)
            if site == first:
                entries[site].append((0, int(row[site]), after, weight))
            elif (site, row[site : end + 1].tobytes()) not in seen:
                seen.add((site, row[site : end + 1].tobytes()))
                entries[site].append((before, int(row[site]), after, np.ones(())))
            before = after
    largest = max(len(t) for t in tails) + 2
    what = f"a Pauli sum of {len(digits)} strings as a matrix-product operator of bond dimension {largest}"
    _checks.memory(what, 96 * n * largest**2, "leave out couplings between distant qubits")
    sites: list[Numeric] = []
    for site in range(n):
        shape = (len(tails[site]) + 2, 2, 2, len(tails[site + 1]) + 2)
        t = np.zeros(shape, dtype=np.complex128)
        t[0, :, :, 0] = t[1, :, :, 1] = MATRICES[0]
        for a, letter, b, weight in entries[site]:
            t[a, :, :, b] += weight * MATRICES[letter]
        sites.append(t if weights.imag.any() else t.real)
    sites[0] = sites[0][:1]
    sites[-1] = sites[-1][..., 1:2]
    return compress(Train(tuple(sites), -n * math.log(2.0) / 2), FLOOR, 1 << 30)[0]
