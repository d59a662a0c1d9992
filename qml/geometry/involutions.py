r"""Pauli strings between eigenvectors, at half the operations of a product with a general matrix.

P^2 = 1, so that P = 1 - 2 Q with the projector Q on the eigenvalue -1, of rank d/2. With U = \sqrt 2 Q V written in
a basis of that space, where it has d/2 rows,

.. math:: V^\dagger P V = 1 - U^\dagger U, \qquad U_{b\cdot} = V_{b\cdot} - \varphi_b^*\, V_{b+x\,\cdot}
    \quad \text{or} \quad \sqrt 2\, V_{b\cdot}

for P|b> = phi_b |b + x>; the latter, with the b of phi_b = -1, where x = 0. Nothing is lost: each is a sum of two rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from qml import buffers
from qml._typing import Integer, Numeric, Real

CHUNK = 1 << 17
"""Numbers of U that are worked on at a time: they stay in the cache."""


class Involutions:
    """Pauli strings other than the identity, on n qubits.

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
