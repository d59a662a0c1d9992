r"""Derivatives of the final Pauli vector along directions in the parameters: one sweep that carries them all.

The output is linear in the matrix of each operation. So the derivative through one operation is the same sweep with
that matrix replaced by its derivative, and, operation after operation,

.. math:: dr_{t+1} = R_t \, dr_t + dR_t \, r_t .

A rotation leaves alone the components that commute with its string, whatever its cosine and sine; there the derivative
vanishes, so what a cosine and a sine of zero would leave is subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qml._typing import Integer, Real
from qml.engines.pauli import block_kernels as blocks
from qml.engines.pauli import loops, rows
from qml.engines.pauli.lanes import in_lanes
from qml.engines.pauli.run import sweep
from qml.engines.pauli.tables import Tables


def tangents(r: Real, tables: Tables, coefficients: Real, directions: Real, threads: int | None) -> Real:
    """dr (m, r.size) after all operations, from the derivatives of the coefficients along m directions; r is lost."""
    rows = [tables._replace(table=row[None]) for row in tables.table]
    matrices = [list(_free_matrices(tables, row)) for row in tables.table]
    births = np.full(len(directions), len(rows))
    for t in reversed(range(len(rows))):
        for start, stop, _ in matrices[t]:
            births[directions[:, start:stop].any(axis=1)] = t
    order = np.argsort(births, kind="stable")  # so that those that are not zero any more come first
    directions, births = directions[order], births[order]
    dr = np.zeros((len(directions), r.size))

    def run(vectors: Real, row: Tables, values: Real) -> None:
        sweep(vectors, row, in_lanes(values), threads=threads)

    for t, row in enumerate(rows):
        run(dr[: np.searchsorted(births, t)], row, coefficients[None])
        for start, stop, turning in matrices[t]:
            moving = np.flatnonzero(directions[:, start:stop].any(axis=1))
            changed = np.repeat(coefficients[None], len(moving) + turning, axis=0)
            changed[: len(moving), start:stop] = directions[moving, start:stop]
            changed[len(moving) :, start:stop] = 0.0
            images = np.repeat(r[None], len(changed), axis=0)
            run(images, row, changed)
            dr[moving] += images[: len(moving)] - images[-1] if turning else images
        run(r[None], row, coefficients[None])
    dr[order] = dr.copy()
    return dr


def _free_matrices(tables: Tables, row: Integer) -> Iterator[tuple[int, int, bool]]:
    """Where the coefficients of each differentiated matrix of an operation lie, and whether it is a rotation."""
    start = int(row[loops.COEFFICIENTS])
    if row[loops.SAVE] < 0:
        return
    if row[loops.KIND] == loops.MATRIX:
        yield start, start + 16 ** int(row[loops.N_PLACES]), False
    elif row[loops.KIND] == loops.ROTATION:
        yield start, start + 2, True
    elif row[loops.KIND] == loops.BLOCK:
        first, count = tables.sweeps[row[loops.SWEEP], [blocks.FIRST_SEGMENT, blocks.N_SEGMENTS]]
        for segment in tables.segments[first : first + count]:
            if segment[rows.FREE] == 2:
                kind, at = int(segment[rows.KIND]), int(segment[rows.FIRST])
                size = 2 if kind == rows.TURN else 256 if kind == rows.DENSE else 16
                yield at, at + size, kind == rows.TURN
