"""Conditional models that a study may name: a state for every input, learnt from labelled data."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from qml import circuits
from qml.models import ConditionalCircuitModel, ConditionalGibbsModel
from qml.studies.spec.parts import ReadoutRule, noise_model
from qml.studies.spec.schema import FewQubits, Spec
from qml.studies.spec.signatures import Made, union


class ConditionalCircuit(Spec):
    """A circuit that the input is uploaded into in every layer, with learnt scales; its ancillas are traced out.

    Parameters
    ----------
    layers : int
        Uploads of the whole input.
    ancillas : int
        Qubits that are traced out; without any, states are pure.
    scales : bool
        Whether every upload has a factor that is learnt.
    readout : list
        Channels at the end, on every qubit.
    """

    kind: Literal["conditional_circuit"]
    n: FewQubits
    layers: Annotated[int, Field(ge=1, le=100)]
    ancillas: Annotated[int, Field(ge=0, le=8)]
    scales: bool = True
    readout: list[ReadoutRule] = Field(default_factory=list)

    def build(self, n_inputs: int) -> ConditionalCircuitModel:
        """The model for inputs of this length."""
        circuit, data = circuits.reuploading(self.n, n_inputs, self.layers, self.ancillas)
        noisy = circuit.with_noise(noise_model([], self.readout))
        return ConditionalCircuitModel(noisy, data, n_inputs=n_inputs, scales=self.scales)


ConditionalSpec: TypeAlias = Annotated[Made, union({"conditional_gibbs": ConditionalGibbsModel}, ConditionalCircuit)]
