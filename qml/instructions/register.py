"""Changes of the register: sites that are discarded, and fresh ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qml import _checks
from qml._checks import InputError
from qml._typing import Dims, DimsLike
from qml.instructions.base import Instruction, Operation


@dataclass(frozen=True, repr=False)
class PartialTrace(Instruction):
    """Sites that are discarded, not yet placed; :func:`TraceOut` places it, and has the equation.

    Parameters
    ----------
    dims : tuple of int
        Of the sites, in the order in which they are listed.

    Examples
    --------
    >>> PartialTrace((2,))(1) == TraceOut(1)
    True
    """

    dims: Dims
    name: str = field(default="trace_out", init=False)


@dataclass(frozen=True, repr=False)
class Preparation(Instruction):
    r"""Fresh sites in the state \|0>, not yet placed; :func:`Initialize` places it, and has the equation.

    Parameters
    ----------
    dims : tuple of int
        Of the sites, in the order in which they are listed.

    Examples
    --------
    >>> Preparation((2,))(1) == Initialize(1)
    True
    """

    dims: Dims
    name: str = field(default="initialize", init=False)


def TraceOut(*sites: int, dims: DimsLike | None = None) -> Operation:  # noqa: N802 - stands beside gates
    r"""Discard sites: the partial trace over them. They take no further operation unless initialised again.

    .. math:: \rho \mapsto \sum_k \langle k | \rho | k \rangle, \qquad k \text{ over a basis of the sites}

    Parameters
    ----------
    *sites : int
    dims : sequence of int, optional
        Their dimensions; qubits by default.

    Returns
    -------
    Operation

    Raises
    ------
    InputError
        Where no site is named, one is no integer, or `dims` has not one entry a site.

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), TraceOut(1)]).dims_out
    (2,)
    """
    return _placed("TraceOut", PartialTrace, sites, dims)


def Initialize(*sites: int, dims: DimsLike | None = None) -> Operation:  # noqa: N802 - stands beside gates
    r"""Add fresh sites in the state \|0>. A site whose first operation this is does not exist before it.

    .. math:: \rho \mapsto \rho \otimes |0 \dots 0\rangle\langle 0 \dots 0|

    Parameters
    ----------
    *sites : int
    dims : sequence of int, optional
        Their dimensions; qubits by default.

    Returns
    -------
    Operation

    Raises
    ------
    InputError
        Where no site is named, one is no integer, or `dims` has not one entry a site.

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> Circuit(2, [Initialize(1), gates.CNOT(0, 1)]).dims_in
    (2,)
    """
    return _placed("Initialize", Preparation, sites, dims)


def _placed(what: str, kind: Callable[[Dims], Instruction], sites: tuple[int, ...], dims: DimsLike | None) -> Operation:
    """A change of the register on sites of these dimensions."""
    for site in sites:
        _checks.integer(f"{what}: each site", site, low=0)
    found = (2,) * len(sites) if dims is None else _checks.dimensions("dims", dims)
    if not sites or len(found) != len(sites):
        raise InputError(
            f"{what} takes one or more sites, as in {what}(1), and dims one entry a site; found the sites {sites} and "
            f"dims {found}."
        )
    return kind(found)(*sites)
