"""Channels by their Kraus operators: any given ones, reset, and readout error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, DimsLike, Real
from qml.instructions import Channel
from qml.instructions.names import documented
from qml.parameters import UNIT

__all__ = [
    "KrausChannel",
    "ReadoutError",
    "Reset",
]


def check_complete(name: str, operators: Complex) -> None:
    """Refuse operators (m, d_out, d) with sum_k K_k^dagger K_k other than the identity."""
    with np.errstate(over="ignore", invalid="ignore"):
        rows = operators.reshape(-1, operators.shape[-1])
        total = rows.conj().T @ rows
        violation = float(np.abs(total - np.eye(len(total))).max())
    if not violation <= _checks.TOLERANCE:  # or not a number
        raise InputError(
            f"{name} must be complete; found max|sum_k K_k^dagger K_k - 1| = {violation:.3g}, "
            f"tolerance {_checks.TOLERANCE}."
        )


def nonzero(operators: Complex) -> Complex:
    """Without the Kraus operators that are exactly zero."""
    return operators[operators.any(axis=(-1, -2))]


def kraus_of_choi(choi: Complex) -> Complex:
    r"""Kraus operators (m, D, D), m at most D^2, of a Choi matrix on row-major vectors.

    .. math:: C = \sum_k |K_k\rangle\rangle \langle\langle K_k|, \qquad |K\rangle\rangle_{ai} = K_{ai}
    """
    side = round(len(choi) ** 0.5)
    weights, vectors = np.linalg.eigh(choi)
    kept = weights > 0
    return np.asarray((np.sqrt(weights[kept]) * vectors[:, kept]).T.reshape(-1, side, side))


@dataclass(frozen=True, repr=False, init=False)
class KrausChannel(Channel):
    r"""The channel of given Kraus operators, on sites of any dimensions.

    .. math:: \rho \mapsto \sum_k K_k \rho K_k^\dagger, \qquad \sum_k K_k^\dagger K_k = 1

    Channels of equal name, dimensions and entries are equal, and a channel cannot be changed.

    Parameters
    ----------
    kraus : array (m, D, D)
    dims : int or sequence of int, optional
        Dimensions of the sites, whose product is D. Without it, qubits where D is a power of two, else one site;
        ``(4,)`` makes a ququart.
    name : str
        What drawings and messages call it.

    Raises
    ------
    InputError
        Where the operators are not complete, with the measured violation, or the shapes do not fit.

    Examples
    --------
    A qutrit whose highest level decays to the middle one:

    >>> decay = KrausChannel([[[1, 0, 0], [0, 1, 0], [0, 0, 0.8]], [[0, 0, 0], [0, 0, 0.6], [0, 0, 0]]], name="decay")
    >>> print(decay(2), decay.dims)
    decay 2 (3,)
    """

    name: str
    dims: Dims
    entries: bytes

    def __init__(self, kraus: ArrayLike, dims: DimsLike | None = None, name: str = "Kraus") -> None:
        _checks.text("name", name)
        what = f"the Kraus operators of {name}"
        k = _matrices.square(what, kraus)
        if k.ndim != 3:
            raise InputError(f"{what} must have shape (m, d, d), also where there is one; found shape {k.shape}.")
        side = k.shape[-1]
        check_complete(what, k)
        sites = _checks.sites(dims, side)
        vars(self).update(name=name, dims=sites, entries=(k + 0.0).tobytes())

    def _arguments(self) -> dict[str, Any]:
        return {"kraus": self.kraus(np.zeros(0)), "dims": self.dims, "name": self.name}

    def kraus(self, params: Real) -> Complex:
        side = math.prod(self.dims)
        entries: Complex = np.frombuffer(self.entries, dtype=np.complex128)
        return entries.reshape(-1, side, side).copy()

    def superoperator_derivatives(self, params: Real) -> Complex:
        side = math.prod(self.dims) ** 2
        return np.zeros((0, side, side), dtype=np.complex128)


@dataclass(frozen=True, repr=False)
class _ReadoutError(Channel):
    name = "ReadoutError"
    parameter_names = ("p01", "p10")
    dims = (2,)
    domains = (UNIT, UNIT)

    def kraus(self, params: Real) -> Complex:
        p01, p10 = params
        a = np.array([[1 - p10, p01], [p10, 1 - p01]])
        k = np.zeros((2, 2, 2, 2), dtype=np.complex128)
        for r, t in np.ndindex(2, 2):
            k[r, t, r, t] = math.sqrt(a[r, t])
        return nonzero(k.reshape(4, 2, 2))

    def superoperator(self, params: Real) -> Complex:
        slopes = self.superoperator_derivatives(params)
        s: Complex = np.diag([1, 0, 0, 1]) + np.tensordot(params, slopes, axes=1)
        return s

    def superoperator_derivatives(self, params: Real) -> Complex:
        d = np.zeros((2, 4, 4), dtype=np.complex128)
        d[0, [0, 3], [3, 3]] = 1, -1
        d[1, [0, 3], [0, 0]] = -1, 1
        return d


Reset = documented(
    KrausChannel([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], name="Reset"),
    """Whatever the state of the qubit, |0>.""",
)

ReadoutError = documented(
    _ReadoutError(),
    r"""A measurement whose result is misreported: coherences vanish and :math:`\rho_{rr} \to \sum_t A_{rt} \rho_{tt}`.

A[reported][true] = [[1 - p10, p01], [p10, 1 - p01]]: p01 is the probability to report 0 where the truth is 1, and p10
that to report 1 where it is 0.
""",
)
