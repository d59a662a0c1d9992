"""Pauli transfer matrices: maps on density matrices as real matrices on Pauli vectors."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from qml import _checks
from qml._typing import Complex, Real
from qml.instructions import Channel, Instruction, Unitary

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
LETTERS = "IXYZ"


@lru_cache(maxsize=8)
def _pauli_rows(k: int) -> Complex:
    """The B with r = B vec(rho) on k qubits, row-major vec, shape (4^k, 4^k): its rows are the conjugate strings."""
    side = 1 << k
    _checks.memory(f"the Pauli transfer matrix on {k} qubits", 3 * 16 * side**4, "use gates on fewer qubits")
    strings = np.ones((1, 1, 1), dtype=np.complex128)
    for _ in range(k):
        strings = np.array([np.kron(s, p) for s, p in product(strings, PAULIS)])
    return strings.conj().reshape(side * side, side * side)


def transfer_matrix(superoperator: Complex) -> Real:
    r"""The Pauli transfer matrix of superoperators (..., 4^k, 4^k) on row-major vec(rho).

    .. math:: R = 2^{-k} B S B^\dagger, \qquad R_{PQ} = 2^{-k}\, \mathrm{Tr}(P\, \mathcal{E}[Q])

    Examples
    --------
    >>> from qml import gates
    >>> transfer_matrix(gates.S.superoperator(np.zeros(0))) + 0.0
    array([[ 1.,  0.,  0.,  0.],
           [ 0.,  0., -1.,  0.],
           [ 0.,  1.,  0.,  0.],
           [ 0.,  0.,  0.,  1.]])
    """
    k = (superoperator.shape[-1].bit_length() - 1) // 2
    b = _pauli_rows(k)
    return np.ascontiguousarray((b @ superoperator @ b.conj().T).real / (1 << k))


def transfer_of(instruction: Instruction, values: Real) -> Real:
    """The transfer matrix (4^k, 4^k) of a gate or channel at these parameters."""
    assert isinstance(instruction, Unitary | Channel)
    return transfer_matrix(instruction.superoperator(values))


def transfer_derivatives(instruction: Instruction, values: Real) -> Real:
    """Its derivatives (p, 4^k, 4^k) in each of the parameters."""
    assert isinstance(instruction, Unitary | Channel)
    return transfer_matrix(instruction.superoperator_derivatives(values))
