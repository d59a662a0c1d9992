"""Circuits, operations and channels in numbers, for libraries that take no free parameters there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.channels.kraus import kraus_of_choi
from qml.circuits import Circuit
from qml.instructions import Channel, Operation
from qml.parameters import ParameterLike

Values: TypeAlias = Mapping[str, ParameterLike] | Sequence[float] | None
"""Numbers or expressions in place of free parameters, by name or in their order; None leaves all of them free."""


def bound(circuit: Circuit, params: Values) -> Circuit:
    """The circuit of qubits with numbers in place of parameters, by name or in their order."""
    _checks.instance("circuit", circuit, Circuit)
    if set(circuit.dims) != {2}:
        raise InputError(f"the other libraries have qubits only; found a circuit of dims {circuit.dims}.")
    if params is None:
        return circuit
    if isinstance(params, Mapping):
        return circuit.bind(params)
    values = _checks.parameters("params", params, circuit.n_params)
    return circuit.bind(dict(zip(circuit.parameters, values.tolist(), strict=True)))


def numbers(operation: Operation) -> Real:
    """The parameters (n_params,) of an operation, all of which are numbers."""
    if free := operation.parameters:
        raise InputError(f"{operation} needs a number for {free[0]!r} there: pass params.")
    return np.array([p.constant for p in operation.params], dtype=np.float64)


def kraus_of(operation: Operation) -> Complex:
    """The Kraus operators of a placed channel whose parameters are numbers, at most D^2 of them."""
    channel = operation.instruction
    assert isinstance(channel, Channel)
    found = channel.kraus(numbers(operation))
    side = found.shape[-1]
    if len(found) <= side**2:
        return found
    rows = found.reshape(len(found), -1)
    return kraus_of_choi(rows.T @ rows.conj())
