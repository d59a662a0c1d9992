"""An OpenQASM program carried out statement by statement: what it does to qubits becomes a circuit."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from openqasm3 import ast

from qml import channels, gates
from qml._checks import InputError
from qml._files import read_text, regular
from qml.circuits import Circuit
from qml.gates import UnitaryGate
from qml.instructions import Initialize, Operation, TraceOut
from qml.io.qasm_gates import Calls, Defined
from qml.io.qasm_parse import DEEPEST, LONGEST_TEXT, MOST_OPERATIONS, MOST_QUBITS, parse
from qml.io.qasm_values import Bits, Qubits, Result, Scope, Value, placed_at, refuse, words
from qml.io.vocabulary import BRAKET_NOISE, QELIB1, STDGATES, exchanged
from qml.parameters import Parameter

OLD = re.compile(r"(?:\s++|//.*+|/\*(?s:.*?)\*/)*+OPENQASM\s+2")
"""How programs of version 2 begin, behind comments."""
ONLY_OLD = re.compile(r'//.*+|/\*(?s:.*?)\*/|"[^"\n]*+"|\bopaque\b[^;]*+;?+|\^')
"""Comments and texts, which stay as they are; and what only version 2 has: gates without a body, and the power ^."""


class Reader:
    """Carries out a program; see :func:`qml.io.from_qasm` for what it takes."""

    def __init__(self, includes: Path | None) -> None:
        self.includes = includes
        self.scope = Scope()
        self.calls = Calls(self.scope)
        self.operations: list[Operation] = []
        self.n_sites = 0
        self.bits: list[Bits] = []
        self.done: dict[int, int] = {}
        self.files = 0

    def read(self, text: str) -> tuple[Circuit, tuple[int, ...]]:
        """The circuit of a program, and the site of each bit that holds a result at its end, in their order."""
        self.scope.old = OLD.match(text) is not None
        if self.scope.old:
            self.calls.known["CX"] = gates.CNOT
        program = self.parsed(text)
        if (program.version or "3").partition(".")[0] not in ("2", "3"):
            raise InputError(f"OpenQASM 2 and 3 are read; found version {program.version}.")
        try:
            self.run(program.statements)
            if not self.n_sites:
                raise InputError("the program declares no qubits.")
            held = [bit.site for bits in self.bits for bit in bits.values if isinstance(bit, Result)]
            return Circuit(self.n_sites, self.operations), tuple(dict.fromkeys(held))
        except RecursionError:
            raise InputError("the program is too deeply nested to be carried out.") from None

    def parsed(self, text: str) -> ast.Program:
        """The program of a text. The power ^ of version 2 is ** in version 3, where ^ is a weaker operator; gates that
        are declared without a body, which version 3 does not have, are left out: a program may not use them."""
        return parse(ONLY_OLD.sub(_renewed, text) if self.scope.old else text)

    # statements ----------------------------------------------------------------------------------------------------

    def run(self, statements: Iterable[ast.Statement | ast.Pragma]) -> None:
        """Statement after statement."""
        for node in statements:
            self.scope.count(node)
            self.step(node)

    def step(self, node: ast.Statement | ast.Pragma) -> None:
        """One statement."""
        scope = self.scope
        match node:
            case ast.QuantumGate() | ast.QuantumPhase():
                for operation in self.calls.block(node).operations:
                    self.add(node, operation)
            case ast.QuantumBarrier():
                self.marked(node)
            case ast.CalibrationGrammarDeclaration():
                pass
            case ast.QuantumReset():
                fresh = any(annotation.keyword == "qml.initialize" for annotation in node.annotations)
                for site in self.scope.qubits(node, node.qubits).sites:
                    self.add(node, Initialize(site) if fresh else channels.Reset(site))
            case ast.QuantumMeasurementStatement():
                self.measure(node, node.measure.qubit, node.target)
            case ast.QubitDeclaration():
                self.register(node)
            case ast.IODeclaration():
                self.argument(node)
            case ast.ConstantDeclaration():
                scope.declare(node, node.identifier.name, scope.value(node.init_expression), node.type)
            case ast.ClassicalDeclaration():
                self.declare(node)
            case ast.ClassicalAssignment():
                self.assign(node)
            case ast.AliasStatement():
                scope.declare(node, node.target.name, self.alias(node.value))
            case ast.QuantumGateDefinition():
                self.calls.define(node)
            case ast.ForInLoop():
                self.loop(node)
            case ast.WhileLoop():
                while scope.number(node.while_condition):
                    self.block(node.block)
            case ast.BranchingStatement():
                self.block(node.if_block if scope.number(node.condition) else node.else_block)
            case ast.CompoundStatement():
                self.block(node.statements)
            case ast.Box(duration=None):
                self.block(node.body)
            case ast.Include():
                self.include(node)
            case ast.Pragma():
                self.pragma(node)
            case _:
                refuse(node, f"{words(node)} has no counterpart in a circuit of gates and channels: leave it out.")

    def block(self, statements: Iterable[ast.Statement]) -> None:
        """Statements with names of their own."""
        with self.scope.inside():
            self.run(statements)

    def include(self, node: ast.Include) -> None:
        """Another file: one of the two standard ones, or one of the folder that is allowed."""
        table = {"stdgates.inc": STDGATES, "qelib1.inc": QELIB1}.get(node.filename)
        if table is not None:
            for name in table:
                if isinstance(self.calls.known.get(name), Defined):
                    refuse(node, f"the gate {name!r} is defined already: include {node.filename} before it.")
            self.calls.known |= table
            return
        if self.includes is None:
            refuse(
                node, f"the file {node.filename!r} is not read: pass includes=FOLDER to allow the files of a folder."
            )
        file = regular(self.includes / node.filename, "included")
        if self.includes.resolve() not in file.resolve().parents:
            refuse(node, f"{node.filename!r} is outside the folder {self.includes}.")
        self.files += 1
        if self.files > DEEPEST:
            refuse(node, f"more than {DEEPEST} files are included.")
        with placed_at(node):
            text = read_text(file, "included", 4 * LONGEST_TEXT)
        self.run(self.parsed(text).statements)

    # names ---------------------------------------------------------------------------------------------------------

    def register(self, node: ast.QubitDeclaration) -> None:
        """New qubits."""
        size = 1 if node.size is None else self.scope.size(node.size, MOST_QUBITS)
        if self.n_sites + size > MOST_QUBITS:
            refuse(node, f"a program has at most {MOST_QUBITS} qubits here.")
        sites = tuple(range(self.n_sites, self.n_sites + size))
        self.scope.declare(node, node.qubit.name, Qubits(sites, node.size is None))
        self.n_sites += size

    def argument(self, node: ast.IODeclaration) -> None:
        """An input, which becomes a free parameter, or an output, which is bits."""
        name, kind = node.identifier.name, node.type
        if node.io_identifier is ast.IOKeyword.output:
            if not isinstance(kind, ast.BitType):
                refuse(node, "an output of a circuit is a bit: leave others out.")
            self.declare(_at(node, ast.ClassicalDeclaration(kind, node.identifier, None)))
            return
        if not isinstance(kind, ast.FloatType | ast.AngleType):
            refuse(node, f"an input is a float or an angle here, a free parameter; {name!r} is neither.")
        (quoted,) = [a.command for a in node.annotations if a.keyword == "qml.name"] or [None]
        with placed_at(node):
            self.scope.declare(node, name, Parameter(_unquoted(node, quoted) if quoted else name))

    def declare(self, node: ast.ClassicalDeclaration) -> None:
        """A new classical variable."""
        kind, name, scope = node.type, node.identifier.name, self.scope
        if isinstance(kind, ast.BitType):
            size = 1 if kind.size is None else scope.size(kind.size)
            scope.count(node, size)
            bits = Bits(name, [False] * size, kind.size is None)
            self.bits.append(bits)
            scope.declare(node, name, bits)
            if isinstance(node.init_expression, ast.QuantumMeasurement):
                self.measure(node, node.init_expression.qubit, node.identifier)
            elif node.init_expression is not None:
                bits.values[:] = scope.bits(node, scope.value(node.init_expression), size)
            return
        if isinstance(node.init_expression, ast.QuantumMeasurement):
            refuse(node, "a measurement is kept in bits.")
        value = 0 if node.init_expression is None else scope.value(node.init_expression)
        scope.declare(node, name, value, kind)

    def assign(self, node: ast.ClassicalAssignment) -> None:
        """Another value for a classical variable, or for some of its bits."""
        target, scope = node.lvalue, self.scope
        if isinstance(node.rvalue, ast.QuantumMeasurement):
            self.measure(node, node.rvalue.qubit, target)
            return
        value = scope.value(node.rvalue)
        name = target.name if isinstance(target, ast.Identifier) else target.name.name
        old = scope.find(target, name)
        if isinstance(old, Bits):
            places = range(len(old.values)) if isinstance(target, ast.Identifier) else self.entries(target, old)
            if node.op.name != "=":
                refuse(node, "bits are assigned with = only.")
            new = scope.bits(node, value, len(places))
            for place, bit in zip(places, new, strict=True):
                old.values[place] = bit
            return
        if not isinstance(target, ast.Identifier):
            refuse(node, "only entries of registers are assigned by an index.")
        if node.op.name != "=":
            op = ast.BinaryOperator[node.op.name.removesuffix("=")]
            value = scope.value(_at(node, ast.BinaryExpression(op, target, node.rvalue)))
        scope.assign(node, name, value)

    def entries(self, target: ast.IndexedIdentifier, bits: Bits) -> list[int]:
        """The bits that an indexed name stands for."""
        if len(target.indices) != 1:
            refuse(target, "a register has one index.")
        return self.scope.places(target, target.indices[0], len(bits.values))[0]

    def alias(self, node: ast.Expression) -> Value:
        """Another name for qubits."""
        if isinstance(node, ast.Concatenation):
            parts = [self.alias(node.lhs), self.alias(node.rhs)]
            if not all(isinstance(part, Qubits) for part in parts):
                refuse(node, "only registers of qubits are joined here.")
            return self.scope.distinct(node, parts[0].sites + parts[1].sites)
        value = self.scope.value(node)
        return value if isinstance(value, Qubits) else refuse(node, "only registers of qubits have another name here.")

    # what happens to qubits ----------------------------------------------------------------------------------------

    def add(self, node: ast.QASMNode, operation: Operation) -> None:
        """One more operation of the circuit."""
        for site in operation.sites:
            if site in self.done:
                rule = "a circuit of gates and channels is measured at its end"
                refuse(node, f"qubit {site} is measured in line {self.done[site]} and used again here: {rule}.")
        if len(self.operations) >= MOST_OPERATIONS:
            refuse(node, f"the program makes more than {MOST_OPERATIONS} operations.")
        self.operations.append(operation)

    def measure(self, node: ast.QASMNode, qubit: Any, target: Any) -> None:
        """Qubits are measured into bits, and end there."""
        sites = self.scope.qubits(node, qubit).sites
        bits, places = Bits("", [False] * len(sites)), list(range(len(sites)))
        if target is None:
            self.bits.append(bits)
        else:
            name = target.name if isinstance(target, ast.Identifier) else target.name.name
            bits = self.scope.find(target, name)
            if not isinstance(bits, Bits):
                refuse(target, f"the result of a measurement is kept in bits; {name!r} is none.")
            places = list(range(len(bits.values))) if isinstance(target, ast.Identifier) else self.entries(target, bits)
            if len(places) != len(sites):
                refuse(node, f"{len(sites)} qubits are measured into {len(places)} bits.")
        for site, place in zip(sites, places, strict=True):
            if site in self.done:
                refuse(node, f"qubit {site} is measured twice.")
            self.done[site] = 0 if node.span is None else node.span.start_line
            bits.values[place] = Result(site)

    def marked(self, node: ast.QuantumBarrier) -> None:
        """Barriers do nothing; with an annotation of :func:`qml.io.to_qasm` they trace out."""
        sites = [site for q in node.qubits for site in self.scope.qubits(node, q).sites]  # type: ignore[arg-type]
        if any(annotation.keyword == "qml.trace_out" for annotation in node.annotations):
            self.add(node, TraceOut(*sites))

    def loop(self, node: ast.ForInLoop) -> None:
        """A for loop, written out."""
        values = node.set_declaration
        found: Sequence[Any]
        if isinstance(values, ast.RangeDefinition):
            found = self.scope.counted(values, None, node)
        elif isinstance(values, ast.DiscreteSet):
            found = [self.scope.value(v) for v in values.values]
        else:
            held = self.scope.value(values)
            if not isinstance(held, Bits):
                refuse(node, "a range or a set is needed here.")
            found = [Bits(held.name, [bit], True) for bit in held.values]
        for value in found:
            self.scope.count(node)
            with self.scope.inside():
                self.scope.declare(node, node.identifier.name, value, node.type)
                self.block(node.block)

    # noise ---------------------------------------------------------------------------------------------------------

    def pragma(self, node: ast.Pragma) -> None:
        """Noise and unitaries of Braket; what other tools say to themselves is passed over."""
        words = node.command.split(None, 2)
        if words[:1] != ["braket"] or words[1:2] == ["result"]:
            return
        found = re.fullmatch(r"braket\s+(noise\s+(\w+)|unitary)\s*\((.*)\)\s*([^()]*)", node.command.strip())
        if found is None:
            refuse(
                node, f"the pragma {node.command[:60]!r} has no counterpart here; known are noise, unitary and result."
            )
        name, inside, operands = found[2] or "unitary", found[3], found[4]
        call = parse(f"{name}({'0' if name in ('kraus', 'unitary') else inside}) {operands};").statements[0]
        if not isinstance(call, ast.QuantumGate):
            refuse(node, f"{operands!r} does not name qubits.")
        call.span = node.span
        sites = tuple(site for q in call.qubits for site in self.scope.qubits(node, q).sites)
        with placed_at(node):
            if name in ("kraus", "unitary"):
                matrices = _matrices(inside, one=name == "unitary")
                instruction = UnitaryGate(matrices[0]) if name == "unitary" else channels.KrausChannel(matrices)
                self.add(node, Operation(instruction, sites))
                return
            if name not in BRAKET_NOISE:
                raise InputError(f"the noise {name!r} is not known; known are kraus, {', '.join(BRAKET_NOISE)}.")
            channel = BRAKET_NOISE[name]
            params = tuple(self.scope.angle(a) for a in call.arguments)
            if len(params) != channel.n_params:
                raise InputError(f"{name} takes {channel.n_params} numbers; found {len(params)}.")
            every = [(site,) for site in sites] if channel.n_sites == 1 else [sites]
            for at in every:
                self.add(node, Operation(channel, at, exchanged(channel, params)))


def _renewed(found: re.Match[str]) -> str:
    """What version 3 says in place of what only version 2 has, of the same length where it is left out."""
    if found[0] == "^":
        return "**"
    is_opaque = found[0].startswith("opaque") and found[0].endswith(";")
    return re.sub(r"\S", " ", found[0]) if is_opaque else found[0]


def _at(node: ast.QASMNode, made: Any) -> Any:
    """Something that was made, at the place of a statement."""
    made.span = node.span
    return made


def _unquoted(node: ast.QASMNode, text: str) -> str:
    try:
        name = json.loads(text)
    except ValueError:
        name = None
    return name if isinstance(name, str) else refuse(node, f"qml.name needs a name in quotes; found {text!r}.")


def _matrices(text: str, one: bool) -> np.ndarray:
    """Matrices written as ``[[1, 0], [0, 0.5im]]``, separated by commas."""
    plain = re.sub(r"(?<![0-9.])im", "1im", re.sub(r"\s", "", text)).replace("im", "j")
    try:
        found = np.array(literal_eval(f"[{plain}]"))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        found = np.array("")
    if found.ndim != 3 or found.shape[1] != found.shape[2] or found.size == 0 or found.dtype.kind not in "iufc":
        raise InputError("the matrices must be square, all of one size, and written like [[1, 0], [0, 0.5 + 0.5im]].")
    if one and len(found) != 1:
        raise InputError(f"one matrix is needed; found {len(found)}.")
    return found
