"""Bases of Hermitian matrices."""

from __future__ import annotations

import numpy as np

from qml import _checks
from qml._typing import Complex


def hermitian_basis(dim: int) -> Complex:
    """An orthonormal basis (d^2, d, d) of the Hermitian matrices; the first is 1/sqrt d, the others are traceless."""
    _checks.memory(f"a basis of the matrices of dimension {dim}", 16 * dim**4, "use fewer sites")
    basis = np.zeros((dim**2, dim, dim), dtype=np.complex128)
    i, j = np.triu_indices(dim, 1)
    k = np.arange(len(i))
    basis[0] = np.eye(dim) / np.sqrt(dim)
    for level in range(1, dim):
        basis[level, range(level), range(level)] = 1 / np.sqrt(level * (level + 1))
        basis[level, level, level] = -np.sqrt(level / (level + 1))
    for first, value in ((dim, 1.0), (dim + len(i), 1j)):
        basis[first + k, i, j] = value / np.sqrt(2)
        basis[first + k, j, i] = np.conj(value) / np.sqrt(2)
    return basis
