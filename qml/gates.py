r"""Unitary gates with analytic derivatives: the usual names, Pauli rotations of any weight, and gates of your own.

A gate is called with its parameters, then its sites: ``RX("theta", 0)``, ``CNOT(0, 1)``. Angles are in radians,
controls come first, and every matrix is over \|first listed site, second, ...>.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, DimsLike, Real
from qml.operations import Affine, Unitary
from qml.operators.pauli_sum import pauli


@dataclass(frozen=True, repr=False, init=False)
class UnitaryGate(Unitary):
    r"""A gate without parameters, given by its matrix; it may act on qubits, qutrits or any mixture of sites.

    Gates of equal name, dimensions and entries are equal, and a gate cannot be changed. The inverse is the gate itself
    where U is Hermitian; elsewhere the ending "dg" is added to the name or taken from it (S -> Sdg -> S).

    Parameters
    ----------
    matrix : array (D, D)
        U, with U^dagger U = 1.
    dims : int or sequence of int, optional
        Dimensions of the sites, whose product is D. Without it, qubits where D is a power of two, else one site;
        ``(4,)`` makes a ququart.
    name : str
        What drawings and messages call it.

    Raises
    ------
    InputError
        Where the matrix is not unitary, with the measured violation, or `dims` do not multiply to D.

    Examples
    --------
    >>> shift = UnitaryGate([[0, 0, 1], [1, 0, 0], [0, 1, 0]], name="shift")
    >>> shift.dims, shift(4).inverse()
    ((3,), Operation(instruction=shiftdg, sites=(4,), params=()))
    """

    name: str
    dims: Dims
    entries: bytes

    def __init__(self, matrix: ArrayLike, dims: DimsLike | None = None, name: str = "U") -> None:
        u = _checks.unitary(f"the matrix of gate {name}", _checks.array(f"the matrix of gate {name}", matrix))
        if u.ndim != 2:
            raise InputError(f"the matrix of gate {name} must have shape (d, d); found shape {u.shape}.")
        sites = _checks.qubit_dims(len(u)) if dims is None else _checks.dimensions("dims", dims, total=len(u))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dims", sites)
        object.__setattr__(self, "entries", (u + 0.0).tobytes())  # + 0.0 turns -0.0 into 0.0, so that equal means equal

    def matrix(self, params: Real) -> Complex:
        side = math.prod(self.dims)
        return np.frombuffer(self.entries, dtype=np.complex128).reshape(side, side).copy()

    def derivatives(self, params: Real) -> Complex:
        return np.zeros((0, math.prod(self.dims), math.prod(self.dims)), dtype=np.complex128)

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        u = self.matrix(np.zeros(0))
        adjoint = u.conj().T
        if np.array_equal(u, adjoint):
            return self, ()
        name = self.name.removesuffix("dg") if self.name.endswith("dg") else f"{self.name}dg"
        return UnitaryGate(adjoint, self.dims, name), ()


@dataclass(frozen=True, repr=False)
class PauliRotation(Unitary):
    r"""The rotation about a Pauli string of any weight; its name is R with the string behind it (RX, RZZ, RXXY).

    .. math:: U(\theta) = e^{-i \theta P / 2} = \cos(\theta/2) \, 1 - i \sin(\theta/2) \, P

    Parameters
    ----------
    label : str
        The letters I, X, Y, Z of P, one a site; a string of I alone is a global phase.

    Raises
    ------
    InputError
        Where a letter is none of the four, or there is none.

    Examples
    --------
    >>> print(PauliRotation("XXY")(0.3, 0, 1, 2))
    RXXY(0.3) 0 1 2
    >>> PauliRotation("ZZ") == RZZ
    True
    """

    label: str
    name: str = field(init=False)
    dims: Dims = field(init=False)

    parameter_names = ("theta",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", pauli(self.label).dims)
        object.__setattr__(self, "name", f"R{self.label}")

    def matrix(self, params: Real) -> Complex:
        return self._combine(math.cos(params[0] / 2), math.sin(params[0] / 2))

    def derivatives(self, params: Real) -> Complex:
        return self._combine(-math.sin(params[0] / 2) / 2, math.cos(params[0] / 2) / 2)[None]

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        return self, (-params[0],)

    def _combine(self, a: float, b: float) -> Complex:
        """a 1 - i b P."""
        out: Complex = _blank(1, 2**self.n_sites, self.name)[0]
        flip, entries = _rows(self.label)
        rows = np.arange(len(out))
        out[rows, rows ^ flip] = -1j * b * entries
        out[rows, rows] += a
        return out


@functools.lru_cache(maxsize=128)
def _rows(label: str) -> tuple[int, Complex]:
    """The mask x and the entries P[r, r ^ x] of a Pauli string, one a row."""
    string = pauli(label)
    return string.words[0][0], string.apply(np.ones(math.prod(string.dims)))


def _blank(count: int, side: int, name: str) -> Complex:
    """`count` zero matrices (side, side), refused where they would not fit in memory."""
    if side >= 1024:
        _checks.memory(
            f"the dense matrix of {name}", 16 * count * side**2, "use fewer sites, or PauliEngine for rotations"
        )
    return np.zeros((count, side, side), dtype=np.complex128)


@dataclass(frozen=True, repr=False, kw_only=True)
class ParametricGate(Unitary):
    r"""A gate given by a matrix function U(params) and the function of its analytic derivatives.

    Parameters
    ----------
    function : callable
        params (n_params,) -> U, shape (D, D).
    derivative_function : callable
        params (n_params,) -> dU/dparams, shape (n_params, D, D).
    undo : callable
        Parameters -> those at which the same gate is the inverse; it works on numbers and on expressions alike.

    Examples
    --------
    >>> import numpy as np
    >>> phase = ParametricGate(
    ...     name="phase", dims=(2,), parameter_names=("phi",),
    ...     function=lambda v: np.diag([1, np.exp(1j * v[0])]),
    ...     derivative_function=lambda v: np.diag([0, 1j * np.exp(1j * v[0])])[None],
    ...     undo=lambda v: (-v[0],),
    ... )
    >>> print(phase("a", 3).inverse())
    phase(-a) 3
    """

    name: str
    dims: Dims
    parameter_names: tuple[str, ...]
    function: Callable[[Real], Complex]
    derivative_function: Callable[[Real], Complex]
    undo: Callable[[tuple[Affine, ...]], tuple[Affine, ...]]

    def matrix(self, params: Real) -> Complex:
        return self.function(params)

    def derivatives(self, params: Real) -> Complex:
        return self.derivative_function(params)

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        return self, self.undo(params)


@dataclass(frozen=True, repr=False)
class Controlled(Unitary):
    r"""`gate` where every control qubit is in \|1>, nothing elsewhere; made by :func:`controlled`.

    .. math:: U = (1 - \Pi) \otimes 1 + \Pi \otimes U_{gate}, \qquad \Pi = |1 \dots 1\rangle\langle 1 \dots 1|

    Examples
    --------
    >>> Controlled(H, 2), Controlled(X, 2), Controlled(RX, 1).parameter_names
    (CCH, Toffoli, ('theta',))
    """

    gate: Unitary
    n_controls: int
    name: str = field(init=False)
    dims: Dims = field(init=False)
    parameter_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        usual: dict[tuple[Unitary, int], str] = {(X, 1): "CNOT", (X, 2): "Toffoli", (SWAP, 1): "Fredkin"}
        name = usual.get((self.gate, self.n_controls), "C" * self.n_controls + self.gate.name)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dims", (2,) * self.n_controls + self.gate.dims)
        object.__setattr__(self, "parameter_names", self.gate.parameter_names)

    def matrix(self, params: Real) -> Complex:
        u = self.gate.matrix(params)
        side = len(u) << self.n_controls
        out: Complex = _blank(1, side, self.name)[0]
        out[np.diag_indices(side - len(u))] = 1
        out[-len(u) :, -len(u) :] = u
        return out

    def derivatives(self, params: Real) -> Complex:
        du = self.gate.derivatives(params)
        n, side, _ = du.shape
        out = _blank(n, side << self.n_controls, self.name)
        out[:, -side:, -side:] = du
        return out

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        gate, undone = self.gate.inverse(params)
        return Controlled(gate, self.n_controls), undone


def controlled(gate: Unitary, n_controls: int = 1) -> Controlled:
    """`gate` with control qubits listed before its own sites; controls of a controlled gate are joined.

    The derivatives are exact: a controlled rotation has more than two frequencies, so no two-term shift rule serves it.

    Raises
    ------
    InputError
        Where `gate` is no unitary gate or `n_controls` no positive integer.

    Examples
    --------
    >>> controlled(CNOT) == Toffoli
    True
    >>> print(controlled(RY)("a", 4, 2))
    CRY(a) 4 2
    """
    if not isinstance(gate, Unitary):
        raise InputError(f"controlled needs a unitary gate; found {gate!r}.")
    n_controls = _checks.integer("n_controls", n_controls, low=1)
    if isinstance(gate, Controlled):
        return Controlled(gate.gate, gate.n_controls + n_controls)
    return Controlled(gate, n_controls)


def _negated(params: tuple[Affine, ...]) -> tuple[Affine, ...]:
    return tuple(-p for p in params)


def _p(params: Real) -> Complex:
    return np.diag([1.0, np.exp(1j * params[0])])


def _p_derivative(params: Real) -> Complex:
    return np.diag([0.0, 1j * np.exp(1j * params[0])])[None]


def _u3(params: Real) -> Complex:
    theta, phi, lam = params
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]])


def _u3_derivative(params: Real) -> Complex:
    theta, phi, lam = params
    u = _u3(params)
    c, s = math.cos(theta / 2) / 2, math.sin(theta / 2) / 2
    d_theta = [[-s, -np.exp(1j * lam) * c], [np.exp(1j * phi) * c, -np.exp(1j * (phi + lam)) * s]]
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
RX = PauliRotation("X")
"""exp(-i theta X / 2)."""
RY = PauliRotation("Y")
"""exp(-i theta Y / 2)."""
RZ = PauliRotation("Z")
"""exp(-i theta Z / 2)."""
P = ParametricGate(
    name="P", dims=(2,), parameter_names=("lambda",), function=_p, derivative_function=_p_derivative, undo=_negated
)
"""The phase gate diag(1, e^{i lambda})."""
U3 = ParametricGate(
    name="U3",
    dims=(2,),
    parameter_names=("theta", "phi", "lambda"),
    function=_u3,
    derivative_function=_u3_derivative,
    undo=_u3_undo,
)
r"""Any gate on one qubit up to a phase, as in OpenQASM 2 (Cross et al. 2017, arXiv:1707.03429), whose ``u3`` it is.

.. math:: U_3(\theta, \phi, \lambda) = \begin{pmatrix} \cos(\theta/2) & -e^{i\lambda} \sin(\theta/2) \\
    e^{i\phi} \sin(\theta/2) & e^{i(\phi+\lambda)} \cos(\theta/2) \end{pmatrix}
"""
SWAP = UnitaryGate([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], name="SWAP")
"""The exchange of two qubits."""
ISWAP = UnitaryGate(np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]]), name="ISWAP")
"""The exchange of two qubits with +i: exp(i pi (XX + YY) / 4)."""
CNOT = controlled(X)
r"""X on the second qubit where the first is in \|1>."""
CY = controlled(Y)
r"""Y on the second qubit where the first is in \|1>."""
CZ = controlled(Z)
"""diag(1, 1, 1, -1); which qubit is the control makes no difference."""
CH = controlled(H)
r"""H on the second qubit where the first is in \|1>."""
CRX = controlled(RX)
r"""RX on the second qubit where the first is in \|1>."""
CRY = controlled(RY)
r"""RY on the second qubit where the first is in \|1>."""
CRZ = controlled(RZ)
r"""RZ on the second qubit where the first is in \|1>."""
CP = controlled(P)
"""diag(1, 1, 1, e^{i lambda}); which qubit is the control makes no difference."""
RXX = PauliRotation("XX")
"""exp(-i theta X X / 2)."""
RYY = PauliRotation("YY")
"""exp(-i theta Y Y / 2)."""
RZZ = PauliRotation("ZZ")
"""exp(-i theta Z Z / 2)."""
XXPlusYY = ParametricGate(
    name="XXPlusYY",
    dims=(2, 2),
    parameter_names=("theta",),
    function=_xx_plus_yy,
    derivative_function=_xx_plus_yy_derivative,
    undo=_negated,
)
r"""exp(-i theta (X X + Y Y) / 4): it mixes \|01> and \|10>, and XXPlusYY(-pi) = ISWAP."""
Toffoli = controlled(X, 2)
r"""X on the third qubit where the first two are in \|1>."""
Fredkin = controlled(SWAP)
r"""SWAP of the second and third qubit where the first is in \|1>."""

GATES: dict[str, Unitary] = {
    g.name: g
    for g in (
        *(I, X, Y, Z, H, S, Sdg, T, Tdg, SX, RX, RY, RZ, P, U3),
        *(CNOT, CY, CZ, CH, SWAP, ISWAP, CRX, CRY, CRZ, CP),
        *(RXX, RYY, RZZ, XXPlusYY, Toffoli, Fredkin),
    )
}
"""Every named gate by its name."""

_ALIASES = {"CX": "CNOT", "CCX": "Toffoli", "CSWAP": "Fredkin"}


def gate(name: str) -> Unitary:
    """The named gate; capitals make no difference, and CX, CCX, CSWAP stand for CNOT, Toffoli, Fredkin.

    Raises
    ------
    InputError
        Where there is no such gate, with the nearest name.

    Examples
    --------
    >>> gate("cx"), gate("iSWAP"), gate("Sdg")
    (CNOT, ISWAP, Sdg)
    """
    known = {n.upper(): n for n in GATES} | _ALIASES
    spelled = known.get(name.upper(), name) if isinstance(name, str) else name
    return GATES[_checks.choice("a gate's name", spelled, GATES)]
