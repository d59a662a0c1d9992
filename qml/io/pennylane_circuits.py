"""Tapes of PennyLane taken apart, and circuits as its quantum functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml.channels import KrausChannel
from qml.circuits import Circuit
from qml.gates import Controlled, PauliRotation, UnitaryGate
from qml.instructions import Channel, Instruction, Operation, PartialTrace, Preparation
from qml.io.blocks import Block
from qml.io.extras import need
from qml.io.numbers import kraus_of, numbers
from qml.io.vocabulary import PENNYLANE, names, spelled
from qml.parameters import Affine, Parameter

NOISE: dict[str, Channel] = {
    "BitFlip": channels.BitFlip,
    "PhaseFlip": channels.PhaseFlip,
    "DepolarizingChannel": channels.PauliError,
    "AmplitudeDamping": channels.AmplitudeDamping,
    "PhaseDamping": channels.PhaseDamping,
}
"""Channels of PennyLane with the parameters of ours."""
NOTHING = ("Barrier", "WireCut", "Snapshot")
STEP = 2.0**-4
"""How far parameters are moved to see what depends on them."""
NEAR = 1e-12
"""What is as near as this to a number of ten digits is that number: the rounding of a difference."""


class Reader:
    """Takes a tape apart."""

    def __init__(self, tape: Any, wires: Sequence[Any] | None) -> None:
        used = list(tape.wires)
        if wires is None:
            whole = all(isinstance(w, int | np.integer) and w >= 0 for w in used)
            wires = range(1 + max(used, default=-1)) if whole else used
        wires = _checks.listed("wires", wires)
        if not all(isinstance(wire, int | str | np.integer | tuple) for wire in wires):
            raise InputError(f"wires must be integers or words; found {_checks.shown(wires)}.")
        self.place = {wire: site for site, wire in enumerate(wires)}
        for wire in used:
            if wire not in self.place:
                raise InputError(f"wires must name every wire of the circuit; {wire!r} is missing.")
        if not self.place:
            raise InputError("the PennyLane circuit has no wires.")
        self.operations = [o for item in tape.operations for o in self.step(item)]

    def circuit(self) -> Circuit:
        """The circuit."""
        return Circuit(len(self.place), self.operations)

    def sites(self, wires: Any) -> tuple[int, ...]:
        """The sites of wires."""
        return tuple(self.place[wire] for wire in wires)

    def step(self, op: Any) -> Sequence[Operation]:
        """What an operation is here."""
        kind = type(op).__name__
        if kind in NOTHING:
            return ()
        if kind in ("MidMeasureMP", "MidMeasure", "Conditional"):
            if kind != "Conditional" and op.reset and op.postselect is None:
                return [channels.Reset(s) for s in self.sites(op.wires)]
            raise InputError("a measurement in the midst of a circuit has no counterpart in one of gates and channels.")
        if hasattr(op, "kraus_matrices") and not getattr(op, "has_matrix", False):
            sites = self.sites(op.wires)
            if kind in NOISE:
                return [NOISE[kind](*map(float, op.parameters), *sites)]
            return [KrausChannel(np.array(op.kraus_matrices()), name=kind)(*sites)]
        return self.block(op).operations

    def block(self, op: Any) -> Block:
        """A gate with its phase."""
        kind, sites = type(op).__name__, self.sites(op.wires)
        if kind in PENNYLANE:
            params = tuple(Affine((), _number(kind, p)) for p in op.parameters)
            return spelled(kind, PENNYLANE, params, len(sites)).placed(sites)
        if kind.startswith("Adjoint"):
            return self.block(op.base).inverse()
        if kind.startswith("Pow"):
            return self.block(op.base).power(float(op.z), 100_000)
        if hasattr(op, "control_wires") and hasattr(op, "base") and op.control_wires:
            values = [bool(v) for v in op.control_values]
            return self.block(op.base).controlled(self.sites(op.control_wires), values)
        if kind == "MultiControlledX":
            controls = sites[:-1]
            return Block((gates.X(sites[-1]),)).controlled(controls, [bool(v) for v in op.control_values])
        if kind in ("PauliRot", "MultiRZ"):
            word = op.hyperparameters["pauli_word"] if kind == "PauliRot" else "Z" * len(sites)
            return Block((PauliRotation(word)(_number(kind, op.parameters[0]), *sites),))
        if kind == "BasisState":
            bits = np.asarray(op.parameters[0]).astype(int).tolist()
            return Block(tuple(gates.X(site) for site, bit in zip(sites, bits, strict=True) if bit))
        if kind == "GlobalPhase":
            return Block((), Affine((), -_number(kind, op.parameters[0])))
        if kind == "QubitUnitary" or not op.has_decomposition:
            if not op.has_matrix:
                raise InputError(f"{kind} has no counterpart in a circuit of gates and channels.")
            return Block((UnitaryGate(np.asarray(op.matrix()), name="U" if kind == "QubitUnitary" else kind)(*sites),))
        whole = Block()
        for part in op.decomposition():
            whole = whole if type(part).__name__ in NOTHING else whole.then(self.block(part))
        return whole


def _number(kind: str, value: Any) -> float:
    found = np.asarray(value)
    if found.ndim:
        raise InputError(f"{kind} has a batch of {found.shape} parameters: pass one value for each.")
    return _checks.number(f"the parameter of {kind}", float(found))


def tape_of(function: Any, arguments: Sequence[Any]) -> Any:
    """The tape of a QNode, a quantum function or a tape."""
    pennylane = need("pennylane", "pennylane")
    if hasattr(function, "operations") and hasattr(function, "wires") and hasattr(function, "measurements"):
        return function
    if hasattr(function, "construct") or hasattr(function, "device"):
        return pennylane.workflow.construct_tape(function, level="top")(*arguments)
    if callable(function):
        return pennylane.tape.make_qscript(function)(*arguments)
    raise InputError(f"a QNode, a quantum function or a tape is taken; found {_checks.shown(function)}.")


def with_parameters(make: Callable[[Sequence[Any]], Circuit], arguments: Mapping[str, Any]) -> Circuit:
    """The circuit with the floats among the arguments as free parameters, found by moving each a little."""
    held = {name: np.array(x, dtype=float) for name, x in arguments.items() if _is_float(x)}
    free = [(name, at) for name, x in held.items() for at in np.ndindex(x.shape)]
    called = {(name, at): f"{name}[{','.join(map(str, at))}]" if at else name for name, at in free}

    def at(moves: Mapping[tuple[str, tuple[int, ...]], float]) -> Circuit:
        moved = {name: x.copy() for name, x in held.items()}
        for (name, place), move in moves.items():
            moved[name][place] += move
        values = [_like(x, moved[name]) if name in moved else x for name, x in arguments.items()]
        return make(values)

    base = at({})
    terms = [list(o.params) for o in base.operations]
    for key in free:
        other = at({key: STEP})
        _same(base, other, called[key])
        for row, one, two in zip(terms, base.operations, other.operations, strict=True):
            for i, (x, y) in enumerate(zip(one.params, two.params, strict=True)):
                slope = _plain((y.constant - x.constant) / STEP)
                if slope:
                    row[i] = row[i] + slope * (Parameter(called[key]) - float(held[key[0]][key[1]]))
    whole = Circuit(
        base.dims, [Operation(o.instruction, o.sites, tuple(row)) for o, row in zip(base, terms, strict=True)]
    )
    moves = {key: STEP * (2 + k % 3) * (-1) ** k for k, key in enumerate(free)}
    values = {called[key]: float(held[key[0]][key[1]]) + move for key, move in moves.items()}
    bound = whole.bind({name: x for name, x in values.items() if name in whole.parameters})
    for one, two in zip(bound.operations, at(moves).operations, strict=True):
        if any(abs(x.constant - y.constant) > 1e-8 for x, y in zip(one.params, two.params, strict=True)):
            raise InputError(f"{one.name} on sites {one.sites} is not affine in the arguments: pass free=False.")
    rounded = [tuple(Affine(p.terms, _plain(p.constant)) for p in o.params) for o in whole]
    return Circuit(whole.dims, [Operation(o.instruction, o.sites, p) for o, p in zip(whole, rounded, strict=True)])


def _plain(x: float) -> float:
    return round(x, 10) if abs(x - round(x, 10)) < NEAR else x


def _in_order(names: Sequence[str], params: Any) -> dict[str, Any]:
    """Parameters by name from a list or an array, of whatever library it is."""
    try:
        listed = list(params)
    except (TypeError, IndexError):
        listed = []
    if (
        isinstance(params, str)
        or len(listed) != len(names)
        or any(x is None or isinstance(x, str | list | tuple) for x in listed)
    ):
        raise InputError(f"params must have one number for each of the {len(names)} parameters {', '.join(names)}.")
    return dict(zip(names, listed, strict=True))


def _is_float(x: Any) -> bool:
    try:
        return not isinstance(x, bool | int | str) and np.asarray(x).dtype.kind == "f"
    except ValueError:  # ragged
        return False


def _like(old: Any, new: np.ndarray) -> Any:
    return new if np.ndim(old) else float(new)


def _same(one: Circuit, two: Circuit, name: str) -> None:
    if [(o.instruction, o.sites) for o in one] != [(o.instruction, o.sites) for o in two]:
        raise InputError(f"the argument {name!r} changes more than the parameters of gates: pass free=False.")


# out -----------------------------------------------------------------------------------------------------------------


def template(circuit: Circuit) -> Callable[..., None]:
    """A quantum function of the parameters and the wires; see :func:`qml.io.to_pennylane`."""
    pennylane = need("pennylane", "pennylane")
    known: dict[Instruction, str] = names(PENNYLANE)
    noise = {channel: name for name, channel in NOISE.items()}

    def apply(params: Any = (), wires: Sequence[Any] | None = None) -> None:
        at = range(circuit.n_sites) if wires is None else _checks.listed("wires", wires)
        if len(at) != circuit.n_sites:
            raise InputError(f"wires must name {circuit.n_sites} wires; found {len(at)}.")
        values = params if isinstance(params, Mapping) else _in_order(circuit.parameters, params)
        for name in circuit.parameters:
            if name not in values:
                raise InputError(f"params must have a value for {name!r}; the circuit needs {circuit.n_params}.")
        for operation in circuit.operations:
            wired = [at[site] for site in operation.sites]
            given = [sum((c * values[name] for name, c in p.terms), p.constant) for p in operation.params]
            _queue(operation, given, wired)

    def _queue(operation: Operation, given: list[Any], wired: list[Any]) -> None:
        instruction = operation.instruction
        if isinstance(instruction, PartialTrace):
            return
        if isinstance(instruction, Preparation) or instruction == channels.Reset:
            for wire in wired:
                pennylane.ResetError(1.0, 0.0, wires=wire)
        elif isinstance(instruction, Channel):
            if instruction in noise:
                getattr(pennylane, noise[instruction])(*given, wires=wired)
            else:
                concrete = Operation(
                    instruction, operation.sites, tuple(Affine((), _number("a channel", x)) for x in given)
                )
                pennylane.QubitChannel(kraus_of(concrete), wires=wired)
        else:
            _gate(instruction, given, wired, operation)

    def _gate(gate: Any, given: list[Any], wired: list[Any], operation: Operation) -> Any:
        if gate in known:
            return getattr(pennylane, known[gate])(*given, wires=wired)
        if gate in (gates.Sdg, gates.Tdg, gates.SXdg):
            return pennylane.adjoint(_gate(gate.inverse(())[0], [], wired, operation))
        if isinstance(gate, Controlled):
            k = gate.n_controls
            with pennylane.QueuingManager.stop_recording():
                inner = _gate(gate.gate, given, wired[k:], operation)
            return pennylane.ctrl(inner, control=wired[:k])
        if isinstance(gate, PauliRotation):
            return pennylane.PauliRot(given[0], gate.label, wires=wired)
        if gate == gates.XXPlusYY:
            return pennylane.IsingXY(-given[0], wires=wired)
        matrix = gate.matrix(np.array([float(x) for x in given]))
        return pennylane.QubitUnitary(matrix, wires=wired)

    for operation in circuit.operations:
        inner = getattr(operation.instruction, "gate", operation.instruction)
        if (
            inner not in known
            and inner not in noise
            and not isinstance(inner, PauliRotation)
            and inner != gates.XXPlusYY
        ):
            numbers(operation)
    return apply
