"""One LLVM module: a kernel, all that it calls, and the built-in function that Python calls."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir

from qml.engines._llvm import compiler, expressions, language, machine, values
from qml.engines._llvm.compiler import Compiler
from qml.engines._llvm.language import Function, fields_of, signature_of
from qml.engines._llvm.values import BYTES, ELEMENTS, REAL, SCALARS, WORD, types_of

_HEAD = object.__basicsize__
"""Bytes of a Python object before its own fields."""
_PLAIN = 0x0001 | 0x0100
"""Flags of an array: C-contiguous, and aligned."""
_NUMBERS = {"F": np.dtype(np.float64).num, "I": np.dtype(np.int64).num, "U": np.dtype(np.uint32).num}


class Unit:
    """One LLVM module: a function and all that it calls; what it was made of is in `files` and `constants`."""

    def __init__(self, root: Function) -> None:
        self.module = ir.Module(root.name)
        own = compiler, expressions, language, machine, values
        self.files = {__file__, *(str(module.__file__) for module in own)}
        self.constants: dict[tuple[str, str], str] = {}
        self._known: dict[str, Any] = {}
        self._todo: list[tuple[Function, Any]] = []
        root_kind = self.module.add_metadata(["qml"])
        kinds = [self.module.add_metadata([name, root_kind, ir.Constant(WORD, 0)]) for name in ELEMENTS]
        self._aliases = {
            str(element): self.module.add_metadata([kind, kind, ir.Constant(WORD, 0)])
            for element, kind in zip(ELEMENTS.values(), kinds, strict=True)
        }
        self.root = self.declare(root)
        while self._todo:
            function, declared = self._todo.pop()
            Compiler(self, function.function, declared)

    def alias(self, element: Any) -> Any:
        """The metadata that says that arrays of other elements lie elsewhere."""
        return self._aliases[str(element.element if isinstance(element, ir.VectorType) else element)]

    def declare(self, function: Function) -> Any:
        """The LLVM function, whose body comes later."""
        if function.name not in self._known:
            parameters, result = signature_of(function.function)
            types = [t for kind in parameters for t in types_of(kind)]
            for record in filter(callable, parameters):
                self.files.add(str(sys.modules[record.__module__].__file__))
            declared = ir.Function(self.module, ir.FunctionType(SCALARS[result], types), function.name)
            declared.linkage = "internal"
            declared.attributes.add("noinline")
            self._known[function.name] = declared
            self._todo.append((function, declared))
        return self._known[function.name]

    def external(self, name: str, result: Any, *types: Any) -> Any:
        """A function of the C library or of Python."""
        if name not in self._known:
            self._known[name] = ir.Function(self.module, ir.FunctionType(result, types), name)
        return self._known[name]


def add_call(unit: Unit, kernel: Function) -> None:
    """A built-in function for Python, named as the kernel: from (self, arguments, count), to a number (0 for None)."""
    pointer, python = ir.PointerType(BYTES), unit.external
    declared = ir.Function(unit.module, ir.FunctionType(BYTES, [BYTES, pointer, WORD]), f"{kernel.name}.python")
    builder = ir.IRBuilder(declared.append_basic_block("entry"))
    parameters, result = signature_of(kernel.function)
    refuse = declared.append_basic_block("refuse")

    def field(place: Any, offset: int, kind: Any) -> Any:
        return builder.load(builder.bitcast(builder.gep(place, [WORD(offset)]), kind.as_pointer()))

    def expect(found: Any, wanted: int, sign: str = "==", other: Any = None) -> None:
        following = declared.append_basic_block("go")
        builder.cbranch(builder.icmp_signed(sign, found, found.type(wanted)), following, other or refuse)
        builder.position_at_end(following)

    def item(given: Any, number: int) -> Any:
        found = builder.call(python("PyTuple_GetItem", BYTES, BYTES, WORD), [given, WORD(number)])
        expect(builder.ptrtoint(found, WORD), 0, "!=", wrong)
        return found

    wrong, run = declared.append_basic_block("wrong"), declared.append_basic_block("run")
    expect(declared.args[2], len(parameters))
    values: list[Any] = []
    places = [builder.load(builder.gep(declared.args[1], [WORD(number)])) for number in range(len(parameters))]
    flat: list[tuple[Any, str]] = []
    for place, kind in zip(places, parameters, strict=True):
        fields = [kind] if isinstance(kind, str) else fields_of(kind)
        flat += [(place if isinstance(kind, str) else item(place, i), field) for i, field in enumerate(fields)]
    for given, kind in flat:
        if kind == "float":
            values.append(builder.call(python("PyFloat_AsDouble", REAL, BYTES), [given]))
        elif kind in ("int", "bool"):
            value = builder.call(python("PyLong_AsLongLong", WORD, BYTES), [given])
            values.append(value if kind == "int" else builder.icmp_signed("!=", value, WORD(0)))
        else:  # data, axes, lengths, strides, base, dtype, flags: the fields of an array of NumPy
            axes, small = int(kind[1]), ir.IntType(32)
            expect(field(given, _HEAD + 8, small), axes)
            expect(builder.and_(field(given, _HEAD + 48, small), small(_PLAIN)), _PLAIN)
            expect(field(field(given, _HEAD + 40, BYTES), _HEAD + 12, small), _NUMBERS[kind[0]])
            lengths = field(given, _HEAD + 16, BYTES)
            values.append(builder.bitcast(field(given, _HEAD, BYTES), unit.root.args[len(values)].type))
            values += [field(lengths, 8 * axis, WORD) for axis in range(axes)]
    error = builder.call(python("PyErr_Occurred", BYTES), [])
    builder.cbranch(builder.icmp_unsigned("==", error, BYTES(None)), run, wrong)
    builder.position_at_end(refuse)
    builder.call(python("PyErr_BadArgument", ir.IntType(32)), [])
    builder.branch(wrong)
    builder.position_at_end(wrong)
    builder.ret(BYTES(None))
    builder.position_at_end(run)
    thread = builder.call(python("PyEval_SaveThread", BYTES), [])
    value = builder.call(unit.root, values)
    builder.call(python("PyEval_RestoreThread", ir.VoidType(), BYTES), [thread])
    if result == "float":
        builder.ret(builder.call(python("PyFloat_FromDouble", BYTES, REAL), [value]))
    else:
        number = WORD(0) if result == "None" else value if result == "int" else builder.zext(value, WORD)
        builder.ret(builder.call(python("PyLong_FromLongLong", BYTES, WORD), [number]))
