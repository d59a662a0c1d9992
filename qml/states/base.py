"""The interface of a state: what a loss may ask of sigma, and how it hands a derivative back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qml import operators, spectral
from qml._typing import Complex, Cotangent, Dims, Integer, Real

if TYPE_CHECKING:
    from qml.operators import OperatorLike


class State(ABC):
    """A quantum state, or a batch of them (leading axes), on sites of dimensions `dims`.

    A state knows its own spectrum in the log domain, and pulls a derivative with respect to log sigma or sigma back to
    its own *coordinate* (the numbers that it is held as). Losses speak only this interface.
    """

    dims: Dims

    @property
    def dim(self) -> int:
        """The dimension d = prod(dims)."""
        return math.prod(self.dims)

    @property
    @abstractmethod
    def batch_shape(self) -> tuple[int, ...]:
        """Leading axes; () for a single state."""

    @abstractmethod
    def matrix(self) -> Complex:
        """The density matrix, shape (..., d, d)."""

    @abstractmethod
    def _compute_spectrum(self) -> spectral.Spectrum: ...

    @cached_property
    def _spectrum(self) -> spectral.Spectrum:
        return self._compute_spectrum()

    def _log_eigenvalues(self) -> Real:
        """log-eigenvalues alone; a subclass for which they come cheaper than the eigenvectors says so."""
        return self.spectrum().log_eigenvalues

    def spectrum(self) -> spectral.Spectrum:
        """The eigen-decomposition in the log domain, computed once."""
        return self._spectrum

    def __repr__(self) -> str:
        batch = f", batch {self.batch_shape}" if self.batch_shape else ""
        return f"{type(self).__name__}(dims={self.dims}{batch})"

    def _repr_html_(self) -> str:
        from qml.states.display import state_html

        return state_html(self)

    @abstractmethod
    def pull_log(self, cotangent: Complex) -> Cotangent:
        """dL/d(coordinate) from the Hermitian X (..., d, d) with dL = Tr(X dlog sigma)."""

    @abstractmethod
    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        """dL/d(coordinate) from the Hermitian X (..., d, d) with dL = Tr(X dsigma)."""

    @property
    def is_diagonal(self) -> bool:
        """Whether it is held as probabilities of the computational basis."""
        return False

    def probabilities(self) -> Real:
        """Populations <x|sigma|x> of the computational basis, shape (..., d)."""
        return np.asarray(np.diagonal(self.matrix(), axis1=-2, axis2=-1).real)

    def apply(self, columns: Complex) -> Complex:
        """sigma times the columns (..., d, m); without its matrix where the state is held as something smaller."""
        return np.asarray(self.matrix() @ columns)

    def populations(self, basis: Complex | None) -> Real:
        """<v_j|sigma|v_j> for the columns v_j of `basis` (..., d, r); None is the computational basis."""
        if basis is None:
            return self.probabilities()
        return np.asarray(np.einsum("...dj,...dj->...j", basis.conj(), self.apply(basis)).real)

    def expect(self, operator: OperatorLike) -> Real:
        """Tr(sigma O) of a Hermitian operator (matrix, Pauli sum or Qobj), shape of the batch."""
        o = operators.as_matrix(operator, self.dims)
        return np.asarray(np.einsum("...ij,...ji->...", self.matrix(), o).real)

    def entropy(self) -> Real:
        r"""The von Neumann entropy -Tr sigma log sigma in nats, shape of the batch; 0 log 0 = 0. Computed once."""
        return self._entropy

    @cached_property
    def _entropy(self) -> Real:
        logs = self._log_eigenvalues()  # whose last bits depend on whether eigenvectors are there: asked for once
        return np.asarray(-(np.exp(logs) * np.where(np.isfinite(logs), logs, 0.0)).sum(axis=-1)) + 0.0

    def purity(self) -> Real:
        r"""Tr sigma^2, from 1/d (maximally mixed) to 1 (pure), shape of the batch."""
        if self.is_diagonal:
            return np.asarray(np.square(self.probabilities()).sum(axis=-1))
        return np.asarray(np.square(np.abs(self.matrix())).sum(axis=(-2, -1)))

    def rank(self) -> Integer:
        """The number of eigenvalues above the cut of the support policy, shape of the batch."""
        return np.asarray(self.spectrum().support.sum(axis=-1))

    def log_expectation(self, rho: State) -> Real:
        r"""Tr(rho log sigma) in nats: sum_j <j|rho|j> l_j over the support of sigma, shape of the batch.

        -inf where the weight of rho outside the support exceeds the cut of the support policy; 0 log 0 = 0.
        """
        spectrum = self.spectrum()
        exact = spectrum.basis is None and rho.is_diagonal
        return log_mean(spectrum, rho.populations(spectrum.basis), exact)

    def cross_entropy_and_cotangent(self, rho: State) -> tuple[Real, Cotangent]:
        """-Tr(rho log sigma) of single states, and its derivative in the coordinate of sigma (None at +inf)."""
        value = -self.log_expectation(rho) + 0.0
        return value, None if np.isinf(value) else self.pull_log(-rho.matrix())

    def _cross_entropy_and_cotangent_in_eigenbasis(self, rho: State) -> tuple[Real, Cotangent]:
        """The same for states that know no more than their eigenbasis: V^dagger rho V serves both."""
        spectrum = self.spectrum()
        rotated = spectrum.to_basis(rho.matrix())
        value = -log_mean(spectrum, np.diagonal(rotated).real, exact=False) + 0.0
        return value, None if np.isinf(value) else self.pull_matrix(spectrum.log_pullback_in_basis(rotated, -1.0))

    def qobj(self) -> Any:
        """The state as a QuTiP Qobj with the same dims (batches: a list would hide the shape, so they are refused)."""
        import qutip

        from qml._checks import InputError

        if self.batch_shape:
            raise InputError(f"a batch of shape {self.batch_shape} is not one Qobj: index it first, state[i].qobj().")
        return qutip.Qobj(self.matrix(), dims=[list(self.dims), list(self.dims)])


def log_mean(spectrum: spectral.Spectrum, populations: Real, exact: bool) -> Real:
    """sum_j p_j l_j, -inf where the weight outside the support counts; `exact`: the populations were not computed."""
    logs = spectrum.log_eigenvalues
    if spectrum.is_complete and np.isfinite(logs).all():
        return np.asarray((populations * logs).sum(axis=-1))
    inside = np.where(spectrum.support, populations * np.where(spectrum.support, logs, 0.0), 0.0).sum(axis=-1)
    cut = 0.0 if exact else spectral.weight_cut(spectrum.dim)
    return np.where(kernel_weight(spectrum, populations) > cut, -np.inf, inside)


def kernel_weight(spectrum: spectral.Spectrum, populations: Real) -> Real:
    """Weight outside the support of a spectrum, given <j|rho|j> in its basis; shape of the batch."""
    if spectrum.is_complete:
        return np.asarray(np.where(spectrum.support, 0.0, populations).sum(axis=-1))
    return np.asarray(1.0 - np.where(spectrum.support, populations, 0.0).sum(axis=-1))
