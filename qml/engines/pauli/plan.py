"""What the Pauli engine works out once for each program, and how parameters enter it afterwards."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from qml import buffers
from qml._typing import Real
from qml.channels.mixtures import PauliMixture
from qml.circuits.program import Program, Step
from qml.engines._llvm.language import LANES
from qml.engines.compile.steps import Factor, Steps, any_free, check_qubits, fused, is_permutation, kept, string_of
from qml.engines.pauli import blocks as grouping
from qml.engines.pauli import loops
from qml.engines.pauli.coefficients import Coefficients
from qml.engines.pauli.lanes import groups_of, in_lanes
from qml.engines.pauli.tables import TableBuilder
from qml.engines.transfer import LETTERS, transfer_of
from qml.gates import PauliRotation
from qml.instructions import PartialTrace, Preparation, Unitary

ROUNDING = 4 * float(np.finfo(np.float64).eps)
"""Entries of the transfer matrix of a fixed gate that are so close to an integer are that integer; the first row of a
channel, which says what becomes of the trace, is (1, 0, 0, ...) where it is so close to it; and a channel that is so
close to a depolarizing one is depolarizing."""
FORWARD, BACKWARD, TANGENTS = range(3)
"""What a plan is for: only the result; the gradient, too; or forward derivatives, where a coefficient may be anything.
The first has larger blocks, as it keeps no history of them."""


class Plan(Steps):
    """A program as tables for the kernels.

    Maps on one site that follow each other are fused into one matrix; fixed ones are multiplied here, once. From four
    qubits on, maps on one and two sites are grouped into blocks. New parameters cost only binding.

    Attributes
    ----------
    coefficients : Coefficients
        Of the operations, at any parameters.
    tables : Tables
        What :func:`qml.engines.pauli.kernels.sweep` takes.
    n_in, n_out, n_max : int
        Qubits before the first step, after the last, and at most.
    n_saved : int
        How many operations hold free parameters; their inputs are needed on the way back.
    wide : bool
        Whether it is for vectors of eight members side by side (:mod:`qml.engines.pauli.lanes`).
    """

    def __init__(self, program: Program, purpose: int, wide: bool = False) -> None:
        check_qubits(program, "PauliEngine")
        super().__init__(program)
        self._purpose, self.wide = purpose, wide
        self.n_in, self.n_out = len(program.dims_in), len(program.dims_out)
        self._fixed: dict[tuple[int, bytes], Real] = {}

        self._builder = TableBuilder(wide)
        self.coefficients = Coefficients()
        self.n_max = self._build(program)

        self.tables = self._builder.tables()
        self.n_saved = self._builder.n_saved
        self.coefficients.finish()

    def numbers(self, members: int) -> int:
        """How many numbers the vectors of so many members take."""
        return int(4**self.n_max * (LANES * groups_of(members) if self.wide else members))

    def arranged(self, heads: Real) -> Real:
        """Vectors (B, m) at the heads of rows with room for the largest register; eight of them in a row if `wide`."""
        if self.wide:
            heads = in_lanes(heads)
            if heads.shape[1] == self.numbers(1):
                return heads
        out = buffers.empty((len(heads), self.numbers(1)))
        out[:, : heads.shape[1]] = heads
        if heads.shape[1] < out.shape[1]:
            out[:, heads.shape[1] :] = 0.0
        return out

    @cached_property
    def ground(self) -> Real:
        """One row of these, of |0...0>."""
        head = np.zeros((4,) * self.n_in)
        head[(slice(None, None, 3),) * self.n_in] = 1.0
        return np.asarray(self.arranged(head.reshape(1, -1))[0])

    def _build(self, program: Program) -> int:
        n = n_max = self.n_in
        self._blocks = self._new_blocks(n)
        for step in program.steps:
            sites, instruction = step.sites, step.instruction
            if isinstance(instruction, PartialTrace | Preparation):
                self._end_blocks(n)
                appended = isinstance(instruction, Preparation)
                for site in sorted(sites, reverse=not appended):
                    shift = self._builder.shift(n + 1 if appended else n, site)
                    self._builder.add(loops.APPEND if appended else loops.DISCARD, n, [shift], 1)
                    n += 1 if appended else -1
                n_max = max(n_max, n)
                self._blocks = self._new_blocks(n)
                continue
            if isinstance(instruction, PauliRotation):
                sites, letters = string_of(step)
                if not sites:
                    continue  # a phase
            if len(sites) == 1:
                self.wait(sites[0], step if self.is_free(step) else self._fixed_matrix(step))
                continue
            in_block = self._blocks is not None and (
                len(sites) <= self._blocks.most if isinstance(instruction, PauliRotation) else len(sites) == 2
            )
            if not in_block:
                self._end_blocks(n)
            else:
                self._flush(n, self.waiting(sites))
            if isinstance(instruction, PauliRotation):
                self._add_rotation(n, step, sites, letters)
            else:
                self._add_matrix(n, step)
        self._end_blocks(n)
        return n_max

    def _new_blocks(self, n: int) -> grouping.SweepBuilder | None:
        general = self._purpose == TANGENTS
        if self.wide:  # all sites in one block, and as many maps as the history has room for
            computed = grouping.HISTORY_ROOM // 4**n if self._purpose == BACKWARD else None
            return grouping.SweepBuilder(n, n, general, computed) if n else None
        most = grouping.DIFFERENTIATED_SITES if self._purpose == BACKWARD else grouping.ACTIVE_SITES
        return grouping.SweepBuilder(n, min(most, n - 2), general) if n >= grouping.SMALLEST_REGISTER else None

    def _end_blocks(self, n: int) -> None:
        """Place everything that is waiting, before an operation that is no part of a block."""
        self._flush(n, self.waiting())
        if self._blocks is not None:
            self._builder.add_blocks(self._blocks)

    def _flush(self, n: int, sites: list[int]) -> None:
        """Place the waiting maps on these sites, each site's as one matrix."""
        for site in sites:
            chain = self.taken(site)
            strength = 1.0
            if self._blocks is not None and any_free(chain) and all(map(_is_unital, chain)):
                chain, strength = _without_depolarizing(chain)
            chain = list(fused(chain))
            if self._blocks is None:
                if chain:
                    start = self._add_chain(chain)
                    self._builder.add(loops.MATRIX, n, 2 * [self._builder.shift(n, site)], 1, start, any_free(chain))
            elif len(chain) == 1 and not isinstance(chain[0], Step):
                self._blocks.fixed(site, chain[0], self.coefficients.add)
            elif turning := _one_turn(chain):
                for factor in chain:
                    if isinstance(factor, Step):
                        start = self.coefficients.add_rotation(self._offset[factor.start], factor.start, True)
                        self._blocks.turn_one(site, turning, start, True)
                    else:
                        self._blocks.fixed(site, factor, self.coefficients.add)
            elif chain:
                affine, unital = all(map(_is_affine, chain)), all(map(_is_unital, chain))
                self._blocks.one(site, self._add_chain(chain), True, affine, unital)
            if strength != 1.0 and self._blocks is not None:
                self._blocks.fixed(site, np.diag([1.0, strength, strength, strength]), self.coefficients.add)

    def _add_chain(self, chain: list[Factor]) -> int:
        if any_free(chain):
            return self.coefficients.add_chain(chain)
        return self.coefficients.add(chain[0])  # type: ignore[arg-type]  # one matrix

    def _add_rotation(self, n: int, step: Step, sites: tuple[int, ...], letters: str) -> None:
        free = self.is_free(step)
        start = self.coefficients.add_rotation(self._offset[step.start], step.start, free)
        digits = [LETTERS.index(letter) for letter in letters]
        if self._blocks is not None and len(sites) <= self._blocks.most:
            string = sum(digit << 2 * place for place, digit in enumerate(reversed(digits)))
            self._blocks.turn(sites, string, start, free)
        else:
            string = sum(digit << (2 * (n - 1 - site)) for site, digit in zip(sites, digits, strict=True))
            self._builder.add(loops.ROTATION, n, [string, string], 1, start, free)

    def _add_matrix(self, n: int, step: Step) -> None:
        sites = step.sites
        free = self.is_free(step)
        blocks = self._blocks if len(sites) == 2 else None
        if free:
            start = self.coefficients.add_matrix(step)
        else:
            matrix = self._fixed_matrix(step)
            if blocks is not None and is_permutation(matrix):
                blocks.permutation(sites, matrix)
                return
            start = self.coefficients.add(matrix)
        if blocks is not None:
            blocks.dense(sites, start, free)
        else:
            shifts = [self._builder.shift(n, site) for site in sites]
            self._builder.add(loops.MATRIX, n, shifts + sorted(shifts), len(sites), start, free)

    def _fixed_matrix(self, step: Step) -> Real:
        """The transfer matrix of a step without free parameters; the same for equal instructions."""
        values = self.fixed_values(step)
        key = (id(step.instruction), values.tobytes())
        if key not in self._fixed:
            instruction = step.instruction
            if isinstance(instruction, PauliRotation):  # on one site, whatever its weight
                instruction = PauliRotation(instruction.label.strip("I"))
            matrix = transfer_of(instruction, values)
            if isinstance(instruction, Unitary):  # Clifford gates are signed permutations
                near = np.rint(matrix)
                matrix = np.where(np.abs(matrix - near) <= ROUNDING, near, matrix)
            elif np.abs(matrix[0] - np.eye(1, len(matrix))).max() <= ROUNDING:  # the trace is preserved
                matrix[0] = np.eye(1, len(matrix))
                depolarizing = np.diag([1.0, *[matrix[1, 1]] * (len(matrix) - 1)])
                matrix = depolarizing if np.abs(matrix - depolarizing).max() <= ROUNDING else matrix
            self._fixed[key] = matrix
        return self._fixed[key]


def _without_depolarizing(chain: list[Factor]) -> tuple[list[Factor], float]:
    """A chain of unital maps without its fixed depolarizing ones, which commute with all of them, and their factor."""
    rest, strength = list[Factor](), 1.0
    for factor in chain:
        if isinstance(factor, Step) or not np.array_equal(factor, np.diag([1.0, *3 * [factor[1, 1]]])):
            rest.append(factor)
        else:
            strength *= float(factor[1, 1])
    return rest, strength


def _one_turn(chain: list[Factor]) -> int:
    """The letter of the only rotation in a chain without other free steps, whose fixed maps cost nothing; else 0."""
    steps = [factor for factor in chain if isinstance(factor, Step)]
    fixed = [factor for factor in chain if not isinstance(factor, Step)]
    if len(steps) != 1 or not isinstance(steps[0].instruction, PauliRotation):
        return 0
    if not all(is_permutation(matrix) for matrix in fixed):
        return 0
    return LETTERS.index(steps[0].instruction.label.strip("I"))


def _is_affine(factor: Factor) -> bool:
    """Whether it preserves the trace."""
    return isinstance(factor, Step) or bool(np.array_equal(factor[0], [1.0, 0.0, 0.0, 0.0]))


def _is_unital(factor: Factor) -> bool:
    """Whether it maps 1 to 1, and preserves the trace."""
    if isinstance(factor, Step):
        return isinstance(factor.instruction, Unitary | PauliMixture)
    return _is_affine(factor) and not factor[1:, 0].any()


LANES_UP_TO, ALONE_UP_TO = 5, 4
"""Qubits up to which members of a batch go side by side, and up to which a single vector does, with idle lanes."""


def plan_of(program: Program, purpose: int = FORWARD, members: int | None = None) -> Plan:
    """The plan of a program for a purpose, made once and kept as long as the program lives; with `members`, for so many
    vectors, side by side where that is faster."""
    n_max = kept(program, "qubits", lambda: _most_qubits(program))
    wide = members is not None and n_max <= (ALONE_UP_TO if members == 1 else LANES_UP_TO)
    return kept(program, (purpose, wide), lambda: Plan(program, purpose, wide))


def _most_qubits(program: Program) -> int:
    n = n_max = len(program.dims_in)
    for step in program.steps:
        n += len(step.sites) * (isinstance(step.instruction, Preparation) - isinstance(step.instruction, PartialTrace))
        n_max = max(n_max, n)
    return n_max
