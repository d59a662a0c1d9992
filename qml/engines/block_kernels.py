r"""Compiled kernels: all operations on a few sites, applied while their part of the vector is in the L1 cache.

A *sweep* acts on k active sites. For every setting of the other sites there is a block of 4^k numbers; eight blocks at
a time are brought into a buffer (4^k, 8), eight lanes wide, all operations of the sweep are applied there, and they are
put back. So a sweep costs one pass over memory whatever the number of its operations, and every inner loop runs on
whole vector registers whichever sites it acts on.

The operations of a sweep, one row each in its table ``ops``:

* ``PAIR``: y = C (A x B) x on two active sites: optional 4 x 4 matrices A and B, then a permutation of the 16
  components with a factor each (every Clifford gate and every Pauli channel, or nothing);
* ``TURN``: exp(-i theta P / 2) for a string P on two active sites: pairs of components turned into each other;
* ``DENSE``: any 16 x 16 matrix on two active sites.

Backward, the vector before the sweep is run forward again inside the buffer, every intermediate kept there, so that one
saved vector a sweep is enough; sums over chunks are taken in the order of the chunks.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from qml._typing import Integer, Real
from qml.engines import block_operations as operations
from qml.engines.linking import link
from qml.engines.simd import LANES

PAIR, TURN, DENSE = range(3)
KIND, HIGH, LOW, FIRST, SECOND, CORE, FREE = range(7)
"""Columns of ``ops``: the kind; the two active sites (positions in the buffer, HIGH < LOW); where in the coefficients A
and B start (-1: none; for TURN and DENSE: cos and sin, or the matrix, start at FIRST); the row of the cores; whether A
(bit 0), B (bit 1), or the coefficients (bit 0) are differentiated."""

SUMS = 256
"""Sums that an operation can have: 16 for each of A and B, 2 for TURN, 256 for DENSE."""

_X, _I = "float64[::1]", "int64[::1]"
_fill = link(f"void({_X}, {_X}, int64, int64, {_I}, {_I}, boolean)", operations.fill)
_pair = link(f"void({_X}, {_X}, int64, int64, int64, {_X}, int64, int64, {_I}, {_X})", operations.pair)
_pair_back = link(
    f"void({_X}, {_X}, {_X}, int64, int64, int64, {_X}, int64, int64, {_I}, {_X}, int64, {_X})", operations.pair_back
)
_turn = link(f"void({_X}, {_X}, int64, int64, int64, float64, float64, {_I}, {_X})", operations.turn)
_turn_sums = link(f"void({_X}, {_X}, int64, int64, int64, {_I}, {_X}, {_X})", operations.turn_sums)
_dense = link(f"void({_X}, {_X}, {_X}, int64, int64, int64, {_X}, int64, boolean)", operations.dense)
_dense_sums = link(f"void({_X}, {_X}, int64, int64, int64, {_X})", operations.dense_sums)


@njit(cache=True, inline="always")
def _forward(
    x: Real, y: Real, w: Real, size: int, k: int, op: Integer, m: Real, core_places: Integer, core_factors: Real
) -> None:
    """One operation on a buffer, from x to y (which may be x)."""
    sh, sl = LANES << (2 * (k - 1 - op[HIGH])), LANES << (2 * (k - 1 - op[LOW]))
    if op[KIND] == PAIR:
        _pair(x, y, size, sh, sl, m, op[FIRST], op[SECOND], core_places[op[CORE]], core_factors[op[CORE]])
    elif op[KIND] == TURN:
        _turn(x, y, size, sh, sl, m[op[FIRST]], m[op[FIRST] + 1], core_places[op[CORE]], core_factors[op[CORE]])
    else:
        _dense(x, y, w, size, sh, sl, m, op[FIRST], False)


@njit(cache=True, inline="always")
def _backward(
    x: Real,
    g: Real,
    w: Real,
    size: int,
    k: int,
    op: Integer,
    m: Real,
    core_places: Integer,
    core_factors: Real,
    summing: bool,
    sums: Real,
) -> None:
    """Its adjoint on g, in place, and its sums."""
    sh, sl = LANES << (2 * (k - 1 - op[HIGH])), LANES << (2 * (k - 1 - op[LOW]))
    places, factors = core_places[op[CORE]], core_factors[op[CORE]]
    if op[KIND] == PAIR:
        free = op[FREE] if summing else 0
        _pair_back(x, g, w, size, sh, sl, m, op[FIRST], op[SECOND], places, factors, free, sums)
    elif op[KIND] == TURN:
        if summing and op[FREE]:
            _turn_sums(x, g, size, sh, sl, places, factors, sums)
        _turn(g, g, size, sh, sl, m[op[FIRST]], -m[op[FIRST] + 1], places, factors)
    else:
        if summing and op[FREE]:
            _dense_sums(x, g, size, sh, sl, sums)
        _dense(g, g, w, size, sh, sl, m, op[FIRST], True)


def chunk(
    c: int,
    start: int,
    size: int,
    width: int,
    r: Real,
    x: Real,
    parts: Real,
    rows: Integer,
    shifts: Integer,
    ops: Integer,
    m: Real,
    core_places: Integer,
    core_factors: Real,
    backward: bool,
    summing: bool,
) -> None:
    """Units `start` to `start` + `size` of a sweep, `width` times eight blocks each, all its operations, in place on r.

    `rows` are the offsets of the components of a block, `shifts` those of the active sites, ascending. Backward, the
    adjoints on r = dL/d(output of the sweep). If `summing`, x is the input of the sweep, and parts[c] receives the sums
    of all operations.
    """
    length, k, n_ops = LANES * rows.size, shifts.size, ops.shape[0]
    room, own_room = np.empty((2 * width + n_ops if summing else width) * length + 16 * LANES), width * length
    w, buffers, rest = room[: 16 * LANES], room[16 * LANES : 16 * LANES + own_room], room[16 * LANES + own_room :]
    inputs, history = (rest[:own_room], rest[own_room:]) if summing else (rest, rest)
    own = parts[c] if summing else inputs
    each = own.size // n_ops
    for unit in range(start, start + size):
        _fill(r, buffers, unit, width, shifts, rows, False)
        if summing:
            _fill(x, inputs, unit, width, shifts, rows, False)
        for b in range(width):
            buffer = buffers[b * length : (b + 1) * length]
            given = inputs[b * length : (b + 1) * length] if summing else buffer
            before = given
            if summing or not backward:
                for o in range(n_ops - 1 if summing else n_ops):
                    after = history[o * length : (o + 1) * length] if summing else buffer
                    _forward(before, after, w, length, k, ops[o], m, core_places, core_factors)
                    before = after
            if backward:
                for o in range(n_ops - 1, -1, -1):
                    before = history[(o - 1) * length : o * length] if summing and o > 0 else given
                    sums = own[o * each : (o + 1) * each]
                    _backward(before, buffer, w, length, k, ops[o], m, core_places, core_factors, summing, sums)
        _fill(r, buffers, unit, width, shifts, rows, True)


def collect(parts: Real, ops: Integer, out: Real) -> None:
    """dL/dm to `out`, from the sums of all operations."""
    each = parts.shape[1] // ops.shape[0]
    for o in range(ops.shape[0]):
        for half in range(2 if ops[o, KIND] == PAIR else 1):
            if (ops[o, FREE] >> half) & 1:
                start = ops[o, SECOND] if half else ops[o, FIRST]
                count = 16 if ops[o, KIND] == PAIR else 2 if ops[o, KIND] == TURN else SUMS
                for e in range(count):
                    total = 0.0
                    for c in range(parts.shape[0]):  # in their order
                        for lane in range(LANES):
                            total += parts[c, o * each + (16 * half + e) * LANES + lane]
                    out[start + e] = total


def entries(ops: Integer) -> int:
    """The numbers that the sums of all operations take: 32 for each, or `SUMS` if there is a free DENSE."""
    for o in range(ops.shape[0]):
        if ops[o, KIND] == DENSE and ops[o, FREE]:
            return int(ops.shape[0] * SUMS * LANES)
    return int(ops.shape[0] * 32 * LANES)
