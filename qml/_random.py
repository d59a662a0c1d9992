"""Random matrices that several packages draw."""

from __future__ import annotations

import numpy as np

from qml import _checks
from qml._typing import Complex


def complex_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """Independent entries with normal real and imaginary parts."""
    _checks.generator("rng", rng)
    return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape))


def haar_unitaries(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """Unitary matrices (..., d, d), or isometries (..., m, d), from the unitarily invariant (Haar) distribution, as
    many as `shape` says.

    Source: Mezzadri (2007), arXiv:math-ph/0609050.
    """
    q, r = np.linalg.qr(complex_normal(rng, shape))
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    return np.asarray(q * (diagonal / np.abs(diagonal))[..., None, :])
