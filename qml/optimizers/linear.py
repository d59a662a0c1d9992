"""Steps from a quadratic model: (g + damping) x = b, for a metric or Hessian that is assembled or only applied."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from qml import spectral
from qml._typing import Integer, Real
from qml.geometry import Metric

SOLVERS = ("auto", "dense", "cg")
FARTHEST = 1e150
"""No step is longer, so that values exist where it leads."""
SINGULAR = 1e-10
"""What is added to the diagonal of a block, relative to its largest entry."""
DENSE_UP_TO = 128
"""Parameters up to which "auto" assembles the matrix."""


def is_assembled(solver: str, n_params: int) -> bool:
    """Whether the matrix is assembled, not only applied."""
    return solver == "dense" or (solver == "auto" and n_params <= DENSE_UP_TO)


def units_of(quadratic: Metric, solver: str, n_params: int) -> Real:
    """The roots of the diagonal entries (p,), where they are known and not zero, else ones."""
    squares, found = np.ones(n_params), None
    if is_assembled(solver, n_params):
        squares = quadratic.matrix().diagonal()
    elif (found := quadratic.blocks()) is not None:
        squares[found[0]] = np.einsum("kqq->kq", found[1])
    return np.sqrt(np.where(squares > 0, squares, 1.0))


def solver_of(
    quadratic: Metric, b: Real, solver: str, accuracy: float, units: Real | None = None
) -> tuple[Callable[[float], Real], float]:
    """The map from a damping to the solution x, and the mean curvature that dampings are measured by; in these units of
    the parameters, where b has them already.

    `accuracy` is the relative residual at which conjugate gradients stop.
    """
    if is_assembled(solver, len(b)):
        return _dense(quadratic.matrix() if units is None else quadratic.matrix() / np.outer(units, units), b)
    units = np.ones(len(b)) if units is None else units

    def product(v: Real) -> Real:
        return quadratic.product(v / units) / units

    scale = float(b @ product(b)) / max(float(b @ b), np.finfo(np.float64).tiny)
    blocks = quadratic.blocks()

    def solve(damping: float) -> Real:
        nearly = _inverse(*blocks, units, damping) if blocks is not None else lambda v: v
        return conjugate_gradients(lambda v: product(v) + damping * v, b, accuracy, nearly)

    return solve, scale


def _inverse(groups: Integer, blocks: Real, units: Real, damping: float) -> Callable[[Real], Real]:
    """The inverse of the blocks in these units, damped; of singular ones a little more, so that there is one."""
    scaled = blocks / (units[groups][:, :, None] * units[groups][:, None, :])
    diagonals = np.einsum("kqq->kq", scaled)  # a view
    diagonals += damping + SINGULAR * diagonals.max(axis=1, keepdims=True) + np.finfo(np.float64).tiny
    factors = [cho_factor(block, lower=True, overwrite_a=True, check_finite=False) for block in scaled]

    def solve(v: Real) -> Real:
        x = np.empty_like(v)
        for group, factor in zip(groups, factors, strict=True):
            x[group] = cho_solve(factor, v[group], check_finite=False)
        return x

    return solve


def _dense(matrix: Real, b: Real) -> tuple[Callable[[float], Real], float]:
    """By one eigen-decomposition; directions without curvature, to rounding, are left alone."""
    values, vectors = np.linalg.eigh(matrix)
    rotated = vectors.T @ b
    kept = values > np.maximum(len(b) * spectral.EPS * values[-1], np.abs(rotated) / FARTHEST)
    values, vectors, rotated = values[kept], vectors[:, kept], rotated[kept]
    return lambda damping: vectors @ (rotated / (values + damping)), float(np.trace(matrix)) / len(b)


def conjugate_gradients(
    product: Callable[[Real], Real], b: Real, accuracy: float, nearly: Callable[[Real], Real] = lambda v: v
) -> Real:
    """The x with A x = b in at most 2 len(b) products; A positive semidefinite, `nearly` close to its inverse.

    Stops where the residual, in the norm of `nearly`, is `accuracy` times that of b, or a direction has no curvature.
    Source: Hestenes and Stiefel (1952), J. Res. NBS 49, 409.
    """
    x, residual = np.zeros_like(b), b.copy()
    direction = nearly(b)
    square = float(residual @ direction)
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
        closer = nearly(residual)
        last, square = square, float(residual @ closer)
        direction = closer + (square / last) * direction
    return x
