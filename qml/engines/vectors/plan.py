"""What unitary programs on vectors of qubits need worked out once, and how parameters enter afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qml._typing import Complex, Integer, Real
from qml.circuits.program import Program, Step
from qml.engines.compile.coefficients import Coefficients
from qml.engines.compile.kinds import AMPLITUDES
from qml.engines.compile.lanes import entries_of
from qml.engines.compile.planner import Planner
from qml.engines.compile.steps import Joined, any_free, as_permutation, fused, is_permutation, kept
from qml.engines.compile.windows import Operation
from qml.engines.transfer import TO_Z
from qml.engines.vectors import kernels
from qml.engines.vectors.operations import PAIR_SUMS
from qml.engines.vectors.plain import derivatives_at, matrix_at, unitary_of
from qml.gates import PauliRotation

ACTIVE_QUBITS = 9
"""Qubits of a sweep at most: its two buffers, 2^9 rows of 128 bytes each, stay in the L2 cache."""
ENTRIES = np.array([0, 4, 2, 6, 8, 12, 10, 14])
"""Where the real and imaginary parts of a 2 x 2 matrix stand in the 4 x 4 matrix of reals."""


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


class Plan(Planner[_Op]):
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
        Qubits, at least two: a single one is accompanied by one in front that stays in its first state.
    tables : Tables
        What :func:`qml.engines.vectors.kernels.run` takes.
    first_free : int
        The first sweep that is differentiated.
    n_sums : int
        How many sums the kernels make.
    """

    def __init__(self, program: Program, spare: int) -> None:
        super().__init__(program, AMPLITUDES)
        self.n = max(self.n_in, 2)
        self._spare = spare

        self._coefficients = Coefficients(AMPLITUDES)
        self._matrices = Joined(np.zeros(0))
        self._chains: list[tuple[int, int]] = []  # coefficient, sum
        self._string_turns: list[tuple[int, int]] = []  # slot, sum
        self._matrix_steps: list[tuple[int, int, Step, int]] = []  # matrix, matrices K, step, sum
        self._cores: list[tuple[Integer, Complex]] = [(np.arange(4), np.ones(4, dtype=np.complex128))]
        self._places: list[int] = []
        self._sweeps: list[list[int]] = []
        self._rows: list[list[int]] = []
        self.first_free, self.n_sums = -1, 0

        self.take(program)
        self._finish()

    # parameters ------------------------------------------------------------------------------------------------------

    def bind(self, slots: Real, gradient: bool) -> tuple[Real, Real]:
        """Coefficients in lanes at these slot values, and the matrices on several qubits, for the gradient with K."""
        coefficients, matrices = self._coefficients.bind(slots[None]), self._matrix_row.copy()
        for start, generators, step, _ in self._matrix_steps:
            matrix = matrix_at(step, slots)
            matrices[start : start + 2 * matrix.size] = _flat(matrix)
            if gradient:
                k = _flat(matrix.conj().T @ derivatives_at(step, slots))
                matrices[generators : generators + k.size] = k
        return coefficients, matrices

    def slot_gradient(self, slots: Real, coefficients: Real, sums: Real) -> Real:
        """dL/dslots (n_slots,) from the kernels' sums.

        Of each product A of gates on one qubit they are those parts of S_ab = <lambda_a|psi_b> that matter in dL = Re
        sum_ab (A^dagger dA)_ab S_ab, A^dagger dA being anti-Hermitian.
        """
        d0, d1, u, v = (sums[self._chain_sums + number] for number in range(4))
        s = np.array([[1j * d0, (u + 1j * v) / 2], [(1j * v - u) / 2, 1j * d1]])
        places = self._chain_targets[:, None] + ENTRIES
        a = entries_of(coefficients)[0, places, 0].view(np.complex128).reshape(-1, 2, 2)
        by_coefficient = np.zeros(coefficients.shape)
        entries_of(by_coefficient)[0, places, 0] = _flat(a @ np.moveaxis(s, -1, 0).conj()).reshape(places.shape)
        gradient: Real = self._coefficients.slot_gradient(slots[None], coefficients, by_coefficient, 1)[0]
        gradient[self._string_slots] = sums[self._string_sums]
        for _, _, step, out in self._matrix_steps:
            gradient[step.start : step.stop] = sums[out : out + step.stop - step.start]
        return gradient

    # building --------------------------------------------------------------------------------------------------------

    @property
    def most(self) -> int:
        return max(2, min(ACTIVE_QUBITS, self.n - self._spare))

    def several(self, step: Step) -> None:
        sites, free = step.sites, self.is_free(step)
        if isinstance(step.instruction, PauliRotation):
            self._add_turn(step, step.instruction.label, free)
        elif len(sites) == 2 and not free and is_permutation(matrix := self.fixed_matrix(step)):
            self._add_pair(sites, self._core(*as_permutation(matrix), swapped=sites[0] > sites[1]))
        else:
            self._place_waiting(sites)
            side = 2 ** len(sites)
            matrix = np.zeros((side, side), dtype=np.complex128) if free else self.fixed_matrix(step)
            op = _Op(sites, kernels.DENSE, self._matrices.add(_flat(matrix)))
            if free:
                op.free, op.out = step.stop - step.start, self._sums(step.stop - step.start)
                op.second = self._matrices.add(np.zeros(2 * op.free * matrix.size))
                self._matrix_steps.append((op.start, op.second, step, op.out))
            self.operations.append(op)

    def change(self, step: Step) -> None:
        """Refused, as anything else that is not unitary."""
        unitary_of(step)

    def rest(self) -> None:
        self._place_waiting(range(self.n_in))

    def _add_turn(self, step: Step, letters: str, free: bool) -> None:
        """A string of two letters or more; of the letters X and Y beyond what a sweep can hold, made Z."""
        sites = step.sites
        turned = [i for i, letter in enumerate(letters) if letter != "Z"][self.most :]
        for i in turned:
            self.wait(sites[i], TO_Z[letters[i]])
        self._place_waiting(sites)
        start = self._coefficients.add_rotation(step.instruction, self._offset[step.start], step.start, free)
        op = _Op(sites, kernels.TURN, start)
        op.letters = "".join("Z" if i in turned else letter for i, letter in enumerate(letters))
        if free:
            op.free, op.out = 1, self._sums(1)
            self._string_turns.append((step.start, op.out))
        self.operations.append(op)
        for i in turned:
            self.wait(sites[i], TO_Z[letters[i]].conj().T)

    def _place_waiting(self, sites: Sequence[int]) -> None:
        """Place what waits on these qubits, by twos."""
        left = self.waiting(sites)
        if len(left) % 2:
            others = [site for site in sites if site not in left]  # where there is none, a neighbor
            left.append(others[0] if others else left[-1] - 1 if left[-1] or self.n_in == 1 else 1)
        for pair in zip(left[::2], left[1::2], strict=True):
            self._add_pair(pair, 0)

    def _add_pair(self, sites: tuple[int, ...], core: int) -> None:
        """The waiting gates on two qubits, then a core over (lower, higher)."""
        high, low = min(sites), max(sites)
        (first, free_first), (second, free_second) = self._chain(high), self._chain(low)
        op = _Op((high, low), kernels.PAIR, first, second, core, free=free_first | free_second << 1)
        if op.free:
            op.out = self._sums(PAIR_SUMS)
            self._chains += [(first, op.out)] * free_first + [(second, op.out + PAIR_SUMS // 2)] * free_second
        self.operations.append(op)

    def _chain(self, site: int) -> tuple[int, bool]:
        """Where the matrix of what waits on a qubit starts (-1: nothing waits), and whether it is differentiated."""
        chain = list(fused(self.taken(site)))
        if any_free(chain):
            return self._coefficients.add_chain(chain), True
        return self._coefficients.add(self._coefficients.real(np.asarray(chain[0]))) if chain else -1, False

    def _sums(self, count: int) -> int:
        self.n_sums += count
        return self.n_sums - count

    def _core(self, places: Integer, factors: Complex, swapped: bool) -> int:
        """The number of a core; `swapped`: given over (higher, lower)."""
        if swapped:
            order = np.array([0, 2, 1, 3])
            places, factors = order[places[order]], factors[order]
        self._cores.append((places, factors))
        return len(self._cores) - 1

    # sweeps ----------------------------------------------------------------------------------------------------------

    def sweep(self, chosen: list[_Op], active: tuple[int, ...]) -> None:
        shifts = sorted(self._shift(site) for site in self._filled(active))
        if self.first_free < 0 and any(op.free for op in chosen):
            self.first_free = len(self._sweeps)
        self._sweeps.append([len(self._places), len(shifts), len(self._rows), len(chosen)])
        self._places.extend(shifts)
        self._rows.extend(self._row(op, shifts) for op in chosen)

    def _filled(self, active: tuple[int, ...]) -> set[int]:
        """The active sites of a sweep, and more where they are few."""
        quiet = [site for site in reversed(range(self.n_in - self._spare)) if site not in active]
        return {*active, *quiet[: max(0, self.most - len(active))]}

    def _shift(self, site: int) -> int:
        """The bit of a site in the index of a basis state."""
        return self.n_in - 1 - site

    def _row(self, op: _Op, shifts: list[int]) -> list[int]:
        """A row of ``ops``; what it needs beside is appended to the places."""
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
        side, offsets = 2 ** len(bits), len(self._places)
        local = np.arange(side)
        weights = [((local >> (len(bits) - 1 - i)) & 1) << bit for i, bit in enumerate(bits)]
        self._places.extend(np.sum(weights, axis=0).tolist())
        rows, mask = np.arange(2 ** len(shifts)), sum(1 << bit for bit in bits)
        firsts = len(self._places)
        self._places.extend(rows[rows & mask == 0].tolist())
        return [*head, offsets, side, op.start, op.second, firsts]

    def _finish(self) -> None:
        """Lists as arrays."""
        self.tables = kernels.Tables(
            np.array(self._sweeps, dtype=np.int64).reshape(-1, 4),
            np.array(self._places, dtype=np.int64),
            np.array(self._rows, dtype=np.int64).reshape(-1, 8),
            np.array([p for p, _ in self._cores], dtype=np.int64),
            np.array([_flat(f) for _, f in self._cores]),
        )
        self._coefficients.finish()
        self._matrix_row = self._matrices.array()
        self._chain_targets, self._chain_sums = _columns(self._chains)
        self._string_slots, self._string_sums = _columns(self._string_turns)


def _columns(pairs: list[tuple[int, int]]) -> Integer:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def _flat(matrix: Complex) -> Real:
    """Real and imaginary parts in turn, one after another."""
    return np.ascontiguousarray(matrix, dtype=np.complex128).view(np.float64).ravel()


def plan_of(program: Program, spare: int) -> Plan:
    """The plan of a program, made once and kept as long as the program lives."""
    return kept(program, ("vectors", spare), lambda: Plan(program, spare))
