"""Families of states that a study may name beside circuits, and how each is built."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from qml._checks import InputError
from qml.engines.thermal import KrylovEngine
from qml.models import (
    CholeskyModel,
    EvolvedGibbsModel,
    GibbsModel,
    HiddenGibbsModel,
    IsingEnergies,
    LargeGibbsModel,
    Model,
    PurifiedCircuitModel,
    SpectralModel,
    semi_quantum_restricted,
)
from qml.operators import PauliSum, pauli
from qml.studies.spec.ansatze import Ansatz
from qml.studies.spec.parts import Generators, ReadoutRule
from qml.studies.spec.schema import FewQubits, Seed, Spec

Smoothing = Annotated[float, Field(ge=0.0, lt=1.0, description="weight of the maximally mixed state that is mixed in")]
Edge: TypeAlias = Annotated[list[int], Field(min_length=2)]


class Named(Spec):
    """What every model has."""

    def learnt_noise(self) -> list[str]:
        """The names of the noise parameters that the model learns, in the order of the study."""
        return []


def words_of(rules: list[ReadoutRule]) -> list[str]:
    """The names among the parameters of channels."""
    return list(dict.fromkeys(p for rule in rules for p in rule.params if isinstance(p, str)))


class Gibbs(Named):
    """exp(-K)/Z with K = sum_j theta_j G_j over Pauli strings G_j."""

    kind: Literal["gibbs"]
    generators: Generators

    def build(self) -> GibbsModel:
        return self.generators.build()


class LargeGibbs(Named):
    """The same without a matrix: log Z and gradients from random vectors, with statistical errors."""

    kind: Literal["large_gibbs"]
    generators: Generators
    samples: Annotated[int, Field(ge=2, le=100_000, description="random vectors; errors fall as 1/sqrt(samples)")] = 32
    seed: Annotated[Seed, Field(description="what the vectors follow from, the same for every theta")] = 0
    krylov: Annotated[int | None, Field(ge=1, description="Lanczos steps at most; 400 by default")] = None

    def build(self) -> LargeGibbsModel:
        return LargeGibbsModel(strings(self.generators), KrylovEngine(self.samples, self.seed, self.krylov))


class Hidden(Named):
    """A Gibbs state of visible and hidden qubits, the hidden ones discarded."""

    kind: Literal["hidden"]
    generators: Annotated[Generators, Field(description="on all qubits, the hidden ones included")]
    hidden: Annotated[
        int | Annotated[list[int], Field(min_length=1)],
        Field(description="how many of the last qubits are hidden, or which ones"),
    ] = 1

    def build(self) -> HiddenGibbsModel:
        return HiddenGibbsModel(strings(self.generators), self.hidden)


class SemiQuantum(Named):
    """A restricted Boltzmann machine: classical visible units, each coupled to quantum hidden ones."""

    kind: Literal["semi_quantum"]
    n_visible: FewQubits
    n_hidden: FewQubits
    letters: Annotated[str, Field(description="the Pauli letters that act on hidden qubits")] = "XYZ"

    def build(self) -> HiddenGibbsModel:
        return semi_quantum_restricted(self.n_visible, self.n_hidden, self.letters)


class Evolved(Named):
    """A Gibbs state, then a unitary circuit."""

    kind: Literal["evolved"]
    generators: Generators
    ansatz: Ansatz

    def build(self) -> EvolvedGibbsModel:
        return EvolvedGibbsModel(strings(self.generators), self.ansatz.build())


class Spectral(Named):
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
        circuit = self.ansatz.build()
        energies = self.energies if self.edges is None else IsingEnergies(circuit.dims, self.edges)
        return SpectralModel(circuit, energies)


class Cholesky(Named):
    """Any state of a given rank, by a triangular factor."""

    kind: Literal["cholesky"]
    n: FewQubits | None = None
    dims: Annotated[
        list[Annotated[int, Field(ge=1)]] | None, Field(min_length=1, description="of the sites, instead of n")
    ] = None
    rank: Annotated[int | None, Field(ge=1, description="by default the dimension")] = None
    smoothing: Smoothing = 0.0

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.n is None) == (self.dims is None):
            raise InputError(f"give either n or dims; found {'neither' if self.n is None else 'both'}.")
        return self

    def build(self) -> CholeskyModel:
        dims = self.dims if self.n is None else (2,) * self.n
        assert dims is not None
        return CholeskyModel(dims, self.rank, smoothing=self.smoothing)


class Purified(Named):
    """A pure circuit on a system and ancillas, its last sites, which are discarded; held as a factor of low rank."""

    kind: Literal["purified"]
    ansatz: Annotated[Ansatz, Field(description="unitary, on the system and then the ancillas")]
    n_ancillas: Annotated[int, Field(ge=0, le=24, description="how many of the last qubits are discarded")]
    smoothing: Smoothing = 0.0

    def build(self) -> Model:
        return PurifiedCircuitModel(self.ansatz.build(), self.n_ancillas, smoothing=self.smoothing)


def strings(generators: Generators) -> list[PauliSum]:
    """The Pauli strings of a set, one generator each."""
    return [pauli(label) for label in generators.build().parameter_names]
