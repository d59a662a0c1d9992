"""A state of qubits held as its real Pauli vector."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.linalg import hadamard

from qml import _checks, _matrices, spectral
from qml._arrays import as_complex, as_real, compiled, diagonal, frozen, namespace, on_host, outer
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Integer, Real
from qml.engines.pauli import conversion
from qml.operators import PauliSum
from qml.operators.sites import kept_sites
from qml.states.base import State
from qml.states.held import in_eigenbasis
from qml.states.product import ProductState


def vector_of(matrices: Complex, n: int, scale: float = 1.0) -> Real:
    """scale Tr(P X) for each P, shape (..., 4^n), of Hermitian X (..., 2^n, 2^n): compiled, or, for arrays that are not
    on the host, by products."""
    return conversion.vector_of(matrices, n, scale) if on_host(matrices) else as_real(_vector_of(matrices, n, scale))


def matrix_of(vectors: Real, n: int) -> Complex:
    """sigma (..., 2^n, 2^n) from Pauli vectors (..., 4^n): as :func:`vector_of`."""
    return conversion.matrix_of(vectors, n) if on_host(vectors) else as_complex(_matrix_of(vectors, n))


@compiled
def _matrix_of(vectors: Any, n: int) -> Any:
    """A string is i^w X^x Z^z, with w sites of Y: <c^x|sigma|c> = 2^-n sum_z (-1)^(z.c) i^w r[x, z], one signed sum for
    each x."""
    xp, d, bits = namespace(vectors), 2**n, np.arange(2**n)
    spread = sum(((bits >> k & 1) << 2 * k for k in range(n)), start=0 * bits)
    x, z = xp.asarray(spread)[:, None], xp.asarray(spread)[None, :]
    r = vectors.take((2 * z + (x ^ z)).reshape(-1), axis=-1).reshape(*vectors.shape[:-1], d, d)
    power = _overlap(xp, d) % 4
    even, odd = xp.where(power == 0, r, -r), xp.where(power == 1, r, -r)
    parts = (xp.where(power % 2 == 0, even, 0.0), xp.where(power % 2 == 1, odd, 0.0))
    real, imaginary = (_sums_over_last(part, n) for part in parts)
    by_flip = (real + 1j * imaginary) / d  # (x, c)
    row, column = xp.arange(d)[:, None], xp.arange(d)[None, :]
    index = ((row ^ column) * d + column).reshape(-1)
    return by_flip.reshape(*vectors.shape[:-1], d * d).take(index, axis=-1).reshape(*vectors.shape[:-1], d, d)


@compiled
def _vector_of(matrices: Any, n: int, scale: float) -> Any:
    """The same the other way."""
    xp, d, batch = namespace(matrices), 2**n, matrices.shape[:-2]
    x, c = xp.arange(d)[:, None], xp.arange(d)[None, :]
    by_flip = matrices.reshape(*batch, d * d).take((c * d + (c ^ x)).reshape(-1), axis=-1).reshape(*batch, d, d)
    real, imaginary = _sums_over_last(by_flip.real, n), _sums_over_last(by_flip.imag, n)
    power = _overlap(xp, d) % 4  # Tr(P X) = sum_c i^power (-1)^(z.c) X[c, c^x], which is real
    signed = xp.where(power % 2 == 0, real, imaginary)
    by_string = scale * xp.where((power == 0) | (power == 3), signed, -signed)
    index = xp.arange(4**n)
    high, low = index >> 1 & sum(1 << 2 * k for k in range(n)), index & sum(1 << 2 * k for k in range(n))
    place = _together(high ^ low, n) * d + _together(high, n)
    return by_string.reshape(*batch, d * d).take(place, axis=-1)


@compiled
def _in_own_eigenbasis(vector: Any, rho: Any, n: int) -> Any:
    """Of a Pauli vector the spectrum of its state, what rho (2^n, 2^n) has on its diagonal in that basis, and dL/dr
    where dL = -Tr(rho dlog sigma): all that the cross entropy and its derivative need, as one call to a device."""
    state = PauliState._trusted(vector, n)
    spectrum = state.spectrum()
    rotated = spectrum.to_basis(rho)
    pulled = -state.pull_matrix(spectrum.log_pullback_in_basis(rotated))
    return spectrum.log_eigenvalues, spectrum.basis, spectrum.cut, diagonal(rotated), pulled


def _overlap(xp: Any, d: int) -> Any:
    """The number of ones in x & z for all x and z, (d, d)."""
    return xp.bitwise_count(xp.arange(d)[:, None] & xp.arange(d)[None, :]).astype("int32")


def _together(index: Any, n: int) -> Any:
    """Every second bit of numbers, moved together."""
    return sum(((index >> 2 * k & 1) << k for k in range(n)), start=0 * index)


def _sums_over_last(a: Any, n: int) -> Any:
    """sum_z (-1)^(z . c) a[..., z] for every c, by products with at most six bits at a time."""
    xp, shape = namespace(a), a.shape
    for bits in [6] * (n // 6) + [n % 6] * (n % 6 > 0):
        signs = xp.asarray(hadamard(2**bits).astype(np.float64))
        a = xp.einsum("xzr,zc->xrc", a.reshape(-1, 2**bits, 2 ** (n - bits)), signs).reshape(shape)
    return a


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
        self._set(r / _matrices.normaliser(r[..., 0], 2**n)[..., None], n)
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

    def numpy(self) -> PauliState:
        if on_host(self._vector):
            return self
        return PauliState._trusted(np.asarray(self._vector), len(self.dims))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self._vector.shape[:-1]

    def _at(self, index: Any) -> PauliState:
        return PauliState._trusted(self._vector[index], len(self.dims))

    _matrix: Complex | None = None

    def matrix(self) -> Complex:
        """The density matrix (..., 2^n, 2^n), formed once."""
        if self._matrix is None:
            self._matrix = as_complex(frozen(matrix_of(self._vector, len(self.dims))))
        return self._matrix

    def _compute_spectrum(self) -> spectral.Spectrum:
        return spectral.spectrum_of_matrix(self.matrix())

    def _in_eigenbasis(self, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
        if on_host(self._vector) or "_spectrum" in vars(self):
            return in_eigenbasis(self, rho)
        logs, basis, weight, populations, cotangent = _in_own_eigenbasis(self._vector, rho.matrix(), len(self.dims))
        vars(self)["_spectrum"] = spectral.Spectrum(logs, basis, weight)
        return populations, lambda: cotangent

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
        kept = kept_sites(keep, n)
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
        places, values = _places(operator), np.real(operator.coefficients)
        if not on_host(self._vector):
            xp, size = namespace(self._vector), self._vector.shape[-1]
            return xp.broadcast_to(xp.bincount(xp.asarray(places), weights=values, length=size), self._vector.shape)
        found = np.zeros(self._vector.shape)
        found[..., places] = values
        return found

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
    needed = 16 * math.prod(state.batch_shape) * 4**n
    _checks.memory(f"the Pauli vector of {n} qubits", needed, "use fewer qubits", n)
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
