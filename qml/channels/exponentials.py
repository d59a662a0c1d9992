"""Exponentials of generators, and their derivatives, on one thread where matrices are small.

What is squared is exp(A) - 1 and not exp(A): a rate that is slow beside others then keeps its own digits, which would
be lost beside the 1.
"""

from __future__ import annotations

import math

import numpy as np

from qml import threads
from qml._arrays import as_real
from qml._checks import OutsideDomain
from qml._typing import Real

PADE = (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0)
"""Coefficients of the approximant of order 7 (Higham 2005, SIAM J. Matrix Anal. Appl. 26, 1179)."""
NORM = 0.5
"""The largest sum of absolute values in a column up to which the approximant, and its derivative, are exact."""


def exponential(matrix: Real) -> Real:
    """exp of a real matrix (d, d), by scaling and squaring.

    Raises
    ------
    OutsideDomain
        Where float64 does not hold what it takes.
    """
    return np.asarray(_less_one([matrix])[0] + np.eye(len(matrix)))


def exponential_along(matrix: Real, direction: Real) -> Real:
    """The derivative of exp at a matrix (d, d) along another: that of the same approximant (Al-Mohy and Higham 2009,
    SIAM J. Matrix Anal. Appl. 30, 1639)."""
    return _less_one([matrix, direction])[1]


def _less_one(a: list[Real]) -> list[Real]:
    """exp(A) - 1, and its derivative where [A, dA] is given."""
    with threads.suited(len(a[0])), np.errstate(over="ignore", invalid="ignore"):
        norm = np.abs(a[0]).sum(axis=0).max()
        steps = max(0, math.frexp(norm / NORM)[1]) if np.isfinite(norm / NORM) else 0
        a = [as_real(np.ldexp(x, -steps)) for x in a]
        one = [np.eye(len(a[0])), *(np.zeros_like(x) for x in a[1:])]
        squares = [one, second := _product(a, a), fourth := _product(second, second), _product(fourth, second)]
        even, odd = (
            [as_real(np.tensordot(c, np.stack(powers), axes=1)) for powers in zip(*squares, strict=True)]
            for c in (PADE[::2], PADE[1::2])
        )
        odd = _product(a, odd)
        below = [x - y for x, y in zip(even, odd, strict=True)]
        found = [as_real(np.linalg.solve(below[0], 2 * odd[0]))]
        found += [
            as_real(np.linalg.solve(below[0], 2 * x - y @ found[0])) for x, y in zip(odd[1:], below[1:], strict=True)
        ]
        for _ in range(steps):
            found = [2 * x + y for x, y in zip(found, _product(found, found), strict=True)]
    if not np.isfinite(found).all():
        raise OutsideDomain("the product of a time and the coefficients is too large for float64: shorten the time.")
    return found


def _product(x: list[Real], y: list[Real]) -> list[Real]:
    """X Y, and X dY + dX Y."""
    return [x[0] @ y[0], *(x[0] @ dy + dx @ y[0] for dx, dy in zip(x[1:], y[1:], strict=True))]
