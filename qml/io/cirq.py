"""Cirq, in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qml import _checks
from qml.circuits import Circuit
from qml.parameters import ParameterLike


def from_cirq(circuit: Any, *, qubits: Sequence[Any] | None = None, measured: bool = False) -> Any:
    r"""A circuit of Cirq as one of ours.

    Symbols become free parameters of the same names; expressions have to be affine. Bases agree: the first qubit comes
    first in both. Powers of gates keep the phases that Cirq gives them, which matter where a gate is controlled.

    Parameters
    ----------
    circuit : cirq.Circuit
    qubits : sequence, optional
        The qubits that become sites 0, 1, ...; sorted by default.
    measured : bool
        Whether to return also which sites are measured.

    Returns
    -------
    Circuit, or (Circuit, tuple of int)
        The tuple has the measured sites in the order of the measurements.

    Raises
    ------
    InputError
        Where something has no counterpart here (classical controls, qubits that are used after they were measured), an
        expression is not affine, or Cirq is not installed.

    Examples
    --------
    ``circuit, sites = from_cirq(cirq_circuit, measured=True)``.
    """
    from qml._checks import InputError, shown
    from qml.io.cirq_circuits import Reader
    from qml.io.extras import classes

    if "AbstractCircuit" not in classes(circuit, "cirq"):
        raise InputError(f"a circuit of Cirq is taken; found {shown(circuit)}.")
    measured = _checks.flag("measured", measured)
    found, sites = Reader(circuit, qubits).read()
    return (found, sites) if measured else found


def to_cirq(
    circuit: Circuit,
    params: Mapping[str, ParameterLike] | Sequence[float] | None = None,
    *,
    measured: Sequence[int] = (),
) -> Any:
    r"""A circuit as one of Cirq on line qubits.

    Free parameters become symbols of the same names. Channels become Kraus channels, which need numbers; sites that are
    traced out are left alone, and those that are initialised are reset.

    Parameters
    ----------
    circuit : Circuit
        Of qubits.
    params : mapping of str to float, or array (n_params,), optional
        Numbers for all or some of the free parameters (in radians where they are angles).
    measured : sequence of int
        Sites that are measured at the end, with the key "c".

    Returns
    -------
    cirq.Circuit

    Raises
    ------
    InputError
        Where sites are no qubits, a channel has free parameters, or Cirq is not installed.

    Examples
    --------
    ``cirq_circuit = to_cirq(model.circuit, result.natural())``.
    """
    from qml.io.cirq_circuits import written
    from qml.io.numbers import bound

    return written(bound(circuit, params), measured)
