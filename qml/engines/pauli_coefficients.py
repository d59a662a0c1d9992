"""How parameters enter a plan: the coefficients of its operations, their derivatives, and the way back.

Leading axes are members of a batch of parameters, or directions. What is worked out for a member does not depend on the
others, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from qml._typing import Real
from qml.circuits.program import Step
from qml.engines.pauli_chains import chain_products, chain_sums, chain_tangents
from qml.engines.transfer import LETTERS, transfer_derivatives, transfer_of
from qml.gates import PauliRotation
from qml.operations import Instruction

Factor: TypeAlias = Real | Step
"""A part of what happens to one site: a fixed 4 x 4 matrix, or a step with free parameters."""


class Coefficients:
    """All coefficients of a plan, in one row: fixed ones as they are, free ones filled in from slot values.

    First they are collected (:meth:`add` and what follows), then :meth:`finish` makes the arrays that the rest needs.
    """

    def __init__(self) -> None:
        self._template: list[Real] = []
        self._size = 0
        self._factors: list[Real] = []
        self._chain_starts, self._chain_targets = [0], list[int]()
        self._site_turns: list[tuple[int, int, int]] = []  # factor, axis, slot
        self._site_steps: list[tuple[int, Step]] = []
        self._string_turns: list[tuple[int, int]] = []  # coefficient, slot
        self._matrix_steps: list[tuple[int, Step]] = []  # coefficient, step

    # building ------------------------------------------------------------------------------------------------------

    def add(self, values: Real) -> int:
        """Append fixed ones, or room for free ones; where they start."""
        self._template.append(np.ravel(values))
        self._size += values.size
        return self._size - values.size

    def add_chain(self, factors: list[Factor]) -> int:
        """Append the 4 x 4 product of maps on one site, the first acting first, some of them free."""
        for factor in factors:
            index = len(self._factors)
            if not isinstance(factor, Step):
                self._factors.append(factor)
            elif isinstance(factor.instruction, PauliRotation):
                self._factors.append(np.eye(4))
                axis = LETTERS.index(factor.instruction.label.strip("I"))
                self._site_turns.append((index, axis, factor.start))
            else:
                self._factors.append(np.zeros((4, 4)))
                self._site_steps.append((index, factor))
        start = self.add(np.zeros(16))
        self._chain_targets.append(start)
        self._chain_starts.append(len(self._factors))
        return start

    def add_rotation(self, angle: float, slot: int, free: bool) -> int:
        """Append the cosine and the sine of a rotation about a string."""
        start = self.add(np.array([np.cos(angle), np.sin(angle)]))
        if free:
            self._string_turns.append((start, slot))
        return start

    def add_matrix(self, step: Step) -> int:
        """Append a free matrix on several sites."""
        start = self.add(np.zeros(16 ** len(step.sites)))
        self._matrix_steps.append((start, step))
        return start

    def finish(self) -> None:
        """What has been collected, as arrays."""
        self._row = np.concatenate([np.zeros(0), *self._template])
        self._factor_array = np.array(self._factors, dtype=np.float64).reshape(-1, 4, 4)
        self._chains = np.array(self._chain_starts), np.array(self._chain_targets, dtype=np.int64)
        factor, axis, slot = np.array(self._site_turns, dtype=np.int64).reshape(-1, 3).T
        self._turns = np.column_stack([factor, axis % 3 + 1, (axis + 1) % 3 + 1, slot])  # for Z: X and Y
        self._string_starts, self._string_slots = np.array(self._string_turns, dtype=np.int64).reshape(-1, 2).T.copy()

    # parameters ----------------------------------------------------------------------------------------------------

    def bind(self, slots: Real) -> tuple[Real, Real]:
        """Coefficients (B, size) and 4 x 4 factors of the fused ones (B, ..., 4, 4), at slot values (B, n_slots)."""
        factors = np.repeat(self._factor_array[None], len(slots), axis=0)
        for index, step in self._site_steps:
            factors[:, index] = _of_members(step, slots, transfer_of)
        coefficients = np.repeat(self._row[None], len(slots), axis=0)
        chain_products(factors, *self._chains, self._turns, slots, coefficients)
        if self._string_slots.size:
            angles = slots.take(self._string_slots, axis=1)
            coefficients[:, self._string_starts] = np.cos(angles)
            coefficients[:, self._string_starts + 1] = np.sin(angles)
        for start, step in self._matrix_steps:
            matrices = _of_members(step, slots, transfer_of)
            coefficients[:, start : start + matrices[0].size] = matrices.reshape(len(slots), -1)
        return coefficients, factors

    def slot_gradient(self, slots: Real, factors: Real, sums: Real) -> Real:
        """dL/dslots (B, n_slots) from dL/dcoefficients (B, size), at slot values and factors (B or 1, ...)."""
        if len(slots) != len(sums):
            slots, factors = (np.repeat(a, len(sums), axis=0) for a in (slots, factors))
        gradient = np.zeros_like(slots)
        by_factor = np.zeros_like(factors)
        chain_sums(factors, *self._chains, self._turns, sums, by_factor, gradient)
        for index, step in self._site_steps:
            derivatives = _of_members(step, slots, transfer_derivatives)
            gradient[:, step.start : step.stop] = _contracted(derivatives, by_factor[:, index])
        if self._string_slots.size:
            angles, start = slots.take(self._string_slots, axis=1), self._string_starts
            gradient[:, self._string_slots] = np.cos(angles) * sums[:, start + 1] - np.sin(angles) * sums[:, start]
        for first, step in self._matrix_steps:
            derivatives = _of_members(step, slots, transfer_derivatives)
            own = sums[:, first : first + derivatives[0, 0].size]
            gradient[:, step.start : step.stop] = _contracted(derivatives, own)
        return gradient

    def tangents(self, slots: Real, factors: Real, directions: Real) -> Real:
        """The derivatives of the coefficients (m, size) at one set of slot values, along directions (m, n_slots)."""
        tangents = np.zeros((len(directions), self._size))
        by_factor = np.zeros((len(directions), *factors.shape))
        f, i, j, slot = self._turns.T
        angles, along = slots[slot], directions[:, slot]
        by_factor[:, f, i, i] = by_factor[:, f, j, j] = -np.sin(angles) * along
        by_factor[:, f, j, i] = np.cos(angles) * along
        by_factor[:, f, i, j] = -by_factor[:, f, j, i]
        for index, step in self._site_steps:
            derivatives = transfer_derivatives(step.instruction, slots[step.start : step.stop])
            by_factor[:, index] = np.tensordot(directions[:, step.start : step.stop], derivatives, 1)
        chain_tangents(factors, by_factor, *self._chains, tangents)
        angles, along = slots[self._string_slots], directions[:, self._string_slots]
        tangents[:, self._string_starts] = -np.sin(angles) * along
        tangents[:, self._string_starts + 1] = np.cos(angles) * along
        for start, step in self._matrix_steps:
            derivatives = transfer_derivatives(step.instruction, slots[step.start : step.stop])
            along = directions[:, step.start : step.stop]
            tangents[:, start : start + derivatives[0].size] = along @ derivatives.reshape(len(derivatives), -1)
        return tangents


def _of_members(step: Step, slots: Real, function: Callable[[Instruction, Real], Real]) -> Real:
    """function(instruction, values) at the values of each member (B, ...), called once for equal ones."""
    found: dict[bytes, Real] = {}
    keys = []
    for values in slots[:, step.start : step.stop]:
        keys.append(values.tobytes())
        if keys[-1] not in found:
            found[keys[-1]] = function(step.instruction, values)
    return np.array([found[key] for key in keys])


def _contracted(derivatives: Real, sums: Real) -> Real:
    """sum_ij dR_p,ij W_ij (B, p), from derivatives (B, p, side, side) and as many sums W for each member."""
    members, p = derivatives.shape[:2]
    return np.asarray(derivatives.reshape(members, p, -1) @ sums.reshape(members, -1, 1))[..., 0]
