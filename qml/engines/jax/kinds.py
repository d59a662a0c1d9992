"""The matrices of a plan, of all that has one size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qml._typing import Integer, Numeric, Real
from qml.circuits.program import Step
from qml.engines.compile.kinds import Kind, of_rotation
from qml.gates import PauliRotation


class SourceTables(NamedTuple):
    """Matrices of one size: fixed ones (m, side, side), K_0, K_1 and K_2 of rotations (r, 3, side, side) and their
    slots (r,), and where each matrix stands when the given ones follow."""

    fixed: Numeric
    turns: Numeric
    slots: Integer
    order: Integer


class Source:
    """Matrices of one size, over sites in ascending order: fixed ones, those of rotations, and those that the host
    makes at each evaluation. Number 0 is the identity, where asked for."""

    def __init__(self, kind: Kind, sites: int, identity: bool = False) -> None:
        self.kind, self.sites, self.side = kind, sites, kind.levels**sites
        self.fixed: list[Numeric] = []
        self.turns: list[tuple[Numeric, int]] = []
        self.given: list[Step] = []
        self._places: list[tuple[int, int]] = []
        self._known: dict[bytes, int] = {}
        if identity:
            self.add_fixed(np.eye(self.side))

    def add_fixed(self, matrix: Numeric) -> int:
        """A matrix that no parameter changes; equal ones are one."""
        key = matrix.astype(np.complex128).tobytes()
        if key not in self._known:
            self._known[key] = self._add(0, len(self.fixed))
            self.fixed.append(matrix)
        return self._known[key]

    def add_step(self, step: Step) -> int:
        """A step with free parameters."""
        if isinstance(step.instruction, PauliRotation):
            parts = of_rotation(self.kind, step.instruction)
            self.turns.append((np.array([ascending(p, step.sites) for p in parts]), step.start))
            return self._add(1, len(self.turns) - 1)
        self.given.append(step)
        return self._add(2, len(self.given) - 1)

    def _add(self, group: int, place: int) -> int:
        self._places.append((group, place))
        return len(self._places) - 1

    def tables(self) -> SourceTables:
        """As arrays; the fixed matrices are followed by those of rotations and the given ones."""
        starts = (0, len(self.fixed), len(self.fixed) + len(self.turns))
        square = (self.side, self.side)
        return SourceTables(
            np.array(self.fixed, dtype=self.dtype).reshape(len(self.fixed), *square),
            np.array([p for p, _ in self.turns], dtype=self.dtype).reshape(len(self.turns), 3, *square),
            np.array([slot for _, slot in self.turns], dtype=np.int64),
            np.array([starts[group] + place for group, place in self._places]),
        )

    def values(self, slots: Real) -> Numeric:
        """The given matrices (..., g, side, side) at slot values (..., n_slots)."""
        out = np.empty((*slots.shape[:-1], len(self.given), self.side, self.side), dtype=self.dtype)
        for member in np.ndindex(slots.shape[:-1]):
            for number, step in enumerate(self.given):
                made = self.kind.matrix(step.instruction, slots[member][step.start : step.stop])
                out[(*member, number)] = ascending(made, step.sites)
        return out

    def pull(self, slots: Real, cotangents: Numeric, out: Real) -> None:
        """Add to dL/dslots (..., n_slots) what comes of dL/d(given matrices), where dL = Re sum conj(cotangent)
        d(matrix)."""
        for member in np.ndindex(slots.shape[:-1]):
            for step, cotangent in zip(self.given, cotangents[member], strict=True):
                derivatives = self.kind.derivatives(step.instruction, slots[member][step.start : step.stop])
                for place, derivative in enumerate(derivatives):
                    out[(*member, step.start + place)] += np.vdot(cotangent, ascending(derivative, step.sites)).real

    def push(self, slots: Real, directions: Real) -> Numeric:
        """Changes (b, g, side, side) of the given matrices along directions (b, n_slots) in the slots."""
        out = np.zeros((len(directions), len(self.given), self.side, self.side), dtype=self.dtype)
        for number, step in enumerate(self.given):
            derivatives = self.kind.derivatives(step.instruction, slots[step.start : step.stop])
            arranged = np.array([ascending(d, step.sites).ravel() for d in derivatives])
            along = directions[:, step.start : step.stop] @ arranged
            out[:, number] = along.reshape(len(along), self.side, self.side)
        return out

    @property
    def dtype(self) -> type:
        """Of its matrices."""
        return np.float64 if self.kind.levels == 4 else np.complex128


def ascending(matrix: Numeric, sites: tuple[int, ...]) -> Numeric:
    """A matrix over sites in the order listed as one over the sites in ascending order."""
    k = len(sites)
    order = sorted(range(k), key=sites.__getitem__)
    if order == list(range(k)):
        return matrix
    levels = round(len(matrix) ** (1 / k))
    axes = [*order, *(k + place for place in order)]
    arranged: Numeric = matrix.reshape((levels,) * (2 * k)).transpose(axes).reshape(matrix.shape)
    return arranged
