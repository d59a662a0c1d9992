"""The usual gates without parameters and controls."""

from __future__ import annotations

import math

import numpy as np

from qml.gates.unitary import UnitaryGate
from qml.instructions.names import documented

__all__ = [
    "ECR",
    "ISWAP",
    "SWAP",
    "SX",
    "H",
    "I",
    "S",
    "SXdg",
    "Sdg",
    "T",
    "Tdg",
    "X",
    "Y",
    "Z",
]

I = documented(UnitaryGate(np.eye(2), name="I"), """The identity on one qubit.""")  # noqa: E741 - the letter of it
X = documented(UnitaryGate([[0, 1], [1, 0]], name="X"), """The bit flip, |0> <-> |1>.""")
Y = documented(UnitaryGate(np.array([[0, -1j], [1j, 0]]), name="Y"), """The bit and phase flip i X Z.""")
Z = documented(UnitaryGate([[1, 0], [0, -1]], name="Z"), """The phase flip, |1> -> -|1>.""")
H = documented(
    UnitaryGate(np.array([[1, 1], [1, -1]]) / math.sqrt(2), name="H"),
    """The Hadamard gate (X + Z) / sqrt(2).""",
)
S = documented(UnitaryGate(np.diag([1, 1j]), name="S"), """diag(1, i), a square root of Z.""")
Sdg = documented(UnitaryGate(np.diag([1, -1j]), name="Sdg"), """The inverse of S.""")
T = documented(
    UnitaryGate(np.diag([1, (1 + 1j) / math.sqrt(2)]), name="T"),
    """diag(1, e^{i pi/4}), a square root of S.""",
)
Tdg = documented(UnitaryGate(np.diag([1, (1 - 1j) / math.sqrt(2)]), name="Tdg"), """The inverse of T.""")
SX = documented(
    UnitaryGate(np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2, name="SX"),
    """The square root of X with eigenvalues 1 and i.""",
)
SXdg = documented(
    UnitaryGate(np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]) / 2, name="SXdg"), """The inverse of SX."""
)
SWAP = documented(
    UnitaryGate([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], name="SWAP"),
    """The exchange of two qubits.""",
)
ECR = documented(
    UnitaryGate(np.array([[0, 0, 1, 1j], [0, 0, 1j, 1], [1, -1j, 0, 0], [-1j, 1, 0, 0]]) / math.sqrt(2), name="ECR"),
    """The echoed cross-resonance gate (X1 - YX) / sqrt(2): a CNOT up to gates on single qubits.""",
)
ISWAP = documented(
    UnitaryGate(np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]]), name="ISWAP"),
    """The exchange of two qubits with +i: exp(i pi (XX + YY) / 4).""",
)
