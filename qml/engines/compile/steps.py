"""The steps of a program as planners take them: rotations, maps that are fused, permutations, plans that are kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from qml._checks import InputError
from qml._typing import Integer
from qml.circuits.program import Program, Step
from qml.gates import RY, RZ, U3, P, PauliRotation
from qml.instructions import Preparation, Unitary

Array: TypeAlias = Any
"""An array of floats or complex numbers: what the maps of the engine are."""
Factor: TypeAlias = Array | Step
"""A part of what happens to one site: a fixed matrix, or a step with free parameters."""
Made = TypeVar("Made")

_PLANS: WeakKeyDictionary[Program, dict[Hashable, Any]] = WeakKeyDictionary()


def kept(program: Program, key: Hashable, make: Callable[[], Made]) -> Made:
    """What is made of a program once, and kept as long as the program lives."""
    plans = _PLANS.setdefault(program, {})
    if key not in plans:
        plans[key] = make()
    plan: Made = plans[key]
    return plan


def check_qubits(program: Program, engine: str) -> None:
    """Refuse a program of other sites than qubits."""
    fresh = [d for step in program.steps if isinstance(step.instruction, Preparation) for d in step.instruction.dims]
    for d in (*program.dims_in, *fresh):
        if d != 2:
            raise InputError(f"{engine} runs qubits; found a site of dimension {d}: use ReferenceEngine.")


@cache
def rotation(letters: str) -> PauliRotation:
    """The rotation about a string, one object for each."""
    return PauliRotation(letters)


def parts_of(step: Step, phases: bool) -> list[Step]:
    """What waits for a free step on one site: a gate P or U3 as gates of one parameter each, the first acting first, P
    or, without `phases`, RZ among them, which is P up to a phase. Any other step is itself."""
    turn: Unitary = P if phases else RZ
    parts = [(turn, 2), (RY, 0), (turn, 1)] if step.instruction == U3 else [(turn, 0)] if step.instruction == P else []
    return [Step(gate, step.sites, step.start + k, step.start + k + 1) for gate, k in parts] or [step]


def without_identities(step: Step) -> Step:
    """A step; a rotation about its letters other than I alone, or, where there are none, about I on its first site."""
    if not isinstance(step.instruction, PauliRotation):
        return step
    pairs = [pair for pair in zip(step.sites, step.instruction.label, strict=True) if pair[1] != "I"]
    sites, letters = zip(*pairs, strict=True) if pairs else (step.sites[:1], "I")
    return Step(rotation("".join(letters)), sites, step.start, step.stop)


def fused(chain: Iterable[Factor]) -> Iterator[Factor]:
    """The chain, with fixed matrices that follow each other multiplied."""
    product: Array | None = None
    for factor in chain:
        if isinstance(factor, Step):
            if product is not None:
                yield product
            product = None
            yield factor
        else:
            product = factor if product is None else factor @ product
    if product is not None:
        yield product


def any_free(chain: Iterable[Factor]) -> bool:
    """Whether a parameter changes one of the maps."""
    return any(isinstance(factor, Step) for factor in chain)


def is_permutation(matrix: Array) -> bool:
    """Whether there is at most one entry in each row and column."""
    filled = matrix != 0
    return bool((filled.sum(axis=0) <= 1).all() and (filled.sum(axis=1) <= 1).all())


def as_permutation(matrix: Array) -> tuple[Integer, Array]:
    """(places, factors): component b goes to places[b], times factors[b]. Empty columns go where nothing else does."""
    filled = matrix != 0
    places = np.where(filled.any(axis=0), filled.argmax(axis=0), -1)
    free = [a for a in range(len(matrix)) if a not in set(places.tolist())]
    for b in np.flatnonzero(places < 0):
        places[b] = b if b in free else free[0]
        free.remove(int(places[b]))
    return places.astype(np.int64), matrix[places, np.arange(len(matrix))].copy()


class Joined:
    """Arrays one after another."""

    def __init__(self, nothing: Array) -> None:
        self._parts = [nothing]
        self._size = len(nothing)

    def add(self, part: Array) -> int:
        """Append; where it starts."""
        self._parts.append(part)
        self._size += len(part)
        return self._size - len(part)

    def __len__(self) -> int:
        return self._size

    def array(self) -> Array:
        """Everything so far."""
        return np.concatenate(self._parts)
