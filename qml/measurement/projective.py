"""Projective measurements: each setting is an orthonormal basis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from qml import _checks, _matrices
from qml._arrays import as_complex, as_real, namespace
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, DimsLike, Real
from qml.measurement.base import Measurement
from qml.measurement.elements import setting_names
from qml.states.base import State


class ProjectiveMeasurement(Measurement):
    r"""Settings that are orthonormal bases: outcome k of setting s has the effect \|u_k><u_k\|, u_k a column of U_s.

    An adaptive measurement, in which each basis was chosen after the last outcomes, is the list of its bases.

    Parameters
    ----------
    bases : array (d, d) or (settings, d, d), or sequence of arrays (d, d)
        Unitary; the columns are the basis vectors.
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.
    settings : sequence of str, optional
        Their names; by default "0", "1", ...

    Raises
    ------
    InputError
        If a basis is not unitary within 1e-10.

    Notes
    -----
    Probabilities cost S d^3 operations for S settings, S d^2 r for a state that is held as a factor of rank r.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.states import basis_state
    >>> hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    >>> ProjectiveMeasurement([np.eye(2), hadamard]).probabilities(basis_state("0")).round(6)
    array([1. , 0. , 0.5, 0.5])
    """

    _kind = "projective"

    def __init__(
        self,
        bases: ArrayLike,
        dims: DimsLike | None = None,
        settings: Sequence[str] | None = None,
    ) -> None:
        u = _matrices.unitary("bases", bases)
        u = u[None] if u.ndim == 2 else u
        if u.ndim != 3 or not len(u):
            raise InputError(f"bases must have shape (settings, d, d), at least one setting; found {u.shape}.")
        self.dims = _checks.sites(dims, u.shape[-1])
        self.bases = _checks.kept(u)
        """The bases (settings, d, d), vectors in columns; not to be changed."""
        self.settings = setting_names(settings, len(u))
        self.sizes = _checks.kept(np.full(len(u), self.dim, dtype=np.int64))

    def _probabilities(self, state: State) -> Real:
        return state.populations(self.bases).reshape(-1)

    def _probabilities_of(self, matrix: Complex) -> Real:
        if matrix.ndim > 2:  # one after another: products with all bases are S times as large as a matrix
            rows = np.array([self.probabilities_of(m) for m in matrix.reshape(-1, self.dim, self.dim)])
            return rows.reshape(*matrix.shape[:-2], self.n_outcomes)
        overlaps = namespace(matrix).einsum("sdj,sdj->sj", self.bases.conj(), matrix @ self.bases)
        return as_real(overlaps.real.reshape(-1))

    def _adjoint(self, weights: Real) -> Complex:
        w = weights.reshape(len(self.bases), 1, self.dim)
        across = self.bases.swapaxes(0, 1).reshape(self.dim, -1)  # all columns side by side
        scaled = (self.bases * w).swapaxes(0, 1).reshape(self.dim, -1)
        return as_complex(scaled @ across.conj().T)

    def traces(self) -> Real:
        return np.ones(self.n_outcomes)

    def resolution(self, state: State) -> float:
        return 0.0 if state.is_diagonal and self._is_computational else super().resolution(state)

    @property
    def _is_computational(self) -> bool:
        """Whether every vector is one of the computational basis, in any order."""
        return bool(np.count_nonzero(self.bases) == len(self.bases) * self.dim)

    def _diagonal_of(self, weights: Real) -> Real | None:
        if not self._is_computational:
            return None
        places = np.abs(self.bases).argmax(axis=1)
        return np.asarray(np.bincount(places.ravel(), weights, self.dim), dtype=np.float64)

    def element(self, outcome: int) -> Complex:
        s, k = divmod(_checks.integer("outcome", outcome, low=0, high=self.n_outcomes - 1), self.dim)
        vector = self.bases[s, :, k]
        return np.outer(vector, vector.conj())

    def select(self, settings: Any) -> Measurement:
        chosen = self._places(settings)
        return ProjectiveMeasurement(self.bases[chosen], self.dims, [self.settings[s] for s in chosen])


def computational_basis(dims: DimsLike) -> ProjectiveMeasurement:
    r"""All sites measured in the computational basis: outcome x has the effect \|x><x\|.

    Parameters
    ----------
    dims : int or sequence of int
        A number of qubits, or the dimensions of the sites.

    Raises
    ------
    InputError
        For `dims` that are not positive integers.
    MemoryRefused
        If the basis (d, d) would not fit.

    Examples
    --------
    >>> from qml.states import ghz
    >>> computational_basis(2).probabilities(ghz(2))
    array([0.5, 0. , 0. , 0.5])
    """
    sites = _checks.dimensions("dims", dims)
    d = math.prod(sites)
    _checks.memory(f"a basis of dimension {_checks.readable(d)}", 48 * d * d, "use PauliMeasurement for qubits")
    name = "Z" * len(sites) if set(sites) == {2} else "0"
    return ProjectiveMeasurement(np.eye(d, dtype=np.complex128), sites, (name,))
