"""Newton's method for convex objectives."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, Stalled, ask, trial
from qml.optimizers.lbfgs import search
from qml.optimizers.linear import SOLVERS, solver_of, units_of

LOOSEST = 1e-2
"""The weight of eigenvectors whose pairs the Hessian may leave out at most; as much damping stands in for them."""
LEAST_ACCURATE, MOST_ACCURATE = 0.03, 0.01
"""The largest and the smallest relative residual of conjugate gradients."""
WORSE = 1.0
"""Nats by which a start may be worse than theta = 0; or by as many as the loss has there, if these are more."""


@dataclass(frozen=True)
class Newton(Optimizer):
    r"""Newton's method with a line search, for convex objectives: the cross entropy of Gibbs models.

    .. math:: \theta_{t+1} = \theta_t - s H^{-1} \nabla f(\theta_t)

    with s = 1 where the strong Wolfe conditions hold there, else by the line search of :class:`LBFGS`. Where that gains
    nothing, the step follows what H leaves of the gradient, along directions without curvature to speak of. From a
    start whose loss is more than twice that of theta = 0, and a nat more, the first step leads there: for Gibbs models
    that is the maximally mixed state, and far away from it the loss is a piecewise linear function, of which H says
    nothing. H is the Hessian, for Gibbs models the Bogoliubov-Kubo-Mori metric. Far from the optimum H is computed, or
    solved with, only as accurately as the gradient is small: about ten steps reach a gradient of 1e-10.

    Parameters are measured by their curvature at theta = 0, so that their units do not matter, where H is assembled or
    blocks on its diagonal are known: those of conditional Gibbs models, one a generator. Conjugate gradients are
    preconditioned by the blocks, so that inputs that depend on each other cost few products.

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
        hessian_at = ask(objective, "hessian", self.name)
        if not state:
            zero = np.zeros_like(point.params)
            state = {"units": units_of(hessian_at(zero), self.solver, len(zero))}
            if point.gradient @ point.params > WORSE:  # which f(theta) - f(0) cannot exceed, f being convex
                origin = trial(objective, zero)
                if origin.value + max(WORSE, origin.value) < point.value:
                    return origin, state
        units = state["units"]
        gradient = point.gradient / units
        size = float(np.abs(gradient).max(initial=0.0))
        left_out = min(LOOSEST, size * size)
        hessian = hessian_at(point.params, tolerance=left_out)
        accuracy = min(LEAST_ACCURATE, max(math.sqrt(size), MOST_ACCURATE))
        solve, scale = solver_of(hessian, -gradient, self.solver, accuracy, units)
        along = solve(left_out * scale) / units
        with suppress(Stalled):
            return search(objective, point, along, 1.0), state
        rest = -gradient - hessian.product(along) / units
        return search(objective, point, rest / units, 1 / (math.hypot(*rest) or 1.0)), state
