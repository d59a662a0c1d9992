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
SMALL = 1 / 16
"""The largest tau times the sum of all couplings that the series is used for."""
FINER = 64
"""How much less than their share of the error early roots leave out: log Z is then as exact as expectations are."""
REST = 1e-14
"""What the series may leave out, relative, after all squares."""


def roots(k: Train, size: float, cut: float, bond: int) -> tuple[list[Train], float]:
    """exp(-K/2), exp(-K/4), ... in this order, and an estimate of the relative error of the first.

    The estimate adds up the shares of the norm that were left out, each as often as it is squared afterwards. Errors of
    log Z and of expectations were below a third of it wherever they are known: see tests/reference/test_chains.py.

    Parameters
    ----------
    k : Train
    size : float
        A bound on the norm of K: the sum of the sizes of all couplings.
    cut : float
        The share of the norm that the last compression leaves out at every bond.
    bond : int
        The largest bond dimension.
    """
    squares = squares_of(size)
    rng = np.random.default_rng(SEED)
    root = _series(k, size, 0.5**squares / 2, squares, cut, bond, rng)
    found, error = [root], rounding(size)
    for left in range(squares - 1, -1, -1):
        square, lost = product(found[-1], found[-1], max(cut / 2**left / min(4**left, FINER), FLOOR), bond, rng)
        found.append(square)
        error += 2**left * lost
    return found[::-1], error


def squares_of(size: float) -> int:
    """How often the series is squared, for couplings of this size in all."""
    return max(6, math.ceil(math.log2(size / SMALL)) if size else 0)


def rounding(size: float) -> float:
    """The share of the error that no compression makes: the rest of the series, and rounding, squared as often."""
    return REST + 4 * spectral.EPS * 2.0 ** squares_of(size)


def _series(k: Train, size: float, tau: float, squares: int, cut: float, bond: int, rng: np.random.Generator) -> Train:
    """exp(-tau K), by Horner's rule."""
    terms, rest = 1, tau * size
    while rest * 2**squares > REST:
        terms += 1
        rest *= tau * size / terms
    found = identity(len(k.sites))
    for j in range(terms, 0, -1):
        power, _ = product(k, found, FLOOR, bond, rng)
        found, _ = compress(plus_identity(power, -tau / j), max(cut / 2**squares / 10, FLOOR), bond)
    return found
