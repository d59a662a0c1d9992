r"""Thermal states of open Ising and XX chains of any length, exactly, by free fermions.

Both are exp(-K)/Z with a K that is quadratic in Majorana operators, so that a real symmetric matrix h tells everything:

.. math:: \log Z = w \, \mathrm{Tr} \log 2 \cosh h, \qquad
    \langle G_j \rangle = -w \, \mathrm{Tr}(h_j \tanh h), \qquad h = \sum_j \theta_j h_j

Correlations follow by Wick's theorem. Sources: Lieb, Schultz and Mattis (1961), Ann. Phys. 16, 407; Pfeuty (1970), Ann.
Phys. 57, 79.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from qml.operators import PauliSum, pauli


class FreeChain(ABC):
    """What both chains share: exp(-K)/Z with the bonds' coefficients `couplings` and the sites' `fields` in K.

    Nothing is scaled by a temperature or has its sign changed: for tfim(n, J, h) at beta the couplings of the Ising
    chain are -beta J, and its fields -beta h.

    Parameters
    ----------
    couplings : array (n - 1,)
        J_i.
    fields : array (n,)
        h_i.
    """

    weight: float
    """w."""

    def __init__(self, couplings: np.ndarray, fields: np.ndarray) -> None:
        self.couplings, self.fields = (np.asarray(a, dtype=np.float64) for a in (couplings, fields))
        self.n = len(self.fields)
        assert self.couplings.shape == (self.n - 1,), "an open chain has a coupling less than it has fields"

    @property
    def params(self) -> np.ndarray:
        """theta (2n - 1,): the couplings, then the fields."""
        return np.concatenate([self.couplings, self.fields])

    @abstractmethod
    def generators(self) -> tuple[PauliSum, ...]:
        """G_j, 2n - 1 of them: bonds, then sites, each from left to right."""

    @abstractmethod
    def zz(self, i: int, j: int) -> float:
        """<Z_i Z_j>, not connected."""

    @abstractmethod
    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each h_j the row, the column and the number in it; that on the other side of the diagonal is implied."""

    def log_partition(self) -> float:
        """log Z in nats."""
        x = np.abs(self._modes[0])
        return float(self.weight * (x + np.log1p(np.exp(-2 * x))).sum())

    def entropy(self) -> float:
        """The von Neumann entropy in nats, a sum of positive terms."""
        x = np.abs(self._modes[0])
        rest = np.exp(-2 * x)
        return float(self.weight * (np.log1p(rest) + 2 * x * rest / (1 + rest)).sum())

    def expectations(self) -> np.ndarray:
        """<G_j> (2n - 1,)."""
        rows, columns, numbers = self._entries()
        return -self.weight * np.where(rows == columns, 1, 2) * numbers * self._tanh[rows, columns]

    def energy(self) -> float:
        """<K>."""
        return float(self.params @ self.expectations())

    def covariance(self) -> np.ndarray:
        r"""The Bogoliubov-Kubo-Mori covariances of the generators, the second derivatives of log Z, (2n - 1, 2n - 1).

        .. math:: \frac{\partial^2 \log Z}{\partial\theta_i \partial\theta_j} = w \sum_{kl}
            \frac{\tanh x_k - \tanh x_l}{x_k - x_l} \langle k | h_i | l \rangle \langle l | h_j | k \rangle
        """
        x, v = self._modes
        rows, columns, numbers = self._entries()
        outer = v[rows][:, :, None] * v[columns][:, None, :]
        h = numbers[:, None, None] * (outer + outer.swapaxes(1, 2))
        h[rows == columns] /= 2
        flat = (h * np.sqrt(_slopes(x))).reshape(len(h), -1)
        return self.weight * flat @ flat.T

    @property
    def _size(self) -> int:
        """The side of h."""
        return self.n

    @cached_property
    def _modes(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of h."""
        rows, columns, numbers = self._entries()
        h = np.zeros((self._size, self._size))
        h[rows, columns] = h[columns, rows] = self.params * numbers
        return np.linalg.eigh(h)

    @cached_property
    def _tanh(self) -> np.ndarray:
        x, v = self._modes
        return (v * np.tanh(x)) @ v.T


class IsingChain(FreeChain):
    r"""K = sum_i J_i Z_i Z_{i+1} + sum_i h_i X_i.

    With a_i = X_0 ... X_{i-1} Z_i and b_i = X_0 ... X_{i-1} Y_i,

    .. math:: X_i = i a_i b_i, \qquad Z_i Z_{i+1} = -i a_{i+1} b_i, \qquad K = i \sum_{ij} a_i A_{ij} b_j,

    and h is the matrix with the blocks A and A^T beside the diagonal.
    """

    weight = 0.5

    def generators(self) -> tuple[PauliSum, ...]:
        bonds = (pauli("ZZ", sites=(i, i + 1), n=self.n) for i in range(self.n - 1))
        return (*bonds, *(pauli("X", sites=(i,), n=self.n) for i in range(self.n)))

    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        i = np.arange(self.n)
        return np.r_[i[1:], i], self.n + np.r_[i[:-1], i], np.r_[-np.ones(self.n - 1), np.ones(self.n)]

    @property
    def _size(self) -> int:
        return 2 * self.n

    @property
    def _pairs(self) -> np.ndarray:
        """<i a_i b_j> (n, n)."""
        return -self._tanh[: self.n, self.n :]

    def zz(self, i: int, j: int) -> float:
        i, j = sorted((i, j))
        return float(np.linalg.det(-self._pairs[i + 1 : j + 1, i:j]))

    def xx(self, i: int, j: int) -> float:
        """<X_i X_j>, not connected."""
        return 1.0 if i == j else float(np.linalg.det(self._pairs[np.ix_([i, j], [i, j])]))


class XXChain(FreeChain):
    r"""K = sum_i J_i (X_i X_{i+1} + Y_i Y_{i+1}) / 2 + sum_i h_i Z_i.

    With fermions c_i, of which Z_i = 1 - 2 c_i^dagger c_i,

    .. math:: K = \sum_i J_i (c_i^\dagger c_{i+1} + c_{i+1}^\dagger c_i) + \sum_i h_i (1 - 2 c_i^\dagger c_i),

    and h is half of the matrix between c^dagger and c.
    """

    weight = 1.0

    def generators(self) -> tuple[PauliSum, ...]:
        places = [(i, i + 1) for i in range(self.n - 1)]
        bonds = (pauli("XX", 0.5, sites=at, n=self.n) + pauli("YY", 0.5, sites=at, n=self.n) for at in places)
        return (*bonds, *(pauli("Z", sites=(i,), n=self.n) for i in range(self.n)))

    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        i = np.arange(self.n)
        return np.r_[i[:-1], i], np.r_[i[1:], i], np.r_[np.full(self.n - 1, 0.5), -np.ones(self.n)]

    def zz(self, i: int, j: int) -> float:
        return 1.0 if i == j else float(np.linalg.det(self._tanh[np.ix_([i, j], [i, j])]))


def _slopes(x: np.ndarray) -> np.ndarray:
    """Divided differences of tanh (k, k), which are sinh(x - y) / ((x - y) cosh x cosh y), without overflow."""
    size, apart = np.abs(x), np.abs(x[:, None] - x)
    falls = 1 + np.exp(-2 * size)
    with np.errstate(invalid="ignore"):
        sinhc = np.where(apart > 0, -np.expm1(-2 * apart) / apart, 2.0)
    return 2 * np.exp(apart - size[:, None] - size) * sinhc / (falls[:, None] * falls)
