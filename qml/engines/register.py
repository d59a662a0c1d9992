"""What both engines ask of a register: its initial state, and its dimensions after a step."""

from __future__ import annotations

from qml._checks import InputError
from qml._typing import Dims
from qml.circuits.program import Program, Step
from qml.operations import Initialize, TraceOut
from qml.states.base import State


def check_initial(program: Program, initial: State | None) -> None:
    """Refuse an initial state that is a batch or lives on other sites than the program."""
    if initial is None:
        return
    if initial.dims != program.dims_in:
        raise InputError(
            f"the initial state must have the dims of the circuit's input, {program.dims_in}; found {initial.dims}."
        )
    if initial.batch_shape:
        raise InputError(
            f"the initial state must be a single state; found a batch of shape {initial.batch_shape}: "
            "evolve its members one by one."
        )


def dims_after(dims: Dims, step: Step) -> Dims:
    """The dims of the register after a step, from those before it."""
    if isinstance(step.instruction, TraceOut):
        return tuple(d for site, d in enumerate(dims) if site not in step.sites)
    if isinstance(step.instruction, Initialize):
        rest = iter(dims)
        fresh = dict(zip(step.sites, step.instruction.dims, strict=True))
        return tuple(fresh[site] if site in fresh else next(rest) for site in range(len(dims) + len(fresh)))
    return dims
