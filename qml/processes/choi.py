"""Choi matrices as plain arrays: what they are made from and turned into, and which are those of no process."""

from __future__ import annotations

import math

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import Complex, Dims, DimsLike, Real
from qml.circuits import Circuit
from qml.engines.pauli_state import matrix_of, vector_of
from qml.engines.transfer import transposed
from qml.operators import partial_trace_matrix
from qml.states import DensityMatrix, State, nearest_density_matrix
from qml.states.coercion import StateLike, one_state


def beside_reference(circuit: Circuit) -> Circuit:
    """The circuit behind as many reference sites as it has input sites: from :func:`maximally_entangled` it prepares
    the Choi state of what it does."""
    first = len(circuit.sites_in)
    moved = [o._moved(range(first, first + circuit.n_sites)) for o in circuit.operations]
    return Circuit(circuit.dims_in + circuit.dims, moved)


def maximally_entangled(dims: DimsLike) -> DensityMatrix:
    r"""The pure state of two copies of sites with all Schmidt coefficients equal.

    .. math:: |\Phi\rangle = \frac{1}{\sqrt d} \sum_i |i\rangle |i\rangle

    Parameters
    ----------
    dims : int or sequence of int
        A number of qubits, or the dimensions of the sites of one copy.

    Raises
    ------
    InputError
        If `dims` holds anything but positive integers.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> maximally_entangled(1).matrix().real
    array([[0.5, 0. , 0. , 0.5],
           [0. , 0. , 0. , 0. ],
           [0. , 0. , 0. , 0. ],
           [0.5, 0. , 0. , 0.5]])
    """
    sites = _checks.dimensions("dims", dims)
    d = math.prod(sites)
    _checks.memory(f"a maximally entangled state of dimension {d} squared", 16 * d**2, "use fewer sites")
    return DensityMatrix.from_factor(np.eye(d).reshape(-1, 1) / math.sqrt(d), sites + sites)


def choi_of_superoperator(matrix: Complex) -> Complex:
    """J (..., d d_out, d d_out) of superoperators (..., d_out^2, d^2) on row-major vectors."""
    d_out, d = (math.isqrt(n) for n in matrix.shape[-2:])
    tensor = np.moveaxis(matrix.reshape(*matrix.shape[:-2], d_out, d_out, d, d), (-4, -3, -2, -1), (-3, -1, -4, -2))
    return np.asarray(tensor.reshape(*matrix.shape[:-2], d * d_out, d * d_out) / d)


def positive_choi(matrix: Complex, d: int) -> Complex:
    """The positive part (d d_out, d d_out) of a Choi matrix on an input of dimension d, with the trace restored; inputs
    of which nothing is left go to 1/d_out."""
    near = nearest_density_matrix(matrix).matrix()
    d_out = len(near) // d
    values, vectors = np.linalg.eigh(d * np.einsum("iaja->ij", near.reshape(d, d_out, d, d_out)))
    lost = values <= _checks.TOLERANCE
    near = near + np.kron(vectors[:, lost] @ vectors[:, lost].conj().T, np.eye(d_out)) / (d * d_out)
    values = np.where(lost, 1.0, values)
    root = np.kron((vectors / np.sqrt(values)) @ vectors.conj().T, np.eye(d_out))
    return np.asarray(root @ near @ root)


def transposed_pairs(matrix: Complex) -> Complex:
    """A superoperator (d_out^2, d^2) on row-major vectors as that on column-major ones, and back."""
    d_out, d = (math.isqrt(n) for n in matrix.shape)
    return matrix.reshape(d_out, d_out, d, d).transpose(1, 0, 3, 2).reshape(matrix.shape)


def transfer_of_choi(choi: Complex, n: int, m: int) -> Real:
    """R (..., 4^m, 4^n) of Choi matrices (..., 2^(n+m), 2^(n+m)): R_PQ = Tr[(Q^T (x) P) J]."""
    vectors = vector_of(choi, n + m).reshape(*choi.shape[:-2], 4**n, 4**m)
    return np.ascontiguousarray((transposed(n)[:, None] * vectors).swapaxes(-1, -2))


def choi_of_transfer(matrix: Real) -> Complex:
    """J of a Pauli transfer matrix R (..., 4^m, 4^n)."""
    n, m = ((size.bit_length() - 1) // 2 for size in (matrix.shape[-1], matrix.shape[-2]))
    vectors = transposed(n)[:, None] * matrix.swapaxes(-1, -2)
    return matrix_of(np.ascontiguousarray(vectors.reshape(*matrix.shape[:-2], -1)), n + m)


def choi_state(choi: StateLike, dims: Dims | None = None) -> State:
    """A Choi state; what is none is told as what it says of the process."""
    if not isinstance(choi, np.ndarray | list | tuple):
        return one_state(choi, "the Choi state")
    a = _checks.array("the Choi matrix", choi)
    if a.ndim != 2:
        return one_state(a, "the Choi state")
    j = _matrices.hermitian("the Choi matrix", a, least=1.0)
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
