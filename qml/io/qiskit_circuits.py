"""Circuits of Qiskit, in and out."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import cache, reduce
from typing import Any

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml._typing import Complex
from qml.channels.kraus import kraus_of_choi
from qml.circuits import Circuit
from qml.gates import Controlled, PauliRotation, UnitaryGate
from qml.instructions import Channel, Instruction, Operation, Unitary
from qml.io.blocks import Block, Values, kraus_of, numbers, outgoing
from qml.io.vocabulary import QISKIT, names, spelled
from qml.operators import embed
from qml.parameters import Affine, Parameter

DEEPEST = 50
"""Definitions within definitions."""
REFUSED = {
    "store": "a classical variable",
    "if_else": "an if statement",
    "while_loop": "a while loop",
    "switch_case": "a switch",
    "delay": "a delay",
    "break_loop": "a break",
    "continue_loop": "a continue",
}


def affine(value: Any, what: str) -> Affine:
    """A number or a ParameterExpression of Qiskit as an affine expression."""
    if not hasattr(value, "parameters"):
        return Affine((), _checks.number(what, float(value)))
    found = sorted(value.parameters, key=lambda p: p.name)
    try:
        slopes = [_real(value.gradient(p)) for p in found]
        constant = _real(value.bind(dict.fromkeys(found, 0.0)) if found else value)
    except (ArithmeticError, RuntimeError, TypeError, ValueError):  # of what still has parameters, 0 / 0, ...
        raise InputError(
            f"{what}: {value} is not affine in its parameters, with real coefficients: give it a parameter of its own."
        ) from None
    return sum((slope * Parameter(p.name) for p, slope in zip(found, slopes, strict=True)), Affine((), constant))


def _real(value: Any) -> float:
    """A number or an expression without parameters as a real number."""
    found = complex(value)
    if found.imag:
        raise ValueError
    return found.real


class Reader:
    """Takes a Qiskit circuit apart."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.measured: dict[int, int] = {}
        self.done: set[int] = set()

    def read(self, circuit: Any) -> tuple[Circuit, tuple[int, ...]]:
        """The circuit, and the site of each classical bit that holds a result, in the order of the bits."""
        self.walk(circuit, range(circuit.num_qubits), range(circuit.num_clbits))
        if not circuit.num_qubits:
            raise InputError("the Qiskit circuit has no qubits.")
        sites = tuple(self.measured[bit] for bit in sorted(self.measured))
        return Circuit(circuit.num_qubits, self.operations), sites

    def walk(self, circuit: Any, sites: Sequence[int], bits: Sequence[int]) -> None:
        """Its instructions, on these sites."""
        for item in circuit.data:
            at = tuple(sites[circuit.find_bit(q).index] for q in item.qubits)
            to = tuple(bits[circuit.find_bit(c).index] for c in item.clbits)
            self.step(item.operation, at, to)

    def step(self, operation: Any, sites: tuple[int, ...], bits: tuple[int, ...]) -> None:
        """One instruction."""
        name = operation.name
        if name == "barrier":
            return
        if name in REFUSED:
            raise InputError(f"{REFUSED[name]} has no counterpart in a circuit of gates and channels: leave it out.")
        if getattr(operation, "condition", None) is not None:
            raise InputError(
                f"{name} depends on a measured result, which has no counterpart in a density matrix circuit."
            )
        for site in sites:
            if site in self.done:
                raise InputError(f"qubit {site} is measured and used again ({name}): measure at the end.")
        if name == "measure":
            self.measured[bits[0]] = sites[0]
            self.done.add(sites[0])
        elif name == "reset":
            self.operations.append(channels.Reset(sites[0]))
        elif name == "for_loop":
            indices, parameter, body = operation.params
            for i in indices:  # written out
                self.walk(body if parameter is None else body.assign_parameters({parameter: i}), sites, bits)
        elif name == "box":
            self.walk(operation.blocks[0], sites, bits)
        elif name in ("kraus", "superop", "quantum_channel"):
            self.operations.append(channels.KrausChannel(kraus(operation))(*reversed(sites)))
        elif hasattr(operation, "to_matrix"):
            self.operations += block_of(operation).placed(sites).operations
        elif operation.definition is not None:
            self.walk(operation.definition, sites, bits)
        else:
            raise InputError(f"{name} has no counterpart in a circuit of gates and channels.")


def kraus(channel: Any) -> Complex:
    """The Kraus operators of a channel of Qiskit or Aer, in Qiskit's order, those that are small included."""
    choi = np.asarray(_checks.need("qiskit.quantum_info", "qiskit").Choi(channel).data)  # on column-major vectors
    return np.asarray(kraus_of_choi(choi).transpose(0, 2, 1))


def block_of(gate: Any, depth: int = 0) -> Block:
    """A gate of Qiskit on sites 0, 1, ...: by its name, by its parts, or by its matrix."""
    if depth > DEEPEST:
        raise InputError(f"the gate {gate.name} is made of gates more than {DEEPEST} levels deep.")
    params = [p for p in getattr(gate, "params", []) if not isinstance(p, np.ndarray | str)]
    n, base = gate.num_qubits, getattr(gate, "base_gate", None)
    values = tuple(bool(gate.ctrl_state >> i & 1) for i in range(gate.num_ctrl_qubits)) if base is not None else ()
    if type(gate).__name__ == "AnnotatedOperation":
        return _annotated(gate, depth)
    known = gate.name in QISKIT and gate.base_class.__module__.startswith("qiskit.circuit.library")
    if known and all(values) and not (gate.name == "mcx" and n != 4):
        return spelled(gate.name, QISKIT, tuple(affine(p, gate.name) for p in params), n)
    if base is not None:
        if base.name == "u" and len(params) == 4:  # the last is a phase
            *angles, phase = (affine(p, gate.name) for p in params)
            inner = Block.of(gates.U3, *angles, 0, phase=phase)
        else:
            inner = block_of(base, depth + 1)
        return inner.placed(range(len(values), n)).controlled(range(len(values)), values)
    if gate.name == "global_phase":
        return Block((), affine(params[0], "the global phase"))
    if gate.name == "pauli":
        letters = [getattr(gates, letter)(i) for i, letter in enumerate(reversed(gate.params[0])) if letter != "I"]
        return Block(tuple(letters))
    operator: Any = getattr(gate, "operator", None)  # of exp(-i t H)
    if "SparsePauliOp" in _checks.classes(operator, "qiskit") and len(operator) == 1:
        label, c = operator.paulis[0].to_label()[::-1], complex(operator.coeffs[0]).real
        return Block((PauliRotation(label)(affine(params[0], "the time") * (2 * c), *range(n)),))
    if gate.name == "unitary" or gate.definition is None:
        try:
            matrix = np.asarray(gate.to_matrix(), dtype=np.complex128)
        except Exception:  # of whatever the gate is
            raise InputError(f"the gate {gate.name} has neither a definition nor a matrix.") from None
        if not n:
            return Block((), Affine((), float(np.angle(matrix[0, 0]))))
        return Block((UnitaryGate(matrix, name=gate.label or gate.name)(*reversed(range(n))),))
    whole = Block((), affine(gate.definition.global_phase, "the global phase"))
    for item in gate.definition.data:
        at = tuple(gate.definition.find_bit(q).index for q in item.qubits)
        if item.operation.name != "barrier":
            whole = whole.then(block_of(item.operation, depth + 1).placed(at))
    return whole


def _annotated(gate: Any, depth: int) -> Block:
    """A gate with modifiers of Qiskit."""
    n = gate.base_op.num_qubits
    block = block_of(gate.base_op, depth + 1)
    for modifier in gate.modifiers:
        kind = type(modifier).__name__
        if kind == "InverseModifier":
            block = block.inverse()
        elif kind == "PowerModifier":
            block = block.power(float(modifier.power), 100_000)
        else:
            count = modifier.num_ctrl_qubits
            state = (1 << count) - 1 if modifier.ctrl_state is None else modifier.ctrl_state
            block = block.placed(range(count, count + n))
            block, n = block.controlled(range(count), [bool(state >> i & 1) for i in range(count)]), n + count
    return block


# out -----------------------------------------------------------------------------------------------------------------


def written(circuit: Circuit, params: Values, measured: Sequence[int]) -> Any:
    """A QuantumCircuit; see :func:`qml.io.to_qiskit`."""
    qiskit = _checks.need("qiskit", "qiskit")
    circuit = outgoing(circuit, params)
    sites = _checks.targets("measured", measured, circuit.n_sites)
    out = qiskit.QuantumCircuit(circuit.n_sites, len(sites))
    free = {name: qiskit.circuit.Parameter(name) for name in circuit.parameters}
    for operation in circuit.operations:
        instruction = operation.instruction
        if instruction == channels.Reset:
            out.reset(operation.sites[0])
        elif isinstance(instruction, Channel):
            channel = _checks.need("qiskit.quantum_info", "qiskit").Kraus(list(kraus_of(operation)))
            out.append(channel.to_instruction(), list(reversed(operation.sites)))
        else:
            values = [_expression(p, free) for p in operation.params]
            gate, reverse = _gate(instruction, values, operation)
            out.append(gate, list(reversed(operation.sites) if reverse else operation.sites))
    for bit, site in enumerate(sites):
        out.measure(site, bit)
    return out


def _expression(value: Affine, free: Mapping[str, Any]) -> Any:
    terms = [c * free[name] if c != 1 else free[name] for name, c in value.terms]
    return reduce(operator.add, [*terms, value.constant] if value.constant or not terms else terms)


@cache
def _standard() -> dict[Instruction, Any]:
    """The class of Qiskit of each gate of ours that it has by a name."""
    made = _checks.need("qiskit.circuit.library", "qiskit").get_standard_gate_name_mapping()
    return {gate: made[name].base_class for gate, name in names(QISKIT).items() if name in made}


def _gate(gate: Any, values: list[Any], operation: Operation) -> tuple[Any, bool]:
    """The gate of Qiskit, and whether its qubits are listed in the reverse order."""
    library = _checks.need("qiskit.circuit.library", "qiskit")
    if gate in _standard():
        return _standard()[gate](*values), False
    if isinstance(gate, Controlled):
        inner, reverse = _gate(gate.gate, values, operation)
        if reverse:
            matrix = gate.gate.matrix(numbers(operation))
            inner = library.UnitaryGate(backwards(matrix), label=gate.gate.name)
        return inner.control(gate.n_controls, annotated=False), False
    if isinstance(gate, PauliRotation):
        pauli = _checks.need("qiskit.quantum_info", "qiskit").SparsePauliOp(gate.label[::-1])
        return library.PauliEvolutionGate(pauli, time=values[0] / 2), False
    if gate == gates.XXPlusYY:
        return library.XXPlusYYGate(values[0], 0.0), False
    assert isinstance(gate, Unitary)
    return library.UnitaryGate(gate.matrix(numbers(operation)), label=gate.name), True


def backwards(matrix: Complex) -> Complex:
    """The matrix with its qubits in the reverse order."""
    n = len(matrix).bit_length() - 1
    return embed(matrix, range(n)[::-1], (2,) * n)
