"""How parameters enter a plan: the coefficients of its operations, their derivatives, and the way back.

Members of a batch of parameters are in groups of eight lanes (:mod:`qml.engines.pauli.lanes`). What is worked out for a
member does not depend on the others, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from qml import buffers
from qml._typing import Integer, Real
from qml.circuits.program import Step
from qml.engines._llvm.language import LANES
from qml.engines.compile.steps import Factor, Joined
from qml.engines.pauli.chains import FIXED, FREE, Chains, chain_products, chain_sums
from qml.engines.pauli.lanes import entries_of, groups_of, in_lanes, members_of
from qml.engines.transfer import LETTERS, transfer_derivatives, transfer_of
from qml.gates import PauliRotation
from qml.instructions import Instruction


class Coefficients:
    """All coefficients of a plan, in one row: fixed ones as they are, free ones filled in from slot values.

    First they are collected (:meth:`add` and what follows), then :meth:`finish` makes the arrays that the rest needs.
    """

    def __init__(self) -> None:
        self._template = Joined(np.zeros(0))
        self._factors: list[tuple[Real, Integer]] = []  # for each entry the scale and the source
        self._roles: list[tuple[int, int, int, int]] = []
        self._n_values = 1
        self._chain_starts, self._chain_targets = [0], list[int]()
        self._chain_slots: list[tuple[int, int, int]] = []  # coefficient, how many, slot
        self._site_steps: list[tuple[int, Step]] = []  # value, step
        self._string_turns: list[tuple[int, int]] = []  # coefficient, slot
        self._matrix_steps: list[tuple[int, Step]] = []  # coefficient, step

    # building ------------------------------------------------------------------------------------------------------

    def add(self, values: Real) -> int:
        """Append fixed ones, or room for free ones; where they start."""
        return self._template.add(np.ravel(values))

    def add_chain(self, factors: list[Factor]) -> int:
        """Append the 4 x 4 product of maps on one site, the first acting first, some of them free."""
        for factor in factors:
            self._add_factor(factor)
        start = self.add(np.zeros(16))
        steps = [factor for factor in factors if isinstance(factor, Step)]
        self._chain_slots += [(start, 16, slot) for step in steps for slot in range(step.start, step.stop)]
        self._chain_targets.append(start)
        self._chain_starts.append(len(self._factors))
        return start

    def _add_factor(self, factor: Factor) -> None:
        first, source = self._n_values, np.zeros((4, 4), dtype=np.int64)
        if not isinstance(factor, Step):
            scale, role = factor, (0, 0, FIXED)
        elif isinstance(factor.instruction, PauliRotation):
            axis = LETTERS.index(factor.instruction.label.strip("I"))
            i, j = axis % 3 + 1, (axis + 1) % 3 + 1  # for Z: X and Y
            scale, role = np.eye(4), (i, j, factor.start)
            scale[j, i], scale[i, j] = 1.0, -1.0
            source[i, i] = source[j, j] = first
            source[i, j] = source[j, i] = first + 1
            self._n_values += 2
        else:
            scale, role = np.ones((4, 4)), (0, 0, FREE)
            source[:] = np.arange(first, first + 16).reshape(4, 4)
            self._site_steps.append((first, factor))
            self._n_values += 16
        self._factors.append((scale, source))
        self._roles.append((*role, first))

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
        self._row = np.repeat(self._template.array(), LANES)
        scales = np.reshape([scale for scale, _ in self._factors], (-1, 4))
        sources = np.reshape([source for _, source in self._factors], (-1, 4))
        filled = scales != 0.0
        self._chains = Chains(
            np.array(self._chain_starts),
            np.array(self._chain_targets, dtype=np.int64),
            np.concatenate([[0], np.cumsum(filled.sum(axis=1))]),
            np.flatnonzero(filled) % 4,
            sources[filled].astype(np.int64),
            scales[filled].astype(np.float64),
            np.array(self._roles, dtype=np.int64).reshape(-1, 4),
            int(np.diff(self._chain_starts).max(initial=0)),
        )
        self._ones = np.ones(LANES * self._n_values)
        self._string_starts, self._string_slots = np.array(self._string_turns, dtype=np.int64).reshape(-1, 2).T.copy()

    # parameters ----------------------------------------------------------------------------------------------------

    def bind(self, slots: Real) -> tuple[Real, Real]:
        """Coefficients (G, size * 8), and the values of fused factors (G, ...), at slot values (B, n_slots)."""
        angles = in_lanes(slots)
        groups = len(angles)
        values = buffers.rows(self._ones, groups)
        _fill(values, self._site_steps, slots)
        coefficients = buffers.rows(self._row, groups)
        if self._chains.targets.size:
            chain_products(values, self._chains, angles, coefficients)
        if self._string_slots.size:
            turning, entries = entries_of(angles).take(self._string_slots, axis=1), entries_of(coefficients)
            entries[:, self._string_starts] = np.cos(turning)
            entries[:, self._string_starts + 1] = np.sin(turning)
        _fill(coefficients, self._matrix_steps, slots)
        return coefficients, values

    def slot_gradient(self, slots: Real, values: Real, sums: Real, members: int) -> Real:
        """dL/dslots (B, n_slots) from dL/dcoefficients (G, size * 8), at slot values and values (one row: for all)."""
        if not members:
            return np.zeros((0, slots.shape[1]))
        gradient = buffers.zeros((len(sums), slots.shape[1] * LANES))
        by_value = buffers.empty((len(sums), values.shape[1] if self._site_steps else 0))
        if self._chains.targets.size:
            chain_sums(values, self._chains, sums, by_value, gradient)
        if self._string_slots.size:
            angles, start = entries_of(in_lanes(slots)).take(self._string_slots, axis=1), self._string_starts
            by_cosine, by_sine = entries_of(sums)[:, start], entries_of(sums)[:, start + 1]
            entries_of(gradient)[:, self._string_slots] = np.cos(angles) * by_sine - np.sin(angles) * by_cosine
        out = members_of(gradient, members)
        for own, steps in ((by_value, self._site_steps), (sums, self._matrix_steps)):
            for first, step in steps:
                derivatives = _of_members(step, slots, transfer_derivatives)
                here = own[:, LANES * first : LANES * (first + derivatives[0, 0].size)]
                out[:, step.start : step.stop] = _contracted(derivatives, members_of(here, members))
        return out

    @cached_property
    def _chain_entries(self) -> Integer:
        """Of every slot that changes a product on one site, or a rotation, the entries there: their numbers, where they
        stand among the coefficients, and the slot, (3, entries)."""
        changed = [*self._chain_slots, *((start, 2, slot) for start, slot in self._string_turns)]
        rows = [(k, start + k, slot) for start, size, slot in changed for k in range(size)]
        return np.array(rows, dtype=np.int64).reshape(-1, 3).T

    def tangents(self, slots: Real, values: Real, directions: Real) -> Real:
        """The derivatives of the coefficients (m, size) at one set of slot values (1, n_slots), along directions (m,
        n_slots). Of products on one site and of rotations: the way back, from one entry of each at a time."""
        entries, places, own_slots = self._chain_entries
        sums = np.zeros((groups_of(16), self._row.size))
        entries_of(sums)[entries // LANES, places, entries % LANES] = 1.0
        by_slot = self.slot_gradient(slots, values, sums, 16)[entries, own_slots]
        slopes = csr_array((by_slot, (places, own_slots)), shape=(len(self._template), slots.shape[1]))
        tangents = np.ascontiguousarray((slopes @ directions.T).T)
        for start, step in self._matrix_steps:
            derivatives = transfer_derivatives(step.instruction, slots[0, step.start : step.stop])
            along = directions[:, step.start : step.stop]
            tangents[:, start : start + derivatives[0].size] = along @ derivatives.reshape(len(derivatives), -1)
        return tangents


def _fill(groups: Real, steps: list[tuple[int, Step]], slots: Real) -> None:
    """The matrices of steps at the slot values of each member, each from its entry on."""
    for first, step in steps:
        matrices = in_lanes(_of_members(step, slots, transfer_of))
        groups[:, LANES * first : LANES * first + matrices.shape[1]] = matrices


def _of_members(step: Step, slots: Real, function: Callable[[Instruction, Real], Real]) -> Real:
    """function(instruction, values) at the values of each member (B, ...), called once for equal ones."""
    own = slots[:, step.start : step.stop]
    if not len(own):
        anywhere = np.array([min(max(0.0, domain.low), domain.high) for domain in step.instruction.domains])
        return function(step.instruction, anywhere)[None][:0]
    if (own == own[:1]).all():
        once = function(step.instruction, own[0])
        return np.broadcast_to(once, (len(own), *once.shape))
    found: dict[bytes, Real] = {}
    keys = []
    for values in own:
        keys.append(values.tobytes())
        if keys[-1] not in found:
            found[keys[-1]] = function(step.instruction, values)
    return np.array([found[key] for key in keys])


def _contracted(derivatives: Real, sums: Real) -> Real:
    """sum_ij dR_p,ij W_ij (B, p), from derivatives (B or 1, p, side, side) and sums W (B, side^2)."""
    flat = derivatives.reshape(*derivatives.shape[:2], -1)
    return np.asarray(flat @ sums[..., None])[..., 0]
