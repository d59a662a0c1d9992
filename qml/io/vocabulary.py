"""What gates and channels are called in OpenQASM, Qiskit and PennyLane, and which of ours do the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi
from typing import TypeAlias

from qml import channels, gates
from qml._checks import InputError
from qml.channels import PauliMixture
from qml.gates import PauliRotation, controlled
from qml.instructions import Channel, Instruction, Unitary
from qml.io.blocks import Block
from qml.parameters import Affine

Spelled: TypeAlias = Unitary | Callable[..., Block]
"""A gate of ours, or a function from parameters to what a gate of another library is made of, on sites 0, 1, ..."""


def _u2(phi: Affine, lam: Affine) -> Block:
    return Block.of(gates.U3, pi / 2, phi, lam, 0)


def _cu(theta: Affine, phi: Affine, lam: Affine, gamma: Affine) -> Block:
    return Block((gates.P(gamma, 0), controlled(gates.U3)(theta, phi, lam, 0, 1)))


def _r(theta: Affine, phi: Affine) -> Block:
    return Block.of(gates.U3, theta, phi - pi / 2, pi / 2 - phi, 0)


def _dcx() -> Block:
    return Block((gates.CNOT(0, 1), gates.CNOT(1, 0)))


def _xx_plus_yy(theta: Affine, beta: Affine) -> Block:
    turn = Block.of(gates.RZ, beta, 0)
    return turn.then(Block.of(gates.XXPlusYY, theta, 0, 1)).then(turn.inverse())


def _xx_minus_yy(theta: Affine, beta: Affine) -> Block:
    turn = Block.of(gates.RZ, beta, 1)
    turned = Block((gates.RXX(theta / 2, 0, 1), gates.RYY(-theta / 2, 0, 1)))
    return turn.inverse().then(turned).then(turn)


def _rccx() -> Block:
    t, undo = gates.T(2), gates.Tdg(2)
    ring = (gates.CNOT(1, 2), undo, gates.CNOT(0, 2), t, gates.CNOT(1, 2), undo)
    return Block((gates.H(2), t, *ring, gates.H(2)))


def _rc3x() -> Block:
    h, t, undo = gates.H(3), gates.T(3), gates.Tdg(3)
    inner = (gates.CNOT(0, 3), t, gates.CNOT(1, 3), undo)
    outer = (h, t, gates.CNOT(2, 3), undo, h)
    return Block((*outer, *inner, *inner, *outer))


def _rot(phi: Affine, theta: Affine, omega: Affine) -> Block:
    return Block((gates.RZ(phi, 0), gates.RY(theta, 0), gates.RZ(omega, 0)))


def _crot(phi: Affine, theta: Affine, omega: Affine) -> Block:
    return _rot(phi, theta, omega).placed((1,)).controlled((0,), (True,))


def _xy(theta: Affine) -> Block:
    return Block.of(gates.XXPlusYY, -theta, 0, 1)


def _ms(phi0: Affine, phi1: Affine, theta: Affine) -> Block:
    turn = Block((gates.P(phi0, 0), gates.P(phi1, 1)))
    return turn.inverse().then(Block.of(gates.RXX, theta, 0, 1)).then(turn)


def _known(names: str) -> dict[str, Spelled]:
    """Gates that :func:`qml.gates.gate` knows by these names."""
    return {name: gates.gate(name) for name in names.split()}


STDGATES: dict[str, Spelled] = {
    **_known("p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap CX phase cphase id u1"),
    "cu": _cu,
    "u2": lambda phi, lam: Block.of(gates.U3, pi / 2, phi, lam, 0, phase=-(phi + lam) / 2),
    "u3": lambda theta, phi, lam: Block.of(gates.U3, theta, phi, lam, 0, phase=-(phi + lam) / 2),
}
"""The gates of ``stdgates.inc`` of OpenQASM 3, with the phases that the file gives them."""

QELIB1: dict[str, Spelled] = {
    **STDGATES,
    **_known("u sxdg cu1 rxx rzz"),
    "u2": _u2,
    "u3": gates.U3,
    "u0": lambda _: Block.of(gates.I, 0),
    "cu3": controlled(gates.U3),
    "csx": controlled(gates.SX),
    "rccx": _rccx,
    "rc3x": _rc3x,
    "c3x": controlled(gates.X, 3),
    "c3sqrtx": controlled(gates.SX, 3),
    "c4x": controlled(gates.X, 4),
}
"""The gates of ``qelib1.inc`` of OpenQASM 2, as Qiskit extended it."""

QISKIT: dict[str, Spelled] = {
    **QELIB1,
    **_known("ryy ecr iswap"),
    "rzx": PauliRotation("ZX"),
    "dcx": _dcx,
    "cs": controlled(gates.S),
    "csdg": controlled(gates.Sdg),
    "ccz": controlled(gates.Z, 2),
    "c3sx": controlled(gates.SX, 3),
    "mcx": controlled(gates.X, 3),
    "rcccx": _rc3x,
    "r": _r,
    "xx_plus_yy": _xx_plus_yy,
    "xx_minus_yy": _xx_minus_yy,
}
"""The gates of Qiskit by their names; what is not here is taken apart by its own definition."""

BRAKET: dict[str, Spelled] = {
    **_known("i x y z h s t rx ry rz phaseshift cnot cy cz swap iswap ecr ccnot cswap"),
    "si": gates.Sdg,
    "ti": gates.Tdg,
    "v": gates.SX,
    "vi": gates.SXdg,
    "cv": controlled(gates.SX),
    "cphaseshift": gates.CP,
    "xx": gates.RXX,
    "yy": gates.RYY,
    "zz": gates.RZZ,
    "xy": _xy,
    "prx": _r,
    "gpi": lambda phi: Block.of(gates.U3, pi, phi, pi - phi, 0),
    "gpi2": lambda phi: Block.of(gates.U3, pi / 2, phi - pi / 2, pi / 2 - phi, 0),
    "ms": _ms,
}
"""The gates of Braket, whose programs include no file."""

PENNYLANE: dict[str, Spelled] = {
    **_known("Identity PauliX PauliY PauliZ Hadamard S T SX RX RY RZ PhaseShift U1 U3 CNOT CY CZ CH SWAP ISWAP ECR"),
    **_known("Toffoli CSWAP CRX CRY CRZ ControlledPhaseShift IsingXX IsingYY IsingZZ"),
    "U2": _u2,
    "Rot": _rot,
    "CRot": _crot,
    "CCZ": controlled(gates.Z, 2),
    "IsingXY": _xy,
}
"""The gates of PennyLane by their names."""

BRAKET_NOISE: dict[str, Channel] = {
    "bit_flip": channels.BitFlip,
    "phase_flip": channels.PhaseFlip,
    "depolarizing": channels.PauliError,
    "amplitude_damping": channels.AmplitudeDamping,
    "generalized_amplitude_damping": channels.GeneralizedAmplitudeDamping,
    "phase_damping": channels.PhaseDamping,
    "pauli_channel": channels.PauliChannel,
    "two_qubit_depolarizing": channels.PauliError2,
    "two_qubit_dephasing": PauliMixture("TwoQubitDephasing", ("IZ", "ZI", "ZZ"), ((1 / 3,) * 3,), ("p",)),
}
"""The noise of Braket by its names, with parameters that are :func:`exchanged`."""

PENNYLANE_NOISE: dict[str, Channel] = {
    "BitFlip": channels.BitFlip,
    "PhaseFlip": channels.PhaseFlip,
    "DepolarizingChannel": channels.PauliError,
    "AmplitudeDamping": channels.AmplitudeDamping,
    "GeneralizedAmplitudeDamping": channels.GeneralizedAmplitudeDamping,
    "PhaseDamping": channels.PhaseDamping,
}
"""Channels of PennyLane with the parameters of ours, and, with Channel behind each name, of Cirq."""

SAME_AS: dict[Channel, tuple[Channel, Callable[..., tuple[Affine, ...]]]] = {
    channels.Depolarizing: (channels.PauliError, lambda p: (3 / 4 * p,)),
    channels.Depolarizing2: (channels.PauliError2, lambda p: (15 / 16 * p,)),
    channels.BitPhaseFlip: (channels.PauliChannel, lambda p: (Affine(), p, Affine())),
}
"""Channels that the others have under another name and with other parameters."""


def spelled(name: str, table: Mapping[str, Spelled], params: tuple[Affine, ...], n_sites: int) -> Block:
    """What the gate `name` of a table is, on sites 0, 1, ...

    Raises
    ------
    InputError
        Where it takes other numbers of parameters or sites.
    """
    made = table[name]
    wanted = made.n_params if isinstance(made, Unitary) else made.__code__.co_argcount
    if len(params) != wanted:
        raise InputError(f"{name} takes {wanted} parameters; found {len(params)}.")
    block = Block.of(made, *params, *range(made.n_sites)) if isinstance(made, Unitary) else made(*params)
    taken = 1 + max(site for o in block.operations for site in o.sites)
    if taken != n_sites:
        raise InputError(f"{name} acts on {taken} qubits; found {n_sites}.")
    return block


def names(table: Mapping[str, Spelled]) -> dict[Instruction, str]:
    """The first name of every gate of ours in a table."""
    found: dict[Instruction, str] = {}
    for name, made in table.items():
        if isinstance(made, Unitary):
            found.setdefault(made, name)
    return found


def noise_name(
    channel: Instruction, params: tuple[Affine, ...], table: Mapping[str, Channel]
) -> tuple[str, tuple[Affine, ...]] | None:
    """The name of a channel in a table of noise and its parameters there; None where it has none."""
    if not isinstance(channel, Channel):
        return None
    if channel in SAME_AS:
        channel, terms = SAME_AS[channel]
        params = terms(*params)
    return next(((name, params) for name, same in table.items() if same == channel), None)


def exchanged(channel: Instruction, params: tuple[Affine, ...]) -> tuple[Affine, ...]:
    """Parameters of the noise of Braket and Cirq from ours, and ours from theirs: only of generalized amplitude damping
    they differ, p from 1 - p."""
    return (params[0], 1 - params[1]) if channel == channels.GeneralizedAmplitudeDamping else params
