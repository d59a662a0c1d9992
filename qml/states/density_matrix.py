"""Density matrices: how they are made, checked and kept in files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._files import read_arrays, write_arrays
from qml._typing import ArrayLike, Complex, DimsLike
from qml.states.base import State
from qml.states.held import Held


class DensityMatrix(Held):
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
        m = _matrices.hermitian("the density matrix", matrix, least=1.0)
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
        self._set(m / _matrices.normaliser(trace, m.shape[-1])[..., None, None], dims)

    @classmethod
    def from_vector(cls, psi: ArrayLike, dims: DimsLike | None = None) -> Self:
        r"""The pure state \|psi><psi\| of a vector, held as the vector.

        Parameters
        ----------
        psi : array (..., d)
            Of unit norm.
        dims : int or sequence of int, optional
            Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.

        Raises
        ------
        InputError
            If it is not normalised within 1e-10, or dims do not multiply to d.

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
                + ("use from_probabilities for probabilities." if _are_probabilities(a) else "divide by the norm.")
            )
        p = _checks.number("smoothing", smoothing, 0.0, 1.0)
        unit = a / np.sqrt(_matrices.normaliser(norm, a.shape[-2]))[..., None, None]
        return cls._make(None, dims, factor=unit, smoothing=p)

    @classmethod
    def from_probabilities(cls, probabilities: ArrayLike, dims: DimsLike | None = None) -> Self:
        """The classical state diag(p), held as p: the case in which everything is classical statistics.

        Parameters
        ----------
        probabilities : array (..., d)
            Non-negative, of sum one.
        dims : int or sequence of int, optional
            Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.

        Raises
        ------
        InputError
            If one is negative, they do not add up to one within 1e-10, or dims do not multiply to d.

        Examples
        --------
        >>> round(float(DensityMatrix.from_probabilities([0.5, 0.5]).entropy()), 6)
        0.693147
        """
        return cls._make(None, dims, probabilities=_matrices.probabilities("the probabilities", probabilities))

    @classmethod
    def from_ensemble(cls, states: Sequence[State | ArrayLike], weights: ArrayLike | None = None) -> Self:
        """The mixture sum_k w_k rho_k, held as a factor or as probabilities where all members are.

        Parameters
        ----------
        states : sequence of State, array (d, d) or (d,), or Qobj
            Density matrices or vectors of unit norm, on the same sites, at least one.
        weights : array (m,), optional
            w_k, non-negative, of sum one; equal by default.

        Raises
        ------
        InputError
            If there is no state, one is a batch, they are on different sites, or the weights are no probabilities of
            so many.

        Examples
        --------
        >>> rho = DensityMatrix.from_ensemble([[1, 0], [0, 1]], weights=[0.25, 0.75])
        >>> rho.probabilities()
        array([0.25, 0.75])
        """
        states = _checks.listed("an ensemble", states, "states")
        if not states:
            raise InputError("an ensemble needs at least one state; found none.")
        members = [cls._member(s) for s in states]
        dims = members[0].dims
        for k, member in enumerate(members):
            if member.dims != dims:
                raise InputError(f"an ensemble needs states of equal dims; found {dims} and {member.dims} (at {k}).")
            if member.batch_shape:
                raise InputError(f"an ensemble needs single states; found a batch of {member.batch_shape} (at {k}).")
        w = _matrices.probabilities("weights", np.full(len(members), 1 / len(members)) if weights is None else weights)
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
    def _member(cls, value: Any) -> State:
        """One of an ensemble: a state as it is, a matrix, a vector or a Qobj as what it stands for."""
        if isinstance(value, State):
            return value
        if hasattr(value, "isket"):
            return cls.from_qobj(value)
        a = _checks.array("each state of an ensemble", value)
        return cls(a) if a.ndim == 2 else cls.from_vector(a)

    @classmethod
    def from_qobj(cls, qobj: Any) -> Self:
        """The state of a QuTiP ket or density operator, with its dims.

        Parameters
        ----------
        qobj : Qobj

        Raises
        ------
        InputError
            If it is something else, or no state.
        """
        if getattr(qobj, "isket", False):
            return cls.from_vector(qobj.full()[:, 0], qobj.dims[0])
        if not getattr(qobj, "isoper", False):
            raise InputError(f"a QuTiP ket or density operator is needed; found {getattr(qobj, 'type', type(qobj))}.")
        return cls(qobj.full(), qobj.dims[0])

    def save(self, path: str | Path) -> None:
        """Write the state to a ``.npz`` file: arrays only, no pickle.

        Parameters
        ----------
        path : path, or a file open for writing bytes

        Raises
        ------
        InputError
            If it is neither, or its folder does not exist.
        """
        write_arrays(path, {"dims": np.array(self.dims), **self._arrays()})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a state that :meth:`save` wrote, or one of somebody else's arrays.

        Parameters
        ----------
        path : path
            A ``.npz`` file with an array `matrix`, `factor`, `vector` or `probabilities` and, optionally, `dims`.

        Raises
        ------
        InputError
            If it is no such file, or its array no state.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> rho = DensityMatrix([[0.6, 0.2], [0.2, 0.4]])
        >>> with TemporaryDirectory() as folder:
        ...     rho.save(f"{folder}/rho.npz")
        ...     again = DensityMatrix.load(f"{folder}/rho.npz")
        >>> bool((again.matrix() == rho.matrix()).all())
        True
        """
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


def reduced(state: State, keep: Sequence[int]) -> DensityMatrix:
    """The reduced state of the sites `keep`, in the order listed, as probabilities or a matrix."""
    if state.is_diagonal:
        return DensityMatrix._make(None, state.dims, probabilities=state.probabilities()).partial_trace(keep)
    return DensityMatrix._trusted(state.matrix(), state.dims).partial_trace(keep)


def _are_probabilities(factor: Complex) -> bool:
    """Whether a column holds what a distribution does."""
    p = factor[..., 0]
    if factor.shape[-1] > 1 or p.imag.any() or p.real.min() < 0 or p.real.max() > 1:
        return False
    return bool(abs(p.sum(axis=-1) - 1).max() <= _checks.TOLERANCE)
