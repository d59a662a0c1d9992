"""The exact thermal states of long chains that others are compared with: against matrices, and where they factorize."""

import numpy as np
import pytest
from helpers.arrays import difference
from helpers.free_fermions import FreeChain, IsingChain, XXChain

from qml.operators import pauli, tfim

CHAINS = pytest.mark.parametrize("chain", [IsingChain, XXChain], ids=["ising", "xx"])


def random(chain: type[FreeChain], n: int, beta: float = 1.0) -> FreeChain:
    rng = np.random.default_rng([n, chain is XXChain])
    return chain(beta * rng.normal(size=n - 1), beta * rng.normal(size=n))


class Matrices:
    """The same by diagonalisation of a matrix (2^n, 2^n)."""

    def __init__(self, chain: FreeChain) -> None:
        self.generators = np.array([g.matrix() for g in chain.generators()])
        self.levels, self.vectors = np.linalg.eigh(np.tensordot(chain.params, self.generators, axes=1))
        weights = np.exp(self.levels[0] - self.levels)
        self.log_partition = np.log(weights.sum()) - self.levels[0]
        self.weights = weights / weights.sum()
        self.entropy = -(self.weights * np.log(self.weights)).sum()

    def expect(self, operator: np.ndarray) -> float:
        diagonal = np.einsum("ik,ij,jk->k", self.vectors.conj(), operator, self.vectors, optimize=True)
        return float(self.weights @ diagonal.real)

    def covariance(self) -> np.ndarray:
        gap = self.levels - self.levels[:, None]
        equal = np.abs(gap) < 1e-9
        kernel = np.where(equal, self.weights, (self.weights[:, None] - self.weights) / np.where(equal, 1, gap))
        g = self.vectors.conj().T @ self.generators @ self.vectors
        means = np.einsum("k,ikk->i", self.weights, g).real
        return np.einsum("kl,ikl,jlk->ij", kernel, g, g, optimize=True).real - np.outer(means, means)


@CHAINS
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, *(pytest.param(n, marks=pytest.mark.slow) for n in (7, 8))])
def test_every_number_against_the_matrix(chain: type[FreeChain], n: int) -> None:
    found = random(chain, n)
    exact = Matrices(found)
    assert found.log_partition() == pytest.approx(exact.log_partition, abs=1e-11)
    assert found.entropy() == pytest.approx(exact.entropy, abs=1e-11)
    assert found.expectations() == pytest.approx([exact.expect(g) for g in exact.generators], abs=1e-11)
    assert found.energy() == pytest.approx(float(exact.weights @ exact.levels), abs=1e-11)
    assert found.covariance() == pytest.approx(exact.covariance(), abs=1e-11)
    for i, j in np.ndindex(n, n):
        at = {"sites": (i, j), "n": n}
        wanted = 1.0 if i == j else exact.expect(pauli("ZZ", **at).matrix())
        assert found.zz(i, j) == pytest.approx(wanted, abs=1e-11)
        if isinstance(found, IsingChain):
            wanted = 1.0 if i == j else exact.expect(pauli("XX", **at).matrix())
            assert found.xx(i, j) == pytest.approx(wanted, abs=1e-11)


def test_signs_are_those_of_the_library() -> None:
    n, beta = 8, 0.7
    chain = IsingChain(np.full(n - 1, -beta * 0.8), np.full(n, -beta * -1.3))
    levels = np.linalg.eigvalsh(beta * tfim(n, 0.8, -1.3).matrix())
    assert chain.log_partition() == pytest.approx(np.log(np.exp(-levels).sum()), abs=1e-11)


@CHAINS
def test_long_and_cold_chains_are_consistent(chain: type[FreeChain]) -> None:
    n = 50
    found = random(chain, n, beta=4.0)
    assert found.entropy() == pytest.approx(found.log_partition() + found.energy(), abs=1e-10)
    theta, direction = found.params, np.random.default_rng(3).normal(size=2 * n - 1) / n

    def at(params: np.ndarray) -> FreeChain:
        return chain(params[: n - 1], params[n - 1 :])

    slope = difference(lambda p: np.array(at(p).log_partition()), theta, direction)
    assert slope == pytest.approx(-found.expectations() @ direction, abs=1e-9)
    slopes = difference(lambda p: at(p).expectations(), theta, direction)
    assert slopes == pytest.approx(-found.covariance() @ direction, abs=1e-8)
    assert np.linalg.eigvalsh(found.covariance())[0] > -1e-13


def test_a_long_classical_chain_factorizes() -> None:
    couplings = 4 * np.random.default_rng(4).normal(size=49)
    chain = IsingChain(couplings, np.zeros(50))
    log_z = np.log(2) + np.logaddexp(couplings, -couplings).sum()
    assert chain.log_partition() == pytest.approx(log_z, abs=1e-10)
    bonds = -np.tanh(couplings)
    assert chain.expectations() == pytest.approx([*bonds, *np.zeros(50)], abs=1e-12)
    for i, j in [(0, 49), (30, 42), (48, 47)]:
        assert chain.zz(i, j) == pytest.approx(np.prod(bonds[min(i, j) : max(i, j)]), abs=1e-12)
    assert chain.covariance()[:49, :49] == pytest.approx(np.diag(1 - bonds**2), abs=1e-12)


def test_huge_numbers_do_not_overflow() -> None:
    chain = IsingChain(np.full(49, 900.0), np.full(50, -900.0))
    assert np.isfinite(chain.log_partition())
    assert np.isfinite(chain.covariance()).all()
    assert np.isfinite(chain.expectations()).all()
