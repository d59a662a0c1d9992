"""Random instances for the statements: batches of states, bases and measurements of many dimensions and ranks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qml import losses, states
from qml._arrays import trace_of_product
from qml._random import complex_normal, haar_unitaries
from qml._typing import Complex, Real
from qml.operators.sites import kron
from qml.states import DensityMatrix, GibbsState, State

DIMS = (2, 3, 4, 6)
Z_BASIS = np.eye(2, dtype=np.complex128)
"""The computational basis of a qubit, as columns."""
SMALLEST = 1e-11
"""Eigenvalues of nearly singular models reach down to here, spread evenly in their logarithm."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """A batch of data and models as they were drawn: sigma = sum_j exp(l_j) |v_j><v_j|, rho inside its support.

    Attributes
    ----------
    rho : DensityMatrix (batch)
    sigma : State (batch)
    logs : array (batch, r)
        l_j, known apart from the library.
    basis : array (batch, d, r)
        The columns v_j.
    """

    rho: DensityMatrix
    sigma: State
    logs: Real
    basis: Complex

    @property
    def dim(self) -> int:
        """The dimension d."""
        return int(self.basis.shape[-2])

    @property
    def populations(self) -> Real:
        """p_j = <v_j|rho|v_j>, shape (batch, r)."""
        return populations(self.rho.matrix(), self.basis)

    @property
    def expected(self) -> Real:
        """-sum_j p_j l_j (batch,), nats."""
        return np.asarray(-(self.populations * self.logs).sum(axis=-1))

    @property
    def squares(self) -> np.ndarray:
        """Boolean (batch,): of which models two copies can be formed, whose smallest eigenvalue is a square."""
        return np.asarray(self.logs.min(axis=-1) > (-np.inf if isinstance(self.sigma, GibbsState) else np.log(1e-3)))

    @property
    def logarithm(self) -> Complex:
        """log sigma on its support, zero on its kernel, shape (batch, d, d)."""
        return np.asarray((self.basis * self.logs[..., None, :]) @ dagger(self.basis))


def pairs(rng: np.random.Generator, count: int) -> Iterator[Pairs]:
    """About `count` pairs, d = 2, 3, 4, 6, with finite S: rho of every rank with models of three kinds.

    Random matrices of full rank; nearly singular models, given through their logarithm or as a factor; and models of
    lower rank (two or more), with rho inside their support.
    """
    full = [(d, rank) for d in DIMS for rank in range(1, d + 1)]
    lower = [(d, rank) for d in DIMS for rank in range(2, d)]
    each = per_group(count, 2 * len(full) + len(lower))
    for k, (d, rank) in enumerate(full):
        rho = states.ginibre((d,), rng, rank=rank, batch=each)
        sigma = states.ginibre((d,), rng, batch=each)
        values, vectors = np.linalg.eigh(sigma.matrix())
        yield Pairs(rho, sigma, np.log(values), vectors)
        near, logs, basis = nearly_singular(rng, d, each, as_factor=k % 2 == 0)
        yield Pairs(states.ginibre((d,), rng, rank=rank, batch=each), near, logs, basis)
    for k, (d, rank) in enumerate(lower):
        sigma, logs, basis = of_lower_rank(rng, d, rank, each, as_factor=k % 2 == 0)
        yield Pairs(inside(rng, basis, int(rng.integers(1, rank + 1))), sigma, logs, basis)


def nearly_singular(
    rng: np.random.Generator, d: int, batch: int, as_factor: bool = False
) -> tuple[State, Real, Complex]:
    """States with eigenvalues down to SMALLEST, with the logarithms and eigenvectors that they were made of."""
    logs = np.log(SMALLEST) * rng.random((batch, d))
    logs[:, 0] = 0.0
    logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
    basis = haar_unitaries(rng, (batch, d, d))
    if as_factor:
        return DensityMatrix.from_factor(basis * np.exp(logs / 2)[:, None, :], (d,)), logs, basis
    return GibbsState(-(basis * logs[:, None, :]) @ dagger(basis), (d,)), logs, basis


def of_lower_rank(
    rng: np.random.Generator, d: int, rank: int, batch: int, as_factor: bool = True
) -> tuple[DensityMatrix, Real, Complex]:
    """States of this rank, with the logarithms of their eigenvalues and their eigenvectors (batch, d, rank).

    Held as a factor, or as a matrix, of which the kernel is found by the support policy.
    """
    weights = rng.dirichlet(np.ones(rank), batch)
    basis = haar_unitaries(rng, (batch, d, d))[..., :rank]
    factor = basis * np.sqrt(weights)[:, None, :]
    if as_factor:
        return DensityMatrix.from_factor(factor, (d,)), np.log(weights), basis
    return DensityMatrix._trusted(factor @ dagger(factor), (d,)), np.log(weights), basis


def inside(rng: np.random.Generator, basis: Complex, rank: int) -> DensityMatrix:
    """Random states of this rank in the spans of columns (batch, d, r)."""
    batch, d, r = basis.shape
    small = states.ginibre((r,), rng, rank=rank, batch=batch).matrix()
    return DensityMatrix._trusted(basis @ small @ dagger(basis), (d,))


def outside(rng: np.random.Generator, d: int, batch: int) -> tuple[DensityMatrix, DensityMatrix]:
    """Data with weight where their models, of lower rank, have none: S = +inf."""
    sigma, _, _ = of_lower_rank(rng, d, int(rng.integers(1, d)), batch, as_factor=bool(rng.random() < 0.5))
    return states.ginibre((d,), rng, rank=int(rng.integers(1, d + 1)), batch=batch), sigma


def rotated(state: State, u: Complex) -> State:
    """U state U^dagger (batch), held as the state is held."""
    if isinstance(state, GibbsState):
        return GibbsState(u @ state.hamiltonian() @ dagger(u), state.dims)
    if isinstance(state, DensityMatrix) and state.factor is not None:
        return DensityMatrix.from_factor(u @ state.factor, state.dims)
    return DensityMatrix._trusted(u @ state.matrix() @ dagger(u), state.dims)


def hermitian(rng: np.random.Generator, d: int, batch: int) -> Complex:
    """Hermitian matrices (batch, d, d) of normal entries."""
    g = complex_normal(rng, (batch, d, d))
    return np.asarray((g + dagger(g)) / 2)


def povms(rng: np.random.Generator, d: int, outcomes: int, batch: int) -> Complex:
    """Random measurements (batch, outcomes, d, d): positive effects of random ranks that add up to the identity."""
    g = complex_normal(rng, (batch, outcomes, d, d))
    g *= rng.random((batch, outcomes, 1, d)) < 0.7
    g[:, 0] = complex_normal(rng, (batch, d, d))  # so that the sum has full rank
    parts = g @ dagger(g)
    values, vectors = np.linalg.eigh(parts.sum(axis=1))
    root = (vectors / np.sqrt(values)[..., None, :]) @ dagger(vectors)
    return np.asarray(root[:, None] @ parts @ root[:, None])


def frequencies(rng: np.random.Generator, probabilities: Real, shots: int) -> Real:
    """Relative frequencies (batch, outcomes) of `shots` draws."""
    p = np.clip(probabilities, 0.0, None)
    return np.asarray(rng.multinomial(shots, p / p.sum(axis=-1, keepdims=True)) / shots)


def measured(rng: np.random.Generator, rho: DensityMatrix, effects: Complex) -> tuple[DensityMatrix, Real, Real]:
    """100 shots of measurements (batch, outcomes, d, d): the empirical states sum_k f_k M_k / Tr M_k, the frequencies
    f (batch, outcomes), and sum_k f_k log Tr M_k (batch,)."""
    traces = np.trace(effects, axis1=-2, axis2=-1).real
    there = traces > 1e-12
    f = np.where(there, frequencies(rng, trace_of_product(effects, rho.matrix()[:, None]), 100), 0.0)
    safe = np.where(there, traces, 1.0)
    empirical = DensityMatrix._trusted(np.einsum("bk,bkij->bij", f / safe, effects), rho.dims)
    return empirical, f, (f * np.log(safe)).sum(axis=-1)


def nll(f: Real, effects: Complex, sigma: State) -> Real:
    """-sum_k f_k log Tr(M_k sigma) (batch,), nats, of frequencies of effects (batch, outcomes, d, d)."""
    p = np.where(f > 0, trace_of_product(effects, sigma.matrix()[:, None]), 1.0)
    return np.asarray(-(f * np.log(p)).sum(axis=-1))


def dagger(a: Complex) -> Complex:
    """The adjoint of matrices (..., d, e)."""
    return np.asarray(a.conj().swapaxes(-1, -2))


def populations(matrix: Complex, basis: Complex) -> Real:
    """<v_j|X|v_j> (batch, d) for the columns of bases (batch, d, d)."""
    return np.asarray((basis.conj() * (matrix @ basis)).sum(axis=-2).real)


def tensor(a: State, b: State) -> State:
    """The product of two batches (batch), held as the factors are: by logarithms, as a factor or as a matrix."""
    dims = a.dims + b.dims
    if isinstance(a, GibbsState) and isinstance(b, GibbsState):
        one_a, one_b = (np.eye(x.dim, dtype=np.complex128) for x in (a, b))
        return GibbsState(kron(a.hamiltonian(), one_b) + kron(one_a, b.hamiltonian()), dims)
    if isinstance(a, DensityMatrix) and isinstance(b, DensityMatrix) and a.factor is not None and b.factor is not None:
        return DensityMatrix.from_factor(kron(a.factor, b.factor), dims)
    return DensityMatrix._trusted(kron(a.matrix(), b.matrix()), dims)


def of_empirical(f: Real, basis: Complex, sigma: states.State) -> Real:
    """S of the empirical state sum_x f_x |x><x| of frequencies f (batch, d) in bases (batch, d, d)."""
    empirical = (basis * f[..., None, :]) @ dagger(basis)
    return np.asarray(losses.cross_entropy(DensityMatrix._trusted(empirical, sigma.dims), sigma))


def qubits(bloch: Real) -> Complex:
    """(1 + r . (X, Y, Z)) / 2 (..., 2, 2) of Bloch vectors r (..., 3)."""
    x, y, z = np.moveaxis(np.asarray(bloch), -1, 0)
    return np.asarray(np.stack([np.stack([1 + z, x - 1j * y], -1), np.stack([x + 1j * y, 1 - z], -1)], -2) / 2)


def per_group(count: int, groups: int) -> int:
    """How many in each of `groups` make `count` together, or some more."""
    return max(1, -(-count // groups))
