"""A check of a model's gradient against difference quotients, for those who write models, gates or losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from qml import _checks, spectral
from qml._checks import OutsideDomain
from qml._typing import ParamsLike, Real
from qml.fitting.objective import Objective
from qml.losses import Loss
from qml.models import ConditionalModel, Model
from qml.processes import ProcessFamily

FIRST_STEP = 0.2
EXTRAPOLATIONS = 10
ROWS_SHOWN = 10


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck(_checks.Record):
    """The gradient that a model and a loss give, beside the one measured by difference quotients.

    Attributes
    ----------
    params : array (n_params,)
    value : float
        The loss there.
    names : tuple of str
        Of the components: parameters, or ``direction 0``, ``direction 1``, ...
    analytic, numeric : array (n,)
    resolution : array (n,)
        How far `numeric` can be trusted: an estimate of its error.
    tolerance : float
    remark : str
        What to know before trusting the answer; mostly empty.

    Examples
    --------
    >>> from qml import GibbsModel, ghz
    >>> check = check_gradient(GibbsModel(["ZZ", "XI"]), ghz(2), params=[0.3, -0.2])
    >>> check
    <GradientCheck passed: largest relative error ... at ..., tolerance 1e-06, 2 checked>
    >>> check.names, check.max_relative_error < 1e-9
    (('ZZ', 'XI'), True)
    >>> check.analytic.round(6), check.numeric.round(6)
    (array([ 1.287642, -0.191761]), array([ 1.287642, -0.191761]))
    """

    params: Real
    value: float
    names: tuple[str, ...]
    analytic: Real
    numeric: Real
    resolution: Real
    tolerance: float
    remark: str = ""

    @property
    def relative_errors(self) -> Real:
        """abs(analytic - numeric), relative to the larger of the two; differences within the resolution of the
        measurement count at most `tolerance`. Shape (n,)."""
        size = np.maximum(np.maximum(np.abs(self.analytic), np.abs(self.numeric)), self.resolution / self.tolerance)
        difference = np.abs(self.analytic - self.numeric)
        return np.asarray(np.where(difference == 0, 0.0, difference / np.where(size > 0, size, 1.0)))

    @property
    def max_relative_error(self) -> float:
        """The largest relative error; NaN where there is no gradient to compare."""
        return float(self.relative_errors.max(initial=0.0))

    @property
    def worst(self) -> str:
        """The name of the component with the largest relative error."""
        return self.names[int(np.argmax(self.relative_errors))] if self.names else ""

    @property
    def ok(self) -> bool:
        """Whether every relative error is within the tolerance."""
        return self.max_relative_error <= self.tolerance

    def __repr__(self) -> str:
        head = f"largest relative error {self.max_relative_error:.1e} at {self.worst!r}, tolerance {self.tolerance:.0e}"
        remark = f"; {self.remark}" if self.remark else ""
        return f"<GradientCheck {'passed' if self.ok else 'FAILED'}: {head}, {len(self.names)} checked{remark}>"

    def __str__(self) -> str:
        if not np.isfinite(self.analytic).any():
            return repr(self)
        order = np.argsort(-self.relative_errors, kind="stable")[:ROWS_SHOWN]
        width = max((len(self.names[k]) for k in order), default=0)
        errors = self.relative_errors
        rows = [
            f"{self.names[k]:<{width}}  {self.analytic[k]:+.12e}  {self.numeric[k]:+.12e}  {errors[k]:.1e}"
            for k in order
        ]
        head = f"{'':<{width}}  {'analytic':<19}  {'numeric':<19}  relative error"
        return "\n".join([repr(self), head, *rows])


def check_gradient(
    model: Model | ConditionalModel | ProcessFamily,
    target: Any,
    loss: Loss | str | None = None,
    params: ParamsLike | None = None,
    *,
    rng: np.random.Generator | None = None,
    directions: int | None = None,
    tolerance: float = 1e-6,
) -> GradientCheck:
    r"""Compare the gradient of a loss over a model with central differences.

    .. math:: \frac{f(\theta + h u) - f(\theta - h u)}{2h}, \qquad h = h_0, h_0/2, h_0/4, \dots

    extrapolated to h = 0 (Richardson), at the order where the extrapolation is most certain.

    Parameters
    ----------
    model, target, loss
        As in :func:`fit`.
    params : array (n_params,), optional
        Where; by default at ``model.init_params(rng)``.
    rng : numpy Generator, optional
        For the starting point and the directions; by default ``numpy.random.default_rng(0)``.
    directions : int, optional
        Check derivatives along so many random unit vectors instead of along every parameter: cheaper for many.
    tolerance : float
        The relative error that passes.

    Returns
    -------
    GradientCheck
        ``.ok`` tells whether it passed; a wrong gradient is reported, not raised.

    Raises
    ------
    InputError
        If the loss is not finite at `params`, or an argument is not what is named above.

    Notes
    -----
    At most 20 evaluations of the loss for each component. Source: Ridders (1982), Adv. Eng. Softw. 4, 75.

    Examples
    --------
    >>> from qml import GibbsModel, ghz
    >>> check = check_gradient(GibbsModel.all_paulis(2), ghz(2))
    >>> check.ok, len(check.names)
    (True, 15)
    """
    tolerance = _checks.number("tolerance", tolerance, low=spectral.EPS)
    objective = Objective.of(model, target, loss)
    rng = np.random.default_rng(0) if rng is None else _checks.generator("rng", rng)
    theta = objective.init_params(rng) if params is None else objective.theta(params)
    if directions is None:
        names, along = objective.parameter_names, np.eye(objective.n_params)
    else:
        count = _checks.integer("directions", directions, low=1)
        size = 100 * count * max(1, objective.n_params)
        _checks.memory(f"{_checks.readable(count)} directions", size, "check fewer of them")
        names = tuple(f"direction {k}" for k in range(count))
        along = rng.standard_normal((count, objective.n_params))
        along /= np.linalg.norm(along, axis=1, keepdims=True)
    value, gradient = objective.value_and_gradient(theta)
    remark = ""
    if not math.isfinite(value):
        remark = f"the loss is {value} here, where it has no gradient: choose other params"
    elif np.shape(gradient) != theta.shape:
        remark = f"the gradient must have shape {theta.shape}; found shape {np.shape(gradient)}"
    if remark:
        unknown = np.full(len(names), np.nan)
        return GradientCheck(theta, value, names, unknown, unknown, unknown, tolerance, remark)
    measured = [_derivative(partial(_value, objective, theta, u)) for u in along]
    numeric, resolution = np.array(measured).reshape(-1, 2).T
    if not gradient.any():
        remark = "the gradient is zero here, so that little is checked: choose other params"
    return GradientCheck(theta, value, names, along @ gradient, numeric, resolution, tolerance, remark)


def _value(objective: Objective, theta: Real, u: Real, h: float) -> float:
    """The loss at theta + h u; difference quotients may step over the edge of the domain, where it is +inf."""
    try:
        return objective.value(theta + h * u)
    except OutsideDomain:
        return math.inf


def _derivative(f: Callable[[float], float]) -> tuple[float, float]:
    """df/dh at 0 and an estimate of its error, by Ridders' extrapolation; NaN where f is nowhere finite nearby."""
    best, error = math.nan, math.nan
    previous: list[float] = []
    h = FIRST_STEP
    for _ in range(EXTRAPOLATIONS):
        high, low = f(h), f(-h)
        if not (math.isfinite(high) and math.isfinite(low)):
            h /= 2
            previous = []
            continue
        rounding = 4 * spectral.EPS * max(abs(high), abs(low)) / h
        row = [(high - low) / (2 * h)]
        for k, coarse in enumerate(previous, 1):
            row.append(row[-1] + (row[-1] - coarse) / (4.0**k - 1))
            spread = max(abs(row[-1] - row[-2]), abs(row[-1] - coarse)) + rounding
            if not error <= spread:
                best, error = row[-1], spread
        if len(previous) > 2 and abs(row[-1] - previous[-1]) > 2 * error:
            break
        previous = row
        h /= 2
    return best, error
