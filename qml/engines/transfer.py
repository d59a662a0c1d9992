"""Pauli transfer matrices: maps on density matrices as real matrices on Pauli vectors."""

from __future__ import annotations

from functools import cache

import numpy as np

from qml import _checks
from qml._typing import Complex, Real
from qml.engines.pauli.conversion import vector_of
from qml.instructions import Channel, Instruction, Unitary

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
LETTERS = "IXYZ"
TO_Z = {"X": np.array([[1, 1], [1, -1]]) / 2**0.5, "Y": np.array([[1, -1j], [1, 1j]]) / 2**0.5, "Z": np.eye(2)}
"""The V with V P V^dagger = Z: its rows are the conjugated eigenvectors of P, +1 first."""


@cache
def transposed(n: int) -> Real:
    """The sign of each Pauli string (4^n,) under transposition: Y^T = -Y."""
    signs = np.ones(1)
    for _ in range(n):
        signs = np.multiply.outer(signs, [1.0, 1.0, -1.0, 1.0]).reshape(-1)
    return signs


def _transfer_matrix(pairs: Complex, k: int) -> Real:
    r"""The transfer matrices (..., 4^k, 4^k) of maps E on k qubits, from the Hermitian M (..., 4^k, 4^k) with the entry
    <i|E(|a><b|)|j> in row (i, a) and column (j, b).

    .. math:: R_{PQ} = 2^{-k}\, \mathrm{Tr}(P\, \mathcal{E}[Q]) = 2^{-k}\, \mathrm{Tr}\big( (P \otimes Q^T) M \big)
    """
    vectors = vector_of(pairs, 2 * k, 1 / (1 << k)).reshape(pairs.shape)
    vectors *= transposed(k)
    return vectors


def transfer_of(instruction: Instruction, values: Real) -> Real:
    """The transfer matrix (4^k, 4^k) of a gate or channel at these parameters, O(k 16^k) beside its own matrices.

    Examples
    --------
    >>> from qml import gates
    >>> transfer_of(gates.S, np.zeros(0)) + 0.0
    array([[ 1.,  0.,  0.,  0.],
           [ 0.,  0., -1.,  0.],
           [ 0.,  1.,  0.,  0.],
           [ 0.,  0.,  0.,  1.]])
    """
    k = _checked(instruction, 1)
    if isinstance(instruction, Unitary):
        u = instruction.matrix(values).reshape(-1)
        return _transfer_matrix(np.multiply.outer(u, u.conj()), k)
    assert isinstance(instruction, Channel)
    return _of_superoperator(instruction.superoperator(values), k)


def transfer_derivatives(instruction: Instruction, values: Real) -> Real:
    """Its derivatives (p, 4^k, 4^k) in each of the parameters."""
    k = _checked(instruction, instruction.n_params)
    if isinstance(instruction, Unitary):
        u, du = instruction.matrix(values).reshape(-1), instruction.derivatives(values).reshape(-1, 4**k)
        half = du[:, :, None] * u.conj()
        return _transfer_matrix(half + half.conj().swapaxes(1, 2), k)
    assert isinstance(instruction, Channel)
    return _of_superoperator(instruction.superoperator_derivatives(values), k)


def _checked(instruction: Instruction, count: int) -> int:
    """The number of qubits of an instruction of which so many transfer matrices fit."""
    k = instruction.n_sites
    if k > 3:
        _checks.memory(f"the Pauli transfer matrix on {k} qubits", count * 40 * 16**k, "use gates on fewer qubits")
    return k


def _of_superoperator(s: Complex, k: int) -> Real:
    """The transfer matrices of superoperators (..., 4^k, 4^k) on row-major vec(rho)."""
    if k == 1:  # one product takes less time than the calls of a transform
        flat = np.ascontiguousarray(s, dtype=np.complex128).reshape(-1, 16)
        return np.asarray(flat.view(np.float64) @ _ONE).reshape(s.shape)
    return _transfer_matrix(s.reshape(-1, *(1 << k,) * 4).swapaxes(2, 3).reshape(s.shape), k)


_ONE = np.einsum("pij,qab->pqijab", PAULIS, PAULIS.conj()).reshape(16, 16).view(np.float64).T / 2
"""Of one qubit: from the real and imaginary parts of a superoperator to its transfer matrix."""
