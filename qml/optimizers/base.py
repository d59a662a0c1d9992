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
    """What an optimizer minimises.

    Examples
    --------
    Any object with this method can be minimised step by step:

    >>> from qml.optimizers import LBFGS
    >>> class Square:
    ...     def value_and_gradient(self, params):
    ...         return float(params @ params) / 2, params
    >>> optimizer = LBFGS()
    >>> point = optimizer.at(Square(), np.array([3.0, 4.0]))
    >>> state = optimizer.init(point)
    >>> while point.gradient_norm > 1e-8:
    ...     point, state = optimizer.step(Square(), point, state)
    >>> abs(point.value) < 1e-15
    True
    """

    def value_and_gradient(self, params: Real) -> tuple[float, Real]:
        """f and its gradient (n_params,); at f = +inf the gradient is not used.

        Parameters
        ----------
        params : array (n_params,)

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

    Examples
    --------
    >>> from qml import CrossEntropy, GibbsModel, ghz
    >>> from qml.fitting import Objective
    >>> from qml.optimizers import LBFGS
    >>> point = LBFGS().at(Objective(GibbsModel(["ZZ"]), ghz(2), CrossEntropy()), np.zeros(1))
    >>> round(point.value, 6), point.gradient.round(6), round(point.gradient_norm, 6)
    (1.386294, array([1.]), 1.0)
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
        known = not self.has_gradient or math.isfinite(self.gradient_norm)
        return self.value == math.inf or (math.isfinite(self.value) and known)


OptimizerState: TypeAlias = dict[str, Real]
"""All that an optimizer remembers from step to step, as plain arrays; `units` (n_params,), where there are any, are
what it measures the parameters by."""


class Stalled(Exception):
    """No step lowers the value.

    Examples
    --------
    Where the gradient is wrong no step along it lowers the value; a fit says in its status that it has stalled:

    >>> from qml.optimizers import LBFGS
    >>> class Square:
    ...     def value_and_gradient(self, params):
    ...         return float(params @ params) / 2, -params  # the wrong sign
    >>> optimizer = LBFGS()
    >>> point = optimizer.at(Square(), np.array([3.0]))
    >>> try:
    ...     optimizer.step(Square(), point, optimizer.init(point))
    ... except Stalled:
    ...     print("stalled")
    stalled
    """


class NotANumber(Exception):
    """A value or a gradient is not a number (NaN).

    Attributes
    ----------
    params : array (n_params,) or None
        The parameters at which that is so.

    Examples
    --------
    >>> from qml.optimizers import GradientDescent
    >>> class Root:
    ...     def value_and_gradient(self, params):
    ...         x = float(params[0])
    ...         return (math.sqrt(x) if x >= 0 else math.nan), np.array([0.5 / math.sqrt(x) if x > 0 else math.nan])
    >>> optimizer = GradientDescent()
    >>> point = optimizer.at(Root(), np.array([0.1]))
    >>> try:
    ...     optimizer.step(Root(), point, optimizer.init(point))
    ... except NotANumber as error:
    ...     print(error.params < 0)
    [ True]
    """

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
    objective: Differentiable, start: Point, step: Real, accept: Callable[[Point], bool] = is_finite, at: At = evaluate
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
    """One step of a minimiser of f: from an iterate theta and the optimizer's state to the next ones.

    ``step(objective, point, state)`` gives both, or raises :class:`Stalled` where no step lowers f. It changes nothing
    else, so that a fit can be continued from a file; f is finite where it starts.

    Examples
    --------
    An optimizer of one's own is one method; ``fit(..., optimizer=SignDescent())`` runs it:

    >>> class SignDescent(Optimizer):
    ...     name = "sign_descent"
    ...
    ...     def step(self, objective, point, state):
    ...         for size in 0.1 / 2.0 ** np.arange(50):
    ...             found = self.at(objective, point.params - size * np.sign(point.gradient))
    ...             if found.value < point.value:
    ...                 return found, state
    ...         raise Stalled
    >>> from qml import GibbsModel, fit
    >>> result = fit(GibbsModel(["Z"]), np.diag([0.8, 0.2]), optimizer=SignDescent(), gradient_tolerance=1e-4, seed=0)
    >>> result.converged, bool(abs(result.gap) < 1e-8)
    (True, True)
    """

    name: ClassVar[str]
    descends: ClassVar[bool] = False
    """Whether it compares values, so that they fall in every step: noise in them would mislead it."""

    def at(self, objective: Differentiable, params: Real) -> Point:
        """The point at some parameters, with what this optimizer needs of it: value and gradient, unless it says
        otherwise.

        Parameters
        ----------
        objective : Differentiable
        params : array (n_params,)
        """
        return evaluate(objective, params)

    def init(self, start: Point) -> OptimizerState:
        """The state before the first step; empty, unless an optimizer says otherwise.

        Parameters
        ----------
        start : Point
            Where it begins; its value is finite.

        Returns
        -------
        dict of str to array
        """
        return {}

    @abstractmethod
    def step(self, objective: Differentiable, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        """The next iterate and state; the ones given are left as they are.

        Parameters
        ----------
        objective : Differentiable
            With what else the optimizer asks for by name, such as `hessian`; the objectives of ``fit`` have all of it.
        point : Point
            The iterate, as :meth:`at` gives it.
        state : dict of str to array
            As :meth:`init` or the step before left it.

        Returns
        -------
        (Point, dict of str to array)

        Raises
        ------
        Stalled
            If no step lowers the value.
        NotANumber
            If the value or its gradient is not a number.
        InputError
            If the objective lacks what the optimizer asks for.
        """
