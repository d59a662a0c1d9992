"""Statements 7 to 10 and 13: the same data undisturbed, measured first, and measured late."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._arrays import trace_of_product
from qml._random import haar_unitaries
from qml._typing import Complex, Real
from qml.fitting import DeferredCrossEntropy, shot_variance
from qml.models import GibbsModel
from qml.principle import draws
from qml.principle.statement import PAPER, ROUNDING, Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix, GibbsState

CHANCE = 5.0
"""Standard errors that chance explains: a deviation beyond has a probability below 1e-6 per look."""
ESTIMATES = 200
"""At most so many of one model by the estimator of the library."""
SHOTS = 1000
"""Of a picture."""


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
        _undisturbed_or_measured(rng),
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
        (_spread_of_shots(rng),),
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
        _cost_against_angle(),
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
        _povm_bound(rng),
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
        _training(np.array(seen), shots),
    )


def _turned(angle: Real) -> DensityMatrix:
    """Qubits with a Bloch vector of length 0.9 at an angle from z towards x."""
    bloch = 0.9 * np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
    return DensityMatrix._trusted(draws.qubits(bloch), (2,))


def _undisturbed_or_measured(rng: np.random.Generator) -> Panel:
    """Losses of models turned by an angle: undisturbed data, and two records of measured data."""
    true, angle = 0.9, np.linspace(-np.pi, np.pi, 181)
    rho, sigma = _turned(np.full_like(angle, true)), _turned(angle)
    s = losses.cross_entropy(rho, sigma)
    few = slice(0, None, 9)
    estimate, error = _shots(rng, rho.matrix()[few], sigma.matrix()[few])
    f = rho.probabilities()
    first = draws.of_empirical(f, draws.Z_BASIS, sigma)
    nll = -(f * np.log(sigma.probabilities())).sum(axis=-1)
    return Panel(
        "One qubit, models that differ by an angle: what each kind of data says",
        "angle of the model's Bloch vector from z, radians",
        "nats",
        (
            Series("S(rho, sigma): undisturbed  (7)", angle, s, "line", color=0),
            Series(f"{SHOTS} shots in the model's eigenbasis  (8)", angle[few], estimate, "dots", error, color=0),
            Series("S(rho_hat, sigma): measured in z first  (9)", angle, first, "line"),
            Series("NLL of the record in z  (9)", angle, nll, "line"),
        ),
        "Undisturbed data have their optimum at the true state, and shots in the eigenbasis of each model estimate the "
        "same curve. Measured in z first, S is bounded from below by the NLL, and both have lost the coherence: one "
        "has its optimum at z, the other cannot tell the true angle from its mirror image.",
        marks=(("the true state", true),),
    )


def _spread_of_shots(rng: np.random.Generator) -> Panel:
    """The spread of 2000 estimates against the number of shots, and its prediction."""
    n = np.array([1, 3, 10, 30, 100, 300, 1000, 3000, 10_000])
    series = []
    for k, d in enumerate((2, 4)):
        rho, sigma = states.ginibre((d,), rng, batch=1), states.ginibre((d,), rng, batch=1)
        values, vectors = np.linalg.eigh(sigma.matrix())
        p, cost = draws.populations(rho.matrix(), vectors)[0], -np.log(values[0])
        s = float(losses.cross_entropy(rho, sigma)[0])
        deviations = [np.sqrt(np.square(rng.multinomial(m, p / p.sum(), 2000) @ cost / m - s).mean()) for m in n]
        predicted = np.sqrt(((p * np.square(cost)).sum() - s**2) / n)
        series.append(Series(f"2000 estimates, d = {d}", n, np.array(deviations), color=k))
        series.append(Series(f"predicted, d = {d}", n, predicted, "line", color=k))
    return Panel(
        "The error of S estimated from shots in the model's eigenbasis",
        "shots",
        "root mean square error, nats",
        tuple(series),
        "The line is the square root of [Tr rho (log sigma)² - S²]/n: it needs no repetition of the experiment.",
        log_x=10,
        log_y=True,
    )


def _cost_against_angle() -> Panel:
    """A qubit with rho = sigma, the basis turned by an angle about y."""
    angle = np.linspace(0, np.pi, 121)
    series = []
    for weight in (0.6, 0.8, 0.95, 0.99):
        sigma = DensityMatrix.from_probabilities([weight, 1 - weight])
        c, s = np.cos(angle / 2), np.sin(angle / 2)
        basis = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2).astype(np.complex128)
        f = draws.populations(sigma.matrix(), basis)
        cost = draws.of_empirical(f, basis, sigma) + (f * np.log(f)).sum(axis=-1)
        series.append(Series(f"largest weight of sigma {weight}", angle, cost, "line"))
    return Panel(
        "What measuring costs: a qubit measured off the eigenbasis of sigma = rho",
        "angle between measured axis and eigenbasis, radians",
        "S(rho_hat, sigma) - NLL, nats",
        tuple(series),
        "Measuring costs nothing in the basis of the model; elsewhere it costs the more the purer the model.",
    )


def _povm_bound(rng: np.random.Generator) -> Panel:
    """S of empirical states of random measurements against their NLL, with and without log Tr M."""
    d, batch = 3, 300
    rho, sigma = states.ginibre((d,), rng, batch=batch), states.ginibre((d,), rng, batch=batch)
    effects = draws.povms(rng, d, d + 2, batch)
    empirical, f, term = draws.measured(rng, rho, effects)
    s, nll = losses.cross_entropy(empirical, sigma), draws.nll(f, effects, sigma)
    line = np.array([0.4, 2.4])
    return Panel(
        "300 random measurements with five outcomes (d = 3, 100 shots)",
        "negative log-likelihood of the record, nats",
        "S(rho_hat, sigma), nats",
        (
            Series("against NLL + sum f log Tr M", nll + term, s),
            Series("against NLL alone", nll, s),
            Series("equal", line, line, "dashed", color=6),
        ),
        "With the term log Tr M every record lies above the line, as the statement says; without it "
        f"{int((s < nll).sum())} of {batch} lie below.",
    )


def _training(seen: Real, shots: int) -> Panel:
    """The cost of measuring in one training run, in a fixed basis and in the model's, and D: `seen` (3, steps)."""
    fixed, own, divergence = seen
    x = np.arange(float(len(fixed)))
    return Panel(
        f"Cost of measuring, S(rho_hat, sigma) - NLL, along a training run (two qubits, {shots} shots a step)",
        "step of gradient descent",
        "nats",
        (
            Series("measured in a fixed basis", x, fixed, "line"),
            Series("deferred: the model's eigenbasis", x, np.maximum(own, 1e-17)),
            Series("D(rho || sigma), what is left to learn", x, divergence, "line"),
        ),
        "Measured late, the data cost nothing at any step, to rounding. Measured first in a fixed basis, they "
        f"cost {fixed[-1] / divergence[-1]:.0f} times what is left to learn at the last step.",
        log_y=True,
    )


def _shots(rng: np.random.Generator, rho: Complex, sigma: Complex) -> tuple[Real, Real]:
    """Estimates of S from SHOTS shots in the eigenbasis of each model, and their standard errors."""
    values, vectors = np.linalg.eigh(sigma)
    f, cost = draws.frequencies(rng, draws.populations(rho, vectors), SHOTS), -np.log(values)
    mean = (f * cost).sum(axis=-1)
    return mean, np.sqrt(((f * np.square(cost)).sum(axis=-1) - np.square(mean)) / SHOTS)
