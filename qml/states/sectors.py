r"""Symmetry sectors: where terms conserve Pauli strings, their sum is block-diagonal in the eigenspaces of these.

The strings that commute with all terms are a kernel over GF(2): with bits (x, z), strings s and w commute where
x_s . z_w + z_s . x_w is even. Of a basis of the kernel the most that commute with each other are kept, k of them, so
that there are 2^k sectors of dimension d/2^k each. Those with x = 0 are signs of basis states; each other string S with
S|b> = phi_b |b + x> makes two vectors of every pair, (|b> + phi_b |b + x>)/sqrt 2 and (|b> - phi_b |b + x>)/sqrt 2.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from qml import _products
from qml._typing import Complex, Integer, Real
from qml.spectral import eigh

SMALLEST = 64
"""Dimension from which sectors are worth it."""


class Sectors:
    """The sectors of sums of some Pauli strings on n qubits.

    Parameters
    ----------
    words : array of int (m, 2)
        x and z of each.
    n : int
    real : bool
        Whether the sums are real matrices, and are to stay so.

    Attributes
    ----------
    symmetries : list of (int, int)
        x and z of the k strings that are conserved.
    labels : array of int (d,)
        The sector, from 0 to 2^k - 1, of every vector of the adapted basis.
    """

    def __init__(self, words: Integer, n: int, real: bool) -> None:
        found = _reduced(_isotropic(_kernel(words, n), n), n)
        self.symmetries = [(x, z) for x, z in found if not real or (x & z).bit_count() % 2 == 0]
        d = 1 << n
        slots, self.labels = np.arange(d), np.zeros(d, dtype=np.int64)
        origin = slots.copy()  # the basis state that a vector was made from
        basis = sparse.eye_array(d, format="csr")
        for k, (x, z) in enumerate(s for s in self.symmetries if s[0]):
            phase = (1, 1j, -1, -1j)[(x & z).bit_count() % 4] * (1.0 - 2.0 * (np.bitwise_count(z & origin) & 1))
            low = (slots & (x & -x)) == 0
            first = np.where(low, slots, slots ^ x)  # of its pair
            rows = np.concatenate([first, first ^ x])
            values = np.concatenate([np.ones(d), np.where(low, 1.0, -1.0) * phase[first]]) / np.sqrt(2)
            basis = sparse.csr_array(basis @ sparse.csr_array((values, (rows, np.tile(slots, 2))), shape=(d, d)))
            self.labels += (~low).astype(np.int64) << k
            origin = np.where(low, origin, origin[slots ^ x])
        first_of_z = sum(1 for x, _ in self.symmetries if x)
        for k, (_, z) in enumerate((s for s in self.symmetries if not s[0]), first_of_z):
            self.labels += (np.bitwise_count(z & origin) & 1).astype(np.int64) << k
        columns = np.argsort(self.labels, kind="stable").reshape(self.count, -1)
        self._parts = [sparse.csr_array(basis[:, chosen]) for chosen in columns]  # (d, d / 2^k) each
        self._adjoints = [sparse.csr_array(part.conj().T) for part in self._parts]

    @property
    def count(self) -> int:
        """2^k."""
        return 1 << len(self.symmetries)

    def eigh(self, matrix: Complex) -> tuple[Real, Complex, Integer]:
        """Eigenvalues (d,), ascending, eigenvectors (d, d) and their sectors (d,) of a sum of the strings (d, d)."""
        a = _products.real_if_real(matrix)
        blocks = [adjoint @ (adjoint @ a).conj().T for adjoint in self._adjoints]
        values, inner = eigh(np.array(blocks))
        order = np.argsort(values, axis=None, kind="stable")
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        vectors = np.empty((len(order), len(order)), dtype=inner.dtype)
        for part, place, own in zip(self._parts, places.reshape(values.shape), inner, strict=True):
            vectors[:, place] = part @ own
        return values.ravel()[order], vectors, np.repeat(np.arange(self.count), values.shape[1])[order]


def sectors_of(words: Integer, n: int, real: bool) -> Sectors | None:
    """The sectors of sums of these strings; None where there is one only, or the dimension is small."""
    if 1 << n < SMALLEST:
        return None
    found = Sectors(words, n, real)
    return found if found.symmetries else None


def _kernel(words: Integer, n: int) -> list[int]:
    """A basis of the strings that commute with all words, as integers (x << n) | z."""
    columns = [(1 << j, _swapped(words, n, j)) for j in range(2 * n)]
    kernel: list[int] = []
    pivots: list[tuple[int, int, int]] = []
    for name, column in columns:
        for lead, at_name, at in pivots:
            if column >> lead & 1:
                column ^= at
                name ^= at_name
        if column:
            pivots.append((column.bit_length() - 1, name, column))
        else:
            kernel.append(name)
    return kernel


def _swapped(words: Integer, n: int, j: int) -> int:
    """Which words anticommute with the string that has bit j alone, as the bits of an integer."""
    bits = words[:, 0] >> j if j < n else words[:, 1] >> (j - n)  # bit j < n is in z, and meets x
    return sum(1 << k for k in np.flatnonzero(bits & 1).tolist())


def _anticommute(a: int, b: int, n: int) -> bool:
    low = (1 << n) - 1
    return bool((((a >> n) & b & low).bit_count() + ((b >> n) & a & low).bit_count()) & 1)


def _isotropic(strings: list[int], n: int) -> list[int]:
    """The most of the strings, or of their products, that commute with each other."""
    left, kept = list(strings), []
    while left:
        v = left.pop()
        partner = next((w for w in left if _anticommute(v, w, n)), None)
        if partner is not None:
            left.remove(partner)
            left = [
                u ^ (partner if _anticommute(u, v, n) else 0) ^ (v if _anticommute(u, partner, n) else 0) for u in left
            ]  # times what makes it commute with the pair
        kept.append(v)
    return kept


def _reduced(strings: list[int], n: int) -> list[tuple[int, int]]:
    """An equivalent set in which the lowest bit of every x that is not 0 is in no other x."""
    done: list[int] = []
    left = list(strings)
    for bit in range(n):
        place = 1 << (n + bit)
        found = next((s for s in left if s & place), None)
        if found is None:
            continue
        left.remove(found)
        left = [s ^ found if s & place else s for s in left]
        done = [s ^ found if s & place else s for s in done]
        done.append(found)
    return [(s >> n, s & ((1 << n) - 1)) for s in done + left]
