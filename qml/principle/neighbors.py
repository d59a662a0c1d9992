"""Results next to the principle: compression with the wrong model, and the Pythagorean theorem."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from qml import losses, states
from qml._arrays import trace_of_product
from qml._random import haar_unitaries
from qml._typing import Complex, Real
from qml.geometry.gibbs import covariance
from qml.principle import draws
from qml.principle.statement import Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix, GibbsState

BLOCKS = (1, 2, 4, 8, 16, 32, 64, 128)


DYADIC = (2, 3, 4, 6, 36)
"""Dimensions of models whose eigenvalues are powers of 1/2, down to 2^-35."""


SIDES = (2, 3, 4)
"""Dimensions d of the input; Choi states have d^2."""


SHOWN, MOST = 2, 300
"""The dimension that the picture is of, and points a series."""


@statement(
    20,
    "Compression with the wrong model",
    "coding rho with a code made for sigma costs S(rho, sigma) nats a copy",
    "arXiv:2106.13823",
)
def compression(rng: np.random.Generator, pairs: int) -> Evidence:
    """Shannon codes for the eigenvectors of sigma^(x n), n qubits of rho: lengths ceil(-log2 s_j)."""
    worst, count = Largest(), draws.per_group(pairs, len(BLOCKS))
    rho, sigma = states.ginibre((2,), rng, batch=count), states.ginibre((2,), rng, batch=count)
    values, vectors = np.linalg.eigh(sigma.matrix())
    p = draws.populations(rho.matrix(), vectors)[:, 1]
    bits = losses.cross_entropy(rho, sigma) / np.log(2)
    rates = []
    for n in BLOCKS:
        k = np.arange(n + 1)
        choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        weight = np.exp(choose + k * np.log(p)[:, None] + (n - k) * np.log1p(-p)[:, None])
        length = np.ceil(-(k * np.log2(values[:, 1:]) + (n - k) * np.log2(values[:, :1])) - 1e-12)
        rate = (weight * length).sum(axis=-1) / n
        worst.at_least(rate, bits)
        worst.at_least(bits + 1 / n, rate)
        rates.append(rate[:3])
    for d in DYADIC:  # eigenvalues 2^-1, ..., 2^-(d-1), 2^-(d-1): every length is a whole number of bits
        lengths = np.minimum(np.arange(1.0, d + 1), d - 1)
        basis = haar_unitaries(rng, (20, d, d))
        exact = GibbsState(np.log(2) * (basis * lengths) @ draws.dagger(basis), (d,))
        data = states.ginibre((d,), rng, batch=20)
        rate = (draws.populations(data.matrix(), basis) * lengths).sum(axis=-1)
        worst.equal(losses.cross_entropy(data, exact) / np.log(2), rate)
    x, series = np.array(BLOCKS, dtype=np.float64), []
    for j in range(min(3, count)):
        series.append(Series(f"rate of the code, pair {j + 1}", x, np.array([r[j] for r in rates]), color=j))
        series.append(Series(f"S(rho, sigma)/log 2, pair {j + 1}", x, np.full(len(x), bits[j]), "line", color=j))
        entropy = float(rho[j].entropy()) / np.log(2)
        series.append(Series(f"S(rho)/log 2, pair {j + 1}", x, np.full(len(x), entropy), "dashed", color=j))
    panel = Panel(
        "Compression of rho with a code made for sigma: three random pairs of qubits",
        "block length, copies",
        "bits a copy",
        tuple(series),
        "The rate falls to the cross entropy. A code made for rho itself would fall to its entropy (dashed): the "
        "difference, D(rho || sigma)/log 2, is what the wrong model costs.",
        log_x=2,
    )
    return worst.evidence(
        "the mean length of Shannon codes for blocks of 1 to 128 copies, between S(rho, sigma)/log 2 and 1/n above "
        "it; equal to it where the eigenvalues of sigma are powers of 1/2",
        panel,
        tolerance=1e-9,
    )


@statement(
    21,
    "The Pythagorean theorem",
    "D(rho || sigma) = D(rho || sigma*) + D(sigma* || sigma) for the moment-matched sigma* and any sigma of the family",
    "Amari and Nagaoka (2000), Methods of Information Geometry",
)
def pythagoras(rng: np.random.Generator, pairs: int) -> Evidence:
    """Moment matching by Newton's method in the span of three operators on two qubits, batched."""
    worst, d, terms = Largest(), 4, 3
    rho = states.ginibre((d,), rng, batch=pairs)
    g = np.stack([draws.hermitian(rng, d, pairs) for _ in range(terms)], axis=1)
    theta, going = np.zeros((pairs, terms)), np.arange(pairs)
    for _ in range(40):
        step, gradient = _newton_step(theta[going], g[going], rho.matrix()[going])
        theta[going] -= step
        going = going[np.abs(gradient).max(axis=-1) > 1e-14]
        if not going.size:
            break
    best = GibbsState(np.einsum("bt,btij->bij", theta, g), (d,))
    reached = np.abs(trace_of_product(g, (rho.matrix() - best.matrix())[:, None])).max(axis=-1) < 1e-12
    theta_other = rng.normal(size=(pairs, terms)) * rng.choice([1.0, 10.0], (pairs, 1))  # nearly singular ones, too
    other = GibbsState(np.einsum("bt,btij->bij", theta_other, g), (d,))
    whole = losses.relative_entropy(rho, other)
    star = DensityMatrix._trusted(best.matrix(), (d,))
    parts = losses.relative_entropy(rho, best) + losses.relative_entropy(star, other)
    worst.equal(whole[reached], parts[reached])
    worst.require(reached.mean() > 0.95)
    return worst.evidence(
        "D(rho || sigma) against D(rho || sigma*) + D(sigma* || sigma), sigma* the Gibbs state with the moments of rho "
        f"(matched to 1e-12 in {int(reached.sum())} of {pairs} instances, the others left out)",
        _parallel(rho[0], g[0], theta[0], rng.normal(size=terms)),
        tolerance=1e-9,
    )


def _newton_step(theta: Real, g: Complex, rho: Complex) -> tuple[Real, Real]:
    """A damped Newton step of S in theta (batch, terms), to be subtracted, and the gradient."""
    sigma = GibbsState(np.einsum("bt,btij->bij", theta, g), (rho.shape[-1],))
    gradient = trace_of_product(g, (rho - sigma.matrix())[:, None])
    step = np.linalg.solve(covariance(sigma, g), gradient[..., None])[..., 0]
    return step / np.maximum(1.0, 2 * np.abs(step).max(axis=-1, keepdims=True)), gradient


def _parallel(rho: DensityMatrix, g: Complex, theta: Real, way: Real) -> Panel:
    """The three divergences along a line of the family through sigma*."""
    t = np.linspace(-1.5, 1.5, 61)
    d = rho.dim
    sigma = GibbsState(np.einsum("bt,tij->bij", theta + t[:, None] * way, g), (d,))
    star = GibbsState(np.einsum("t,tij->ij", theta, g), (d,))
    whole, learnable = losses.relative_entropy(rho, sigma), losses.relative_entropy(star, sigma)
    rest = np.full(len(t), losses.relative_entropy(rho, star))
    return Panel(
        "The Pythagorean theorem along a line of a Gibbs family (two qubits, three generators)",
        "t: theta = theta* + t × direction",
        "nats",
        (
            Series("D(rho || sigma)", t, whole, "line", color=0),
            Series("D(rho || sigma*) + D(sigma* || sigma)", t[::4], (rest + learnable)[::4], color=0),
            Series("D(sigma* || sigma): yet to learn", t, learnable, "line", color=1),
            Series("D(rho || sigma*): out of reach", t, rest, "dashed", color=2),
        ),
        "The upper curve is the middle one lifted by a constant, which no member of the family can lower: learning "
        "from the data and learning from the member with their moments are the same.",
        marks=(("sigma*", 0.0),),
    )
