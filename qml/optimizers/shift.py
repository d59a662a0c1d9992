"""Gradient descent by the parameter-shift rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qml._typing import Real
from qml.optimizers.base import Differentiable, Point, ask
from qml.optimizers.descent import GradientDescent


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
