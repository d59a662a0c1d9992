"""Eight float64 as one value in compiled code: loads, stores and arithmetic that LLVM keeps in vector registers.

LLVM does not vectorise a loop over sixteen streams of one array by itself (it cannot prove that they do not overlap),
so the kernels say what they mean. On processors with narrower registers LLVM splits each operation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin

LANES = 8
_LLVM = ir.VectorType(ir.DoubleType(), LANES)
_INT = ir.IntType(32)


class LanesType(types.Type):
    """The Numba type of eight float64."""

    def __init__(self) -> None:
        super().__init__(name="float64x8")


lanes = LanesType()


@register_default(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _LLVM)


def _spread(builder: Any, scalar: Any) -> Any:
    """The scalar in every lane."""
    nothing = ir.Constant(_LLVM, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES))


def _arithmetic(function: Callable[..., Any], instruction: str) -> None:
    @infer_global(function)
    class _Signatures(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) != 2 or not isinstance(args[1], LanesType):
                return None
            if isinstance(args[0], LanesType):
                return signature(lanes, lanes, lanes)
            return signature(lanes, types.float64, lanes) if isinstance(args[0], types.Float) else None

    @lower_builtin(function, lanes, lanes)
    def _both(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=("contract",))

    @lower_builtin(function, types.float64, lanes)
    def _scaled(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(_spread(builder, args[0]), args[1], flags=("contract",))


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _LLVM.as_pointer())


def _load(typing: Any, array: Any, index: Any) -> Any:
    """The lanes array[index : index + 8]; the bounds are not checked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_address(context, builder, sig.args[0], args[0], args[1]))
        value.align = 8
        return value

    return lanes(array, types.intp), generate


def _store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 8] = value; the bounds are not checked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, sig.args[0], args[0], args[1])).align = 8
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), generate


def _dot(typing: Any, m: Any, first: Any, step: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """m[first] a + m[first + step] b + m[first + 2 step] c + m[first + 3 step] d; the bounds are not checked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        index, step, *values = args[1:]
        total = None
        for value in values:
            scalar = builder.load(builder.gep(data, [index]))
            term = builder.fmul(_spread(builder, scalar), value, flags=("contract",))
            total = term if total is None else builder.fadd(total, term, flags=("contract",))
            index = builder.add(index, step)
        return total

    return lanes(m, types.intp, types.intp, lanes, lanes, lanes, lanes), generate


load: Callable[..., Any] = intrinsic(_load)
store: Callable[..., Any] = intrinsic(_store)
dot: Callable[..., Any] = intrinsic(_dot)
