"""States held as a matrix, as a probability vector, or as a factor A with sigma = A A^dagger."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from qml import _checks, _products, spectral
from qml._arrays import as_complex, as_real, diagonal, frozen, namespace, on_host
from qml._checks import InputError
from qml._files import read_arrays, write_arrays
from qml._typing import ArrayLike, Complex, Cotangent, Dims, DimsLike, Real
from qml.operators import PauliSum
from qml.operators.sites import grouped, reduced_matrix
from qml.states.base import State


class DensityMatrix(State):
    r"""A density matrix sigma: Hermitian, positive semidefinite, unit trace; or a batch of them.

    Validated on construction and never repaired: :func:`nearest_density_matrix` repairs on request. All constructors
    divide by a trace (a sum of probabilities, a squared norm) that is one within 1e-10. The alternative ones keep what
    they are given (probabilities, a state vector, a factor), so that their spectrum is exact where it is known and
    their matrix is formed only when asked for.

    Coordinate (what :meth:`pull_matrix` and :meth:`pull_log` differentiate with respect to): the probability vector
    for states made by :meth:`from_probabilities`; the factor A for those made by :meth:`from_factor`, with cotangents
    C (..., d, r) such that dL = Re Tr(C^dagger dA); else the matrix sigma.

    Attributes
    ----------
    smoothing : float
        The weight p of the maximally mixed state beside a factor; 0 for all others.

    Parameters
    ----------
    matrix : array (..., d, d) or State
        The matrix, in the basis \|first site, second site, ...>; of another state its matrix and dims.
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.

    Raises
    ------
    InputError
        If the matrix is not Hermitian, of unit trace and positive within 1e-10; the violation is in the message.

    Notes
    -----
    Validation costs one eigenvalue decomposition, O(d^3).

    Examples
    --------
    >>> import numpy as np
    >>> rho = DensityMatrix(np.array([[0.5, 0.25], [0.25, 0.5]]))
    >>> rho.dims, round(float(rho.purity()), 3)
    ((2,), 0.625)
    """

    def __init__(self, matrix: State | ArrayLike, dims: DimsLike | None = None) -> None:
        if isinstance(matrix, State):
            dims = matrix.dims if dims is None else dims
            matrix = matrix.matrix()
        m = _checks.hermitian("the density matrix", matrix)
        with np.errstate(over="ignore"):
            trace = np.trace(m, axis1=-2, axis2=-1).real
        worst = float(np.abs(trace - 1).max())
        if worst > _checks.TOLERANCE:
            at = np.unravel_index(np.abs(trace - 1).argmax(), trace.shape) if trace.ndim else ()
            raise InputError(
                f"the density matrix must have unit trace; found {float(trace[at]):.12g}, off by {worst:.3g}, "
                f"tolerance {_checks.TOLERANCE}: divide by the trace, or use nearest_density_matrix."
            )
        lowest = float(np.linalg.eigvalsh(m).min())
        if lowest < -_checks.TOLERANCE:
            raise InputError(
                f"the density matrix must be positive semidefinite; found the eigenvalue {lowest:.3g}, tolerance "
                f"-{_checks.TOLERANCE}: use nearest_density_matrix if the nearest state is meant."
            )
        self._set(m / _checks.normaliser(trace, m.shape[-1])[..., None, None], dims)

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
    def from_vector(cls, psi: ArrayLike, dims: DimsLike | None = None) -> Self:
        r"""The pure state \|psi><psi\| of a normalised vector (..., d).

        Examples
        --------
        >>> DensityMatrix.from_vector([0.6, 0.8j]).matrix().round(2)
        array([[0.36+0.j  , 0.  -0.48j],
               [0.  +0.48j, 0.64+0.j  ]])
        """
        v = _checks.array("the state vector", psi)
        if v.ndim < 1 or v.shape[-1] == 0:
            raise InputError(f"the state vector must have shape (..., d); found shape {v.shape}.")
        return cls.from_factor(v[..., None], dims, _name="the state vector")

    @classmethod
    def from_factor(
        cls, factor: ArrayLike, dims: DimsLike | None = None, *, smoothing: float = 0.0, _name: str = "the factor"
    ) -> Self:
        r"""The state sigma = A A^dagger of a factor A, mixed with a little of the maximally mixed state if asked for.

        .. math:: \sigma = (1 - p)\, A A^\dagger + p\, 1/d, \qquad \mathrm{Tr}\, A^\dagger A = 1

        The spectrum comes from the singular values of A: no eigenvalue problem of size d, and twice the digits. The
        derivative of log sigma is the one along states of unchanged support, which is where S(rho, sigma) is finite.
        With p > 0 log sigma is log(p/d) outside the range of A, so that S is finite for every rho, at most log(d/p).

        Parameters
        ----------
        factor : array (..., d, r)
            A; without smoothing the rank is at most r.
        dims : int or sequence of int, optional
            Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.
        smoothing : float
            p, from 0 to 1.

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
        >>> DensityMatrix.from_factor([[1.0], [0.0]], smoothing=0.5).matrix().real
        array([[0.75, 0.  ],
               [0.  , 0.25]])
        """
        a = _checks.array(_name, factor).astype(np.complex128, copy=False)
        if a.ndim < 2 or a.size == 0:
            raise InputError(f"{_name} must have shape (..., d, r); found shape {a.shape}.")
        with np.errstate(over="ignore"):
            norm = np.square(np.abs(a)).sum(axis=(-2, -1))
        worst = float(np.abs(norm - 1).max())
        if worst > _checks.TOLERANCE:
            raise InputError(
                f"{_name} must have unit norm; found a squared norm off by {worst:.3g}, tolerance {_checks.TOLERANCE}: "
                "divide by the norm."
            )
        p = _checks.number("smoothing", smoothing, 0.0, 1.0)
        unit = a / np.sqrt(_checks.normaliser(norm, a.shape[-2]))[..., None, None]
        return cls._make(None, dims, factor=unit, smoothing=p)

    @classmethod
    def from_probabilities(cls, probabilities: ArrayLike, dims: DimsLike | None = None) -> Self:
        """The classical state diag(p) of probabilities (..., d): the case in which everything is classical statistics.

        Examples
        --------
        >>> round(float(DensityMatrix.from_probabilities([0.5, 0.5]).entropy()), 6)
        0.693147
        """
        return cls._make(None, dims, probabilities=_checks.probabilities("the probabilities", probabilities))

    @classmethod
    def from_ensemble(cls, states: Sequence[State | ArrayLike], weights: ArrayLike | None = None) -> Self:
        r"""The mixture sum_k w_k rho_k of states or of normalised vectors; weights are equal by default.

        Examples
        --------
        >>> rho = DensityMatrix.from_ensemble([[1, 0], [0, 1]], weights=[0.25, 0.75])
        >>> rho.probabilities()
        array([0.25, 0.75])
        """
        states = _checks.listed("an ensemble", states, "states")
        if not states:
            raise InputError("an ensemble needs at least one state; found none.")
        members = [s if isinstance(s, State) else cls.from_vector(s) for s in states]
        dims = members[0].dims
        for k, member in enumerate(members):
            if member.dims != dims:
                raise InputError(f"an ensemble needs states of equal dims; found {dims} and {member.dims} (at {k}).")
        w = _checks.probabilities("weights", np.full(len(members), 1 / len(members)) if weights is None else weights)
        if w.shape != (len(members),):
            raise InputError(f"weights must have one entry a state, shape ({len(members)},); found shape {w.shape}.")
        held = [m.factor for m in members]
        factors = [np.sqrt(x) * a for x, a in zip(w, held, strict=True) if a is not None]
        if len(factors) == len(members) and sum(a.shape[-1] for a in factors) <= members[0].dim:
            return cls._make(None, dims, factor=np.concatenate(factors, axis=-1))
        if all(m.is_diagonal for m in members):
            mean = sum(x * m.probabilities() for x, m in zip(w, members, strict=True))
            return cls._make(None, dims, probabilities=mean)
        return cls._make(np.asarray(sum(x * m.matrix() for x, m in zip(w, members, strict=True))), dims)

    @classmethod
    def from_qobj(cls, qobj: Any) -> Self:
        """The state of a QuTiP ket or density operator, with its dims."""
        if getattr(qobj, "isket", False):
            return cls.from_vector(qobj.full()[:, 0], qobj.dims[0])
        if not getattr(qobj, "isoper", False):
            raise InputError(f"a QuTiP ket or density operator is needed; found {getattr(qobj, 'type', type(qobj))}.")
        return cls(qobj.full(), qobj.dims[0])

    def save(self, path: str | Path) -> None:
        """Write the state to a ``.npz`` file (arrays only, no pickle)."""
        write_arrays(path, {"dims": np.array(self.dims), **self._arrays()})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a state that :meth:`save` wrote, or any ``.npz`` file with an array `matrix`, `factor`, `vector` or
        `probabilities` and, optionally, `dims`. Validated like any other input."""
        arrays = read_arrays(path, "state")
        found_dims = arrays.pop("dims", None)
        if found_dims is not None and (found_dims.ndim != 1 or (found_dims.size and found_dims.dtype.kind not in "iu")):
            raise InputError(f"dims in {str(path)!r} must be integers, one a site; found {found_dims!r:.80}.")
        return cls._of_arrays(arrays, None if found_dims is None else found_dims.tolist(), repr(str(path)))

    @classmethod
    def _of_arrays(cls, arrays: Mapping[str, Any], dims: DimsLike | None, where: str) -> Self:
        """The state that is held as one array of those at some place."""
        held = arrays.get("smoothing", np.zeros(()))
        smoothing = held.item() if held.size == 1 else math.nan
        makers: dict[str, Callable[..., Self]] = {
            "matrix": cls,
            "factor": lambda factor, dims: cls.from_factor(factor, dims, smoothing=smoothing),
            "vector": cls.from_vector,
            "probabilities": cls.from_probabilities,
        }
        found = [name for name in makers if name in arrays]
        if len(found) != 1:
            raise InputError(
                f"{where} must hold exactly one of the arrays {', '.join(makers)}; found {sorted(arrays)}."
            )
        return makers[found[0]](arrays[found[0]], dims)

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

    def numpy(self) -> DensityMatrix:
        if all(map(on_host, self._arrays().values())):
            return self
        return DensityMatrix._trusted(np.asarray(self.matrix()), self.dims)

    def matrix(self) -> Complex:
        if self._matrix is None:
            count = max(1, math.prod(self._batch_shape))
            needed = 16 * count * self.dim**2
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
        is_pauli = isinstance(operator, PauliSum) and operator.dims == self.dims
        if self._factor is None or not is_pauli or not on_host(self._factor):
            return super()._expect(operator)
        assert isinstance(operator, PauliSum)
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
            return super()._in_eigenbasis(rho)
        if self._factor is None:
            return in_eigenbasis(self, rho)
        spectrum = self._spectrum
        assert spectrum.basis is not None
        columns = rho.apply(spectrum.basis)
        rotated = spectrum.basis.conj().T @ columns
        return diagonal(rotated), lambda: self._pull_log_to_factor(-columns, -rotated)

    def _pull_log_to_factor(self, columns: Complex, rotated: Complex) -> Complex:
        rows = self.factor_in_eigenbasis()
        pulled = self._spectrum.log_pullback_to_factor(columns, rotated, rows)
        return (1 - self.smoothing) * pulled if self.smoothing else pulled

    def pull_log(self, cotangent: Complex) -> Cotangent:
        spectrum = self._spectrum
        if self._factor is not None:
            assert spectrum.basis is not None
            columns = cotangent @ spectrum.basis
            return self._pull_log_to_factor(columns, spectrum.basis.conj().swapaxes(-1, -2) @ columns)
        if self._probabilities is not None:
            kept, xp = spectrum.support, namespace(self._probabilities, cotangent)
            return xp.where(kept, diagonal(cotangent) / xp.where(kept, self._probabilities, 1.0), 0.0)
        return spectrum.log_pullback(cotangent)

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        if self._probabilities is not None:
            return diagonal(cotangent)
        if self._factor is not None:
            return as_complex(2 * (1 - self.smoothing) * cotangent @ self._factor)
        return cotangent

    def partial_trace(self, keep: Sequence[int]) -> DensityMatrix:
        if self._factor is None:
            return reduced(self, keep)
        kept, dims = _kept(self, keep)
        xp = namespace(self._factor)
        parts = grouped(self._factor.swapaxes(-1, -2), kept, self.dims)  # (..., r, d', rest)
        a = xp.moveaxis(parts, -3, -1).reshape(*self.batch_shape, math.prod(dims), -1)
        if a.shape[-1] < a.shape[-2]:
            return DensityMatrix._make(None, dims, factor=a, smoothing=self.smoothing)
        white = xp.eye(a.shape[-2]) * (self.dim / a.shape[-2])  # of which p/d is left
        return DensityMatrix._trusted(self._smoothed(a @ a.conj().swapaxes(-1, -2), white), dims)

    def _at(self, index: Any) -> DensityMatrix:

        def pick(a: Any) -> Any:
            return None if a is None else a[index]

        parts = {"probabilities": pick(self._probabilities), "factor": pick(self._factor)}
        return self._make(pick(self._matrix), self.dims, **parts, smoothing=self.smoothing)


def in_eigenbasis(sigma: State, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
    """:meth:`State._in_eigenbasis` of states that know no more than their matrix: V^dagger rho V serves both."""
    spectrum = sigma._spectrum
    rotated = spectrum.to_basis(rho.matrix())
    return diagonal(rotated), lambda: sigma.pull_matrix(spectrum.log_pullback_in_basis(rotated, -1.0))


def reduced(state: State, keep: Sequence[int]) -> DensityMatrix:
    """The reduced state of the sites `keep`, in the order listed, as probabilities or a matrix."""
    kept, dims = _kept(state, keep)
    if state.is_diagonal:
        p = grouped(state.probabilities(), kept, state.dims).sum(axis=-1)
        return DensityMatrix._make(None, dims, probabilities=p)
    return DensityMatrix._trusted(reduced_matrix(state.matrix(), kept, state.dims), dims)


def _kept(state: State, keep: Sequence[int]) -> tuple[tuple[int, ...], Dims]:
    kept = _checks.targets("keep", keep, len(state.dims))
    if not kept:
        raise InputError("keep must name at least one site; found none.")
    return kept, tuple(state.dims[k] for k in kept)


def _squares(columns: Complex) -> Real:
    """The absolute squares of the entries."""
    xp = namespace(columns)
    return as_real(xp.square(xp.abs(columns)))
