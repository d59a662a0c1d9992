"""What a state is held as: a matrix, probabilities, or a factor A with sigma = A A^dagger; and what each knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np

from qml import _checks, _products, spectral
from qml._arrays import as_complex, as_real, diagonal, frozen, namespace, on_host
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Dims, DimsLike, Real
from qml.operators import PauliSum
from qml.operators.sites import grouped, kept_sites, reduced_matrix
from qml.states.base import State


class Held(State, is_kind=False):
    """A state in one of three forms, of which one is not None; a matrix that was asked for is kept beside it."""

    def _set(
        self,
        matrix: Complex | None,
        dims: DimsLike | None,
        *,
        probabilities: Real | None = None,
        factor: Complex | None = None,
        smoothing: float = 0.0,
        known: bool = False,
    ) -> None:
        columns: Any = matrix if factor is None else factor
        shape = columns.shape[:-1] if probabilities is None else probabilities.shape
        self.dims = dims if known and isinstance(dims, tuple) else _checks.sites(dims, shape[-1])
        self._batch_shape = shape[:-1]
        self._matrix: Complex | None = frozen(matrix)
        self._probabilities: Real | None = frozen(probabilities)
        self._factor: Complex | None = frozen(factor)
        self.smoothing = smoothing

    @classmethod
    def _make(cls, matrix: Complex | None, dims: DimsLike | None, **parts: Any) -> Self:
        state = cls.__new__(cls)
        state._set(matrix, dims, **parts)
        return state

    @classmethod
    def _trusted(cls, matrix: Complex, dims: DimsLike | None = None) -> Self:
        """A state from a matrix that is known to be one: nothing is checked. For engines."""
        if on_host(matrix):
            matrix = np.asarray(matrix, dtype=np.complex128)
        return cls._make(matrix, dims, known=True)

    @classmethod
    def _of_singular_vectors(cls, vectors: Complex, values: Real, dims: Dims) -> Self:
        """The state of the factor U diag(s) of unit norm, from its singular vectors U (d, r) and singular values s
        (r,)."""
        state = cls._make(None, dims, factor=(vectors * values).astype(np.complex128, copy=False), known=True)
        found, kept = spectral.spectrum_of_singular_vectors(vectors, values)
        state._decomposed = found, np.diag(kept)
        return state

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self._batch_shape

    @property
    def is_diagonal(self) -> bool:
        return self._probabilities is not None

    @property
    def factor(self) -> Complex | None:
        return None if self.smoothing else self._factor

    def factor_in_eigenbasis(self) -> Complex:
        """V^dagger A (..., min(d, r), r) of a state held as a factor A, with V the basis of its spectrum."""
        if self._factor is None:
            raise InputError("the state is not held as a factor: make it with DensityMatrix.from_factor.")
        return self._decomposed[1]

    @cached_property
    def _decomposed(self) -> tuple[spectral.Spectrum, Complex]:
        assert self._factor is not None
        return spectral.decompose_factor(self._factor, self.smoothing)

    def _arrays(self) -> dict[str, Any]:
        if self._probabilities is not None:
            return {"probabilities": self._probabilities}
        if self._factor is None:
            return {"matrix": self._matrix}
        return {"factor": self._factor} | ({"smoothing": np.array(self.smoothing)} if self.smoothing else {})

    def numpy(self) -> Self:
        if all(map(on_host, self._arrays().values())):
            return self
        return self._trusted(np.asarray(self.matrix()), self.dims)

    def matrix(self) -> Complex:
        if self._matrix is None:
            needed = 16 * max(1, math.prod(self._batch_shape)) * self.dim**2
            _checks.memory(f"a density matrix of dimension {self.dim}", needed, "use fewer sites")
            if self._probabilities is not None:
                m = spectral.Spectrum(self._probabilities, None).matrix_of(self._probabilities)
            else:
                assert self._factor is not None
                white = namespace(self._factor).eye(self.dim) if self.smoothing else 0.0
                m = self._smoothed(self._factor @ self._factor.conj().swapaxes(-1, -2), white)
            self._matrix = frozen(m)
        assert self._matrix is not None
        return self._matrix

    def _compute_spectrum(self) -> spectral.Spectrum:
        if self._probabilities is not None:
            return spectral.Spectrum(spectral.log_probabilities(self._probabilities), None)
        if self._factor is not None:
            return self._decomposed[0]
        return spectral.spectrum_of_matrix(self.matrix())

    def _smoothed(self, of_low_rank: Any, of_identity: Any) -> Any:
        """What is linear in the state, from its values for A A^dagger and for the identity matrix."""
        p = self.smoothing
        return (1 - p) * of_low_rank + p / self.dim * of_identity if p else of_low_rank

    def _log_eigenvalues(self) -> Real:
        if self._probabilities is not None or self._factor is not None:
            return super()._log_eigenvalues()
        return self._logs_without_basis

    @cached_property
    def _logs_without_basis(self) -> Real:
        """Cheaper than the spectrum; kept apart from it, so that no number depends on what was asked before."""
        return spectral.log_eigenvalues_of_matrix(self.matrix())

    def probabilities(self) -> Real:
        if self._probabilities is not None:
            return self._probabilities
        if self._factor is not None:
            return as_real(self._smoothed(_squares(self._factor).sum(axis=-1), 1.0))
        return super().probabilities()

    def populations(self, basis: Complex | None) -> Real:
        if basis is None:
            return self.probabilities()
        if self._probabilities is not None:
            squares, p = _squares(basis), self._probabilities
            return as_real(namespace(squares, p).einsum("...dj,...d->...j", squares, p))
        if self._factor is not None:
            found = _squares(basis.conj().swapaxes(-1, -2) @ self._factor).sum(axis=-1)
            white = _squares(basis).sum(axis=-2) if self.smoothing else 0.0
            return as_real(self._smoothed(found, white))
        return _products.quadratic_forms(self.matrix(), basis)

    def _expect(self, operator: PauliSum | Complex) -> Real:
        if self._factor is None or not isinstance(operator, PauliSum) or not on_host(self._factor):
            return super()._expect(operator)
        columns = np.moveaxis(self._factor, -1, -2)
        constant = dict(zip(operator.words, operator.coefficients, strict=True)).get((0, 0), 0.0).real
        found = (columns.conj() * operator.apply(columns)).real.sum(axis=(-2, -1))
        return np.asarray(self._smoothed(found, self.dim * constant))

    def _pull_expect(self, operator: PauliSum | Complex) -> Cotangent:
        if self._factor is None or not isinstance(operator, PauliSum) or not on_host(self._factor):
            return super()._pull_expect(operator)
        image = np.moveaxis(operator.apply(np.moveaxis(self._factor, -1, -2)), -1, -2)
        return as_complex(2 * (1 - self.smoothing) * image)

    def apply(self, columns: Complex) -> Complex:
        if self._probabilities is not None:
            return as_complex(self._probabilities[..., None] * columns)
        if self._factor is not None:
            image = self._factor @ (self._factor.conj().swapaxes(-1, -2) @ columns)
            return as_complex(self._smoothed(image, columns))
        return super().apply(columns)

    def _purity(self) -> Real:
        if self._factor is None or not self.smoothing:
            return super()._purity()
        logs = self._log_eigenvalues()
        return as_real(namespace(logs).exp(2 * logs).sum(axis=-1))

    def _in_eigenbasis(self, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
        if self._probabilities is not None:
            p = rho.probabilities()
            return p, lambda: self._pull_log_of_diagonal(-p)
        if self._factor is None:
            return in_eigenbasis(self, rho)
        basis = self._spectrum.columns
        columns = rho.apply(basis)
        rotated = basis.conj().T @ columns
        return diagonal(rotated), lambda: self._pull_log_to_factor(-columns, -rotated)

    def _pull_log_to_factor(self, columns: Complex, rotated: Complex) -> Complex:
        rows = self.factor_in_eigenbasis()
        pulled = self._spectrum.log_pullback_to_factor(columns, rotated, rows)
        return (1 - self.smoothing) * pulled if self.smoothing else pulled

    def pull_log(self, cotangent: Complex) -> Cotangent:
        if self._factor is not None:
            basis = self._spectrum.columns
            columns = cotangent @ basis
            return self._pull_log_to_factor(columns, basis.conj().swapaxes(-1, -2) @ columns)
        if self._probabilities is not None:
            return self._pull_log_of_diagonal(diagonal(cotangent))
        return self._spectrum.log_pullback(cotangent)

    def _pull_log_of_diagonal(self, x: Real) -> Real:
        """:meth:`pull_log` of a state held as probabilities, where X has this diagonal."""
        xp, support = namespace(self._probabilities, x), self._spectrum.support
        with np.errstate(over="ignore"):
            slope = x / xp.where(support, self._probabilities, 1.0)
        return as_real(xp.where(support, slope.clip(-spectral.LARGEST, spectral.LARGEST), 0.0))

    def _pull_diagonal(self, x: Real) -> Cotangent:
        return super()._pull_diagonal(x) if self._probabilities is None else x

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        if self._probabilities is not None:
            return self._pull_diagonal(diagonal(cotangent))
        if self._factor is not None:
            return as_complex(2 * (1 - self.smoothing) * cotangent @ self._factor)
        return cotangent

    def partial_trace(self, keep: Sequence[int]) -> Self:
        kept = kept_sites(keep, len(self.dims))
        dims = tuple(self.dims[k] for k in kept)
        if self._probabilities is not None:
            return self._make(None, dims, probabilities=grouped(self._probabilities, kept, self.dims).sum(axis=-1))
        if self._factor is None:
            return self._trusted(reduced_matrix(self.matrix(), kept, self.dims), dims)
        xp = namespace(self._factor)
        parts = grouped(self._factor.swapaxes(-1, -2), kept, self.dims)  # (..., r, d', rest)
        a = xp.moveaxis(parts, -3, -1).reshape(*self.batch_shape, math.prod(dims), parts.shape[-3] * parts.shape[-1])
        if a.shape[-1] < a.shape[-2]:
            return self._make(None, dims, factor=a, smoothing=self.smoothing)
        white = xp.eye(a.shape[-2]) * (self.dim / a.shape[-2])  # of which p/d is left
        return self._trusted(self._smoothed(a @ a.conj().swapaxes(-1, -2), white), dims)

    def _at(self, index: Any) -> Self:
        held = (self._matrix, self._probabilities, self._factor)
        matrix, probabilities, factor = (None if a is None else a[index] for a in held)
        return self._make(matrix, self.dims, probabilities=probabilities, factor=factor, smoothing=self.smoothing)


def in_eigenbasis(sigma: State, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
    """:meth:`State._in_eigenbasis` of states that know no more than their matrix: V^dagger rho V serves both."""
    spectrum = sigma._spectrum
    rotated = spectrum.to_basis(rho.matrix())
    return diagonal(rotated), lambda: -sigma.pull_matrix(spectrum.log_pullback_in_basis(rotated))


def _squares(columns: Complex) -> Real:
    """The absolute squares of the entries."""
    xp = namespace(columns)
    return as_real(xp.square(xp.abs(columns)))
