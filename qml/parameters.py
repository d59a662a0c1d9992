"""Parameters of circuits: intervals that they live in, and affine expressions of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described
from qml.operators.strings import signed_sum

__all__ = ["Affine", "Interval", "Parameter", "as_affine"]


@dataclass(frozen=True)
class Interval(Described):
    r"""A closed interval [low, high] and its smooth bijection with the real line.

    .. math:: v(u) = low + (high - low) / (1 + e^{-u}), \qquad dv/du = (v - low)(high - v) / (high - low)

    Either end may be infinite: then :math:`v = low + \log(1 + e^u)` (or its mirror image), and v = u when both are.

    Parameters
    ----------
    low, high : float
        The ends; minus and plus infinity by default.

    Raises
    ------
    InputError
        Where low is not below high, an end is not a number, or the width is more than float64 holds.

    Examples
    --------
    >>> unit = Interval(0.0, 1.0)
    >>> float(unit.from_real(0.0)), float(unit.to_real(0.5))
    (0.5, 0.0)
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        for name, end in (("low", self.low), ("high", self.high)):
            is_infinite = isinstance(end, float | np.floating) and math.isinf(end)
            object.__setattr__(self, name, float(end) if is_infinite else _checks.number(name, end))
        if not self.low < self.high:
            raise InputError(f"an interval needs low < high; found low = {self.low}, high = {self.high}.")
        if math.isfinite(self.low) and math.isfinite(self.high) and not math.isfinite(self.high - self.low):
            raise InputError(f"an interval needs a width that float64 holds; found {self}: take an infinite end.")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"[{self.low:.12g}, {self.high:.12g}]"

    def from_real(self, u: float) -> float:
        """The point v(u) of the interval.

        Parameters
        ----------
        u : float

        Raises
        ------
        InputError
            If u is no finite number.
        """
        u = _number("u", u)
        if math.isfinite(self.low) and math.isfinite(self.high):
            return min(self.high, self.low + (self.high - self.low) * _logistic(u))
        if math.isfinite(self.low):
            return self.low + float(np.logaddexp(0.0, u))
        if math.isfinite(self.high):
            return self.high - float(np.logaddexp(0.0, -u))
        return u

    def slope(self, u: float) -> float:
        """The derivative dv/du at u; it vanishes only where v reaches an end of the interval in float64.

        Parameters
        ----------
        u : float

        Raises
        ------
        InputError
            If u is no finite number.
        """
        u = _number("u", u)
        if math.isfinite(self.low) and math.isfinite(self.high):
            return (self.high - self.low) * _logistic(u) * _logistic(-u)
        if math.isfinite(self.low):
            return _logistic(u)
        if math.isfinite(self.high):
            return _logistic(-u)
        return 1.0

    def to_real(self, value: float) -> float:
        """The u with v(u) = value.

        Parameters
        ----------
        value : float
            Strictly inside the interval: the ends are reached only in the limit.

        Raises
        ------
        InputError
            If the value is no finite number, lies at an end, or outside.
        """
        value = _number("value", value)
        if not self.low < value < self.high:
            raise InputError(
                f"a value strictly inside {self} is needed; found {value}: the ends are reached only in the limit, so "
                "take one a little inside."
            )
        if math.isfinite(self.low) and math.isfinite(self.high):
            return math.log(value - self.low) - math.log(self.high - value)
        if math.isfinite(self.low):
            x = value - self.low
            return x + math.log(-math.expm1(-x))
        if math.isfinite(self.high):
            x = self.high - value
            return -(x + math.log(-math.expm1(-x)))
        return value

    def intersection(self, other: Interval) -> Interval:
        """The common part of two intervals.

        Parameters
        ----------
        other : Interval

        Raises
        ------
        InputError
            If it is empty or a single point.

        Examples
        --------
        >>> print(Interval(0.0, 1.0).intersection(Interval(0.5, 2.0)))
        [0.5, 1]
        """
        _checks.instance("other", other, Interval)
        low, high = max(self.low, other.low), min(self.high, other.high)
        if not low < high:
            raise InputError(f"{self} and {other} have no common interval: no parameter can vary in both.")
        return Interval(low, high)


REAL_LINE = Interval()
UNIT = Interval(0.0, 1.0)
HALF_LINE = Interval(0.0)


def _number(name: str, x: float) -> float:
    """`x` if it is a finite float, at the cost of a comparison; else what :func:`_checks.number` says."""
    return x if isinstance(x, float) and -math.inf < x < math.inf else _checks.number(name, x)


def _logistic(u: float) -> float:
    return 1.0 / (1.0 + math.exp(-u)) if u >= 0 else math.exp(u) / (1.0 + math.exp(u))


@dataclass(frozen=True)
class Affine(Described):
    r"""A real number that is affine in named free parameters.

    .. math:: v = k + \sum_i c_i \theta_i

    Made by :func:`Parameter` and by ``+``, ``-``, and ``*`` and ``/`` with a number.

    Attributes
    ----------
    terms : tuple of (str, float)
        The name of each theta_i and its c_i.
    constant : float
        k.

    Examples
    --------
    >>> from qml import Parameter
    >>> expression = 2 * Parameter("a") - Parameter("b") + 0.5
    >>> print(expression)
    2*a - b + 0.5
    >>> expression.value({"a": 1.0, "b": 0.25})
    2.25
    """

    terms: tuple[tuple[str, float], ...] = ()
    constant: float = 0.0

    def __post_init__(self) -> None:
        held = self.terms if isinstance(self.terms, tuple) else (self.terms,)
        if not all(isinstance(t, tuple) and len(t) == 2 and isinstance(t[0], str) for t in held):
            found = _checks.shown(self.terms)
            raise InputError(
                f"terms must be pairs of a name and a number; found {found}: write 2 * Parameter('a') + 1."
            )
        for x in (self.constant, *(c for _, c in held)):
            _checks.number("each number of an expression", x)

    def _described(self) -> Any:
        """A number, or a name where it is nothing else."""
        if self.is_constant:
            return self.constant
        is_name = len(self.terms) == 1 and self.terms[0][1] == 1.0 and not self.constant
        return self.names[0] if is_name else super()._described()

    @classmethod
    def _again(cls, **arguments: Any) -> Affine:
        whole = as_affine(arguments["constant"], "the constant of an expression")
        for name, c in arguments["terms"]:
            whole = whole + c * Parameter(name)
        return whole

    @property
    def names(self) -> tuple[str, ...]:
        """The free parameters, in order of appearance."""
        return tuple(name for name, _ in self.terms)

    @property
    def is_constant(self) -> bool:
        """Whether it holds no free parameter."""
        return not self.terms

    def value(self, values: Mapping[str, float]) -> float:
        """The number that the expression stands for.

        Parameters
        ----------
        values : mapping of str to float
            The value of each free parameter; others are left alone.

        Raises
        ------
        InputError
            Where a value is missing or not a finite number, or the result is more than float64 holds.
        """
        for name in self.names:
            if name not in _checks.mapping("values", values):
                raise InputError(f"values must have a number for {name!r}; found {_checks.told(values)}.")
        total = sum(c * _checks.number(f"values[{name!r}]", values[name]) for name, c in self.terms)
        return _checks.number(f"the value of {self}", self.constant + total)

    def substitute(self, values: Mapping[str, ParameterLike]) -> Affine:
        """The expression with names replaced; those that are not mentioned stay free.

        Parameters
        ----------
        values : mapping of str to float, str or Affine
            What takes the place of each name; others are left alone.

        Raises
        ------
        InputError
            Where one is no finite number, name or expression.

        Examples
        --------
        >>> print(Parameter("a").substitute({"a": 2 * Parameter("b") + 1.0}))
        2*b + 1
        """
        _checks.mapping("values", values)
        result = Affine((), self.constant)
        for name, c in self.terms:
            result = result + c * (as_affine(values[name]) if name in values else Affine(((name, 1.0),)))
        return result

    def __add__(self, other: ParameterLike) -> Affine:
        other = as_affine(other)
        coefficients = dict(self.terms)
        for name, c in other.terms:
            coefficients[name] = coefficients.get(name, 0.0) + c
        return _collected(coefficients, self.constant + other.constant)

    __radd__ = __add__

    def __mul__(self, factor: float) -> Affine:
        if isinstance(factor, str | Affine):
            raise InputError(f"a parameter expression is affine: it can be multiplied by a number, not by {factor}.")
        c = _checks.number("the factor of a parameter", factor)
        return _collected({name: c * k for name, k in self.terms}, c * self.constant)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Affine:
        d = _checks.number("the divisor of a parameter", divisor)
        if d == 0.0:
            raise InputError("the divisor of a parameter must not be zero.")
        return _collected({name: k / d for name, k in self.terms}, self.constant / d)

    def __neg__(self) -> Affine:
        return self * -1.0

    def __sub__(self, other: ParameterLike) -> Affine:
        return self + (-1.0) * as_affine(other)

    def __rsub__(self, other: ParameterLike) -> Affine:
        return as_affine(other) + (-1.0) * self

    def __str__(self) -> str:
        return self._written("{:.6g}".format, "*", str)

    def _written(self, number: Callable[[float], str], times: str, name: Callable[[str], str]) -> str:
        """The expression as text, given how numbers and names are written, and what stands between the two."""
        parts = [(c, name(n) if abs(c) == 1 else f"{number(abs(c))}{times}{name(n)}") for n, c in self.terms]
        if self.constant or not parts:
            parts.append((self.constant, number(abs(self.constant))))
        return signed_sum(parts)


def _collected(coefficients: Mapping[str, float], constant: float) -> Affine:
    """The expression with these numbers, zeros left out."""
    return Affine(tuple((name, c) for name, c in coefficients.items() if c != 0.0), constant)


ParameterLike: TypeAlias = "float | str | Affine"


def Parameter(name: str) -> Affine:  # noqa: N802 - reads as the noun it makes
    r"""A free parameter :math:`\theta` by its name. The same name in several places is the same parameter.

    Parameters
    ----------
    name : str

    Returns
    -------
    Affine
        To be added, subtracted, and multiplied or divided by numbers.

    Raises
    ------
    InputError
        Where the name is no text, is blank, or reads as a number.

    Examples
    --------
    >>> print(Parameter("theta") / 2)
    0.5*theta
    """
    if not _checks.text("a parameter's name", name).strip():
        raise InputError(f"a parameter's name must not be empty; found {name!r}.")
    if name != "j" and _is_number(name):  # j is a letter like any other, though Python reads it as a number
        raise InputError(f"a parameter's name must not read as a number; found {name!r}: leave out the quotes.")
    return Affine(((name, 1.0),))


def _is_number(text: str) -> bool:
    try:
        complex(text)
    except ValueError:
        return False
    return True


def as_affine(value: ParameterLike, what: str = "a gate or channel parameter") -> Affine:
    """A number, a name or an expression, as an expression.

    Parameters
    ----------
    value : float, str or Affine
    what : str
        What the error calls it.

    Returns
    -------
    Affine

    Raises
    ------
    InputError
        Where it is of another kind, a number that is not finite, or a name that reads as a number.

    Examples
    --------
    >>> print(as_affine("theta") + 0.5, as_affine(2.0))
    theta + 0.5 2
    """
    if isinstance(value, Affine):
        return value
    if isinstance(value, str):
        return Parameter(value)
    return Affine((), _checks.number(what, value))
