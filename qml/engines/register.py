"""What both engines ask of a run: batches of parameters and initial states, directions, and dims after a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.circuits.circuit import ProgramLike, as_program
from qml.circuits.program import Program, Step
from qml.instructions import PartialTrace, Preparation
from qml.states.base import State
from qml.states.coercion import StateLike, as_state

_Values = TypeVar("_Values", Real, Complex)
Pull = Callable[[Cotangent], tuple[Real, Cotangent]]
"""dL/d(coordinate of the final state) to dL/dtheta and dL/d(coordinate of the initial state)."""
VectorsPull = Callable[[Complex], tuple[Real, Complex | None]]
"""The same of vectors."""


class Push(Protocol):
    """Directions (..., n_params), and changes (..., d, d) of the initial state or (..., d, m) of vectors or none, to
    those of the final ones."""

    def __call__(self, directions: ArrayLike, changes: Complex | None = None) -> Complex: ...


def ready(program: ProgramLike, initial: StateLike | None = None) -> tuple[Program, State | None]:
    """What an engine is handed, as it runs it: the program of a circuit, the state of an array."""
    held = as_program(program)
    return held, None if initial is None else as_state(initial, held.dims_in, "the initial state")


def batch_of(program: Program, params: ParamsLike, initial: State | None) -> tuple[Real, tuple[int, ...]]:
    """Slot values (B or 1, n_slots), and the shape of the batch: that of `params` and of `initial`, broadcast.

    One row of slot values stands for all members where `params` is no batch. An initial state on other sites than the
    program's is refused.
    """
    values = program.slots_of_batch(params)
    shape = values.shape[:-1]
    slots = values.reshape(math.prod(shape), values.shape[-1])
    if initial is None:
        return slots, shape
    if initial.dims != program.dims_in:
        raise InputError(
            f"the initial state must have the dims of the circuit's input, {program.dims_in}; found {initial.dims}."
        )
    try:
        batch = np.broadcast_shapes(shape, initial.batch_shape)
    except ValueError:
        raise InputError(
            f"the batch axes of params and of the initial state must broadcast; found {shape} and "
            f"{initial.batch_shape}: pass params with axes of length one, params[:, None], for all pairs."
        ) from None
    width = slots.shape[1]
    if shape not in ((), batch):
        slots = np.broadcast_to(slots.reshape(*shape, width), (*batch, width)).reshape(math.prod(batch), width)
    return slots, batch


def shared(values: _Values, batch: tuple[int, ...], initial: State) -> _Values:
    """Numbers (*batch, ...) of the members of a batch, added up over those that start from one initial state."""
    own = (1,) * (len(batch) - len(initial.batch_shape)) + initial.batch_shape
    axes = tuple(axis for axis, size in enumerate(batch) if own[axis] != size)
    if axes:
        values = values.sum(axis=axes, keepdims=True)
    return values.reshape(*initial.batch_shape, *values.shape[len(batch) :])


def check_cotangent(cotangent: Cotangent, batch: tuple[int, ...], n: int) -> None:
    """Refuse what is no derivative in the Pauli vectors (*batch, 4^n)."""
    if np.shape(cotangent) != (*batch, 4**n):
        raise InputError(
            f"the cotangent must be the derivative in the Pauli vector, shape {(*batch, 4**n)}; found "
            f"{np.shape(cotangent)}."
        )


def check_single(params: ParamsLike, initial: State | None) -> None:
    """Refuse batches where directions take their place."""
    shape = () if isinstance(params, Mapping) else _checks.array("params", params).shape[:-1]
    if shape or (initial is not None and initial.batch_shape):
        raise InputError(
            "directions start from one set of params and one initial state; found batches of shapes "
            f"{shape} and {() if initial is None else initial.batch_shape}: take the members one by one."
        )


def directions_of(directions: ArrayLike, n_params: int, dim: int = 0) -> Real:
    """Directions (..., n_params) in the parameters; another last axis is refused, and so are more directions than
    derivatives (..., dim, dim) along them would fit in memory."""
    v = _checks.reals("the directions", directions)
    if v.ndim < 1 or v.shape[-1] != n_params:
        raise InputError(f"the directions must have shape (..., {n_params}), one entry a parameter; found {v.shape}.")
    count = math.prod(v.shape[:-1])
    what = f"{_checks.plural(count, 'derivative')} of dimension {_checks.readable(dim)}"
    _checks.memory(what, 48 * count * dim**2, "take fewer directions at a time")
    return np.asarray(v, dtype=np.float64)


def by_slot_of(program: Program, directions: Real) -> Real:
    """Directions (b, n_slots) in the slots from those (b, n_params) in the parameters."""
    return np.ascontiguousarray((program.weights @ directions.T).T)


def changes_of(changes: Complex, shape: tuple[int, ...]) -> Complex:
    """Changes of what a program starts from, one a direction: (b, d, m) from an array of this shape (..., d, m)."""
    x = _checks.array("the changes", changes).astype(np.complex128, copy=False)
    if x.shape != shape:
        raise InputError(f"the changes must have shape {shape}, as many as there are directions; found {x.shape}.")
    return x.reshape(-1, *shape[-2:])


def dims_after(dims: Dims, step: Step) -> Dims:
    """The dims of the register after a step, from those before it."""
    if isinstance(step.instruction, PartialTrace):
        return tuple(d for site, d in enumerate(dims) if site not in step.sites)
    if isinstance(step.instruction, Preparation):
        rest = iter(dims)
        fresh = dict(zip(step.sites, step.instruction.dims, strict=True))
        return tuple(fresh[site] if site in fresh else next(rest) for site in range(len(dims) + len(fresh)))
    return dims


def registers_of(program: Program) -> list[Dims]:
    """The dims of the register before each step, and after the last."""
    registers = [program.dims_in]
    for step in program.steps:
        registers.append(dims_after(registers[-1], step))
    return registers
