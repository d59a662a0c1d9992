"""What the Pauli engine works out once for each program, and how parameters enter it afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
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
from qml.engines.compile.planner import Planner
from qml.engines.compile.steps import Factor, any_free, as_permutation, check_qubits, fused, is_permutation, kept
from qml.engines.compile.windows import Operation
from qml.engines.pauli import loops, rows
from qml.engines.pauli.rows import RowCompiler
from qml.engines.pauli.tables import ACTIVE_SITES, Map, TableBuilder
from qml.engines.register import registers_of
from qml.engines.transfer import LETTERS, transfer_of
from qml.gates import PauliRotation
from qml.instructions import Instruction, PartialTrace, Preparation, Unitary

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


@dataclass
class _Maps(Operation):
    """Maps that are applied together, on these sites."""

    maps: list[Map]

    @property
    def computed(self) -> int:
        """How many of its maps are to be computed."""
        return sum(m.computed for m in self.maps)


class Plan(Planner[_Maps]):
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
    n_saved : int
        How many operations hold free parameters; their inputs are needed on the way back.
    wide : bool
        Whether it is for vectors of eight members side by side (:mod:`qml.engines.compile.lanes`).
    """

    def __init__(self, program: Program, gradient: bool, wide: bool) -> None:
        check_qubits(program, "PauliEngine")
        super().__init__(program, PAULI)
        self._gradient, self.wide = gradient, wide
        no_matrices = PauliRotation | PartialTrace | Preparation
        matrices = [len(s.sites) for s in program.steps if not isinstance(s.instruction, no_matrices)]
        self._builder = TableBuilder(max([ACTIVE_SITES, *matrices]), wide)
        self.coefficients = Coefficients(PAULI)
        self.take(program)

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

    @property
    def _in_one(self) -> bool:
        """Whether all sites are one block."""
        return self.wide or self.n <= ALONE_UP_TO

    @property
    def most(self) -> int:
        return self.n if self._in_one else min(DIFFERENTIATED_SITES if self._gradient else ACTIVE_SITES, self.n - 2)

    @property
    def budget(self) -> float:
        """Where all sites are one block, maps that its history has room for."""
        return HISTORY_ROOM // 4**self.n if self._gradient and self._in_one else math.inf

    def change(self, step: Step) -> None:
        n, appended = self.n, isinstance(step.instruction, Preparation)
        for site in sorted(step.sites, reverse=not appended):
            shift = self._builder.shift(n + 1 if appended else n, site)
            self._builder.add(loops.APPEND if appended else loops.DISCARD, n, [shift], 1)
            n += 1 if appended else -1

    def several(self, step: Step) -> None:
        """A map on several sites, after what waits on them, or a rotation about a string that no block holds."""
        sites, instruction = step.sites, step.instruction
        if not isinstance(instruction, PauliRotation):
            last = self._matrix_map(step)
        elif len(sites) <= self.most:
            last = self._turn(sites, _index(instruction.label, reversed(range(len(sites)))), step)
        else:
            self.flush()
            string = _index(instruction.label, (self.n - 1 - site for site in sites))
            self._builder.add(loops.ROTATION, self.n, [string], 1, self._cosine_and_sine(step), self.is_free(step))
            return
        self.operations.append(_Maps(sites, [*(m for site in sites for m in self._waiting_maps(site)), last]))

    def rest(self) -> None:
        """Where a site was last, so that what waits there costs no sweep of its own."""
        for site in self.waiting():
            last = next((op for op in reversed(self.operations) if site in op.sites), None)
            if last is None:
                self.operations.append(last := _Maps((site,), []))
            last.maps.extend(self._waiting_maps(site))

    def sweep(self, chosen: list[_Maps], active: tuple[int, ...]) -> None:
        self._builder.block(self.n, active, (m for op in chosen for m in op.maps))

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
            return self._fixed_map(step.sites, self.fixed_matrix(step))
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

    def matrix(self, instruction: Instruction, values: Real) -> Real:
        """The transfer matrix, with what rounding left of exact entries made exact."""
        matrix = transfer_of(instruction, values)
        if isinstance(instruction, Unitary):  # Clifford gates are signed permutations
            near = np.rint(matrix)
            matrix = np.where(np.abs(matrix - near) <= ROUNDING, near, matrix)
        elif np.abs(matrix[0] - np.eye(1, len(matrix))).max() <= ROUNDING:  # the trace is preserved
            matrix[0] = np.eye(1, len(matrix))
            depolarizing = np.diag([1.0, *[matrix[1, 1]] * (len(matrix) - 1)])
            matrix = depolarizing if np.abs(matrix - depolarizing).max() <= ROUNDING else matrix
        return matrix


def _index(letters: str, places: Iterable[int]) -> int:
    """The number of a string whose letters stand at these base-4 digits."""
    return sum(LETTERS.index(letter) << 2 * place for letter, place in zip(letters, places, strict=True))


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
