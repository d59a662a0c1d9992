"""Results next to the principle: compression with the wrong model, and the Pythagorean theorem."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from qml import losses, states
from qml.principle import draws
from qml.principle.bounds import Largest
from qml.principle.statement import Evidence, Panel, Series
from qml.spectral import exp_divided_differences
from qml.states import DensityMatrix, GibbsState

BLOCKS = (1, 2, 4, 8, 16, 32, 64, 128)


def compression(rng: np.random.Generator, pairs: int) -> Evidence:
    """Shannon codes for the eigenvectors of sigma^(x n), n qubits of rho: lengths ceil(-log2 s_j)."""
    worst, count = Largest(), max(1, pairs // len(BLOCKS))
    rho, sigma = states.ginibre(2, rng, batch=count), states.ginibre(2, rng, batch=count)
    values, vectors = np.linalg.eigh(sigma.matrix())
    p = (vectors.conj() * (rho.matrix() @ vectors)).sum(axis=-2).real[:, 1]
    bits = losses.cross_entropy(rho, sigma) / np.log(2)
    rates = []
    for n in BLOCKS:
        k = np.arange(n + 1)
        choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        weight = np.exp(choose + k * np.log(p)[:, None] + (n - k) * np.log1p(-p)[:, None])
        length = np.ceil(-(k * np.log2(values[:, 1:]) + (n - k) * np.log2(values[:, :1])) - 1e-12)
        rate = (weight * length).sum(axis=-1) / n
        worst.add(np.maximum(bits - rate, rate - bits - 1 / n) / (1 + bits))
        rates.append(rate[:3])
    x, picture = np.array(BLOCKS, dtype=np.float64), []
    for j in range(min(3, count)):
        picture.append(Series(f"rate, pair {j + 1}", np.log2(x), np.array([r[j] for r in rates])))
        picture.append(Series(f"S(rho, sigma) / log 2, pair {j + 1}", np.log2(x), np.full(len(x), bits[j]), line=True))
    title = "Compression of rho with a code made for sigma"
    panel = Panel(title, "log2 of the block length", "bits a copy", tuple(picture))
    return Evidence(
        "the mean length of Shannon codes for blocks of 1 to 128 copies, between S(rho, sigma)/log 2 and 1/n above it",
        worst.samples,
        worst.value,
        1e-9,
        (panel,),
    )


def pythagoras(rng: np.random.Generator, pairs: int) -> Evidence:
    """Moment matching by Newton's method in the span of three operators on two qubits, batched."""
    worst, d, terms, each = Largest(), 4, 3, max(1, pairs // 10)
    rho = states.ginibre(d, rng, batch=each)
    g = np.stack([draws.hermitian(rng, d, each) for _ in range(terms)], axis=1)
    theta = np.zeros((each, terms))
    for _ in range(40):
        sigma = GibbsState(np.einsum("bt,btij->bij", theta, g), d)
        spectrum = sigma.spectrum()
        gradient = draws.trace(g, (rho.matrix() - sigma.matrix())[:, None])
        rotated = np.stack([spectrum.to_basis(g[:, t]) for t in range(terms)], axis=1)
        kernel = exp_divided_differences(spectrum.log_eigenvalues)[:, None]
        means = draws.trace(g, sigma.matrix()[:, None])
        hessian = np.einsum("bsij,btij->bst", (kernel * rotated).conj(), rotated).real
        hessian -= means[:, :, None] * means[:, None, :]
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        size = np.abs(step).max(axis=-1, keepdims=True)
        theta = theta - step / np.maximum(1.0, 2 * size)
    best = GibbsState(np.einsum("bt,btij->bij", theta, g), d)
    reached = np.abs(draws.trace(g, (rho.matrix() - best.matrix())[:, None])).max(axis=-1) < 1e-12
    other = GibbsState(np.einsum("bt,btij->bij", rng.normal(size=(each, terms)), g), d)
    whole = losses.relative_entropy(rho, other)
    parts = losses.relative_entropy(rho, best) + losses.relative_entropy(DensityMatrix.trusted(best.matrix(), d), other)
    worst.add((np.abs(whole - parts) / (1 + whole))[reached])
    return Evidence(
        "D(rho || sigma) against D(rho || sigma*) + D(sigma* || sigma), sigma* the Gibbs state with the moments of rho "
        f"(matched to 1e-12 in {int(reached.sum())} of {each} instances, the others left out)",
        worst.samples,
        worst.value if reached.mean() > 0.95 else np.inf,
        1e-9,
    )
