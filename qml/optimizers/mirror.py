"""Mirror descent in the space of states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qml import _checks
from qml._typing import Real
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, Stalled, ask, evaluate, halved
from qml.optimizers.newton import Newton

INNER_ACCURACY = 1e-4
"""The gradient at which an inner problem is solved, relative to that of the step."""
INNER_STEPS = 100


@dataclass(frozen=True)
class MirrorDescent(Optimizer):
    r"""Mirror descent with the relative entropy, for Gibbs models: steps stay close to the last state.

    .. math:: \theta_{t+1} = \arg\min_\theta\; \eta\, \nabla f(\theta_t) \cdot (\theta - \theta_t)
        + D(\sigma_{\theta_t} \Vert \sigma_\theta)

    For Gibbs models D is the Bregman divergence of log Z, so that the step is exact in the dual coordinates: with
    f = S, the expectations move on a straight line to those of the data,

    .. math:: \mathrm{Tr}\, \sigma_{t+1} G_j = (1 - \eta)\, \mathrm{Tr}\, \sigma_t G_j + \eta\, \mathrm{Tr}\, \rho G_j

    and S falls in every step for eta <= 1 (it is 1-smooth relative to log Z). eta = 1 is the whole problem in one step;
    to first order in eta, a step is one of the natural gradient in the Bogoliubov-Kubo-Mori metric. The inner problem
    is convex and solved by Newton's method from theta_t. For exponential families only: in the angles of a circuit D is
    periodic, so that the inner problem has no minimum.

    Parameters
    ----------
    learning_rate : float
        eta > 0.

    Raises
    ------
    InputError
        If the learning rate is not positive.

    Notes
    -----
    Source: Beck and Teboulle (2003), Oper. Res. Lett. 31, 167; Sbahi et al. (2022), arXiv:2206.04663, for
    quantum Hamiltonian-based models.

    Examples
    --------
    >>> MirrorDescent()
    MirrorDescent(learning_rate=0.5)
    """

    name: ClassVar[str] = "mirror_descent"
    learning_rate: float = 0.5

    def __post_init__(self) -> None:
        _checks.positive("learning_rate", self.learning_rate)

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        divergence = ask(objective, "divergence", self.name)(point.params)
        inner = _Inner(divergence, point, self.learning_rate)
        goal = INNER_ACCURACY * self.learning_rate * point.gradient_norm
        newton, latest = Newton(), evaluate(inner, point.params)
        remembered = newton.init(latest)
        for _ in range(INNER_STEPS):
            try:
                latest, remembered = newton.step(inner, latest, remembered)
            except Stalled:
                break
            if latest.gradient_norm <= goal:
                break
        return halved(objective, point, latest.params - point.params), {}


class _Inner:
    """eta gradient . (theta - theta_t) + D(sigma_t || sigma_theta), whose Hessian is that of D."""

    def __init__(self, divergence: Any, point: Point, rate: float) -> None:
        self._divergence = divergence
        self._from = point.params
        self._slope = rate * point.gradient

    def value_and_gradient(self, params: Real) -> tuple[float, Real]:
        value, gradient = self._divergence.value_and_gradient(params)
        return value + float(self._slope @ (params - self._from)), np.asarray(gradient + self._slope)

    def hessian(self, params: Real, *, tolerance: float = 0.0) -> Any:
        return self._divergence.hessian(params, tolerance=tolerance)
