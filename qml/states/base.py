"""The interface of a state: what a loss may ask of sigma, and how it hands a derivative back."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qml import _checks, operators, spectral
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Dims, Integer, Numbers, Real
from qml.operators import PauliSum
from qml.states.correlations import Correlations
from qml.states.numbers import per_state

if TYPE_CHECKING:
    from qml.operators import OperatorLike


class State(Correlations):
    """A quantum state, or a batch of them (leading axes), on sites of dimensions `dims`.

    A state knows its own spectrum in the log domain, and pulls a derivative with respect to log sigma or sigma back to
    its own *coordinate* (the numbers that it is held as). Losses speak only this interface. Numbers of a single state
    are Python floats, those of a batch arrays of its shape: subclasses compute them as arrays, in the methods whose
    names begin with an underscore.
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

    def _trace(self) -> Real:
        """Tr sigma, which is one to rounding; shape of the batch."""
        return np.asarray(self.probabilities().sum(axis=-1))

    def expect(self, operator: OperatorLike) -> Numbers:
        r"""Tr(sigma O) of a Hermitian operator, in the unit of O.

        Parameters
        ----------
        operator : array (d, d), PauliSum, str, mapping of str to float, or Qobj
            A text is a Pauli string, a mapping a sum of them.

        Raises
        ------
        InputError
            If the operator is not Hermitian, or does not act on these sites.

        Notes
        -----
        A Pauli sum costs O(d) a term for a state held as a factor or a Pauli vector; else a matrix is formed, O(d^2).

        Examples
        --------
        >>> from qml.states import ghz
        >>> round(ghz(3).expect("ZZI"), 12), round(ghz(2).expect({"XX": 1.0, "YY": 0.5}), 12)
        (1.0, 0.5)
        """
        if isinstance(operator, str | Mapping):
            operator = operators.as_pauli_sum(operator)
        if not isinstance(operator, PauliSum):
            operator = _checks.hermitian("the operator", operators.as_matrix(operator, self.dims))
        elif not operator.is_hermitian:
            raise InputError("the operator must be Hermitian; found a Pauli sum with complex coefficients.")
        return per_state(self._expect(operator))

    def _expect(self, operator: PauliSum | Complex) -> Real:
        o = operators.as_matrix(operator, self.dims)
        return np.asarray(np.einsum("...ij,...ji->...", self.matrix(), o).real)

    def entropy(self) -> Numbers:
        r"""The von Neumann entropy -Tr sigma log sigma in nats, from 0 (pure) to log d; 0 log 0 = 0. Computed once."""
        return per_state(self._entropy)

    @cached_property
    def _entropy(self) -> Real:
        return spectral.entropy(self._log_eigenvalues())

    def purity(self) -> Numbers:
        r"""Tr sigma^2, from 1/d (maximally mixed) to 1 (pure)."""
        return per_state(self._purity())

    def _purity(self) -> Real:
        if self.is_diagonal:
            return np.asarray(np.square(self.probabilities()).sum(axis=-1))
        return np.asarray(np.square(np.abs(self.matrix())).sum(axis=(-2, -1)))

    def eigenvalues(self) -> Real:
        """The eigenvalues, descending, shape (..., d); 0 where the support policy takes them for zero."""
        values = np.exp(self._log_eigenvalues())
        missing = np.zeros((*values.shape[:-1], self.dim - values.shape[-1]))
        return np.concatenate([np.sort(values, axis=-1)[..., ::-1], missing], axis=-1)

    def rank(self) -> Numbers:
        """The number of eigenvalues above the cut of the support policy, an int for a single state."""
        return per_state(self.spectrum().support.sum(axis=-1))

    def sample(self, shots: int, rng: np.random.Generator | int) -> Integer:
        """Outcomes of measuring all sites in the computational basis, shape (..., shots, n): a row for each shot.

        Bits for qubits, levels for other sites. For other measurements, and counts, see :func:`qml.sample`.

        Parameters
        ----------
        shots : int
        rng : numpy Generator or int
            An int is the seed of a new generator.

        Examples
        --------
        >>> from qml.states import ghz
        >>> bits = ghz(3).sample(1000, 0)
        >>> bits.shape, set(map(tuple, bits.tolist())) == {(0, 0, 0), (1, 1, 1)}
        ((1000, 3), True)
        """
        shots, n = _checks.integer("shots", shots, low=0), len(self.dims)
        rng = _checks.generator("rng", rng, or_seed=True)
        many = math.prod(self.batch_shape) * shots
        _checks.memory(f"{many} samples of {_checks.plural(n, 'site')}", 8 * many * (2 * n + 2), "draw fewer shots")
        rows = np.cumsum(self.probabilities().clip(0.0).reshape(-1, self.dim), axis=-1)
        draws = [np.searchsorted(row / row[-1], rng.random(shots), side="right") for row in rows]
        levels = np.unravel_index(np.array(draws).reshape(*self.batch_shape, shots), self.dims)
        return np.stack(levels, axis=-1).astype(np.int64)

    def log_expectation(self, rho: State) -> Numbers:
        r"""Tr(rho log sigma) in nats: sum_j <j|rho|j> l_j over the support of sigma; leading axes broadcast.

        -inf where the weight of rho outside the support exceeds the cut of the support policy; 0 log 0 = 0.
        """
        return per_state(self._log_expectation(rho))

    def _log_expectation(self, rho: State) -> Real:
        spectrum = self.spectrum()
        return log_mean(spectrum, rho, rho.populations(spectrum.basis))

    def cross_entropy_and_cotangent(self, rho: State) -> tuple[float, Cotangent]:
        """-Tr(rho log sigma) of single states, and its derivative in the coordinate of sigma (None at +inf)."""
        value = float(-self._log_expectation(rho) + 0.0)
        return value, None if math.isinf(value) else self.pull_log(-rho.matrix())

    def _cross_entropy_and_cotangent_in_eigenbasis(self, rho: State) -> tuple[float, Cotangent]:
        """The same for states that know no more than their eigenbasis: V^dagger rho V serves both."""
        spectrum = self.spectrum()
        rotated = spectrum.to_basis(rho.matrix())
        value = float(-log_mean(spectrum, rho, np.diagonal(rotated).real) + 0.0)
        return value, None if math.isinf(value) else self.pull_matrix(spectrum.log_pullback_in_basis(rotated, -1.0))

    def qobj(self) -> Any:
        """The state as a QuTiP Qobj with the same dims (batches: a list would hide the shape, so they are refused)."""
        import qutip

        if self.batch_shape:
            raise InputError(f"a batch of shape {self.batch_shape} is not one Qobj: index it first, state[i].qobj().")
        return qutip.Qobj(self.matrix(), dims=[list(self.dims), list(self.dims)])


def log_mean(spectrum: spectral.Spectrum, rho: State, populations: Real) -> Real:
    """sum_j p_j l_j with p_j = <j|rho|j>, -inf where the weight of rho outside the support counts."""
    logs = spectrum.log_eigenvalues
    if spectrum.is_complete and np.isfinite(logs).all():
        return np.asarray((populations * logs).sum(axis=-1))
    inside = np.where(spectrum.support, populations * np.where(spectrum.support, logs, 0.0), 0.0).sum(axis=-1)
    return np.where(kernel_weight(spectrum, rho, populations) > weight_cut(spectrum, rho), -np.inf, inside)


def weight_cut(spectrum: spectral.Spectrum, rho: State) -> Real | float:
    """Weight of rho on some vectors of the basis of a spectrum that is rounding: none where it is read off rho."""
    read_off = spectrum.basis is None and rho.is_diagonal
    return 0.0 if read_off else spectral.weight_cut(spectrum.dim) + spectrum.cut


def kernel_weight(spectrum: spectral.Spectrum, rho: State, populations: Real) -> Real:
    """Weight of rho outside the support of a spectrum, given p_j = <j|rho|j> in its basis; shape of the batch."""
    if spectrum.is_complete:
        return np.asarray(np.where(spectrum.support, 0.0, populations).sum(axis=-1))
    return np.asarray(rho._trace() - np.where(spectrum.support, populations, 0.0).sum(axis=-1))
