r"""Probabilities of many words of gates, and their derivatives, by one sweep forward and one backward for all of them.

.. math:: p_{nk} = e_{nk} \cdot G_{w_T} \cdots G_{w_1} v_n, \qquad
    \frac{\partial p_{nk}}{\partial G_g} = \sum_{t : w_t = g} a_{nk, t+1}\, v_{n, t}^T

with v_t = G_{w_t} v_{t-1} and a_t = a_{t+1} G_{w_t}. Words are read two letters at a time: all products of two gates
are made first, which halves the steps. Words of one length stand together, the longest first, so that each step works
on the words that have not ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from qml._typing import Integer, Real

BLOCK = 1 << 22
"""Numbers that the derivatives of some words take at once."""


class Words:
    """Words of gates as numbers, for sweeps over all of them at once.

    Parameters
    ----------
    words : sequence of sequences of int
        Numbers of gates, the first to act first.
    n_gates : int
    """

    def __init__(self, words: Sequence[Sequence[int]], n_gates: int) -> None:
        self.n_gates = n_gates
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        self.order = np.argsort(-lengths, kind="stable")
        self._back = np.argsort(self.order)
        steps = -(-int(lengths.max(initial=0)) // 2)
        codes = np.zeros((len(words), 2 * steps), dtype=np.int64)  # 0 is no gate
        for row, place in enumerate(self.order):
            codes[row, : lengths[place]] = np.asarray(words[place], dtype=np.int64) + 1
        self.codes: Integer = codes[:, 0::2] + (n_gates + 1) * codes[:, 1::2]
        sorted_lengths = lengths[self.order]
        self.active = [int(np.count_nonzero(sorted_lengths > 2 * t)) for t in range(steps)]

    @cached_property
    def _groups(self) -> list[list[tuple[int, Integer]]]:
        """For each step the codes that occur, and the rows of their words."""
        found = []
        for t, m in enumerate(self.active):
            order = np.argsort(self.codes[:m, t], kind="stable")
            seen, first = np.unique(self.codes[order, t], return_index=True)
            found.append(list(zip(seen.tolist(), np.split(order, first[1:]), strict=True)))
        return found

    def _products(self, gates: Real) -> Real:
        """All products of two gates or fewer, (codes, D, D); the first letter is the lowest digit."""
        letters = np.concatenate([np.eye(gates.shape[-1])[None], gates])
        return np.asarray((letters[:, None] @ letters[None]).reshape(-1, *gates.shape[1:]))

    def forward(self, gates: Real, starts: Real) -> list[Real]:
        """What the words make of the vectors (n, D) that they start from, after every step."""
        products, v = self._products(gates), starts[self.order]
        trail = [v]
        for t in range(len(self.active)):
            moved = v.copy()
            for code, rows in self._groups[t]:
                moved[rows] = v[rows] @ products[code].T
            trail.append(moved)
            v = moved
        return trail

    def finals(self, trail: list[Real]) -> Real:
        """The vectors (n, D) at the ends of the words, in the order of the words."""
        return trail[-1][self._back]

    def jacobian(self, gates: Real, trail: list[Real], ends: Real) -> tuple[Real, Real]:
        """For each word and each of its covectors, `ends` (n, K, D): the derivatives in the entries of every gate
        (n, K, gates, D, D), and what the covectors are at the starts (n, K, D)."""
        products, a = self._products(gates), ends[self.order]
        n, k, d = a.shape
        out = np.empty((n, k, self.n_gates, d, d))
        size = max(1, BLOCK // (len(products) * k * d * d))
        for first in range(0, n, size):
            part = slice(first, min(n, first + size))
            out[self.order[part]] = self._jacobian_of(part, gates, products, trail, a[part])
        return out, a[self._back]

    def _jacobian_of(self, part: slice, gates: Real, products: Real, trail: list[Real], a: Real) -> Real:
        """Of some of the words, in the order of their lengths; `a` becomes what the covectors are at the starts."""
        n, k, d = a.shape
        found = np.zeros((n, len(products), k, d, d))
        rows = np.arange(n)
        for t in range(len(self.active) - 1, -1, -1):
            m = min(max(self.active[t] - part.start, 0), n)
            code, left = self.codes[part.start : part.start + m, t], a[:m]
            found[rows[:m], code] += left[..., None] * trail[t][part.start : part.start + m, None, None, :]
            a[:m] = left @ products[code]
        flat = found.transpose(0, 2, 1, 3, 4).reshape(n * k, len(products), d, d)
        return self._of_letters(gates, flat).reshape(n, k, self.n_gates, d, d)

    def pull(self, gates: Real, trail: list[Real], ends: Real) -> tuple[Real, Real]:
        """The same for one covector (n, D) a word, summed over the words: (gates, D, D), and the starts (n, D)."""
        products, a = self._products(gates), ends[self.order]
        found = np.zeros((len(products), *gates.shape[1:]))
        for t in range(len(self.active) - 1, -1, -1):
            for code, rows in self._groups[t]:
                left = a[rows]
                found[code] += left.T @ trail[t][rows]
                a[rows] = left @ products[code]
        return self._of_letters(gates, found[None])[0], a[self._back]

    def _of_letters(self, gates: Real, of_products: Real) -> Real:
        """From derivatives (n, codes, D, D) in products of gates those in the gates (n, gates, D, D)."""
        g = self.n_gates + 1
        d = gates.shape[-1]
        letters = np.concatenate([np.eye(d)[None], gates])
        x = of_products.reshape(-1, g, g, d, d)  # the second letter, the first letter: G_second G_first
        second = np.einsum("nbaij,akj->nbik", x, letters, optimize=True)
        first = np.einsum("bki,nbakj->naij", letters, x, optimize=True)
        return np.asarray((second + first)[:, 1:])
