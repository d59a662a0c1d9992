"""Exponentials of generators, and their derivatives, on one thread where matrices are small.

SciPy's linear algebra takes milliseconds for a matrix of side 4 where its threads wait for those of NumPy.
"""

from __future__ import annotations

import numpy as np

from qml import threads
from qml._checks import OutsideDomain
from qml._typing import Real


def exponential(matrix: Real) -> Real:
    """exp of a real matrix (d, d), by scaling and squaring (Al-Mohy and Higham 2009, SIAM J. Matrix Anal. Appl. 31,
    970).

    Raises
    ------
    OutsideDomain
        Where float64 does not hold what it takes.
    """
    from scipy.linalg import expm

    with threads.suited(len(matrix)), np.errstate(over="ignore", invalid="ignore"):
        found = np.asarray(expm(matrix))
    if not np.isfinite(found).all():
        raise OutsideDomain("the product of a time and the coefficients is too large for float64: shorten the time.")
    return found


def exponential_along(matrix: Real, direction: Real) -> Real:
    """The derivative of exp at a matrix (d, d) along another: that of the same approximant (Al-Mohy and Higham 2009,
    SIAM J. Matrix Anal. Appl. 30, 1639)."""
    from scipy.linalg import expm_frechet

    with threads.suited(len(matrix)):
        return np.asarray(expm_frechet(matrix, direction, compute_expm=False))
