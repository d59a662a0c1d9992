"""Exponentials of generators, and their derivatives, on one thread where matrices are small.

What is squared is exp(A) - 1 and not exp(A): a rate that is slow beside others then keeps its own digits, which would
be lost beside the 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qml import _checks, threads
from qml._arrays import as_real
from qml._checks import OutsideDomain
from qml._typing import Real

PADE = (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0)
"""Coefficients of the approximant of order 7 (Higham 2005, SIAM J. Matrix Anal. Appl. 26, 1179)."""
NORM = 0.5
"""The largest sum of absolute values in a column up to which the approximant, and its derivative, are exact."""
TOGETHER = 2**17
"""Numbers of the directions that are worked on at once."""


def exponential(matrix: Real) -> Real:
    """exp of real matrices (..., d, d), by scaling and squaring.

    Raises
    ------
    OutsideDomain
        Where float64 does not hold what it takes.
    """
    return np.asarray(_less_one([matrix])[0] + np.eye(matrix.shape[-1]))


def exponentials_along(matrix: Real, directions: Real) -> Real:
    """The derivatives of exp at a matrix (d, d) along others (k, d, d), or at k matrices along one each: those of the
    same approximant (Al-Mohy and Higham 2009, SIAM J. Matrix Anal. Appl. 30, 1639)."""
    found, size = np.empty(directions.shape), max(1, TOGETHER // matrix.shape[-1] ** 2)
    for start in range(0, len(found), size):
        part = slice(start, start + size)
        found[part] = _less_one([matrix if matrix.ndim == 2 else matrix[part], directions[part]])[1]
    return found


def _less_one(a: list[Real]) -> list[Real]:
    """exp(A) - 1, and its derivative where [A, dA] is given."""
    with threads.suited(a[0].shape[-1]), np.errstate(over="ignore", invalid="ignore"):
        norm = float(np.abs(a[0]).sum(axis=-2).max()) / NORM
        steps = max(0, math.frexp(norm)[1]) if math.isfinite(norm) else 0
        a = [as_real(np.ldexp(x, -steps)) for x in a]
        second = _product(a, a)
        fourth = _product(second, second)
        powers = second, fourth, _product(fourth, second)
        even, odd = _sum(PADE[::2], *powers), _product(a, _sum(PADE[1::2], *powers))
        below = [x - y for x, y in zip(even, odd, strict=True)]
        found = [as_real(np.linalg.solve(below[0], 2 * odd[0]))]
        if len(a) > 1:
            found.append(as_real(np.linalg.solve(below[0], 2 * odd[1] - below[1] @ found[0])))
        for _ in range(steps):
            found = [2 * x + y for x, y in zip(found, _product(found, found), strict=True)]
    if not all(map(_checks.all_finite, found)):
        raise OutsideDomain("the product of a time and the coefficients is too large for float64: shorten the time.")
    return found


def _product(x: list[Real], y: list[Real]) -> list[Real]:
    """X Y, and X dY + dX Y."""
    return [x[0] @ y[0], *(x[0] @ dy + dx @ y[0] for dx, dy in zip(x[1:], y[1:], strict=True))]


def _sum(c: Sequence[float], *powers: list[Real]) -> list[Real]:
    """c_0 + c_1 X + c_2 Y + c_3 Z, and its derivative."""
    found = [as_real(c[1] * x + c[2] * y + c[3] * z) for x, y, z in zip(*powers, strict=True)]
    return [found[0] + c[0] * np.eye(found[0].shape[-1]), *found[1:]]
