"""Which sites of a register are there before and after each operation, and whether operations fit where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from qml import _checks
from qml._checks import InputError
from qml._typing import Dims
from qml.instructions import Instruction, Operation, PartialTrace, Preparation


def sites_before(operations: Sequence[Operation], n_sites: int) -> tuple[int, ...]:
    """Sites of the input register: all but those whose first operation is ``Initialize``."""
    first: dict[int, Instruction] = {}
    for operation in operations:
        for site in operation.sites:
            first.setdefault(site, operation.instruction)
    return tuple(site for site in range(n_sites) if not isinstance(first.get(site), Preparation))


def sites_after(operation: Operation, alive: tuple[int, ...]) -> tuple[int, ...]:
    """The sites that are there after an operation, in increasing order, given those before it."""
    if isinstance(operation.instruction, PartialTrace):
        return tuple(site for site in alive if site not in operation.sites)
    return tuple(sorted({*alive, *operation.sites})) if isinstance(operation.instruction, Preparation) else alive


def check_places(operations: Sequence[Operation], dims: Dims) -> None:
    """Refuse operations that name a site that is not there, or not there any more, or of another dimension."""
    for i, operation in enumerate(operations):
        if not isinstance(operation, Operation):
            if isinstance(operation, Instruction):
                raise InputError(
                    f"operation {i} of the circuit is {operation} without its sites: call it with its parameters "
                    "and sites to place it, as in gates.CNOT(0, 1)."
                )
            raise InputError(f"operation {i} of the circuit must be an Operation; found {operation!r}.")
        outside = [site for site in operation.sites if not 0 <= site < len(dims)]
        if outside:
            raise InputError(
                f"operation {i}, {operation}, names site {outside[0]}, but the circuit has "
                f"{_checks.plural(len(dims), 'site')}, counted from 0."
            )
        found = tuple(dims[site] for site in operation.sites)
        if found != operation.instruction.dims:
            raise InputError(
                f"operation {i}, {operation}, acts on dimensions {operation.instruction.dims}, but sites "
                f"{operation.sites} of the circuit have dimensions {found}."
            )
    alive = sites_before(operations, len(dims))
    there = set(alive)
    for i, operation in enumerate(operations):
        present = there.intersection(operation.sites)
        if isinstance(operation.instruction, Preparation):
            if present:
                raise InputError(
                    f"operation {i}, {operation}, adds site {min(present)}, which is there already: "
                    "trace it out first, or use channels.Reset."
                )
        elif len(present) < len(operation.sites):
            raise InputError(
                f"operation {i}, {operation}, acts on site {min(set(operation.sites) - present)}, which was traced out "
                "before: leave it out, or initialize the site again."
            )
        after = sites_after(operation, alive)
        if after is not alive:
            alive, there = after, set(after)
