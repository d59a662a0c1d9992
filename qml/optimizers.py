"""Optimizers: from a starting point to lower values, one accepted iterate after the other.

An optimizer sees a function of theta with its gradient, and nothing else of the problem. The value +inf is a value: a
step that ends there is halved until it does not, for every optimizer, and no finite stand-in is ever put in its place.

:class:`SteppedOptimizer` is ``init`` and ``step`` on a state of plain arrays, so that a run can be stored and continued
to the bit. SciPy's L-BFGS keeps its state to itself, but is a function of the values that it was given: replaying these
continues it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol, TypeAlias

import numpy as np
import scipy.optimize

from qml import _checks, spectral
from qml._checks import InputError
from qml._typing import Real

MAX_HALVINGS = 60
SUFFICIENT_DECREASE = 1e-4
"""Armijo's constant for steps that were shortened because they reached +inf."""


class Differentiable(Protocol):
    """What an optimizer minimises."""

    def value_and_gradient(self, params: Real) -> tuple[float, Real]:
        """f and its gradient (n_params,); at f = +inf the gradient is not used."""


@dataclass(frozen=True, eq=False)
class Point:
    """theta (n_params,), f and its gradient (n_params,) there."""

    params: Real
    value: float
    gradient: Real

    @property
    def gradient_norm(self) -> float:
        """The max-norm of the gradient; 0 without parameters."""
        return float(np.abs(self.gradient).max(initial=0.0))

    @property
    def is_number(self) -> bool:
        """Whether the value is finite or +inf, and the gradient finite where the value is."""
        return self.value == math.inf or (math.isfinite(self.value) and bool(np.isfinite(self.gradient).all()))


class Ending(Enum):
    """Why an optimizer returned."""

    STOPPED = "the report asked to stop"
    STALLED = "no step lowers the value"
    NOT_A_NUMBER = "the value or its gradient is not a number"


Report: TypeAlias = Callable[[Point], bool]
"""Told of every accepted iterate after the start; True stops the optimizer."""
OptimizerState: TypeAlias = dict[str, Real]
"""All that an optimizer remembers from step to step, as plain arrays."""


class _Stalled(Exception):
    pass


class _NotANumber(Exception):
    pass


class _Stop(Exception):
    pass


class _Infinite(Exception):
    """A trial at +inf, and the last accepted iterate before it."""

    def __init__(self, accepted: Point, params: Real) -> None:
        self.accepted = accepted
        self.params = params


def evaluate(objective: Differentiable, params: Real) -> Point:
    """The point at `params`."""
    value, gradient = objective.value_and_gradient(params)
    return Point(params, float(value), gradient)


def _trial(objective: Differentiable, params: Real) -> Point:
    point = evaluate(objective, params)
    if not point.is_number:
        raise _NotANumber
    return point


def _halved(objective: Differentiable, start: Point, step: Real, accept: Callable[[Point], bool]) -> Point:
    """The first acceptable point among start + step, start + step/2, start + step/4, ..."""
    for _ in range(MAX_HALVINGS):
        trial = _trial(objective, start.params + step)
        if accept(trial):
            return trial
        step = step / 2
    raise _Stalled


def _is_finite(trial: Point) -> bool:
    return math.isfinite(trial.value)


class Optimizer(ABC):
    """Moves theta downhill from a start, and reports each accepted iterate, until the report says stop."""

    name: ClassVar[str]

    def minimize(self, objective: Differentiable, start: Point, report: Report) -> Ending:
        """Run from `start`, whose value must be finite.

        Returns
        -------
        Ending
            STOPPED when `report` returned True; STALLED when no step lowers the value; NOT_A_NUMBER.
        """
        try:
            self._run(objective, start, report)
        except _Stalled:
            return Ending.STALLED
        except _NotANumber:
            return Ending.NOT_A_NUMBER
        return Ending.STOPPED

    @abstractmethod
    def _run(self, objective: Differentiable, start: Point, report: Report) -> None: ...


class SteppedOptimizer(Optimizer):
    """An optimizer that is a pure function from one iterate and state to the next."""

    @abstractmethod
    def init(self, start: Point) -> OptimizerState:
        """The state before the first step."""

    @abstractmethod
    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        """The next iterate and state; the ones given are left as they are."""

    def _run(self, objective: Differentiable, start: Point, report: Report) -> None:
        point, state = start, self.init(start)
        while True:
            point, state = self.step(objective, point, state)
            if report(point):
                return


@dataclass(frozen=True)
class GradientDescent(SteppedOptimizer):
    r"""Gradient descent with a fixed learning rate; nothing makes the value fall if the rate is too large.

    .. math:: \theta_{t+1} = \theta_t - \eta \nabla f(\theta_t)

    Parameters
    ----------
    learning_rate : float
        eta > 0.

    Examples
    --------
    >>> GradientDescent(0.2)
    GradientDescent(learning_rate=0.2)
    """

    name: ClassVar[str] = "gradient_descent"
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        _positive("learning_rate", self.learning_rate)

    def init(self, start: Point) -> OptimizerState:
        return {}

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        return _halved(objective, point, -self.learning_rate * point.gradient, _is_finite), {}


@dataclass(frozen=True)
class Adam(SteppedOptimizer):
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
        _positive("learning_rate", self.learning_rate)
        _positive("epsilon", self.epsilon)
        for name, beta in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0 <= _checks.number(name, beta) < 1:
                raise InputError(f"{name} must be at least 0 and below 1; found {beta}.")

    def init(self, start: Point) -> OptimizerState:
        zero = np.zeros_like(start.params)
        return {"m": zero, "v": zero, "t": np.zeros(())}

    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        t = state["t"] + 1
        m = self.beta1 * state["m"] + (1 - self.beta1) * point.gradient
        v = self.beta2 * state["v"] + (1 - self.beta2) * np.square(point.gradient)
        scale = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
        step = -self.learning_rate * (m / (1 - self.beta1**t)) / scale
        return _halved(objective, point, step, _is_finite), {"m": m, "v": v, "t": t}


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS with a line search that satisfies the Wolfe conditions: SciPy's L-BFGS-B without bounds.

    A trial step of the line search that reaches +inf ends SciPy's run; the step is halved from the last iterate until
    the value is finite and has decreased enough, and a new run starts there. A run that sees no way on is started once
    more without memory; when that gains nothing, it has stalled.

    Parameters
    ----------
    memory : int
        The number of past steps that model the curvature.

    Notes
    -----
    Source: Liu and Nocedal (1989), Math. Program. 45, 503; Byrd, Lu, Nocedal and Zhu (1995), SIAM J. Sci. Comput. 16,
    1190.

    Examples
    --------
    >>> LBFGS()
    LBFGS(memory=10)
    """

    name: ClassVar[str] = "lbfgs"
    memory: int = 10

    def __post_init__(self) -> None:
        _checks.integer("memory", self.memory, low=1)

    def _run(self, objective: Differentiable, start: Point, report: Report) -> None:
        point = start
        while True:
            try:
                reached = self._scipy(objective, point, report)
            except _Stop:
                return
            except _Infinite as infinite:
                point = _shortened(objective, infinite.accepted, infinite.params)
                if report(point):
                    return
                continue
            if point.value - reached.value <= 100 * spectral.EPS * max(1.0, abs(point.value)):
                raise _Stalled
            point = reached

    def _scipy(self, objective: Differentiable, start: Point, report: Report) -> Point:
        """One run of SciPy from `start`; the last accepted iterate when SciPy sees no way on."""
        accepted = latest = start

        def value_and_gradient(params: Real) -> tuple[float, Real]:
            nonlocal latest
            if not np.array_equal(params, latest.params):
                latest = _trial(objective, params.copy())
                if latest.value == math.inf:
                    raise _Infinite(accepted, latest.params)
            return latest.value, latest.gradient

        def on_iterate(intermediate_result: scipy.optimize.OptimizeResult) -> None:
            nonlocal accepted
            value_and_gradient(intermediate_result.x)
            accepted = latest
            if report(accepted):
                raise _Stop

        unlimited = {"gtol": 0.0, "ftol": 0.0, "maxiter": 2**31 - 1, "maxfun": 2**31 - 1, "maxcor": self.memory}
        scipy.optimize.minimize(
            value_and_gradient, start.params, jac=True, method="L-BFGS-B", callback=on_iterate, options=unlimited
        )
        return accepted


def _shortened(objective: Differentiable, start: Point, infinite: Real) -> Point:
    """A point between `start` and parameters at +inf that lowers the value enough (Armijo)."""

    def lowers(trial: Point) -> bool:
        slope = min(0.0, float(start.gradient @ (trial.params - start.params)))
        return trial.value < start.value and trial.value <= start.value + SUFFICIENT_DECREASE * slope

    return _halved(objective, start, (infinite - start.params) / 2, lowers)


def _positive(name: str, value: float) -> None:
    if not _checks.number(name, value) > 0:
        raise InputError(f"{name} must be greater than 0; found {value}.")


OPTIMIZERS: dict[str, type[Optimizer]] = {o.name: o for o in (LBFGS, Adam, GradientDescent)}
"""Every optimizer by name; configs and the command line read this list."""
