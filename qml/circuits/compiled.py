"""From placed operations to the program that engines run: numbered positions, numbered parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from qml._typing import Dims
from qml.circuits.places import sites_after
from qml.circuits.program import Program, Step
from qml.instructions import Operation, Preparation


def compiled(
    operations: Sequence[Operation], dims: Dims, sites_in: tuple[int, ...], parameters: tuple[str, ...]
) -> Program:
    """The program of operations on sites of these dimensions, given the input register and the order of theta."""
    register = sites_in
    column = {name: i for i, name in enumerate(parameters)}
    steps: list[Step] = []
    offset: list[float] = []
    entries: list[tuple[int, int, float]] = []  # of the weights: slot, parameter, value
    for operation in operations:
        after = sites_after(operation, register)
        held = after if isinstance(operation.instruction, Preparation) else register
        positions, register = tuple(held.index(site) for site in operation.sites), after
        start = len(offset)
        for slot, expression in enumerate(operation.params, start):
            offset.append(expression.constant)
            entries += [(slot, column[name], weight) for name, weight in expression.terms]
        steps.append(Step(operation.instruction, positions, start, len(offset)))
    rows, columns, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return Program(
        dims_in=tuple(dims[site] for site in sites_in),
        dims_out=tuple(dims[site] for site in register),
        steps=tuple(steps),
        parameters=parameters,
        weights=sparse.csr_array((weights, (rows, columns)), shape=(len(offset), len(parameters)), dtype=np.float64),
        offset=np.array(offset, dtype=np.float64),
    )
