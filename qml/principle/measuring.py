"""Statements 7 to 10 and 13: undisturbed data, measured data, and deferred measurement."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._arrays import trace_of_product
from qml._random import haar_unitaries
from qml.fitting import DeferredCrossEntropy, shot_variance
from qml.models import GibbsModel
from qml.principle import draws
from qml.principle import measuring_pictures as pictures
from qml.principle.statement import PAPER, ROUNDING, Evidence, Largest, statement
from qml.states import GibbsState

CHANCE = 5.0
"""Standard errors that chance explains: a deviation beyond has a probability below 1e-6 per look."""
ESTIMATES = 200
"""At most so many of one model by the estimator of the library."""


@statement(
    7,
    "Undisturbed data",
    "S is the expected negative log-likelihood per copy of a measurement in the model's eigenbasis; copies add",
    PAPER,
)
def undisturbed(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        s = losses.cross_entropy(pair.rho, pair.sigma)
        worst.equal(s, pair.expected)
        if pair.dim <= 3:
            twice = [draws.tensor(x, x) for x in (pair.rho, pair.sigma)]
            worst.equal(losses.cross_entropy(*twice)[pair.squares], 2 * s[pair.squares])
    for d in draws.DIMS:
        rho, sigma = draws.outside(rng, d, max(1, pairs // 40))
        worst.require(losses.cross_entropy(rho, sigma) == np.inf)
    return worst.evidence(
        "S against the expected negative log-likelihood -sum p_j log s_j of a measurement in the model's eigenbasis, "
        "+inf where an outcome has s_j = 0 and not p_j = 0; two copies against twice one (of models that are not given "
        "by their logarithm: for weights above 1e-3)",
        pictures.undisturbed_or_measured(rng),
    )


@statement(
    8,
    "The shot estimator",
    "the mean of -log s_x over shots is unbiased, with variance [Tr rho (log sigma)^2 - S^2] / n",
    "derived: from statement 7",
)
def shots(rng: np.random.Generator, pairs: int) -> Evidence:
    """Every sequence of up to three outcomes, and samples: deviations in units of their tolerances."""
    exact, sampled = Largest(), Largest()
    n, repeats = 50, 20
    for d in draws.DIMS:
        rho, sigma = (states.ginibre((d,), rng, batch=draws.per_group(pairs, len(draws.DIMS))) for _ in range(2))
        values, vectors = np.linalg.eigh(sigma.matrix())
        p, cost = draws.populations(rho.matrix(), vectors), -np.log(values)
        s = losses.cross_entropy(rho, sigma)
        second = trace_of_product(rho.matrix(), (vectors * np.square(cost)[:, None, :]) @ draws.dagger(vectors))
        variance = second - np.square(s)
        weight, total = np.ones((len(s), 1)), np.zeros((len(s), 1))
        for m in (1, 2, 3):  # weights and sums of -log s of all d^m sequences
            weight = (weight[:, :, None] * p[:, None, :]).reshape(len(s), -1)
            total = (total[:, :, None] + cost[:, None, :]).reshape(len(s), -1)
            exact.equal((weight * total / m).sum(axis=-1), s)
            around = (weight * np.square(total / m - s[:, None])).sum(axis=-1)
            exact.equal(around, variance / m, 1 + second)
        counts = rng.multinomial(n, p / p.sum(axis=-1, keepdims=True), size=(repeats, len(s)))
        z = ((counts * cost).sum(axis=-1) / n - s) / np.sqrt(variance / n)
        fourth = (p * ((cost - s[:, None]) / np.sqrt(variance)[:, None]) ** 4).sum(axis=-1)
        of_square = 2 + (fourth - 3) / n  # the variance of z²
        sampled.add(np.abs(z.mean() * np.sqrt(z.size)))
        sampled.add(np.abs((np.square(z) - 1).sum() / np.sqrt(repeats * of_square.sum())))
    estimates = min(ESTIMATES, max(50, pairs // 10))
    _library_estimator(rng, estimates, sampled, exact)
    return Evidence(
        "mean and variance of the estimate over every sequence of 1, 2 and 3 outcomes, against S and [Tr rho (log "
        f"sigma)² - S²]/n (tolerance {ROUNDING:.0e}); {repeats} samples of {n} shots for each pair, their "
        "standardised mean and variance over all pairs of one dimension; and qml.fitting.DeferredCrossEntropy, "
        f"{estimates} estimates of {n} shots for models of every dimension, nearly singular ones among them: their "
        f"mean, their spread and the variance that they state (tolerance {CHANCE:g} standard errors). The largest "
        "violation is in units of these tolerances",
        exact.samples,
        max(exact.value / ROUNDING, sampled.value / CHANCE),
        1.0,
        (pictures.spread_of_shots(rng),),
    )


def _library_estimator(rng: np.random.Generator, estimates: int, sampled: Largest, exact: Largest) -> None:
    """The estimator of the library in standard errors: its mean, its spread, and the variance that it states."""
    n = 50
    for d in draws.DIMS:
        for part in (1.0, 0.2):  # the whole range of eigenvalues, and its fifth: the smallest about 1e-2
            k = -part * draws.nearly_singular(rng, d, 1)[1][0]
            u = haar_unitaries(rng, (1, d, d))[0]
            model = GibbsModel([(u * k) @ u.conj().T], dims=(d,))
            sigma, rho = model.state([1.0]), states.ginibre((d,), rng)
            cost = k + np.log(np.exp(-k).sum())
            p = draws.populations(rho.matrix(), u)
            mean, variance = float(p @ cost), float(p @ np.square(cost) - (p @ cost) ** 2)
            exact.equal(losses.cross_entropy(rho, sigma), mean)
            exact.equal(shot_variance(rho, sigma), variance, 1 + p @ np.square(cost))
            deferred = DeferredCrossEntropy(model, rho, copies=4, rng=rng)
            found = [deferred.estimate([1.0], n) for _ in range(estimates)]
            values, stated = np.array([f.value for f in found]), np.array([f.variance for f in found])
            fourth = float(p @ (cost - mean) ** 4)  # of one shot, about the mean
            of_square = (fourth - variance**2) / n**3 + 2 * (1 - 1 / n) * variance**2 / n**2
            of_stated = (fourth - (n - 3) / (n - 1) * variance**2) / n**3
            sampled.add(np.abs(values.mean() - mean) / np.sqrt(variance / n / estimates))
            sampled.add(np.abs(np.square(values - mean).mean() - variance / n) / np.sqrt(of_square / estimates))
            sampled.add(np.abs(stated.mean() - variance / n) / np.sqrt(of_stated / estimates))


@statement(
    9,
    "Measured first, in a basis",
    "S(rho_hat, sigma) >= NLL, with equality iff every observed |x> is an eigenvector of sigma",
    PAPER,
)
def measured_first(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        rho, sigma = pair.rho, pair.sigma
        batch = len(pair.logs)
        if pair.basis.shape[-1] == pair.dim:  # else a random basis has outcomes outside the support
            basis = haar_unitaries(rng, (batch, pair.dim, pair.dim))
            f = draws.frequencies(rng, draws.populations(rho.matrix(), basis), 100)
            s = draws.of_empirical(f, basis, sigma)
            nll = -(f * np.log(draws.populations(sigma.matrix(), basis))).sum(axis=-1)
            worst.add(np.where((s > nll) & np.isfinite(s), (nll - s) / (1 + s), np.inf))  # no vector is an eigenvector
        f = draws.frequencies(rng, pair.populations, 100)
        worst.equal(draws.of_empirical(f, pair.basis, sigma), -(f * pair.logs).sum(axis=-1))
    return worst.evidence(
        "NLL - S(rho_hat, sigma) < 0 for frequencies of 100 shots in random bases; equality in the eigenbasis of sigma",
        pictures.cost_against_angle(),
    )


@statement(
    10,
    "Measured first, any POVM",
    "S(rho_hat, sigma) >= NLL + sum_k f_k log Tr M_k with rho_hat = sum_k f_k M_k / Tr M_k",
    "derived, the empirical state of a POVM among it: from statement 9",
)
def any_povm(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in draws.DIMS:
        each = draws.per_group(pairs, 2 * len(draws.DIMS))
        rho = states.ginibre((d,), rng, batch=each)
        dense = states.ginibre((d,), rng, batch=each)
        near, logs, basis = draws.nearly_singular(rng, d, each)
        along = np.einsum("bij,bkj->bjik", basis, basis.conj())
        part = rng.uniform(0.1, 0.9, (each, d))
        split = np.concatenate([along * x[..., None, None] for x in (part, 1 - part)], axis=1)
        for sigma in (dense, near):
            effects = draws.povms(rng, d, d + 2, each)
            empirical, f, of_traces = draws.measured(rng, rho, effects)
            worst.at_least(losses.cross_entropy(empirical, sigma), draws.nll(f, effects, sigma) + of_traces)
        # of the split ones p_k = s_j Tr M_k: the bound is -sum f log s_j, and is reached
        empirical, f, _ = draws.measured(rng, rho, split)
        worst.equal(losses.cross_entropy(empirical, near), -(f * np.tile(logs, 2)).sum(axis=-1))
    return worst.evidence(
        "NLL + sum f_k log Tr M_k - S(rho_hat, sigma) <= 0 for random measurements of d + 2 outcomes of random ranks, "
        "of models of full rank and nearly singular ones; equality where every effect is a multiple of an eigenvector "
        "of sigma",
        pictures.povm_bound(rng),
    )


@statement(
    13,
    "Deferred measurement",
    "copies measured in the model's eigenbasis cost nothing, at every step of a training",
    PAPER,
)
def deferred(rng: np.random.Generator, pairs: int) -> Evidence:
    """Along gradient descent of a Gibbs state sigma = exp(-K)/Z of two qubits: dS/dK = rho - sigma."""
    worst, d, steps, shots = Largest(), 4, 60, 1000
    batch = draws.per_group(pairs, 2 * steps)
    rho = states.ginibre((d,), rng, rank=3, batch=batch)
    k = 0.1 * draws.hermitian(rng, d, batch)
    _, logs, basis = draws.nearly_singular(rng, d, batch)
    singular = -(basis * logs[:, None, :]) @ draws.dagger(basis)
    k[::2] = singular[::2]  # every other run starts from a nearly singular model
    fixed = haar_unitaries(rng, (batch, d, d))
    seen: list[list[float]] = [[], [], []]
    for _ in range(steps):
        sigma = GibbsState(k, (d,))
        logs, own_basis = sigma.spectrum().log_eigenvalues, sigma.spectrum().basis
        assert own_basis is not None
        turned = draws.frequencies(rng, draws.populations(rho.matrix(), own_basis), shots)
        own = draws.of_empirical(turned, own_basis, sigma) + (turned * logs).sum(axis=-1)
        worst.equal(own, np.zeros(batch))
        plain = draws.frequencies(rng, draws.populations(rho.matrix(), fixed), shots)
        nll = -(plain * np.log(draws.populations(sigma.matrix(), fixed))).sum(axis=-1)
        cost = draws.of_empirical(plain, fixed, sigma) - nll
        worst.at_least(cost, np.zeros(batch))
        divergence, one = losses.relative_entropy(rho, sigma), 1 % batch
        for kept, value in zip(seen, (cost[one], abs(own[one]), divergence[one]), strict=True):
            kept.append(float(value))
        k = k - 2.0 * (rho.matrix() - sigma.matrix())
    return worst.evidence(
        f"{batch} training runs of {steps} steps with fresh shots, half of them from nearly singular models: the cost "
        "of measuring is zero in the model's eigenbasis at every step, in a fixed basis never negative",
        pictures.training(np.array(seen), shots),
    )
