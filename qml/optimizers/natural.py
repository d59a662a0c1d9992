"""Natural gradient descent, in any monotone metric."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks
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
from qml.optimizers.linear import SOLVERS, solver_of

LESS, MORE = 0.25, 8.0
"""What the damping is multiplied by after a step that was right at once, and after a trial that was not."""
LEAST_DAMPING = 1e-12


@dataclass(frozen=True)
class NaturalGradient(Optimizer):
    r"""Natural gradient descent: steepest descent where distance is what tells states apart, not parameters.

    .. math:: \theta_{t+1} = \theta_t - \eta\, (g(\theta_t) + \mu_t \bar g)^{-1} \nabla f(\theta_t)

    with a monotone metric g and its mean diagonal entry. The damping mu rises eightfold until the value falls
    enough (Armijo), and falls to a quarter after a step that was right at once, so that the value never rises. For the
    cross entropy and a target inside the family, the Bogoliubov-Kubo-Mori metric at the optimum is the Hessian: near
    it, eta = 1 is Newton's method. For Gibbs models it is so everywhere.

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
    Levenberg and Marquardt.

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
        for tried in range(MAX_HALVINGS):
            reached = trial(objective, point.params + self.learning_rate * solve(damping * scale))
            if decreases(point, reached):
                after = max(LEAST_DAMPING, LESS * damping) if tried == 0 else damping
                return reached, {"damping": np.array(after)}
            damping *= MORE
        raise Stalled
