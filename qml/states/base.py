"""The interface of a state: what a loss may ask of sigma, and how it hands a derivative back."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from qml import _checks, _matrices, _products, operators, spectral
from qml._arrays import as_complex, as_real, diagonal, frozen, namespace, on_host, per_state, trace_of_product
from qml._checks import InputError
from qml._descriptions import Described
from qml._typing import Complex, Cotangent, Dims, Integer, Numbers, Real
from qml.operators import PauliSum
from qml.operators.sites import as_hermitian, diagonal_entries
from qml.states.correlations import Correlations
from qml.states.cross_entropy import Data, log_expectation
from qml.states.display import state_html

if TYPE_CHECKING:
    from qml.operators import OperatorLike


class State(Described, Correlations):
    """A quantum state, or a batch of them (leading axes), on sites of dimensions `dims`.

    A state knows its own spectrum in the log domain, and pulls a derivative with respect to log sigma or sigma back to
    its own *coordinate* (the numbers that it is held as). Losses speak only this interface. Numbers of a single state
    are Python floats, those of a batch arrays of its shape: subclasses compute them as arrays, in the methods whose
    names begin with an underscore.

    Examples
    --------
    Whatever a state is held as, it answers the same questions:

    >>> from qml import ghz, maximally_mixed, thermal
    >>> for state in (ghz(2), thermal({"ZZ": 1.0}, 1.0), maximally_mixed((2, 2))):
    ...     print(state, round(state.entropy(), 4), round(state.expect("ZZ"), 4), state.eigenvalues().round(4))
    DensityMatrix(dims=(2, 2)) 0.0 1.0 [1. 0. 0. 0.]
    GibbsState(dims=(2, 2)) 1.0585 -0.7616 [0.4404 0.4404 0.0596 0.0596]
    DensityMatrix(dims=(2, 2)) 1.3863 0.0 [0.25 0.25 0.25 0.25]
    """

    dims: Dims

    @property
    def dim(self) -> int:
        """The dimension d = prod(dims)."""
        return math.prod(self.dims)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading axes; () for a single state."""
        return ()

    def __getitem__(self, index: Any) -> Self:
        """States of a batch, by NumPy indexing of the leading axes."""
        if not self.batch_shape:
            raise InputError("a single state cannot be indexed; only a batch of states can.")
        chosen = np.arange(math.prod(self.batch_shape)).reshape(self.batch_shape)[index]  # of states, not of entries
        found: Self = self._at(np.unravel_index(chosen, self.batch_shape))
        return found

    def _at(self, index: Any) -> Any:
        """The states at an index of a batch."""
        raise NotImplementedError

    def matrix(self) -> Complex:
        """The density matrix, shape (..., d, d)."""
        return self._from_spectrum

    @cached_property
    def _from_spectrum(self) -> Complex:
        spectrum = self.spectrum()
        matrix = spectrum.matrix_of(spectrum.eigenvalues)
        return as_complex(frozen(matrix.astype(np.complex128, copy=False)))

    def numpy(self) -> State:
        """The same state with arrays of NumPy: itself, unless an engine holds it elsewhere, as on a card."""
        return self

    @abstractmethod
    def _compute_spectrum(self) -> spectral.Spectrum:
        """The spectrum; columns of one common eigenvalue may be left out."""

    @cached_property
    def _spectrum(self) -> spectral.Spectrum:
        return self._compute_spectrum()

    def _log_eigenvalues(self) -> Real:
        """log-eigenvalues alone; a subclass for which they come cheaper than the eigenvectors says so."""
        return self._spectrum.every_log_eigenvalue()

    def spectrum(self) -> spectral.Spectrum:
        """The eigen-decomposition in the log domain, computed once; its columns span the support."""
        held = self._spectrum
        return held if held.log_outside == -math.inf else held.completed

    _kind = "state"

    def _described(self) -> Any:
        return {"kind": "state", "dims": self.dims, "arrays": self.numpy()._arrays()}

    def _arrays(self) -> dict[str, Any]:
        """The plain arrays that the state is made again from, so that what it knows of its logarithm is kept."""
        return {"probabilities": self.probabilities()} if self.is_diagonal else {"matrix": self.matrix()}

    def __repr__(self) -> str:
        batch = f", batch {self.batch_shape}" if self.batch_shape else ""
        return f"{type(self).__name__}(dims={self.dims}{batch})"

    def _repr_html_(self) -> str:
        return state_html(self)

    @abstractmethod
    def pull_log(self, cotangent: Complex) -> Cotangent:
        """The derivative dL/d(coordinate) of dL = Tr(X dlog sigma), in the form of the coordinate.

        Where sigma has a kernel, along which its logarithm is not defined, X must live in its support, as rho does
        wherever S is finite.

        Parameters
        ----------
        cotangent : array (..., d, d)
            X, Hermitian.
        """

    @abstractmethod
    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        """The derivative dL/d(coordinate) of dL = Tr(X dsigma), in the form of the coordinate.

        Parameters
        ----------
        cotangent : array (..., d, d)
            X, Hermitian.
        """

    def _pull_diagonal(self, x: Real) -> Cotangent:
        """:meth:`pull_matrix` of a diagonal X, from its entries (d,)."""
        _checks.memory(f"a matrix of dimension {self.dim}", 32 * self.dim**2, "use fewer sites")
        return self.pull_matrix(np.diag(x).astype(np.complex128))

    def _pull_log_of_diagonal(self, x: Real) -> Cotangent:
        """:meth:`pull_log` of a diagonal X, from its entries (d,)."""
        _checks.memory(f"a matrix of dimension {self.dim}", 32 * self.dim**2, "use fewer sites")
        return self.pull_log(np.diag(x).astype(np.complex128))

    @property
    def is_diagonal(self) -> bool:
        """Whether it is held as probabilities of the computational basis."""
        return False

    @property
    def pauli_vector(self) -> Real | None:
        """The expectations Tr(P sigma) of all Pauli strings, (..., 4^n), where it is held as these; else None."""
        return None

    @property
    def factor(self) -> Complex | None:
        """The factor A (..., d, r) with sigma = A A^dagger, where it is held as one; else None."""
        return None

    def probabilities(self) -> Real:
        """Populations <x|sigma|x> of the computational basis, shape (..., d)."""
        return diagonal(self.matrix())

    def apply(self, columns: Complex) -> Complex:
        """sigma times columns, shape (..., d, m); without its matrix where the state is held as something smaller.

        Parameters
        ----------
        columns : array (..., d, m)
        """
        matrix = self.matrix()
        if on_host(matrix) and not np.iscomplexobj(columns):
            matrix = _products.real_if_real(matrix)
        return as_complex(matrix @ columns)

    def populations(self, basis: Complex | None) -> Real:
        """<v_j|sigma|v_j>, shape (..., r).

        Parameters
        ----------
        basis : array (..., d, r) or None
            The columns v_j, orthonormal; None is the computational basis.
        """
        if basis is None:
            return self.probabilities()
        image = self.apply(basis)
        return as_real(namespace(image).einsum("...dj,...dj->...j", basis.conj(), image).real)

    def _trace(self) -> Real:
        """Tr sigma, which is one to rounding; shape of the batch."""
        return as_real(self.probabilities().sum(axis=-1))

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
        A Pauli sum costs O(d) for each of its X patterns, a matrix O(d^2).

        Examples
        --------
        >>> from qml.states import ghz
        >>> round(ghz(3).expect("ZZI"), 12), round(ghz(2).expect({"XX": 1.0, "YY": 0.5}), 12)
        (1.0, 0.5)
        """
        return per_state(self._expect(as_hermitian("the operator", operator, self.dims, _matrices.DIFFERENCE)))

    def _expect(self, operator: PauliSum | Complex) -> Real:
        if not isinstance(operator, PauliSum) or operator.dims != self.dims:
            operator = operators.as_matrix(operator, self.dims)  # refused on other sites
        if self.is_diagonal:
            return as_real((self.probabilities() * diagonal_entries(operator)).sum(axis=-1))
        if isinstance(operator, PauliSum):
            return as_real(operator._traces(self.matrix()).real)
        return trace_of_product(self.matrix(), operator)

    def _pull_expect(self, operator: PauliSum | Complex) -> Cotangent:
        """The derivative of Tr(sigma O) in the coordinate, for a Hermitian O on these sites."""
        if self.is_diagonal:
            return self._pull_diagonal(diagonal_entries(operator))
        o = operator.matrix() if isinstance(operator, PauliSum) else operator
        return self.pull_matrix(namespace(self.probabilities()).asarray(o))

    def entropy(self) -> Numbers:
        r"""The von Neumann entropy -Tr sigma log sigma in nats, from 0 (pure) to log d; 0 log 0 = 0. Computed once."""
        return per_state(self._entropy)

    @cached_property
    def _entropy(self) -> Real:
        return spectral.entropy(self._log_eigenvalues())

    def _log_on_support(self) -> PauliSum | Complex:
        """log sigma where it has weight and zero elsewhere, up to a multiple of the identity."""
        _checks.memory(f"a matrix of dimension {self.dim}", 48 * self.dim**2, "use fewer sites")
        spectrum = self.spectrum()
        xp = namespace(spectrum.log_eigenvalues)
        return spectrum.matrix_of(xp.where(spectrum.support, spectrum.log_eigenvalues, 0.0))

    def purity(self) -> Numbers:
        r"""Tr sigma^2, from 1/d (maximally mixed) to 1 (pure)."""
        return per_state(self._purity().clip(max=1.0))  # rounding may take it above one

    def _purity(self) -> Real:
        if self.is_diagonal:
            p = self.probabilities()
            return as_real(namespace(p).square(p).sum(axis=-1))
        m = self.matrix()
        xp = namespace(m)
        return as_real(xp.square(xp.abs(m)).sum(axis=(-2, -1)))

    def eigenvalues(self) -> Real:
        """The eigenvalues, descending, shape (..., d); 0 where the support policy takes them for zero."""
        logs = self._log_eigenvalues()
        xp = namespace(logs)
        values = xp.exp(logs)
        missing = xp.zeros((*values.shape[:-1], self.dim - values.shape[-1]))
        return as_real(xp.concat([xp.sort(values, axis=-1)[..., ::-1], missing], axis=-1))

    def rank(self) -> Numbers:
        """The number of eigenvalues above the cut of the support policy, an int for a single state."""
        return per_state((self._log_eigenvalues() > -math.inf).sum(axis=-1))

    def sample(self, shots: int, rng: np.random.Generator | int) -> Integer:
        """Outcomes of measuring all sites in the computational basis, shape (..., shots, n): a row for each shot.

        Bits for qubits, levels for other sites. For other measurements, and counts, see :func:`qml.sample`.

        Parameters
        ----------
        shots : int
        rng : numpy Generator or int
            An int is the seed of a new generator.

        Raises
        ------
        InputError
            For shots below 0, or what is no generator.
        MemoryRefused
            If so many samples would not fit.

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
        places = np.array(draws, dtype=np.int64).reshape(*self.batch_shape, shots)
        if n == 0:
            return np.zeros((*places.shape, 0), dtype=np.int64)
        return np.stack(np.unravel_index(places, self.dims), axis=-1)

    def log_expectation(self, rho: State) -> Numbers:
        """Tr(rho log sigma) in nats, over the support of sigma; leading axes broadcast.

        -inf where the weight of rho outside the support exceeds the cut of the support policy; 0 log 0 = 0.

        Parameters
        ----------
        rho : State
            Or a batch, on the same sites.

        Raises
        ------
        InputError
            If `rho` is no state, or is on other sites.

        Examples
        --------
        >>> from qml import basis_state, maximally_mixed
        >>> round(maximally_mixed((2,)).log_expectation(basis_state("0")), 6)
        -0.693147
        >>> basis_state("1").log_expectation(basis_state("0"))
        -inf
        """
        return per_state(log_expectation(_checks.instance("rho", rho, State), self))

    # what S asks of the model's state: see qml.states.cross_entropy --------------------------------------------------

    parts: tuple[State, ...] = ()
    """States on consecutive sites whose product this is, where it is held as them."""
    has_modular_hamiltonian = False
    """Whether K of sigma = exp(-K)/Z is known."""

    def _energy(self, rho: Data) -> Real:
        """Tr(rho K), where K is known."""
        raise NotImplementedError

    def _pull_energy(self, rho: Data) -> Cotangent:
        """The derivative of Tr(rho K) + log Z in the coordinate, where K is known."""
        raise NotImplementedError

    def _log_partition(self) -> Real:
        """log Z in nats, where K is known."""
        raise NotImplementedError

    def _in_eigenbasis(self, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
        """<j|rho|j> of one state for the columns of the spectrum, and what makes the cotangent of -Tr(rho log sigma)
        from what was needed for them."""
        return rho.populations(self._spectrum.basis), lambda: self.pull_log(-rho.matrix())

    # what S asks of rho -----------------------------------------------------------------------------------------------

    _is_state = True

    def _as_state(self) -> State:
        return self

    def representative(self) -> Complex:
        """The density matrix: what stands for rho where only expectations are asked for."""
        return self.matrix()

    def _estimates(self, operators: Sequence[PauliSum]) -> tuple[Real, Real]:
        """Tr(sigma G) of some Pauli sums and their standard errors, each (m,); without error, unless it is sampled."""
        return np.array([self._expect(g) for g in operators], dtype=np.float64), np.zeros(len(operators))

    def qobj(self) -> Any:
        """The state as a QuTiP Qobj with the same dims (batches: a list would hide the shape, so they are refused)."""
        import qutip

        if self.batch_shape:
            raise InputError(f"a batch of shape {self.batch_shape} is not one Qobj: index it first, state[i].qobj().")
        return qutip.Qobj(self.numpy().matrix(), dims=[list(self.dims), list(self.dims)])
