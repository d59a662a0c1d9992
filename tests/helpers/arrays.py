"""Random matrices and pairs of states."""

from collections.abc import Callable

import numpy as np

from qml.states import DensityMatrix, ginibre


def complex_normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Independent entries, whose real and imaginary parts are standard normal numbers."""
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def hermitian(d: int, rng: np.random.Generator, *batch: int) -> np.ndarray:
    """The Hermitian parts of such matrices (*batch, d, d)."""
    a = complex_normal(rng, *batch, d, d)
    return (a + a.conj().swapaxes(-1, -2)) / 2


def difference(function: Callable[[np.ndarray], np.ndarray], theta: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The derivative along a direction: central differences of the steps 1e-3 and 5e-4, extrapolated to zero."""
    steps = [(function(theta + h * direction) - function(theta - h * direction)) / (2 * h) for h in (1e-3, 5e-4)]
    return (4 * steps[1] - steps[0]) / 3


def pair(seed: int, d: int) -> tuple[DensityMatrix, DensityMatrix, np.random.Generator]:
    """rho of any rank, sigma of full rank, and the generator that they came from."""
    rng = np.random.default_rng(seed)
    return ginibre((d,), rng, rank=int(rng.integers(1, d + 1))), ginibre((d,), rng), rng
