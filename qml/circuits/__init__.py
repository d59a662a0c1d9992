"""Circuits: frozen sequences of operations, noise models, and circuits to fit with."""

from collections.abc import Callable

from qml.circuits.ansatz import (
    brickwork,
    hardware_efficient,
    mera_tree,
    purification,
    reuploading,
    universal_block,
)
from qml.circuits.circuit import Circuit, ProgramLike, as_program
from qml.circuits.noise import NoiseModel
from qml.circuits.noise_rules import NoiseRule, Relaxation
from qml.circuits.program import Program, Step
from qml.circuits.trotter import hamiltonian_variational, trotter
from qml.instructions import Initialize, TraceOut

ANSATZE: dict[str, Callable[..., Circuit]] = {
    "hardware_efficient": hardware_efficient,
    "purification": purification,
    "brickwork": brickwork,
    "mera_tree": mera_tree,
    "hamiltonian_variational": hamiltonian_variational,
}
"""Every circuit to fit with by name; a study says their arguments."""

__all__ = [
    "ANSATZE",
    "Circuit",
    "Initialize",
    "NoiseModel",
    "NoiseRule",
    "Program",
    "ProgramLike",
    "Relaxation",
    "Step",
    "TraceOut",
    "as_program",
    "brickwork",
    "hamiltonian_variational",
    "hardware_efficient",
    "mera_tree",
    "purification",
    "reuploading",
    "trotter",
    "universal_block",
]
