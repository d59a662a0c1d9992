"""Compiled loops for members in lanes: a matrix on several sites of eight small registers at once, and its sums.

Number i of a register is the eight numbers from 8 i on, one a member; each member has a matrix of its own. Maps on one
and two sites are parts of sweeps and do not come here.
"""

from __future__ import annotations

import numpy as np

from qml.engines._llvm.language import F1, I1, LANES, subroutine
from qml.engines._llvm.simd import load, store
from qml.engines.pauli.segments import base_of


@subroutine
def sites(r: F1, units: int, offsets: I1, ascending: I1, m: F1, at: int, adjoint: bool) -> None:
    """A matrix, whose entries start at m[8 at], on the sites of the shifts `ascending`; entries that are zero in every
    lane are left out."""
    side = offsets.size
    starts, columns = np.zeros(side + 1, np.int64), np.empty(side * side, np.int64)
    entries, count = np.empty(side * side, np.int64), 0
    for i in range(side):
        for j in range(side):
            place = LANES * (at + (j * side + i if adjoint else i * side + j))
            filled = False
            for t in range(LANES):
                filled |= m[place + t] != 0.0
            if filled:
                columns[count], entries[count] = j, place
                count += 1
        starts[i + 1] = count
    x, zero = np.empty(LANES * side), np.zeros(LANES)
    for unit in range(units):
        base = base_of(LANES * unit, ascending)
        for i in range(side):
            store(x, LANES * i, load(r, base + offsets[i]))
        for i in range(side):
            total = load(zero, 0)
            for e in range(starts[i], starts[i + 1]):
                total = total + load(m, entries[e]) * load(x, LANES * columns[e])
            store(r, base + offsets[i], total)


@subroutine
def site_sums(g: F1, x: F1, units: int, offsets: I1, ascending: I1, out: F1) -> None:
    """out[i, j] += sum over units of g[i, unit] x[j, unit], flattened, lane by lane."""
    side = offsets.size
    for unit in range(units):
        base = base_of(LANES * unit, ascending)
        for i in range(side):
            left = load(g, base + offsets[i])
            for j in range(side):
                to = LANES * (i * side + j)
                store(out, to, load(out, to) + left * load(x, base + offsets[j]))
