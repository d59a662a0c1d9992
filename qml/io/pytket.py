"""pytket, in and out, by way of OpenQASM 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qml import _checks
from qml._checks import InputError, shown
from qml.circuits import Circuit
from qml.io.blocks import Values
from qml.io.qasm import from_qasm, to_qasm


def from_pytket(circuit: Any, *, measured: bool = False) -> Any:
    """A circuit of pytket as one of ours, by way of OpenQASM 2: parameters have to be numbers.

    Parameters
    ----------
    circuit : pytket.Circuit
    measured : bool
        Whether to return also which sites are measured at the end.

    Returns
    -------
    Circuit, or (Circuit, tuple of int)
        Sites are in the order of ``circuit.qubits``; the tuple has the site of each bit that holds a result.

    Raises
    ------
    InputError
        Where pytket cannot write it as OpenQASM 2, or what it writes has no counterpart here; or pytket is not
        installed.

    Examples
    --------
    ``circuit = from_pytket(tket_circuit)``.
    """
    qasm, passes = _checks.need("pytket.qasm", "pytket"), _checks.need("pytket.passes", "pytket")
    if "Circuit" not in _checks.classes(circuit, "pytket"):
        raise InputError(f"a circuit of pytket is taken; found {shown(circuit)}.")
    measured = _checks.flag("measured", measured)
    if free := sorted(map(str, circuit.free_symbols())):
        raise InputError(f"OpenQASM 2 has no free parameters; found {free[0]!r}: substitute numbers.")
    plain = circuit.copy()
    plain.replace_implicit_wire_swaps()  # at the end, so behind measurements
    passes.DelayMeasures(allow_partial=True).apply(plain)
    plain.flatten_registers()
    passes.DecomposeBoxes().apply(plain)
    kinds = _checks.need("pytket", "pytket").OpType
    try:
        try:
            text = qasm.circuit_to_qasm_str(plain, header="qelib1", maxwidth=256)
        except Exception:  # of a gate that OpenQASM 2 has no name for
            passes.AutoRebase({kinds.CX, kinds.Rz, kinds.Rx}).apply(plain)
            text = qasm.circuit_to_qasm_str(plain, header="qelib1", maxwidth=256)
    except Exception as error:  # of whatever pytket cannot write
        raise InputError(f"pytket cannot write the circuit as OpenQASM 2: {error}") from None
    return from_qasm(text, measured=measured)


def to_pytket(circuit: Circuit, params: Values = None, *, measured: Sequence[int] = ()) -> Any:
    """A circuit of gates as one of pytket, by way of OpenQASM 2.

    Parameters
    ----------
    circuit : Circuit
        Of qubits, without noise.
    params : mapping of str to float, or array (n_params,), optional
        Numbers for all of the free parameters (in radians where they are angles).
    measured : sequence of int
        Sites that are measured at the end, into bits 0, 1, ...

    Returns
    -------
    pytket.Circuit

    Raises
    ------
    InputError
        Where sites are no qubits, parameters are free, there is noise, or pytket is not installed.

    Examples
    --------
    ``tket_circuit = to_pytket(model.circuit, model.natural(result.params))``.
    """
    qasm = _checks.need("pytket.qasm", "pytket")
    return qasm.circuit_from_qasm_str(to_qasm(circuit, params, 2, measured=measured), maxwidth=256)
