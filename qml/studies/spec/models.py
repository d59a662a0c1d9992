"""The models that a study may name: those of the library, by their arguments, and those that it says in other words."""

from __future__ import annotations

from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from qml import Circuit as Gates
from qml._checks import InputError
from qml.channels import CHANNELS
from qml.engines import ChainEngine
from qml.engines.thermal import KrylovEngine
from qml.models import (
    MODELS,
    ChainGibbsModel,
    CircuitModel,
    IsingEnergies,
    LargeGibbsModel,
    MixtureModel,
    Model,
    NoisyModel,
    ProductModel,
    SpectralModel,
    semi_quantum_restricted,
)
from qml.models.parts import Fixed as FixedModel
from qml.studies.spec.conditional import ConditionalSpec
from qml.studies.spec.parts import (
    Ansatz,
    Bond,
    ChannelRule,
    EngineName,
    Generators,
    NoiseRule,
    ReadoutRule,
    Tolerance,
    noise_model,
)
from qml.studies.spec.processes import FAMILIES, Domains, KrausSpec, ProcessSpec, intervals
from qml.studies.spec.schema import Seed, Spec
from qml.studies.spec.signatures import Made, built, union
from qml.studies.spec.targets import Context, KnownStateSpec

Edge: TypeAlias = Annotated[list[int], Field(min_length=2)]


class Circuit(Spec):
    """The state that a circuit prepares, noise and traced-out ancillas included."""

    kind: Literal["circuit"]
    ansatz: Ansatz
    noise: Annotated[list[NoiseRule], Field(description="channels behind gates")] = Field(default_factory=list)
    readout: Annotated[list[ReadoutRule], Field(description="channels at the end, on every qubit")] = Field(
        default_factory=list
    )
    engine: EngineName = "pauli"
    initial: Annotated[ModelSpec | None, Field(description="what it starts from, by default |0...0>")] = None
    domains: Domains = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """``circuit: {qasm: FILE}`` is short for an ansatz of the kind qasm."""
        if isinstance(data, dict) and isinstance(data.get("circuit"), dict) and set(data["circuit"]) == {"qasm"}:
            rest = {key: value for key, value in data.items() if key != "circuit"}
            return {**rest, "ansatz": {"kind": "qasm", "file": data["circuit"]["qasm"]}}
        return data

    def build(self) -> CircuitModel:
        circuit = built(self, "ansatz").with_noise(noise_model(self.noise, self.readout))
        initial, domains = built(self, "initial"), intervals(self.domains)
        return CircuitModel(circuit, engine=self.engine, initial=initial, domains=domains)


class LargeGibbs(Spec):
    """exp(-K)/Z of Pauli strings without a matrix: log Z and gradients from random vectors, with statistical errors."""

    kind: Literal["large_gibbs"]
    generators: Generators
    samples: Annotated[int, Field(ge=2, le=100_000, description="random vectors; errors fall as 1/sqrt(samples)")] = 32
    seed: Annotated[Seed, Field(description="what the vectors follow from, the same for every theta")] = 0
    krylov: Annotated[int | None, Field(ge=1, description="Lanczos steps at most; 400 by default")] = None

    def build(self) -> LargeGibbsModel:
        return LargeGibbsModel(built(self, "generators"), KrylovEngine(self.samples, self.seed, self.krylov))


class ChainGibbs(Spec):
    """exp(-K)/Z of a long chain, to a tolerance, as matrix-product operators, with the metric that newton asks for."""

    kind: Literal["chain_gibbs"]
    generators: Generators
    tolerance: Tolerance = 1e-8
    bond: Bond = 128

    def build(self) -> ChainGibbsModel:
        return ChainGibbsModel(built(self, "generators"), ChainEngine(self.tolerance, self.bond))


class Spectral(Spec):
    """Diagonal energies, of independent qubits, a full table or an Ising model, rotated by a circuit."""

    kind: Literal["spectral"]
    ansatz: Ansatz
    energies: Literal["product", "table", "ising"] = "product"
    edges: Annotated[
        list[Edge] | None, Field(description="qubits that each Ising coupling joins; all pairs by default")
    ] = None

    @model_validator(mode="after")
    def _edges_of_ising(self) -> Self:
        if self.edges is not None and self.energies != "ising":
            raise InputError(f"edges belong to energies: ising; found energies: {self.energies}.")
        return self

    def build(self) -> SpectralModel:
        circuit = built(self, "ansatz")
        return SpectralModel(circuit, self.energies if self.edges is None else IsingEnergies(circuit.dims, self.edges))


class Fixed(Spec):
    """One state, with nothing to learn: a member of other models, or a baseline."""

    kind: Literal["fixed"]
    state: Annotated[KnownStateSpec, Field(description="any that follows from no random numbers and no file")]

    def build(self) -> Model:
        return FixedModel(self.state.build(Context(Path(), 0)).state)


class Mixture(Made):
    """A convex combination of models on the same sites, weights and members learnt together."""

    kind: Literal["mixture"]
    members: Annotated[list[ModelSpec], Field(min_length=1, description="with equal dims")]
    maker = MixtureModel


class Product(Made):
    """Models side by side, without correlations between them."""

    kind: Literal["product"]
    factors: Annotated[list[ModelSpec], Field(min_length=1, description="in the order of the sites")]
    maker = ProductModel


class Noisy(Spec):
    """Any model, seen through channels, whose strengths may be learnt with it."""

    kind: Literal["noisy"]
    model: ModelSpec
    noise: Annotated[list[ReadoutRule], Field(min_length=1, description="channels on top, in their order")]
    domains: Domains = Field(default_factory=dict)

    def build(self) -> NoisyModel:
        model = built(self, "model")
        operations = [
            CHANNELS[rule.channel](*rule.params, site)
            for rule in self.noise
            for site in (range(len(model.dims)) if rule.sites is None else rule.sites)
        ]
        return NoisyModel(model, Gates(model.dims, operations), domains=intervals(self.domains))


if TYPE_CHECKING:
    ModelSpec: TypeAlias = Made
    AnyModelSpec: TypeAlias = Made
else:
    ModelSpec = union(
        MODELS | {"semi_quantum": semi_quantum_restricted},
        *(Circuit, LargeGibbs, ChainGibbs, Spectral, Fixed, Mixture, Product, Noisy, ProcessSpec, KrausSpec),
    )
    AnyModelSpec = Annotated[reduce(or_, [ModelSpec, ConditionalSpec, *FAMILIES.values()]), Field(discriminator="kind")]
    """What a fit may name: conditional models and families of processes are no members of other models."""


def learnt_noise(spec: Spec) -> list[str]:
    """The names of the noise parameters that a model learns, in the order of the study, as the model calls them."""
    found = []
    for key in type(spec).model_fields:
        value = getattr(spec, key)
        if isinstance(value, Spec):
            found += learnt_noise(value)
        for k, part in enumerate(value if isinstance(value, list) else ()):
            if isinstance(part, ChannelRule):
                found += [word for word in part.params if isinstance(word, str)]
            elif isinstance(part, Spec):
                found += [f"{k}.{name}" for name in learnt_noise(part)]
    return list(dict.fromkeys(found))
