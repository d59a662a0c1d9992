"""What unitary programs on vectors of qubits need worked out once, and how parameters enter afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qml._typing import Complex, Integer, Real
from qml.circuits.program import Program, Step
from qml.engines.compile.steps import (
    Joined,
    Steps,
    any_free,
    as_permutation,
    fused,
    is_permutation,
    kept,
    string_of,
)
from qml.engines.compile.windows import Operation, windows
from qml.engines.transfer import LETTERS, PAULIS, TO_Z
from qml.engines.vectors import kernels
from qml.engines.vectors.chains import chain_products
from qml.engines.vectors.operations import PAIR_SUMS
from qml.engines.vectors.plain import derivatives_at, matrix_at, unitary_of
from qml.gates import P, PauliRotation

ACTIVE_QUBITS = 9
"""Qubits of a sweep at most: its two buffers, 2^9 rows of 128 bytes each, stay in the L2 cache."""
WINDOW = 96
"""How many operations ahead are looked at for one that fits into the sweep."""


@dataclass
class _Op(Operation):
    """One operation on qubits not yet numbered within a sweep.

    A pair has sites (high, low), high < low; `start` is where A, the turn's cosine, or the matrix starts, `second`
    where B or the matrices K start.
    """

    kind: int
    start: int = -1
    second: int = -1
    core: int = 0
    letters: str = ""
    free: int = 0
    out: int = 0

    @property
    def active(self) -> tuple[int, ...]:
        """The sites that must be active in its sweep."""
        if self.kind == kernels.TURN:
            return tuple(site for site, letter in zip(self.sites, self.letters, strict=True) if letter in "XY")
        return self.sites


class Plan(Steps):
    """A unitary program on qubits as tables for the kernels. New parameters cost only :meth:`bind`.

    Gates on one qubit that follow each other are fused into one matrix, which waits for a gate on two qubits to take it
    along; operations are grouped into sweeps.

    Parameters
    ----------
    program : Program
        Unitary, of qubits.
    spare : int
        How many qubits should stay out of every sweep, where there are so many, to fill the lanes of a register.

    Attributes
    ----------
    n : int
        Qubits, of at least two: a single one is accompanied by one in front that stays in its first state.
    tables : Tables
        What :func:`qml.engines.vectors.kernels.run` takes.
    first_free : int
        The first sweep that is differentiated.
    n_sums : int
        How many sums the kernels make.
    room_rows : int
        Rows of memory that a call of the kernels needs for itself.
    """

    def __init__(self, program: Program, spare: int) -> None:
        super().__init__(program)
        self._sites = len(program.dims_in)
        self.n = max(self._sites, 2)
        self._spare = spare
        self._most = max(2, min(ACTIVE_QUBITS, self.n - spare))

        self._template = Joined(np.zeros(0))
        self._factors: list[Complex] = []
        self._chain_starts, self._chain_targets = [0], list[int]()
        self._chain_sums: dict[int, int] = {}  # by target: where its sums start
        self._site_turns: list[tuple[int, int, int, int]] = []  # factor, axis, slot, whether it is P
        self._site_steps: list[tuple[int, Step]] = []  # factor, step
        self._string_turns: list[tuple[int, int, int]] = []  # coefficient, slot, sum
        self._matrix_steps: list[tuple[int, int, Step, int]] = []  # matrix, matrices K, step, sum
        self._cores: list[tuple[Integer, Complex]] = [(np.arange(4), np.ones(4, dtype=np.complex128))]
        self._ops: list[_Op] = []
        self.n_sums = 0

        for step in program.steps:
            self._add(step)
        self._place_waiting(range(self._sites))
        self._group()
        self._finish()

    # parameters ------------------------------------------------------------------------------------------------------

    def bind(self, slots: Real, gradient: bool) -> tuple[Real, Real]:
        """Coefficients at these slot values, and for the gradient what comes before each factor of a chain."""
        factors = self._factor_array.copy()
        half = slots[self._turn_slots, None, None] / 2
        factors[self._turn_factors] = np.cos(half) * PAULIS[0] - 1j * np.sin(half) * self._turn_axes
        if self._phased.any():
            factors[self._turn_factors] *= np.exp(1j * half * self._phased)
        for index, step in self._site_steps:
            factors[index] = matrix_at(step, slots)
        coefficients = self._coefficients.copy()
        before = np.empty((len(factors), 8))
        chain_products(factors.view(np.float64).reshape(-1, 8), *self._chains, coefficients, before)
        half = slots[self._string_slots] / 2
        coefficients[self._string_starts] = np.cos(half)
        coefficients[self._string_starts + 1] = np.sin(half)
        for start, generators, step, _ in self._matrix_steps:
            matrix = _flat(matrix_at(step, slots))
            coefficients[start : start + matrix.size] = matrix
            if gradient:
                k = _flat(_generators(step, slots))
                coefficients[generators : generators + k.size] = k
        return coefficients, before

    def slot_gradient(self, slots: Real, before: Real, sums: Real) -> Real:
        """dL/dslots (n_slots,) from the kernels' sums."""
        gradient = np.zeros(len(slots))
        prefix = before.view(np.complex128).reshape(-1, 2, 2)
        generators = [self._turn_generators, *(_generators(step, slots) for _, step in self._site_steps)]
        e = prefix[self._slot_factors]
        k = e.conj().swapaxes(1, 2) @ np.concatenate(generators) @ e
        d0, d1, u, v = (sums[self._slot_sums + number] for number in range(4))
        contracted = k[:, 0, 1].real * u - k[:, 0, 1].imag * v - k[:, 0, 0].imag * d0 - k[:, 1, 1].imag * d1
        gradient[self._chain_slots] = contracted
        gradient[self._string_slots] = sums[self._string_sums]
        for _, _, step, out in self._matrix_steps:
            gradient[step.start : step.stop] = sums[out : out + step.stop - step.start]
        return gradient

    # building --------------------------------------------------------------------------------------------------------

    def _add(self, step: Step) -> None:
        instruction, sites = unitary_of(step), step.sites
        free = self.is_free(step)
        if isinstance(instruction, PauliRotation):
            sites, letters = string_of(step)
            if len(sites) == 1:
                reduced = Step(PauliRotation(letters), sites, step.start, step.stop)
                self.wait(sites[0], reduced if free else self._matrix(reduced))
            else:
                self._add_turn(step, sites, letters, free)
        elif len(sites) == 1:
            self.wait_for(step, self._matrix, phases=True)
        elif len(sites) == 2 and not free and is_permutation(matrix := self._matrix(step)):
            self._add_pair(sites, self._core(*as_permutation(matrix), swapped=sites[0] > sites[1]))
        else:
            self._place_waiting(sites)
            side = 2 ** len(sites)
            matrix = np.zeros((side, side), dtype=np.complex128) if free else self._matrix(step)
            op = _Op(sites, kernels.DENSE, self._template.add(_flat(matrix)))
            if free:
                op.free, op.out = step.stop - step.start, self._sums(step.stop - step.start)
                op.second = self._template.add(np.zeros(2 * op.free * matrix.size))
                self._matrix_steps.append((op.start, op.second, step, op.out))
            self._ops.append(op)

    def _add_turn(self, step: Step, sites: tuple[int, ...], letters: str, free: bool) -> None:
        """A string of two letters or more, or none; of the letters X and Y beyond what a sweep can hold, made Z."""
        turned = [i for i, letter in enumerate(letters) if letter != "Z"][self._most :]
        for i in turned:
            self.wait(sites[i], TO_Z[letters[i]])
        self._place_waiting(sites)
        angle = self._offset[step.start] / 2
        op = _Op(sites, kernels.TURN, self._template.add(np.array([math.cos(angle), math.sin(angle)])))
        op.letters = "".join("Z" if i in turned else letter for i, letter in enumerate(letters))
        if free:
            op.free, op.out = 1, self._sums(1)
            self._string_turns.append((op.start, step.start, op.out))
        self._ops.append(op)
        for i in turned:
            self.wait(sites[i], TO_Z[letters[i]].conj().T)

    def _place_waiting(self, sites: Sequence[int]) -> None:
        """Place what waits on these qubits, by twos."""
        left = self.waiting(sites)
        if len(left) % 2:
            others = [site for site in sites if site not in left]  # where there is none, a neighbor
            left.append(others[0] if others else left[-1] - 1 if left[-1] or self._sites == 1 else 1)
        for pair in zip(left[::2], left[1::2], strict=True):
            self._add_pair(pair, 0)

    def _add_pair(self, sites: tuple[int, ...], core: int) -> None:
        """The waiting gates on two qubits, then a core over (lower, higher)."""
        high, low = min(sites), max(sites)
        (first, free_first), (second, free_second) = self._chain(high), self._chain(low)
        op = _Op((high, low), kernels.PAIR, first, second, core, free=free_first | free_second << 1)
        if op.free:
            op.out = self._sums(PAIR_SUMS)
            self._chain_sums.update({first: op.out, second: op.out + PAIR_SUMS // 2})
        self._ops.append(op)

    def _chain(self, site: int) -> tuple[int, bool]:
        """Where the matrix of what waits on a qubit starts (-1: nothing waits), and whether it is differentiated."""
        chain = list(fused(self.taken(site)))
        if not chain:
            return -1, False
        if not any_free(chain):
            return self._template.add(_flat(np.asarray(chain[0]))), False
        target = self._template.add(np.zeros(8))
        self._chain_targets.append(target)
        for factor in chain:
            index = len(self._factors)
            if not isinstance(factor, Step):
                self._factors.append(factor)
                continue
            self._factors.append(np.zeros((2, 2), dtype=np.complex128))
            if isinstance(factor.instruction, PauliRotation):
                self._site_turns.append((index, LETTERS.index(factor.instruction.label), factor.start, 0))
            elif factor.instruction == P:
                self._site_turns.append((index, LETTERS.index("Z"), factor.start, 1))
            else:
                self._site_steps.append((index, factor))
        self._chain_starts.append(len(self._factors))
        return target, True

    def _sums(self, count: int) -> int:
        self.n_sums += count
        return self.n_sums - count

    def _matrix(self, step: Step) -> Complex:
        """The matrix of a step without free parameters."""
        return matrix_at(step, self._offset)

    def _core(self, places: Integer, factors: Complex, swapped: bool) -> int:
        """The number of a core; `swapped`: given over (higher, lower)."""
        if swapped:
            order = np.array([0, 2, 1, 3])
            places, factors = order[places[order]], factors[order]
        self._cores.append((places, factors))
        return len(self._cores) - 1

    # sweeps ----------------------------------------------------------------------------------------------------------

    def _group(self) -> None:
        """The operations as sweeps."""
        places: list[int] = []
        sweeps: list[list[int]] = []
        rows: list[list[int]] = []
        self.first_free = -1
        self.room_rows = 0
        for chosen, active in windows(self._ops, self._sites, self._most, WINDOW):
            shifts = sorted(self._shift(site) for site in self._filled(active))
            sweeps.append([len(places), len(shifts), len(rows), len(chosen)])
            places.extend(shifts)
            rows.extend(self._row(op, shifts, places) for op in chosen)
            if self.first_free < 0 and any(op.free for op in chosen):
                self.first_free = len(sweeps) - 1
            largest = max(2 ** len(op.sites) if op.kind == kernels.DENSE else 0 for op in chosen)
            self.room_rows = max(self.room_rows, 2 * 2 ** len(shifts) + largest)
        self.tables = kernels.Tables(
            np.array(sweeps, dtype=np.int64).reshape(-1, 4),
            np.array(places, dtype=np.int64),
            np.array(rows, dtype=np.int64).reshape(-1, 8),
            np.array([p for p, _ in self._cores], dtype=np.int64),
            np.array([_flat(f) for _, f in self._cores]),
        )

    def _filled(self, active: tuple[int, ...]) -> set[int]:
        """The active sites of a sweep, and more where they are few."""
        quiet = [site for site in reversed(range(self._sites - self._spare)) if site not in active]
        return {*active, *quiet[: max(0, self._most - len(active))]}

    def _shift(self, site: int) -> int:
        """The bit of a site in the index of a basis state."""
        return self._sites - 1 - site

    def _row(self, op: _Op, shifts: list[int], places: list[int]) -> list[int]:
        """A row of ``ops``; what it needs beside is appended to `places`."""
        number = {shift: bit for bit, shift in enumerate(shifts)}
        bits = [number.get(self._shift(site), -1) for site in op.sites]
        head = [op.kind, op.free, op.out]
        if op.kind == kernels.PAIR:
            return [*head, *bits, op.start, op.second, op.core]
        if op.kind == kernels.TURN:
            named = list(zip(op.letters, bits, op.sites, strict=True))
            flip = sum(1 << bit for letter, bit, _ in named if letter in "XY")
            z = sum(1 << bit for letter, bit, _ in named if letter in "YZ" and bit >= 0)
            outer = sum(1 << self._shift(site) for _, bit, site in named if bit < 0)
            return [*head, flip, z, op.start, outer, (op.letters.count("Y") + 3) % 4]
        side, offsets = 2 ** len(bits), len(places)
        local = np.arange(side)
        weights = [((local >> (len(bits) - 1 - i)) & 1) << bit for i, bit in enumerate(bits)]
        places.extend(np.sum(weights, axis=0).tolist())
        rows, mask = np.arange(2 ** len(shifts)), sum(1 << bit for bit in bits)
        firsts = len(places)
        places.extend(rows[rows & mask == 0].tolist())
        return [*head, offsets, side, op.start, op.second, firsts]

    def _finish(self) -> None:
        """Lists as arrays."""
        self._coefficients = self._template.array()
        self._factor_array = np.array(self._factors, dtype=np.complex128).reshape(-1, 2, 2)
        targets = np.array(self._chain_targets, dtype=np.int64)
        self._chains = np.array(self._chain_starts), targets
        self._turn_factors, axes, self._turn_slots, phased = _columns(self._site_turns, 4)
        self._turn_axes, self._phased = PAULIS[axes], phased[:, None, None]
        self._turn_generators = -0.5j * (self._turn_axes - self._phased * PAULIS[0])
        self._string_starts, self._string_slots, self._string_sums = _columns(self._string_turns, 3)
        slots = list(zip(self._turn_slots.tolist(), self._turn_factors.tolist(), strict=True))
        slots += [(slot, index) for index, step in self._site_steps for slot in range(step.start, step.stop)]
        self._chain_slots, self._slot_factors = _columns(slots, 2)
        chains = np.searchsorted(self._chains[0], self._slot_factors, side="right") - 1
        self._slot_sums = np.array([self._chain_sums[target] for target in targets[chains].tolist()], dtype=np.int64)


def _columns(rows: Sequence[tuple[int, ...]], count: int) -> Integer:
    """The columns of a list of rows."""
    return np.array(rows, dtype=np.int64).reshape(-1, count).T


def _flat(matrix: Complex) -> Real:
    """Real and imaginary parts in turn, one after another."""
    return np.ascontiguousarray(matrix, dtype=np.complex128).view(np.float64).ravel()


def _generators(step: Step, slots: Real) -> Complex:
    """K = U^dagger dU for each parameter of a gate."""
    return np.asarray(matrix_at(step, slots).conj().T @ derivatives_at(step, slots))


def plan_of(program: Program, spare: int) -> Plan:
    """The plan of a program, made once and kept as long as the program lives."""
    return kept(program, ("vectors", spare), lambda: Plan(program, spare))
