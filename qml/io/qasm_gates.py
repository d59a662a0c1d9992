"""Gates of an OpenQASM program: those that it includes, those that it defines, and what modifiers make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from openqasm3 import ast

from qml import gates
from qml._checks import InputError
from qml.instructions import Operation
from qml.io.blocks import LARGEST, ZERO, Block
from qml.io.qasm_parse import DEEPEST, MOST_OPERATIONS
from qml.io.qasm_values import Qubits, Scope, placed_at, refuse
from qml.io.vocabulary import BRAKET, Spelled, spelled
from qml.parameters import Affine


@dataclass(frozen=True)
class Defined:
    """A gate that the program defines: its parameters, its qubits and what it is made of."""

    names: list[str]
    qubits: dict[str, Qubits]
    body: list[ast.QuantumStatement]


class Calls:
    """Gates by their names, as blocks on sites."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.known: dict[str, Spelled | Defined] = {**BRAKET, "U": gates.U3}
        self.known["sxdg"] = gates.SXdg  # which programs of version 3 that Cirq writes take as known
        self.depth = 0

    def define(self, node: ast.QuantumGateDefinition) -> None:
        """A gate that the program defines."""
        name = node.name.name
        if isinstance(self.known.get(name), Defined):
            refuse(node, f"the gate {name!r} is defined already.")
        qubits = {q.name: Qubits((i,), True) for i, q in enumerate(node.qubits)}
        if len(qubits) < len(node.qubits) or not node.qubits:
            refuse(node, f"the qubits of the gate {name!r} need names of their own.")
        self.known[name] = Defined([a.name for a in node.arguments], qubits, node.body)

    def block(self, node: ast.QuantumGate | ast.QuantumPhase) -> Block:
        """A gate or a global phase with its modifiers, on the qubits that it names."""
        return self.called(node) if isinstance(node, ast.QuantumGate) else self.phase(node)

    def called(self, node: ast.QuantumGate) -> Block:
        """A gate on its qubits, once for each entry of registers."""
        operands = [self.scope.qubits(node, q) for q in node.qubits]
        lengths = {len(q.sites) for q in operands if not q.one}
        if len(lengths) > 1:
            refuse(node, f"the registers have different sizes: {sorted(lengths)}.")
        params = tuple(self.scope.angle(a) for a in node.arguments)
        blocks = []
        for i in range(lengths.pop() if lengths else 1):
            self.scope.count(node)
            sites = tuple(q.sites[0 if q.one else i] for q in operands)
            if len(set(sites)) < len(sites):
                refuse(node, f"{node.name.name} acts on the same qubit twice.")
            blocks.append(self.modified(node, sites, lambda n: self.expanded(node, node.name.name, params, n)))
        return reduce(Block.then, blocks) if blocks else Block()

    def phase(self, node: ast.QuantumPhase) -> Block:
        """A global phase, or what its modifiers make of it."""
        sites = tuple(s for q in node.qubits for s in self.scope.qubits(node, q).sites)
        angle = self.scope.angle(node.argument)
        return self.modified(node, sites, lambda _: Block((), angle))

    def modified(
        self, node: ast.QuantumGate | ast.QuantumPhase, sites: tuple[int, ...], base: Callable[[int], Block]
    ) -> Block:
        """What the modifiers in front of a gate make of it, innermost first."""
        controls: list[int] = []
        for modifier in node.modifiers:
            name = modifier.modifier.name
            if name in ("ctrl", "negctrl"):
                count = 1 if modifier.argument is None else self.scope.integer(modifier.argument)
                if not 0 < count <= len(sites):
                    refuse(node, f"{name}({count}) needs from 1 to {len(sites)} qubits.")
                controls.append(count)
        inner = len(sites) - sum(controls)
        with placed_at(node):
            if inner < 0:
                raise InputError(f"the modifiers need {sum(controls)} qubits; found {len(sites)}.")
            block, first = base(inner).placed(sites[sum(controls) :]), sum(controls)
            for modifier in reversed(node.modifiers):
                self.scope.count(node, len(block.operations))
                name = modifier.modifier.name
                if name == "inv":
                    block = block.inverse()
                elif name == "pow":
                    assert modifier.argument is not None  # by the grammar
                    exponent = float(self.scope.number(modifier.argument))
                    if exponent != int(exponent):
                        self.scope.count(node, 4 ** min(len(sites) - first, LARGEST))  # entries of a matrix
                    block = block.power(exponent, MOST_OPERATIONS)
                else:
                    count = controls.pop()
                    first -= count
                    block = block.controlled(sites[first : first + count], [name == "ctrl"] * count)
            return block

    def expanded(self, node: ast.QASMNode, name: str, params: tuple[Affine, ...], n_sites: int) -> Block:
        """A gate on sites 0, 1, ..., those that the program defines by what they are made of."""
        made = self.known.get(name)
        if made is None:
            refuse(
                node, f"the gate {name!r} is not known: define it, or include stdgates.inc (qelib1.inc in version 2)."
            )
        if not isinstance(made, Defined):
            block = spelled(name, self.known, params, n_sites)  # type: ignore[arg-type]
            return Block(block.operations, params[0] / 2) if name == "U" and not self.scope.old else block
        takes = (len(made.names), len(made.qubits))
        if takes != (len(params), n_sites):
            refuse(
                node, f"{name} takes {takes[0]} parameters and {takes[1]} qubits; found {len(params)} and {n_sites}."
            )
        if self.depth >= DEEPEST:
            refuse(node, f"more than {DEEPEST} gates are defined by each other.")
        whole: list[Operation] = []
        phase, self.depth = ZERO, self.depth + 1
        numbers = [p.constant if p.is_constant else p for p in params]
        with self.scope.alone(dict(zip(made.names, numbers, strict=True)) | made.qubits):
            for part in made.body:
                self.scope.count(part)
                if isinstance(part, ast.QuantumBarrier):
                    continue
                if not isinstance(part, ast.QuantumGate | ast.QuantumPhase):
                    refuse(part, "the body of a gate holds gates only.")
                inner = self.block(part)
                whole += inner.operations
                self.scope.count(part, len(inner.operations))
                if inner.phase != ZERO:
                    phase = phase + inner.phase
                if len(whole) > MOST_OPERATIONS:
                    refuse(node, f"the program makes more than {MOST_OPERATIONS} operations.")
        self.depth -= 1
        return Block(tuple(whole), phase)
