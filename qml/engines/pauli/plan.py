"""What the Pauli engine works out once for each program, and how parameters enter it afterwards."""

from __future__ import annotations

import math
from functools import cached_property, partial

import numpy as np

from qml import buffers
from qml._typing import Real
from qml.channels.mixtures import PauliMixture
from qml.circuits.program import Program, Step
from qml.engines._llvm.language import LANES
from qml.engines.compile.coefficients import Coefficients
from qml.engines.compile.kinds import PAULI
from qml.engines.compile.lanes import groups_of, in_lanes
from qml.engines.compile.steps import (
    Factor,
    Steps,
    any_free,
    as_permutation,
    check_qubits,
    fused,
    is_permutation,
    kept,
    rotation,
    string_of,
)
from qml.engines.pauli import loops, rows
from qml.engines.pauli.rows import RowCompiler
from qml.engines.pauli.tables import ACTIVE_SITES, Map, TableBuilder
from qml.engines.register import registers_of
from qml.engines.transfer import LETTERS, transfer_of
from qml.gates import PauliRotation
from qml.instructions import PartialTrace, Preparation, Unitary

ROUNDING = 4 * float(np.finfo(np.float64).eps)
"""Entries of the transfer matrix of a fixed gate that are so close to an integer are that integer; the first row of a
channel, which says what becomes of the trace, is (1, 0, 0, ...) where it is so close to it; and a channel that is so
close to a depolarizing one is depolarizing."""
DIFFERENTIATED_SITES = 4
"""Sites of a sweep at most where the history of a block is kept."""
ALONE_UP_TO = 4
"""Qubits of a register that is one block, though it fills one lane of eight."""
HISTORY_ROOM = 2**14
"""Rows that the history of a block of the whole register may take: 1 MiB. Fewer would mean more vectors to keep."""
LANES_UP_TO = 5
"""Qubits up to which members of a batch go side by side."""


class Plan(Steps):
    """A program as tables for the kernels.

    Maps on one site that follow each other are fused into one matrix; fixed ones are multiplied here, once. All but
    rotations about long strings are grouped into blocks, which are smaller where what they do is differentiated
    (`gradient`), as their history is kept. New parameters cost only binding.

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
        Whether it is for vectors of eight members side by side (:mod:`qml.engines.compile.lanes`).
    """

    def __init__(self, program: Program, gradient: bool, wide: bool) -> None:
        check_qubits(program, "PauliEngine")
        super().__init__(program)
        self._gradient, self.wide = gradient, wide
        self.n_in, self.n_out = len(program.dims_in), len(program.dims_out)
        self._fixed: dict[tuple[int, bytes], Real] = {}

        no_matrices = PauliRotation | PartialTrace | Preparation
        matrices = [len(s.sites) for s in program.steps if not isinstance(s.instruction, no_matrices)]
        self._builder = TableBuilder(max([ACTIVE_SITES, *matrices]), wide)
        self.coefficients = Coefficients(PAULI)
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
        self._begin_blocks(n)
        for step in program.steps:
            sites, instruction = step.sites, step.instruction
            if isinstance(instruction, PartialTrace | Preparation):
                self._end_blocks()
                appended = isinstance(instruction, Preparation)
                for site in sorted(sites, reverse=not appended):
                    shift = self._builder.shift(n + 1 if appended else n, site)
                    self._builder.add(loops.APPEND if appended else loops.DISCARD, n, [shift], 1)
                    n += 1 if appended else -1
                n_max = max(n_max, n)
                self._begin_blocks(n)
                continue
            if isinstance(instruction, PauliRotation):
                sites, letters = string_of(step)
                if not sites:
                    continue  # a phase
                instruction = rotation(letters)
            if len(sites) == 1:
                self.wait_for(Step(instruction, sites, step.start, step.stop), self._fixed_matrix, phases=False)
                continue
            if not isinstance(instruction, PauliRotation):
                self._add(sites, self._matrix_map(step))
            elif len(sites) <= self._builder.most:
                string = sum(LETTERS.index(letter) << 2 * k for k, letter in enumerate(reversed(letters)))
                self._add(sites, self._turn(sites, string, step))
            else:
                self._end_blocks()
                string = sum(LETTERS.index(c) << 2 * (n - 1 - site) for site, c in zip(sites, letters, strict=True))
                self._builder.add(loops.ROTATION, n, [string], 1, self._cosine_and_sine(step), self.is_free(step))
        self._end_blocks()
        return n_max

    def _begin_blocks(self, n: int) -> None:
        if self.wide or n <= ALONE_UP_TO:  # all sites in one block, and what the history has room for
            self._builder.begin(n, n, HISTORY_ROOM // 4**n if self._gradient else math.inf)
        else:
            self._builder.begin(n, min(DIFFERENTIATED_SITES if self._gradient else ACTIVE_SITES, n - 2))

    def _add(self, sites: tuple[int, ...], last: Map) -> None:
        """A map on several sites, after what waits on them."""
        self._builder.add_maps(sites, [*(m for site in sites for m in self._waiting_maps(site)), last])

    def _end_blocks(self) -> None:
        """Place everything that is waiting, before an operation that is no part of a block."""
        for site in self.waiting():
            self._builder.end(site, self._waiting_maps(site))
        self._builder.end_blocks()

    def _waiting_maps(self, site: int) -> list[Map]:
        """What waits on a site: one matrix, or, where all but one rotation cost nothing, each by itself."""
        chain, strength = self.taken(site), 1.0
        if any_free(chain) and all(map(_is_unital, chain)):
            chain, strength = _without_depolarizing(chain)
        chain = list(fused(chain))
        letter = _one_turn(chain)
        if any_free(chain) and not letter:
            maps = [_product(site, self.coefficients.add_chain(chain), chain)]
        else:
            maps = [
                self._turn((site,), letter, factor) if isinstance(factor, Step) else self._fixed_map((site,), factor)
                for factor in chain
            ]
        if strength != 1.0:
            maps.append(self._fixed_map((site,), np.diag([1.0, strength, strength, strength])))
        return maps

    def _turn(self, sites: tuple[int, ...], string: int, step: Step) -> Map:
        """exp(-i theta P / 2) with a base-4 digit of P for each of the sites."""
        first, free = self._cosine_and_sine(step), self.is_free(step)
        return Map(sites, partial(RowCompiler.turn, string=string, first=first, free=free))

    def _cosine_and_sine(self, step: Step) -> int:
        angle = self._offset[step.start]
        return self.coefficients.add_rotation(step.instruction, angle, step.start, self.is_free(step))

    def _matrix_map(self, step: Step) -> Map:
        """The map of a step on several sites that is no rotation."""
        if not self.is_free(step):
            return self._fixed_map(step.sites, self._fixed_matrix(step))
        return Map(step.sites, partial(RowCompiler.dense, first=self.coefficients.add_matrix(step), free=True))

    def _fixed_map(self, sites: tuple[int, ...], matrix: Real) -> Map:
        """A matrix of numbers, over the sites as listed."""
        if is_permutation(matrix):
            places, factors = as_permutation(matrix)
            return Map(sites, partial(RowCompiler.permute, places=places, factors=factors), computed=False)
        first, diagonal = self.coefficients.add(matrix), np.diagonal(matrix)
        if len(sites) > 1:
            return Map(sites, partial(RowCompiler.dense, first=first, free=False))
        if matrix[0, 0] == 1.0 and matrix[3, 0] and np.count_nonzero(matrix) == np.count_nonzero(diagonal) + 1:
            return Map(sites, partial(RowCompiler.translate, diagonal=diagonal, first=first))
        return _product(sites[0], first, [matrix])

    def _fixed_matrix(self, step: Step) -> Real:
        """The transfer matrix of a step without free parameters; the same for equal instructions."""
        values = self.fixed_values(step)
        key = (id(step.instruction), values.tobytes())
        if key not in self._fixed:
            matrix = transfer_of(step.instruction, values)
            if isinstance(step.instruction, Unitary):  # Clifford gates are signed permutations
                near = np.rint(matrix)
                matrix = np.where(np.abs(matrix - near) <= ROUNDING, near, matrix)
            elif np.abs(matrix[0] - np.eye(1, len(matrix))).max() <= ROUNDING:  # the trace is preserved
                matrix[0] = np.eye(1, len(matrix))
                depolarizing = np.diag([1.0, *[matrix[1, 1]] * (len(matrix) - 1)])
                matrix = depolarizing if np.abs(matrix - depolarizing).max() <= ROUNDING else matrix
            self._fixed[key] = matrix
        return self._fixed[key]


def _product(site: int, first: int, chain: list[Factor]) -> Map:
    """The product of a chain, whose coefficients start at `first`."""
    unital, affine = all(map(_is_unital, chain)), all(map(_is_affine, chain))
    kind = rows.UNITAL if unital else rows.AFFINE if affine else rows.GENERAL
    return Map((site,), partial(RowCompiler.site, kind=kind, first=first, free=any_free(chain)))


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
    return LETTERS.index(steps[0].instruction.label)


def _is_affine(factor: Factor) -> bool:
    """Whether it preserves the trace."""
    return isinstance(factor, Step) or bool(np.array_equal(factor[0], [1.0, 0.0, 0.0, 0.0]))


def _is_unital(factor: Factor) -> bool:
    """Whether it maps 1 to 1, and preserves the trace."""
    if isinstance(factor, Step):
        return isinstance(factor.instruction, Unitary | PauliMixture)
    return _is_affine(factor) and not factor[1:, 0].any()


def plan_of(program: Program, gradient: bool = False, members: int = 1) -> Plan:
    """The plan of a program, made once and kept as long as the program lives; for so many vectors, side by side where
    that is faster."""
    wide = members != 1 and kept(program, "qubits", lambda: max(map(len, registers_of(program)))) <= LANES_UP_TO
    return kept(program, (gradient, wide), lambda: Plan(program, gradient, wide))
