r"""Covariances of Pauli strings in a thermal state, along imaginary time: the metrics of the exponential family.

.. math:: g_{jk} = \int_0^1 \left[ \frac{\mathrm{Tr}(e^{-(1-s)K} P_j\, e^{-sK} P_k)}{Z}
    - \langle P_j \rangle \langle P_k \rangle \right] \mathrm{d}s

for the Bogoliubov-Kubo-Mori metric. In the eigenbasis of K the integrand, symmetrised, is a sum of positive multiples
of cosh(w (s - 1/2)) / cosh(w / 2) over the differences w of eigenvalues between which a string leads; a metric asks
for the sum with another function of w in its place. So a few times s with positive weights stand for the integral, and
the largest relative error of the function is a bound on that of the metric (as a quadratic form). The times are
s = 1/2, 1/4, 1/8, ..., at which exp(-sK) is there already; the weights are the best ones for all w up to a bound.
Without a bound that error is 3e-4; for the Wigner-Yanase metric it is 3e-3, and for the Bures metric no such sum comes
nearer than a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from qml import _checks
from qml._typing import Integer, Numeric, Real
from qml.engines.mps.exponential import SEED
from qml.engines.mps.hamiltonian import phases_of
from qml.engines.mps.pairs import Pair, word_of
from qml.engines.mps.trains import Train, compress, product

Weigh: TypeAlias = Callable[[Real, Real], Real]

CUT = 1e-6
"""The share of the norm that is left out of what covariances are made of; the weights are no better than 1e-5."""


@lru_cache(maxsize=16)
def times(wanted: Weigh, largest: float) -> tuple[tuple[float, ...], float]:
    """The weights of s = 1/2, 1/4, ... for all differences of eigenvalues up to `largest`, and their relative error."""
    from scipy.optimize import linprog  # a fifth of a second

    count = max(4, math.ceil(math.log2(max(largest, 1.0))) + 2)
    w = np.concatenate([[0.0], np.geomspace(1e-2, max(largest, 1.0), 300)])
    s = 0.5 ** np.arange(1, count + 1)
    falling = (np.exp(-w[:, None] * s) + np.exp(-w[:, None] * (1 - s))) / 2  # of e^{l_a} = 1, e^{l_b} = e^{-w}
    share = falling / wanted(np.zeros_like(w), -w)[:, None]
    ones, worst = np.ones((len(w), 1)), np.zeros(count + 1)
    worst[-1] = 1.0
    rows = np.block([[share, -ones], [-share, -ones]])
    found = linprog(worst, A_ub=rows, b_ub=np.concatenate([ones[:, 0], -ones[:, 0]]), bounds=(0, None))
    weights = found.x[:-1]
    return tuple(weights.tolist()), float(np.abs(share @ weights - 1).max())


def covariances(roots: Sequence[Train], digits: Integer, wanted: Weigh, largest: float, bond: int) -> Real:
    """g (strings, strings) of Pauli strings given as digits (strings, n), none of them the identity.

    Parameters
    ----------
    roots : sequence of Train
        exp(-K/2), exp(-K/4), ...
    digits : array of int (strings, n)
    wanted : callable
        What the metric puts on pairs of eigenvectors, from the logarithms of their eigenvalues.
    largest : float
        A bound on the differences of eigenvalues of K between which a string leads.
    bond : int
        The largest bond dimension.
    """
    weights, _ = times(wanted, largest)
    rng = np.random.default_rng(SEED)
    pairs, rest = [], None
    for root in roots[: len(weights)]:
        coarse, _ = compress(root, CUT, bond)
        rest = coarse if rest is None else product(rest, coarse, CUT, bond, rng)[0]
        pairs.append(Pair(rest, coarse))
    strings = Strings(digits)
    total = sum(weight * strings.covariances(pair) for weight, pair in zip(weights, pairs, strict=False) if weight)
    return np.asarray(total)


class Strings:
    """Pauli strings (m, n), of which pairs are put between two matrix-product operators A and B."""

    def __init__(self, digits: Integer) -> None:
        m, self.n = digits.shape
        none = np.zeros(self.n, dtype=digits.dtype)
        self.phases = phases_of(digits)
        self.words = [word_of(row) for row in digits], [word_of(none, row) for row in digits]
        self.first = np.array([w.first for w in self.words[0]])
        self.end = np.array([w.end for w in self.words[0]])
        overlapping = (self.first[:, None] < self.end) & (self.end[:, None] > self.first)
        _checks.memory(
            f"covariances of {m} Pauli strings", 200 * int(overlapping.sum()), "ask for those of fewer strings"
        )
        self.near = np.argwhere(np.triu(overlapping))
        self.joint = [word_of(digits[j], digits[k]) for j, k in self.near]

    def covariances(self, pair: Pair) -> Real:
        """Re Tr(A P_j B P_k) / Tr(A B) less the product of the means, (m, m): symmetric, as A and B are Hermitian."""
        means = (self.phases * pair.traces(self.words[0])).real
        out = self._apart(pair)
        j, k = self.near.T
        out[j, k] = (self.phases[j] * self.phases[k] * pair.traces(self.joint)).real
        upper = np.triu(out - np.outer(means, means))
        return upper + np.triu(upper, 1).T

    def _apart(self, pair: Pair) -> Real:
        """The traces with strings that have no site in common, in the upper triangle: each moves to the right until it
        meets those that begin there."""
        n, m, right = self.n, len(self.first), pair.mirrored.identity
        behind = pair.behind(self.words[0])
        ahead = pair.mirrored.behind([w.mirrored(n) for w in self.words[1]])
        out = np.zeros((m, m))
        passed = np.zeros(0, dtype=np.int64)
        moved: Numeric = np.zeros((0, 1, 1))
        for bond in range(1, n):
            arrived = np.flatnonzero(self.end == bond)
            if len(passed):
                moved = pair.past(moved, bond - 1)
            if len(arrived):
                new = np.array([behind[j] for j in arrived])
                moved = np.concatenate([moved, new]) if len(passed) else new
                passed = np.concatenate([passed, arrived])
            starting = np.flatnonzero(self.first == bond)
            if not len(passed) or not len(starting):
                continue
            closing = np.array([ahead[k].reshape(-1) for k in starting])
            whole = (pair.identity[bond][0] * right[n - bond][0]).sum()
            values = moved.reshape(len(passed), -1) @ closing.T / whole
            j, k = np.meshgrid(passed, starting, indexing="ij")
            out[np.minimum(j, k), np.maximum(j, k)] = (self.phases[j] * self.phases[k] * values).real
        return out
