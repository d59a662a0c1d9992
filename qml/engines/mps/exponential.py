r"""exp(-K), and the roots of it that are met on the way: a short series, and then squares of it.

.. math:: e^{-\tau K} \approx 1 - \tau K \left( 1 - \frac{\tau K}{2} \left( 1 - \dots \right) \right), \qquad
    e^{-2 \tau K} = (e^{-\tau K})^2

No step of imaginary time is split, so that there is no Trotter error: the series ends where the bound on its rest,
for the sum of all couplings in place of the norm of K, is below 1e-14 after all squares. What is left is the
compression: each square at least doubles the relative error of its root, so that early ones are compressed less.
"""

from __future__ import annotations

import math

import numpy as np

from qml import spectral
from qml.engines.mps.trains import FLOOR, Train, compress, identity, plus_identity, product

SEED = 0
"""Of the random vectors that products are compressed with; what they change is below what is cut off."""
SMALL = 1 / 4
"""The largest tau times the sum of all couplings that the series is used for."""
FINER = 8.0
"""How much less than their share of the error early roots leave out: log Z is then as exact as expectations are."""
REST = 1e-14
"""What the series may leave out, relative, after all squares."""
FACTOR = 4.0
"""What the shares that are left out change, in units of them: two since sigma is the square of a root, and two since
they can weigh more in the states of lowest energy than in the norm: by how much is not bounded, but was less."""
ROUNDED = 60.0
"""What a root is rounded by, relative, in units of the rounding of a number times 5 + sqrt(n): twice what was seen."""


def roots(k: Train, size: float, strength: float, cut: float, bond: int) -> tuple[list[Train], float]:
    """exp(-K/2), exp(-K/4), ... in this order, and an estimate of the errors of log Z and of expectations.

    The estimate adds up the shares of the norm that were left out at all bonds, each as often as it is squared
    afterwards, times :data:`FACTOR`, and what rounding has grown to. Errors were below two thirds of it wherever
    they are known: see tests/reference/test_chains.py.

    Parameters
    ----------
    k : Train
    size : float
        A bound on the norm of K: the sum of the sizes of all couplings.
    strength : float
        At least 1: how many times the temperature the couplings of a site are, to which the error is relative.
    cut : float
        The share of the norm that the last compression leaves out at every bond.
    bond : int
        The largest bond dimension.
    """
    squares = max(6, math.ceil(math.log2(size / SMALL)) if size else 0)
    rng = np.random.default_rng(SEED)

    def at_least(left: int) -> float:
        """What may be left out at every bond by what is still squared so often."""
        return max(cut * min(1.0, strength / 2.0**left / min(4.0**left, FINER)), FLOOR)

    root, lost = _series(k, size, squares, at_least(squares), bond, rng)
    rounding = ROUNDED * (5 + math.sqrt(len(k.sites))) * spectral.EPS
    found, error = [root], REST + (FACTOR * lost + rounding) * 2.0**squares
    for left in range(squares - 1, -1, -1):
        square, lost = product(found[-1], found[-1], at_least(left), bond, rng)
        found.append(square)
        error += FACTOR * 2**left * lost
    return found[::-1], error


def _series(
    k: Train, size: float, squares: int, cut: float, bond: int, rng: np.random.Generator
) -> tuple[Train, float]:
    """exp(-K / 2^(squares + 1)), by Horner's rule, and the share of its norm that was left out."""
    tau = 0.5 ** (squares + 1)
    terms, rest = 0, 2 * tau * size  # twice the next term is more than all that follow, as tau * size is small
    while rest * 2**squares > REST:
        terms += 1
        rest *= tau * size / (terms + 1)
    found, error = identity(len(k.sites)), 0.0
    for j in range(terms, 0, -1):
        power, left_out = product(k, found, cut, bond, rng)
        found, lost = compress(plus_identity(power, -tau / j), max(cut / 10, FLOOR), bond)
        error = lost + tau * size / j * (error + left_out)
    return found, error
