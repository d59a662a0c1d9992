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


STDGATES: dict[str, Spelled] = {
    "p": gates.P,
    "x": gates.X,
    "y": gates.Y,
    "z": gates.Z,
    "h": gates.H,
    "s": gates.S,
    "sdg": gates.Sdg,
    "t": gates.T,
    "tdg": gates.Tdg,
    "sx": gates.SX,
    "rx": gates.RX,
    "ry": gates.RY,
    "rz": gates.RZ,
    "cx": gates.CNOT,
    "cy": gates.CY,
    "cz": gates.CZ,
    "cp": gates.CP,
    "crx": gates.CRX,
    "cry": gates.CRY,
    "crz": gates.CRZ,
    "ch": gates.CH,
    "swap": gates.SWAP,
    "ccx": gates.Toffoli,
    "cswap": gates.Fredkin,
    "cu": _cu,
    "CX": gates.CNOT,
    "phase": gates.P,
    "cphase": gates.CP,
    "id": gates.I,
    "u1": gates.P,
    "u2": lambda phi, lam: Block.of(gates.U3, pi / 2, phi, lam, 0, phase=-(phi + lam) / 2),
    "u3": lambda theta, phi, lam: Block.of(gates.U3, theta, phi, lam, 0, phase=-(phi + lam) / 2),
}
"""The gates of ``stdgates.inc`` of OpenQASM 3, with the phases that the file gives them."""

QELIB1: dict[str, Spelled] = STDGATES | {
    "u": gates.U3,
    "u2": _u2,
    "u3": gates.U3,
    "u0": lambda _: Block.of(gates.I, 0),
    "sxdg": gates.SXdg,
    "cu1": gates.CP,
    "cu3": controlled(gates.U3),
    "csx": controlled(gates.SX),
    "rxx": gates.RXX,
    "rzz": gates.RZZ,
    "rccx": _rccx,
    "rc3x": _rc3x,
    "c3x": controlled(gates.X, 3),
    "c3sqrtx": controlled(gates.SX, 3),
    "c4x": controlled(gates.X, 4),
}
"""The gates of ``qelib1.inc`` of OpenQASM 2, as Qiskit extended it."""

QISKIT: dict[str, Spelled] = QELIB1 | {
    "ryy": gates.RYY,
    "rzx": PauliRotation("ZX"),
    "ecr": gates.ECR,
    "iswap": gates.ISWAP,
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
    "i": gates.I,
    "x": gates.X,
    "y": gates.Y,
    "z": gates.Z,
    "h": gates.H,
    "s": gates.S,
    "si": gates.Sdg,
    "t": gates.T,
    "ti": gates.Tdg,
    "v": gates.SX,
    "vi": gates.SXdg,
    "rx": gates.RX,
    "ry": gates.RY,
    "rz": gates.RZ,
    "phaseshift": gates.P,
    "cnot": gates.CNOT,
    "cy": gates.CY,
    "cz": gates.CZ,
    "cv": controlled(gates.SX),
    "cphaseshift": gates.CP,
    "swap": gates.SWAP,
    "iswap": gates.ISWAP,
    "ecr": gates.ECR,
    "xx": gates.RXX,
    "yy": gates.RYY,
    "zz": gates.RZZ,
    "xy": _xy,
    "ccnot": gates.Toffoli,
    "cswap": gates.Fredkin,
    "prx": _r,
    "gpi": lambda phi: Block.of(gates.U3, pi, phi, pi - phi, 0),
    "gpi2": lambda phi: Block.of(gates.U3, pi / 2, phi - pi / 2, pi / 2 - phi, 0),
    "ms": _ms,
}
"""The gates of Braket, whose programs include no file."""

PENNYLANE: dict[str, Spelled] = {
    "Identity": gates.I,
    "PauliX": gates.X,
    "PauliY": gates.Y,
    "PauliZ": gates.Z,
    "Hadamard": gates.H,
    "S": gates.S,
    "T": gates.T,
    "SX": gates.SX,
    "RX": gates.RX,
    "RY": gates.RY,
    "RZ": gates.RZ,
    "PhaseShift": gates.P,
    "U1": gates.P,
    "U2": _u2,
    "U3": gates.U3,
    "Rot": _rot,
    "CRot": _crot,
    "CNOT": gates.CNOT,
    "CY": gates.CY,
    "CZ": gates.CZ,
    "CH": gates.CH,
    "CCZ": controlled(gates.Z, 2),
    "SWAP": gates.SWAP,
    "ISWAP": gates.ISWAP,
    "ECR": gates.ECR,
    "Toffoli": gates.Toffoli,
    "CSWAP": gates.Fredkin,
    "CRX": gates.CRX,
    "CRY": gates.CRY,
    "CRZ": gates.CRZ,
    "ControlledPhaseShift": gates.CP,
    "IsingXX": gates.RXX,
    "IsingYY": gates.RYY,
    "IsingZZ": gates.RZZ,
    "IsingXY": _xy,
}
"""The gates of PennyLane by their names."""

TwoQubitDephasing = PauliMixture("TwoQubitDephasing", ("IZ", "ZI", "ZZ"), ((1 / 3,) * 3,), ("p",))

Terms: TypeAlias = Callable[..., tuple[Affine, ...]]

NOISE: dict[str, tuple[Channel, Terms, Terms]] = {
    "bit_flip": (channels.BitFlip, lambda p: (p,), lambda p: (p,)),
    "phase_flip": (channels.PhaseFlip, lambda p: (p,), lambda p: (p,)),
    "depolarizing": (channels.PauliError, lambda p: (p,), lambda p: (p,)),
    "amplitude_damping": (channels.AmplitudeDamping, lambda g: (g,), lambda g: (g,)),
    "generalized_amplitude_damping": (
        channels.GeneralizedAmplitudeDamping,
        lambda g, p: (g, 1 - p),
        lambda g, e: (g, 1 - e),
    ),
    "phase_damping": (channels.PhaseDamping, lambda g: (g,), lambda g: (g,)),
    "pauli_channel": (channels.PauliChannel, lambda *p: p, lambda *p: p),
    "two_qubit_depolarizing": (channels.PauliError2, lambda p: (p,), lambda p: (p,)),
    "two_qubit_dephasing": (TwoQubitDephasing, lambda p: (p,), lambda p: (p,)),
}
"""The noise of Braket by its names: our channel, our parameters from its, and its from ours."""

SAME_AS: dict[Channel, tuple[Channel, Terms]] = {
    channels.Depolarizing: (channels.PauliError, lambda p: (3 / 4 * p,)),
    channels.Depolarizing2: (channels.PauliError2, lambda p: (15 / 16 * p,)),
    channels.BitPhaseFlip: (channels.PauliChannel, lambda p: (Affine(), p, Affine())),
}
"""Channels that :data:`NOISE` has under another name and other parameters."""


def spelled(name: str, table: Mapping[str, Spelled], params: tuple[Affine, ...], n_sites: int) -> Block:
    """What the gate `name` of a table is, on sites 0, 1, ...

    Raises
    ------
    InputError
        Where it takes other numbers of parameters or sites.
    """
    made = table[name]
    if not isinstance(made, Unitary):
        wanted = made.__code__.co_argcount
        if len(params) != wanted:
            raise InputError(f"{name} takes {wanted} parameters; found {len(params)}.")
        block = made(*params)
        taken = 1 + max(site for o in block.operations for site in o.sites)
    else:
        if len(params) != made.n_params:
            raise InputError(f"{name} takes {made.n_params} parameters; found {len(params)}.")
        block, taken = Block((made(*params, *range(made.n_sites)),)), made.n_sites
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


def noise_name(channel: Channel, params: tuple[Affine, ...]) -> tuple[str, tuple[Affine, ...]] | None:
    """The name of a channel in :data:`NOISE` and its parameters there; None where it has none."""
    same, terms = SAME_AS.get(channel, (channel, None))
    values = params if terms is None else terms(*params)
    for name, (ours, _, theirs) in NOISE.items():
        if ours == same:
            return name, theirs(*values)
    return None
