"""Where the free parameters of a circuit may lie, given the domains of the slots that they are used in."""

from __future__ import annotations

import math
from collections.abc import Iterable

from qml._checks import InputError
from qml.instructions import Operation
from qml.parameters import REAL_LINE, Affine, Interval


def parameter_domains(operations: Iterable[Operation]) -> dict[str, Interval]:
    """The interval of each free parameter that all of its uses by itself allow, in order of appearance.

    Raises
    ------
    InputError
        Where two uses leave no interior: it names the parameter and both.
    """
    domains: dict[str, Interval] = {}
    bounded_by: dict[str, tuple[Operation, Operation]] = {}
    for operation in operations:
        for expression, slot in zip(operation.params, operation.instruction.domains, strict=True):
            for name in expression.names:
                domains.setdefault(name, REAL_LINE)
                bounded_by.setdefault(name, (operation, operation))
            if len(expression.terms) != 1 or slot == REAL_LINE:
                continue
            (name,), (least, most), old = expression.names, preimage(expression, slot), domains[expression.names[0]]
            below, above = bounded_by[name]
            below, above = (operation if least > old.low else below), (operation if most < old.high else above)
            low, high = max(least, old.low), min(most, old.high)
            if not low < high:
                raise InputError(
                    f"parameter {name!r} has no range to move in: {below} needs it to be at least {low:.12g}, and "
                    f"{above} at most {high:.12g}: use two parameters, or another expression of it."
                )
            domains[name], bounded_by[name] = Interval(low, high), (below, above)
    return domains


def preimage(expression: Affine, domain: Interval) -> tuple[float, float]:
    """The ends of the theta with c theta + k inside `domain`, where they are, too, as float64 rounds."""
    ((_, c),), k = expression.terms, expression.constant
    ends = []
    for end, inward in ((domain.low, 1.0), (domain.high, -1.0)):
        theta = (end - k) / c
        while math.isfinite(theta) and inward * (c * theta + k - end) < 0:
            theta += math.copysign(1.0, inward * c) * math.ulp(max(abs(theta), abs(k / c)))
        ends.append(theta)
    return min(ends), max(ends)
