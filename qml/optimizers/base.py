"""What an optimizer is: from a starting point to lower values, one accepted iterate after the other.

An optimizer sees a function of theta with its gradient, and what else it asks for by name (a Hessian, a metric, ...).
The value +inf is a value: a step that ends there is shortened until it does not, for every optimizer, and no finite
stand-in is ever put in its place. So is a step out of the domain of the parameters, and nothing else that goes wrong.

It is ``init`` and ``step`` on a state of plain arrays, so that a run can be stored and continued to the bit; random
draws follow from a seed and the number of the step.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from qml import _checks, spectral
from qml._checks import InputError, OutsideDomain
from qml._typing import Real

MAX_HALVINGS = 60
SUFFICIENT_DECREASE = 1e-4
"""Armijo's constant: the part of the decrease that the slope promises which a step must deliver."""


class Differentiable(Protocol):
    """What an optimizer minimises."""

    def value_and_gradient(self, params: Real) -> tuple[float, Real]:
        """f and its gradient (n_params,); at f = +inf the gradient is not used.

        Raises
        ------
        OutsideDomain
            Where parameters limit each other: a step that leads there is shortened.
        """


@dataclass(frozen=True, eq=False)
class Point:
    """theta (n_params,), f and its gradient (n_params,) there, which is NaN where only the value was asked for.

    Attributes
    ----------
    params : array (n_params,)
    value : float
    gradient : array (n_params,)
    has_gradient : bool
    """

    params: Real
    value: float
    gradient: Real
    has_gradient: bool = True

    @cached_property
    def gradient_norm(self) -> float:
        """The max-norm of the gradient; 0 without parameters."""
        return float(np.abs(self.gradient).max(initial=0.0))

    @property
    def is_number(self) -> bool:
        """Whether the value is finite or +inf, and the gradient finite where the value is."""
        known = not self.has_gradient or _checks.all_finite(self.gradient)
        return self.value == math.inf or (math.isfinite(self.value) and known)


OptimizerState: TypeAlias = dict[str, Real]
"""All that an optimizer remembers from step to step, as plain arrays."""


class Stalled(Exception):
    """No step lowers the value."""


class NotANumber(Exception):
    """A value or a gradient is not a number; of a step, the parameters (n_params,) that it led to."""

    def __init__(self, params: Real | None = None) -> None:
        super().__init__(params)
        self.params = params


At: TypeAlias = Callable[[Differentiable, Real], Point]
"""The point at some parameters."""


def evaluate(objective: Differentiable, params: Real) -> Point:
    """The point at `params`."""
    value, gradient = objective.value_and_gradient(params)
    return Point(params, float(value), gradient)


def trial(objective: Differentiable, params: Real, at: At = evaluate) -> Point:
    """The point that a step leads to, +inf outside the domain; :class:`NotANumber` ends the run."""
    if not _checks.all_finite(params):
        raise NotANumber(params)
    try:
        point = at(objective, params)
    except OutsideDomain:
        return Point(params, math.inf, np.full(params.shape, np.nan))
    if not point.is_number:
        raise NotANumber(params)
    return point


def is_finite(point: Point) -> bool:
    """Whether the value is finite."""
    return math.isfinite(point.value)


def halved(
    objective: Differentiable,
    start: Point,
    step: Real,
    accept: Callable[[Point], bool] = is_finite,
    at: At = evaluate,
) -> Point:
    """The first acceptable point, by default with a finite value, among start + step, start + step/2, ..."""
    for _ in range(MAX_HALVINGS):
        point = trial(objective, start.params + step, at)
        if accept(point):
            return point
        step = step / 2
    raise Stalled


def decreases(start: Point, point: Point) -> bool:
    """Armijo's condition; where the value falls by less than its rounding, a smaller gradient counts instead."""
    if not math.isfinite(point.value):
        return False
    slope = float(start.gradient @ (point.params - start.params))
    if point.value < start.value and point.value <= start.value + SUFFICIENT_DECREASE * slope:
        return True
    return abs(point.value - start.value) <= rounding(start) and point.gradient_norm < start.gradient_norm


def rounding(point: Point) -> float:
    """How far a value may be off, having been summed from many numbers of its size."""
    return 256 * spectral.EPS * max(1.0, abs(point.value))


def ask(objective: Differentiable, what: str, optimizer: str) -> Any:
    """The method `what` of the objective; a sentence where it has none."""
    found = getattr(objective, what, None)
    if found is None:
        raise InputError(
            f"the optimizer {optimizer!r} needs an objective with the method {what!r}, as those of fit have; found "
            f"{type(objective).__name__}."
        )
    return found


class Optimizer(ABC):
    """A pure function from one iterate and state to the next, beginning from a start whose value is finite."""

    name: ClassVar[str]
    descends: ClassVar[bool] = False
    """Whether it compares values, so that they fall in every step: noise in them would mislead it."""

    def at(self, objective: Differentiable, params: Real) -> Point:
        """The point at `params` with what this optimizer needs of it: value and gradient."""
        return evaluate(objective, params)

    def init(self, start: Point) -> OptimizerState:
        """The state before the first step."""
        return {}

    @abstractmethod
    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        """The next iterate and state; the ones given are left as they are.

        Raises
        ------
        Stalled
            If no step lowers the value.
        NotANumber
            If the value or its gradient is not a number.
        """
