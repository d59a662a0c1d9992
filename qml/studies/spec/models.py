"""The models that a study may name: circuits, the families of `model_families`, and models that are made of models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from qml import Circuit as Gates
from qml import NoiseModel
from qml.channels import CHANNELS
from qml.models import CircuitModel, MixtureModel, Model, NoisyModel, ProductModel
from qml.models.parts import Fixed as FixedModel
from qml.studies.spec.ansatze import Ansatz
from qml.studies.spec.conditional import ConditionalCircuit, ConditionalGibbs
from qml.studies.spec.model_families import (
    Cholesky,
    Evolved,
    Gibbs,
    Hidden,
    LargeGibbs,
    Named,
    Purified,
    SemiQuantum,
    Spectral,
    words_of,
)
from qml.studies.spec.parts import NoiseRule, ReadoutRule
from qml.studies.spec.targets import Context, Ghz, MaximallyMixed, Probabilities, Thermal, W, Werner


class Circuit(Named):
    """The state that a circuit prepares from |0...0>, noise and traced-out ancillas included."""

    kind: Literal["circuit"]
    ansatz: Ansatz
    noise: Annotated[list[NoiseRule], Field(description="channels behind gates")] = Field(default_factory=list)
    readout: Annotated[list[ReadoutRule], Field(description="channels at the end, on every qubit")] = Field(
        default_factory=list
    )
    engine: Literal["pauli", "reference"] = "pauli"

    def build(self) -> CircuitModel:
        from qml.engines.registry import ENGINES  # it loads the compiled engine, which other models do not need

        return CircuitModel(self.ansatz.build().with_noise(self._noise()), engine=ENGINES[self.engine]())

    def _noise(self) -> NoiseModel:
        """The rules in their order."""
        model = NoiseModel()
        for rule in self.noise:
            model = model.add(CHANNELS[rule.channel], *rule.params, gates=rule.gates, sites=rule.sites)
        for last in self.readout:
            model = model.with_readout(*last.params, sites=last.sites, channel=CHANNELS[last.channel])
        return model

    def learnt_noise(self) -> list[str]:
        words = [p for rule in (*self.noise, *self.readout) for p in rule.params if isinstance(p, str)]
        return list(dict.fromkeys(words))


class Fixed(Named):
    """One state, with nothing to learn: a member of other models, or a baseline."""

    kind: Literal["fixed"]
    state: Annotated[
        Thermal | Ghz | W | Werner | MaximallyMixed | Probabilities,
        Field(discriminator="kind", description="thermal, ghz, w, werner, maximally_mixed or probabilities"),
    ]

    def build(self) -> Model:
        return FixedModel(self.state.build(Context(Path(), 0)).state)


class Mixture(Named):
    """A convex combination of models on the same sites, weights and members learnt together."""

    kind: Literal["mixture"]
    members: Annotated[list[ModelSpec], Field(min_length=1, description="with equal dims")]

    def build(self) -> MixtureModel:
        return MixtureModel([member.build() for member in self.members])

    def learnt_noise(self) -> list[str]:
        return _prefixed(self.members)


class Product(Named):
    """Models side by side, without correlations between them."""

    kind: Literal["product"]
    factors: Annotated[list[ModelSpec], Field(min_length=1, description="in the order of the sites")]

    def build(self) -> ProductModel:
        return ProductModel([factor.build() for factor in self.factors])

    def learnt_noise(self) -> list[str]:
        return _prefixed(self.factors)


class Noisy(Named):
    """Any model, seen through channels, whose strengths may be learnt with it."""

    kind: Literal["noisy"]
    model: ModelSpec
    noise: Annotated[list[ReadoutRule], Field(min_length=1, description="channels on top, in their order")]

    def build(self) -> NoisyModel:
        model = self.model.build()
        operations = [
            CHANNELS[rule.channel](*rule.params, site)
            for rule in self.noise
            for site in (range(len(model.dims)) if rule.sites is None else rule.sites)
        ]
        return NoisyModel(model, Gates(model.dims, operations))

    def learnt_noise(self) -> list[str]:
        return [*self.model.learnt_noise(), *words_of(self.noise)]


def _prefixed(specs: list[ModelSpec]) -> list[str]:
    """The learnt noise of members, as the joint model calls it."""
    return [f"{k}.{name}" for k, spec in enumerate(specs) for name in spec.learnt_noise()]


ModelSpec: TypeAlias = Annotated[
    Circuit
    | Gibbs
    | LargeGibbs
    | Hidden
    | SemiQuantum
    | Evolved
    | Spectral
    | Cholesky
    | Purified
    | Fixed
    | Mixture
    | Product
    | Noisy,
    Field(discriminator="kind"),
]

AnyModelSpec: TypeAlias = Annotated[ModelSpec | ConditionalGibbs | ConditionalCircuit, Field(discriminator="kind")]
"""What a fit may name: conditional models are no members of other models."""
