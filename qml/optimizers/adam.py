"""Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, halved


@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Adam: steps scaled by running means of the gradient and of its square.

    .. math:: m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \quad v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2, \quad
        \theta_{t+1} = \theta_t - \eta \frac{m_t / (1-\beta_1^t)}{\sqrt{v_t / (1-\beta_2^t)} + \epsilon}

    Parameters
    ----------
    learning_rate : float
        eta > 0, about the change of every parameter in one of the first steps.
    beta1, beta2 : float
        Memory of the means, at least 0 and below 1.
    epsilon : float
        Added to the denominator, > 0.

    Raises
    ------
    InputError
        If a number is outside its range.

    Notes
    -----
    Source: Kingma and Ba (2014), arXiv:1412.6980.

    Examples
    --------
    >>> Adam(learning_rate=0.01)
    Adam(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """

    name: ClassVar[str] = "adam"
    learning_rate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _checks.positive("learning_rate", self.learning_rate)
        _checks.positive("epsilon", self.epsilon)
        for name, beta in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0 <= _checks.number(name, beta) < 1:
                raise InputError(f"{name} must be at least 0 and below 1; found {beta}.")

    def init(self, start: Point) -> OptimizerState:
        zero = np.zeros_like(start.params)
        return {"m": zero, "v": zero, "t": np.zeros(())}

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        step, state = self._move(point.gradient, state)
        return halved(objective, point, step), state

    def _move(self, gradient: Real, state: OptimizerState) -> tuple[Real, OptimizerState]:
        """The step that a gradient asks for, and the state after it."""
        t = state["t"] + 1
        m = self.beta1 * state["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * state["v"] + (1 - self.beta2) * np.square(gradient)
        scale = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
        return -self.learning_rate * (m / (1 - self.beta1**t)) / scale, {"m": m, "v": v, "t": t}
