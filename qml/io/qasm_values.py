"""What a name or an expression of an OpenQASM program stands for: numbers, affine expressions, bits and qubits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from openqasm3 import ast

from qml._checks import InputError, plural
from qml.io.qasm_arithmetic import AFFINE, BINARY, CONSTANTS, FUNCTIONS, UNARY
from qml.io.qasm_parse import MOST_STEPS
from qml.parameters import Affine

Value: TypeAlias = Any
"""A bool, an int, a float, an Affine, :class:`Bits` or :class:`Qubits`."""
LONGEST = 1 << 63
"""Integers of a program are smaller than this."""


@dataclass(frozen=True)
class Qubits:
    """Qubits by their sites; `one` tells a single qubit from a register of one."""

    sites: tuple[int, ...]
    one: bool = False


@dataclass(frozen=True)
class Result:
    """What a bit holds where a measurement of that site decides."""

    site: int


@dataclass
class Bits:
    """Classical bits, bit 0 first."""

    name: str
    values: list[bool | Result]
    one: bool = False


def refuse(node: ast.QASMNode, sentence: str) -> NoReturn:
    """An InputError at the place of a statement or an expression."""
    span = node.span
    where = "" if span is None else f"line {span.start_line}, column {span.start_column + 1}: "
    raise InputError(f"{where}{sentence}") from None


@contextmanager
def placed_at(node: ast.QASMNode) -> Iterator[None]:
    """Errors in here are at the place of a statement, unless they name one."""
    try:
        yield
    except InputError as error:
        if str(error).startswith("line "):
            raise
        refuse(node, str(error))


@dataclass
class Scope:
    """The names that are known at a place of a program."""

    old: bool = False
    """Whether it is OpenQASM 2, where every quotient is one of real numbers."""
    frames: list[dict[Any, Value]] = field(default_factory=lambda: [{}])
    steps: int = 0

    def count(self, node: ast.QASMNode, steps: int = 1) -> None:
        """So many more steps of the program."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            refuse(node, f"the program takes more than {MOST_STEPS} steps.")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A block with names of its own."""
        self.frames.append({})
        try:
            yield
        finally:
            self.frames.pop()

    @contextmanager
    def alone(self, names: dict[str, Value]) -> Iterator[None]:
        """The body of a gate: its own names, and constants."""
        outer = self.frames
        self.frames = [{name: x for name, x in outer[0].items() if isinstance(x, int | float)}, names]
        try:
            yield
        finally:
            self.frames = outer

    def declare(self, node: ast.QASMNode, name: str, value: Value, kind: ast.ClassicalType | None = None) -> None:
        """A new name; of a classical variable of this type, whose value becomes one of it."""
        if name in self.frames[-1]:
            refuse(node, f"{name!r} is declared already: choose another name.")
        self.frames[-1][name] = value if kind is None else self.cast(node, kind, value)
        self.frames[-1][name, "type"] = kind

    def assign(self, node: ast.QASMNode, name: str, value: Value) -> None:
        """Another value for a name that is there, of its type."""
        for frame in reversed(self.frames):
            if name in frame:
                kind = frame.get((name, "type"))
                frame[name] = value if kind is None else self.cast(node, kind, value)
                return
        refuse(node, f"{name!r} is not declared.")

    def find(self, node: ast.QASMNode, name: str) -> Value:
        """What a name stands for."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        refuse(node, f"{name!r} is not declared.")

    # expressions ---------------------------------------------------------------------------------------------------

    def number(self, node: ast.Expression) -> int | float:
        """The number that an expression is."""
        return self._number(node, self.value(node))

    def _number(self, node: ast.Expression, value: Value) -> int | float:
        if isinstance(value, Affine):
            refuse(node, f"a number is needed here; found {value}, which has a free parameter.")
        if isinstance(value, Bits):
            value = self._integer(node, value)
        if not isinstance(value, int | float):
            refuse(node, "a number is needed here.")
        return value

    def integer(self, node: ast.Expression) -> int:
        """The integer that an expression is."""
        value = self.number(node)
        if isinstance(value, float):
            refuse(node, f"an integer is needed here; found {value:g}.")
        return int(value)

    def angle(self, node: ast.Expression) -> Affine:
        """The number or the affine expression of free parameters that an expression is."""
        value = self.value(node)
        return value if isinstance(value, Affine) else Affine((), float(self._number(node, value)))

    def value(self, node: ast.Expression) -> Value:
        """What an expression stands for."""
        self.count(node)
        try:
            found = self._value(node)
        except InputError:
            with placed_at(node):
                raise
        except (ArithmeticError, ValueError, TypeError) as error:
            refuse(node, f"this cannot be computed: {error}.")
        if isinstance(found, int) and abs(found) >= LONGEST:
            refuse(node, "an integer of more than 63 bits is computed here.")
        if isinstance(found, complex) or (isinstance(found, float) and not math.isfinite(found)):
            refuse(node, f"a finite real number is needed here; found {found}.")
        return found

    def _value(self, node: ast.Expression) -> Value:
        match node:
            case ast.IntegerLiteral() | ast.FloatLiteral() | ast.BooleanLiteral():
                return node.value
            case ast.BitstringLiteral():
                return Bits("", _low(node.value, node.width))
            case ast.Identifier():
                return self.find(node, node.name)
            case ast.UnaryExpression():
                return self._unary(node)
            case ast.BinaryExpression():
                return self._binary(node)
            case ast.FunctionCall():
                return self._called(node)
            case ast.Cast():
                return self.cast(node, node.type, self.value(node.argument))
            case ast.IndexExpression(collection=ast.Identifier()):
                return self.indexed(node, self.value(node.collection), node.index)
            case ast.SizeOf(target=target, index=None):
                value = self.value(target)
                if isinstance(value, Qubits | Bits):
                    return len(value.sites if isinstance(value, Qubits) else value.values)
                refuse(node, "only registers have a size.")
        refuse(node, f"{words(node)} has no counterpart in a circuit of gates and channels.")

    def _unary(self, node: ast.UnaryExpression) -> Value:
        x = self.value(node.expression)
        if node.op.name == "~":  # of a number it would depend on how many bits it has
            held = x if isinstance(x, Bits) else refuse(node, "~ turns the bits of a register around; cast to bit[n].")
            return Bits("", _low(~self._integer(node, held), len(held.values)))
        x = self._known(node, x)
        if isinstance(x, Affine) and node.op.name != "-":
            refuse(node, f"{node.op.name}{x} is not affine in the free parameters: give it a name of its own.")
        return UNARY[node.op.name](x)

    def _binary(self, node: ast.BinaryExpression) -> Value:
        x, y, name = self.value(node.lhs), self.value(node.rhs), node.op.name
        size = len(x.values) if isinstance(x, Bits) and name == "<<" else 0
        if self.old:
            x, y = (float(v) if name == "/" and isinstance(v, int) else v for v in (x, y))
        x, y = self._known(node.lhs, x), self._known(node.rhs, y)
        if isinstance(x, Affine) or isinstance(y, Affine):
            linear = not (isinstance(x, Affine) and isinstance(y, Affine)) or name in "+-"
            if name not in AFFINE or not linear or (name == "/" and isinstance(y, Affine)):
                refuse(node, f"{x} {name} {y} is not affine in the free parameters: give it a name of its own.")
            if name == "*" and isinstance(y, Affine):
                x, y = y, x
        found = BINARY[name](x, y)
        return Bits("", _low(found, size)) if size else found  # what is shifted out of a register is lost

    def _called(self, node: ast.FunctionCall) -> Value:
        if node.name.name not in FUNCTIONS:
            refuse(node, f"the function {node.name.name} has no counterpart here; known are {', '.join(FUNCTIONS)}.")
        arguments = [self.value(a) for a in node.arguments]
        if any(isinstance(a, Affine) for a in arguments):
            refuse(node, f"{node.name.name} of a free parameter is not affine: give it a name of its own.")
        return FUNCTIONS[node.name.name](*(self._known(n, a) for n, a in zip(node.arguments, arguments, strict=True)))

    def cast(self, node: ast.QASMNode, kind: ast.ClassicalType, value: Value) -> Value:
        """A value as one of a declared type."""
        if isinstance(value, Affine) and isinstance(kind, ast.FloatType | ast.AngleType):
            return value
        if isinstance(value, Affine | Qubits):
            refuse(node, "a number is needed here.")
        value = self._known(node, value) if not isinstance(kind, ast.BitType) else value
        match kind:
            case ast.IntType() | ast.UintType():
                whole, sign = int(value), isinstance(kind, ast.IntType)
                if kind.size is not None:
                    size = self.size(kind.size)
                    if (~whole if sign and whole < 0 else whole) >> (size - sign):
                        refuse(node, f"{whole} is outside {'int' if sign else 'uint'}[{size}].")
                return whole
            case ast.FloatType() | ast.AngleType():
                return float(value)
            case ast.BoolType():
                return bool(value)
            case ast.BitType():
                size = 1 if kind.size is None else self.size(kind.size)
                return Bits("", self.bits(node, value, size), kind.size is None)
        refuse(node, f"{words(kind)} has no counterpart in a circuit of gates and channels.")

    def bits(self, node: ast.QASMNode, value: Value, count: int) -> list[bool | Result]:
        """A value as so many bits."""
        if isinstance(value, Affine | Qubits | float):
            refuse(node, "bits or an integer are needed here.")
        self.count(node, count)
        if not isinstance(value, Bits):
            whole = int(value)
            if not -(1 << count) <= 2 * whole < 2 << count:
                refuse(node, f"{whole} does not fit in {plural(count, 'bit')}.")
            return _low(whole, count)
        if len(value.values) != count:
            refuse(node, f"{plural(count, 'bit')} {'is' if count == 1 else 'are'} assigned {len(value.values)}.")
        return list(value.values)

    def size(self, node: ast.Expression, most: int = 1_000_000) -> int:
        """The size of a register."""
        size = self.integer(node)
        if not 0 < size <= most:
            refuse(node, f"a register has from 1 to {most} entries here; found {size}.")
        return size

    def indexed(self, node: ast.QASMNode, value: Value, index: Any) -> Value:
        """Entries of a register, or a bit of an integer."""
        if isinstance(value, Qubits):
            places, one = self.places(node, index, len(value.sites))
            return self.distinct(node, tuple(value.sites[i] for i in places), one)
        if isinstance(value, bool) or not isinstance(value, int | Bits):
            refuse(node, "only registers and integers have an index.")
        if isinstance(value, int):
            places, _ = self.places(node, index, 64)
            return bool(value >> places[0] & 1) if len(places) == 1 else refuse(node, "one bit is needed.")
        places, one = self.places(node, index, len(value.values))
        self.count(node, len(places))
        return Bits(value.name, [value.values[i] for i in places], one)

    def qubits(self, node: ast.QASMNode, name: ast.Identifier | ast.IndexedIdentifier) -> Qubits:
        """The qubits that an operand names."""
        if isinstance(name, ast.Identifier):
            if name.name.startswith("$"):
                refuse(node, f"{name.name} is a qubit of hardware: declare qubits, as in qubit[2] q;.")
            found = self.find(name, name.name)
        else:
            found = self.find(name, name.name.name)
            for index in name.indices:
                found = self.indexed(name, found, index)
        if not isinstance(found, Qubits):
            refuse(name, "a qubit is needed here.")
        return found

    def distinct(self, node: ast.QASMNode, sites: tuple[int, ...], one: bool = False) -> Qubits:
        """Some qubits, each of which comes once."""
        if len(set(sites)) < len(sites):
            refuse(node, "a qubit comes twice among these: name each once.")
        return Qubits(sites, one)

    def places(self, node: ast.QASMNode, index: Any, size: int) -> tuple[list[int], bool]:
        """The entries that an index stands for, and whether it is one."""
        if isinstance(index, list):
            if len(index) != 1:
                refuse(node, "a register has one index.")
            index = index[0]
        if isinstance(index, ast.RangeDefinition):
            found, one = self.counted(index, size, node), False
        elif isinstance(index, ast.DiscreteSet):
            found, one = [self.integer(v) for v in index.values], False
        else:
            found, one = [self.integer(index)], True
        for i in found:
            if not -size <= i < size:
                refuse(node, f"index {i} is outside a register of {size}.")
        return [i % size for i in found], one

    def counted(self, node: ast.RangeDefinition, size: int | None, where: ast.QASMNode) -> list[int]:
        """The integers of a range, both ends included."""
        if size is None and (node.start is None or node.end is None):
            refuse(where, "a range needs both ends here.")
        step = 1 if node.step is None else self.integer(node.step)
        if step == 0:
            refuse(where, "the step of a range must not be zero.")
        start = 0 if node.start is None else self.integer(node.start)
        end = (size or 0) - 1 if node.end is None else self.integer(node.end)
        if size is not None:
            start, end = (i + size if i < 0 else i for i in (start, end))
        found = range(start, end + (1 if step > 0 else -1), step)
        if len(found) > 1_000_000:
            refuse(where, f"a range of {len(found)} integers is too long.")
        self.count(where, len(found))
        return list(found)

    def _known(self, node: ast.QASMNode, value: Value) -> Value:
        return self._integer(node, value) if isinstance(value, Bits) else value

    def _integer(self, node: ast.QASMNode, bits: Bits) -> int:
        if any(isinstance(value, Result) for value in bits.values):
            rule = "classical feedback has no counterpart in a circuit of gates and channels"
            advice = "write it as controlled gates, measured at the end"
            refuse(node, f"{bits.name or 'a bit'} holds a measured result, and {rule}: {advice}.")
        self.count(node, len(bits.values))
        return sum(bool(value) << i for i, value in enumerate(bits.values))


def _low(whole: int, count: int) -> list[bool | Result]:
    """The lowest bits of an integer, bit 0 first."""
    return [bool(whole >> i & 1) for i in range(count)]


def words(node: object) -> str:
    """A kind of statement, expression or type in words: "a switch", "an array type"."""
    name = re.sub("(Statement|Instruction|Definition|Declaration)$", "", type(node).__name__)
    text = "".join(f" {c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))
    return f"an {text}" if text[0] in "aeiou" else f"a {text}"
