"""Gates given by their matrices, by matrix functions of parameters with their derivatives, or by Pauli strings."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, DimsLike, Real
from qml.instructions import Unitary
from qml.operators.pauli_sum import pauli
from qml.parameters import Affine


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
        _checks.text("name", name)
        u = _matrices.unitary(f"the matrix of gate {name}", _checks.array(f"the matrix of gate {name}", matrix))
        if u.ndim != 2:
            raise InputError(f"the matrix of gate {name} must have shape (d, d); found shape {u.shape}.")
        sites = _checks.sites(dims, len(u))
        # + 0.0 turns -0.0 into 0.0, so that equal means equal
        vars(self).update(name=name, dims=sites, entries=(u + 0.0).tobytes())

    def _arguments(self) -> dict[str, Any]:
        return {"matrix": self.matrix(np.zeros(0)), "dims": self.dims, "name": self.name}

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


def blank(count: int, side: int, name: str) -> Complex:
    """`count` zero matrices (side, side), refused where they would not fit in memory."""
    if side >= 1024:
        what = f"the dense matrix of {_checks.short(name)}"
        _checks.memory(what, 16 * count * side**2, "use fewer sites, or PauliEngine for rotations")
    return np.zeros((count, side, side), dtype=np.complex128)


@dataclass(frozen=True, repr=False, kw_only=True)
class ParametricGate(Unitary):
    r"""A gate given by a matrix function U(params) and the function of its analytic derivatives.

    .. math:: \rho \mapsto U(\theta) \rho\, U(\theta)^\dagger

    The functions are taken at their word: that U is unitary and the derivatives are its own is not checked.

    Parameters
    ----------
    name : str
        What drawings and messages call it.
    dims : int or sequence of int
        Dimensions of its sites, whose product is D.
    parameter_names : sequence of str
    function : callable
        params (n_params,) -> U, shape (D, D).
    derivative_function : callable
        params (n_params,) -> dU/dparams, shape (n_params, D, D).
    undo : callable
        Parameters -> those at which the same gate is the inverse; it works on numbers and on expressions alike.

    Raises
    ------
    InputError
        Where a name is no text, or a function cannot be called.

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

    def __post_init__(self) -> None:
        _checks.text("name", self.name)
        names = _checks.listed("parameter_names", self.parameter_names, "names")
        object.__setattr__(self, "parameter_names", tuple(_checks.text("each parameter name", n) for n in names))
        object.__setattr__(self, "dims", _checks.dimensions("dims", self.dims))
        called = (self.function, self.derivative_function, self.undo)
        _checks.functions("function, derivative_function and undo", called)

    def matrix(self, params: Real) -> Complex:
        return self.function(params)

    def derivatives(self, params: Real) -> Complex:
        return self.derivative_function(params)

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        return self, self.undo(params)


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
        Where the string is empty, or a letter is not I, X, Y or Z.

    Examples
    --------
    >>> print(PauliRotation("XXY")(0.3, 0, 1, 2))
    RXXY(0.3) 0 1 2
    >>> from qml.gates import RZZ
    >>> PauliRotation("ZZ") == RZZ
    True
    """

    label: str
    name: str = field(init=False)
    dims: Dims = field(init=False)

    parameter_names = ("theta",)

    def __post_init__(self) -> None:
        vars(self).update(dims=pauli(self.label).dims, name=f"R{self.label}")

    def matrix(self, params: Real) -> Complex:
        return self._combine(math.cos(params[0] / 2), math.sin(params[0] / 2))

    def derivatives(self, params: Real) -> Complex:
        return self._combine(-math.sin(params[0] / 2) / 2, math.cos(params[0] / 2) / 2)[None]

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        return self, (-params[0],)

    def _combine(self, a: float, b: float) -> Complex:
        """a 1 - i b P."""
        out: Complex = blank(1, 2**self.n_sites, self.name)[0]
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
