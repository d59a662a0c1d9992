"""Conditional models that a study may name: a state for every input, learnt from labelled data."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qml import NoiseModel, circuits
from qml.channels import CHANNELS
from qml.models import ConditionalCircuitModel, ConditionalGibbsModel
from qml.studies.spec.model_families import Named, strings, words_of
from qml.studies.spec.parts import Neighbors, ReadoutRule, Strings, TermsOf, UpToWeight
from qml.studies.spec.schema import FewQubits, Spec


class Projectors(Spec):
    """The projectors |c><c| on the levels: softmax regression."""

    kind: Literal["projectors"]
    levels: Annotated[int, Field(ge=2, le=64, description="as many as those of the label states")]


class Hermitian(Spec):
    """All Hermitian operators on the levels: projectors, and the real and imaginary parts of |a><b|."""

    kind: Literal["hermitian"]
    levels: Annotated[int, Field(ge=2, le=16, description="as many as those of the label states")]


ConditionalGenerators: TypeAlias = Annotated[
    Projectors | Hermitian | Neighbors | UpToWeight | TermsOf | Strings, Field(discriminator="kind")
]


class ConditionalGibbs(Named):
    """Gibbs states whose parameters are linear in the input: K(x) = sum_j (b_j + W_j . x) G_j."""

    kind: Literal["conditional_gibbs"]
    generators: ConditionalGenerators
    bias: Annotated[bool, Field(description="whether the biases b are there")] = True

    def on(self, n_inputs: int) -> ConditionalGibbsModel:
        """The model for inputs of this length."""
        chosen = self.generators
        if isinstance(chosen, Projectors | Hermitian):
            return ConditionalGibbsModel(operators(chosen), n_inputs, bias=self.bias)
        return ConditionalGibbsModel(strings(chosen), n_inputs, bias=self.bias)


class ConditionalCircuit(Named):
    """A circuit that the input is uploaded into in every layer, with learnt scales; its ancillas are traced out."""

    kind: Literal["conditional_circuit"]
    n: FewQubits
    layers: Annotated[int, Field(ge=1, le=100, description="uploads of the whole input")]
    ancillas: Annotated[int, Field(ge=0, le=8, description="qubits that are traced out; without any, states are pure")]
    scales: Annotated[bool, Field(description="whether every upload has a factor that is learnt")] = True
    readout: Annotated[list[ReadoutRule], Field(description="channels at the end, on every qubit")] = Field(
        default_factory=list
    )

    def on(self, n_inputs: int) -> ConditionalCircuitModel:
        """The model for inputs of this length."""
        circuit, data = circuits.reuploading(self.n, n_inputs, self.layers, self.ancillas)
        model = NoiseModel()
        for rule in self.readout:
            model = model.with_readout(*rule.params, sites=rule.sites, channel=CHANNELS[rule.channel])
        return ConditionalCircuitModel(circuit.with_noise(model), data, n_inputs=n_inputs, scales=self.scales)

    def learnt_noise(self) -> list[str]:
        return words_of(self.readout)


def operators(chosen: Projectors | Hermitian) -> dict[str, np.ndarray]:
    """Operators on levels by name."""
    d = chosen.levels
    found: dict[str, np.ndarray] = {}
    for a in range(d):
        found[f"{a}"] = np.diag(np.eye(d)[a])
    if isinstance(chosen, Hermitian):
        for a in range(d):
            for b in range(a + 1, d):
                unit = np.zeros((d, d), dtype=np.complex128)
                unit[a, b] = 0.5
                found[f"re({a},{b})"] = unit + unit.conj().T
                found[f"im({a},{b})"] = 1j * unit + (1j * unit).conj().T
    return found
