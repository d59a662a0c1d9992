"""Statements 7 to 10, 12 and 13: undisturbed data, measured data, and what measuring first costs."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._typing import Complex
from qml.principle import draws
from qml.principle import measured_pictures as pictures
from qml.principle.bounds import ROUNDING, Largest
from qml.principle.statement import Evidence
from qml.principle.structure import product
from qml.states import DensityMatrix

CHANCE = 5.0
"""Standard errors that chance explains: a deviation beyond has a probability below 1e-6 per look."""


def undisturbed(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        values, vectors = np.linalg.eigh(sigma.matrix())
        p = draws.populations(rho.matrix(), vectors)
        s = losses.cross_entropy(rho, sigma)
        worst.add(np.abs(s + (p * np.log(values)).sum(axis=-1)) / (1 + s))
        if rho.dim <= 3:
            well = values[:, 0] > 1e-3  # the smallest eigenvalue of two copies is its square, and rounding is absolute
            twice = [DensityMatrix.trusted(product(x.matrix(), x.matrix())[well], (rho.dim**2,)) for x in (rho, sigma)]
            worst.add((np.abs(losses.cross_entropy(*twice) - 2 * s[well]) / (1 + s[well])).ravel())
    return Evidence(
        "S against the expected negative log-likelihood -sum p_j log s_j of a measurement in the model's eigenbasis; "
        "two copies against twice one (model weights above 1e-3)",
        worst.samples,
        worst.value,
        ROUNDING,
        (pictures.undisturbed_or_measured(rng),),
    )


def shots(rng: np.random.Generator, pairs: int) -> Evidence:
    """Every sequence of up to three outcomes, and samples: deviations in units of their tolerances."""
    exact, sampled = Largest(), []
    n, repeats = 50, 20
    for d in draws.DIMS:
        rho, sigma = (states.ginibre((d,), rng, batch=draws.spread(pairs, len(draws.DIMS))) for _ in range(2))
        values, vectors = np.linalg.eigh(sigma.matrix())
        p, cost = draws.populations(rho.matrix(), vectors), -np.log(values)
        s = losses.cross_entropy(rho, sigma)
        second = draws.trace(rho.matrix(), (vectors * np.square(cost)[:, None, :]) @ draws.dagger(vectors))
        variance = second - np.square(s)
        weight, total = np.ones((len(s), 1)), np.zeros((len(s), 1))
        for m in (1, 2, 3):  # weights and sums of -log s of all d^m sequences
            weight = (weight[:, :, None] * p[:, None, :]).reshape(len(s), -1)
            total = (total[:, :, None] + cost[:, None, :]).reshape(len(s), -1)
            mean = (weight * total / m).sum(axis=-1)
            exact.add(np.abs(mean - s) / (1 + s))
            around = (weight * np.square(total / m - s[:, None])).sum(axis=-1)
            exact.add(np.abs(around - variance / m) / (1 + second))
        counts = rng.multinomial(n, p / p.sum(axis=-1, keepdims=True), size=(repeats, len(s)))
        z = ((counts * cost).sum(axis=-1) / n - s) / np.sqrt(variance / n)
        fourth = (p * ((cost - s[:, None]) / np.sqrt(variance)[:, None]) ** 4).sum(axis=-1)
        of_square = 2 + (fourth - 3) / n  # the variance of z²
        sampled += [z.mean() * np.sqrt(z.size), (np.square(z) - 1).sum() / np.sqrt(repeats * of_square.sum())]
    return Evidence(
        "mean and variance of the estimate over every sequence of 1, 2 and 3 outcomes, against S and [Tr rho (log "
        f"sigma)² - S²]/n (tolerance {ROUNDING:.0e}); and {repeats} samples of {n} shots for each pair, their "
        f"standardised mean and variance over all pairs of one dimension (tolerance {CHANCE:g} standard errors). The "
        "largest violation is in units of these tolerances",
        exact.samples,
        max(exact.value / ROUNDING, float(np.abs(sampled).max()) / CHANCE),
        1.0,
        (pictures.spread_of_shots(rng),),
    )


def measured_first(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        values, vectors = np.linalg.eigh(sigma.matrix())
        basis = draws.unitaries(rng, rho.dim, len(values))
        f = draws.frequencies(rng, draws.populations(rho.matrix(), basis), 100)
        s, nll = (
            draws.of_empirical(f, basis, sigma),
            -(f * np.log(draws.populations(sigma.matrix(), basis))).sum(axis=-1),
        )
        worst.add(np.where(s > nll, (nll - s) / (1 + s), np.inf))  # no vector of a random basis is an eigenvector
        f = draws.frequencies(rng, draws.populations(rho.matrix(), vectors), 100)
        worst.add(np.abs(draws.of_empirical(f, vectors, sigma) + (f * np.log(values)).sum(axis=-1)) / (1 + s))
    return Evidence(
        "NLL - S(rho_hat, sigma) < 0 for frequencies of 100 shots in random bases; equality in the eigenbasis of sigma",
        worst.samples,
        worst.value,
        ROUNDING,
        (pictures.gap_against_angle(),),
    )


def any_povm(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in draws.DIMS:
        each = draws.spread(pairs, 4)
        rho, sigma = states.ginibre((d,), rng, batch=each), states.ginibre((d,), rng, batch=each)
        effects = draws.povms(rng, d, d + 2, each)
        weights = np.trace(effects, axis1=-2, axis2=-1).real
        f = draws.frequencies(rng, draws.trace(effects, rho.matrix()[:, None]), 100)
        f = np.where(weights > 1e-12, f, 0.0)
        safe = np.where(weights > 1e-12, weights, 1.0)
        empirical = np.einsum("bk,bkij->bij", f / safe, effects)
        s = losses.cross_entropy(DensityMatrix.trusted(empirical, (d,)), sigma)
        p = np.where(f > 0, draws.trace(effects, sigma.matrix()[:, None]), 1.0)
        bound = -(f * np.log(p)).sum(axis=-1) + (f * np.log(safe)).sum(axis=-1)
        worst.add((bound - s) / (1 + s))
    return Evidence(
        "NLL + sum f_k log Tr M_k - S(rho_hat, sigma) <= 0 for random measurements of d + 2 outcomes of random ranks",
        worst.samples,
        worst.value,
        ROUNDING,
        (pictures.povm_bound(rng),),
    )


def price_of_measuring(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), draws.spread(pairs, 4)
    for d in (2, 3, 5):  # the d + 1 mutually unbiased bases of a prime dimension are a 2-design
        rho = states.ginibre((d,), rng, batch=each)
        empirical = _empirical(rho.matrix(), pictures.unbiased_bases(d))
        expected = (rho.matrix() + np.eye(d)) / (d + 1)
        worst.add(np.abs(empirical - expected).max(axis=(-2, -1)))
        basis = draws.unitaries(rng, d, 1)  # one basis: the twirl by its clock operators is the dephased state
        clock = np.exp(2j * np.pi * np.outer(np.arange(d), np.arange(d)) / d)
        turns = (basis * clock[:, None, :]) @ draws.dagger(basis)
        twirled = np.einsum("kij,bjl,kml->bim", turns, rho.matrix(), turns.conj()) / d
        worst.add(np.abs(_empirical(rho.matrix(), basis) - twirled).max(axis=(-2, -1)))
    pauli = pictures.unbiased_bases(2)
    joint = states.ginibre((2, 2), rng, batch=each).matrix()
    twice = np.einsum("aij,bkl->abikjl", pauli, pauli).reshape(9, 4, 4)
    marginals = [
        product(_partial(joint, 0), np.broadcast_to(np.eye(2), (each, 2, 2))),
        product(np.broadcast_to(np.eye(2), (each, 2, 2)), _partial(joint, 1)),
    ]
    worst.add(np.abs(_empirical(joint, twice) - (joint + sum(marginals) + np.eye(4)) / 9).max(axis=(-2, -1)))
    for d in draws.DIMS:  # the empirical state, not rho, is the best model of S; the likelihood is best at rho
        rho, other = states.ginibre((d,), rng, batch=each), states.ginibre((d,), rng, batch=each)
        biased = DensityMatrix.trusted((rho.matrix() + np.eye(d)) / (d + 1), (d,))
        worst.add(losses.cross_entropy(biased, biased) - losses.cross_entropy(biased, other))
        bases = draws.unitaries(rng, d, 2 * d + 1)
        p, q = (np.einsum("kia,bij,kja->bka", bases.conj(), x.matrix(), bases).real for x in (rho, other))
        worst.add(((p * np.log(q)).sum(axis=-1) - (p * np.log(p)).sum(axis=-1)).max(axis=-1))
    return Evidence(
        "the empirical state at infinite shots: dephased from one basis, (rho + 1)/(d + 1) from mutually unbiased "
        "bases "
        "(d = 2, 3, 5; Pauli-6 is d = 2), its tensor power for two qubits; it minimises S(rho_hat, .), while the "
        "likelihood of every basis is largest at rho",
        worst.samples,
        worst.value,
        ROUNDING,
        (pictures.bias_of_length(), pictures.bias_of_shots(rng)),
    )


def deferred(rng: np.random.Generator, pairs: int) -> Evidence:
    """Along gradient descent of a Gibbs state sigma = exp(-K)/Z of two qubits: dS/dK = rho - sigma."""
    worst, d, steps, shots = Largest(), 4, 60, 1000
    batch = draws.spread(pairs, 2 * steps)
    rho = states.ginibre((d,), rng, rank=3, batch=batch)
    k = 0.1 * draws.hermitian(rng, d, batch)
    fixed = draws.unitaries(rng, d, batch)
    seen: list[list[float]] = [[], [], []]
    for _ in range(steps):
        sigma = states.GibbsState(k, (d,))
        logs, basis = sigma.spectrum().log_eigenvalues, sigma.spectrum().basis
        assert basis is not None
        turned = draws.frequencies(rng, draws.populations(rho.matrix(), basis), shots)
        own = np.abs(draws.of_empirical(turned, basis, sigma) + (turned * logs).sum(axis=-1))
        worst.add(own)
        plain = draws.frequencies(rng, draws.populations(rho.matrix(), fixed), shots)
        nll = -(plain * np.log(draws.populations(sigma.matrix(), fixed))).sum(axis=-1)
        gap = draws.of_empirical(plain, fixed, sigma) - nll
        worst.add(-gap)
        for kept, value in zip(seen, (gap[0], own[0], losses.relative_entropy(rho, sigma)[0]), strict=True):
            kept.append(float(value))
        k = k - 2.0 * (rho.matrix() - sigma.matrix())
    return Evidence(
        f"{batch} training runs of {steps} steps with fresh shots: the gap in the model's eigenbasis is zero at every "
        "step, in a fixed basis never negative",
        worst.samples,
        worst.value,
        ROUNDING,
        (pictures.training(np.array(seen), shots),),
    )


def _partial(joint: Complex, keep: int) -> Complex:
    parts = joint.reshape(-1, 2, 2, 2, 2)
    return np.asarray(np.einsum("bijkj->bik", parts) if keep == 0 else np.einsum("bijil->bjl", parts))


def _empirical(matrix: Complex, bases: Complex) -> Complex:
    """The empirical state at infinite shots, all bases measured equally often: (batch, d, d)."""
    p = np.einsum("kia,bij,kja->bka", bases.conj(), matrix, bases).real
    return np.asarray(np.einsum("bka,kia,kja->bij", p, bases, bases.conj()) / len(bases))
