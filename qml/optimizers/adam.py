"""Adam, on all data or on random parts of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, ask, halved, is_finite, trial


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


@dataclass(frozen=True)
class StochasticAdam(Adam):
    r"""Adam with the gradient of a random batch of the data in each step.

    The data are the members of an ensemble (a density matrix held as a factor, whose columns they are), labels, or the
    shots of a record of counts. In every epoch they are put in a new random order and cut into n batches, each with the
    gradient

    .. math:: g_i = n\, W_i\, \nabla L(\text{batch}_i), \qquad \frac1n \sum_{i=1}^n g_i = \nabla L

    where W_i is the weight of its data, so that every datum counts once an epoch. That needs a loss whose gradient is
    linear in the data, such as a cross entropy or a likelihood.

    What is recorded of an iterate is the loss of the whole target and its gradient.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon
        As for :class:`Adam`.
    batch_size : int
        Data a batch: members, labels or shots.
    steps : int
        Batches between two iterates: more of them save evaluations of the whole target.
    seed : int
        What the order of the data follows from, together with the number of the epoch.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    >>> StochasticAdam(batch_size=8).batch_size
    8
    """

    name: ClassVar[str] = "stochastic_adam"
    batch_size: int = 32
    steps: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.integer("batch_size", self.batch_size, low=1)
        _checks.integer("steps", self.steps, low=1)
        _checks.integer("seed", self.seed, low=0)

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        minibatch = ask(objective, "minibatch", self.name)
        start, step = point.params, np.zeros_like(point.params)
        for _ in range(self.steps):
            here = trial(minibatch(self.batch_size, self.seed, int(state["t"])), start + step)
            if not is_finite(here):
                break  # the last step is halved instead
            start = here.params
            step, state = self._move(here.gradient, state)
        return halved(objective, replace(point, params=start), step), state
