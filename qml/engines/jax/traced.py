"""Programs as functions that the user's own JAX code compiles, differentiates and maps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qml._arrays import as_real
from qml._checks import InputError
from qml._typing import Real
from qml.circuits.program import Program
from qml.engines.compile.kinds import PAULI
from qml.engines.jax import run
from qml.engines.jax.arrays import Array, bare
from qml.engines.jax.called import called
from qml.engines.jax.compiled import Compiled
from qml.engines.jax.plan import Plan
from qml.engines.pauli_state import PauliState, pauli_vector_of
from qml.states.base import State

FIXED = (
    "an instruction with parameters that is no rotation has first derivatives here and no second ones: write the "
    "circuit with rotations about Pauli strings and fixed channels."
)


def traced(program: Program, initial: State | None, on: Compiled) -> Callable[[Any], PauliState]:
    """The state after a program as a function of an array theta (n_params,) of JAX, in double precision.

    Rotations are functions of JAX; matrices of other instructions with parameters are made on the host, and have first
    derivatives only.
    """
    plan, layout = on.plan(program, PAULI), on.layout
    rows, columns, weights = program._entries
    start = None if initial is None else bare(pauli_vector_of(initial))

    def state(theta: Any) -> PauliState:
        slots = jnp.asarray(program.offset).at[rows].add(weights * theta[columns])
        given = _made_on_the_host(plan, program.offset)(slots) if plan.given_slots else plan.values(program.offset)
        x = None if start is None else jnp.asarray(start)
        vector = run.evolved(plan.form, layout, 0, plan.tables, slots, given, x)
        return PauliState._trusted(as_real(Array(vector)), plan.form.n_out)

    return state


def _made_on_the_host(plan: Plan, offset: Real) -> Callable[[Any], Any]:
    """The matrices that the host makes as a function of slot values, with their first derivatives."""
    own = np.array(plan.given_slots)
    shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in plan.values(offset))
    slopes = tuple(jax.ShapeDtypeStruct((len(own), *x.shape), x.dtype) for x in shapes)
    units = np.eye(len(offset))[own]

    def values(slots: Real) -> tuple[Any, ...]:
        return plan.values(np.asarray(slots))

    def derivatives(slots: Real) -> tuple[Any, ...]:
        return plan.push(np.asarray(slots), units)

    slopes_at = once(functools.partial(called, derivatives, slopes, one_by_one=True), FIXED)
    known = jax.custom_jvp(functools.partial(called, values, shapes, one_by_one=True))

    def along(primals: Any, tangents: Any) -> Any:
        (slots,), (v,) = primals, tangents
        changes = tuple(jnp.tensordot(v[own], slope, 1) for slope in slopes_at(slots))
        return known(slots), changes

    known.defjvp(along)
    made: Callable[[Any], Any] = known
    return made


def once(function: Callable[..., Any], sentence: str) -> Callable[..., Any]:
    """A function whose derivative is refused with this sentence."""

    def refuse(*_: Any) -> Any:
        raise InputError(sentence)

    held = jax.custom_jvp(function)
    held.defjvp(refuse)
    made: Callable[..., Any] = held
    return made
