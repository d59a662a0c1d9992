"""How parameters enter a plan: the coefficients of its operations, their derivatives, and the way back.

Members of a batch of parameters are in groups of eight lanes (:mod:`qml.engines.compile.lanes`). What is worked out for
a member does not depend on the others, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from qml import buffers
from qml._typing import Integer, Numeric, Real
from qml.circuits.program import Step
from qml.engines._llvm.language import LANES
from qml.engines.compile import chains
from qml.engines.compile.chains import Chains
from qml.engines.compile.kinds import Kind, of_rotation
from qml.engines.compile.lanes import entries_of, groups_of, in_lanes, members_of
from qml.engines.compile.steps import Factor, Joined
from qml.instructions import Instruction


class Coefficients:
    """All coefficients of a plan, in one row: fixed ones as they are, free ones filled in from slot values.

    Matrices on one site are real, 4 x 4: on amplitudes each entry a + ib is ((a, -b), (b, a)). First they are collected
    (:meth:`add` and what follows), then :meth:`finish` makes the arrays that the rest needs.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._template = Joined(np.ones(1))  # the first is 1
        self._turns: list[tuple[int, int]] = []  # coefficient, slot
        self._rates: list[float] = []
        self._matrices: list[tuple[int, Step]] = []  # coefficient, step
        self._factors: list[tuple[Real, Integer]] = []  # for each entry the scale and the source
        self._chain_starts, self._chain_targets = [0], list[int]()
        self._changed: list[tuple[int, int, int]] = []  # coefficient, how many, slot: of chains, and rotations in none

    # building ------------------------------------------------------------------------------------------------------

    def add(self, values: Real) -> int:
        """Append fixed ones, or room for free ones; where they start."""
        return self._template.add(np.ravel(values))

    def real(self, matrices: Numeric) -> Real:
        """Matrices (..., levels, levels) on one site as they stand here, (..., 4, 4)."""
        if self._kind.levels == 4:
            return matrices.real
        parts = np.array([[matrices.real, -matrices.imag], [matrices.imag, matrices.real]])
        return np.moveaxis(parts, (0, 1), (-3, -1)).reshape(*matrices.shape[:-2], 4, 4)

    def add_chain(self, factors: list[Factor]) -> int:
        """Append the 4 x 4 product of maps on one site, the first acting first, some of them free."""
        self._factors += map(self._factor, factors)
        start = self.add(np.zeros(16))
        steps = [factor for factor in factors if isinstance(factor, Step)]
        self._changed += [(start, 16, slot) for step in steps for slot in range(step.start, step.stop)]
        self._chain_targets.append(start)
        self._chain_starts.append(len(self._factors))
        return start

    def _factor(self, factor: Factor) -> tuple[Real, Integer]:
        """The scale and the source of each entry of a factor."""
        if not isinstance(factor, Step):
            return self.real(factor), np.zeros((4, 4), dtype=np.int64)
        if not self._kind.turns(factor.instruction):
            return np.ones((4, 4)), self.add_matrix(factor) + np.arange(16).reshape(4, 4)
        rest, cosine, sine = self.real(of_rotation(self._kind, factor.instruction))
        start = self._turn(factor.instruction, factor.start)
        return rest + cosine + sine, start * (cosine != 0) + (start + 1) * (sine != 0)

    def add_rotation(self, rotation: Instruction, angle: float, slot: int, free: bool) -> int:
        """Append the cosine and the sine of a rotation about a string."""
        if not free:
            turned = self._kind.rate(rotation) * angle
            return self.add(np.array([np.cos(turned), np.sin(turned)]))
        start = self._turn(rotation, slot)
        self._changed.append((start, 2, slot))
        return start

    def _turn(self, rotation: Instruction, slot: int) -> int:
        """Append the cosine and the sine of the angle of a slot."""
        start = self.add(np.zeros(2))
        self._turns.append((start, slot))
        self._rates.append(self._kind.rate(rotation))
        return start

    def add_matrix(self, step: Step) -> int:
        """Append a free matrix."""
        start = self.add(np.zeros(16 ** len(step.sites)))
        self._matrices.append((start, step))
        return start

    def finish(self) -> None:
        """What has been collected, as arrays."""
        self._row = np.repeat(self._template.array(), LANES)
        scales = np.reshape([scale for scale, _ in self._factors], (-1, 4))
        sources = np.reshape([source for _, source in self._factors], (-1, 4))
        filled = scales != 0.0
        self._chains = Chains(
            np.array(self._turns, dtype=np.int64).reshape(-1, 2),
            np.array(self._rates),
            np.array(self._chain_starts),
            np.array(self._chain_targets, dtype=np.int64),
            np.concatenate([[0], np.cumsum(filled.sum(axis=1))]),
            np.flatnonzero(filled) % 4,
            sources[filled].astype(np.int64),
            scales[filled].astype(np.float64),
            int(np.diff(self._chain_starts).max(initial=0)),
        )

    # parameters ----------------------------------------------------------------------------------------------------

    def _matrix(self, instruction: Instruction, values: Real) -> Real:
        return self.real(self._kind.matrix(instruction, values))

    def _derivatives(self, instruction: Instruction, values: Real) -> Real:
        return self.real(self._kind.derivatives(instruction, values))

    def bind(self, slots: Real) -> Real:
        """Coefficients (G, size * 8) at slot values (B, n_slots)."""
        coefficients = buffers.rows(self._row, groups_of(len(slots)))
        for start, step in self._matrices:
            matrices = in_lanes(_of_members(step, slots, self._matrix))
            coefficients[:, LANES * start : LANES * start + matrices.shape[1]] = matrices
        if self._turns or self._chain_targets:
            chains.bind(coefficients, self._chains, np.ascontiguousarray(slots))
        return coefficients

    def slot_gradient(self, slots: Real, coefficients: Real, sums: Real, members: int) -> Real:
        """dL/dslots (B, n_slots) from dL/dcoefficients (G, size * 8), which is lost, at slot values and coefficients
        (one row: for all)."""
        gradient = buffers.zeros((members, slots.shape[1]))
        if members and (self._turns or self._chain_targets):
            chains.pull(coefficients, self._chains, sums, gradient)
        for start, step in self._matrices if members else ():
            derivatives = _of_members(step, slots, self._derivatives)
            own = sums[:, LANES * start : LANES * (start + derivatives[0, 0].size)]
            gradient[:, step.start : step.stop] = _contracted(derivatives, members_of(own, members))
        return gradient

    @cached_property
    def _changed_entries(self) -> Integer:
        """Of every slot that changes a product on one site, or a rotation, the entries there: their numbers, where they
        stand among the coefficients, and the slot, (3, entries)."""
        rows = [(k, start + k, slot) for start, size, slot in self._changed for k in range(size)]
        return np.array(rows, dtype=np.int64).reshape(-1, 3).T

    def tangents(self, slots: Real, coefficients: Real, directions: Real) -> Real:
        """The derivatives of the coefficients (m, size) at one set of slot values (1, n_slots), along directions (m,
        n_slots). Of products on one site and of rotations: the way back, from one entry of each at a time."""
        entries, places, own_slots = self._changed_entries
        sums = np.zeros((groups_of(16), self._row.size))
        entries_of(sums)[entries // LANES, places, entries % LANES] = 1.0
        by_slot = self.slot_gradient(slots, coefficients, sums, 16)[entries, own_slots]
        slopes = csr_array((by_slot, (places, own_slots)), shape=(len(self._template), slots.shape[1]))
        tangents = np.ascontiguousarray((slopes @ directions.T).T)
        for start, step in self._matrices:
            derivatives = self._derivatives(step.instruction, slots[0, step.start : step.stop])
            along = directions[:, step.start : step.stop]
            tangents[:, start : start + derivatives[0].size] = along @ derivatives.reshape(len(derivatives), -1)
        return tangents


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
