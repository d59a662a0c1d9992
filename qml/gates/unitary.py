"""Gates without parameters, given by their matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, DimsLike, Real
from qml.instructions import Unitary
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
