"""Pauli strings and rotations in the arithmetic of mpmath, which share no code with qml."""

import itertools

import mpmath
import numpy as np

M = mpmath.matrix
I = mpmath.mpc(0, 1)  # noqa: E741
LETTERS = {"I": [[1, 0], [0, 1]], "X": [[0, 1], [1, 0]], "Y": [[0, -I], [I, 0]], "Z": [[1, 0], [0, -1]]}


def to_mp(a: np.ndarray) -> M:
    """A matrix, or a vector as a row, to the last of its digits."""
    return M([[mpmath.mpc(z.real, z.imag) for z in row] for row in np.atleast_2d(a) * 1.0])


def kron(*factors: M) -> M:
    out = mpmath.eye(1)
    for b in factors:
        a, out = out, mpmath.zeros(out.rows * b.rows, out.cols * b.cols)
        for i, j, k, m in itertools.product(range(a.rows), range(a.cols), range(b.rows), range(b.cols)):
            out[i * b.rows + k, j * b.cols + m] = a[i, j] * b[k, m]
    return out


def string(label: str) -> M:
    return kron(*(M(LETTERS[letter]) for letter in label))


def rotation(label: str, angle: mpmath.mpf) -> M:
    """exp(-i angle P / 2) = cos(angle/2) - i sin(angle/2) P."""
    p = string(label)
    return mpmath.cos(angle / 2) * mpmath.eye(p.rows) - I * mpmath.sin(angle / 2) * p
