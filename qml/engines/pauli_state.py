"""A state of qubits held as its real Pauli vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks, spectral
from qml._arrays import as_complex, as_real, frozen, namespace, on_host, outer
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Integer, Real
from qml.engines.pauli import conversion
from qml.operators import PauliSum
from qml.states.base import State
from qml.states.density_matrix import in_eigenbasis
from qml.states.product import ProductState

_LETTERS: Complex = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1j, -1j, 0], [1, 0, 0, -1]])
"""The components I, X, Y, Z of a site from its entries 00, 01, 10, 11."""


def vector_of(matrices: Complex, n: int, scale: float = 1.0) -> Real:
    """scale Tr(P X) for each P, shape (..., 4^n), of Hermitian X (..., 2^n, 2^n): compiled, or, for arrays that are not
    on the host, by a product for each qubit."""
    if on_host(matrices):
        return conversion.vector_of(matrices, n, scale)
    lead, pairs = matrices.ndim - 2, [axis for site in range(n) for axis in (site, n + site)]
    x = matrices.reshape(*matrices.shape[:-2], *(2,) * (2 * n))
    x = x.transpose(*range(lead), *(lead + axis for axis in pairs))
    return as_real(scale * _site_by_site(x, _LETTERS, n, matrices.shape[:-2]).real)


def matrix_of(vectors: Real, n: int) -> Complex:
    """sigma (..., 2^n, 2^n) from Pauli vectors (..., 4^n): as :func:`vector_of`."""
    if on_host(vectors):
        return conversion.matrix_of(vectors, n)
    lead, batch = vectors.ndim - 1, vectors.shape[:-1]
    x = _site_by_site(vectors, as_complex(_LETTERS.conj().T / 2), n, batch).reshape(*batch, *(2,) * (2 * n))
    sites = [*range(lead, lead + 2 * n, 2), *range(lead + 1, lead + 2 * n, 2)]
    return as_complex(x.transpose(*range(lead), *sites).reshape(*batch, 2**n, 2**n))


def _site_by_site(x: Any, matrix: Complex, n: int, batch: tuple[int, ...]) -> Any:
    """A matrix (4, 4) on each of n indices of four values, (*batch, 4^n)."""
    for _ in range(n):
        x = (x.reshape(*batch, 4, 4 ** (n - 1)).swapaxes(-1, -2) @ matrix.T).reshape(*batch, 4**n)
    return x


class PauliState(State):
    r"""A state of n qubits, or a batch of them, held as the 4^n real expectations of the Pauli strings.

    .. math:: r_P = \mathrm{Tr}(P \sigma), \qquad \sigma = 2^{-n} \sum_P r_P P, \qquad P \in \{I, X, Y, Z\}^{\otimes n}

    The index of a string has one base-4 digit a qubit (I, X, Y, Z = 0, 1, 2, 3), qubit 0 the most significant: r[1] of
    two qubits is the expectation of IX. It takes half the memory of the matrix. Expectations of Pauli sums,
    probabilities and the purity are read off the vector; the matrix and the spectrum are formed when first asked for.

    Coordinate (what :meth:`pull_matrix` and :meth:`pull_log` differentiate with respect to): the vector r.

    Parameters
    ----------
    vector : array (..., 4^n)
        The expectations; r[0] = 1. Leading axes are a batch.
    n : int
        The number of qubits.

    Raises
    ------
    InputError
        If the shape is not (..., 4^n), r[0] is not 1, or an eigenvalue is below -1e-10; the message says by how much.

    Notes
    -----
    Validation costs one eigenvalue decomposition, O(8^n). The matrix costs O(n 4^n).

    Examples
    --------
    >>> plus = PauliState([1.0, 1.0, 0.0, 0.0], 1)
    >>> plus.matrix().real
    array([[0.5, 0.5],
           [0.5, 0.5]])
    >>> plus.probabilities()
    array([0.5, 0.5])
    """

    def __init__(self, vector: ArrayLike, n: int) -> None:
        n = _checks.qubit_count("n", n, low=0)
        r = np.array(_checks.reals("the Pauli vector", vector), dtype=np.float64)
        if r.ndim < 1 or r.shape[-1] != 4**n:
            qubits, d = _checks.plural(n, "qubit"), _checks.readable(4**n)
            raise InputError(f"the Pauli vector of {qubits} must have shape (..., {d}); found {r.shape}.")
        worst = float(np.abs(r[..., 0] - 1).max(initial=0.0))
        if worst > _checks.TOLERANCE:
            first = float(r[..., 0].flat[np.abs(r[..., 0] - 1).argmax()])
            raise InputError(
                f"the Pauli vector must start with the trace, 1; found {first:.12g}, off by {worst:.3g}, "
                f"tolerance {_checks.TOLERANCE}."
            )
        self._set(r / _checks.normaliser(r[..., 0], 2**n)[..., None], n)
        lowest = float(np.linalg.eigvalsh(self.matrix()).min(initial=0.0))
        if lowest < -_checks.TOLERANCE:
            raise InputError(
                f"the Pauli vector must be that of a positive matrix; found the eigenvalue {lowest:.3g}, tolerance "
                f"-{_checks.TOLERANCE}."
            )

    def _set(self, vector: Real, n: int) -> None:
        self._vector: Real = frozen(vector)
        self.dims = (2,) * n

    @classmethod
    def _trusted(cls, vector: Real, n: int) -> PauliState:
        """A state from a vector that is known to be one: nothing is checked or copied. For engines."""
        state = cls.__new__(cls)
        state._set(vector, n)
        return state

    @property
    def pauli_vector(self) -> Real:
        """The expectations r_P, shape (..., 4^n); read-only."""
        return self._vector

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self._vector.shape[:-1]

    def _at(self, index: Any) -> PauliState:
        return PauliState._trusted(self._vector[index], len(self.dims))

    @cached_property
    def _matrix(self) -> Complex:
        return as_complex(frozen(matrix_of(self._vector, len(self.dims))))

    def matrix(self) -> Complex:
        """The density matrix (..., 2^n, 2^n), formed once."""
        return self._matrix

    def _compute_spectrum(self) -> spectral.Spectrum:
        return spectral.spectrum_of_matrix(self.matrix())

    def _in_eigenbasis(self, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
        return in_eigenbasis(self, rho)

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        r"""dL/dr (..., 4^n) from the Hermitian X (..., d, d) with dL = Tr(X dsigma): 2^-n Tr(X P) for each P."""
        return vector_of(cotangent, len(self.dims), 1 / self.dim)

    def pull_log(self, cotangent: Complex) -> Cotangent:
        """dL/dr (..., 4^n) from the Hermitian X (..., d, d) with dL = Tr(X dlog sigma)."""
        return self.pull_matrix(self.spectrum().log_pullback(cotangent))

    def probabilities(self) -> Real:
        """<x|sigma|x> for every x, from the 2^n strings of I and Z by a Walsh-Hadamard transform."""
        n = len(self.dims)
        return _signed_sums(_without_flips(self._vector, n), n) / self.dim

    def partial_trace(self, keep: Sequence[int]) -> PauliState:
        """The expectations of the strings that act on the kept sites only."""
        n, lead = len(self.dims), len(self.batch_shape)
        kept = _checks.targets("keep", keep, n)
        if not kept:
            raise InputError("keep must name at least one site; found none.")
        out = self._vector.reshape(*self.batch_shape, *(4,) * n)
        out = out[(..., *(slice(None) if site in kept else 0 for site in range(n)))]
        order = [lead + sorted(kept).index(site) for site in kept]
        r = out.transpose(*range(lead), *order).reshape(*self.batch_shape, 4 ** len(kept))
        return PauliState._trusted(np.ascontiguousarray(r) if on_host(r) else r, len(kept))

    def _expect(self, operator: PauliSum | Complex) -> Real:
        """Tr(sigma O): sum_P c_P r_P for a Pauli sum, without the matrix."""
        if not isinstance(operator, PauliSum):
            return super()._expect(operator)
        if operator.dims != self.dims:
            raise InputError(
                f"the operator must act on {_checks.plural(len(self.dims), 'qubit')}; found a Pauli sum on "
                f"{_checks.plural(operator.n_qubits, 'qubit')}."
            )
        return as_real((np.real(operator.coefficients) * self._vector.take(_places(operator), axis=-1)).sum(axis=-1))

    def _pull_expect(self, operator: PauliSum | Complex) -> Cotangent:
        """c_P for each P, of a Pauli sum; shape of the vector."""
        if not isinstance(operator, PauliSum):
            return super()._pull_expect(operator)
        found = np.zeros(self._vector.shape)
        found[..., _places(operator)] = np.real(operator.coefficients)
        return namespace(self._vector).asarray(found)

    def _purity(self) -> Real:
        r"""Tr sigma^2 = 2^-n sum_P r_P^2."""
        if not on_host(self._vector):
            return as_real((self._vector * self._vector).sum(axis=-1) / self.dim)
        squares = [np.dot(r, r) / self.dim for r in self._vector.reshape(-1, self._vector.shape[-1])]
        return np.reshape(squares, self.batch_shape)


def pauli_vector_of(state: State) -> Real:
    """The Pauli vector (..., 4^n) of a state of qubits: what it is held as, or made of probabilities, of factors or of
    its matrix."""
    n = len(state.dims)
    if state.pauli_vector is not None:
        return state.pauli_vector
    if state.is_diagonal and on_host(p := state.probabilities()):
        r = np.zeros((*state.batch_shape, 4**n))
        inside = _without_flips(r, n)
        inside[...] = _signed_sums(p.reshape(inside.shape), n).reshape(inside.shape)
        return r
    if isinstance(state, ProductState):
        return outer(map(pauli_vector_of, state.factors))
    return vector_of(state.matrix(), n)


def _places(operator: PauliSum) -> Integer:
    """Where the strings of a sum stand in Pauli vectors."""
    return np.array([2 * int(f"{z:b}", 4) + int(f"{x ^ z:b}", 4) for x, z in operator.words], dtype=np.int64)


def _without_flips(vectors: Real, n: int) -> Real:
    """A view (..., 2, ..., 2) of the components of Pauli vectors (..., 4^n) whose strings hold I and Z only."""
    place: tuple[Any, ...] = (..., *(slice(None, None, 3),) * n)
    return as_real(vectors.reshape((*vectors.shape[:-1], *(4,) * n))[place])


def _signed_sums(a: Real, n: int) -> Real:
    """sum_b (-1)^(z . b) a[..., b_1, ..., b_n] for every z, (..., 2^n): the same numbers whatever the batch."""
    for axis in range(a.ndim - n, a.ndim):
        plus, minus = a.take(0, axis) + a.take(1, axis), a.take(0, axis) - a.take(1, axis)
        a = namespace(a).stack([plus, minus], axis=axis)
    return a.reshape(*a.shape[: a.ndim - n], 2**n)
