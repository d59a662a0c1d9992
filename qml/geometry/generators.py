"""What an exponential family is made of: Hermitian operators, and what models and metrics ask of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from qml._typing import Dims, Integer, Numeric, Real
from qml.geometry.involutions import Involutions
from qml.states.sectors import Sectors


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
