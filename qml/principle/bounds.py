"""Statements 1 to 6 and 16: what the cross entropy is, and what bounds it."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._typing import Real
from qml.principle import bounds_pictures, draws
from qml.principle.statement import Evidence
from qml.states import DensityMatrix

ROUNDING = 1e-10
"""Of quantities relative to 1 + |S|: condition numbers of random states included."""


class Largest:
    """The largest of many arrays, and how many numbers they held."""

    def __init__(self) -> None:
        self.value = -np.inf
        self.samples = 0

    def add(self, violations: Real) -> None:
        self.value = max(self.value, float(np.max(violations)))
        self.samples += np.size(violations)


def definition(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        s = losses.cross_entropy(rho, sigma)
        worst.add(np.abs(s + draws.trace(rho.matrix(), draws.logarithm(sigma))) / (1 + np.abs(s)))
    each = max(1, pairs // 20)
    for d in draws.DIMS:
        for rank in range(1, d):
            factor = draws.unitaries(rng, d, each)[..., :rank]
            weights = rng.dirichlet(np.ones(rank), each)
            sigma = DensityMatrix.from_factor(factor * np.sqrt(weights)[:, None, :], (d,))
            small = states.ginibre((rank,), rng, batch=each).matrix()
            inside = DensityMatrix.trusted(factor @ small @ draws.dagger(factor), (d,))
            s = losses.cross_entropy(inside, sigma)
            known = -(np.diagonal(small, axis1=-2, axis2=-1).real * np.log(weights)).sum(axis=-1)
            worst.add(np.where(np.isfinite(s), np.abs(s - known) / (1 + known), np.inf))
            outside = losses.cross_entropy(states.ginibre((d,), rng, rank=1, batch=each), sigma)
            worst.add(np.where(outside == np.inf, 0.0, np.inf))
    return Evidence(
        "-Tr rho log sigma against the matrix logarithm; sigma of lower rank with rho inside its support (finite, and "
        "equal to the sum over the support) and outside (exactly +inf)",
        worst.samples,
        worst.value,
        ROUNDING,
        (bounds_pictures.support(),),
    )


def decomposition(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in draws.DIMS:
        rho, sigma = (states.ginibre((d,), rng, batch=draws.spread(pairs, 4)) for _ in range(2))
        s = losses.cross_entropy(rho, sigma)
        divergence = draws.trace(rho.matrix(), draws.logarithm(rho) - draws.logarithm(sigma))
        worst.add(np.abs(s - rho.entropy() - divergence) / (1 + s))
    return Evidence(
        "S(rho, sigma) - S(rho) against Tr rho (log rho - log sigma) of the matrix logarithms",
        worst.samples,
        worst.value,
        ROUNDING,
        (bounds_pictures.floor(rng),),
    )


def klein(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        s, entropy = losses.cross_entropy(rho, sigma), rho.entropy()
        worst.add((entropy - s) / (1 + s))
        worst.add(np.abs(losses.cross_entropy(rho, rho) - entropy))
    return Evidence(
        "S(rho) - S(rho, sigma) <= 0, and S(rho, rho) = S(rho)",
        worst.samples,
        worst.value,
        ROUNDING,
        (bounds_pictures.rungs(rng),),
    )


def jensen(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        s = losses.cross_entropy(rho, sigma)
        gap = s + np.log(draws.trace(rho.matrix(), sigma.matrix()))
        worst.add(np.where(gap > 0, -gap / (1 + s), np.inf))  # no random rho lies in an eigenspace
    for d in draws.DIMS:  # equality: rho in an eigenspace of dimension 2 or more
        basis = draws.unitaries(rng, d, max(1, pairs // 20))
        values = np.concatenate([[2.0, 2.0], np.arange(1.0, d - 1)])
        sigma = DensityMatrix.trusted((basis * (values / values.sum())) @ draws.dagger(basis), (d,))
        small = states.ginibre((2,), rng, batch=len(basis)).matrix()
        rho = DensityMatrix.trusted(basis[..., :2] @ small @ draws.dagger(basis[..., :2]), (d,))
        s = losses.cross_entropy(rho, sigma)
        worst.add(np.abs(s + np.log(draws.trace(rho.matrix(), sigma.matrix()))))
    return Evidence(
        "-log Tr(rho sigma) - S(rho, sigma) < 0 for random pairs, and equality for rho inside one eigenspace of sigma",
        worst.samples,
        worst.value,
        ROUNDING,
        (bounds_pictures.eigenspace(rng),),
    )


def fidelity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, orders = Largest(), [0, 0]
    for rho, sigma in draws.pairs(rng, pairs):
        s = losses.cross_entropy(rho, sigma)
        bound = rho.entropy() - np.log(losses.fidelity(rho, sigma))
        worst.add((bound - s) / (1 + s))
        other = -np.log(draws.trace(rho.matrix(), sigma.matrix()))
        orders[0] += int((bound > other + 1e-9).sum())
        orders[1] += int((bound < other - 1e-9).sum())
        if rho.rank().max() == 1:
            worst.add((-np.log(draws.trace(rho.matrix(), sigma.matrix())) - s) / (1 + s))
    unordered = 0.0 if min(orders) > 0 or pairs < 100 else np.inf
    return Evidence(
        f"S(rho) - log F - S(rho, sigma) <= 0; this bound is the larger one for {orders[0]} pairs, that of Jensen for "
        f"{orders[1]}: they are not ordered",
        worst.samples,
        max(worst.value, unordered if unordered else -np.inf),
        ROUNDING,
        (bounds_pictures.not_ordered(rng),),
    )


def pinsker(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        s = losses.cross_entropy(rho, sigma)
        logs = sigma.spectrum().log_eigenvalues
        worst.add((2 * np.square(losses.trace_distance(rho, sigma)) - (s - rho.entropy())) / (1 + s))
        worst.add(np.maximum(-logs.max(axis=-1) - s, s + logs.min(axis=-1)) / (1 + s))
    return Evidence(
        "the squared trace norm over 2 against S(rho, sigma) - S(rho), and S between the extreme -log eigenvalues",
        worst.samples,
        worst.value,
        ROUNDING,
        (bounds_pictures.slack(rng),),
    )


def convexity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, asymmetry = Largest(), 0.0
    for rho, sigma in draws.pairs(rng, pairs):
        d, batch = rho.dim, len(rho.matrix())
        other = states.ginibre((d,), rng, batch=batch)
        weight = rng.random((batch, 1, 1))
        middle = DensityMatrix.trusted(weight * sigma.matrix() + (1 - weight) * other.matrix(), (d,))
        s, t = losses.cross_entropy(rho, sigma), losses.cross_entropy(rho, other)
        chord = weight[:, 0, 0] * s + (1 - weight[:, 0, 0]) * t
        worst.add((losses.cross_entropy(rho, middle) - chord) / (1 + chord))
        u = draws.unitaries(rng, d, batch)
        turned = [DensityMatrix.trusted(u @ x.matrix() @ draws.dagger(u), (d,)) for x in (rho, sigma)]
        worst.add(np.abs(losses.cross_entropy(*turned) - s) / (1 + s))
        if rho.rank().min() == d:
            asymmetry = max(asymmetry, float(np.abs(losses.cross_entropy(sigma, rho) - s).max()))
    return Evidence(
        "the value at a mixture of models against the chord; the value after a common random unitary; swapping the "
        f"arguments changes S by up to {asymmetry:.2g} nats",
        worst.samples,
        worst.value if asymmetry > 0.01 else np.inf,
        1e-9,
        bounds_pictures.chords(rng),
    )
