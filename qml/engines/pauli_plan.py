"""What the Pauli engine works out once for each program, and how parameters enter it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from qml._checks import InputError
from qml._typing import Integer, Real
from qml.circuits.program import Program, Step
from qml.engines import block_plan
from qml.engines import pauli_loops as loops
from qml.engines.pauli_coefficients import Coefficients, Factor
from qml.engines.transfer import LETTERS, transfer_of
from qml.gates import PauliRotation
from qml.operations import Initialize, TraceOut


class Tables(NamedTuple):
    """What :func:`qml.engines.pauli_kernels.sweep` takes beside vectors and coefficients, in its order."""

    table: Integer
    places: Integer
    ops: Integer
    core_places: Integer
    core_factors: Real


class TableBuilder:
    """Rows of the table, with the places and operations that they refer to."""

    def __init__(self) -> None:
        self._rows: list[list[int]] = []
        self._places: list[int] = []
        self._ops: list[Integer] = []
        self._n_ops = 0
        self.cores = block_plan.Cores()
        self.n_saved = 0

    def add(self, kind: int, n: int, places: list[int], k: int, start: int = 0, free: bool = False) -> None:
        """One row: `places` as the kind wants them, on `k` sites, coefficients from `start` on."""
        saved = self.n_saved if free else -1
        self._rows.append([kind, n, len(self._places), k, start, saved, 0, 0])
        self._places.extend(places)
        self.n_saved += free

    def add_blocks(self, builder: block_plan.SweepBuilder) -> None:
        """One row a sweep of what the builder has collected."""
        for sweep in builder.sweeps():
            self.add(loops.BLOCK, builder.n, sweep.shifts(builder.n), len(sweep.sites), free=sweep.free)
            self._rows[-1][loops.OPS :] = [self._n_ops, len(sweep.ops)]
            self._ops.append(sweep.ops)
            self._n_ops += len(sweep.ops)

    def tables(self) -> Tables:
        """Everything so far, as arrays."""
        ops = np.concatenate([np.zeros((0, 7), np.int64), *self._ops])
        table = np.array(self._rows, dtype=np.int64).reshape(-1, 8)
        return Tables(table, np.array(self._places, dtype=np.int64), ops, *self.cores.arrays())


class Plan:
    """A program as tables for the kernels.

    Maps on one site that follow each other are fused into one matrix; fixed ones are multiplied here, once. From four
    qubits on, maps on one and two sites are grouped into blocks. New parameters cost only binding.

    Attributes
    ----------
    coefficients : Coefficients
        Of the operations, at any parameters.
    tables : Tables
        What :func:`qml.engines.pauli_kernels.sweep` takes.
    n_in, n_out, n_max : int
        Qubits before the first step, after the last, and at most.
    n_saved : int
        How many operations hold free parameters; their inputs are needed on the way back.
    """

    def __init__(self, program: Program) -> None:
        _check_qubits(program)
        self.n_in, self.n_out = len(program.dims_in), len(program.dims_out)
        self._offset = program.offset
        self._free = np.diff(program.weights.indptr) > 0
        self._fixed: dict[tuple[int, bytes], Real] = {}

        self._builder = TableBuilder()
        self.coefficients = Coefficients()
        self.n_max = self._build(program)

        self.tables = self._builder.tables()
        self.n_saved = self._builder.n_saved
        self.coefficients.finish()

    def _build(self, program: Program) -> int:
        n = n_max = self.n_in
        waiting: dict[int, list[Factor]] = {}  # maps on single sites that are not placed yet
        self._blocks = self._new_blocks(n)
        for step in program.steps:
            sites, instruction = step.sites, step.instruction
            if isinstance(instruction, TraceOut | Initialize):
                self._end_blocks(n, waiting)
                appended = isinstance(instruction, Initialize)
                for site in sorted(sites, reverse=not appended):
                    shift = 2 * (n - site) if appended else 2 * (n - 1 - site)
                    self._builder.add(loops.APPEND if appended else loops.DISCARD, n, [shift], 1)
                    n += 1 if appended else -1
                n_max = max(n_max, n)
                self._blocks = self._new_blocks(n)
                continue
            if isinstance(instruction, PauliRotation):
                sites = tuple(site for site, letter in zip(sites, instruction.label, strict=True) if letter != "I")
                if not sites:
                    continue  # a phase
            if len(sites) == 1:
                free = self._is_free(step)
                waiting.setdefault(sites[0], []).append(step if free else self._fixed_matrix(step, sites))
                continue
            if self._blocks is None or len(sites) > 2:
                self._end_blocks(n, waiting)
            else:
                self._flush(n, waiting, sites)
            if isinstance(instruction, PauliRotation):
                self._add_rotation(n, step, instruction.label, sites)
            else:
                self._add_matrix(n, step)
        self._end_blocks(n, waiting)
        return n_max

    def _new_blocks(self, n: int) -> block_plan.SweepBuilder | None:
        return block_plan.SweepBuilder(n, self._builder.cores) if n >= block_plan.SMALLEST_REGISTER else None

    def _end_blocks(self, n: int, waiting: dict[int, list[Factor]]) -> None:
        """Place everything that is waiting, before an operation that is no part of a block."""
        self._flush(n, waiting, tuple(waiting))
        if self._blocks is not None:
            self._builder.add_blocks(self._blocks)

    def _flush(self, n: int, waiting: dict[int, list[Factor]], sites: tuple[int, ...]) -> None:
        """Place the waiting maps on these sites, each site's as one matrix."""
        for site in sorted(sites):
            chain = list(_fused(waiting.pop(site, [])))
            if chain and self._blocks is not None and (diagonal := _diagonal(chain[0])) is not None:
                chain = chain[self._blocks.fold(site, diagonal) :]
            if not chain:
                continue
            free = any(isinstance(factor, Step) for factor in chain)
            start = self.coefficients.add_chain(chain) if free else self.coefficients.add(chain[0])  # type: ignore[arg-type]
            if self._blocks is not None:
                self._blocks.one(site, start, free)
            else:
                self._builder.add(loops.MATRIX, n, 2 * [2 * (n - 1 - site)], 1, start, free)

    def _add_rotation(self, n: int, step: Step, label: str, sites: tuple[int, ...]) -> None:
        free = self._is_free(step)
        start = self.coefficients.add_rotation(self._offset[step.start], step.start, free)
        letters = dict(zip(step.sites, map(LETTERS.index, label), strict=True))
        if self._blocks is not None and len(sites) == 2:
            high, low = sorted(sites)
            self._blocks.turn((high, low), 4 * letters[high] + letters[low], start, free)
        else:
            string = sum(letter << (2 * (n - 1 - site)) for site, letter in letters.items())
            self._builder.add(loops.ROTATION, n, [string, string], 1, start, free)

    def _add_matrix(self, n: int, step: Step) -> None:
        sites = step.sites
        free = self._is_free(step)
        blocks = self._blocks if len(sites) == 2 else None
        swapped = blocks is not None and sites[0] > sites[1]
        if free:
            start = self.coefficients.add_matrix(step, swapped)
        else:
            matrix = self._fixed_matrix(step, sites)
            matrix = block_plan.swap_sites(matrix) if swapped else matrix
            if blocks is not None and block_plan.is_permutation(matrix):
                blocks.permutation((min(sites), max(sites)), matrix)
                return
            start = self.coefficients.add(matrix)
        if blocks is not None:
            blocks.dense((min(sites), max(sites)), start, free)
        else:
            shifts = [2 * (n - 1 - site) for site in sites]
            self._builder.add(loops.MATRIX, n, shifts + sorted(shifts), len(sites), start, free)

    def _is_free(self, step: Step) -> bool:
        return bool(self._free[step.start : step.stop].any())

    def _fixed_matrix(self, step: Step, sites: tuple[int, ...]) -> Real:
        """The transfer matrix on `sites` of a step without free parameters; the same for equal instructions."""
        values = self._offset[step.start : step.stop]
        key = (id(step.instruction), values.tobytes())
        if key not in self._fixed:
            instruction = step.instruction
            if isinstance(instruction, PauliRotation):  # on one site, whatever its weight
                instruction = PauliRotation(instruction.label.strip("I"))
            self._fixed[key] = transfer_of(instruction, values)
        return self._fixed[key]


def _fused(chain: list[Factor]) -> Iterator[Factor]:
    """The chain, with fixed matrices that follow each other multiplied."""
    product_so_far: Real | None = None
    for factor in chain:
        if isinstance(factor, Step):
            if product_so_far is not None:
                yield product_so_far
            product_so_far = None
            yield factor
        else:
            product_so_far = factor if product_so_far is None else factor @ product_so_far
    if product_so_far is not None:
        yield product_so_far


def _diagonal(factor: Factor) -> Real | None:
    """The diagonal of a fixed diagonal map, else None."""
    if isinstance(factor, Step):
        return None
    diagonal = np.diagonal(factor).copy()
    return diagonal if np.array_equal(np.diag(diagonal), factor) else None


def _check_qubits(program: Program) -> None:
    fresh = [d for step in program.steps if isinstance(step.instruction, Initialize) for d in step.instruction.dims]
    for d in (*program.dims_in, *fresh):
        if d != 2:
            raise InputError(f"PauliEngine runs qubits; found a site of dimension {d}: use ReferenceEngine.")


_PLANS: WeakKeyDictionary[Program, Plan] = WeakKeyDictionary()


def plan_of(program: Program) -> Plan:
    """The plan of a program, made once and kept as long as the program lives."""
    if program not in _PLANS:
        _PLANS[program] = Plan(program)
    return _PLANS[program]
