"""A state of qubits held as its real Pauli vector."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from qml import _checks, spectral
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Real
from qml.engines import pauli_loops as loops
from qml.engines.block_plan import SMALLEST_REGISTER, SweepBuilder
from qml.engines.pauli_plan import TableBuilder, Tables
from qml.engines.pauli_threads import sweep
from qml.operators import OperatorLike, PauliSum
from qml.states.base import State

_TO_MATRIX = np.array([[1.0, 0, 0, 1], [0, 1, -1, 0], [0, 1, 1, 0], [1, 0, 0, -1]])
"""From the components I, X, Y / i, Z of a site to its entries 00, 01, 10, 11."""
_NOTHING_SAVED = np.empty((0, 0))


class PauliState(State):
    r"""A state of n qubits held as the 4^n real expectations of the Pauli strings.

    .. math:: r_P = \mathrm{Tr}(P \sigma), \qquad \sigma = 2^{-n} \sum_P r_P P, \qquad P \in \{I, X, Y, Z\}^{\otimes n}

    The index of a string has one base-4 digit a qubit (I, X, Y, Z = 0, 1, 2, 3), qubit 0 the most significant: r[1] of
    two qubits is the expectation of IX. It takes half the memory of the matrix. Expectations of Pauli sums,
    probabilities and the purity are read off the vector; the matrix and the spectrum are formed when first asked for.

    Coordinate (what :meth:`pull_matrix` and :meth:`pull_log` differentiate with respect to): the vector r.

    Parameters
    ----------
    vector : array (4^n,)
        The expectations; r[0] = 1.
    n : int
        The number of qubits.

    Raises
    ------
    InputError
        If the shape is not (4^n,), r[0] is not 1, or an eigenvalue is below -1e-10; the violation is in the message.

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
        n = _checks.integer("n", n, low=0)
        r = np.array(_checks.array("the Pauli vector", vector, allow_complex=False), dtype=np.float64)
        if r.shape != (4**n,):
            qubits = _checks.plural(n, "qubit")
            raise InputError(f"the Pauli vector of {qubits} must have shape ({4**n},); found {r.shape}.")
        if abs(r[0] - 1) > _checks.TOLERANCE:
            raise InputError(
                f"the Pauli vector must start with the trace, 1; found {r[0]:.12g}, off by {abs(r[0] - 1):.3g}, "
                f"tolerance {_checks.TOLERANCE}."
            )
        self._set(r, n)
        lowest = float(np.linalg.eigvalsh(self.matrix()).min())
        if lowest < -_checks.TOLERANCE:
            raise InputError(
                f"the Pauli vector must be that of a positive matrix; found the eigenvalue {lowest:.3g}, tolerance "
                f"-{_checks.TOLERANCE}."
            )

    def _set(self, vector: Real, n: int) -> None:
        self._vector = vector.view()
        self._vector.flags.writeable = False
        self.dims = (2,) * n

    @classmethod
    def trusted(cls, vector: Real, n: int) -> PauliState:
        """A state from a vector that is known to be one: nothing is checked or copied. For engines."""
        state = cls.__new__(cls)
        state._set(vector, n)
        return state

    @property
    def vector(self) -> Real:
        """The expectations r_P, shape (4^n,); read-only."""
        return self._vector

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return ()

    @cached_property
    def _matrix(self) -> Complex:
        matrix = matrix_of(self._vector, len(self.dims))
        matrix.flags.writeable = False
        return matrix

    def matrix(self) -> Complex:
        """The density matrix (2^n, 2^n), formed once."""
        return self._matrix

    def _compute_spectrum(self) -> spectral.Spectrum:
        return spectral.spectrum_of_matrix(self.matrix())

    def cross_entropy_and_cotangent(self, rho: State) -> tuple[Real, Cotangent]:
        return self._cross_entropy_and_cotangent_in_eigenbasis(rho)

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        r"""dL/dr (4^n,) from the Hermitian X with dL = Tr(X dsigma): 2^-n Tr(X P) for each P."""
        return vector_of(cotangent, len(self.dims)) / self.dim

    def pull_log(self, cotangent: Complex) -> Cotangent:
        """dL/dr (4^n,) from the Hermitian X with dL = Tr(X dlog sigma)."""
        return self.pull_matrix(self.spectrum().log_pullback(cotangent))

    def probabilities(self) -> Real:
        """<x|sigma|x> for every x, from the 2^n strings of I and Z by a Walsh-Hadamard transform."""
        n = len(self.dims)
        p = self._vector.reshape((4,) * n)[(slice(None, None, 3),) * n]
        for site in range(n):
            plus, minus = p.take(0, site) + p.take(1, site), p.take(0, site) - p.take(1, site)
            p = np.stack([plus, minus], axis=site)
        return p.reshape(-1) / self.dim

    def expect(self, operator: OperatorLike) -> Real:
        """Tr(sigma O): sum_P c_P r_P for a Pauli sum, without the matrix."""
        if not isinstance(operator, PauliSum):
            return super().expect(operator)
        if operator.dims != self.dims:
            raise InputError(
                f"the operator must act on {_checks.plural(len(self.dims), 'qubit')}; found a Pauli sum on "
                f"{_checks.plural(operator.n_qubits, 'qubit')}."
            )
        index = [2 * int(f"{z:b}", 4) + int(f"{x ^ z:b}", 4) for x, z in operator.words]
        return np.asarray(np.dot(np.real(operator.coefficients), self._vector[index]))

    def purity(self) -> Real:
        r"""Tr sigma^2 = 2^-n sum_P r_P^2."""
        return np.asarray(np.dot(self._vector, self._vector) / self.dim)


def matrix_of(vector: Real, n: int) -> Complex:
    """sigma (2^n, 2^n) from its Pauli vector, O(n 4^n)."""
    _checks.memory(f"the density matrix of {n} qubits", 24 * 4**n, "ask for expectations or probabilities instead", n)
    out = np.empty((1 << n, 1 << n), dtype=np.complex128)
    tables = _butterfly(n, loops.TO_MATRIX)
    sweep(vector.copy(), tables, _TO_MATRIX.ravel(), _NOTHING_SAVED, _entries(out), False)
    return out


def vector_of(matrix: Complex, n: int) -> Real:
    """Tr(P X) for each P, of a Hermitian X (2^n, 2^n), O(n 4^n)."""
    out = np.empty(4**n)
    x = np.require(matrix, np.complex128, ["C", "W"])  # as the kernels are compiled for
    sweep(out, _butterfly(n, loops.FROM_MATRIX), _TO_MATRIX.T.ravel(), _NOTHING_SAVED, _entries(x), False)
    return out


def _entries(matrix: Complex) -> Real:
    return matrix.reshape(-1).view(np.float64)


@lru_cache(maxsize=64)
def _butterfly(n: int, exchange: int) -> Tables:
    """The tables of a transform: the signs, a matrix on every site, and the exchange with the density matrix."""
    builder = TableBuilder()
    if exchange == loops.FROM_MATRIX:
        builder.add(exchange, n, [], 0)
    else:
        builder.add(loops.SIGNS, n, [], 0)
    if n >= SMALLEST_REGISTER:
        blocks = SweepBuilder(n, builder.cores)
        for site in range(n):
            blocks.one(site, 0, False)
        builder.add_blocks(blocks)
    else:
        for site in range(n):
            builder.add(loops.MATRIX, n, [2 * site, 2 * site], 1)
    builder.add(loops.SIGNS if exchange == loops.FROM_MATRIX else exchange, n, [], 0)
    return builder.tables()
