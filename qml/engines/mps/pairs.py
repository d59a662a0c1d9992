r"""Traces Tr(A P B Q) of two matrix-product operators with Pauli strings P and Q between them, many at a time.

The sum over all sites to the left of a bond is a matrix (bond of A, bond of B), an environment. Strings that begin
alike share it, and all that act on a site in the same way move past it in one product: O(chi^3) for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks
from qml._typing import Integer, Numeric
from qml.engines.mps.hamiltonian import MATRICES
from qml.engines.mps.trains import Train

AT_ONCE = 1 << 22
"""Numbers of an intermediate result at most."""


@dataclass(frozen=True)
class Word:
    """What acts from the site `first` on: each entry 4 p + q stands for the letters p of P and q of Q at one site."""

    first: int
    letters: bytes

    @property
    def end(self) -> int:
        """The site behind the last one."""
        return self.first + len(self.letters)

    def mirrored(self, n: int) -> Word:
        """The same on n qubits in the reverse order."""
        return Word(n - self.end, self.letters[::-1])


def word_of(p: Integer, q: Integer | None = None) -> Word:
    """The word of the digits (n,) of P and Q, which are not both the identity."""
    digits = 4 * p + (0 if q is None else q)
    sites = digits.nonzero()[0]
    return Word(int(sites[0]), digits[sites[0] : sites[-1] + 1].astype(np.uint8).tobytes())


@dataclass(frozen=True, eq=False)
class Pair:
    """Two matrix-product operators A and B on the same qubits."""

    a: Train
    b: Train

    @cached_property
    def mirrored(self) -> Pair:
        """Both operators on the qubits in the reverse order."""
        return Pair(self.a.mirrored, self.b.mirrored)

    @cached_property
    def _left(self) -> tuple[list[Numeric], list[float]]:
        """The environment of nothing but the identity at every bond, of norm one, and the norms at each site."""
        found: list[Numeric] = [np.ones((1, 1, 1))]
        sizes: list[float] = []
        for site in range(len(self.a.sites)):
            e = self._past(found[-1], site, 0)
            sizes.append(float(np.linalg.norm(e)))
            found.append(e / sizes[-1])
        return found, sizes

    def _past(self, e: Numeric, site: int, letter: int) -> Numeric:
        """Environments (m, a, b) moved past a site on which the letters 4 p + q act, (m, a', b')."""
        s, t = self.a.sites[site], self.b.sites[site]
        p, q = divmod(letter, 4)
        if p:
            s = np.einsum("asub,ut->astb", s, MATRICES[p])
        if q:
            t = np.einsum("atub,us->atsb", t, MATRICES[q])
        out: list[Any] = []
        rows = max(1, AT_ONCE // (4 * s.shape[0] * t.shape[3]))
        right = s.reshape(-1, s.shape[3])
        for first in range(0, len(e), rows):
            part = e[first : first + rows]
            m = len(part)
            x = (part.reshape(-1, t.shape[0]) @ t.reshape(t.shape[0], -1)).reshape(m, s.shape[0], 2, 2, t.shape[3])
            x = x.transpose(0, 4, 1, 3, 2).reshape(m * t.shape[3], -1) @ right
            out.append(x.reshape(m, t.shape[3], s.shape[3]).transpose(0, 2, 1))
        return np.concatenate(out) if len(out) > 1 else out[0]

    def past(self, e: Numeric, site: int, letter: int = 0) -> Numeric:
        """The same in the scale in which the environment of the identity has norm one."""
        return self._past(e, site, letter) / self._left[1][site]

    @property
    def identity(self) -> list[Numeric]:
        """The environment (1, a, b) of the identity at every bond from the left: n + 1 of norm one."""
        return self._left[0]

    def behind(self, words: Sequence[Word]) -> list[Numeric]:
        """The environment (a, b) of each word at the bond behind its last site."""
        complex_ = np.result_type(self.a.sites[0], self.b.sites[0])
        ends = [self.a.sites[word.end - 1].shape[3] * self.b.sites[word.end - 1].shape[3] for word in words]
        what = f"the environments of {_checks.plural(len(words), 'Pauli string')}"
        _checks.memory(what, complex_.itemsize * sum(ends), "ask for fewer at a time")
        place: list[int] = [-1] * len(words)  # of the letters so far among those of the site before
        found: list[Numeric] = [np.zeros(0)] * len(words)
        starting: dict[int, list[int]] = {}
        for k, word in enumerate(words):
            starting.setdefault(word.first, []).append(k)
        live: list[int] = []
        before: Numeric = np.zeros((0, 1, 1))
        for site in range(len(self.a.sites)):
            live += starting.get(site, [])
            if not live:
                before = np.zeros((0, 1, 1))
                continue
            nodes: dict[tuple[int, int], list[int]] = {}
            for k in live:
                nodes.setdefault((words[k].letters[site - words[k].first], place[k]), []).append(k)
            ordered = sorted(nodes)
            shape = (len(ordered), self.a.sites[site].shape[3], self.b.sites[site].shape[3])
            size = int(np.prod(shape)) * complex_.itemsize
            _checks.memory(f"the environments of {len(ordered)} Pauli strings", size, "ask for fewer at a time")
            after = np.empty(shape, dtype=complex_)
            sources = np.concatenate([before, self.identity[site]]) if len(before) else self.identity[site]
            for letter in sorted({letter for letter, _ in ordered}):
                rows = [r for r, (one, _) in enumerate(ordered) if one == letter]
                parents = [ordered[r][1] for r in rows]  # -1 is the identity, which stands last
                after[rows] = self.past(sources[parents], site, letter)
            for r, node in enumerate(ordered):
                for k in nodes[node]:
                    place[k] = r
                    if words[k].end == site + 1:
                        found[k] = after[r].copy()  # the others are not kept
            live = [k for k in live if words[k].end > site + 1]
            before = after
        return found

    def traces(self, words: Sequence[Word]) -> Numeric:
        """Tr(A P B Q) / Tr(A B) of every word, (words,)."""
        right = self.mirrored.identity
        n = len(self.a.sites)
        ends = [(e, right[n - word.end][0]) for e, word in zip(self.behind(words), words, strict=True)]
        whole = [np.vdot(self.identity[word.end][0].conj(), r) for (_, r), word in zip(ends, words, strict=True)]
        values = [np.vdot(e.conj(), r) for e, r in ends]
        return np.array(values) / np.array(whole) if values else np.zeros(0)
