r"""Sets of generators: theta -> K = sum_j theta_j G_j, and G_K -> Tr(G_K G_j), each for all j at once.

Pauli generators never become matrices. In K[b + x, b] the strings that share x differ only by the signs
(-1)^(z . b), so that the entries for one x are a Walsh-Hadamard transform of their coefficients over z; the traces are
the same transform of the entries of the cotangent. Both cost n 2^n operations for every distinct x, and none for each
string.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks, _matrices
from qml._arrays import as_complex, as_real
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, DimsLike, Integer, Numeric, Real
from qml.geometry.generators import Generators, Strings
from qml.operators import PauliSum
from qml.operators.generators import coefficients_of
from qml.operators.strings import walsh_hadamard
from qml.states.sectors import Sectors, sectors_of

FEW_BYTES = 1 << 19
"""Bytes of all matrices of Pauli generators up to which they are kept as matrices."""


class PauliGenerators(Generators):
    """Linear combinations of Pauli strings."""

    def __init__(self, sums: Sequence[PauliSum]) -> None:
        self._sums, self.n = list(sums), sums[0].n_qubits
        self.dims = (2,) * self.n
        words, self.weights = coefficients_of(sums)
        """The coefficient of every string (x, z) of `words` in every generator, shape (m, number of words)."""
        self.words = np.array(words, dtype=np.int64 if self.n < 63 else object)
        x, self._z = self.words.T
        self.flips, self._group = np.unique(x, return_inverse=True)
        """The distinct x, shape (k,)."""
        y_count = np.bitwise_count(x & self._z).astype(np.int64) % 4
        phase = np.array([1, 1j, -1, -1j])[y_count]
        self._phase = phase if phase.imag.any() else phase.real
        self.is_diagonal = not self.flips.any()

    def __len__(self) -> int:
        return int(self.weights.shape[0])

    @property
    def operators(self) -> list[Any]:
        return self._sums

    @cached_property
    def _entries(self) -> tuple[Integer, Integer, Real]:
        """(generator, word, value) of each weight: with few of them, setting up a sparse product costs the most."""
        entries = self.weights.tocoo()
        return entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data

    @property
    def _d(self) -> int:
        return 1 << self.n

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows b + x and columns b of the entries, each (number of distinct x, d)."""
        b = np.arange(self._d)
        return b ^ self.flips[:, None], np.broadcast_to(b, (len(self.flips), self._d))

    def entries(self, theta: Real) -> Numeric:
        """K[b + x, b] for every x of `flips` and every b, shape (k, d), real where the strings are."""
        generators, words, weights = self._entries
        return self._entries_of_words(as_real(np.bincount(words, weights * theta[generators], len(self._z))))

    def _entries_of_words(self, coefficients: Real) -> Numeric:
        """Those of sum_w c_w P_w, (..., k, d), from c (..., number of words)."""
        by_x = np.zeros((*coefficients.shape[:-1], len(self.flips), self._d), dtype=self._phase.dtype)
        by_x[..., self._group, self._z] = self._phase * coefficients
        return walsh_hadamard(by_x)

    def sums(self, entries: Numeric) -> Real:
        """Tr(C G_j) for all j from the entries C[b, b + x] (k, d)."""
        generators, words, weights = self._entries
        sums = np.bincount(generators, weights * self._word_sums(entries)[words], len(self))
        return np.asarray(sums, dtype=np.float64)

    def _word_sums(self, entries: Numeric) -> Real:
        """Tr(C P_w) for all words."""
        return np.asarray((self._phase * walsh_hadamard(entries)[self._group, self._z]).real)

    @cached_property
    def _as_matrices(self) -> MatrixGenerators | None:
        """The same as matrices, where these are so few and small that one product with all of them takes less."""
        if self.is_diagonal or self._phase.itemsize * len(self) << 2 * self.n > FEW_BYTES:
            return None
        units = np.zeros((len(self), self._d, self._d), dtype=self._phase.dtype)
        units[:, *self._places] = self._entries_of_words(self.weights.toarray())
        return MatrixGenerators(units, self.dims)

    def combine(self, theta: Real) -> Numeric:
        if self._as_matrices is not None:
            return self._as_matrices.combine(theta)
        numbers = len(self.flips) << self.n if self.is_diagonal else 1 << 2 * self.n
        remedy = "use LargeGibbsModel, or ChainGibbsModel for long chains"
        _checks.memory(f"a Gibbs state of {_checks.plural(self.n, 'qubit')}", 16 * numbers, remedy)
        entries = self.entries(theta)
        if self.is_diagonal:
            return np.asarray(entries[0])
        k = as_complex(np.zeros((self._d, self._d), entries.dtype))
        k[self._places] = entries
        return k

    def traces(self, cotangent: Numeric) -> Real:
        if self._as_matrices is not None:
            return self._as_matrices.traces(cotangent)
        return self.sums(self._entries_of(cotangent))

    def word_traces(self, cotangent: Numeric) -> Real:
        """Tr(C P_w) for all words, as :meth:`traces`."""
        return self._word_sums(self._entries_of(cotangent))

    def _entries_of(self, cotangent: Numeric) -> Numeric:
        """C[b, b + x], (k, d), or the real parts, which are all that real strings see."""
        c = cotangent.real if self.is_real else cotangent
        rows, columns = self._places
        return np.asarray(c[None, :] if self.is_diagonal else c[columns, rows])

    @cached_property
    def strings(self) -> Strings:
        return Strings(self.words, self.n, self.weights, self.word_traces)

    @cached_property
    def sectors(self) -> Sectors | None:
        return None if self.is_diagonal else sectors_of(self.words, self.n, self.is_real)

    @cached_property
    def is_real(self) -> bool:
        return not np.iscomplexobj(self._phase)

    def levels(self, start: int, stop: int) -> Real:
        odd = np.bitwise_count(np.arange(start, stop) & self._z[:, None]) & 1
        return np.asarray(self.weights @ (1.0 - 2.0 * odd))

    def left(self, rows: Numeric, out: Numeric) -> None:
        if self._as_matrices is not None:
            return self._as_matrices.left(rows, out)
        factors: Numeric = self._factors if np.iscomplexobj(out) else self._real_factors
        permutations, starts, words = self._places[0], self.weights.indptr, self.weights.indices
        for j, product in enumerate(out):
            first, *others = range(starts[j], starts[j + 1])
            np.take(rows, permutations[self._group[words[first]]], axis=1, out=product, mode="clip")
            product *= factors[first]
            for k in others:
                product += rows[:, permutations[self._group[words[k]]]] * factors[k]

    @cached_property
    def _factors(self) -> Complex:
        """What the columns of a permuted matrix are multiplied by, for each entry of the weights: (entries, d)."""
        words = self.weights.indices
        odd = np.bitwise_count(np.arange(self._d) & self._z[words][:, None]) & 1
        return np.asarray((self.weights.data * self._phase[words])[:, None] * (1.0 - 2.0 * odd))

    @cached_property
    def _real_factors(self) -> Real:
        return np.ascontiguousarray(self._factors.real)


class MatrixGenerators(Generators):
    """Hermitian matrices (m, d, d), their diagonals (m, d), or blocks of them (m, b, d, d), kept as such; products are
    single calls of BLAS."""

    def __init__(self, matrices: Numeric, dims: Dims) -> None:
        self.dims = dims
        diagonals = matrices if matrices.ndim == 2 else matrices.diagonal(axis1=-2, axis2=-1)
        self.is_diagonal = np.count_nonzero(matrices) == np.count_nonzero(diagonals)
        is_real = self.is_diagonal or not matrices.imag.any()
        kept: Numeric = diagonals.real if self.is_diagonal else matrices.real if is_real else matrices
        self._shape = kept.shape[1:]
        self._rows = np.ascontiguousarray(kept.reshape(len(kept), math.prod(self._shape)))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def operators(self) -> list[Any]:
        return [np.diag(m) if self.is_diagonal else m for m in self.matrices]

    @property
    def matrices(self) -> Numeric:
        """The G_j (m, d, d), or their diagonals (m, d)."""
        return as_complex(self._rows).reshape(-1, *self._shape)

    def combine(self, theta: Real) -> Numeric:
        return np.asarray(np.matmul(theta, self._rows)).reshape(self._shape)

    def traces(self, cotangent: Numeric) -> Real:
        entries = cotangent.conj() if np.iscomplexobj(self._rows) else cotangent.real
        return np.asarray(self._rows @ entries.reshape(-1)).real

    @property
    def is_real(self) -> bool:
        return not np.iscomplexobj(self._rows)

    def levels(self, start: int, stop: int) -> Real:
        return as_real(self.matrices[:, start:stop])

    def left(self, rows: Numeric, out: Numeric) -> None:
        np.matmul(rows, self.matrices, out=out)


def matrix_generators(matrices: Sequence[ArrayLike], dims: DimsLike | None) -> MatrixGenerators:
    """The generators of a list of matrices; `dims` None: qubits where the dimension is a power of two."""
    d = _matrices.square("generator 0", matrices[0]).shape[-1]
    site_dims = _checks.qubit_dims(d) if dims is None else _checks.dimensions("dims", dims, d)
    _checks.memory(f"{len(matrices)} generators of dimension {d}", 16 * len(matrices) * d * d, "use Pauli sums")
    stack = np.empty((len(matrices), d, d), dtype=np.complex128)
    for k, matrix in enumerate(matrices):
        g = _matrices.hermitian(f"generator {k}", matrix, d)
        if g.ndim != 2:
            raise InputError(f"generator {k} must have shape ({d}, {d}); found shape {g.shape}.")
        stack[k] = g
    return MatrixGenerators(stack, site_dims)
