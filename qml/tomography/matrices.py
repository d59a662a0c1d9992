"""Maximum likelihood in the density matrix itself: accelerated projected gradient, R rho R and its diluted form."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from qml import spectral
from qml._typing import Complex, Real
from qml.measurement.empirical import inner
from qml.states.algebra import simplex_shift
from qml.tomography.factors import STEPS_PER_BASIS, Iterate, conjugate_gradients
from qml.tomography.likelihood import Likelihood

STRONGEST = 1e3
"""e of the diluted form, above which it is R rho R."""
ROUNDING = 4 * spectral.EPS
"""By how much -sum_k f_k log p_k may come out larger where it does not rise: the trace is one to rounding."""


def accelerated_projected_gradient(problem: Likelihood, factor: Complex) -> Iterator[Iterate]:
    r"""Conjugate gradients from a factor (d, r), then Nesterov's accelerated gradient, each step projected on the
    density matrices; endless.

    .. math:: \sigma_{j+1} = \Pi\left(\varrho_j + t_j R(\varrho_j)\right), \qquad
        \varrho_{j+1} = \sigma_{j+1} + \beta_j (\sigma_{j+1} - \sigma_j)

    The length t is that of Barzilai and Borwein, halved until the quadratic bound holds; the momentum is dropped when
    it points uphill (O'Donoghue and Candes, arXiv:1204.3982). Source: Shang, Zhang, Ng (2017), arXiv:1609.07881.
    """
    for iterate in itertools.islice(conjugate_gradients(problem, factor), STEPS_PER_BASIS):
        yield iterate
    factor = iterate.factor / np.linalg.norm(iterate.factor)
    sigma = factor @ factor.conj().T
    ahead, momentum, length = sigma, 1.0, 1.0 / problem.dim
    p = problem.probabilities(sigma)
    p_ahead = p
    yield Iterate(factor, p)
    old_ahead, old_r = ahead, np.zeros_like(ahead)
    while True:
        r = problem.operator(p_ahead)
        if old_r.any():
            change, response = ahead - old_ahead, old_r - r
            along = inner(change, response)
            if along > 0:
                length = max(length, along / inner(response, response))
        old_ahead, old_r = ahead, r
        for _ in range(100):
            factor = projected(ahead + length * r)
            new = factor @ factor.conj().T
            move = new - ahead
            p_new = problem.probabilities(new)
            bound = -inner(r, move) + inner(move, move) / (2 * length)
            if rise(problem, p_ahead, p_new) <= bound + spectral.EPS:
                break
            length /= 2
        yield Iterate(factor, p_new)
        if inner(r, new - sigma) < 0 and momentum > 1:
            ahead, p_ahead, momentum = sigma, p, 1.0
            continue
        following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        beta = (momentum - 1) / following
        ahead, p_ahead = new + beta * (new - sigma), p_new + beta * (p_new - p)
        sigma, p, momentum = new, p_new, following
        if not (p_ahead > 0).all():
            ahead, p_ahead, momentum = sigma, p, 1.0


def r_rho_r(problem: Likelihood, factor: Complex) -> Iterator[Iterate]:
    """sigma <- R sigma R / Tr: simple, slow, and not always uphill. Source: Hradil (1997), arXiv:quant-ph/9609012;
    Lvovsky (2004), arXiv:quant-ph/0311097."""
    while True:
        p = problem.probabilities(factor @ factor.conj().T)
        r = problem.operator(p)
        yield Iterate(factor, p, r)
        factor = r @ factor
        factor /= np.linalg.norm(factor)


def diluted(problem: Likelihood, factor: Complex) -> Iterator[Iterate]:
    """sigma <- (1 + e R) sigma (1 + e R) / Tr, with e halved until the likelihood rises: it always converges.
    Source: Rehacek, Hradil, Knill, Lvovsky (2007), arXiv:quant-ph/0611244."""
    strength, p = 1.0, problem.probabilities(factor @ factor.conj().T)
    while True:
        r = problem.operator(p)
        yield Iterate(factor, p, r)
        strength = min(4 * strength, STRONGEST)
        for _ in range(60):
            new = factor + strength * (r @ factor)
            new /= np.linalg.norm(new)
            p_new = problem.probabilities(new @ new.conj().T)
            if rise(problem, p, p_new) <= ROUNDING:
                factor, p = new, p_new
                break
            strength /= 2


def rise(problem: Likelihood, old: Real, new: Real) -> float:
    """How much -sum_k f_k log p_k rises from old to new: without cancellation where they are close."""
    if not (new > 0).all():
        return math.inf
    return -float(problem.shares @ np.log1p((new - old) / old))


def projected(matrix: Complex) -> Complex:
    """A factor (d, r) of the density matrix nearest to a Hermitian matrix, of its rank r."""
    values, vectors = np.linalg.eigh(matrix)
    shift, kept = simplex_shift(values)
    return np.asarray(vectors[:, -kept[0] :] * np.sqrt(values[-kept[0] :] - shift))
