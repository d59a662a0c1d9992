"""The usual gates with parameters or controls."""

from __future__ import annotations

import math

import numpy as np

from qml._typing import Complex, Real
from qml.gates.constants import SWAP, H, X, Y, Z
from qml.gates.control import controlled
from qml.gates.parametric import ParametricGate
from qml.gates.rotations import PauliRotation
from qml.instructions.names import documented
from qml.parameters import Affine

__all__ = [
    "CCX",
    "CH",
    "CNOT",
    "CP",
    "CRX",
    "CRY",
    "CRZ",
    "CSWAP",
    "CX",
    "CY",
    "CZ",
    "RX",
    "RXX",
    "RY",
    "RYY",
    "RZ",
    "RZZ",
    "U3",
    "Fredkin",
    "P",
    "Toffoli",
    "XXPlusYY",
]


def _negated(params: tuple[Affine, ...]) -> tuple[Affine, ...]:
    return tuple(-p for p in params)


def _p(params: Real) -> Complex:
    return np.diag([1.0, np.exp(1j * params[0])])


def _p_derivative(params: Real) -> Complex:
    return np.diag([0.0, 1j * np.exp(1j * params[0])])[None]


def _u3(params: Real) -> Complex:
    theta, phi, lam = params
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * phi) * np.exp(1j * lam) * c]])


def _u3_derivative(params: Real) -> Complex:
    theta, phi, lam = params
    u = _u3(params)
    c, s = math.cos(theta / 2) / 2, math.sin(theta / 2) / 2
    d_theta = [[-s, -np.exp(1j * lam) * c], [np.exp(1j * phi) * c, -np.exp(1j * phi) * np.exp(1j * lam) * s]]
    d_phi = 1j * u * np.array([[0, 0], [1, 1]])
    d_lambda = 1j * u * np.array([[0, 1], [0, 1]])
    return np.array([d_theta, d_phi, d_lambda])


def _u3_undo(params: tuple[Affine, ...]) -> tuple[Affine, ...]:
    theta, phi, lam = params
    return -theta, -lam, -phi


def _xx_plus_yy(params: Real) -> Complex:
    c, s = math.cos(params[0] / 2), math.sin(params[0] / 2)
    return np.array([[1, 0, 0, 0], [0, c, -1j * s, 0], [0, -1j * s, c, 0], [0, 0, 0, 1]])


def _xx_plus_yy_derivative(params: Real) -> Complex:
    c, s = math.cos(params[0] / 2) / 2, math.sin(params[0] / 2) / 2
    return np.array([[[0, 0, 0, 0], [0, -s, -1j * c, 0], [0, -1j * c, -s, 0], [0, 0, 0, 0]]])


RX = documented(PauliRotation("X"), """exp(-i theta X / 2).""")
RY = documented(PauliRotation("Y"), """exp(-i theta Y / 2).""")
RZ = documented(PauliRotation("Z"), """exp(-i theta Z / 2).""")
P = documented(
    ParametricGate(
        name="P", dims=(2,), parameter_names=("lambda",), function=_p, derivative_function=_p_derivative, undo=_negated
    ),
    """The phase gate diag(1, e^{i lambda}).""",
)
U3 = documented(
    ParametricGate(
        name="U3",
        dims=(2,),
        parameter_names=("theta", "phi", "lambda"),
        function=_u3,
        derivative_function=_u3_derivative,
        undo=_u3_undo,
    ),
    r"""Any gate on one qubit up to a phase, as in OpenQASM 2 (Cross et al. 2017, arXiv:1707.03429), whose ``u3`` it is.

.. math:: U_3(\theta, \phi, \lambda) = \begin{pmatrix} \cos(\theta/2) & -e^{i\lambda} \sin(\theta/2) \\
    e^{i\phi} \sin(\theta/2) & e^{i(\phi+\lambda)} \cos(\theta/2) \end{pmatrix}
""",
)
CNOT = documented(controlled(X), """X on the second qubit where the first is in |1>.""")
CY = documented(controlled(Y), """Y on the second qubit where the first is in |1>.""")
CZ = documented(controlled(Z), """diag(1, 1, 1, -1); which qubit is the control makes no difference.""")
CH = documented(controlled(H), """H on the second qubit where the first is in |1>.""")
CRX = documented(controlled(RX), """RX on the second qubit where the first is in |1>.""")
CRY = documented(controlled(RY), """RY on the second qubit where the first is in |1>.""")
CRZ = documented(controlled(RZ), """RZ on the second qubit where the first is in |1>.""")
CP = documented(controlled(P), """diag(1, 1, 1, e^{i lambda}); which qubit is the control makes no difference.""")
RXX = documented(PauliRotation("XX"), """exp(-i theta X X / 2).""")
RYY = documented(PauliRotation("YY"), """exp(-i theta Y Y / 2).""")
RZZ = documented(PauliRotation("ZZ"), """exp(-i theta Z Z / 2).""")
XXPlusYY = documented(
    ParametricGate(
        name="XXPlusYY",
        dims=(2, 2),
        parameter_names=("theta",),
        function=_xx_plus_yy,
        derivative_function=_xx_plus_yy_derivative,
        undo=_negated,
    ),
    """exp(-i theta (X X + Y Y) / 4): it mixes |01> and |10>, and XXPlusYY(-pi) = ISWAP.""",
)
Toffoli = documented(controlled(X, 2), """X on the third qubit where the first two are in |1>.""")
Fredkin = documented(controlled(SWAP), """SWAP of the second and third qubit where the first is in |1>.""")
CX, CCX, CSWAP = CNOT, Toffoli, Fredkin
