"""What a site holds, four Pauli components or two amplitudes, and the matrices of instructions there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from qml._typing import Numeric, Real
from qml.engines.transfer import transfer_derivatives, transfer_of
from qml.gates import P, PauliRotation
from qml.instructions import Instruction


@dataclass(frozen=True)
class Kind:
    """What a site holds, and what an instruction is there.

    Attributes
    ----------
    levels : int
        Numbers that a site holds.
    matrix : callable
        Instruction and values to its matrix (levels^k, levels^k).
    derivatives : callable
        Instruction and values to the derivatives (p, levels^k, levels^k).
    """

    levels: int
    matrix: Callable[[Any, Real], Numeric]
    derivatives: Callable[[Any, Real], Numeric]

    def turns(self, instruction: Instruction) -> bool:
        """Whether an instruction is a rotation, or, of amplitudes, the gate P."""
        return isinstance(instruction, PauliRotation) or (self.levels == 2 and instruction == P)

    def rate(self, instruction: Instruction) -> float:
        """The f of :func:`of_rotation`."""
        return self.levels / 4 if isinstance(instruction, PauliRotation) else 1.0


@lru_cache(maxsize=256)
def of_rotation(kind: Kind, rotation: Instruction) -> Numeric:
    """K_0, K_1 and K_2 (3, side, side) of K_0 + cos(f theta) K_1 + sin(f theta) K_2."""
    period = np.pi / kind.rate(rotation)
    none, half, whole = (kind.matrix(rotation, np.array([x * period])) for x in (0.0, 0.5, 1.0))
    middle = (none + whole) / 2
    parts = np.array([middle, (none - whole) / 2, half - middle])
    rounded: Numeric = np.rint(parts.real) if kind.levels == 4 else np.rint(parts.real) + 1j * np.rint(parts.imag)
    return rounded


PAULI = Kind(4, transfer_of, transfer_derivatives)
AMPLITUDES = Kind(2, lambda gate, values: gate.matrix(values), lambda gate, values: gate.derivatives(values))
