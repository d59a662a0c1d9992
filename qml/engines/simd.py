"""Eight float64 as one value in compiled code: loads, stores and arithmetic that LLVM keeps in vector registers.

LLVM does not vectorise a loop over sixteen streams of one array by itself (it cannot prove that they do not overlap),
so the kernels say what they mean. On processors with narrower registers LLVM splits each operation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
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


load: Callable[..., Any] = intrinsic(_load)
store: Callable[..., Any] = intrinsic(_store)


MOST_HELD = 16
"""Entries of a matrix up to which it is loaded once, before the loop over tuples, and held in registers."""


def product(p: int, q: int, transposed: bool = False, kept: bool = False) -> Callable[..., Any]:
    r"""An intrinsic that multiplies many tuples of q rows of lanes by a matrix M (p, q): p = q, or p < q.

    ``(x, ids, start, count, m, k)``: the rows of each tuple are listed in ids[start :], tuple after tuple. M has lanes,
    too, M[a, b] = m[k + 8 (q a + b) :]. The last p rows of a tuple become M times the q rows; where `kept`, p more rows
    are listed with each tuple, and hold the result in place of them. Transposed, the last p rows hold g, and M^T g is
    put into the last p, and added to the first q - p. The bounds are not checked.
    """
    step = q + p if kept else q

    def multiply(typing: Any, x: Any, ids: Any, start: Any, count: Any, m: Any, k: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(sig.args[number])(context, builder, args[number]).data

            numbers, listed, entries, word = data(0), data(1), data(4), ir.IntType(64)

            def lanes_at(place: Any) -> Any:
                value = builder.load(place)
                value.align = 8
                return value

            def entry(row: int, column: int) -> Any:
                at = builder.add(args[5], ir.Constant(word, LANES * (row * q + column)))
                return lanes_at(builder.bitcast(builder.gep(entries, [at]), _LLVM.as_pointer()))

            def combined(terms: list[tuple[Any, Any]], total: Any = None) -> Any:
                for factor, value in terms:
                    term = builder.fmul(factor, value, flags=("contract",))
                    total = term if total is None else builder.fadd(total, term, flags=("contract",))
                return total

            held = {}
            if p * q <= MOST_HELD:
                held = {(a, b): entry(a, b) for a in range(p) for b in range(q)}
            with cgutils.for_range(builder, args[3], intp=word) as loop:
                at = builder.add(args[2], builder.mul(loop.index, ir.Constant(word, step)))
                places = []
                for number in range(step):
                    index = builder.load(builder.gep(listed, [builder.add(at, ir.Constant(word, number))]))
                    place = builder.gep(numbers, [builder.zext(index, word)])
                    places.append(builder.bitcast(place, _LLVM.as_pointer()))
                matrix = {(a, b): held.get((a, b)) or entry(a, b) for a in range(p) for b in range(q)}
                if not transposed:
                    rows = [lanes_at(place) for place in places[:q]]
                    out = [combined([(matrix[a, b], rows[b]) for b in range(q)]) for a in range(p)]
                    targets = places[step - p :]
                else:
                    rows = [lanes_at(place) for place in places[q - p :]]
                    before = [lanes_at(place) for place in places[: q - p]] + [None] * p
                    out = [combined([(matrix[a, b], rows[a]) for a in range(p)], before[b]) for b in range(q)]
                    targets = places
                for value, place in zip(out, targets, strict=True):
                    builder.store(value, place).align = 8
            return context.get_dummy_value()

        return types.none(x, ids, types.intp, types.intp, m, types.intp), generate

    return cast(Callable[..., Any], intrinsic(multiply))


_HALF = ir.VectorType(ir.DoubleType(), LANES // 2)


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """The columns of a 4 x 4 matrix of which four vectors are the rows."""

    def shuffle(a: Any, b: Any, *places: int) -> Any:
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT, 4), list(places)))

    a, b, c, d = rows
    ab, ab_odd = shuffle(a, b, 0, 4, 2, 6), shuffle(a, b, 1, 5, 3, 7)
    cd, cd_odd = shuffle(c, d, 0, 4, 2, 6), shuffle(c, d, 1, 5, 3, 7)
    return [shuffle(x, y, *places) for places in ((0, 1, 4, 5), (2, 3, 6, 7)) for x, y in ((ab, cd), (ab_odd, cd_odd))]


def _tile(out: bool, transposing: bool) -> Callable[..., Any]:
    """An intrinsic that moves a tile of 4 x 4 numbers between a vector r and half of the lanes of four rows of x.

    ``(r, i0, i1, i2, i3, x, j0, j1, j2, j3, factors, k)``: four numbers of r from each i on, and four of x from each j
    on, the latter times factors[k : k + 4]; transposed, i are lanes and j are rows, else i belongs to j. The bounds are
    not checked.
    """

    def move(
        typing: Any, r: Any, i0: Any, i1: Any, i2: Any, i3: Any, x: Any, j0: Any, j1: Any, j2: Any, j3: Any,
        factors: Any, k: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            def addresses(array: int, indices: list[Any]) -> list[Any]:
                data = context.make_array(sig.args[array])(context, builder, args[array]).data
                return [builder.bitcast(builder.gep(data, [i]), _HALF.as_pointer()) for i in indices]

            def loaded(places: list[Any]) -> list[Any]:
                values = [builder.load(place) for place in places]
                for value in values:
                    value.align = 8
                return values

            here, there = addresses(0, args[1:5]), addresses(5, args[6:10])
            scale = context.make_array(sig.args[10])(context, builder, args[10]).data
            nothing, zero = ir.Constant(_HALF, ir.Undefined), ir.Constant(_INT, 0)
            spread = []
            for j in range(4):
                at = builder.add(args[11], ir.Constant(ir.IntType(64), j))
                first = builder.insert_element(nothing, builder.load(builder.gep(scale, [at])), zero)
                spread.append(builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INT, 4), [0] * 4)))
            values = loaded(there if out else here)
            if out:
                values = [builder.fmul(f, v) for f, v in zip(spread, values, strict=True)]
            values = _transposed(builder, values) if transposing else values
            if not out:
                values = [builder.fmul(f, v) for f, v in zip(spread, values, strict=True)]
            for value, place in zip(values, here if out else there, strict=True):
                builder.store(value, place).align = 8
            return context.get_dummy_value()

        word = types.intp
        return types.none(r, word, word, word, word, x, word, word, word, word, factors, word), generate

    return cast(Callable[..., Any], intrinsic(move))


tile_in, tile_out = _tile(False, False), _tile(True, False)
tile_in_transposed, tile_out_transposed = _tile(False, True), _tile(True, True)
