"""Cirq, in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi
from typing import Any

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml.channels import KrausChannel
from qml.circuits import Circuit
from qml.gates import Controlled, PauliRotation, UnitaryGate
from qml.instructions import Channel, Instruction, Operation, Unitary
from qml.io.blocks import LARGEST, Block, Values, kraus_of, numbers, outgoing
from qml.io.vocabulary import PENNYLANE_NOISE, exchanged
from qml.parameters import Affine, Parameter

DEEPEST = 50
"""Circuits within circuits."""
EXACT: dict[str, dict[float, Unitary]] = {
    "XPowGate": {1.0: gates.X, 0.5: gates.SX, -0.5: gates.SXdg},
    "YPowGate": {1.0: gates.Y},
    "ZPowGate": {1.0: gates.Z, 0.5: gates.S, -0.5: gates.Sdg, 0.25: gates.T, -0.25: gates.Tdg},
    "HPowGate": {1.0: gates.H},
    "SwapPowGate": {1.0: gates.SWAP},
    "ISwapPowGate": {1.0: gates.ISWAP},
}
"""Gates to the powers for which we have names."""


def _turned(gate: Unitary, *sites: int) -> Callable[[Affine], Block]:
    """The power t of a Pauli string: a rotation by pi t, and half of it as a phase."""
    return lambda t: Block.of(gate, pi * t, *sites, phase=pi / 2 * t)


def _hadamard(t: Affine) -> Block:
    return Block.of(gates.RY, -pi / 4, 0).then(_turned(gates.RZ, 0)(t)).then(Block.of(gates.RY, pi / 4, 0))


def _swap(t: Affine) -> Block:
    a = pi / 2 * t
    return Block((gates.RXX(a, 0, 1), gates.RYY(a, 0, 1), gates.RZZ(a, 0, 1)), pi / 4 * t)


POWERS: dict[str, Callable[[Affine], Block]] = {
    "XPowGate": _turned(gates.RX, 0),
    "YPowGate": _turned(gates.RY, 0),
    "ZPowGate": lambda t: Block.of(gates.P, pi * t, 0),
    "HPowGate": _hadamard,
    "XXPowGate": _turned(gates.RXX, 0, 1),
    "YYPowGate": _turned(gates.RYY, 0, 1),
    "ZZPowGate": _turned(gates.RZZ, 0, 1),
    "SwapPowGate": _swap,
    "ISwapPowGate": lambda t: Block.of(gates.XXPlusYY, -pi * t, 0, 1),
}
"""Gates of Cirq to the power t, without their global shift; a C before a name is a control."""
SAME = {"Rx": "XPowGate", "Ry": "YPowGate", "Rz": "ZPowGate", "_PauliX": "XPowGate", "_PauliY": "YPowGate"}
SAME |= {"_PauliZ": "ZPowGate", "CCNotPowGate": "CCXPowGate", "CNotPowGate": "CXPowGate"}


def affine(value: Any, what: str) -> Affine:
    """A number or an expression of SymPy as an affine expression."""
    sympy = _checks.need("sympy", "cirq")
    symbols = sorted(getattr(value, "free_symbols", ()), key=str)
    try:
        if not symbols:
            return Affine((), _checks.number(what, float(value)))
        poly = sympy.Poly(value, *symbols)
        constant, *slopes = (float(poly.coeff_monomial(x)) for x in (1, *symbols))
        degree = poly.total_degree()
    except (sympy.PolynomialError, TypeError):  # of what is no polynomial, or not real
        degree = 2
    if degree > 1:
        raise InputError(
            f"{what}: {value} is not affine in its symbols, with real coefficients: give it a symbol of its own."
        )
    return sum((slope * Parameter(str(x)) for x, slope in zip(symbols, slopes, strict=True)), Affine((), constant))


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
    if "AbstractCircuit" not in _checks.classes(circuit, "cirq"):
        raise InputError(f"a circuit of Cirq is taken; found {_checks.shown(circuit)}.")
    measured = _checks.flag("measured", measured)
    found, sites = Reader(circuit, qubits).read()
    return (found, sites) if measured else found


class Reader:
    """Takes a circuit of Cirq apart."""

    def __init__(self, circuit: Any, qubits: Sequence[Any] | None) -> None:
        self.cirq = _checks.need("cirq", "cirq")
        order = sorted(circuit.all_qubits()) if qubits is None else _checks.listed("qubits", qubits)
        if not all(isinstance(qubit, self.cirq.Qid) for qubit in order):
            raise InputError(f"qubits must be qubits of Cirq; found {_checks.shown(qubits)}.")
        if len(set(order)) < len(order):
            raise InputError(f"qubits must be distinct; found {_checks.shown(order)}.")
        for qubit in circuit.all_qubits():
            if qubit not in order:
                raise InputError(f"qubits must name every qubit of the circuit; {qubit} is missing.")
        if not order:
            raise InputError("the Cirq circuit has no qubits.")
        self.place = {qubit: site for site, qubit in enumerate(order)}
        self.dims = tuple(qubit.dimension for qubit in order)
        self.operations: list[Operation] = []
        self.measured: list[int] = []
        self.walk(circuit, 0)

    def read(self) -> tuple[Circuit, tuple[int, ...]]:
        """The circuit, and the sites that are measured in the order of its measurements."""
        return Circuit(self.dims, self.operations), tuple(self.measured)

    def walk(self, circuit: Any, depth: int) -> None:
        """Operation after operation."""
        if depth > DEEPEST:
            raise InputError(f"circuits are within each other more than {DEEPEST} levels deep.")
        for op in circuit.all_operations():
            op = op.untagged
            if type(op).__name__ == "CircuitOperation":
                if op.repeat_until is not None or self.cirq.is_measurement(op):
                    raise InputError("a circuit within the circuit measures or repeats until: write it out.")
                if self.cirq.is_parameterized(op.repetitions):
                    raise InputError(f"a circuit within the circuit repeats {op.repetitions} times: give it a number.")
                self.walk(op.mapped_circuit(deep=True), depth + 1)
                continue
            self.step(op, tuple(self.place[q] for q in op.qubits))

    def step(self, op: Any, sites: tuple[int, ...]) -> None:
        """One operation."""
        gate = op.gate
        if op.classical_controls:
            raise InputError(
                f"{op} depends on a measured result, which has no counterpart in a density matrix circuit."
            )
        for site in sites:
            if site in self.measured:
                raise InputError(f"the qubit of site {site} is measured and used again: measure at the end.")
        kind = type(gate).__name__
        if kind == "MeasurementGate":
            if any(gate.invert_mask) or gate.confusion_map:
                raise InputError(
                    f"{op} changes its results after it measured: leave out invert_mask and confusion_map."
                )
            self.measured += sites
        elif kind == "PauliMeasurementGate":
            raise InputError(f"{op} measures something else than each of its qubits: turn them, and measure each.")
        elif kind == "ResetChannel" and self.cirq.qid_shape(op) == (2,):
            self.operations.append(channels.Reset(sites[0]))
        elif kind == "WaitGate":
            raise InputError("a wait has no counterpart in a circuit of gates and channels: leave it out.")
        elif self.cirq.is_parameterized(op) or self.cirq.has_unitary(op) or kind == "IdentityGate":
            self.operations += self.block(op).placed(sites).operations
        elif self.cirq.has_kraus(op):
            self.operations.append(_noise(self.cirq, op, gate)(*sites))
        else:
            raise InputError(f"{op} has no counterpart in a circuit of gates and channels.")

    def block(self, op: Any, depth: int = 0) -> Block:
        """A gate on sites 0, 1, ... with its phase."""
        gate, n = op.gate, len(op.qubits)
        kind, of_qubits = type(gate).__name__, set(self.cirq.qid_shape(op)) <= {2}
        kind = SAME.get(kind, kind)
        if (bare := kind.lstrip("C")) in POWERS and of_qubits:
            k, t = len(kind) - len(bare), affine(gate.exponent, kind)
            exact = EXACT.get(bare, {}).get(t.constant) if t.is_constant else None
            block = Block((exact(*range(n - k)),)) if exact else POWERS[bare](t)
            if k:
                block = block.placed(range(k, n)).controlled(range(k), [True] * k)
            return Block(block.operations, block.phase + pi * t * float(gate.global_shift))
        if kind == "PhasedXPowGate":
            p, t = affine(gate.phase_exponent, kind), affine(gate.exponent, kind)
            return self._phased(p, t, float(gate.global_shift))
        if kind == "PhasedXZGate":
            inner = self._phased(affine(gate.axis_phase_exponent, kind), affine(gate.x_exponent, kind), 0.0)
            return inner.then(Block.of(gates.P, pi * affine(gate.z_exponent, kind), 0))
        if kind == "FSimGate":
            theta, phi = affine(gate.theta, kind), affine(gate.phi, kind)
            return Block((gates.XXPlusYY(2 * theta, 0, 1), gates.CP(-phi, 0, 1)))
        if kind == "PauliStringPhasorGate":
            return _phasor(gate)
        if kind == "IdentityGate":
            return Block()
        if kind == "CSwapGate":
            return Block.of(gates.Fredkin, 0, 1, 2)
        inner, values = _without_controls(op)
        if values and of_qubits:
            k = len(values)
            return self.block(inner, depth).placed(range(k, n)).controlled(range(k), values)
        if not self.cirq.is_parameterized(op) and self.cirq.num_qubits(op) <= LARGEST:
            matrix = self.cirq.unitary(op, default=None)
            dims = self.cirq.qid_shape(op)
            if matrix is not None and n == 0:
                return Block((), Affine((), float(np.angle(matrix[0, 0]))))
            if matrix is not None:
                return Block((UnitaryGate(matrix, dims, name=kind.removesuffix("Gate"))(*range(n)),))
        parts = self.cirq.decompose_once(op, default=None)
        if parts is None or depth > DEEPEST:
            raise InputError(f"{op} has no counterpart in a circuit of gates and channels.")
        at = {qubit: i for i, qubit in enumerate(op.qubits)}
        whole = Block()
        for part in parts:
            whole = whole.then(self.block(part, depth + 1).placed([at[q] for q in part.qubits]))
        return whole

    @staticmethod
    def _phased(p: Affine, t: Affine, shift: float) -> Block:
        turn = POWERS["XPowGate"](t)
        around = Block((gates.P(-pi * p, 0), *turn.operations, gates.P(pi * p, 0)), turn.phase)
        return Block(around.operations, around.phase + pi * t * shift)


def _without_controls(op: Any) -> tuple[Any, list[bool]]:
    """The operation inside controls, and the values that they must have."""
    gate = op.gate
    if type(op).__name__ == "ControlledOperation":
        inner, held = op.sub_operation, op.control_values
    elif type(gate).__name__ == "ControlledGate":
        inner, held = gate.sub_gate(*op.qubits[gate.num_controls() :]), gate.control_values
    else:
        return op, []
    wanted = list(held.expand()) if hasattr(held, "expand") else list(held)
    if len(wanted) != 1:
        raise InputError(f"{op} acts for several values of its controls: write it as gates with one value each.")
    return inner, [bool(v) for v in wanted[0]]


def _phasor(gate: Any) -> Block:
    string = gate.dense_pauli_string
    label = "".join("IXYZ"[k] for k in string.pauli_mask)
    neg, pos = affine(gate.exponent_neg, "a phasor"), affine(gate.exponent_pos, "a phasor")
    if complex(string.coefficient).real < 0:
        neg, pos = pos, neg
    return Block.of(PauliRotation(label), pi * (neg - pos), *range(len(label)), phase=pi / 2 * (neg + pos))


def _noise(cirq: Any, op: Any, gate: Any) -> Callable[..., Operation]:
    """A channel of Cirq, to be placed: one of PennyLane, whose name has Channel behind it, or its Kraus operators."""
    name, n = type(gate).__name__.removesuffix("Channel"), cirq.num_qubits(op)
    depolarizing = {1: channels.PauliError, 2: channels.PauliError2}
    ours = depolarizing.get(n) if name == "Depolarizing" else PENNYLANE_NOISE.get(name)
    if ours is None:
        return KrausChannel(np.array(cirq.kraus(op)), cirq.qid_shape(op), name=name)
    params = exchanged(ours, tuple(getattr(gate, p) for p in ("gamma", "p") if hasattr(gate, p)))
    return lambda *sites: ours(*params, *sites)


# out -----------------------------------------------------------------------------------------------------------------


def to_cirq(circuit: Circuit, params: Values = None, *, measured: Sequence[int] = ()) -> Any:
    r"""A circuit as one of Cirq on line qubits.

    Free parameters become symbols of the same names. Channels become Kraus channels, which need numbers; sites that are
    traced out are left alone, those that are initialised are reset, and those that nothing acts on get an identity,
    without which Cirq would not have them.

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
    ``cirq_circuit = to_cirq(model.circuit, model.natural(result.params))``.
    """
    circuit = outgoing(circuit, params)
    cirq, sympy = _checks.need("cirq", "cirq"), _checks.need("sympy", "cirq")
    sites = _checks.targets("measured", measured, circuit.n_sites)
    qubits = cirq.LineQubit.range(circuit.n_sites)
    free = {name: sympy.Symbol(name) for name in circuit.parameters}
    out = cirq.Circuit()
    for operation in circuit.operations:
        at = [qubits[site] for site in operation.sites]
        instruction = operation.instruction
        if instruction == channels.Reset:
            out.append(cirq.ResetChannel()(*at))
        elif isinstance(instruction, Channel):
            out.append(cirq.KrausChannel(list(kraus_of(operation)))(*at))
        else:
            values = [_symbolic(p, free) for p in operation.params]
            out.append(_gate(cirq, instruction, values, at, operation))
    out.append([cirq.I(q) for q in qubits if q not in out.all_qubits()])
    if sites:
        out.append(cirq.measure(*(qubits[site] for site in sites), key="c"))
    return out


def _symbolic(value: Affine, free: Mapping[str, Any]) -> Any:
    return sum((c * free[name] for name, c in value.terms), value.constant)


def _gate(cirq: Any, gate: Instruction, values: list[Any], at: list[Any], operation: Operation) -> list[Any]:
    """A gate as operations of Cirq, in a row, with its phase."""
    assert isinstance(gate, Unitary)
    for kind, powers in EXACT.items():
        for t, ours in powers.items():
            if ours == gate:
                return [getattr(cirq, kind)(exponent=t)(*at)]
    if gate == gates.I:
        return [cirq.I(*at)]
    if gate == gates.P:
        return [cirq.ZPowGate(exponent=values[0] / pi)(*at)]
    if gate == gates.U3:
        theta, phi, lam = values
        turns = cirq.ZPowGate(exponent=lam / pi), cirq.ry(theta), cirq.ZPowGate(exponent=phi / pi)
        return [turn(*at) for turn in turns]
    if gate == gates.XXPlusYY:
        return [cirq.ISwapPowGate(exponent=-values[0] / pi)(*at)]
    if isinstance(gate, Controlled):
        k = gate.n_controls
        return [op.controlled_by(*at[:k]) for op in _gate(cirq, gate.gate, values, at[k:], operation)]
    if isinstance(gate, PauliRotation):
        letters = [(letter, qubit) for letter, qubit in zip(gate.label, at, strict=True) if letter != "I"]
        label, active = "".join(letter for letter, _ in letters), [qubit for _, qubit in letters]
        if label in ("X", "Y", "Z"):
            return [getattr(cirq, f"r{label.lower()}")(values[0])(*active)]
        if not label:
            return [cirq.MatrixGate(gate.matrix(numbers(operation)))(*at)]
        half = values[0] / (2 * pi)
        string = cirq.DensePauliString(label)  # without I, for which Cirq 1.7 computes another unitary
        return [cirq.PauliStringPhasorGate(string, exponent_neg=half, exponent_pos=-half)(*active)]
    return [cirq.MatrixGate(gate.matrix(numbers(operation)))(*at)]
