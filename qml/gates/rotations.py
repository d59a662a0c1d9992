"""Rotations about Pauli strings of any weight."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np

from qml._typing import Complex, Dims, Real
from qml.gates.unitary import blank
from qml.instructions import Unitary
from qml.operators.pauli_sum import pauli
from qml.parameters import Affine


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
