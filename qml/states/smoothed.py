"""A state of low rank with a little of the maximally mixed one: of full rank, and still never a d x d matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qml import _checks, spectral
from qml._typing import ArrayLike, Complex, Cotangent, DimsLike, Real
from qml.states.base import State
from qml.states.density_matrix import DensityMatrix, reduced


class SmoothedState(State):
    r"""A factor mixed with the maximally mixed state (a depolarized state of low rank).

    .. math:: \sigma = (1 - p)\, A A^\dagger + p\, 1/d

    Its logarithm is known from the singular values of A: log(p/d) outside the range of A. Of full rank, so that
    S(rho, sigma) is finite for every rho, at most log(d/p).

    Coordinate: A. A cotangent is C (d, r) with dL = Re Tr(C^dagger dA).

    Parameters
    ----------
    factor : array (d, r)
        A, with Tr A^dagger A = 1 and r <= d.
    p : float
        The weight of 1/d; above 0, at most 1.
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.

    Raises
    ------
    InputError
        If A is not normalised, or p is out of range.

    Notes
    -----
    S against a rho held as a factor of k columns costs O(d r (r + k)), its derivative the same. The matrix and the
    eigenvectors outside the range of A are formed only where they are asked for.

    Examples
    --------
    >>> import numpy as np
    >>> sigma = SmoothedState(np.array([[1.0], [0.0]]), 0.5)
    >>> sigma.matrix().real
    array([[0.75, 0.  ],
           [0.  , 0.25]])
    """

    def __init__(self, factor: ArrayLike, p: float, dims: DimsLike | None = None) -> None:
        self._low = DensityMatrix.from_factor(factor, dims)
        assert self._low.factor is not None
        if self._low.factor.ndim != 2 or self._low.factor.shape[1] > self._low.dim:
            raise _checks.InputError(f"the factor must have shape (d, r) with r <= d; found {self._low.factor.shape}.")
        self._a = self._low.factor
        self.dims = self._low.dims
        self.p = _checks.number("p", p, np.finfo(np.float64).tiny, 1.0)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return ()

    @property
    def factor(self) -> Complex:
        """A (d, r)."""
        return self._a

    @property
    def _floor(self) -> float:
        """The eigenvalue outside the range of A, p / d."""
        return self.p / self.dim

    def _logs(self) -> Real:
        """Log-eigenvalues on the range of A, shape (r,)."""
        return np.log((1 - self.p) * self._low.spectrum().eigenvalues + self._floor)

    def _log_eigenvalues(self) -> Real:
        logs = self._logs()
        return np.concatenate([logs, np.full(self.dim - len(logs), math.log(self._floor))])

    def _compute_spectrum(self) -> spectral.Spectrum:
        _checks.memory(f"eigenvectors of dimension {self.dim}", 48 * self.dim**2, "use fewer sites")
        vectors = np.linalg.svd(self._a, full_matrices=True)[0]
        return spectral.Spectrum(self._log_eigenvalues(), vectors)

    def matrix(self) -> Complex:
        m = (1 - self.p) * self._low.matrix()
        m[np.diag_indices(self.dim)] += self._floor
        return m

    def probabilities(self) -> Real:
        return (1 - self.p) * self._low.probabilities() + self._floor

    def apply(self, columns: Complex) -> Complex:
        return (1 - self.p) * self._low.apply(columns) + self._floor * columns

    def _purity(self) -> Real:
        return np.asarray(np.exp(2 * self._log_eigenvalues()).sum())

    def partial_trace(self, keep: Sequence[int]) -> DensityMatrix:
        return reduced(self, keep)

    def _log_expectation(self, rho: State) -> Real:
        basis = self._low.spectrum().basis
        return self._mean(rho, rho.populations(basis))

    def _mean(self, rho: State, populations: Real) -> Real:
        floor = math.log(self._floor)
        return np.asarray((populations * (self._logs() - floor)).sum(axis=-1) + rho._trace() * floor)

    def cross_entropy_and_cotangent(self, rho: State) -> tuple[float, Cotangent]:
        basis = self._low.spectrum().basis
        assert basis is not None
        image = rho.apply(basis)
        value = float(-self._mean(rho, np.einsum("dj,dj->j", basis.conj(), image).real) + 0.0)
        return value, self._pull(-image)

    def pull_log(self, cotangent: Complex) -> Cotangent:
        basis = self._low.spectrum().basis
        assert basis is not None
        return self._pull(cotangent @ basis)

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        return np.asarray(2 * (1 - self.p) * cotangent @ self._a)

    def _pull(self, image: Complex) -> Complex:
        """C from the columns X V: the pairs inside the range of A, and those of a vector inside with one outside."""
        basis = self._low.spectrum().basis
        assert basis is not None
        logs = self._logs()
        inside = basis.conj().T @ image
        differences = spectral.log_divided_differences(np.append(logs, math.log(self._floor)))
        g = basis @ (differences[:-1, :-1] * inside) + (image - basis @ inside) * differences[-1, :-1]
        return np.asarray(2 * (1 - self.p) * g @ self._low.factor_in_eigenbasis())


def factor_state(factor: Complex, p: float, dims: DimsLike) -> DensityMatrix | SmoothedState:
    """The state of a factor A, smoothed where p > 0."""
    return SmoothedState(factor, p, dims) if p else DensityMatrix.from_factor(factor, dims)
