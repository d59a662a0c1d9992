"""The circuits that a study may name; see :mod:`qml.circuits.ansatz` for what they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from qml import Circuit, circuits
from qml.studies.spec.parts import Bond, Hamiltonian
from qml.studies.spec.schema import Qubits, Spec

Layers = Annotated[int, Field(ge=0, le=1_000, description="number of layers")]
Two = Annotated[int, Field(ge=2, le=24, description="number of qubits")]
Rotations = Annotated[list[str], Field(description="one-qubit gates")]
Entangler = Annotated[str, Field(description="a two-qubit gate")]
Topology = Annotated[Literal["linear", "ring", "full"] | list[Bond], Field(description="where entanglers act")]


class HardwareEfficient(Spec):
    """Layers of one-qubit rotations and two-qubit gates."""

    kind: Literal["hardware_efficient"]
    n: Qubits
    layers: Layers
    rotations: Rotations = Field(default_factory=lambda: ["RY", "RZ"])
    entangler: Entangler = "CNOT"
    topology: Topology = "linear"

    def build(self) -> Circuit:
        return circuits.hardware_efficient(self.n, self.layers, self.rotations, self.entangler, _edges(self.topology))


class Purification(Spec):
    """A hardware-efficient circuit on n qubits and ancillas; the ancillas are traced out."""

    kind: Literal["purification"]
    n: Qubits
    ancillas: Annotated[int, Field(ge=0, le=24, description="qubits that are traced out")]
    layers: Layers
    rotations: Rotations = Field(default_factory=lambda: ["RY", "RZ"])
    entangler: Entangler = "CNOT"
    topology: Topology = "linear"

    def build(self) -> Circuit:
        return circuits.purification(
            self.n, self.ancillas, self.layers, self.rotations, self.entangler, _edges(self.topology)
        )


class Brickwork(Spec):
    """Universal two-qubit blocks in staggered rows."""

    kind: Literal["brickwork"]
    n: Two
    layers: Layers

    def build(self) -> Circuit:
        return circuits.brickwork(self.n, self.layers)


class MeraTree(Spec):
    """A binary tree of two-qubit blocks, with or without disentanglers."""

    kind: Literal["mera_tree"]
    n: Two
    disentanglers: bool = True

    def build(self) -> Circuit:
        return circuits.mera_tree(self.n, disentanglers=self.disentanglers)


class HamiltonianVariational(Spec):
    """Layers of rotations about the terms of a Hamiltonian, with free times."""

    kind: Literal["hamiltonian_variational"]
    hamiltonian: Hamiltonian
    layers: Layers
    initial: Literal["plus"] | None = "plus"
    share: Annotated[Literal["letters", "term", "layer"], Field(description="terms that share a time")] = "letters"

    def build(self) -> Circuit:
        return circuits.hamiltonian_variational(self.hamiltonian.build(), self.layers, self.initial, self.share)


Ansatz = Annotated[
    HardwareEfficient | Purification | Brickwork | MeraTree | HamiltonianVariational, Field(discriminator="kind")
]


def _edges(topology: Topology) -> str | list[tuple[int, int]]:
    """A topology as the ansatz library takes it."""
    return topology if isinstance(topology, str) else [(pair[0], pair[1]) for pair in topology]
