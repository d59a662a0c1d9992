"""PennyLane, in and out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.circuits import Circuit
from qml.parameters import ParameterLike


def from_pennylane(function: Any, *arguments: Any, wires: Sequence[Any] | None = None, free: bool = True) -> Circuit:
    r"""The circuit of a QNode, a quantum function or a tape of PennyLane.

    PennyLane's parameters have no names: the function is called at the arguments and a little beside them, and each
    float among them becomes a free parameter ``name``, each entry of an array ``name[i,j]``, where the function uses
    it affinely. Bases agree: wire 0 comes first in both.

    Parameters
    ----------
    function : QNode, callable or tape
    *arguments
        What it is called with; of a tape none.
    wires : sequence, optional
        The wires that become sites 0, 1, ...; by default 0 to the largest, or in order of appearance where they are no
        integers.
    free : bool
        False: every argument is a number in the circuit.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        Where an operation has no counterpart here (a measurement in the midst of the circuit), an argument is not used
        affinely, or PennyLane is not installed.

    Examples
    --------
    ``circuit = from_pennylane(qnode, np.zeros((2, 3)))`` of ``def qnode(weights): ...`` has the parameters
    ``weights[0,0]``, ``weights[0,1]``, ...
    """
    from qml.io.pennylane_circuits import Reader, tape_of, with_parameters

    def make(values: Sequence[Any]) -> Circuit:
        return Reader(tape_of(function, values), wires).circuit()

    if not _checks.flag("free", free) or not arguments:
        return make(arguments)
    inner = getattr(function, "func", function)
    if not inspect.isroutine(inner) and not hasattr(inner, "__code__"):
        raise InputError(f"a QNode, a quantum function or a tape is taken; found {_checks.shown(function)}.")
    names = list(inspect.signature(inner).parameters)[: len(arguments)]
    if len(names) < len(arguments):
        raise InputError(f"the function takes {len(names)} arguments; found {len(arguments)}.")
    return with_parameters(make, dict(zip(names, arguments, strict=True)))


def to_pennylane(
    circuit: Circuit, params: Mapping[str, ParameterLike] | Sequence[float] | None = None
) -> Callable[..., None]:
    r"""A circuit as a quantum function of PennyLane, to be called within a QNode.

    Parameters
    ----------
    circuit : Circuit
        Of qubits.
    params : mapping of str to float, or array (n_params,), optional
        Numbers for all or some of the free parameters, once and for all.

    Returns
    -------
    callable
        ``template(params=(), wires=None)``: `params` has the remaining free parameters in their order, or by name, as
        numbers or as arrays that PennyLane differentiates; site i acts on ``wires[i]``.

    Raises
    ------
    InputError
        Where sites are no qubits, a channel without a counterpart in PennyLane has free parameters, or PennyLane is not
        installed.

    Examples
    --------
    ``ansatz = to_pennylane(circuit)``; in a QNode of ``default.mixed``, ``ansatz(theta, wires=[0, 1])``.
    """
    from qml.io.numbers import bound
    from qml.io.pennylane_circuits import template

    return template(bound(circuit, params))
