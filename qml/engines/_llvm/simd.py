"""Rows of eight float64 as one value in compiled code: loads, stores, and loops over them that LLVM would not find.

LLVM does not vectorise a loop over sixteen streams of one array by itself (it cannot prove that they do not overlap),
so the kernels say what they mean. On processors with narrower registers LLVM splits each operation. The arithmetic of
rows is that of :class:`qml.engines._llvm.values.Body`; products and sums may be contracted. Bounds are not checked.
"""

from __future__ import annotations

from typing import Any

from qml.engines._llvm.language import LANES, intrinsic


@intrinsic
def load(body: Any, array: Any, index: Any) -> Any:
    """array[index : index + 8]."""
    return body.load(body.address(array, index, body.ROW))


@intrinsic
def store(body: Any, array: Any, index: Any, value: Any) -> None:
    """array[index : index + 8] = value."""
    body.store(body.row(value), body.address(array, index, body.ROW))


MOST_HELD = 16
"""Entries of a matrix up to which it is loaded once, before the loop over tuples, and held in registers."""


def product(p: int, q: int, transposed: bool = False, kept: bool = False) -> Any:
    r"""An intrinsic that multiplies many tuples of q rows of lanes by a matrix M (p, q): p = q, or p < q.

    ``(x, ids, start, count, m, k)``: the rows of each tuple are listed in ids[start :], tuple after tuple. M has lanes,
    too, M[a, b] = m[k + 8 (q a + b) :]. The last p rows of a tuple become M times the q rows; where `kept`, p more rows
    are listed with each tuple, and hold the result in place of them. Transposed, the last p rows hold g, and M^T g is
    put into the last p, and added to the first q - p.
    """
    step = q + p if kept else q

    def multiply(body: Any, x: Any, ids: Any, start: Any, count: Any, m: Any, k: Any) -> None:
        builder = body.builder

        def entry(row: int, column: int) -> Any:
            at = builder.add(body.word(k), body.WORD(LANES * (row * q + column)))
            return body.load(body.address(m, at, body.ROW))

        def combined(terms: list[tuple[Any, Any]], total: Any = None) -> Any:
            for factor, value in terms:
                term = builder.fmul(factor, value, flags=("contract",))
                total = term if total is None else builder.fadd(total, term, flags=("contract",))
            return total

        held = {}
        if p * q <= MOST_HELD:
            held = {(a, b): entry(a, b) for a in range(p) for b in range(q)}
        with body.counting(0, count) as number:
            at = builder.add(body.word(start), builder.mul(number, body.WORD(step)))
            rows = [body.load(body.address(ids, builder.add(at, body.WORD(i)))) for i in range(step)]
            places = [body.address(x, row, body.ROW) for row in rows]
            matrix = {(a, b): held.get((a, b)) or entry(a, b) for a in range(p) for b in range(q)}
            if not transposed:
                rows = [body.load(place) for place in places[:q]]
                out = [combined([(matrix[a, b], rows[b]) for b in range(q)]) for a in range(p)]
                targets = places[step - p :]
            else:
                rows = [body.load(place) for place in places[q - p :]]
                before = [body.load(place) for place in places[: q - p]] + [None] * p
                out = [combined([(matrix[a, b], rows[a]) for a in range(p)], before[b]) for b in range(q)]
                targets = places
            for value, place in zip(out, targets, strict=True):
                body.store(value, place)

    return intrinsic(multiply)


def chosen(*ways: Any) -> Any:
    """An intrinsic ``(kind, *values)`` that does what the intrinsic ``ways[kind]`` does with the values."""

    def choose(body: Any, kind: Any, *values: Any) -> None:
        builder = body.builder
        end = builder.append_basic_block("chosen")
        switch = builder.switch(body.word(kind), end)
        for number, way in enumerate(ways):
            block = builder.append_basic_block("way")
            switch.add_case(body.WORD(number), block)
            builder.position_at_end(block)
            way.function(body, *values)
            builder.branch(end)
        builder.position_at_end(end)

    return intrinsic(choose)


def _transposed(body: Any, rows: list[Any]) -> list[Any]:
    """The columns of a 4 x 4 matrix of which four vectors are the rows."""
    a, b, c, d = rows
    ab, ab_odd = body.shuffled(a, b, 0, 4, 2, 6), body.shuffled(a, b, 1, 5, 3, 7)
    cd, cd_odd = body.shuffled(c, d, 0, 4, 2, 6), body.shuffled(c, d, 1, 5, 3, 7)
    halves = ((0, 1, 4, 5), (2, 3, 6, 7))
    return [body.shuffled(x, y, *places) for places in halves for x, y in ((ab, cd), (ab_odd, cd_odd))]


def _tile(out: bool, transposing: bool) -> Any:
    """An intrinsic that moves a tile of 4 x 4 numbers between a vector r and half of the lanes of four rows of x.

    ``(r, i0, i1, i2, i3, x, j0, j1, j2, j3, factors, k)``: four numbers of r from each i on, and four of x from each j
    on, the latter times factors[k : k + 4]; transposed, i are lanes and j are rows, else i belongs to j.
    """

    def move(
        body: Any, r: Any, i0: Any, i1: Any, i2: Any, i3: Any, x: Any, j0: Any, j1: Any, j2: Any, j3: Any,
        factors: Any, k: Any,
    ) -> None:  # fmt: skip
        builder = body.builder
        here = [body.address(r, i, body.HALF) for i in (i0, i1, i2, i3)]
        there = [body.address(x, j, body.HALF) for j in (j0, j1, j2, j3)]
        scale = [
            body.spread(body.load(body.address(factors, builder.add(body.word(k), body.WORD(j)))), LANES // 2)
            for j in range(4)
        ]
        values = [body.load(place) for place in (there if out else here)]
        if out:
            values = [builder.fmul(f, v) for f, v in zip(scale, values, strict=True)]
        values = _transposed(body, values) if transposing else values
        if not out:
            values = [builder.fmul(f, v) for f, v in zip(scale, values, strict=True)]
        for value, place in zip(values, here if out else there, strict=True):
            body.store(value, place)

    return intrinsic(move)


tile_in, tile_out = _tile(False, False), _tile(True, False)
tile_in_transposed, tile_out_transposed = _tile(False, True), _tile(True, True)
