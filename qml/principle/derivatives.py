"""Statements 18 and 19: the derivatives of the cross entropy, in Gibbs models and in any model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qml import losses, spectral, states
from qml._arrays import trace_of_product
from qml._random import haar_unitaries
from qml._typing import Complex, Real
from qml.geometry.gibbs import covariance
from qml.principle import draws
from qml.principle.statement import ROUNDING, Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix, GibbsState

STEP = 1e-3
DIFFERENCES = 1e-6
"""Relative to 1 + the size of a derivative: what rounding makes of differences with this step."""
TERMS = 3


@statement(
    18,
    "Gibbs models",
    "S = Tr rho G + log Z; gradient <G_j>_rho - <G_j>_sigma; Hessian the Bogoliubov-Kubo-Mori covariance; convex "
    "in theta",
    "Kappen (2018), arXiv:1803.11278; Patel and Wilde (2024), arXiv:2410.24058",
)
def gibbs(rng: np.random.Generator, pairs: int) -> Evidence:
    exact, worst, each = Largest(), Largest(), draws.per_group(pairs, 8)
    for d in (2, 3, 4):
        g = np.stack([draws.hermitian(rng, d, each) for _ in range(TERMS)], axis=1)
        rho = states.ginibre((d,), rng, batch=each)

        def value(theta: Real, g: Complex = g, rho: DensityMatrix = rho, d: int = d) -> Real:
            return np.asarray(losses.cross_entropy(rho, GibbsState(np.einsum("bt,btij->bij", theta, g), (d,))))

        theta, way = rng.normal(size=(2, each, TERMS))
        k = np.einsum("bt,btij->bij", theta, g)
        sigma = GibbsState(k, (d,))
        s = value(theta)
        exact.equal(s, trace_of_product(rho.matrix(), k) + _log_z(k))
        far = 6 * theta  # nearly singular
        exact.equal(value(far), trace_of_product(rho.matrix(), 6 * k) + _log_z(6 * k))
        slope = np.einsum("bt,bt->b", way, trace_of_product(g, (rho.matrix() - sigma.matrix())[:, None]))
        minus2, minus1, plus1, plus2 = (value(theta + h * STEP * way) for h in (-2, -1, 1, 2))
        worst.equal((minus2 - plus2 + 8 * (plus1 - minus1)) / (12 * STEP), slope)
        curvature = np.einsum("bs,bst,bt->b", way, covariance(sigma, g), way)
        worst.equal((16 * (plus1 + minus1) - plus2 - minus2 - 30 * s) / (12 * STEP**2), curvature)
        other = rng.normal(size=(each, TERMS))
        exact.at_least((s + value(other)) / 2, value((theta + other) / 2))
    return Evidence(
        f"S = Tr rho G + log Z and midpoint convexity in theta (tolerance {ROUNDING:.0e}), nearly singular models "
        "among them; slope and curvature along random directions (fourth-order differences) against <G>_rho - "
        f"<G>_sigma and the Bogoliubov-Kubo-Mori covariance (tolerance {DIFFERENCES:.0e}). The largest violation is in "
        "units of these tolerances",
        exact.samples + worst.samples,
        max(exact.value / ROUNDING, worst.value / DIFFERENCES),
        1.0,
        (_parabola(rng),),
    )


def _log_z(k: Complex) -> Real:
    energies = np.linalg.eigvalsh(k)
    return np.asarray(np.log(np.exp(energies[:, :1] - energies).sum(axis=-1)) - energies[:, 0])


@statement(
    19,
    "Any model",
    "dS = -Tr(rho Dlog_sigma[dsigma]), the Frechet derivative by divided differences",
    "Daleckii and Krein (1965)",
)
def any_model(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in (2, 3, 4):
        each = draws.per_group(pairs, 12)
        for gap in (None, 1e-9):
            rho, way = states.ginibre((d,), rng, batch=each), draws.hermitian(rng, d, each)
            values = 0.1 + 0.9 * rng.random((each, d))
            if gap is not None:
                values[:, 1] = values[:, 0] * (1 + gap)
            values /= values.sum(axis=-1, keepdims=True)
            basis = haar_unitaries(rng, (each, d, d))
            sigma = (basis * values[:, None, :]) @ draws.dagger(basis)
            way = (way - np.eye(d) * (np.trace(way, axis1=-2, axis2=-1) / d)[:, None, None]) * values.min() / 4

            def moved(h: float, sigma: Complex = sigma, way: Complex = way, d: int = d) -> DensityMatrix:
                return DensityMatrix._trusted(sigma + h * way, (d,))

            worst.equal(_numeric(rho, moved), trace_of_product(moved(0.0).pull_log(-rho.matrix()), way))
        near, _, columns = draws.nearly_singular(rng, d, each, as_factor=True)
        lower, _, fewer = draws.of_lower_rank(rng, d, max(1, d - 1), each)
        for model, basis in ((near, columns), (lower, fewer)):  # held as factors, A + h A X: the support stays
            assert isinstance(model, DensityMatrix)
            assert model.factor is not None
            a, r = model.factor, basis.shape[-1]
            along = a @ draws.hermitian(rng, r, each) / (2 * r)
            along = along - a * np.einsum("bij,bij->b", a.conj(), along).real[:, None, None]  # of constant trace
            rho = draws.inside(rng, basis, r)

            def scaled(h: float, a: Complex = a, along: Complex = along, d: int = d) -> DensityMatrix:
                factor = a + h * along
                norm = np.sqrt(np.square(np.abs(factor)).sum(axis=(-2, -1), keepdims=True))
                return DensityMatrix.from_factor(factor / norm, (d,))

            pulled = scaled(0.0).pull_log(-rho.matrix())
            worst.equal(_numeric(rho, scaled), np.einsum("bij,bij->b", pulled.conj(), along).real)
    return worst.evidence(
        "dS along random directions (fourth-order differences) against -Tr(rho Dlog_sigma[dsigma]) by divided "
        "differences: models of full rank, half of them with two eigenvalues that differ by 1e-9 of their size; and "
        "models held as factors, nearly singular ones and ones of lower rank, with rho inside their support",
        _gaps(),
        tolerance=DIFFERENCES,
    )


def _numeric(rho: DensityMatrix, moved: Callable[[float], DensityMatrix]) -> Real:
    """The slope at h = 0 of S(rho, moved(h)) by differences of fourth order."""
    minus2, minus1, plus1, plus2 = (losses.cross_entropy(rho, moved(h * STEP)) for h in (-2, -1, 1, 2))
    return np.asarray((8 * (plus1 - minus1) - plus2 + minus2) / (12 * STEP))


def _parabola(rng: np.random.Generator) -> Panel:
    """S of a Gibbs model on a line of parameters, with the tangent and the parabola of slope and curvature."""
    d, t = 4, np.linspace(-3, 3, 121)
    g, rho = draws.hermitian(rng, d, 1)[0], states.ginibre((d,), rng)
    at, rest = 0.8, draws.hermitian(rng, d, 1)[0] / 2
    s = losses.cross_entropy(rho, GibbsState(rest + t[:, None, None] * g, (d,)))
    sigma = GibbsState(rest + at * g, (d,))
    slope = float(trace_of_product(rho.matrix() - sigma.matrix(), g))
    curvature = float(covariance(sigma, g[None])[0, 0])
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
