"""Random instances for the statements: batches of states, bases and measurements of many dimensions and ranks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qml import states
from qml._typing import Complex, Real
from qml.states import DensityMatrix

DIMS = (2, 3, 4, 6)


def pairs(rng: np.random.Generator, count: int) -> Iterator[tuple[DensityMatrix, DensityMatrix]]:
    """About `count` pairs: batches of rho of every rank with sigma of full rank, d = 2, 3, 4, 6."""
    groups = [(d, rank) for d in DIMS for rank in range(1, d + 1)]
    each = max(1, round(count / len(groups)))
    for d, rank in groups:
        yield states.ginibre(d, rng, rank=rank, batch=each), states.ginibre(d, rng, batch=each)


def unitaries(rng: np.random.Generator, d: int, batch: int) -> Complex:
    """Haar-random unitary matrices (batch, d, d)."""
    q, r = np.linalg.qr(rng.normal(size=(batch, d, d)) + 1j * rng.normal(size=(batch, d, d)))
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    return np.asarray(q * (diagonal / np.abs(diagonal))[..., None, :])


def hermitian(rng: np.random.Generator, d: int, batch: int) -> Complex:
    """Hermitian matrices (batch, d, d) of normal entries."""
    g = rng.normal(size=(batch, d, d)) + 1j * rng.normal(size=(batch, d, d))
    return np.asarray((g + dagger(g)) / 2)


def povms(rng: np.random.Generator, d: int, outcomes: int, batch: int) -> Complex:
    """Random measurements (batch, outcomes, d, d): positive effects of random ranks that add up to the identity."""
    g = rng.normal(size=(batch, outcomes, d, d)) + 1j * rng.normal(size=(batch, outcomes, d, d))
    g *= rng.random((batch, outcomes, 1, d)) < 0.7
    g[:, 0] = rng.normal(size=(batch, d, d)) + 1j * rng.normal(size=(batch, d, d))  # so that the sum has full rank
    parts = g @ dagger(g)
    values, vectors = np.linalg.eigh(parts.sum(axis=1))
    root = (vectors / np.sqrt(values)[..., None, :]) @ dagger(vectors)
    return np.asarray(root[:, None] @ parts @ root[:, None])


def frequencies(rng: np.random.Generator, probabilities: Real, shots: int) -> Real:
    """Relative frequencies (batch, outcomes) of `shots` draws."""
    p = np.clip(probabilities, 0.0, None)
    return np.asarray(rng.multinomial(shots, p / p.sum(axis=-1, keepdims=True)) / shots)


def dagger(a: Complex) -> Complex:
    return np.asarray(a.conj().swapaxes(-1, -2))


def trace(a: Complex, b: Complex) -> Real:
    """Re Tr(a b) over leading axes."""
    return np.asarray(np.einsum("...ij,...ji->...", a, b).real)


def logarithm(sigma: DensityMatrix) -> Complex:
    """log sigma (..., d, d) of states of full rank, from eigenvalues of the matrix alone."""
    values, vectors = np.linalg.eigh(sigma.matrix())
    return np.asarray((vectors * np.log(values)[..., None, :]) @ dagger(vectors))
