"""Gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qml import _checks
from qml._typing import Real
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, halved


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    r"""Gradient descent with a fixed learning rate; nothing makes the value fall if the rate is too large.

    .. math:: \theta_{t+1} = \theta_t - \eta \nabla f(\theta_t)

    Parameters
    ----------
    learning_rate : float
        eta > 0.

    Raises
    ------
    InputError
        If the learning rate is not positive.

    Examples
    --------
    >>> GradientDescent(0.2)
    GradientDescent(learning_rate=0.2)
    """

    name: ClassVar[str] = "gradient_descent"
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        _checks.positive("learning_rate", self.learning_rate)

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        return halved(objective, point, -self.learning_rate * self._gradient(objective, point)), {}

    def _gradient(self, objective: Differentiable, point: Point) -> Real:
        return point.gradient
