"""From the source of a function to LLVM: calls and statements. :mod:`qml.engines._llvm.language` says which."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from qml.engines._llvm.expressions import Expressions
from qml.engines._llvm.language import CannotCompile, Function, Inline, Intrinsic, fields_of, signature_of, tree_of
from qml.engines._llvm.values import BYTES, REAL, ROW, SCALARS, WORD, Array, Frame, like

if TYPE_CHECKING:
    from qml.engines._llvm.unit import Unit


class Compiler(Expressions):
    """The body of a declared function, written out from its source."""

    def __init__(self, unit: Unit, function: FunctionType, declared: Any) -> None:
        entry, body = declared.append_basic_block("entry"), declared.append_basic_block("body")
        super().__init__(unit, ir.IRBuilder(entry), ir.IRBuilder(body))
        parameters, result = signature_of(function)
        arguments = iter(declared.args)

        def given(kind: Any) -> Any:
            if not isinstance(kind, str):
                return kind(*map(given, fields_of(kind)))
            first, axes = next(arguments), 0 if kind in SCALARS else int(kind[1])
            return Array(first, tuple(next(arguments) for _ in range(axes))) if axes else first

        values = [given(kind) for kind in parameters]
        self._frame = Frame(function, None)
        value = self.expand(function, values)
        self.release()
        if result == "None":
            self.builder.ret_void()
        else:
            self.builder.ret(self.cast(value, SCALARS[result]))
        self._entry.branch(body)

    # calls -----------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
            array = self.evaluate(node.func.value)
            return Array(array.data, (self._size(array),))
        target = self.evaluate(node.func)
        if target in (np.empty, np.zeros):
            return self._new(node, target is np.zeros)
        values = list(map(self.evaluate, node.args))
        if target in (np.cos, np.sin):
            name = f"llvm.{target.__name__}.f64"
            return self.builder.call(self.unit.external(name, REAL, REAL), [self.real(values[0])])
        if target in (min, max):
            return self._extreme(ast.Lt if target is min else ast.Gt, values)
        if isinstance(target, Intrinsic):
            self.unit.files.add(target.function.__code__.co_filename)
            return target.function(self, *values)
        if isinstance(target, type) and issubclass(target, tuple):  # a record
            return target(*values)
        if isinstance(target, Inline):
            return self.expand(target.function, values)
        if isinstance(target, Function):
            declared = self.unit.declare(target)
            given = [part for value in values for part in self.parts(value)]
            wanted = [argument.type for argument in declared.args]
            return self.builder.call(
                declared, [p if p.type == t else self.cast(p, t) for p, t in zip(given, wanted, strict=True)]
            )
        return self._unknown(node)

    def _new(self, node: ast.Call, zero: bool) -> Array:
        shape = self.evaluate(node.args[0])
        element = REAL if len(node.args) == 1 else WORD
        return self.room(shape if isinstance(shape, tuple) else (shape,), element, zero)

    def _extreme(self, kind: type, values: list[Any]) -> Any:
        best, *rest = values
        for value in rest:
            before = self.compare(kind, value, best)
            best = self.builder.select(before, self.ready(value), self.ready(best))
        return best

    def expand(self, function: FunctionType, values: list[Any]) -> Any:
        """A function written out here."""
        frame = Frame(function, self.builder.append_basic_block(function.__name__))
        tree = tree_of(function)
        self.unit.files.add(function.__code__.co_filename)
        outer, self._frame = self._frame, frame
        changed = _assigned(tree)
        for argument, value in zip(tree.args.args, values, strict=True):
            if argument.arg in changed:
                self.assign(argument.arg, value)
            else:
                frame.bound[argument.arg] = value
        self.run(tree.body)
        self.go(frame.end)
        self.builder.position_at_end(frame.end)
        result = None
        if frame.result is not None:
            shape, places = frame.result
            result = self.joined(shape, iter([self.builder.load(place) for place in places]))
        self._frame = outer
        return result

    # statements ------------------------------------------------------------------------------------------------------

    def run(self, statements: list[ast.stmt]) -> None:
        """Statements, one after another."""
        for node in statements:
            if self.builder.block.is_terminated:  # what follows is never reached
                return
            getattr(self, f"_{type(node).__name__.lower()}", self._unknown)(node)

    def assign(self, name: str, value: Any) -> None:
        """A value to a variable."""
        slots, parts = self._frame.slots, self.parts(value)
        if name not in slots:
            slots[name] = (_shape(value), [self.stack(part.type) for part in parts])
        self._put(parts, slots[name][1], name)

    def _put(self, parts: list[Any], places: list[Any], name: str) -> None:
        for part, place in zip(parts, places, strict=True):
            kind = place.type.pointee
            if part.type != kind and (part.type == ROW or kind == ROW or (part.type == REAL and kind == WORD)):
                raise CannotCompile(f"{self._frame.function.__name__}: {name} is {kind} first, {part.type} later")
            self.builder.store(part if part.type == kind else self.cast(part, kind), place)

    def _expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.evaluate(node.value)

    def _annassign(self, node: ast.AnnAssign) -> None:
        assert node.value is not None
        self._give(node.target, self.evaluate(node.value))

    def _assign(self, node: ast.Assign) -> None:
        (target,) = node.targets
        self._give(target, self.evaluate(node.value))

    def _give(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.assign(target.id, value)
        elif isinstance(target, ast.Tuple):
            if isinstance(value, Array):  # the first entries of a row
                value = tuple(self.load(self.address(value, i)) for i in range(len(target.elts)))
            for item, part in zip(target.elts, value, strict=True):
                self._give(item, part)
        elif isinstance(target, ast.Subscript):
            array = self.evaluate(target.value)
            if isinstance(target.slice, ast.Slice):
                self.fill(self._part(array, target.slice), value)
            else:
                place = self._place(array, target.slice)
                self.store(self.cast(value, place.type.pointee), place)
        else:
            self._unknown(target)

    def _augassign(self, node: ast.AugAssign) -> None:
        kind = type(node.op)
        if isinstance(node.target, ast.Name):
            before = self._name(ast.Name(node.target.id))
            self.assign(node.target.id, self.arithmetic(kind, before, self.evaluate(node.value)))
            return
        assert isinstance(node.target, ast.Subscript)
        place = self._place(self.evaluate(node.target.value), node.target.slice)
        value = self.arithmetic(kind, self.load(place), self.evaluate(node.value))
        self.store(self.cast(value, place.type.pointee), place)

    def _if(self, node: ast.If) -> None:
        test = self.truth(self.evaluate(node.test))
        builder = self.builder
        yes, no, end = (builder.append_basic_block(name) for name in ("then", "else", "done"))
        builder.cbranch(test, yes, no)
        for block, statements in ((yes, node.body), (no, node.orelse)):
            builder.position_at_end(block)
            self.run(statements)
            self.go(end)
        builder.position_at_end(end)

    def _while(self, node: ast.While) -> None:
        builder = self.builder
        head, body, end = (builder.append_basic_block(name) for name in ("while", "do", "done"))
        builder.branch(head)
        builder.position_at_end(head)
        builder.cbranch(self.truth(self.evaluate(node.test)), body, end)
        builder.position_at_end(body)
        self._frame.loops.append((head, end))
        self.run(node.body)
        self._frame.loops.pop()
        self.go(head)
        builder.position_at_end(end)

    def _for(self, node: ast.For) -> None:
        over = node.iter
        if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
            limits = list(map(self.evaluate, over.args))
            start, stop = (0, limits[0]) if len(limits) == 1 else limits[:2]
            step = limits[2] if len(limits) == 3 else 1
            down = len(limits) == 3 and isinstance(over.args[2], ast.UnaryOp)  # -1, -stride
            with self.counting(start, stop, step, down) as now:
                self._give(node.target, now)
                self.run(node.body)
            return
        array = self.evaluate(over)
        with self.counting(0, array.shape[0]) as now:
            self._give(node.target, self.load(self.address(array, now)))
            self.run(node.body)

    def _break(self, node: ast.Break) -> None:
        self.builder.branch(self._frame.loops[-1][1])

    def _continue(self, node: ast.Continue) -> None:
        self.builder.branch(self._frame.loops[-1][0])

    def _return(self, node: ast.Return) -> None:
        frame = self._frame
        if node.value is not None:
            value = self.evaluate(node.value)
            parts = self.parts(value)
            if frame.result is None:
                frame.result = (_shape(value), [self.stack(part.type) for part in parts])
            self._put(parts, frame.result[1], "the result")
        self.builder.branch(frame.end)

    def release(self) -> None:
        """Give back the room."""
        free = self.unit.external("PyMem_RawFree", ir.VoidType(), BYTES)
        for held in self._heap:
            self.builder.call(free, [self.builder.load(held)])


def _shape(value: Any) -> Any:
    """A value that says what a variable is made of, whatever its scalars."""
    if isinstance(value, tuple):
        return like(value, map(_shape, value))
    return Array(None, (None,) * len(value.shape)) if isinstance(value, Array) else None


def _assigned(tree: ast.FunctionDef) -> set[str]:
    """The names that a function assigns."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
