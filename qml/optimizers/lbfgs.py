"""L-BFGS: curvature from the last few steps, and a line search that satisfies the strong Wolfe conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np

from qml import _checks, spectral
from qml._typing import Real
from qml.optimizers.base import (
    Differentiable,
    Optimizer,
    OptimizerState,
    Point,
    Stalled,
    decreases,
    halved,
    rounding,
    trial,
)

FLATTER = 0.9
"""The slope at an accepted step is at most this part of the slope at the start, in absolute value."""
MAX_TRIALS = 20
LEAST_ADVANCE, MOST_ADVANCE = 1.1, 4.0
"""Where no step has been too long yet, the next one goes beyond the last by so many times its advance."""
MARGIN = 0.1
"""Between two steps, the next one keeps away from both by this part of their distance."""


@dataclass(frozen=True)
class LBFGS(Optimizer):
    r"""Limited-memory BFGS with a line search that satisfies the strong Wolfe conditions.

    .. math:: \theta_{t+1} = \theta_t + s\, p_t, \qquad p_t = -H_t \nabla f(\theta_t), \qquad
        |p_t \cdot \nabla f(\theta_{t+1})| \le 0.9\, |p_t \cdot \nabla f(\theta_t)|

    where the value falls enough (Armijo), and H_t is the inverse Hessian that BFGS makes of the last changes of theta
    and of the gradient, beginning from a multiple of the identity. A trial that reaches +inf is halved until it lowers
    the value enough. Where no step along p_t does, the changes are forgotten and steepest descent is tried once; when
    that gains nothing, the run has stalled.

    Parameters
    ----------
    memory : int
        The number of past steps that model the curvature.

    Raises
    ------
    InputError
        If memory is no integer of at least 1.

    Notes
    -----
    A step costs one evaluation, seldom more, and 5 `memory` products of vectors. Source: Liu and Nocedal (1989), Math.
    Program. 45, 503; Byrd, Nocedal and Schnabel (1994), Math. Program. 63, 129, eq. 3.1, for the compact form; Nocedal
    and Wright (2006), Numerical Optimization, algorithms 3.5 and 3.6; More and Thuente (1994), ACM Trans. Math. Softw.
    20, 286, for steps outside a bracket.

    Examples
    --------
    >>> LBFGS()
    LBFGS(memory=10)
    """

    name: ClassVar[str] = "lbfgs"
    descends: ClassVar[bool] = True
    memory: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "memory", _checks.integer("memory", self.memory, low=1))

    def init(self, start: Point) -> OptimizerState:
        return forgotten(start)

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        try:
            reached = _along(objective, point, state)
        except Stalled:
            if not len(state["steps"]):
                raise
            state = forgotten(point)
            reached = _along(objective, point, state)
        step, change = reached.params - point.params, reached.gradient - point.gradient
        return reached, remembered(state, step, change, self.memory)


def forgotten(point: Point) -> OptimizerState:
    """No changes of theta and of the gradient, (0, n_params) each, and none of their products."""
    none = np.zeros((0, len(point.params)))
    return {"steps": none, "changes": none, "inverse": np.zeros((0, 0))}


def remembered(state: OptimizerState, step: Real, change: Real, memory: int) -> OptimizerState:
    r"""The state with one more change, if that tells a curvature above 0, without the oldest where there are more than
    `memory`.

    With it :math:`R^{-1}`, where :math:`R_{ij} = s_i \cdot y_j` for i <= j, else 0. Without its first row and column, a
    triangular matrix has as its inverse the inverse without them.
    """
    curvature = float(step @ change)
    if not curvature > spectral.EPS * float(change @ change):
        return state
    first = max(0, len(state["steps"]) + 1 - memory)
    steps, changes, inverse = state["steps"][first:], state["changes"][first:], state["inverse"][first:, first:]
    k = len(steps)
    larger = np.zeros((k + 1, k + 1))
    larger[:k, :k] = inverse
    larger[:k, k] = inverse @ (steps @ change) / -curvature
    larger[k, k] = 1 / curvature
    return {
        "steps": np.concatenate([steps, step[None]]),
        "changes": np.concatenate([changes, change[None]]),
        "inverse": larger,
    }


def _along(objective: Differentiable, point: Point, state: OptimizerState) -> Point:
    """The next iterate, along the direction that the changes give."""
    direction = secant_direction(point.gradient, state)
    size = math.sqrt(float(direction @ direction))
    first = 1.0 if len(state["steps"]) else min(1.0, 1 / size) if size > 0 else 0.0
    return search(objective, point, direction, first)


def secant_direction(gradient: Real, state: OptimizerState) -> Real:
    r"""-H g, in the compact form of BFGS, with the steps and changes as the rows of S and Y:

    .. math:: H g = \gamma q + S^T R^{-T} (D u - \gamma Y q), \qquad u = R^{-1} S g, \quad q = g - Y^T u

    where D is the diagonal of R and gamma = s.y / y.y of the latest change.
    """
    steps, changes, inverse = state["steps"], state["changes"], state["inverse"]
    if not len(steps):
        return -gradient
    curvatures = 1 / inverse.diagonal()
    latest = changes[-1]
    scale = float(curvatures[-1] / (latest @ latest))
    u = inverse @ (steps @ gradient)
    q = gradient - u @ changes
    weights = (curvatures * u - scale * (changes @ q)) @ inverse
    direction: Real = -scale * q - weights @ steps
    return direction


class Tried(NamedTuple):
    """A step of this length along a direction, where it leads, and the slope there."""

    length: float
    point: Point
    slope: float


def search(objective: Differentiable, start: Point, direction: Real, length: float) -> Point:
    """A point along the direction where the strong Wolfe conditions hold; else the lowest that was met.

    `low` is the step that lowers the value most, of those that lower it enough; a minimum lies between it and `high`.
    """
    slope = float(start.gradient @ direction)
    if not slope < 0:
        raise Stalled
    begin = low = Tried(0.0, start, slope)
    high: Tried | None = None
    for _ in range(MAX_TRIALS):
        point = trial(objective, start.params + length * direction)
        if point.value == math.inf:
            break
        here, last = Tried(length, point, float(point.gradient @ direction)), low
        lowers, flat = decreases(start, point), abs(here.slope) <= FLATTER * -slope
        if (
            low is begin
            and -slope * length < rounding(start)
            and (not lowers if flat else high is not None and here.slope < 0)
        ):
            break  # whether the minimum is here or farther, its value differs by less than shows
        if lowers and (low is begin or point.value <= low.point.value):
            if flat:
                return point
            if here.slope * (1.0 if high is None else high.length - low.length) >= 0:
                high = low
            low = here
        else:
            high = here
        length = _beyond(last, low) if high is None else _between(low, high)
    if low is not begin:
        return low.point
    if point.value == math.inf:
        return halved(objective, start, length / 2 * direction, partial(decreases, start))
    raise Stalled


def _beyond(last: Tried, low: Tried) -> float:
    """A longer step than both, near where the cubic through their values and slopes is least."""
    advance = low.length - last.length
    return low.length + min(max(_least(last, low) - low.length, LEAST_ADVANCE * advance), MOST_ADVANCE * advance)


def _between(low: Tried, high: Tried) -> float:
    """A step between the two, near where the cubic through their values and slopes is least."""
    (a, b), margin, least = sorted((low.length, high.length)), MARGIN * abs(high.length - low.length), _least(low, high)
    return min(max(least, a + margin), b - margin) if least < math.inf else (a + b) / 2


def _least(a: Tried, b: Tried) -> float:
    """Where the cubic through values and slopes at two steps is least, +inf where it has no minimum.

    By the slopes alone where the values differ by no more than rounding. Source: Nocedal and Wright (2006), eq. 3.59.
    """
    width = b.length - a.length
    change = b.point.value - a.point.value
    if abs(change) <= rounding(a.point):
        return a.length - width * a.slope / (b.slope - a.slope) if b.slope != a.slope else math.inf
    mean = a.slope + b.slope - 3 * change / width
    square = mean * mean - a.slope * b.slope
    if not 0 <= square < math.inf:  # nor where squares of slopes do not exist
        return math.inf
    root = math.copysign(math.sqrt(square), width)
    curvature = b.slope - a.slope + 2 * root
    return b.length - width * (b.slope + root - mean) / curvature if curvature else math.inf
