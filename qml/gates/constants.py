"""The usual gates without parameters and controls."""

from __future__ import annotations

import math

import numpy as np

from qml.gates.unitary import UnitaryGate

I = UnitaryGate(np.eye(2), name="I")  # noqa: E741 - the letter of the identity
"""The identity on one qubit."""
X = UnitaryGate([[0, 1], [1, 0]], name="X")
r"""The bit flip, \|0> <-> \|1>."""
Y = UnitaryGate(np.array([[0, -1j], [1j, 0]]), name="Y")
"""The bit and phase flip i X Z."""
Z = UnitaryGate([[1, 0], [0, -1]], name="Z")
r"""The phase flip, \|1> -> -\|1>."""
H = UnitaryGate(np.array([[1, 1], [1, -1]]) / math.sqrt(2), name="H")
"""The Hadamard gate (X + Z) / sqrt(2)."""
S = UnitaryGate(np.diag([1, 1j]), name="S")
"""diag(1, i), a square root of Z."""
Sdg = UnitaryGate(np.diag([1, -1j]), name="Sdg")
"""The inverse of S."""
T = UnitaryGate(np.diag([1, (1 + 1j) / math.sqrt(2)]), name="T")
"""diag(1, e^{i pi/4}), a square root of S."""
Tdg = UnitaryGate(np.diag([1, (1 - 1j) / math.sqrt(2)]), name="Tdg")
"""The inverse of T."""
SX = UnitaryGate(np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2, name="SX")
"""The square root of X with eigenvalues 1 and i."""
SWAP = UnitaryGate([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], name="SWAP")
"""The exchange of two qubits."""
ISWAP = UnitaryGate(np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]]), name="ISWAP")
"""The exchange of two qubits with +i: exp(i pi (XX + YY) / 4)."""
