"""Pauli sums, standard Hamiltonians, and operators on the sites of a register of any dimensions."""

from qml.operators.coercion import PauliLike, as_pauli_sum
from qml.operators.generators import GeneratorsLike, named_operators
from qml.operators.hamiltonians import HAMILTONIANS, grid_edges, heisenberg, hubbard, j1j2, tfim, xxz
from qml.operators.pauli_sum import PauliSum, pauli
from qml.operators.sets import GENERATORS, hermitian, neighbors, projectors, up_to_weight
from qml.operators.sites import OperatorLike, as_matrix, dims_of, embed, partial_trace_matrix, tensor_matrices

__all__ = [
    "GENERATORS",
    "HAMILTONIANS",
    "GeneratorsLike",
    "OperatorLike",
    "PauliLike",
    "PauliSum",
    "as_matrix",
    "as_pauli_sum",
    "dims_of",
    "embed",
    "grid_edges",
    "heisenberg",
    "hermitian",
    "hubbard",
    "j1j2",
    "named_operators",
    "neighbors",
    "partial_trace_matrix",
    "pauli",
    "projectors",
    "tensor_matrices",
    "tfim",
    "up_to_weight",
    "xxz",
]
