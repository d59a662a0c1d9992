"""What kernels are written in: a part of Python that a small compiler turns into LLVM.

A kernel is a function of numbers and C-contiguous arrays whose body is loops, branches, assignments and arithmetic. It
is compiled as it stands, with the types that its annotations name: ``int`` (64 bits), ``float`` (64 bits), ``bool``;
arrays of one axis or more, ``F1`` to ``F3`` of floats, ``I1``, ``I2`` of integers, ``U1`` of uint32; and *records*,
named tuples with fields of these types. A variable has the type of the first value that it is given. Arithmetic is
that of Python, but that integers have 64 bits; indices are not checked and do not count from the end. ``np.empty`` and
``np.zeros`` give room that is gone when the function ends. A function can call kernels, functions marked `subroutine`,
functions marked `inline`, which are written out where they are called, and *intrinsics*, Python functions that put
LLVM's instructions there themselves.

Names that a function does not assign are looked up among its globals when it is compiled, and numbers are compiled in.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache, reduce
from pathlib import Path
from types import FunctionType
from typing import Any, TypeAlias

from qml._typing import Integer, Real

F1: TypeAlias = Real
F2: TypeAlias = Real
F3: TypeAlias = Real
I1: TypeAlias = Integer
I2: TypeAlias = Integer
U1: TypeAlias = Integer

ARRAYS = ("F1", "F2", "F3", "I1", "I2", "U1")
SCALARS = ("int", "float", "bool")
LANES = 8
"""Numbers in a row, which vector instructions work on together."""
YIELD = "qml.engines.yield"
"""The function of the system that lets another thread run, by its name in compiled code."""


class CannotCompile(TypeError):
    """What the compiler does not know."""


class Compiled:
    """A function that only compiled code calls."""

    def __init__(self, function: FunctionType) -> None:
        self.function, self.name = function, f"{function.__module__}.{function.__qualname__}"

    def __call__(self, *arguments: Any) -> Any:
        raise CannotCompile(f"{self.name} is for compiled code only.")


class Inline(Compiled):
    """A function that is written out where it is called."""


class Intrinsic(Compiled):
    """``function(body, *values)`` puts instructions into a :class:`Body` and returns a value, or None."""


class Function(Compiled):
    """A function that is compiled once in each module, whoever calls it there."""


subroutine: Callable[[Any], Any] = Function
inline: Callable[[Any], Any] = Inline
intrinsic: Callable[[Any], Any] = Intrinsic
"""The same as decorators, for what the types of Python say of functions."""


def signature_of(function: FunctionType) -> tuple[list[Any], str]:
    """The kind of each parameter, its annotation or a class of records, and the kind of the result."""
    node = tree_of(function)
    annotations = [ast.unparse(argument.annotation) for argument in node.args.args if argument.annotation is not None]
    kinds = [_kind(annotation, function.__globals__) for annotation in annotations]
    return kinds, "None" if node.returns is None else ast.unparse(node.returns)


def fields_of(record: Any) -> list[Any]:
    """The kinds of the fields of a class of records."""
    scope = vars(sys.modules[record.__module__])
    return [_kind(record.__annotations__[name].__forward_arg__, scope) for name in record._fields]


def _kind(annotation: str, scope: dict[str, Any]) -> Any:
    """The kind that an annotation names."""
    if annotation in SCALARS or annotation in ARRAYS:
        return annotation
    first, *rest = annotation.split(".")
    return reduce(getattr, rest, scope[first])


@cache
def _functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def tree_of(function: FunctionType) -> ast.FunctionDef:
    """The source of a function."""
    return _functions(function.__code__.co_filename)[function.__name__]
