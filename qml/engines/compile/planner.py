"""The way through the steps of a program that every compiled engine takes: which operations are applied together."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic

import numpy as np

from qml._typing import Numeric, Real
from qml.circuits.program import Program, Step
from qml.engines.compile.kinds import Kind
from qml.engines.compile.steps import Array, Factor, parts_of, rotation, without_identities
from qml.engines.compile.windows import T, windows
from qml.instructions import Instruction, PartialTrace, Preparation

AHEAD = 96
"""How many operations ahead are looked at for one that fits into a sweep."""


class Planner(ABC, Generic[T]):
    """Takes the steps of a program in their order, and says which operations make a sweep.

    Maps on one site wait there until an operation on several sites takes them along. Operations are collected until the
    register changes, something comes that no sweep holds, or the program ends; then they leave in windows of a few
    sites. An engine says what an operation is (:meth:`several`), what becomes of the maps that still wait
    (:meth:`rest`), and what a sweep is (:meth:`sweep`).

    Attributes
    ----------
    n_in, n, n_max : int
        Sites before the first step, after the last one that was taken, and at most.
    operations : list of Operation
        What has been collected.
    """

    def __init__(self, program: Program, kind: Kind) -> None:
        self.kind = kind
        self.n_in = self.n = self.n_max = len(program.dims_in)
        self.operations: list[T] = []
        self._offset = program.offset
        self._free = np.diff(program.weights.indptr) > 0
        self._waiting: dict[int, list[Factor]] = {}
        self._fixed: dict[tuple[int, bytes], Array] = {}

    def take(self, program: Program) -> None:
        """All steps, to the end."""
        for step in map(without_identities, program.steps):
            if isinstance(step.instruction, PartialTrace | Preparation):
                self.flush()
                self.change(step)
                self.n += len(step.sites) * (1 if isinstance(step.instruction, Preparation) else -1)
                self.n_max = max(self.n_max, self.n)
            elif len(step.sites) == 1:
                self._wait_for(step)
            else:
                self.several(step)
        self.flush()
        self._fixed.clear()  # matrices that plans have taken over

    def flush(self) -> None:
        """Sweeps of all that has been collected."""
        self.rest()
        for chosen, active in windows(self.operations, self.n, self.most, AHEAD, self.budget):
            self.sweep(chosen, active)
        self.operations = []

    # what an engine says ---------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def most(self) -> int:
        """Sites of a sweep at most, unless one operation needs more."""

    @property
    def budget(self) -> float:
        """What the operations of a sweep may take of it at most: :attr:`Operation.computed`."""
        return math.inf

    @abstractmethod
    def several(self, step: Step) -> None:
        """One more step on several sites; the string of a rotation has no letters I."""

    @abstractmethod
    def rest(self) -> None:
        """Take along what still waits on single sites."""

    @abstractmethod
    def sweep(self, chosen: list[T], active: tuple[int, ...]) -> None:
        """One more sweep: these operations in order, on these active sites, ascending."""

    @abstractmethod
    def change(self, step: Step) -> None:
        """Sites that come or leave."""

    def matrix(self, instruction: Instruction, values: Real) -> Numeric:
        """The matrix of an instruction that no parameter of the program changes."""
        return self.kind.matrix(instruction, values)

    # steps -----------------------------------------------------------------------------------------------------------

    def is_free(self, step: Step) -> bool:
        """Whether a parameter of the program changes it."""
        return bool(self._free[step.start : step.stop].any())

    def fixed_matrix(self, step: Step) -> Array:
        """The matrix of a step that is not free; the same for equal instructions."""
        values = self._offset[step.start : step.stop]
        key = (id(step.instruction), values.tobytes())
        if key not in self._fixed:
            self._fixed[key] = self.matrix(step.instruction, values)
        return self._fixed[key]

    # what waits on one site ------------------------------------------------------------------------------------------

    def _wait_for(self, step: Step) -> None:
        """One more step on one site: its matrix, or, where they are free, its parts. Only amplitudes have a phase."""
        phases = self.kind.levels == 2
        if not phases and step.instruction == rotation("I"):
            return
        for part in parts_of(step, phases) if self.is_free(step) else (step,):
            self.wait(step.sites[0], part if self.is_free(part) else self.fixed_matrix(part))

    def wait(self, site: int, factor: Factor) -> None:
        """One more map on a site."""
        self._waiting.setdefault(site, []).append(factor)

    def taken(self, site: int) -> list[Factor]:
        """The maps that wait on a site, which wait no longer."""
        return self._waiting.pop(site, [])

    def waiting(self, sites: Iterable[int] | None = None) -> list[int]:
        """The sites, of these or of all, on which something waits, ascending."""
        return sorted(self._waiting if sites is None else self._waiting.keys() & set(sites))
