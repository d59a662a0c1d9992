"""What there is to say of how a fit ended: why it could not go on, and whether there is an optimum at all."""

from __future__ import annotations

import math

import numpy as np

from qml import spectral
from qml._typing import Real
from qml.fitting.objective import Objective
from qml.losses import CrossEntropy
from qml.measurement.counts import Counts
from qml.moments import Moments
from qml.optimizers import Point
from qml.states import State

LARGEST_DIM = 512
MOST_PARAMETERS = 1024
"""Beyond these nothing is computed: the check would cost more than many steps of the fit."""
NEARLY_SINGULAR = 1e3
"""Only states with an eigenvalue below this times the gradient that is left are looked at."""
COLLAPSED = 1e-5
"""Along a direction whose metric is below this, relative to that at the origin, states hardly differ any more, as
where it is below ten times the gradient."""
IDENTIFIED = 1e-10
"""Directions whose metric at the origin is below this, relative to the largest, never change the state."""
EMPTIED = 0.1
"""The part of what sigma has left somewhere below which the target counts as having nothing there."""
NO_OPTIMUM = "No finite optimum"
"""How the sentence begins."""
EDGE = 1e-6
"""A bounded parameter whose derivative in theta is below this stands at the edge of its domain."""

NEGATIVE = -1e-3
"""Nats: no rounding of a cross entropy that is zero."""


def is_unattained(objective: Objective, value: float) -> bool:
    """Whether the loss shows that no state has the expectations of the target: those of states are not negative."""
    is_of_moments = isinstance(objective.target, Moments) and objective.loss.name == CrossEntropy.name
    return is_of_moments and objective.prior is None and value < NEGATIVE


def no_optimum(objective: Objective, point: Point) -> str:
    """Sentences where a fit converged though the optimum is at infinite parameters, else an empty text."""
    found = _at_the_edges(objective, point.params)
    if _is_on_its_way(objective, point):
        found.insert(
            0,
            f"{NO_OPTIMUM}: the loss goes on falling, towards its infimum, as parameters grow without bound"
            f"{_cause(objective.target)}. The state is near its limit; the parameters only tell a direction.",
        )
    return " ".join(found)


def _is_on_its_way(objective: Objective, point: Point) -> bool:
    """Whether a family of states of full rank follows its target out of them: a finite optimum has full rank, too."""
    model, target, n = objective.model, objective.target, objective.model.n_params
    if not model.has_full_rank or objective.prior is not None or not 0 < n <= MOST_PARAMETERS:
        return False
    sigma = objective.state(point.params, point.has_gradient)
    if sigma.dim > LARGEST_DIM or (isinstance(target, State) and _least_rank(target) == target.dim):
        return False
    logs = sigma.spectrum().log_eigenvalues
    small = np.log(NEARLY_SINGULAR * max(point.gradient_norm, spectral.EPS))
    if logs[np.isfinite(logs)].min() > small:
        return False
    if model.is_exponential_family:
        return _has_lost_a_direction(objective, point)
    return isinstance(target, State) and not target.batch_shape and _has_emptied(target, sigma, small)


def _has_emptied(target: State, sigma: State, small: float) -> bool:
    """Whether the target has hardly any of the weight that sigma has left on its smallest eigenvalues: at an optimum
    inside the family it has as much."""
    spectrum = sigma.spectrum()
    left = spectrum.log_eigenvalues <= small
    weight = float(spectrum.eigenvalues[left].sum())
    return float(target.populations(spectrum.basis)[left].sum()) <= EMPTIED * weight + spectral.weight_cut(sigma.dim)


def _has_lost_a_direction(objective: Objective, point: Point) -> bool:
    r"""Whether an exponential family, sigma = e^{-K(theta)}/Z, has directions left that hardly move sigma.

    A finite optimum has a metric g(theta) (the covariance of the generators) of full rank. Where the target lacks a
    rank that the generators can resolve, sigma has ever less weight left for some direction v to move: v.g(theta)v
    falls to nothing beside v.g(0)v, with the gradient.
    """
    model = objective.model
    theta, _ = objective.split(point.params)
    weights = objective.loss.member_weights(objective.target)
    here, origin = (model.metric(at, weights=weights).matrix() for at in (theta, np.zeros(model.n_params)))
    values, vectors = np.linalg.eigh(origin)
    kept = values > IDENTIFIED * values[-1]
    natural = vectors[:, kept] / np.sqrt(values[kept])
    if not kept.any():
        return False
    left = np.linalg.norm(natural.T @ objective.split(point.gradient)[0])
    return bool(np.linalg.eigvalsh(natural.T @ here @ natural)[0] < max(COLLAPSED, 10 * left))


def _at_the_edges(objective: Objective, params: Real) -> list[str]:
    """What is to be said of parameters with a domain that stand at its edge."""
    model = objective.model
    theta, _ = objective.split(params)
    here, up, down = (model.natural(theta + by) for by in (0.0, 0.5, -0.5))
    edge = [f"{name} = {value:.6g}" for name, value in here.items() if abs(up[name] - down[name]) <= EDGE]
    if not edge:
        return []
    return [f"At the edge of the domain, which a parameter reaches only at infinity: {', '.join(edge)}."]


def _least_rank(state: State) -> int:
    return int(np.min(np.asarray(state.spectrum().support).sum(axis=-1)))


def _cause(target: object) -> str:
    if isinstance(target, Counts):
        return ", since no state of full rank is as likely"
    if not isinstance(target, State):
        return ""
    if target.batch_shape:
        return ", as where labels are told apart without error"
    return f", since the target has rank {_least_rank(target)} in dimension {target.dim} and the model full rank"


def not_a_number(objective: Objective, when: str, params: Real | None = None) -> str:
    """A clause: what is not a number (NaN): one of the parameters that a step led to; or, at the latest evaluation, the
    loss, or which derivative."""
    latest, names = objective.latest, objective.parameter_names
    if params is not None and not np.isfinite(params).all():
        k = int(np.flatnonzero(~np.isfinite(params))[0])
        return f"the step took the parameter {names[k]!r} to {params[k]}, which is not a number, {when}"
    assert latest is not None, "an optimizer ended without an evaluation"
    if not math.isfinite(latest.value):
        about = _about_state(latest.state)
        return f"the loss is not a number (NaN) {when}{about}"
    if latest.gradient is not None:
        bad = np.flatnonzero(~np.isfinite(latest.gradient))
        if len(bad):
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            return f"the derivative along {names[bad[0]]!r}{more} is not a number (NaN) {when}"
    return f"the loss or its gradient is not a number (NaN) {when}"


def infinite(objective: Objective) -> str:
    """Why the loss is +inf at the start, and what cures it."""
    latest = objective.latest
    why = "" if latest is None else objective.loss.why_infinite(objective.target, latest.state)
    where = f": {why}" if why else ""
    return (
        f"{where}. Give the model full rank: add noise to its circuit, use a Gibbs or spectral model, or smooth sigma "
        "with a little of the maximally mixed state (a depolarizing channel)."
    )


def _about_state(state: State) -> str:
    """What is wrong with the state, where that is why."""
    matrix = state.matrix()
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0].tolist()
        return f", because the entry ({row}, {column}) of the state is not"
    lowest = float(spectral.eigh(matrix)[0][0])
    if lowest < -1e-8:
        return f", and the state has the negative eigenvalue {lowest:.3g}"
    return ", though the state is sound"
