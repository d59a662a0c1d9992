"""Circuits as OpenQASM programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml._typing import Complex
from qml.circuits import Circuit
from qml.gates import Controlled, PauliRotation, UnitaryGate
from qml.instructions import Channel, Operation, PartialTrace, Preparation, Unitary
from qml.io.blocks import Block, Values, bound, kraus_of, numbers
from qml.io.synthesis import decomposed, euler
from qml.io.vocabulary import BRAKET, BRAKET_NOISE, QELIB1, STDGATES, exchanged, names, noise_name
from qml.parameters import Affine, Parameter, ParameterLike, as_affine

STANDARD = {
    3: ('OPENQASM 3.0;\ninclude "stdgates.inc";', STDGATES),
    2: ('OPENQASM 2.0;\ninclude "qelib1.inc";', QELIB1),
}
LIMITS = {"bit_flip": 0.5, "phase_flip": 0.5, "depolarizing": 0.75, "two_qubit_depolarizing": 15 / 16}
LIMITS |= {"two_qubit_dephasing": 0.75}
"""The largest probabilities that Braket takes; beyond, a channel is written by its Kraus operators."""
CU = """gate cu(t, p, l, g) a, b {
  phaseshift(g) a;
  cphaseshift(l) a, b;
  ctrl @ ry(t) a, b;
  cphaseshift(p) a, b;
}"""
"""The gate of ``stdgates.inc`` in those of Braket."""
RESERVED = re.compile(
    "OPENQASM|include|defcalgrammar|def|cal|defcal|gate|extern|box|let|break|continue|if|else|end|return|for|while|in|"
    "switch|case|default|pragma|input|output|const|readonly|mutable|qreg|qubit|creg|bool|bit|int|uint|float|angle|"
    "complex|array|void|duration|stretch|gphase|inv|pow|ctrl|negctrl|durationof|delay|reset|measure|barrier|true|false|"
    "im|pi|tau|euler|opaque|U|CX|q|c|sin|cos|tan|exp|ln|sqrt|log|arccos|arcsin|arctan|ceiling|floor|mod|popcount|rotl|"
    "rotr|sizeof"
)
"""Words of OpenQASM, and the names of the registers."""


class Writer:
    """Writes one program, with the gates that it has to define."""

    def __init__(self, version: int, dialect: str) -> None:
        self.version, self.dialect = version, dialect
        self.head, table = STANDARD[version] if dialect == "standard" else ("OPENQASM 3.0;", BRAKET)
        self.names = names(table)
        self.taken = {*table, "cu"}
        self.defined: dict[tuple[Unitary, tuple[float, ...]], str] = {}
        self.definitions: list[str] = []
        self.inputs: dict[str, str] = {}

    def write(self, circuit: Circuit, params: Values, measured: Sequence[int]) -> str:
        """The program."""
        circuit = bound(circuit, params)
        if self.version == 2 and circuit.parameters:
            raise InputError(f"OpenQASM 2 has no free parameters; found {circuit.parameters[0]!r}: pass params.")
        sites = _checks.targets("measured", measured, circuit.n_sites)
        self.inputs = {name: self.new(name) for name in circuit.parameters}
        lines: list[str] = []
        touched: set[int] = set()
        for operation in circuit.operations:
            lines += self.statement(operation, touched)
            touched.update(operation.sites)
        n, k = circuit.n_sites, len(sites)
        head = [self.head]
        for name, known in self.inputs.items():
            head += [f"@qml.name {json.dumps(name)}"] if name != known and self.dialect == "standard" else []
            head.append(f"input float[64] {known};")
        registers = [f"qubit[{n}] q;", f"bit[{k}] c;"] if self.version == 3 else [f"qreg q[{n}];", f"creg c[{k}];"]
        if self.version == 3:
            ends = [f"c[{i}] = measure q[{site}];" for i, site in enumerate(sites)]
        else:
            ends = [f"measure q[{site}] -> c[{i}];" for i, site in enumerate(sites)]
        return "\n".join([*head, *self.definitions, *registers[: 2 if k else 1], *lines, *ends, ""])

    def statement(self, operation: Operation, touched: set[int]) -> list[str]:
        """The lines of an operation."""
        instruction = operation.instruction
        qubits = [f"q[{site}]" for site in operation.sites]
        if isinstance(instruction, Unitary):
            return [f"{self.call(instruction, operation.params)} {', '.join(qubits)};"]
        if isinstance(instruction, PartialTrace | Preparation) and self.dialect == "braket":
            raise InputError(f"Braket has no counterpart of {operation}: keep the sites, and measure the others.")
        if isinstance(instruction, PartialTrace):
            return [f"@qml.trace_out\nbarrier {', '.join(qubits)};"] if self.version == 3 else []
        if isinstance(instruction, Preparation):
            if self.version == 3:
                return [f"@qml.initialize\nreset {qubit};" for qubit in qubits]
            return [f"reset q[{site}];" for site in operation.sites if site in touched]
        if instruction == channels.Reset:
            return [f"reset {qubits[0]};"]
        return [self.noise(operation, ", ".join(qubits))]

    def noise(self, operation: Operation, qubits: str) -> str:
        """A channel as a pragma of Braket."""
        channel, params = operation.instruction, operation.params
        assert isinstance(channel, Channel)
        if self.version == 2:
            raise InputError(f"OpenQASM 2 has no noise; found {operation}: use version=3.")
        found = noise_name(channel, exchanged(channel, params), BRAKET_NOISE)
        if found is not None:
            name, theirs = found
            most = LIMITS.get(name, 1.0)
            if not all(p.is_constant and p.constant > most for p in theirs):
                return f"#pragma braket noise {name}({', '.join(map(self.expression, theirs))}) {qubits}"
        if channel.n_sites > 2:
            raise InputError(f"OpenQASM has noise of one and two qubits; found {operation}.")
        return f"#pragma braket noise kraus({', '.join(map(_matrix, kraus_of(operation)))}) {qubits}"

    def call(self, gate: Unitary, params: Sequence[Affine]) -> str:
        """A gate with its modifiers and its parameters, ready for the qubits."""
        given = f"({', '.join(map(self.expression, params))})" if params else ""
        if gate in self.names:
            return f"{self.names[gate]}{given}"
        if gate == gates.U3:
            return f"U{given}"
        if isinstance(gate, UnitaryGate) and gate.dims == (2,):
            return f"U({', '.join(map(_real, euler(gate.matrix(np.zeros(0)))[:3]))})"
        if isinstance(gate, Controlled) and self.version == 3:
            return self.controlled(gate, params)
        block = self.made_of(gate)
        return f"{self.define(gate, params, block)}{given if block is not None else ''}"

    def controlled(self, gate: Controlled, params: Sequence[Affine]) -> str:
        """A gate with controls, by modifiers; the phase of the gate matters."""
        inner, count = gate.gate, gate.n_controls
        if inner.dims == (2,) and (inner == gates.U3 or isinstance(inner, UnitaryGate)) and inner not in self.names:
            angles = [*map(self.expression, params), "0.0"]
            if isinstance(inner, UnitaryGate):
                angles = [*map(_real, euler(inner.matrix(np.zeros(0))))]
            count, word = count - 1, f"cu({', '.join(angles)})"
            if self.dialect == "braket" and CU not in self.definitions:
                self.definitions.insert(0, CU)
        else:
            word = self.call(inner, params)
        return word if count == 0 else f"ctrl @ {word}" if count == 1 else f"ctrl({count}) @ {word}"

    def made_of(self, gate: Unitary) -> Block | None:
        """What a gate with parameters is made of, as a function of its own; None where only its matrix is known."""
        values = [Parameter(name) for name in gate.parameter_names]
        if isinstance(gate, PauliRotation):
            return pauli_rotation(gate.label, values[0])
        if gate == gates.XXPlusYY:
            return Block((gates.RXX(values[0] / 2, 0, 1), gates.RYY(values[0] / 2, 0, 1)))
        return None

    def define(self, gate: Unitary, params: Sequence[Affine], block: Block | None) -> str:
        """The name of a gate that the program defines, once; without a block at the numbers that it has."""
        at = () if block is not None else tuple(numbers(Operation(gate, tuple(range(gate.n_sites)), tuple(params))))
        key = gate, at
        if key not in self.defined:
            arguments = gate.parameter_names if block is not None else ()
            if block is None:
                if gate.n_sites > 8:
                    raise InputError(
                        f"{gate.name} on {gate.n_sites} qubits would become millions of gates: it is refused."
                    )
                block = decomposed(gate.matrix(np.array(at)))
            kept, self.inputs = self.inputs, {name: f"{name}_" for name in arguments}
            qubits = [f"a{i}" for i in range(gate.n_sites)]
            lines = [
                f"{self.call(o.instruction, o.params)} {', '.join(qubits[s] for s in o.sites)};"  # type: ignore[arg-type]
                for o in block.operations
            ]
            if self.version == 3 and block.phase != Affine():
                lines.append(f"gphase({self.expression(block.phase)});")
            given = f"({', '.join(self.inputs.values())})" if arguments else ""
            self.inputs = kept
            name = self.new(gate.name.lower())
            body = "".join(f"  {line}\n" for line in lines)
            self.definitions.append(f"gate {name}{given} {', '.join(qubits)} {{\n{body}}}")
            self.defined[key] = name
        return self.defined[key]

    def expression(self, value: Affine) -> str:
        """An affine expression to the last digit."""
        return value._written(_real, " * ", self.inputs.__getitem__)

    def new(self, name: str) -> str:
        """A name that OpenQASM allows and nothing has yet, as near to the given one as can be."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "x"
        plain = f"x{plain}" if plain[0].isdigit() else plain
        found, k = plain, 1
        while found in self.taken or RESERVED.fullmatch(found):
            found, k = f"{plain}_{k}", k + 1
        self.taken.add(found)
        return found


def pauli_rotation(label: str, theta: ParameterLike) -> Block:
    """A rotation about a Pauli string as one about Z between changes of basis and CNOTs."""
    active = [i for i, letter in enumerate(label) if letter != "I"]
    if not active:
        return Block((), as_affine(theta) * -0.5)
    into = [gates.H(i) if label[i] == "X" else gates.RX(np.pi / 2, i) for i in active if label[i] != "Z"]
    ladder = [gates.CNOT(a, b) for a, b in pairwise(active)]
    before = Block((*into, *ladder))
    return before.then(Block.of(gates.RZ, theta, active[-1])).then(before.inverse())


def _real(x: float) -> str:
    """A number to its last digit, with the point that OpenQASM 2 wants in it."""
    text = repr(float(x))
    return text if "." in text else text.replace("e", ".0e")


def _matrix(matrix: Complex) -> str:
    return "[" + ", ".join("[" + ", ".join(map(_number, row)) + "]" for row in matrix.tolist()) + "]"


def _number(z: complex) -> str:
    real, imag = z.real + 0.0, z.imag + 0.0
    if not imag:
        return repr(real)
    return f"{imag!r}im" if not real else f"{real!r} {'-' if imag < 0 else '+'} {abs(imag)!r}im"
