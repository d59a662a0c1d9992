"""Statements 18 and 19: the derivatives of the cross entropy, in Gibbs models and in any model."""

from __future__ import annotations

import numpy as np

from qml import losses, spectral, states
from qml._typing import Complex, Real
from qml.principle import draws
from qml.principle.bounds import Largest
from qml.principle.statement import Evidence
from qml.states import DensityMatrix, GibbsState

STEP = 1e-3
TERMS = 3


def gibbs(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), max(1, pairs // 8)
    for d in (2, 3, 4):
        g = np.stack([draws.hermitian(rng, d, each) for _ in range(TERMS)], axis=1)
        rho = states.ginibre(d, rng, batch=each)

        def value(theta: Real, g: Complex = g, rho: DensityMatrix = rho, d: int = d) -> Real:
            return losses.cross_entropy(rho, GibbsState(np.einsum("bt,btij->bij", theta, g), d))

        theta, way = rng.normal(size=(2, each, TERMS))
        k = np.einsum("bt,btij->bij", theta, g)
        sigma = GibbsState(k, d)
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
    )


def any_model(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in (2, 3, 4):
        each = max(1, pairs // 6)
        for gap in (None, 1e-9):
            rho, way = states.ginibre(d, rng, batch=each), draws.hermitian(rng, d, each)
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
                return losses.cross_entropy(rho, DensityMatrix.trusted(sigma + h * way, d))

            numeric = (8 * (value(STEP) - value(-STEP)) - value(2 * STEP) + value(-2 * STEP)) / (12 * STEP)
            exact = draws.trace(DensityMatrix.trusted(sigma, d).pull_log(-rho.matrix()), way)
            worst.add(np.abs(numeric - exact) / (1 + np.abs(exact)))
    return Evidence(
        "dS along random directions (fourth-order differences) against -Tr(rho Dlog_sigma[dsigma]) by divided "
        "differences; half of the models with two eigenvalues that differ by 1e-9 of their size",
        worst.samples,
        worst.value,
        1e-7,
    )
