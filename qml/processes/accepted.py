"""Which states are Choi states of processes: what is refused, and with what sentence."""

from __future__ import annotations

import math

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import Dims, DimsLike
from qml.operators import partial_trace_matrix
from qml.states import DensityMatrix, State
from qml.states.coercion import StateLike, one_state


def choi_state(choi: StateLike, dims: Dims | None = None) -> State:
    """A Choi state; what is none is told as what it says of the process."""
    if not isinstance(choi, np.ndarray | list | tuple):
        return one_state(choi, "the Choi state")
    a = _checks.array("the Choi matrix", choi)
    if a.ndim != 2:
        return one_state(a, "the Choi state")
    j = _matrices.hermitian("the Choi matrix", a)
    with np.errstate(over="ignore"):
        trace = float(np.trace(j).real)
    if not abs(trace - 1) <= _checks.TOLERANCE:
        raise InputError(f"a Choi matrix must have unit trace here (J divided by d); found {trace:.12g}.")
    lowest = float(np.linalg.eigvalsh(j)[0])
    if lowest < -_checks.TOLERANCE:
        raise InputError(
            f"a process must be completely positive; found the eigenvalue {lowest:.3g} of its Choi matrix, tolerance "
            f"-{_checks.TOLERANCE}: take process_tomography where it comes from data."
        )
    return DensityMatrix(j, dims)


def ends(dims: Dims, dims_in: DimsLike | None) -> tuple[Dims, Dims]:
    """The sites of the input and of the output."""
    if dims_in is None:
        if len(dims) % 2 or not dims:
            raise InputError(f"dims_in must say which sites are the input; found a Choi state of dims {dims}.")
        return dims[: len(dims) // 2], dims[len(dims) // 2 :]
    ins = _checks.dimensions("dims_in", dims_in)
    if ins != dims[: len(ins)] or len(ins) == len(dims):
        raise InputError(f"dims_in must be the first sites of the Choi state, which has dims {dims}; found {ins}.")
    return ins, dims[len(ins) :]


def check_trace(choi: State, n_in: int) -> None:
    """Refuse a Choi state, with the input on its first `n_in` sites, of a process that does not preserve the trace."""
    d = math.prod(choi.dims[:n_in])
    reduced = d * partial_trace_matrix(choi.matrix(), range(n_in), choi.dims)
    violation = float(np.abs(reduced - np.eye(d)).max())
    if violation > _checks.TOLERANCE * d:
        raise InputError(
            f"a process must preserve the trace: Tr_out J = 1/d; found max|d Tr_out J - 1| = {violation:.3g}, "
            f"tolerance {_checks.TOLERANCE * d:.1g}."
        )
