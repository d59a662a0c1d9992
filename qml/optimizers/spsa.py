"""Simultaneous perturbation stochastic approximation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._typing import Real
from qml.optimizers.base import Differentiable, Optimizer, OptimizerState, Point, ask, halved, trial

DECAY_OF_STEPS, DECAY_OF_PERTURBATIONS = 0.602, 0.101
"""Spall's exponents."""


@dataclass(frozen=True)
class SPSA(Optimizer):
    r"""SPSA: a gradient estimate from two values, whatever the number of parameters.

    .. math:: \hat g_t = \frac{f(\theta_t + c_t \Delta_t) - f(\theta_t - c_t \Delta_t)}{2 c_t}\, \Delta_t, \qquad
        \theta_{t+1} = \theta_t - a_t \hat g_t, \qquad a_t = \frac{a}{(t + A)^{0.602}}, \quad
        c_t = \frac{c}{t^{0.101}}

    with random signs Delta_t and A = 10. For losses whose gradient takes many evaluations, as on hardware: three values
    a step, that of the new iterate included, and no gradient, which is NaN in the record. Values at +inf end a step in
    that direction: it is not taken.

    Parameters
    ----------
    learning_rate : float
        a > 0.
    perturbation : float
        c > 0.
    seed : int
        What the signs follow from, together with the number of the step.

    Raises
    ------
    InputError
        If a number is not positive, or the seed is no integer of at least 0.

    Notes
    -----
    Source: Spall (1998), IEEE Trans. Aerosp. Electron. Syst. 34, 817.

    Examples
    --------
    >>> SPSA(seed=3)
    SPSA(learning_rate=0.5, perturbation=0.1, seed=3)
    """

    name: ClassVar[str] = "spsa"
    learning_rate: float = 0.5
    perturbation: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        _checks.positive("learning_rate", self.learning_rate)
        _checks.positive("perturbation", self.perturbation)
        _checks.integer("seed", self.seed, low=0)

    def at(self, objective: Differentiable, params: Real) -> Point:
        """The point at `params`, without its gradient."""
        value = float(ask(objective, "value", self.name)(params))
        return Point(params, value, np.full(params.shape, np.nan), has_gradient=False)

    def init(self, start: Point) -> OptimizerState:
        return {"t": np.zeros(())}

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        t = state["t"] + 1
        signs = np.random.default_rng([self.seed, int(t)]).choice([-1.0, 1.0], size=point.params.shape)
        c = self.perturbation / float(t) ** DECAY_OF_PERTURBATIONS
        ahead, behind = (trial(objective, point.params + s * c * signs, self.at).value for s in (1, -1))
        slope = (ahead - behind) / (2 * c) if np.isfinite(ahead) and np.isfinite(behind) else 0.0
        step = -self.learning_rate / (float(t) + 10.0) ** DECAY_OF_STEPS * slope * signs
        return halved(objective, point, step, at=self.at), {"t": t}
