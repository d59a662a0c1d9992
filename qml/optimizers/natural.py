"""Natural gradient descent, in any monotone metric, and L-BFGS that goes on in the coordinates of the metric."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from qml import _checks, spectral
from qml._typing import Real
from qml.geometry import KINDS
from qml.optimizers.base import (
    MAX_HALVINGS,
    Differentiable,
    Optimizer,
    OptimizerState,
    Point,
    Stalled,
    ask,
    decreases,
    trial,
)
from qml.optimizers.lbfgs import forgotten, remembered, search, secant_direction
from qml.optimizers.linear import SOLVERS, solver_of

LESS, MORE = 0.25, 8.0
"""What the damping is multiplied by after a step that was right at once, and after a trial that was not."""
LEAST_DAMPING = 1e-12
ALIKE = 0.1
"""How much of the last step the double of a step that counts as half of it may differ from that at most."""


@dataclass(frozen=True)
class NaturalGradient(Optimizer):
    r"""Natural gradient descent: steepest descent where distance is what tells states apart, not parameters.

    .. math:: \theta_{t+1} = \theta_t - \eta\, (g(\theta_t) + \mu_t \bar g)^{-1} \nabla f(\theta_t)

    with a monotone metric g and its mean diagonal entry. The damping mu rises eightfold until the value falls
    enough (Armijo), and falls to a quarter after a step that was right at once, so that the value never rises. For the
    cross entropy and a target inside the family, the Bogoliubov-Kubo-Mori metric at the optimum is the Hessian: near
    it, eta = 1 is Newton's method. For Gibbs models it is so everywhere.

    Where the state depends on the square of what is left, as on a coupling to a hidden unit that the target does not
    need, a step of eta = 1 leads half of the way; so one that is half of the last one, 1 - eta / 2 of it, is doubled.

    Parameters
    ----------
    metric : {"bkm", "bures", "wigner_yanase"}
        See :func:`qml.geometry.metric`. Models of deficient rank need one of the latter two.
    learning_rate : float
        eta > 0.
    damping : float
        mu at the start, > 0.
    solver : {"auto", "dense", "cg"}
        Assemble g, or solve by conjugate gradients with products g v; "auto" assembles it up to 128 parameters.

    Raises
    ------
    InputError
        If the metric or the solver is not known, or a number is not positive.

    Notes
    -----
    Source: Amari (1998), Neural Comput. 10, 251; Stokes et al. (2020), arXiv:1909.02108; the damping is that of
    Levenberg and Marquardt; for the double steps, Decker, Keller and Kelley (1983), SIAM J. Numer. Anal. 20, 296.

    Examples
    --------
    >>> NaturalGradient(metric="bures")
    NaturalGradient(metric='bures', learning_rate=1.0, damping=0.001, solver='auto')
    """

    name: ClassVar[str] = "natural_gradient"
    descends: ClassVar[bool] = True
    metric: str = "bkm"
    learning_rate: float = 1.0
    damping: float = 1e-3
    solver: str = "auto"

    def __post_init__(self) -> None:
        _checks.choice("metric", self.metric, KINDS)
        _checks.positive("learning_rate", self.learning_rate)
        _checks.positive("damping", self.damping)
        _checks.choice("solver", self.solver, SOLVERS)

    def init(self, start: Point) -> OptimizerState:
        return {"damping": np.array(self.damping)}

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        damping = float(state["damping"])
        metric = ask(objective, "metric", self.name)(point.params, self.metric)
        accuracy = min(0.1, math.sqrt(point.gradient_norm))
        solve, scale = solver_of(metric, -point.gradient, self.solver, accuracy)
        last = state.get("step", np.zeros_like(point.params))
        for tried in range(MAX_HALVINGS):
            step = self.learning_rate * solve(damping * scale)
            halves = tried == 0 and self._halves(step, last)
            reached = trial(objective, point.params + (2 * step if halves else step))
            if decreases(point, reached):
                after = max(LEAST_DAMPING, LESS * damping) if tried == 0 else damping
                return reached, {"damping": np.array(after), "step": np.zeros_like(step) if halves else step}
            damping *= MORE
        raise Stalled

    def _halves(self, step: Real, last: Real) -> bool:
        """Whether a step is to the last one as where each leads half as far as it should."""
        off = 2 * step - (2 - self.learning_rate) * last
        return bool(last.any()) and math.hypot(*off) <= ALIKE * self.learning_rate * math.hypot(*last)


TRIED, QUICK = 8, 0.3
"""The natural gradient goes on where so many of its steps leave at most this part of the gradient norm."""
FRESH = 10
"""Steps for which a metric is kept."""
FLOOR = 1e-3
"""What is added to the eigenvalues of a metric, in units of their mean."""


@dataclass(frozen=True)
class NaturalLBFGS(Optimizer):
    r"""The natural gradient while it is quick, then L-BFGS that begins from the metric.

    For a target that the model reaches, the metric at the optimum is the Hessian, and some fifteen steps of
    :class:`NaturalGradient` end there. Where eight of them leave more than 0.3 of the gradient, that is not so, and all
    further ones are steps of :class:`LBFGS`, which begin from a multiple of the inverse of the metric,

    .. math:: H_0 = \gamma\, M, \qquad M = (g + 10^{-3} \bar g)^{-1}, \qquad \gamma = \frac{s \cdot y}{y \cdot M y}

    with the latest changes s of theta and y of the gradient, and the metric g, of mean diagonal entry g-bar, of every
    tenth step. The value never rises.

    Parameters
    ----------
    metric : {"bkm", "bures", "wigner_yanase"}
        See :func:`qml.geometry.metric`.
    memory : int
        The number of past steps that model the curvature.

    Raises
    ------
    InputError
        If the metric is not known, or memory is no integer of at least 1.

    Notes
    -----
    A metric is assembled in each of the first steps and in every tenth of the others. Source: Amari (1998), Neural
    Comput. 10, 251; Liu and Nocedal (1989), Math. Program. 45, 503.

    Examples
    --------
    >>> NaturalLBFGS()
    NaturalLBFGS(metric='bkm', memory=10)
    """

    name: ClassVar[str] = "natural_lbfgs"
    descends: ClassVar[bool] = True
    metric: str = "bkm"
    memory: int = 10

    def __post_init__(self) -> None:
        _checks.choice("metric", self.metric, KINDS)
        object.__setattr__(self, "memory", _checks.integer("memory", self.memory, low=1))

    @cached_property
    def _natural(self) -> NaturalGradient:
        return NaturalGradient(self.metric, solver="dense")

    def init(self, start: Point) -> OptimizerState:
        return self._natural.init(start) | {"tried": np.zeros(()), "gradient": np.array(start.gradient_norm)}

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        ask(objective, "metric", self.name)
        if "damping" not in state:
            return self._secant(objective, point, state)
        try:
            reached, after = self._natural.step(objective, point, state)
        except Stalled:
            return self._secant(objective, point, _begun(point))
        tried, gradient = state["tried"] + 1, state["gradient"]
        if tried == TRIED:
            if reached.gradient_norm > QUICK * gradient:
                return reached, _begun(reached)
            tried, gradient = np.zeros(()), np.array(reached.gradient_norm)
        return reached, after | {"tried": tried, "gradient": gradient}

    def _secant(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        """A step of L-BFGS in coordinates x, theta = axes x, in which the metric is the identity; without the changes
        where that gains nothing, and then in theta itself until the metric is worked out anew."""
        axes, inverse_axes, age = state["axes"], state["inverse_axes"], int(state["age"])
        if age % FRESH == 0:
            axes, inverse_axes = _axes(ask(objective, "metric", self.name)(point.params, self.metric).matrix())
        pairs = {key: state[key] for key in ("steps", "changes", "inverse")}
        none, unit = forgotten(point), np.eye(len(point.params))
        plain = min(1.0, 1 / (math.hypot(*point.gradient) or 1.0))
        ways = [(pairs, axes, inverse_axes, 1.0), (none, axes, inverse_axes, 1.0), (none, unit, unit, plain)]
        for way in ways if len(pairs["steps"]) else ways[1:]:
            pairs, axes, inverse_axes, length = way
            seen = pairs | {"steps": pairs["steps"] @ inverse_axes.T, "changes": pairs["changes"] @ axes}
            with suppress(Stalled):
                reached = search(objective, point, axes @ secant_direction(point.gradient @ axes, seen), length)
                break
        else:
            raise Stalled
        step, change = reached.params - point.params, reached.gradient - point.gradient
        pairs = remembered(pairs, step, change, self.memory)
        return reached, pairs | {"axes": axes, "inverse_axes": inverse_axes, "age": np.array(age + 1)}


def _begun(point: Point) -> OptimizerState:
    none = np.zeros((0, len(point.params)))
    return forgotten(point) | {"axes": none, "inverse_axes": none, "age": np.zeros((), dtype=np.int64)}


def _axes(metric: Real) -> tuple[Real, Real]:
    """Columns A with A^T (g + floor) A = 1, and the rows of the inverse of A."""
    values, vectors = np.linalg.eigh(metric)
    roots = np.sqrt(np.maximum(values, 0.0) + FLOOR * float(np.trace(metric)) / max(1, len(metric)) + spectral.TINY)
    return vectors / roots, (vectors * roots).T
