"""Random instances for the statements: batches of states, bases and measurements of many dimensions and ranks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qml import losses, states
from qml._typing import Complex, Real
from qml.states import DensityMatrix

DIMS = (2, 3, 4, 6)


def pairs(rng: np.random.Generator, count: int) -> Iterator[tuple[DensityMatrix, DensityMatrix]]:
    """About `count` pairs: batches of rho of every rank with sigma of full rank, d = 2, 3, 4, 6."""
    groups = [(d, rank) for d in DIMS for rank in range(1, d + 1)]
    each = spread(count, len(groups))
    for d, rank in groups:
        yield states.ginibre((d,), rng, rank=rank, batch=each), states.ginibre((d,), rng, batch=each)


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


def populations(matrix: Complex, basis: Complex) -> Real:
    """<v_j|X|v_j> (batch, d) for the columns of bases (batch, d, d)."""
    return np.asarray((basis.conj() * (matrix @ basis)).sum(axis=-2).real)


def of_empirical(f: Real, basis: Complex, sigma: states.State) -> Real:
    """S of the empirical state sum_x f_x |x><x| of frequencies f (batch, d) in bases (batch, d, d)."""
    empirical = (basis * f[..., None, :]) @ dagger(basis)
    return losses.cross_entropy(DensityMatrix.trusted(empirical, sigma.dims), sigma)


def qubits(bloch: Real) -> Complex:
    """(1 + r . (X, Y, Z)) / 2 (..., 2, 2) of Bloch vectors r (..., 3)."""
    x, y, z = np.moveaxis(np.asarray(bloch), -1, 0)
    return np.asarray(np.stack([np.stack([1 + z, x - 1j * y], -1), np.stack([x + 1j * y, 1 - z], -1)], -2) / 2)


def bloch(matrix: Complex) -> Real:
    """The Bloch vectors (..., 3) of qubits (..., 2, 2)."""
    off = matrix[..., 0, 1]
    return np.stack([2 * off.real, -2 * off.imag, (matrix[..., 0, 0] - matrix[..., 1, 1]).real], axis=-1)


def spread(count: int, groups: int) -> int:
    """How many in each of `groups` make `count` together, or some more."""
    return max(1, -(-count // groups))
