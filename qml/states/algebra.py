"""The algebra of states: tensor products, partial traces, purification, projection."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qml import _checks, _matrices, operators, spectral
from qml._arrays import outer
from qml._checks import InputError
from qml._typing import ArrayLike, DimsLike, Integer, Real
from qml.states.base import State
from qml.states.coercion import StateLike, as_state, one_state
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState
from qml.states.product import ProductState


def nearest_density_matrix(matrix: ArrayLike, dims: DimsLike | None = None) -> DensityMatrix:
    r"""The density matrix nearest to the Hermitian part of a matrix in Hilbert-Schmidt norm.

    .. math:: \arg\min_{\sigma \ge 0,\, \mathrm{Tr}\,\sigma = 1} \lVert \sigma - (A + A^\dagger)/2 \rVert_2

    The eigenvalues are projected on the probability simplex; the eigenvectors stay. Cost O(d^3).
    Source: Smolin, Gambetta, Smith (2012), arXiv:1106.5458.

    Parameters
    ----------
    matrix : array (..., d, d)
    dims : int or sequence of int, optional
        Site dimensions; qubits if d is a power of two by default.

    Raises
    ------
    InputError
        If the matrix is not square or not finite.

    Examples
    --------
    >>> nearest_density_matrix([[1.2, 0], [0, -0.1]]).matrix().real
    array([[1., 0.],
           [0., 0.]])
    """
    a = _matrices.square("the matrix", matrix)
    _matrices.summable("the matrix", a, "scale it")
    values, vectors = spectral.eigh((a + a.conj().swapaxes(-1, -2)) / 2)
    values = values - values[..., -1:]  # a multiple of the identity changes nothing, and may be beyond rounding of one
    shift, _ = simplex_shift(values)
    p = np.clip(values - shift, 0.0, None)
    spectrum = spectral.Spectrum(p, vectors)
    return DensityMatrix._trusted(spectrum.matrix_of(p / p.sum(axis=-1, keepdims=True)), dims)


def simplex_shift(values: Real) -> tuple[Real, Integer]:
    """What to take off ascending numbers (..., d) so that those left above zero are the nearest probabilities, and how
    many are left; each (..., 1)."""
    descending = values[..., ::-1]
    excess = (np.cumsum(descending, axis=-1) - 1) / np.arange(1, values.shape[-1] + 1)
    kept = (descending > excess).sum(axis=-1, keepdims=True)
    return np.take_along_axis(excess, kept - 1, axis=-1), kept


def tensor(*states: StateLike) -> State:
    """The product state of the given ones, sites side by side: of Gibbs states a Gibbs state, of density matrices a
    density matrix, of both a :class:`ProductState`, so that what is known of a logarithm is kept. Of diagonal states it
    is diagonal.

    Parameters
    ----------
    *states : State, matrix (d, d), vector (d,) or Qobj
        Single states.

    Raises
    ------
    InputError
        If no state is given, or one of them is a batch or not a state.
    MemoryRefused
        If the product would not fit in memory.

    Examples
    --------
    >>> from qml.states import basis_state, maximally_mixed
    >>> tensor(basis_state("1"), maximally_mixed((3,))).dims
    (2, 3)
    """
    if not states:
        raise InputError("tensor needs at least one state; found none.")
    held = [one_state(s, f"state {k}") for k, s in enumerate(states)]
    dims = tuple(d for s in held for d in s.dims)
    if all(s.is_diagonal and isinstance(s, DensityMatrix) for s in held):
        d = math.prod(dims)
        _checks.memory(f"a product state of dimension {_checks.readable(d)}", 64 * d, "use ProductState")
        joint = outer(s.probabilities() for s in held)
        return DensityMatrix.from_probabilities(joint, dims)
    if all(s.is_diagonal and isinstance(s, GibbsState) for s in held):
        return GibbsState(-ProductState(held)._log_eigenvalues(), dims, diagonal=True)
    if all(isinstance(s, GibbsState) for s in held):
        ends = np.cumsum([len(s.dims) for s in held])
        placed = [
            operators.embed(s.hamiltonian(), range(end - len(s.dims), end), dims)
            for s, end in zip(held, ends, strict=True)
            if isinstance(s, GibbsState)
        ]
        return GibbsState(np.sum(placed, axis=0), dims)
    if not all(isinstance(s, DensityMatrix) for s in held):
        return ProductState(held)
    return DensityMatrix._trusted(operators.tensor_matrices(*(s.matrix() for s in held)), dims)


def partial_trace(state: StateLike, keep: Sequence[int]) -> State:
    """The reduced state of the sites `keep`, in the order listed: :meth:`State.partial_trace`.

    Parameters
    ----------
    state : State (...), matrix (..., d, d), vector (d,) or Qobj
    keep : sequence of int
        Sites, each once.

    Raises
    ------
    InputError
        If a site is not there or is named twice.

    Examples
    --------
    >>> from qml.states import ghz
    >>> partial_trace(ghz(3), keep=[0]).matrix().real
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    return as_state(state).partial_trace(keep)


def purify(state: StateLike) -> DensityMatrix:
    r"""A pure state sum_j sqrt(s_j) \|j>\|j'> on the sites followed by one ancilla, with the reduced state sigma.

    The ancilla's dimension is the rank of sigma.

    Parameters
    ----------
    state : State, matrix (d, d), vector (d,) or Qobj
        A single state.

    Raises
    ------
    InputError
        If it is a batch or no state.

    Notes
    -----
    Costs one eigen-decomposition, O(d^3), unless the state knows its spectrum.

    Examples
    --------
    >>> from qml.states import maximally_mixed
    >>> psi = purify(maximally_mixed((2,)))
    >>> psi.dims, partial_trace(psi, [0]).probabilities().round(3)
    ((2, 2), array([0.5, 0.5]))
    """
    state = one_state(state)
    spectrum = state.spectrum()
    kept, d = spectrum.support, state.dim
    _checks.memory(f"a purification of dimension {d * int(kept.sum())}", 80 * d * int(kept.sum()), "use fewer sites")
    weights = np.exp(spectrum.log_eigenvalues[kept] / 2)
    factor = spectrum.columns[:, kept] * (weights / np.linalg.norm(weights))
    return DensityMatrix.from_vector(factor.ravel(), (*state.dims, int(kept.sum())))
