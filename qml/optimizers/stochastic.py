"""Adam on random parts of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qml import _checks
from qml.optimizers.adam import Adam
from qml.optimizers.base import Differentiable, OptimizerState, Point, ask, halved, is_finite, trial


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
