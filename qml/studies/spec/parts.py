"""The parts that targets and models of a study are made of: Hamiltonians, sets of Pauli strings, channels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from qml import Circuit, circuits, operators
from qml._checks import InputError, choice
from qml.channels import CHANNELS
from qml.engines import ReferenceEngine
from qml.instructions import Operation
from qml.models import GibbsModel
from qml.operators import PauliSum
from qml.states import State
from qml.studies.spec.schema import Qubits, Sites, Spec, arguments, shown

MAX_GENERATORS = 10_000


def _label(text: str) -> str:
    if not 1 <= len(text) <= 24 or not set(text) <= set("IXYZ"):
        raise InputError(f"a Pauli string is made of 1 to 24 letters I, X, Y, Z; found {shown(text)}.")
    return text


Label = Annotated[str, AfterValidator(_label)]
Bond = Annotated[list[int], Field(min_length=2, max_length=2)]
Bonds = Annotated[list[Bond] | None, Field(description="bonds [i, j], instead of those of the chain")]


class Tfim(Spec):
    """Transverse-field Ising model: -J sum ZZ - h sum X."""

    kind: Literal["tfim"]
    n: Qubits
    J: float = 1.0
    h: float = 1.0
    periodic: bool = False
    edges: Bonds = None

    def build(self) -> PauliSum:
        return operators.tfim(**arguments(self))


class Xxz(Spec):
    """XXZ model: J sum (XX + YY + delta ZZ) - h sum Z."""

    kind: Literal["xxz"]
    n: Qubits
    J: float = 1.0
    delta: float = 1.0
    h: float = 0.0
    periodic: bool = False
    edges: Bonds = None

    def build(self) -> PauliSum:
        return operators.xxz(**arguments(self))


class Heisenberg(Spec):
    """Heisenberg model: sum (Jx XX + Jy YY + Jz ZZ) - h sum Z; J is one number or three."""

    kind: Literal["heisenberg"]
    n: Qubits
    J: float | Annotated[list[float], Field(min_length=3, max_length=3)] = 1.0
    h: float = 0.0
    periodic: bool = False
    edges: Bonds = None

    def build(self) -> PauliSum:
        return operators.heisenberg(**arguments(self))


class J1J2(Spec):
    """Heisenberg chain with nearest (J1) and next-nearest (J2) couplings."""

    kind: Literal["j1j2"]
    n: Qubits
    J1: float = 1.0
    J2: float = 0.5
    periodic: bool = False

    def build(self) -> PauliSum:
        return operators.j1j2(**arguments(self))


class Hubbard(Spec):
    """Fermi-Hubbard model on 2 n_sites qubits (Jordan-Wigner)."""

    kind: Literal["hubbard"]
    n_sites: Annotated[int, Field(ge=1, le=12, description="number of lattice sites, two qubits each")]
    t: float = 1.0
    U: float = 4.0
    mu: float = 0.0
    periodic: bool = False
    edges: Bonds = None

    def build(self) -> PauliSum:
        return operators.hubbard(**arguments(self))


class PauliTerms(Spec):
    """Any Pauli sum, as coefficients by label."""

    kind: Literal["pauli"]
    terms: Annotated[dict[Label, float], Field(min_length=1, description="coefficients by Pauli label")]

    @field_validator("terms")
    @classmethod
    def _one_length(cls, terms: dict[str, float]) -> dict[str, float]:
        return dict(zip(_same_length(list(terms)), terms.values(), strict=True))

    def build(self) -> PauliSum:
        return PauliSum.from_terms(self.terms)


Hamiltonian = Annotated[Tfim | Xxz | Heisenberg | J1J2 | Hubbard | PauliTerms, Field(discriminator="kind")]


class Neighbors(Spec):
    """Every Pauli string on at most `weight` consecutive qubits of a chain."""

    kind: Literal["neighbors"]
    n: Qubits
    weight: Annotated[int, Field(ge=1, le=24)] = 2
    periodic: bool = False

    def build(self) -> GibbsModel:
        _limited(self.n * 4**self.weight)
        return GibbsModel(PauliSum.from_terms(dict.fromkeys(self._labels(), 1.0)))

    def _labels(self) -> Iterator[str]:
        """Shorter strings first."""
        for length in range(1, min(self.weight, self.n) + 1):
            for start in range(self.n if self.periodic else self.n - length + 1):
                window = [(start + k) % self.n for k in range(length)]
                for letters in itertools.product("IXYZ", repeat=length):
                    at = dict(zip(window, letters, strict=True))
                    yield "".join(at.get(q, "I") for q in range(self.n))


class UpToWeight(Spec):
    """Every Pauli string that acts on at most `weight` qubits, wherever they are."""

    kind: Literal["up_to_weight"]
    n: Qubits
    weight: Annotated[int, Field(ge=1, le=24)] = 2

    def build(self) -> GibbsModel:
        _limited(sum(math.comb(self.n, w) * 3**w for w in range(1, self.weight + 1)))
        return GibbsModel.all_paulis(self.n, self.weight)


class TermsOf(Spec):
    """The Pauli strings of a Hamiltonian, each with its own coefficient to learn."""

    kind: Literal["terms_of"]
    hamiltonian: Hamiltonian

    def build(self) -> GibbsModel:
        return GibbsModel(self.hamiltonian.build())


class Strings(Spec):
    """The Pauli strings that are listed."""

    kind: Literal["strings"]
    labels: Annotated[list[Label], Field(min_length=1)]

    @field_validator("labels")
    @classmethod
    def _one_length(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) != len(labels):
            raise InputError("a Pauli string is listed twice: each needs one coefficient only.")
        return _same_length(labels)

    def build(self) -> GibbsModel:
        return GibbsModel(PauliSum.from_terms(dict.fromkeys(self.labels, 1.0)))


Generators = Annotated[Neighbors | UpToWeight | TermsOf | Strings, Field(discriminator="kind")]


def _limited(count: int) -> None:
    if count > MAX_GENERATORS:
        raise InputError(f"{count} Pauli strings are more than {MAX_GENERATORS}: choose a smaller weight.")


def _same_length(labels: list[str]) -> list[str]:
    for label in labels:
        if len(label) != len(labels[0]):
            raise InputError(f"Pauli strings must have one length; found {labels[0]!r} and {label!r}.")
    return labels


class _ChannelRule(Spec):
    channel: str
    params: list[float | str] = Field(default_factory=list)

    @field_validator("channel")
    @classmethod
    def _known(cls, name: str) -> str:
        return choice("channel", name, CHANNELS)

    @model_validator(mode="after")
    def _takes(self) -> Self:
        circuits.NoiseModel().add(CHANNELS[self.channel], *self.params)
        return self


class AppliedChannel(_ChannelRule):
    """A channel that the target is seen through: on every site in turn, or on the sites listed."""

    params: list[float] = Field(default_factory=list)  # type: ignore[assignment]
    sites: Literal["all"] | Sites = "all"

    @model_validator(mode="after")
    def _together(self) -> Self:
        n = CHANNELS[self.channel].n_sites
        if n > 1 and (self.sites == "all" or len(self.sites) != n):
            raise InputError(
                f"{self.channel} acts on {n} sites together: list {n} in sites; found {shown(self.sites)}."
            )
        return self


class NoiseRule(_ChannelRule):
    """A channel behind gates; a word among its parameters is the name of one to be learnt."""

    gates: Annotated[list[str] | None, Field(description="names of the gates it follows; all of them by default")] = (
        None
    )
    sites: Sites | None = None


class ReadoutRule(_ChannelRule):
    """A channel at the end of a circuit, on every qubit or those listed; its parameters may be learnt, too."""

    sites: Sites | None = None

    @model_validator(mode="after")
    def _one_site(self) -> Self:
        if CHANNELS[self.channel].n_sites != 1:
            raise InputError(f"a channel at the end acts on one site; {self.channel} acts on more.")
        return self


def seen_through(state: State, rules: list[AppliedChannel]) -> State:
    """The state after the channels, one rule after the other."""
    operations: list[Operation] = []
    for rule in rules:
        channel = CHANNELS[rule.channel]
        sites = tuple(range(len(state.dims))) if rule.sites == "all" else tuple(rule.sites)
        placed = [(s,) for s in sites] if channel.n_sites == 1 else [sites]
        operations += [channel(*rule.params, *s) for s in placed]
    if not operations:
        return state
    return ReferenceEngine().evolve(Circuit(state.dims, operations).compile(), [], state)
