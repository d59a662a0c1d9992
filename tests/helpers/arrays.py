"""Random matrices and pairs of states."""

import numpy as np

from qml.states import DensityMatrix, ginibre


def complex_normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Independent entries, whose real and imaginary parts are standard normal numbers."""
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def hermitian(d: int, rng: np.random.Generator, *batch: int) -> np.ndarray:
    """The Hermitian parts of such matrices (*batch, d, d)."""
    a = complex_normal(rng, *batch, d, d)
    return (a + a.conj().swapaxes(-1, -2)) / 2


def pair(seed: int, d: int) -> tuple[DensityMatrix, DensityMatrix, np.random.Generator]:
    """rho of any rank, sigma of full rank, and the generator that they came from."""
    rng = np.random.default_rng(seed)
    return ginibre((d,), rng, rank=int(rng.integers(1, d + 1))), ginibre((d,), rng), rng
