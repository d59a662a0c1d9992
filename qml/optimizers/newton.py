"""Newton's method for convex objectives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from qml import _checks
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, ask, decreases, halved
from qml.optimizers.linear import SOLVERS, solver_of

LOOSEST = 1e-2
"""The weight of eigenvectors whose pairs the Hessian may leave out at most; as much damping stands in for them."""
LEAST_ACCURATE = 0.1
"""The largest relative residual of conjugate gradients."""


@dataclass(frozen=True)
class Newton(Optimizer):
    r"""Newton's method with a line search, for convex objectives: the cross entropy of Gibbs models.

    .. math:: \theta_{t+1} = \theta_t - s H^{-1} \nabla f(\theta_t), \qquad s = 1, \tfrac12, \tfrac14, \dots

    until the value falls enough (Armijo). H is the Hessian, for Gibbs models the Bogoliubov-Kubo-Mori metric. Far from
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
        return halved(objective, point, solve(left_out * scale), partial(decreases, point)), {}
