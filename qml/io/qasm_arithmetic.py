"""Functions, constants and operators of expressions of an OpenQASM program."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

FUNCTIONS: dict[str, Callable[..., float]] = {
    **{
        name: getattr(math, name)
        for name in ("acos", "asin", "atan", "cos", "exp", "floor", "log", "sin", "sqrt", "tan")
    },
    "arccos": math.acos,
    "arcsin": math.asin,
    "arctan": math.atan,
    "ceiling": math.ceil,
    "ln": math.log,
    "mod": lambda x, y: _remainder(x, y),
    "popcount": lambda x: bin(x).count("1"),
    "pow": lambda x, y: _power(x, y),
}
CONSTANTS = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
}


def _power(x: Any, y: Any) -> Any:
    if isinstance(x, int) and isinstance(y, int) and abs(y) <= 64:
        return x**y
    return float(x) ** float(y)


def _divided(x: Any, y: Any) -> Any:
    if isinstance(x, int) and isinstance(y, int) and not isinstance(x, bool):
        return x // y if (x >= 0) == (y >= 0) else -(-x // y)
    return x / y


def _remainder(x: Any, y: Any) -> Any:
    """What division leaves, which has the sign of x; of integers an integer."""
    if isinstance(x, int) and isinstance(y, int):
        return abs(x) % abs(y) if x >= 0 else -(abs(x) % abs(y))
    return math.fmod(x, y)


def _shifted(x: int, y: int) -> int:
    if not 0 <= y <= 64:
        raise ValueError("a shift must be from 0 to 64 bits")
    return x << y


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _remainder,
    "**": _power,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda x, y: bool(x) and bool(y),
    "||": lambda x, y: bool(x) or bool(y),
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": _shifted,
    ">>": operator.rshift,
}
UNARY: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "!": operator.not_}
AFFINE = ("+", "-", "*", "/")
