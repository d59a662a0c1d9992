"""Gradient descent, by derivatives or by parameter shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qml import _checks
from qml._typing import Real
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, ask, halved


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


@dataclass(frozen=True)
class ParameterShift(GradientDescent):
    r"""Gradient descent with gradients by the parameter-shift rule, as hardware would measure them.

    .. math:: \partial_j S = \sum_{r=1}^{R} c_r \left[ \mathrm{Tr}\, G\, \sigma(\theta + x_r e_j)
        - \mathrm{Tr}\, G\, \sigma(\theta - x_r e_j) \right], \qquad G = dL/d\sigma |_\theta

    exact for circuits whose gates turn with R frequencies in theta_j: one for rotations, two for controlled rotations,
    more where a parameter is shared. The iterates are those of :class:`GradientDescent`; the rule costs 2 R evaluations
    of the circuit for each parameter, where the analytic gradient costs about two in all.

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
    For circuit models; parameters of channels have no such rule and are refused. Source: Wierichs et al. (2022),
    arXiv:2107.12390.

    Examples
    --------
    >>> ParameterShift(0.2)
    ParameterShift(learning_rate=0.2)
    """

    name: ClassVar[str] = "parameter_shift"

    def _gradient(self, objective: Differentiable, point: Point) -> Real:
        gradient: Real = ask(objective, "shifted_gradient", self.name)(point.params)
        return gradient
