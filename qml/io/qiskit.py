"""Qiskit, in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.circuits import Circuit
from qml.io.extras import classes
from qml.parameters import ParameterLike


def from_qiskit(value: Any, *, measured: bool = False, sites: Sequence[int] | None = None) -> Any:
    r"""An object of Qiskit as the one of ours.

    Qubit i becomes site i. A basis state of Qiskit lists its qubits backwards, :math:`|q_{n-1} \dots q_0\rangle`, and
    ours forwards, so matrices are permuted. Parameters keep their names, expressions have to be affine. Gates without
    a name here become what their definition or their matrix says; loops over numbers are carried out; noise is that of
    Kraus instructions and of Aer.

    Parameters
    ----------
    value : QuantumCircuit, Statevector, DensityMatrix, Operator, Pauli, SparsePauliOp, channel, NoiseModel or backend
        A channel is a QuantumError of Aer, or a Kraus, SuperOp, Choi, Chi, PTM or Stinespring. The noise of a backend
        (T1, T2, durations, errors of gates and readout) is what Aer makes of it.
    measured : bool
        Whether to return also which sites of a circuit are measured at the end.
    sites : sequence of int, optional
        Of a noise model or backend, the qubits that become sites 0, 1, ...; all of them by default.

    Returns
    -------
    Circuit, or (Circuit, tuple of int)
        The tuple has the site of each classical bit that holds a result, in the order of the bits.
    DensityMatrix, UnitaryGate, PauliSum, NoiseModel or KrausChannel
        From states, operators, sums of Pauli strings, noise models and backends, and channels.

    Raises
    ------
    InputError
        Where something has no counterpart here: classical feedback, qubits that are used after they were measured,
        delays, parameters in expressions that are not affine. Where Qiskit, or Aer, is not installed.

    Examples
    --------
    ``circuit = from_qiskit(quantum_circuit)``; ``noisy = circuit.with_noise(from_qiskit(backend, sites=[0, 1, 4]))``.
    """
    measured = _checks.flag("measured", measured)
    if "QuantumCircuit" in classes(value, "qiskit"):
        from qml.io.qiskit_circuits import Reader

        if sites is not None:
            raise InputError(f"sites are for noise models and backends; found a {type(value).__name__}.")
        circuit, bits = Reader().read(value)
        return (circuit, bits) if measured else circuit
    from qml.io.qiskit_objects import translated

    return translated(value, sites)


def to_qiskit(
    value: Any,
    params: Mapping[str, ParameterLike] | Sequence[float] | None = None,
    *,
    measured: Sequence[int] = (),
) -> Any:
    r"""A circuit, state or sum of Pauli strings as the object of Qiskit.

    Site i becomes qubit i. Free parameters become parameters of the same names. Gates given by a matrix become unitary
    gates, channels Kraus instructions, which need numbers; sites that are traced out are left alone, and those that are
    initialised are reset.

    Parameters
    ----------
    value : Circuit, State or PauliSum
    params : mapping of str to float, or array (n_params,), optional
        Numbers for all or some of the free parameters of a circuit (in radians where they are angles).
    measured : sequence of int
        Sites of a circuit that are measured at the end, into bits 0, 1, ...

    Returns
    -------
    QuantumCircuit, DensityMatrix or SparsePauliOp

    Raises
    ------
    InputError
        Where sites are no qubits, a channel has free parameters, or Qiskit is not installed.

    Examples
    --------
    ``quantum_circuit = to_qiskit(model.circuit, result.natural(), measured=[0, 1])``.
    """
    if isinstance(value, Circuit):
        from qml.io.qiskit_circuits import written

        return written(value, params, measured)
    from qml.io.qiskit_objects import to_object

    return to_object(value)
