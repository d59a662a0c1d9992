"""Pauli strings applied at random: flips, depolarizing channels in both conventions, the Pauli channel."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np

from qml import _checks
from qml._checks import InputError, OutsideDomain
from qml._typing import Complex, Dims, Real
from qml.channels.kraus import nonzero
from qml.instructions import Channel
from qml.instructions.names import documented
from qml.operators.pauli_sum import pauli
from qml.parameters import Interval

__all__ = [
    "BitFlip",
    "BitPhaseFlip",
    "Depolarizing",
    "Depolarizing2",
    "PauliChannel",
    "PauliError",
    "PauliError2",
    "PauliMixture",
    "PhaseFlip",
]

SLACK = 4 * float(np.finfo(np.float64).eps)
"""By how much rounding may take a sum of probabilities above one."""


@dataclass(frozen=True, repr=False)
class PauliMixture(Channel):
    r"""Pauli strings applied at random: every parameter is a probability spread over strings in fixed shares.

    .. math:: \rho \mapsto \Big(1 - \sum_k q_k\Big) \rho + \sum_k q_k P_k \rho P_k, \qquad q_k = \sum_i p_i s_{ik}

    A parameter lies between zero and the value at which its strings leave no weight to the identity, and all parameters
    together may not exceed that either. The derivatives are constants.

    Parameters
    ----------
    name : str
    labels : tuple of str
        The strings P_k, of equal length.
    shares : tuple of tuple of float
        s_ik, one row a parameter and one column a string.
    parameter_names : tuple of str

    Raises
    ------
    InputError
        Where labels or shares do not fit; and, when it is placed, where a parameter lies outside its domain or the
        probabilities sum to more than one.

    Examples
    --------
    >>> parity_flip = PauliMixture("ParityFlip", ("ZZ",), ((1.0,),), ("p",))
    >>> print(parity_flip("p", 2, 3))
    ParityFlip(p) 2 3
    >>> print(Depolarizing.domains[0], PauliError.domains[0])
    [0, 1.33333333333] [0, 1]
    """

    name: str
    labels: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    parameter_names: tuple[str, ...]
    dims: Dims = field(init=False)

    def __post_init__(self) -> None:
        _checks.text("name", self.name)
        object.__setattr__(self, "labels", tuple(_checks.listed("labels", self.labels, "Pauli strings")))
        names = _checks.listed("parameter_names", self.parameter_names, "names")
        object.__setattr__(self, "parameter_names", tuple(_checks.text("each parameter name", n) for n in names))
        lengths = {pauli(label).n_qubits for label in self.labels}
        if len(lengths) != 1:
            raise InputError(f"{self.name}: the labels must be Pauli strings of one length; found {self.labels}.")
        s = _checks.reals(f"{self.name}: the shares", self.shares)
        shape = (self.n_params, len(self.labels))
        if s.shape != shape or (s < 0).any() or not all(0 < sum(row) < math.inf for row in s.tolist()):
            raise InputError(
                f"{self.name}: the shares must be non-negative numbers of shape {shape}, no row all zero; "
                f"found {_checks.shown(self.shares)}."
            )
        object.__setattr__(self, "shares", tuple(map(tuple, s.tolist())))
        object.__setattr__(self, "dims", (2,) * lengths.pop())

    @property
    def domains(self) -> tuple[Interval, ...]:
        return tuple(Interval(0.0, 1.0 / math.fsum(row)) for row in self.shares)

    def check(self, params: Real) -> None:
        super().check(params)
        total = math.fsum(p * s for p, row in zip(params, self.shares, strict=True) for s in row)
        if total > 1 + SLACK:
            names = " + ".join(self.parameter_names)
            raise OutsideDomain(f"{self.name}: {names} must be at most 1; found {total:.12g}.")

    def kraus(self, params: Real) -> Complex:
        q = params @ np.array(self.shares)
        strings = np.concatenate([np.eye(2**self.n_sites)[None], _strings(self.labels)])
        weights = np.concatenate([[max(0.0, 1.0 - math.fsum(q))], q])
        return nonzero(np.sqrt(weights)[:, None, None] * strings)

    def superoperator(self, params: Real) -> Complex:
        slopes = self.superoperator_derivatives(params)
        return np.eye(slopes.shape[-1]) + np.tensordot(params, slopes, axes=1)

    def superoperator_derivatives(self, params: Real) -> Complex:
        return _mixture_slopes(self.labels, self.shares).copy()


@functools.cache
def _strings(labels: tuple[str, ...]) -> Complex:
    """The matrices P_k, shape (m, D, D)."""
    return np.array([pauli(label).matrix() for label in labels])


@functools.cache
def _mixture_slopes(labels: tuple[str, ...], shares: tuple[tuple[float, ...], ...]) -> Complex:
    r"""sum_k s_ik (P_k \otimes \bar P_k - 1), shape (n_params, D^2, D^2)."""
    strings = _strings(labels)
    side = strings.shape[-1] ** 2
    moves = np.einsum("kia,kjb->kijab", strings, strings.conj()).reshape(-1, side, side) - np.eye(side)
    return np.tensordot(np.array(shares), moves, axes=1)


_XYZ = ("X", "Y", "Z")
_PAIRS = tuple(a + b for a in "IXYZ" for b in "IXYZ" if a + b != "II")

BitFlip = documented(PauliMixture("BitFlip", ("X",), ((1.0,),), ("p",)), """X with probability p.""")
PhaseFlip = documented(
    PauliMixture("PhaseFlip", ("Z",), ((1.0,),), ("p",)),
    """Z with probability p: coherences times 1 - 2p.""",
)
BitPhaseFlip = documented(PauliMixture("BitPhaseFlip", ("Y",), ((1.0,),), ("p",)), """Y with probability p.""")
Depolarizing = documented(
    PauliMixture("Depolarizing", _XYZ, ((1 / 4,) * 3,), ("p",)),
    """rho -> (1 - p) rho + p 1/2, 0 <= p <= 4/3: the Bloch vector times 1 - p.""",
)
Depolarizing2 = documented(
    PauliMixture("Depolarizing2", _PAIRS, ((1 / 16,) * 15,), ("p",)),
    """Two qubits, rho -> (1 - p) rho + p 1/4, 0 <= p <= 16/15.""",
)
PauliError = documented(
    PauliMixture("PauliError", _XYZ, ((1 / 3,) * 3,), ("q",)),
    """X, Y or Z with probability q/3 each: Depolarizing with p = 4q/3.""",
)
PauliError2 = documented(
    PauliMixture("PauliError2", _PAIRS, ((1 / 15,) * 15,), ("q",)),
    """Each of the 15 other Pauli strings on two qubits with probability q/15: Depolarizing2 with p = 16q/15.""",
)
PauliChannel = documented(
    PauliMixture("PauliChannel", _XYZ, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), ("px", "py", "pz")),
    """X, Y, Z with probabilities px, py, pz, whose sum is at most 1.

The limit ties the three together, and a fit that steps beyond it is refused; :data:`BitFlip`, :data:`BitPhaseFlip` and
:data:`PhaseFlip` one after another have independent domains, though they do not reach every Pauli channel.
""",
)
