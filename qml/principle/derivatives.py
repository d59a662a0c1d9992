"""Statements 18 and 19: the derivatives of the cross entropy, in Gibbs models and in any model."""

from __future__ import annotations

import numpy as np

from qml import losses, spectral, states
from qml._typing import Complex, Real
from qml.principle import draws
from qml.principle.bounds import Largest
from qml.principle.statement import Evidence, Panel, Series
from qml.states import DensityMatrix, GibbsState

STEP = 1e-3
TERMS = 3


def gibbs(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), draws.spread(pairs, 8)
    for d in (2, 3, 4):
        g = np.stack([draws.hermitian(rng, d, each) for _ in range(TERMS)], axis=1)
        rho = states.ginibre((d,), rng, batch=each)

        def value(theta: Real, g: Complex = g, rho: DensityMatrix = rho, d: int = d) -> Real:
            return losses.cross_entropy(rho, GibbsState(np.einsum("bt,btij->bij", theta, g), (d,)))

        theta, way = rng.normal(size=(2, each, TERMS))
        k = np.einsum("bt,btij->bij", theta, g)
        sigma = GibbsState(k, (d,))
        s = value(theta)
        log_z = np.log(np.exp(-np.linalg.eigvalsh(k)).sum(axis=-1))
        worst.add(np.abs(s - draws.trace(rho.matrix(), k) - log_z) / (1 + s))
        slope = np.einsum("bt,bt->b", way, draws.trace(g, (rho.matrix() - sigma.matrix())[:, None]))
        minus2, minus1, plus1, plus2 = (value(theta + h * STEP * way) for h in (-2, -1, 1, 2))
        worst.add(np.abs((minus2 - plus2 + 8 * (plus1 - minus1)) / (12 * STEP) - slope) / (1 + np.abs(slope)))
        spectrum = sigma.spectrum()
        direction = np.einsum("bt,btij->bij", way, g)
        rotated = spectrum.to_basis(direction)
        mean = draws.trace(sigma.matrix(), direction)
        kernel = spectral.exp_divided_differences(spectrum.log_eigenvalues)
        curvature = (kernel * np.square(np.abs(rotated))).sum(axis=(-2, -1)) - np.square(mean)
        second = (16 * (plus1 + minus1) - plus2 - minus2 - 30 * s) / (12 * STEP**2)
        worst.add(np.abs(second - curvature) / (1 + curvature))
        other = rng.normal(size=(each, TERMS))
        worst.add(value((theta + other) / 2) - (s + value(other)) / 2)
    return Evidence(
        "S = Tr rho G + log Z; slope and curvature along random directions (fourth-order differences) against "
        "<G>_rho - <G>_sigma and the Bogoliubov-Kubo-Mori covariance; midpoint convexity in theta",
        worst.samples,
        worst.value,
        1e-6,
        (_parabola(rng),),
    )


def any_model(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in (2, 3, 4):
        each = draws.spread(pairs, 6)
        for gap in (None, 1e-9):
            rho, way = states.ginibre((d,), rng, batch=each), draws.hermitian(rng, d, each)
            values = 0.1 + 0.9 * rng.random((each, d))
            if gap is not None:
                values[:, 1] = values[:, 0] * (1 + gap)
            values /= values.sum(axis=-1, keepdims=True)
            basis = draws.unitaries(rng, d, each)
            sigma = (basis * values[:, None, :]) @ draws.dagger(basis)
            way = (way - np.eye(d) * (np.trace(way, axis1=-2, axis2=-1) / d)[:, None, None]) * values.min() / 4

            def value(
                h: float, rho: DensityMatrix = rho, sigma: Complex = sigma, way: Complex = way, d: int = d
            ) -> Real:
                return losses.cross_entropy(rho, DensityMatrix.trusted(sigma + h * way, (d,)))

            numeric = (8 * (value(STEP) - value(-STEP)) - value(2 * STEP) + value(-2 * STEP)) / (12 * STEP)
            exact = draws.trace(DensityMatrix.trusted(sigma, (d,)).pull_log(-rho.matrix()), way)
            worst.add(np.abs(numeric - exact) / (1 + np.abs(exact)))
    return Evidence(
        "dS along random directions (fourth-order differences) against -Tr(rho Dlog_sigma[dsigma]) by divided "
        "differences; half of the models with two eigenvalues that differ by 1e-9 of their size",
        worst.samples,
        worst.value,
        1e-7,
        (_gaps(),),
    )


def _parabola(rng: np.random.Generator) -> Panel:
    """S of a Gibbs model on a line of parameters, with the tangent and the parabola of slope and curvature."""
    d, t = 4, np.linspace(-3, 3, 121)
    g, rho = draws.hermitian(rng, d, 1)[0], states.ginibre((d,), rng)
    at, rest = 0.8, draws.hermitian(rng, d, 1)[0] / 2
    many = DensityMatrix.trusted(np.broadcast_to(rho.matrix(), (len(t), d, d)).copy(), (d,))
    s = losses.cross_entropy(many, GibbsState(rest + t[:, None, None] * g, (d,)))
    sigma = GibbsState(rest + at * g, (d,))
    spectrum = sigma.spectrum()
    mean = float(draws.trace(sigma.matrix(), g))
    slope = float(draws.trace(rho.matrix(), g)) - mean
    kernel = spectral.exp_divided_differences(spectrum.log_eigenvalues)
    curvature = float((kernel * np.square(np.abs(spectrum.to_basis(g)))).sum()) - mean**2
    value, step = float(losses.cross_entropy(rho, sigma)), t - at
    near = np.abs(step) < 1.6
    return Panel(
        "A Gibbs model sigma = exp(-G_0 - theta G_1)/Z along theta (two qubits)",
        "theta",
        "S(rho, sigma), nats",
        (
            Series("S(rho, sigma)", t, s, "line"),
            Series("tangent: <G_1>_rho - <G_1>_sigma", t[near], value + slope * step[near], "dashed"),
            Series(
                "parabola: Bogoliubov-Kubo-Mori covariance",
                t[near],
                value + slope * step[near] + curvature / 2 * np.square(step[near]),
                "dashed",
            ),
        ),
        "Convex: the curve lies above its tangent everywhere. Slope and curvature come from expectations, not from "
        "differences.",
        marks=(("where they are taken", at),),
    )


def _gaps() -> Panel:
    """The relative error of divided differences of log against the gap of two eigenvalues."""
    gap = np.logspace(-17, 0, 69)
    low = 0.3
    high = low * (1 + gap)
    logs = np.stack([np.log(low) + np.log1p(gap), np.full_like(gap, np.log(low))], axis=-1)
    exact = np.where(gap < 1e-3, 1 - gap / 2 + gap**2 / 3 - gap**3 / 4 + gap**4 / 5, np.log1p(gap) / gap) / low
    ours = spectral.log_divided_differences(logs)[:, 0, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        naive = (np.log(high) - np.log(low)) / (high - low)
    errors = [np.maximum(np.abs(x / exact - 1), 1e-17) for x in (ours, np.where(high > low, naive, np.nan))]
    return Panel(
        "Divided differences of the logarithm at eigenvalues 0.3 and 0.3 (1 + gap)",
        "relative gap of the two eigenvalues",
        "relative error",
        (
            Series("as computed here", gap, errors[0]),
            Series("(log a - log b)/(a - b)", gap, errors[1]),
        ),
        "The formula as it is written loses every digit at small gaps (and is 0/0 below 1e-16); evaluated as "
        "delta/expm1(delta) nothing is lost, and degenerate models are nothing special.",
        log_x=10,
        log_y=True,
    )
