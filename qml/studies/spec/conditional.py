"""Conditional models that a study may name: a state for every input, learnt from labelled data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from qml import circuits
from qml.models import ConditionalCircuitModel, ConditionalGibbsModel
from qml.studies.spec.parts import ReadoutRule, noise_model
from qml.studies.spec.schema import FewQubits, Spec
from qml.studies.spec.signatures import Made, union


class ConditionalCircuit(Spec):
    """A circuit that the input is uploaded into in every layer, with learnt scales; its ancillas are traced out."""

    kind: Literal["conditional_circuit"]
    n: FewQubits
    layers: Annotated[int, Field(ge=1, le=100, description="uploads of the whole input")]
    ancillas: Annotated[int, Field(ge=0, le=8, description="qubits that are traced out; without any, states are pure")]
    scales: Annotated[bool, Field(description="whether every upload has a factor that is learnt")] = True
    readout: Annotated[list[ReadoutRule], Field(description="channels at the end, on every qubit")] = Field(
        default_factory=list
    )

    def build(self, n_inputs: int) -> ConditionalCircuitModel:
        """The model for inputs of this length."""
        circuit, data = circuits.reuploading(self.n, n_inputs, self.layers, self.ancillas)
        noisy = circuit.with_noise(noise_model([], self.readout))
        return ConditionalCircuitModel(noisy, data, n_inputs=n_inputs, scales=self.scales)


if TYPE_CHECKING:
    ConditionalSpec: TypeAlias = Made
else:
    ConditionalSpec = union({"conditional_gibbs": ConditionalGibbsModel}, ConditionalCircuit)
