"""Adam on random parts of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qml import _checks
from qml.optimizers.adam import Adam
from qml.optimizers.base import Differentiable, OptimizerState, Point, ask, draws, halved, is_finite, trial


@dataclass(frozen=True)
class StochasticAdam(Adam):
    r"""Adam with the gradient of a random batch of the data in each step.

    The target must be an ensemble: a density matrix held as a factor, whose columns are the members. A batch is drawn
    by the members' weights, so that the gradient of a loss that is linear in the target, as S is, comes out unbiased:

    .. math:: \rho_B = \frac1B \sum_{b=1}^B |\psi_{k_b}\rangle\langle\psi_{k_b}|, \qquad
        \mathbb E\, \nabla S(\rho_B, \sigma) = \nabla S(\rho, \sigma)

    What is recorded of an iterate is the loss of the whole target and its gradient.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon
        As for :class:`Adam`.
    batch_size : int
        B, members a step.
    seed : int
        What the batches follow from, together with the number of the step.

    Examples
    --------
    >>> StochasticAdam(batch_size=8).batch_size
    8
    """

    name: ClassVar[str] = "stochastic_adam"
    batch_size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.integer("batch_size", self.batch_size, low=1)
        _checks.integer("seed", self.seed, low=0)

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        rng = draws(self.seed, state["t"])
        batch = ask(objective, "minibatch", self.name)(self.batch_size, rng)
        step, state = self._move(trial(batch, point.params).gradient, state)
        return halved(objective, point, step, is_finite), state
