"""What an exponential family is made of: Hermitian operators, and what models and metrics ask of them."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from qml import buffers
from qml._typing import Dims, Integer, Numeric, Real
from qml.states.sectors import Sectors

CHUNK = 1 << 17
"""Numbers of U that are worked on at a time: they stay in the cache."""


class Generators(ABC):
    """Hermitian operators G_1, ..., G_m. Where all are diagonal, K and its cotangents are held as diagonals (d,)."""

    dims: Dims
    is_diagonal: bool

    @property
    @abstractmethod
    def operators(self) -> list[Any]:
        """The operators one by one: Pauli sums, or matrices (d, d)."""

    @abstractmethod
    def combine(self, theta: Real) -> Numeric:
        """K = sum_j theta_j G_j, shape (d, d), or its diagonal (d,)."""

    @abstractmethod
    def traces(self, cotangent: Numeric) -> Real:
        """Tr(C G_j) for all j, shape (m,), from the Hermitian C (d, d), or its diagonal (d,); of any other C the traces
        of its Hermitian part."""

    @abstractmethod
    def __len__(self) -> int:
        """m, how many."""

    @property
    def strings(self) -> Strings | None:
        """The Pauli strings that they are sums of; None where they are matrices."""
        return None

    @property
    def sectors(self) -> Sectors | None:
        """The symmetry sectors of all sums of the generators, where there are any."""
        return None

    @property
    @abstractmethod
    def is_real(self) -> bool:
        """Whether every G_j is a real matrix."""

    @abstractmethod
    def levels(self, start: int, stop: int) -> Real:
        """The diagonals of diagonal operators, from one state of the basis to another (m, stop - start)."""

    @abstractmethod
    def left(self, rows: Numeric, out: Numeric) -> None:
        """Row vectors (s, d) times each G_j, into `out` (m, s, d); both real only where the generators are."""


class Strings:
    """Pauli strings that generators are sums of, G_j = sum_w a_jw P_w: diagonal ones (x = 0), then those of X alone
    (z = 0), then the others; without the identity, which no metric sees.

    Parameters
    ----------
    words : array of int (k, 2)
        The strings as masks (x, z).
    n : int
        On so many qubits.
    weights : sparse array (m, k)
        a.
    traces : callable
        From C (d, d) to Tr(C P_w), (k,).
    """

    def __init__(self, words: Integer, n: int, weights: csr_array, traces: Callable[[Numeric], Real]) -> None:
        kept = np.flatnonzero(words.any(axis=1))
        x, z = words[kept].T
        self._kept = kept[np.argsort(np.where(x == 0, 0, np.where(z == 0, 1, 2)), kind="stable")]
        self.weights = weights[:, self._kept]
        self._words, self._n, self._traces = words, n, traces

    @cached_property
    def involutions(self) -> Involutions:
        """The strings between eigenvectors, as metrics ask for them at every step."""
        return Involutions(self._words[self._kept], self._n)

    def traces(self, cotangent: Numeric) -> Real:
        """Tr(C P_w) of every string."""
        return np.asarray(self._traces(cotangent)[self._kept])


class Involutions:
    r"""Pauli strings other than the identity, on n qubits: between eigenvectors, at half the operations of a product
    with a general matrix.

    P^2 = 1, so that P = 1 - 2 Q with the projector Q on the eigenvalue -1, of rank d/2. With U = \sqrt 2 Q V written in
    a basis of that space, where it has d/2 rows,

    .. math:: V^\dagger P V = 1 - U^\dagger U, \qquad U_{b\cdot} = V_{b\cdot} - \varphi_b^*\, V_{b+x\,\cdot}
        \quad \text{or} \quad \sqrt 2\, V_{b\cdot}

    for P|b> = phi_b |b + x>; the latter, with the b of phi_b = -1, where x = 0. Nothing is lost: each is a sum of two
    rows.

    Parameters
    ----------
    words : array of int (k, 2)
        x and z of each: those with x = 0, then those with z = 0, then the others.
    n : int
    """

    def __init__(self, words: Integer, n: int) -> None:
        x, z = words.T
        self.dim = 1 << n
        b = np.arange(self.dim)
        odd = np.bitwise_count(b & z[:, None]) & 1
        self._diagonal = int(np.count_nonzero(x == 0))
        self._shifts = self._diagonal + int(np.count_nonzero(z == 0))
        one_of_two = np.where((x == 0)[:, None], odd == 1, (b & (x & -x)[:, None]) == 0)
        self._rows = np.nonzero(one_of_two)[1].reshape(len(words), self.dim // 2)
        self._partners = self._rows ^ x[:, None]
        phase = np.array([1, 1j, -1, -1j])[np.bitwise_count(x & z) % 4]
        signs = 1.0 - 2.0 * np.take_along_axis(odd, self._rows, axis=1)
        self._factors = -(phase[:, None] * signs).conj()[:, :, None]
        self._real_factors = np.ascontiguousarray(self._factors.real)

    def centred(self, v: Numeric, means: Real, start: int, stop: int, out: Numeric) -> None:
        """(V^dagger (mean - P) V)_ab of every string, for a from start to stop and b from start, into `out`
        (k, s, c - start), from the columns of V (d, c)."""
        width, side = v.shape[1] - start, self.dim // 2
        size = max(1, CHUNK // (side * width))
        part = v if start == 0 else np.ascontiguousarray(v[:, start:])
        scratch = buffers.scratch(2 * size * side * width, v.dtype).reshape(2, size, side, width)
        factors: Numeric = self._factors if np.iscomplexobj(v) else self._real_factors
        for first, last in self._chunks(size):
            u, other = scratch[:, : last - first]
            np.take(part, self._rows[first:last], axis=0, out=u, mode="clip")
            if first >= self._diagonal:
                np.take(part, self._partners[first:last], axis=0, out=other, mode="clip")
                if first < self._shifts:
                    u -= other
                else:
                    other *= factors[first:last]
                    u += other
            left, found = u[:, :, : stop - start].swapaxes(1, 2), out[first:last]
            np.matmul(left.conj() if np.iscomplexobj(v) else left, u, out=found)
            if first < self._diagonal:
                found *= 2.0
        np.einsum("kii->ki", out[:, :, : stop - start])[...] -= 1.0 - means[:, None]  # a view of the diagonals

    def _chunks(self, size: int) -> Iterator[tuple[int, int]]:
        """Runs of at most `size` strings, of one sort each."""
        for begin, end in itertools.pairwise((0, self._diagonal, self._shifts, len(self._rows))):
            for first in range(begin, end, size):
                yield first, min(first + size, end)
