r"""Unitary gates with analytic derivatives: the usual names, Pauli rotations of any weight, and gates of your own.

A gate is called with its parameters, then its sites: ``RX("theta", 0)``, ``CNOT(0, 1)``. Angles are in radians,
controls come first, and every matrix is over \|first listed site, second, ...>.
"""

from qml.gates.constants import ISWAP, SWAP, SX, H, I, S, Sdg, T, Tdg, X, Y, Z
from qml.gates.control import Controlled, controlled
from qml.gates.named import (
    CH,
    CNOT,
    CP,
    CRX,
    CRY,
    CRZ,
    CY,
    CZ,
    GATES,
    RX,
    RXX,
    RY,
    RYY,
    RZ,
    RZZ,
    U3,
    Fredkin,
    P,
    Toffoli,
    XXPlusYY,
    gate,
)
from qml.gates.parametric import ParametricGate
from qml.gates.rotations import PauliRotation
from qml.gates.unitary import UnitaryGate

__all__ = [
    "CH",
    "CNOT",
    "CP",
    "CRX",
    "CRY",
    "CRZ",
    "CY",
    "CZ",
    "GATES",
    "ISWAP",
    "RX",
    "RXX",
    "RY",
    "RYY",
    "RZ",
    "RZZ",
    "SWAP",
    "SX",
    "U3",
    "Controlled",
    "Fredkin",
    "H",
    "I",
    "P",
    "ParametricGate",
    "PauliRotation",
    "S",
    "Sdg",
    "T",
    "Tdg",
    "Toffoli",
    "UnitaryGate",
    "X",
    "XXPlusYY",
    "Y",
    "Z",
    "controlled",
    "gate",
]
