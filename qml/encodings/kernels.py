"""The kernels that states have, and the mean of samples as a state."""

from __future__ import annotations

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.losses.measures import fidelity
from qml.states import DensityMatrix, State, StateLike, as_state


def embedding(states: StateLike, weights: ArrayLike | None = None) -> DensityMatrix:
    r"""The density-matrix embedding of samples: the mean of the states of a batch (m,).

    .. math:: \rho = \sum_k w_k\, \rho(x_k), \qquad \sum_k w_k = 1

    Parameters
    ----------
    states : State (m,)
        Of an encoding. A batch of pure states of m <= d members gives rho as a factor, of known support.
    weights : array (m,), optional
        Probabilities; equal by default.

    Returns
    -------
    DensityMatrix

    Raises
    ------
    InputError
        Where `states` is no batch (m,), or `weights` are no m probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.encodings import angle_encoding
    >>> embedding(angle_encoding([[0.0], [np.pi]])).matrix().real.round(6)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    states = _batch("states", states)
    m = states.batch_shape[0]
    w = np.full(m, 1 / m) if weights is None else _matrices.probabilities("weights", weights)
    if w.shape != (m,):
        raise InputError(f"weights must be one a state, shape ({m},); found shape {w.shape}.")
    if states.is_diagonal:
        return DensityMatrix.from_probabilities(w @ states.probabilities(), states.dims)
    if states.factor is not None:
        columns = np.sqrt(w)[:, None, None] * states.factor
        columns = columns.transpose(1, 0, 2).reshape(states.dim, -1)
        if columns.shape[1] <= states.dim:
            return DensityMatrix.from_factor(columns, states.dims)
        return DensityMatrix._trusted(columns @ columns.conj().T, states.dims)
    return DensityMatrix._trusted(np.einsum("k,kij->ij", w, states.matrix()), states.dims)


def kernel(first: StateLike, second: StateLike | None = None, kind: str = "hilbert_schmidt") -> Real:
    r"""The kernel matrix of two batches of states, (m,) and (l,): shape (m, l).

    .. math:: k(\rho, \sigma) = \mathrm{Tr}\, \rho\sigma \quad \text{("hilbert_schmidt")}, \qquad
        \left( \mathrm{Tr} \left| \sqrt\rho \sqrt\sigma \right| \right)^2 \quad \text{("fidelity")}

    The two agree where one of the states is pure. The first is positive semidefinite always.

    Parameters
    ----------
    first, second : State
        Batches; `second` is `first` by default.
    kind : {"hilbert_schmidt", "fidelity"}

    Returns
    -------
    array (m, l)

    Raises
    ------
    InputError
        Where one is no batch (m,), their dims differ, or `kind` is another word.

    Notes
    -----
    O(m l d) for pure or diagonal states, O(m l d^2) for others; "fidelity" of mixed states O(m l d^3).
    Source: Schuld (2021), arXiv:2101.11020.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.encodings import angle_encoding
    >>> kernel(angle_encoding([[0.0], [np.pi / 2], [np.pi]])).round(6)
    array([[1. , 0.5, 0. ],
           [0.5, 1. , 0.5],
           [0. , 0.5, 1. ]])
    """
    _checks.choice("kind", kind, ("hilbert_schmidt", "fidelity"))
    first, second = _batch("first", first), _batch("second", first if second is None else second)
    if first.dims != second.dims:
        raise InputError(f"first and second must have the same dims; found {first.dims} and {second.dims}.")
    a, b = first.factor, second.factor
    pure = any(columns is not None and columns.shape[-1] == 1 for columns in (a, b))
    if kind == "fidelity" and not pure:
        return np.stack([fidelity(first[k], second) for k in range(first.batch_shape[0])])
    if first.is_diagonal and second.is_diagonal:
        return np.asarray(first.probabilities() @ second.probabilities().T)
    if a is not None and b is not None and a.shape[-1] == b.shape[-1] == 1:
        return np.square(np.abs(a[..., 0].conj() @ b[..., 0].T))
    m, k = first.batch_shape[0], second.batch_shape[0]
    return np.asarray((first.matrix().reshape(m, -1) @ second.matrix().reshape(k, -1).conj().T).real)


def _batch(name: str, states: StateLike) -> State:
    """A batch (m,) of states."""
    found = as_state(states, None, name)
    if len(found.batch_shape) != 1:
        raise InputError(f"{name} must be a batch (m,) of states; found batch shape {found.batch_shape}.")
    return found
