r"""The ways to the state of maximum likelihood: conjugate gradients, accelerated projected gradient, R rho R and its
diluted form.

Conjugate gradients go along the factor A of sigma = A A^dagger / Tr, preconditioned and without a projection.

The constraint Tr sigma = 1 is taken up by the function itself: what is minimised over all matrices A is

.. math:: F(A) = -\sum_k f_k \log \mathrm{Tr}(M_k A A^\dagger) + \mathrm{Tr}\, A A^\dagger, \qquad
    \nabla F = 2 (1 - R) A

whose minima have unit trace, since scaling A has its best there. Along a line A + t D every probability is a quadratic
polynomial in t, so that two applications of the measurement give the exact line search, and its derivative, not the
value of F, is what is brought to zero: rounding of F does not stop it.

In the eigenbasis of sigma (eigenvalues l_i, and r_i the diagonal of R) the entries of A have about the curvatures

.. math:: H_{ij} = (1 - r_i)_+ + \frac{2 (l_i + l_j)}{l_i + l_j + 4/d} + \epsilon

the first term for columns outside the support, where R < 1, the second for those inside, whose curvature is that of
the Bures metric above a background of 2/d. Dividing by H takes two to six times fewer steps than plain gradients. The
basis is renewed after 8 steps, and then every 25.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from qml import spectral
from qml._arrays import as_complex
from qml._typing import Complex, Real
from qml.measurement.empirical import inner
from qml.states.algebra import simplex_shift
from qml.tomography.likelihood import Likelihood

FIRST_STEPS, STEPS_PER_BASIS = 8, 25
"""The basis is that of the start, which is far from the end, for few steps."""
FLOOR = 1e-8
"""epsilon of the preconditioner: far below l_i + l_j of the least eigenvalues, which could not grow otherwise."""
PRECISION = 0.05
"""A line search ends where the slope has fallen to this part of what it was."""
STRONGEST = 1e3
"""e of the diluted form, above which it is R rho R."""
ROUNDING = 4 * spectral.EPS
"""By how much -sum_k f_k log p_k may come out larger where it does not rise: the trace is one to rounding."""


class Iterate(NamedTuple):
    """A state on the way, A A^dagger of a factor (d, r), not normalised, with its p and, where it is known, its R."""

    factor: Complex
    p: Real
    operator: Complex | None = None


def conjugate_gradients(problem: Likelihood, factor: Complex) -> Iterator[Iterate]:
    """The states that lead from A A^dagger of a factor (d, r) to the best of rank r at most; endless.

    A step costs three applications of the measurement, and products of d x d by d x r matrices; every 25 steps a
    singular value decomposition.
    """
    a = factor
    for steps in itertools.chain([FIRST_STEPS], itertools.repeat(STEPS_PER_BASIS)):
        u, s, _ = spectral.svd(a, full_matrices=True)
        s /= np.linalg.norm(s)
        a = u[:, : len(s)] * s if len(s) == a.shape[1] else (u * s) @ np.eye(len(s), a.shape[1])
        p = problem.probabilities(a @ a.conj().T)
        scaling, step, before, weight = np.ones(0), as_complex(np.zeros(0)), a, 0.0
        rotation = u.conj().T
        for _ in range(steps):
            operator = problem.operator(p, a)
            yield Iterate(a, p, operator)
            gradient = problem.mass * a - operator @ a
            if not scaling.size:
                scaling = _curvatures(problem, u, s, operator, a.shape[1])
            direction = u @ ((rotation @ gradient) / scaling)
            new_weight = inner(gradient, direction)
            momentum = 0.0 if not step.size else max(0.0, (new_weight - inner(before, direction)) / weight)
            step = -direction if not momentum else momentum * step - direction
            falls = 2 * inner(step, gradient)
            if falls >= 0:
                step, falls = -direction, -2 * new_weight
            before, weight = gradient, new_weight
            if not weight > 0:  # a stationary point to the last bit
                break
            t, p = _search(problem, a, step, p, falls)
            a = a + t * step


def _curvatures(problem: Likelihood, u: Complex, s: Real, operator: Complex, columns: int) -> Real:
    r = np.einsum("ij,ij->j", u.conj(), operator @ u).real
    rows = np.zeros(len(u))
    rows[: len(s)] = np.square(s)
    pairs = rows[:, None] + rows[None, :columns]
    return np.asarray(np.clip(problem.mass - r, 0.0, None)[:, None] + 2 * pairs / (pairs + 4 / len(u)) + FLOOR)


def _search(problem: Likelihood, a: Complex, step: Complex, p: Real, falls: float) -> tuple[float, Real]:
    """The length of a step along which F, of this slope, is stationary, and the probabilities there."""
    pair = np.array([a, step]) @ step.conj().T
    pair[0] += pair[0].conj().T
    changes = problem.probabilities(pair)
    linear, square = 2 * problem.mass * inner(a, step), problem.mass * inner(step, step)
    eigenvalues = np.linalg.eigvals(np.linalg.solve(a, step)) if problem.hedging else None

    def slope(t: float) -> tuple[float, float, Real]:
        g, h, there = problem.slope(t, p, changes)
        g, h = g + linear + 2 * t * square, h + 2 * square
        if eigenvalues is not None:
            x = eigenvalues / (1 + t * eigenvalues)
            g, h = g - 2 * problem.hedging * x.sum().real, h + 2 * problem.hedging * (x * x).sum().real
        return g, h, there

    g, h = falls, problem.curvature(p, changes) + 2 * square
    if eigenvalues is not None:
        h += 2 * problem.hedging * (eigenvalues * eigenvalues).sum().real
    first, low, high, t = abs(g), 0.0, math.inf, 0.0
    for _ in range(60):
        new = t - g / h if h > 0 and math.isfinite(g) else math.nan
        if not low < new < high:
            new = (low + high) / 2 if math.isfinite(high) else 2 * t if t else 1.0
        t = new
        g, h, there = slope(t)
        if abs(g) <= PRECISION * first:
            return t, there
        low, high = (t, high) if g < 0 else (low, t)
    return low, slope(low)[2]


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


METHODS: dict[str, Callable[[Likelihood, Complex], Iterator[Iterate]]] = {
    "conjugate_gradient": conjugate_gradients,
    "accelerated": accelerated_projected_gradient,
    "rrr": r_rho_r,
    "diluted": diluted,
}
"""The states that lead from A A^dagger of a factor A (d, r) to the best one, by method."""
