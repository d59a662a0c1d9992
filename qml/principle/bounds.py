"""Statements 1 to 6 and 16: what the cross entropy is, and what bounds it."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._arrays import trace_of_product
from qml._random import haar_unitaries
from qml.principle import bounds_pictures, draws
from qml.principle.statement import PAPER, Evidence, Largest, statement
from qml.states import DensityMatrix, GibbsState


@statement(
    1,
    "The quantum cross entropy",
    "S(rho, sigma) = -Tr rho log sigma is finite iff supp rho lies in supp sigma, else +inf; 0 log 0 = 0",
    PAPER,
)
def definition(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        worst.equal(losses.cross_entropy(pair.rho, pair.sigma), pair.expected)
    for d in draws.DIMS:
        for _ in range(3):
            s = losses.cross_entropy(*draws.outside(rng, d, max(1, pairs // 40)))
            worst.equal(s, np.inf, infinite=True)
    return worst.evidence(
        "-sum p_j log s_j over the eigenvectors that the model was made of, against S: models of full rank, nearly "
        f"singular ones (eigenvalues down to {draws.SMALLEST:.0e}), models of lower rank with rho inside their support "
        "(finite) and outside (exactly +inf)",
        bounds_pictures.support(),
    )


@statement(2, "Entropy plus divergence", "S(rho, sigma) = S(rho) + D(rho || sigma)", "derived: from the definitions")
def decomposition(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        values = np.linalg.eigvalsh(pair.rho.matrix())
        kept = values > 1e-13  # 0 log 0 = 0; below, the term is below rounding
        own = np.where(kept, values * np.log(np.where(kept, values, 1.0)), 0.0).sum(axis=-1)
        divergence = own - trace_of_product(pair.rho.matrix(), pair.logarithm)
        s = losses.cross_entropy(pair.rho, pair.sigma)
        worst.equal(s - pair.rho.entropy(), divergence, 1 + np.abs(s))
        worst.equal(losses.relative_entropy(pair.rho, pair.sigma), divergence, 1 + np.abs(s))
    return worst.evidence(
        "S(rho, sigma) - S(rho), and D of the library, against Tr rho (log rho - log sigma) of the matrix logarithms",
        bounds_pictures.floor(rng),
    )


@statement(
    3, "Klein's inequality", "S(rho, sigma) >= S(rho), with equality iff sigma = rho", "Klein (1931), Z. Phys. 72, 767"
)
def klein(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        rho, sigma = pair.rho, pair.sigma
        worst.at_least(losses.cross_entropy(rho, sigma), rho.entropy())
        worst.equal(losses.cross_entropy(rho, rho), rho.entropy())
        own = -(np.exp(pair.logs) * pair.logs).sum(axis=-1)
        worst.equal(losses.cross_entropy(sigma, sigma), own)
    for d in draws.DIMS:  # only if: however near sigma is to rho, S is larger than S(rho)
        each = draws.per_group(pairs, 10 * len(draws.DIMS))
        rho, other = (states.ginibre((d,), rng, batch=each) for _ in range(2))
        part = 10 ** rng.uniform(-5, 0, (each, 1, 1))
        sigma = DensityMatrix._trusted((1 - part) * rho.matrix() + part * other.matrix(), (d,))
        gap = losses.cross_entropy(rho, sigma) - rho.entropy()
        distance = np.abs(np.linalg.eigvalsh(rho.matrix() - sigma.matrix())).sum(axis=-1)
        worst.require(distance > 1e-8)
        worst.add(np.where(gap > np.square(distance) / 4, -gap, np.inf))
    return worst.evidence(
        "S(rho) - S(rho, sigma) <= 0; S(rho, rho) = S(rho) for states of every rank and nearly singular ones; and "
        "S(rho, sigma) - S(rho) above a quarter of the squared trace norm of the difference, which is not zero, for "
        "sigma as near to rho as one part in 10^5",
        bounds_pictures.rungs(rng),
    )


@statement(
    4,
    "Jensen's bound",
    "S(rho, sigma) >= -log Tr(rho sigma), with equality iff supp rho lies in one eigenspace of sigma",
    PAPER,
)
def jensen(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        s = losses.cross_entropy(pair.rho, pair.sigma)
        gap = s + np.log(trace_of_product(pair.rho.matrix(), pair.sigma.matrix()))
        worst.add(np.where((gap > 0) & np.isfinite(s), -gap / (1 + s), np.inf))  # no random rho is in an eigenspace
    for d in draws.DIMS:  # equality: rho in an eigenspace of dimension 2 or more, the other eigenvalues of any size
        each = max(1, pairs // 20)
        basis = haar_unitaries(rng, (each, d, d))
        logs = np.log(draws.SMALLEST) * rng.random((each, d))
        logs[:, :2] = np.log(rng.uniform(0.01, 1.0, (each, 1)))
        logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
        sigma = GibbsState(-(basis * logs[:, None, :]) @ draws.dagger(basis), (d,))
        worst.equal(losses.cross_entropy(draws.inside(rng, basis[..., :2], 2), sigma), -logs[:, 0])
    return worst.evidence(
        "-log Tr(rho sigma) - S(rho, sigma) < 0 for random pairs, and equality for rho inside one eigenspace of sigma",
        bounds_pictures.eigenspace(rng),
    )


@statement(
    5, "The fidelity bound", "S(rho, sigma) >= S(rho) - log F(rho, sigma); not ordered with Jensen's bound", PAPER
)
def fidelity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, orders = Largest(), [0, 0]
    for pair in draws.pairs(rng, pairs):
        rho, sigma = pair.rho, pair.sigma
        s = losses.cross_entropy(rho, sigma)
        bound = rho.entropy() - np.log(losses.fidelity(rho, sigma))
        worst.at_least(s, bound)
        other = -np.log(trace_of_product(rho.matrix(), sigma.matrix()))
        orders[0] += int((bound > other + 1e-9).sum())
        orders[1] += int((bound < other - 1e-9).sum())
        if rho.rank().max() == 1:
            worst.at_least(s, other)
        worst.equal(losses.cross_entropy(sigma, sigma), sigma.entropy() - np.log(losses.fidelity(sigma, sigma)))
    worst.require(min(orders) > 0 or pairs < 100)
    return worst.evidence(
        f"S(rho) - log F - S(rho, sigma) <= 0, with equality at sigma = rho; this bound is the larger one for "
        f"{orders[0]} pairs, that of Jensen for {orders[1]}: they are not ordered",
        bounds_pictures.not_ordered(rng),
    )


@statement(
    6,
    "Pinsker's inequality and the spectrum",
    "S(rho, sigma) - S(rho) >= ||rho - sigma||_1^2 / 2, and -log lambda_max(sigma) <= S <= -log lambda_min(sigma)",
    "Hiai, Ohya and Tsukada (1981), Pacific J. Math. 96, 99",
)
def pinsker(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        rho, sigma, logs = pair.rho, pair.sigma, pair.logs
        s = losses.cross_entropy(rho, sigma)
        worst.at_least(s, rho.entropy() + 2 * np.square(losses.trace_distance(rho, sigma)))
        worst.at_least(s, -logs.max(axis=-1))
        worst.at_least(-logs.min(axis=-1), s)
        for extreme in (logs.argmax(axis=-1), logs.argmin(axis=-1)):  # both ends are reached by eigenvectors
            vector = np.take_along_axis(pair.basis, extreme[:, None, None], axis=-1)
            reached = losses.cross_entropy(DensityMatrix.from_factor(vector, (pair.dim,)), sigma)
            worst.equal(reached, -np.take_along_axis(logs, extreme[:, None], axis=-1)[:, 0])
    return worst.evidence(
        "the squared trace norm over 2 against S(rho, sigma) - S(rho), and S between the extreme -log eigenvalues, "
        "which it reaches at their eigenvectors",
        bounds_pictures.slack(rng),
    )


@statement(
    16,
    "Convexity and symmetry",
    "S is convex in sigma, unitarily invariant and not symmetric",
    "Lieb (1973), Adv. Math. 11, 267",
)
def convexity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, asymmetry = Largest(), 0.0
    for pair in draws.pairs(rng, pairs):
        rho, sigma, d = pair.rho, pair.sigma, pair.dim
        batch = len(pair.logs)
        other = states.ginibre((d,), rng, batch=batch)
        weight = rng.random((batch, 1, 1))
        middle = DensityMatrix._trusted(weight * sigma.matrix() + (1 - weight) * other.matrix(), (d,))
        s, t = losses.cross_entropy(rho, sigma), losses.cross_entropy(rho, other)
        chord = weight[:, 0, 0] * s + (1 - weight[:, 0, 0]) * t
        worst.at_least(chord, losses.cross_entropy(rho, middle))
        u = haar_unitaries(rng, (batch, d, d))
        worst.equal(losses.cross_entropy(draws.rotated(rho, u), draws.rotated(sigma, u)), s)
        if rho.rank().min() == d:
            asymmetry = max(asymmetry, float(np.abs(losses.cross_entropy(sigma, rho) - s).max()))
    for d in draws.DIMS:  # a full model of singular data, and the other way round
        rho, sigma = draws.outside(rng, d, max(1, pairs // 40))
        mixed = DensityMatrix._trusted(0.5 * rho.matrix() + 0.5 * np.eye(d) / d, (d,))
        worst.require(np.isfinite(losses.cross_entropy(sigma, mixed)))
        worst.require(losses.cross_entropy(mixed, sigma) == np.inf)
    worst.require(asymmetry > 0.01)
    return worst.evidence(
        "the value at a mixture of models against the chord; the value after a common random unitary; swapping the "
        f"arguments changes S by up to {asymmetry:.2g} nats, and from finite to +inf where only one has full rank",
        *bounds_pictures.chords(rng),
        tolerance=1e-9,
    )
