"""Pauli sums, standard Hamiltonians, and operators on the sites of a register of any dimensions."""

from qml.operators.hamiltonians import grid_edges, heisenberg, hubbard, j1j2, tfim, xxz
from qml.operators.pauli_sum import PauliSum, pauli
from qml.operators.sites import OperatorLike, as_matrix, dims_of, embed, partial_trace_matrix, tensor_matrices

__all__ = [
    "OperatorLike",
    "PauliSum",
    "as_matrix",
    "dims_of",
    "embed",
    "grid_edges",
    "heisenberg",
    "hubbard",
    "j1j2",
    "partial_trace_matrix",
    "pauli",
    "tensor_matrices",
    "tfim",
    "xxz",
]
