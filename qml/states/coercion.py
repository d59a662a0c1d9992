"""What is taken for a state: one function for one, and one for two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Dims, DimsLike
from qml.states.base import State
from qml.states.cross_entropy import Data
from qml.states.density_matrix import DensityMatrix

StateLike = State | ArrayLike
"""A state, a density matrix (..., d, d) or state vector (d,) as an array or as lists, or a QuTiP object."""


def as_state(value: StateLike, dims: DimsLike | None = None, name: str = "the state") -> State:
    """A state, from a state, a QuTiP object, a density matrix (..., d, d) or a state vector (d,).

    Parameters
    ----------
    value : State, Qobj, array (..., d, d) or array (d,)
    dims : int or sequence of int, optional
        Sites of an array, or of a Qobj on one site of their dimension; qubits if d is a power of two by default.
    name : str
        What a refusal calls it.

    Raises
    ------
    InputError
        If it is not a state; the sentence says what it violates, and by how much.

    Examples
    --------
    >>> as_state([[0.5, 0.0], [0.0, 0.5]])
    DensityMatrix(dims=(2,))
    """
    if hasattr(value, "_as_state"):  # a state is itself, a process stands for its Choi state
        held: State = value._as_state()
        return held
    if _is_qobj(value):
        read = DensityMatrix.from_qobj(value)
        if dims is None or len(read.dims) > 1 or math.prod(wanted := _checks.dimensions("dims", dims)) != read.dim:
            return read
        return DensityMatrix(read.matrix(), wanted) if read.factor is None else read.from_factor(read.factor, wanted)
    _refuse_others(name, value)
    a = _checks.array(name, value)
    return DensityMatrix.from_vector(a, dims) if a.ndim == 1 else DensityMatrix(a, dims)


def as_single_state(value: StateLike, dims: Dims, name: str = "target") -> State:
    """One state rho on sites `dims`, from a state, a density matrix, a state vector or a Qobj; never a batch.

    Parameters
    ----------
    value : State, Qobj, array (d, d) or array (d,)
    dims : tuple of int
    name : str
        What a refusal calls it.

    Returns
    -------
    State

    Raises
    ------
    InputError
        If `value` is not a state, is on other sites, or is a batch.

    Examples
    --------
    >>> as_single_state([0.6, 0.8], (2,)).dims
    (2,)
    """
    dims = _checks.dimensions("dims", dims)
    if not (hasattr(value, "_as_state") or _is_qobj(value)):
        _refuse_others(name, value)
        if getattr(value, "is_measured", False):
            raise InputError(
                f"{name} must be a state; found Counts: learn them by their likelihood (leave out loss=), or give "
                "counts.empirical_state()."
            )
        d = math.prod(dims)
        shape = np.shape(value)
        if shape not in ((d,), (d, d)):
            raise InputError(
                f"{name} must be a state of dimension {d}, as a State, a Qobj, a matrix ({d}, {d}) or a vector ({d},); "
                f"found {type(value).__name__} of shape {shape}."
            )
    rho = one_state(value, name, dims)
    if rho.dims != dims:
        raise InputError(f"{name} and model must have equal dims; found {rho.dims} ({name}) and {dims} (model).")
    return rho


def as_data(target: Any, dims: Dims | None = None) -> Data:
    """What S asks of a target on sites `dims`: a state, the empirical state of counts, or known expectations.

    Parameters
    ----------
    target : State, Counts, Moments, or what :func:`as_state` takes
    dims : tuple of int, optional
        By default those that it has.

    Returns
    -------
    State, or Moments

    Raises
    ------
    InputError
        If it is on other sites, or is no single state.

    Examples
    --------
    >>> as_data([[1.0, 0.0], [0.0, 0.0]], (2,)).dims
    (2,)
    """
    data = target._as_data() if hasattr(target, "_as_data") else target
    if getattr(data, "_is_state", True):
        return one_state(data, "target") if dims is None else as_single_state(data, dims)
    if dims is not None and data.dims != dims:
        raise InputError(f"target and model must have equal dims; found {data.dims} (target) and {dims} (model).")
    held: Data = data
    return held


def as_pair(rho: StateLike, sigma: StateLike) -> tuple[State, State]:
    """Two states on the same sites, single or batches that broadcast; an array takes the dims of the other one.

    Parameters
    ----------
    rho, sigma : State, Qobj, array (..., d, d) or array (d,)

    Returns
    -------
    State, State

    Raises
    ------
    InputError
        If one is no state, their dims differ, or their batches do not broadcast.

    Examples
    --------
    >>> from qml.states import maximally_mixed
    >>> as_pair([1.0, 0.0, 0.0, 0.0], maximally_mixed((2, 2)))[0].dims
    (2, 2)
    """
    first = _beside(sigma, rho, "rho")
    second = _beside(first, sigma, "sigma")
    if first.dims != second.dims:
        raise InputError(f"the two states must have equal dims; found {first.dims} (rho) and {second.dims} (sigma).")
    if first.batch_shape and second.batch_shape:
        try:
            np.broadcast_shapes(first.batch_shape, second.batch_shape)
        except ValueError:
            raise InputError(
                f"batches of states must broadcast; found shapes {first.batch_shape} (rho) and {second.batch_shape} "
                "(sigma)."
            ) from None
    return first, second


def _beside(other: StateLike, value: StateLike, name: str) -> State:
    """A state; an array of the dimension of another state takes its dims."""
    if hasattr(value, "_as_state"):
        return as_state(value, name=name)
    return as_state(value, other.dims if isinstance(other, State) and other.dim == _dim(value) else None, name)


def one_state(value: StateLike, name: str = "state", dims: DimsLike | None = None) -> State:
    """A single state; an array is on sites `dims`, qubits by default.

    Parameters
    ----------
    value : State, Qobj, array (d, d) or array (d,)
    name : str
        What a refusal calls it.
    dims : int or sequence of int, optional
        Sites of an array.

    Returns
    -------
    State

    Raises
    ------
    InputError
        If `value` is not a state, or is a batch.

    Examples
    --------
    >>> one_state([0.6, 0.8]).dims
    (2,)
    """
    state = as_state(value, dims, name)
    if state.batch_shape:
        found = f"found a batch of shape {state.batch_shape}"
        raise InputError(f"{name} must be one state; {found}: index it first, or use the mixture.")
    return state


def _refuse_others(name: str, value: Any) -> None:
    if _dim(value) == 0:
        found = _checks.shown(value)
        hint = ": of counted outcomes pass Counts.from_dicts" if isinstance(value, Mapping) else ""
        raise InputError(
            f"{name} must be a State, a Qobj, a matrix (d, d) or a vector (d,) of numbers; found {found}{hint}."
        )


def _is_qobj(value: Any) -> bool:
    return hasattr(value, "isket") and hasattr(value, "full")


def _dim(value: Any) -> int:
    """The dimension of what may be made a state; 0 where it is none."""
    try:
        shape = value.shape if _is_qobj(value) else np.shape(value)
    except ValueError:  # ragged
        return 0
    return int(shape[0] if _is_qobj(value) else shape[-1]) if shape else 0
