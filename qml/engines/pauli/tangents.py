r"""Derivatives of the final Pauli vector along directions in the parameters: one sweep that carries them all.

The output is linear in the matrix of each operation. So the derivative through one operation is the same sweep with
that matrix replaced by its derivative, and, operation after operation,

.. math:: dr_{t+1} = R_t \, dr_t + dR_t \, r_t .

Some components are left alone whatever the coefficients: by a rotation those that commute with its string, by what
preserves the trace those of I. There the derivative vanishes: so dR is added to R, along directions that are scaled to
a size of one, and R r subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qml import buffers
from qml._typing import Integer, Real
from qml.engines.compile.lanes import in_lanes
from qml.engines.pauli import block_kernels as blocks
from qml.engines.pauli import loops, rows
from qml.engines.pauli.run import sweep
from qml.engines.pauli.tables import Tables


def tangents(r: Real, tables: Tables, coefficients: Real, directions: Real, threads: int | None) -> Real:
    """dr (m, r.size) after all operations, from the derivatives of the coefficients along m directions."""
    rows = [tables._replace(table=row[None]) for row in tables.table]
    matrices = [list(_free_matrices(tables, row)) for row in tables.table]
    sizes = np.abs(directions).max(axis=1, initial=0.0, keepdims=True)
    directions = directions / np.where(sizes, sizes, 1.0)
    births = np.full(len(directions), len(rows))
    for t in reversed(range(len(rows))):
        for start, stop in matrices[t]:
            births[directions[:, start:stop].any(axis=1)] = t
    order = np.argsort(births, kind="stable")  # so that those that are not zero any more come first
    directions, births = directions[order], births[order]
    dr = buffers.zeros((len(directions), r.size))

    def run(vectors: Real, row: Tables, values: Real) -> None:
        sweep(vectors, row, in_lanes(values), threads=threads)

    for t, row in enumerate(rows):
        run(dr[: np.searchsorted(births, t)], row, coefficients[None])
        after = r.copy()
        run(after[None], row, coefficients[None])
        for start, stop in matrices[t]:
            moving = np.flatnonzero(directions[:, start:stop].any(axis=1))
            changed = np.repeat(coefficients[None], len(moving), axis=0)
            changed[:, start:stop] += directions[moving, start:stop]
            images = np.repeat(r[None], len(moving), axis=0)
            run(images, row, changed)
            images -= after
            dr[moving] += images
        r = after
    out = buffers.empty(dr.shape)
    out[order] = dr
    out *= sizes
    return out


def _free_matrices(tables: Tables, row: Integer) -> Iterator[tuple[int, int]]:
    """Where the coefficients of each differentiated matrix of an operation lie."""
    start = int(row[loops.COEFFICIENTS])
    if row[loops.SAVE] < 0:
        return
    if row[loops.KIND] == loops.ROTATION:
        yield start, start + 2
        return
    first, count = tables.sweeps[row[loops.SWEEP], [blocks.FIRST_SEGMENT, blocks.N_SEGMENTS]]
    for segment in tables.segments[first : first + count]:
        if segment[rows.FREE] == 2:
            at, side = int(segment[rows.FIRST]), max(4, int(segment[rows.SIDE]))
            yield at, at + (2 if segment[rows.KIND] == rows.TURN else side**2)
