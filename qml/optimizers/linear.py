"""Steps from a quadratic model: (g + damping) x = b, for a metric or Hessian that is assembled or only applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from qml import spectral
from qml._typing import Real

SOLVERS = ("auto", "dense", "cg")
FARTHEST = 1e150
"""No step is longer, so that values exist where it leads."""
DENSE_UP_TO = 128
"""Parameters up to which "auto" assembles the matrix."""


class Quadratic(Protocol):
    """A positive semidefinite matrix (p, p), whole or as products."""

    def matrix(self) -> Real:
        """The matrix (p, p)."""

    def product(self, vector: Real) -> Real:
        """Its product with a vector (p,)."""


def is_assembled(solver: str, n_params: int) -> bool:
    """Whether the matrix is assembled, not only applied."""
    return solver == "dense" or (solver == "auto" and n_params <= DENSE_UP_TO)


def solver_of(
    quadratic: Quadratic, b: Real, solver: str, accuracy: float, units: Real | None = None
) -> tuple[Callable[[float], Real], float]:
    """The map from a damping to the solution x, and the mean curvature that dampings are measured by; of a matrix that
    is assembled in these units of the parameters, where b has them already.

    `accuracy` is the relative residual at which conjugate gradients stop.
    """
    if is_assembled(solver, len(b)):
        matrix = quadratic.matrix()
        return _dense(matrix if units is None else matrix / np.outer(units, units), b)
    scale = float(b @ quadratic.product(b)) / max(float(b @ b), np.finfo(np.float64).tiny)

    def solve(damping: float) -> Real:
        return conjugate_gradients(lambda v: quadratic.product(v) + damping * v, b, accuracy)

    return solve, scale


def _dense(matrix: Real, b: Real) -> tuple[Callable[[float], Real], float]:
    """By one eigen-decomposition; directions without curvature, to rounding, are left alone."""
    values, vectors = np.linalg.eigh(matrix)
    rotated = vectors.T @ b
    kept = values > np.maximum(len(b) * spectral.EPS * values[-1], np.abs(rotated) / FARTHEST)
    values, vectors, rotated = values[kept], vectors[:, kept], rotated[kept]
    return lambda damping: vectors @ (rotated / (values + damping)), float(np.trace(matrix)) / len(b)


def conjugate_gradients(product: Callable[[Real], Real], b: Real, accuracy: float) -> Real:
    """The x with A x = b to a relative residual of `accuracy`, in at most 2 len(b) products; A positive semidefinite.

    Stops where a direction has no curvature. Source: Hestenes and Stiefel (1952), J. Res. NBS 49, 409.
    """
    x, residual = np.zeros_like(b), b.copy()
    direction, square = residual.copy(), float(residual @ residual)
    target = accuracy**2 * square
    for _ in range(2 * len(b)):
        if square <= target:
            break
        image = product(direction)
        curvature = float(direction @ image)
        if curvature <= square / FARTHEST:
            break
        length = square / curvature
        x += length * direction
        residual -= length * image
        last, square = square, float(residual @ residual)
        direction = residual + (square / last) * direction
    return x
