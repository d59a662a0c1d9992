"""Members of a batch side by side: groups of eight, in which number i of one after the other is a row of lanes.

The last group is filled up with the last member.
"""

from __future__ import annotations

import math

import numpy as np

from qml import buffers
from qml._typing import Real
from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F2, LANES


def groups_of(members: int) -> int:
    """How many groups so many members make."""
    return -(-members // LANES)


def in_lanes(rows: Real) -> Real:
    """Members (B, ...) as groups (G, size * 8)."""
    size = math.prod(rows.shape[1:])
    flat = np.ascontiguousarray(rows).reshape(len(rows), size)
    if len(rows) == 1:
        return flat.repeat(LANES, axis=1)
    out = buffers.empty((groups_of(len(rows)), LANES * size))
    _pack(flat, out)
    return out


def members_of(groups: Real, members: int) -> Real:
    """Groups (G, size * 8) as members (B, size), B of them."""
    return apart(buffers.copy(groups), members)


def apart(groups: Real, members: int) -> Real:
    """The same, in the memory of the groups."""
    _unpack(groups)
    return groups.reshape(len(groups) * LANES, groups.shape[1] // LANES)[:members]


def entries_of(groups: Real) -> Real:
    """Groups (G, size * 8) with an axis for the lanes: (G, size, 8)."""
    return groups.reshape(len(groups), groups.shape[1] // LANES, LANES)


@kernel
def _pack(rows: F2, groups: F2) -> None:
    for g in range(groups.shape[0]):
        for lane in range(LANES):
            row = rows[min(LANES * g + lane, rows.shape[0] - 1)]
            for i in range(row.size):
                groups[g, LANES * i + lane] = row[i]


@kernel
def _unpack(groups: F2) -> None:
    size = groups.shape[1] // LANES
    group = np.empty(groups.shape[1])
    for g in range(groups.shape[0]):
        for i in range(group.size):
            group[i] = groups[g, i]
        for lane in range(LANES):
            for i in range(size):
                groups[g, lane * size + i] = group[LANES * i + lane]
