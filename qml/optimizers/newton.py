"""Newton's method for convex objectives."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from qml import _checks
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, Stalled, ask, decreases, halved
from qml.optimizers.lbfgs import search
from qml.optimizers.linear import SOLVERS, solver_of

LOOSEST = 1e-2
"""The weight of eigenvectors whose pairs the Hessian may leave out at most; as much damping stands in for them."""
LEAST_ACCURATE = 0.1
"""The largest relative residual of conjugate gradients."""
LEAST_SLOPE = 1e-8
"""Of a step that is nearly orthogonal to the gradient, its slope over the product of their lengths."""
TRIALS = 7
"""Of the length of a step; one that would have to be shorter is no better than steepest descent."""


@dataclass(frozen=True)
class Newton(Optimizer):
    r"""Newton's method with a line search, for convex objectives: the cross entropy of Gibbs models.

    .. math:: \theta_{t+1} = \theta_t - s H^{-1} \nabla f(\theta_t), \qquad s = 1, \tfrac12, \tfrac14, \dots

    until the value falls enough (Armijo). Where it does not in seven trials, or where H has no curvature to speak of
    along the gradient, as at parameters of a thousand and more, the step is one of steepest descent, with the line
    search of L-BFGS. H is the Hessian, for Gibbs models the Bogoliubov-Kubo-Mori metric. Far from
    the optimum H is computed, or solved with, only as accurately as the gradient is small, which keeps the convergence
    superlinear: about ten steps reach a gradient of 1e-10.

    Parameters
    ----------
    solver : {"auto", "dense", "cg"}
        Assemble H, or solve by conjugate gradients with products H v; "auto" assembles it up to 128 parameters.

    Raises
    ------
    InputError
        For another solver; by a step, where the objective has no Hessian.

    Notes
    -----
    Source: Dembo, Eisenstat and Steihaug (1982), SIAM J. Numer. Anal. 19, 400 (inexact Newton methods).

    Examples
    --------
    >>> from qml import GibbsModel, fit, thermal
    >>> from qml.operators import tfim
    >>> result = fit(GibbsModel(tfim(3)), thermal(tfim(3), 0.7), optimizer=Newton(), seed=0, gradient_tolerance=1e-10)
    >>> result.converged, result.iterations <= 8
    (True, True)
    """

    name: ClassVar[str] = "newton"
    descends: ClassVar[bool] = True
    solver: str = "auto"

    def __post_init__(self) -> None:
        _checks.choice("solver", self.solver, SOLVERS)

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        size = point.gradient_norm
        left_out = min(LOOSEST, size * size)
        hessian = ask(objective, "hessian", self.name)(point.params, tolerance=left_out)
        solve, scale = solver_of(hessian, -point.gradient, self.solver, min(LEAST_ACCURATE, math.sqrt(size)))
        along, steepest = solve(left_out * scale), math.hypot(*point.gradient)
        if point.gradient @ along < -LEAST_SLOPE * steepest * math.hypot(*along):
            with suppress(Stalled):
                return halved(objective, point, along, partial(decreases, point), most=TRIALS), {}
        return search(objective, point, -point.gradient, 1 / max(1.0, steepest)), {}
