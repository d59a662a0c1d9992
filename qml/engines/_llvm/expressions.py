"""Expressions of compiled functions: their values, from the source."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from qml.engines._llvm.language import CannotCompile
from qml.engines._llvm.values import BIT, Array, Body


class Expressions(Body):
    """Values of expressions, but for calls, in a function that is being written out."""

    def evaluate(self, node: ast.expr) -> Any:
        """The value of an expression."""
        return getattr(self, f"_{type(node).__name__.lower()}", self._unknown)(node)

    def _unknown(self, node: ast.AST) -> Any:
        raise CannotCompile(f"{self._frame.function.__name__}, line {getattr(node, 'lineno', 0)}: {ast.unparse(node)}")

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        frame = self._frame
        if node.id in frame.bound:
            return frame.bound[node.id]
        if node.id in frame.slots:
            shape, places = frame.slots[node.id]
            return self.joined(shape, iter([self.builder.load(place) for place in places]))
        return self._global(node.id, getattr(builtins, node.id, None))

    def _global(self, name: str, other: Any) -> Any:
        scope = self._frame.function.__globals__
        value = scope.get(name, other)
        if value is None:
            raise CannotCompile(f"{self._frame.function.__name__}: {name} is not known")
        self._note(scope["__name__"], name, value)
        return value

    def _note(self, module: str, name: str, value: Any) -> None:
        if isinstance(value, int | float | tuple):
            self.unit.constants[module, name] = repr(value)

    def _attribute(self, node: ast.Attribute) -> Any:
        value = self.evaluate(node.value)
        if isinstance(value, Array):
            if node.attr == "shape":
                return value.shape
            if node.attr == "size":
                return self._size(value)
            self._unknown(node)
        found = getattr(value, node.attr)
        if isinstance(value, tuple):  # a record
            return found
        self._note(value.__name__, node.attr, found)
        return found

    def _size(self, array: Array) -> Any:
        size = array.shape[0]
        for length in array.shape[1:]:
            size = self.arithmetic(ast.Mult, size, length)
        return size

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(map(self.evaluate, node.elts))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.USub):
            return self.negative(value)
        return self.builder.not_(self.truth(value))

    def _binop(self, node: ast.BinOp) -> Any:
        return self.arithmetic(type(node.op), self.evaluate(node.left), self.evaluate(node.right))

    def _compare(self, node: ast.Compare) -> Any:
        (operation,), (other,) = node.ops, node.comparators
        return self.compare(type(operation), self.evaluate(node.left), self.evaluate(other))

    def _boolop(self, node: ast.BoolOp) -> Any:
        wanted = isinstance(node.op, ast.Or)
        first, *rest = node.values
        truth = self.truth(self.evaluate(first))

        def known() -> Any:
            return ir.Constant(BIT, int(wanted))

        for other in rest:

            def later(node: ast.expr = other) -> Any:
                return self.truth(self.evaluate(node))

            truth = self._either(truth, *((known, later) if wanted else (later, known)))
        return truth

    def _ifexp(self, node: ast.IfExp) -> Any:
        test = self.truth(self.evaluate(node.test))
        return self._either(test, lambda: self.evaluate(node.body), lambda: self.evaluate(node.orelse))

    def _either(self, test: Any, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
        """The value of the one or the other, which are of one type."""
        builder = self.builder
        blocks = [builder.append_basic_block(name) for name in ("yes", "no", "both")]
        builder.cbranch(test, *blocks[:2])
        arms = []
        for block, make in zip(blocks, (first, second), strict=False):
            builder.position_at_end(block)
            value = make()
            parts = self.parts(value)
            arms.append((parts, builder.block))
            builder.branch(blocks[2])
        builder.position_at_end(blocks[2])
        merged = []
        for one, other in zip(arms[0][0], arms[1][0], strict=True):
            if one.type != other.type:
                raise CannotCompile(f"{self._frame.function.__name__}: {one.type} or {other.type}")
            phi = builder.phi(one.type)
            phi.add_incoming(one, arms[0][1])
            phi.add_incoming(other, arms[1][1])
            merged.append(phi)
        return self.joined(value, iter(merged))

    def _subscript(self, node: ast.Subscript) -> Any:
        value, index = self.evaluate(node.value), node.slice
        if isinstance(value, tuple):
            number = self.evaluate(index)
            return value[number] if isinstance(number, int) else self._unknown(node)
        if isinstance(index, ast.Slice):
            return self._part(value, index)
        place = self._place(value, index)
        return place if isinstance(place, Array) else self.load(place)

    def _part(self, array: Array, index: ast.Slice) -> Array:
        """Entries along the first axis."""
        start = 0 if index.lower is None else self.evaluate(index.lower)
        stop = array.shape[0] if index.upper is None else self.evaluate(index.upper)
        length = stop if start == 0 and isinstance(start, int) else self.arithmetic(ast.Sub, stop, start)
        for other in array.shape[1:]:
            start = self.arithmetic(ast.Mult, start, other)
        return Array(self.address(array, start), (length, *array.shape[1:]))

    def _place(self, array: Array, index: ast.expr) -> Any:
        """The address of an entry, or, with fewer indices than axes, a part."""
        nodes = index.elts if isinstance(index, ast.Tuple) else [index]
        if isinstance(nodes[-1], ast.Slice):
            return self._part(self._place(array, ast.Tuple(nodes[:-1])), nodes[-1])
        at: Any = 0
        for number, length in enumerate(array.shape):
            at = self.arithmetic(ast.Mult, at, length)
            if number < len(nodes):
                at = self.arithmetic(ast.Add, at, self.word_of(self.evaluate(nodes[number])))
        place, rest = self.address(array, at), array.shape[len(nodes) :]
        return Array(place, rest) if rest else place

    def word_of(self, value: Any) -> Any:
        """An integer, which may be known."""
        return value if isinstance(value, int) else self.word(value)
