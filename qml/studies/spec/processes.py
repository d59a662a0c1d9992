"""Processes in a study: what a circuit does to its input, as a target and as a model, gate sets, and jump operators."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from qml import Circuit
from qml._checks import InputError
from qml._typing import Complex
from qml.measurement import Counts, PauliMeasurement
from qml.operators import embed
from qml.parameters import Interval
from qml.processes import (
    Design,
    Experiments,
    GateSetModel,
    LindbladModel,
    Parities,
    PauliLindbladModel,
    Process,
    ProcessFamily,
    ProcessModel,
    xyi_gate_set,
    xyi_words,
)
from qml.states import State, basis_state
from qml.studies.spec.parts import Ansatz, EngineName, NoiseRule, PauliTerms, noise_model
from qml.studies.spec.schema import Qubits, Spec, members
from qml.studies.spec.signatures import VALUES, Made, built, union

Ends: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
Domains: TypeAlias = Annotated[
    dict[str, Ends], Field(description="narrower intervals [low, high] of parameters with a domain, by name")
]


def intervals(domains: dict[str, list[float]]) -> dict[str, Interval]:
    """The intervals of parameters, by name."""
    return {name: Interval(*ends) for name, ends in domains.items()}


class ProcessTarget(Spec):
    """What a circuit does to its input, as a Choi state: input sites, then output sites.

    Parameters
    ----------
    noise : list
        Channels behind gates.
    values : mapping
        Of every parameter of the circuit, by name.
    """

    kind: Literal["process"]
    ansatz: Ansatz
    noise: list[NoiseRule] = Field(default_factory=list)
    values: dict[str, float] = Field(default_factory=dict)

    def process(self) -> Process:
        """The process."""
        circuit: Circuit = built(self, "ansatz").with_noise(noise_model(self.noise, []))
        return Process.from_circuit(circuit, self.values if circuit.n_params else ())

    def state(self) -> State:
        """The Choi state."""
        return self.process().choi


class ProcessSpec(Spec):
    """What a circuit does to its input, noise learnt with it: a model of Choi states.

    Parameters
    ----------
    noise : list
        Channels behind gates.
    """

    kind: Literal["process"]
    ansatz: Ansatz
    noise: list[NoiseRule] = Field(default_factory=list)
    engine: EngineName = "pauli"
    domains: Domains = Field(default_factory=dict)

    def build(self) -> ProcessModel:
        circuit = built(self, "ansatz").with_noise(noise_model(self.noise, []))
        return ProcessModel(circuit, engine=self.engine, domains=intervals(self.domains))


class GateSetSpec(Spec):
    """Gates that are learnt together from words of gates: a standard set, or circuits whose noise is learnt.

    Parameters
    ----------
    standard : "xyi"
        One qubit: Gi, Gx, Gy, preparation rho, measurement Z; or gates.
    parametrization : {"tp", "cptp", "known"}
        Of gates without free parameters of their own.
    gates : mapping
        A circuit for each name; or standard.
    """

    kind: Literal["gate_set"]
    standard: Literal["xyi"] | None = None
    parametrization: Literal["tp", "cptp", "known"] = "tp"
    gates: Annotated[dict[str, Ansatz] | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.standard is None) == (self.gates is None):
            raise InputError(f"give either standard or gates; found {'neither' if self.gates is None else 'both'}.")
        return self

    def build(self) -> ProcessFamily:
        if self.standard is not None:
            return xyi_gate_set(self.parametrization)
        return GateSetModel(built(self, "gates"), kind=self.parametrization)


class Lowering(Spec):
    r"""The operator \|0><1| of one qubit: decay."""

    kind: Literal["lowering"]
    n: Qubits
    site: Annotated[int, Field(ge=0)] = 0

    def build(self) -> Complex:
        if self.site >= self.n:
            raise InputError(f"site must be below n = {self.n}; found {self.site}.")
        return embed(np.array([[0, 1], [0, 0]], dtype=np.complex128), [self.site], (2,) * self.n)


class Raising(Lowering):
    r"""The operator \|1><0| of one qubit: excitation."""

    kind: Literal["raising"]  # type: ignore[assignment]

    def build(self) -> Complex:
        return np.ascontiguousarray(super().build().conj().T)


JumpSpec: TypeAlias = Annotated[Spec, union({}, Lowering, Raising, PauliTerms)]
VALUES["JumpLike"] = JumpSpec
FamilySpec: TypeAlias = Annotated[
    Made, union({"lindblad": LindbladModel, "pauli_lindblad": PauliLindbladModel}, GateSetSpec)
]
FAMILIES = members(FamilySpec)
"""Kinds of models that are learnt from records of many circuits."""


class SimulatedExperiments(Spec):
    """Counts of experiments on processes, simulated: words of gates, or times, with preparations and measurements.

    Parameters
    ----------
    of : mapping
        The processes.
    values : mapping
        Of its parameters, by name; gate sets have defaults.
    shots : int
        Of every setting.
    times : list of float
        Of a Lindblad equation: all Pauli preparations and measurements at each.
    words : list of str
        Of a gate set: names of gates with spaces between them.
    max_length : int
        Of the standard gate set: its words up to this length.
    depths : list of int
        Of Pauli noise: all strings of weight 1 after so many uses.
    """

    kind: Literal["experiments"]
    of: FamilySpec
    values: dict[str, float] = Field(default_factory=dict)
    shots: Annotated[int, Field(ge=1, lt=2**53)]
    times: Annotated[list[Annotated[float, Field(ge=0.0)]] | None, Field(min_length=1)] = None
    words: Annotated[list[str] | None, Field(min_length=1)] = None
    max_length: Annotated[int | None, Field(ge=1, le=1024)] = None
    depths: Annotated[list[Annotated[int, Field(ge=0)]] | None, Field(min_length=1)] = None

    def experiments(self, family: ProcessFamily) -> Design:
        """What is measured."""
        n = len(family.sites)
        if isinstance(family, LindbladModel) and self.times is not None:
            return Experiments.product(self.times, n, PauliMeasurement(n))
        if isinstance(family, GateSetModel) and (self.words or self.max_length):
            words: list[Any] = [] if self.max_length is None else list(xyi_words(self.max_length))
            zero = {"rho": basis_state("0" * n)}
            return Experiments.product([*words, *(self.words or [])], zero, PauliMeasurement(["Z" * n]))
        if isinstance(family, PauliLindbladModel) and self.depths is not None:
            strings = ["I" * k + letter + "I" * (n - k - 1) for k in range(n) for letter in "XYZ"]
            return Parities(strings, self.depths)
        key = {"lindblad": "times", "gate_set": "words (or max_length)", "pauli_lindblad": "depths"}[self.of.kind]
        raise InputError(f"experiments of a {self.of.kind} need {key}.")

    def counts(self, rng: np.random.Generator) -> Counts:
        """The record."""
        family: ProcessFamily = self.of.build()
        design = self.experiments(family)
        theta = family.init_params(np.random.default_rng(0))
        if self.values or not isinstance(family, GateSetModel):
            theta = family.unconstrained(
                family.natural(theta) | self.values if self.of.kind == "gate_set" else self.values
            )
        return design.simulate(family.predict(theta, design), self.shots, rng)
