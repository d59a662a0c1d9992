"""Values, memory and arithmetic of compiled functions: what the compiler and intrinsics put into LLVM's instructions.

A value is a scalar of LLVM, a number that is known already (of Python), a tuple of values, or an :class:`Array`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from qml.engines._llvm.language import LANES, CannotCompile, fields_of

if TYPE_CHECKING:
    from qml.engines._llvm.unit import Unit

WORD, SHORT, REAL, BIT = ir.IntType(64), ir.IntType(32), ir.DoubleType(), ir.IntType(1)
BYTES = ir.IntType(8).as_pointer()
ROW = ir.VectorType(REAL, LANES)
SCALARS = {"int": WORD, "float": REAL, "bool": BIT, "None": ir.VoidType()}
ELEMENTS = {"F": REAL, "I": WORD, "U": SHORT}
ON_STACK = 1024
"""Numbers up to which room whose size is known lies on the stack."""
LINE = 64
"""Bytes of a line of the cache, at which room begins."""

_ARITHMETIC: dict[type, tuple[Callable[..., Any], str, str]] = {
    ast.Add: (operator.add, "add", "fadd"),
    ast.Sub: (operator.sub, "sub", "fsub"),
    ast.Mult: (operator.mul, "mul", "fmul"),
    ast.Div: (operator.truediv, "", "fdiv"),
    ast.BitAnd: (operator.and_, "and_", ""),
    ast.BitOr: (operator.or_, "or_", ""),
    ast.BitXor: (operator.xor, "xor", ""),
    ast.LShift: (operator.lshift, "shl", ""),
    ast.RShift: (operator.rshift, "ashr", ""),
    ast.FloorDiv: (operator.floordiv, "", ""),
    ast.Mod: (operator.mod, "", ""),
}
_COMPARISONS: dict[type, str] = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@dataclass(frozen=True)
class Array:
    """A C-contiguous array: where it begins, and its lengths."""

    data: Any
    shape: tuple[Any, ...]


def types_of(kind: Any) -> list[Any]:
    """The LLVM types that a parameter of this kind is passed as."""
    if not isinstance(kind, str):
        return [t for field in fields_of(kind) for t in types_of(field)]
    if kind in SCALARS:
        return [SCALARS[kind]]
    return [ELEMENTS[kind[0]].as_pointer(), *[WORD] * int(kind[1])]


def like(value: Any, items: Iterable[Any]) -> Any:
    """A tuple or record like this one, of other items."""
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)


class Frame:
    """What belongs to one function while it is written out: variables, loops around, where `return` leads."""

    def __init__(self, function: FunctionType, end: Any) -> None:
        self.function, self.end = function, end
        self.bound: dict[str, Any] = {}
        self.slots: dict[str, tuple[Any, list[Any]]] = {}
        self.loops: list[tuple[Any, Any]] = []
        self.result: tuple[Any, list[Any]] | None = None


class Body:
    """Instructions of one function, and the variables in sight."""

    WORD, SHORT, ROW, HALF = WORD, SHORT, ROW, ir.VectorType(REAL, LANES // 2)

    def __init__(self, unit: Unit, entry: Any, builder: Any) -> None:
        self.unit, self.builder = unit, builder
        self._entry = entry  # a builder in the first block, for room on the stack
        self._heap: list[Any] = []
        self._frame: Frame

    # values ----------------------------------------------------------------------------------------------------------

    def word(self, value: Any) -> Any:
        """A value as an integer."""
        if isinstance(value, bool | int):
            return ir.Constant(WORD, int(value))
        if value.type == BIT:
            return self.builder.zext(value, WORD)
        if value.type != WORD:
            raise CannotCompile(f"{value.type} is no integer")
        return value

    def real(self, value: Any) -> Any:
        """A value as a float."""
        if isinstance(value, bool | int | float):
            return ir.Constant(REAL, float(value))
        return value if value.type == REAL else self.builder.sitofp(self.word(value), REAL)

    def row(self, value: Any) -> Any:
        """A value in every lane."""
        if getattr(value, "type", None) == ROW:
            return value
        if isinstance(value, int | float):
            return ir.Constant(ROW, [float(value)] * LANES)
        return self.spread(self.real(value), LANES)

    def spread(self, scalar: Any, lanes: int) -> Any:
        """A scalar in so many lanes."""
        nothing = ir.Constant(ir.VectorType(REAL, lanes), ir.Undefined)
        return self.shuffled(self.builder.insert_element(nothing, scalar, SHORT(0)), nothing, *[0] * lanes)

    def shuffled(self, a: Any, b: Any, *places: int) -> Any:
        """The lanes at these places, counted through a and b."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(SHORT, len(places)), list(places)))

    def truth(self, value: Any) -> Any:
        """A value as a bit."""
        value = self.ready(value)
        if value.type == BIT:
            return value
        if value.type == REAL:
            return self.builder.fcmp_unordered("!=", value, ir.Constant(REAL, 0.0))
        return self.builder.icmp_signed("!=", value, ir.Constant(WORD, 0))

    def ready(self, value: Any) -> Any:
        """A number that is known, as a value of LLVM."""
        if isinstance(value, bool):
            return ir.Constant(BIT, int(value))
        return self.word(value) if isinstance(value, int) else self.real(value) if isinstance(value, float) else value

    def cast(self, value: Any, kind: Any) -> Any:
        """A scalar of another type."""
        if kind == BIT:
            return self.truth(value)
        return self.word(value) if kind == WORD else self.real(value) if kind == REAL else self.row(value)

    def parts(self, value: Any) -> list[Any]:
        """The scalars that a value is made of."""
        if isinstance(value, tuple):
            return [part for item in value for part in self.parts(item)]
        return [value.data, *map(self.word, value.shape)] if isinstance(value, Array) else [self.ready(value)]

    def joined(self, value: Any, parts: Iterator[Any]) -> Any:
        """A value like this one, made of other scalars."""
        if isinstance(value, tuple):
            return like(value, [self.joined(item, parts) for item in value])
        if isinstance(value, Array):
            return Array(next(parts), tuple(next(parts) for _ in value.shape))
        return next(parts)

    # memory ----------------------------------------------------------------------------------------------------------

    def load(self, address: Any) -> Any:
        """What stands there; uint32 become integers of 64 bits."""
        value = self.builder.load(address)
        value.set_metadata("tbaa", self.unit.alias(value.type))
        value.align = 4 if value.type == ELEMENTS["U"] else 8
        return self.builder.zext(value, WORD) if value.type == ELEMENTS["U"] else value

    def store(self, value: Any, address: Any) -> None:
        stored = self.builder.store(value, address)
        stored.set_metadata("tbaa", self.unit.alias(value.type))
        stored.align = 8

    def address(self, array: Array, index: Any, kind: Any = None) -> Any:
        """Of entry `index`, counted along the whole array; `kind`: as a pointer to that."""
        place = self.builder.gep(array.data, [self.word(index)], inbounds=True)
        return place if kind is None else self.builder.bitcast(place, kind.as_pointer())

    def stack(self, kind: Any, count: int | None = None, align: int | None = None) -> Any:
        """Room on the stack."""
        place = self._entry.alloca(kind, count)
        if align:
            place.align = align
        return place

    def room(self, shape: tuple[Any, ...], element: Any, zero: bool) -> Array:
        """A new array, which is gone when the function ends."""
        builder = self.builder
        size: Any = 1
        for length in shape:
            size = self.arithmetic(ast.Mult, size, length)
        if isinstance(size, int) and size <= ON_STACK:
            data = self.stack(element, size, LINE)
        else:
            held = self._entry.alloca(BYTES)
            self._entry.store(BYTES(None), held)
            self._heap.append(held)
            free = self.unit.external("PyMem_RawFree", ir.VoidType(), BYTES)
            allocate = self.unit.external("PyMem_RawMalloc", BYTES, WORD)
            allocate.return_value.add_attribute("noalias")
            builder.call(free, [builder.load(held)])
            memory = builder.call(allocate, [builder.add(builder.mul(self.word(size), WORD(8)), WORD(LINE))])
            builder.store(memory, held)
            up = builder.and_(builder.neg(builder.ptrtoint(memory, WORD)), WORD(LINE - 1))
            data = builder.bitcast(builder.gep(memory, [up], inbounds=True), element.as_pointer())
        array = Array(data, shape)
        if zero:
            self.fill(Array(data, (size,)), 0)
        return array

    def fill(self, array: Array, value: Any) -> None:
        """The value to every entry."""
        kind = array.data.type.pointee
        given = self.real(value) if kind == REAL else self.word(value)
        with self.counting(0, array.shape[0]) as index:
            self.store(given, self.address(array, index))

    @contextmanager
    def counting(self, start: Any, stop: Any, step: Any = 1, down: bool = False) -> Iterator[Any]:
        """A loop over range(start, stop, step), with a step below zero if `down`; for the statements in it, too."""
        builder, frame = self.builder, self._frame
        counter, last = self.stack(WORD), self.word(stop)
        builder.store(self.word(start), counter)
        head, body, following, end = (builder.append_basic_block(name) for name in ("head", "body", "next", "end"))
        builder.branch(head)
        builder.position_at_end(head)
        now = builder.load(counter)
        builder.cbranch(builder.icmp_signed(">" if down else "<", now, last), body, end)
        builder.position_at_end(body)
        frame.loops.append((following, end))
        yield now
        frame.loops.pop()
        self.go(following)
        builder.position_at_end(following)
        builder.store(builder.add(builder.load(counter), self.word(step), flags=("nsw",)), counter)
        builder.branch(head)
        builder.position_at_end(end)

    def go(self, block: Any) -> None:
        """To the block, unless something else follows already."""
        if not self.builder.block.is_terminated:
            self.builder.branch(block)

    # arithmetic ------------------------------------------------------------------------------------------------------

    def arithmetic(self, kind: type, a: Any, b: Any) -> Any:
        """a + b, a * b, ..."""
        python, word, real = _ARITHMETIC[kind]
        known = isinstance(a, bool | int | float), isinstance(b, bool | int | float)
        if all(known):
            return python(a, b)
        types = [getattr(value, "type", REAL if isinstance(value, float) else None) for value in (a, b)]
        builder = self.builder
        if ROW in types:
            return getattr(builder, real)(self.row(a), self.row(b), flags=("contract",))
        if REAL in types or kind is ast.Div:
            return getattr(builder, real)(self.real(a), self.real(b))
        bits = [isinstance(value, bool) or t == BIT for value, t in zip((a, b), types, strict=True)]
        if all(bits) and kind in (ast.BitAnd, ast.BitOr, ast.BitXor):
            return getattr(builder, word)(self.ready(a), self.ready(b))
        if kind in (ast.FloorDiv, ast.Mod):
            return self._divided(kind, self.word(a), b)
        flags = ("nsw",) if kind in (ast.Add, ast.Sub, ast.Mult) else ()
        return getattr(builder, word)(self.word(a), self.word(b), flags=flags)

    def _divided(self, kind: type, a: Any, b: Any) -> Any:
        """Floor division, or what is left."""
        builder = self.builder
        if isinstance(b, int) and b > 0 and b & (b - 1) == 0:
            if kind is ast.Mod:
                return builder.and_(a, WORD(b - 1))
            return builder.ashr(a, WORD(b.bit_length() - 1))
        b = self.word(b)
        quotient, rest = builder.sdiv(a, b), builder.srem(a, b)
        other = builder.icmp_signed("<", builder.xor(rest, b), WORD(0))
        lower = builder.and_(other, builder.icmp_signed("!=", rest, WORD(0)))
        if kind is ast.Mod:
            return builder.select(lower, builder.add(rest, b), rest)
        return builder.sub(quotient, builder.zext(lower, WORD))

    def compare(self, kind: type, a: Any, b: Any) -> Any:
        """a == b, a < b, ..."""
        sign = _COMPARISONS[kind]
        types = [getattr(value, "type", REAL if isinstance(value, float) else None) for value in (a, b)]
        if REAL in types:
            compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
            return compare(sign, self.real(a), self.real(b))
        return self.builder.icmp_signed(sign, self.word(a), self.word(b))

    def negative(self, value: Any) -> Any:
        """-value."""
        if isinstance(value, int | float):
            return -value
        if value.type in (REAL, ROW):
            return self.builder.fneg(value)
        return self.builder.sub(WORD(0), self.word(value), flags=("nsw",))
