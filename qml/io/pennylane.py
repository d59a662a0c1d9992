"""PennyLane, in and out."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml.channels import KrausChannel
from qml.circuits import Circuit
from qml.gates import Controlled, PauliRotation, UnitaryGate
from qml.instructions import Channel, Instruction, Operation
from qml.io.blocks import Block, Values, kraus_of, numbers, outgoing
from qml.io.vocabulary import PENNYLANE, PENNYLANE_NOISE, names, noise_name, spelled
from qml.parameters import Affine, Parameter

NOTHING = ("Barrier", "WireCut", "Snapshot")
STEP = 2.0**-4
"""How far parameters are moved to see what depends on them."""
NEAR = 1e-12
"""What is as near as this to a number of ten digits is that number: the rounding of a difference."""


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

    def make(values: Sequence[Any]) -> Circuit:
        reader = Reader(tape_of(function, values), wires)
        return Circuit(len(reader.place), reader.operations)

    if not _checks.flag("free", free) or not arguments:
        return make(arguments)
    inner = getattr(function, "func", function)
    if not inspect.isroutine(inner) and not hasattr(inner, "__code__"):
        raise InputError(f"a QNode, a quantum function or a tape is taken; found {_checks.shown(function)}.")
    names = list(inspect.signature(inner).parameters)[: len(arguments)]
    if len(names) < len(arguments):
        raise InputError(f"the function takes {len(names)} arguments; found {len(arguments)}.")
    return with_parameters(make, dict(zip(names, arguments, strict=True)))


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
        if len(set(wires)) < len(wires):
            raise InputError(f"wires must be distinct; found {_checks.shown(wires)}.")
        self.place = {wire: site for site, wire in enumerate(wires)}
        for wire in used:
            if wire not in self.place:
                raise InputError(f"wires must name every wire of the circuit; {wire!r} is missing.")
        if not self.place:
            raise InputError("the PennyLane circuit has no wires.")
        self.operations = [o for item in tape.operations for o in self.step(item)]

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
            if kind in PENNYLANE_NOISE:
                return [PENNYLANE_NOISE[kind](*(_number(kind, p) for p in op.parameters), *sites)]
            return [KrausChannel(np.array(op.kraus_matrices()), name=kind)(*sites)]
        return self.block(op).operations

    def block(self, op: Any) -> Block:
        """A gate with its phase."""
        kind, sites = type(op).__name__, self.sites(op.wires)
        if kind == "Identity":
            return Block(tuple(gates.I(site) for site in sites))
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
    found = _array(value)
    if found.ndim:
        raise InputError(f"{kind} has a batch of {found.shape} parameters: pass one value for each.")
    return _checks.number(f"the parameter of {kind}", found.item())


def tape_of(function: Any, arguments: Sequence[Any]) -> Any:
    """The tape of a QNode, a quantum function or a tape."""
    pennylane = _checks.need("pennylane", "pennylane")
    if hasattr(function, "operations") and hasattr(function, "wires") and hasattr(function, "measurements"):
        return function
    if hasattr(function, "device"):
        if hasattr(function.device, "original_device"):
            raise InputError(
                "the device of the QNode is transformed, by a noise model say, which is not read: transform the QNode."
            )
        tapes, _ = pennylane.workflow.construct_batch(function, level="user")(*arguments)
        if len(tapes) > 1:
            raise InputError("the transforms of the QNode make several circuits of it: leave them out.")
        return tapes[0]
    if callable(function):
        return pennylane.tape.make_qscript(function)(*arguments)
    raise InputError(f"a QNode, a quantum function or a tape is taken; found {_checks.shown(function)}.")


def with_parameters(make: Callable[[Sequence[Any]], Circuit], arguments: Mapping[str, Any]) -> Circuit:
    """The circuit with the floats among the arguments as free parameters, found by moving each a little."""
    held = {name: np.array(_array(x), dtype=float) for name, x in arguments.items() if _is_float(x)}
    free = [(name, at) for name, x in held.items() for at in np.ndindex(x.shape)]
    called = {(name, at): f"{name}[{','.join(map(str, at))}]" if at else name for name, at in free}

    def at(moves: Mapping[tuple[str, tuple[int, ...]], float]) -> Circuit:
        moved = {name: x.copy() for name, x in held.items()}
        for (name, place), move in moves.items():
            moved[name][place] += move
        return make([_like(x, moved[name]) if name in moved else x for name, x in arguments.items()])

    def beside(key: tuple[str, tuple[int, ...]]) -> tuple[float, Circuit]:
        """A step and where it leads: the other way where the first leaves the domain of a parameter."""
        with contextlib.suppress(InputError):
            return STEP, at({key: STEP})
        return -STEP, at({key: -STEP})

    base = at({})
    terms, steps = [list(o.params) for o in base.operations], []
    for key in free:
        step, other = beside(key)
        steps.append(step)
        _same(base, other, f"the argument {called[key]!r}")
        for row, one, two in zip(terms, base.operations, other.operations, strict=True):
            for i, (x, y) in enumerate(zip(one.params, two.params, strict=True)):
                slope = _plain((y.constant - x.constant) / step)
                if slope:
                    row[i] = row[i] + slope * (Parameter(called[key]) - float(held[key[0]][key[1]]))
    found = [Operation(o.instruction, o.sites, tuple(row)) for o, row in zip(base, terms, strict=True)]
    whole = Circuit(base.dims, found)
    for sign in (1, -1):
        moves = {key: sign * step * (2 + k % 3) / 8 for k, (key, step) in enumerate(zip(free, steps, strict=True))}
        try:
            other = at(moves)
        except InputError:  # beyond the domain of a parameter, where the first move was not
            if sign > 0:
                raise
            continue
        _same(base, other, "moving the arguments")
        values = {called[key]: float(held[key[0]][key[1]]) + move for key, move in moves.items()}
        there = whole.bind({name: x for name, x in values.items() if name in whole.parameters})
        for one, two in zip(there.operations, other.operations, strict=True):
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
    return not isinstance(x, bool | int | str) and _array(x).dtype.kind == "f"


def _array(x: Any) -> np.ndarray:
    """An array of any library that PennyLane knows; of an object, what is none."""
    try:
        return np.asarray(_checks.need("pennylane.math", "pennylane").toarray(x))
    except (ImportError, TypeError, ValueError):  # of another library, or ragged
        return np.array(None)


def _like(old: Any, new: np.ndarray) -> Any:
    """An array of the library of another one; of NumPy in place of JAX, which rounds to single precision."""
    math = _checks.need("pennylane.math", "pennylane")
    return new if math.get_interface(old) == "jax" else math.convert_like(new, old) if new.ndim else float(new)


def _same(one: Circuit, two: Circuit, what: str) -> None:
    if [(o.instruction, o.sites) for o in one] != [(o.instruction, o.sites) for o in two]:
        raise InputError(f"{what} changes more than the parameters of gates: pass free=False.")


# out -----------------------------------------------------------------------------------------------------------------


def to_pennylane(circuit: Circuit, params: Values = None) -> Callable[..., None]:
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
    circuit = outgoing(circuit, params)
    pennylane = _checks.need("pennylane", "pennylane")
    known: dict[Instruction, str] = names(PENNYLANE)

    def apply(params: Any = (), wires: Sequence[Any] | None = None) -> None:
        at = range(circuit.n_sites) if wires is None else _checks.listed("wires", wires)
        if len(at) != circuit.n_sites:
            raise InputError(f"wires must name {circuit.n_sites} wires; found {len(at)}.")
        values = params if isinstance(params, Mapping) else _in_order(circuit.parameters, params)
        for name in circuit.parameters:
            if name not in values:
                raise InputError(f"params must have a value for {name!r}; the circuit needs {circuit.n_params}.")
        for operation in circuit.operations:
            _queue(operation, values, [at[site] for site in operation.sites])

    def _queue(operation: Operation, values: Mapping[str, Any], wired: list[Any]) -> None:
        instruction = operation.instruction
        name, params = _named(operation) or ("", operation.params)
        given = [sum((c * values[term] for term, c in p.terms), p.constant) for p in params]
        if instruction == channels.Reset:
            pennylane.ResetError(1.0, 0.0, wires=wired)
        elif name:
            getattr(pennylane, name)(*given, wires=wired)
        elif isinstance(instruction, Channel):
            pennylane.QubitChannel(kraus_of(operation), wires=wired)
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
        is_rotation = isinstance(inner, PauliRotation) or inner == gates.XXPlusYY
        if inner not in known and not is_rotation and not _named(operation):
            numbers(operation)
    return apply


def _named(operation: Operation) -> tuple[str, tuple[Affine, ...]] | None:
    """The channel of PennyLane that does the same, and its parameters; None where it has none."""
    return noise_name(operation.instruction, operation.params, PENNYLANE_NOISE)
