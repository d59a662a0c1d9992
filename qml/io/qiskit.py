"""Qiskit, in and out: states, operators, channels, noise models and backends here, circuits by ``qiskit_circuits``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from qml import _checks, channels
from qml._checks import InputError
from qml.circuits import Circuit, NoiseModel
from qml.gates import UnitaryGate
from qml.instructions import Instruction, Unitary
from qml.io.blocks import Values
from qml.io.qiskit_circuits import Reader, backwards, kraus, written
from qml.io.vocabulary import QISKIT
from qml.operators import PauliSum
from qml.states import DensityMatrix, State

KINDS = "a QuantumCircuit, Statevector, DensityMatrix, Operator, Clifford, Pauli, SparsePauliOp, channel, NoiseModel"


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
    kinds = _checks.classes(value, "qiskit") | _checks.classes(value, "qiskit_aer")
    is_backend = hasattr(value, "target") and hasattr(value, "operation_names")
    if sites is not None and kinds and not is_backend and "NoiseModel" not in kinds:
        raise InputError(f"sites are for noise models and backends; found a {type(value).__name__}.")
    if "QuantumCircuit" in kinds:
        circuit, bits = Reader().read(value)
        return (circuit, bits) if measured else circuit
    info: Any = _checks.need("qiskit.quantum_info", "qiskit") if kinds else None
    if "Statevector" in kinds:
        return DensityMatrix.from_vector(np.asarray(value.reverse_qargs().data), value.dims())
    if "DensityMatrix" in kinds:
        return DensityMatrix(np.asarray(value.reverse_qargs().data), value.dims())
    if kinds & {"Operator", "Clifford"}:
        u = info.Operator(value)
        if u.input_dims() != u.output_dims():
            raise InputError(f"the operator must keep its dimensions; found {u.input_dims()} to {u.output_dims()}.")
        return UnitaryGate(np.asarray(u.reverse_qargs().data), u.input_dims())
    if kinds & {"Pauli", "SparsePauliOp"}:
        terms = [(label[::-1], _number(c)) for label, c in info.SparsePauliOp(value).to_list()]
        return PauliSum.from_terms(terms, value.num_qubits)
    if kinds & {"QuantumChannel", "QuantumError"}:
        return _channel(value)
    if "NoiseModel" in kinds:
        return noise_model(value, sites)
    if is_backend:
        model = _checks.need("qiskit_aer.noise", "qiskit").NoiseModel.from_backend(value)
        return noise_model(model, sites, value.num_qubits)
    raise InputError(f"{KINDS} or backend of Qiskit is taken; found {_checks.shown(value)}.")


def _number(c: Any) -> complex:
    try:
        found = complex(c)
    except TypeError:
        raise InputError(
            f"the coefficients of a SparsePauliOp must be numbers; found {c}: assign them first."
        ) from None
    return found if found.imag else found.real


def _channel(channel: Any) -> channels.KrausChannel:
    """A channel of Qiskit, or an error of Aer, on the qubits of its gate in their order."""
    if channel.num_qubits is None:
        dims = f"{channel.input_dims()} to {channel.output_dims()}"
        raise InputError(f"a channel from qubits to as many qubits is taken; found one of dimensions {dims}.")
    name = "Error" if "QuantumError" in _checks.classes(channel, "qiskit_aer") else type(channel).__name__
    return channels.KrausChannel([backwards(k) for k in kraus(channel)], name=name)


def noise_model(model: Any, sites: Sequence[int] | None, n_qubits: int | None = None) -> NoiseModel:
    """A noise model of Aer; `sites` are the qubits of the device, which has `n_qubits`, that become sites 0, 1, ..."""
    chosen = range(1 + max(model.noise_qubits, default=-1)) if sites is None else _checks.listed("sites", sites)
    last = None if n_qubits is None else n_qubits - 1
    chosen = [_checks.integer("each of sites", qubit, low=0, high=last) for qubit in chosen]
    if len(set(chosen)) < len(chosen):
        raise InputError(f"sites must be distinct qubits of the device; found {chosen}.")
    place = {int(qubit): site for site, qubit in enumerate(chosen)}
    found, names = NoiseModel(), dict[str, str]()
    for name, local in model._local_quantum_errors.items():
        for qubits, error in local.items():
            if all(q in place for q in qubits):
                at = tuple(place[q] for q in qubits)
                found = found.add(_channel(error), gates=_gate(name, names), at=at)
    for name, error in model._default_quantum_errors.items():
        elsewhere = model._local_quantum_errors.get(name, {})
        if not elsewhere:
            found = found.add(_channel(error), gates=_gate(name, names))
            continue
        if sites is None:
            raise InputError(f"the errors of {name} differ from qubit to qubit: pass sites, the qubits to keep.")
        for qubits in itertools.permutations(chosen, error.num_qubits):
            if qubits not in elsewhere:
                found = found.add(_channel(error), gates=_gate(name, names), at=tuple(place[q] for q in qubits))
    return _readout(found, model, place, everywhere=sites is None)


def _readout(found: NoiseModel, model: Any, place: dict[int, int], everywhere: bool) -> NoiseModel:
    default = model._default_readout_error
    for qubits, error in model._local_readout_errors.items():
        if everywhere or any(q in place for q in qubits):
            found = found.with_readout(*_flips(error), sites=[place[q] for q in qubits])
    if default is not None:
        there = {place[q] for qubits in model._local_readout_errors for q in qubits if q in place}
        if everywhere and not there:
            return found.with_readout(*_flips(default))
        found = found.with_readout(*_flips(default), sites=[s for s in place.values() if s not in there])
    return found


def _flips(error: Any) -> tuple[float, float]:
    p = np.asarray(error.probabilities)
    if p.shape != (2, 2):
        raise InputError("readout errors of single qubits are taken; found one of several qubits together.")
    return float(p[1, 0]), float(p[0, 1])


def _gate(name: str, names: dict[str, str]) -> str:
    """What we call a gate of Qiskit; `names` has the name there of each that came before."""
    made: Any = channels.Reset if name == "reset" else QISKIT.get(name)
    if not isinstance(made, Instruction):
        raise InputError(f"the noise model has errors of {name!r}, which is no single gate here: leave them out.")
    if (other := names.setdefault(made.name, name)) != name:
        raise InputError(f"the noise model has errors of {other!r} and of {name!r}, which are one gate here: keep one.")
    return made.name


def to_qiskit(value: Any, params: Values = None, *, measured: Sequence[int] = ()) -> Any:
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
    ``quantum_circuit = to_qiskit(model.circuit, model.natural(result.params), measured=[0, 1])``.
    """
    if isinstance(value, Circuit):
        return written(value, params, measured)
    info = _checks.need("qiskit.quantum_info", "qiskit")
    if isinstance(value, PauliSum):
        return info.SparsePauliOp.from_list([(label[::-1], c) for label, c in value.terms], num_qubits=value.n_qubits)
    if isinstance(value, State) and not value.batch_shape:
        return info.DensityMatrix(np.asarray(value.matrix()), value.dims[::-1]).reverse_qargs()
    if isinstance(value, Unitary):
        raise InputError("a gate is written within a circuit: pass Circuit(n, [gate(...)]).")
    raise InputError(f"a Circuit, a state or a PauliSum is taken; found {_checks.shown(value)}.")
