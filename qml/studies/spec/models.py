"""The models that a study may name: those of the library, by their arguments, and those that it says in other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from qml import Circuit, circuits
from qml._checks import InputError
from qml._typing import Complex
from qml.engines import ChainEngine
from qml.engines.thermal import KrylovEngine
from qml.models import (
    MODELS,
    ChainGibbsModel,
    CircuitModel,
    ConditionalCircuitModel,
    ConditionalGibbsModel,
    IsingEnergies,
    LargeGibbsModel,
    Model,
    NoisyModel,
    SpectralModel,
    semi_quantum_restricted,
)
from qml.models.parts import Fixed
from qml.operators import GeneratorsLike, embed
from qml.parameters import Interval
from qml.processes import (
    GateSetModel,
    KrausModel,
    LindbladModel,
    PauliLindbladModel,
    ProcessFamily,
    ProcessModel,
    xyi_gate_set,
)
from qml.studies.spec.parts import (
    Ansatz,
    Bond,
    ChannelRule,
    EngineName,
    NoiseRule,
    ReadoutRule,
    Tolerance,
    noise_model,
    pauli,
    placed,
)
from qml.studies.spec.schema import FewQubits, Kinds, Seed, Spec, members
from qml.studies.spec.signatures import NOTHING, VALUES, Made, built, union
from qml.studies.spec.states import Target

Edge: TypeAlias = Annotated[list[int], Field(min_length=2)]
_KINDS = Kinds({})
ModelSpec: TypeAlias = Annotated[Made, _KINDS]
VALUES["Model"] = ModelSpec
Ends: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
Domains: TypeAlias = Annotated[
    Mapping[str, Ends], Field(description="narrower intervals [low, high] of parameters with a domain, by name")
]


def intervals(domains: Domains) -> dict[str, Interval]:
    """The intervals of parameters, by name."""
    return {name: Interval(*ends) for name, ends in domains.items()}


class CircuitSpec(Spec):
    """The state that a circuit prepares, noise and traced-out ancillas included.

    Parameters
    ----------
    noise : list
        Channels behind gates.
    readout : list
        Channels at the end, on every qubit.
    initial : mapping
        What it starts from, by default |0...0>.
    """

    kind: Literal["circuit"]
    ansatz: Ansatz
    noise: list[NoiseRule] = Field(default=[])
    readout: list[ReadoutRule] = Field(default=[])
    engine: EngineName = "pauli"
    initial: ModelSpec | None = None
    domains: Domains = Field(default={})

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


def large_gibbs(
    generators: GeneratorsLike,
    samples: Annotated[int, Field(ge=2, le=100_000)] = 32,
    seed: Seed = 0,
    krylov: Annotated[int | None, Field(ge=1)] = None,
) -> LargeGibbsModel:
    """exp(-K)/Z of Pauli strings without a matrix: log Z and gradients from random vectors, with statistical errors.

    Parameters
    ----------
    samples : int
        Random vectors; errors fall as 1/sqrt(samples).
    seed : int
        What the vectors follow from, the same for every theta.
    krylov : int
        At most so many Lanczos steps; 400 by default.
    """
    return LargeGibbsModel(generators, KrylovEngine(samples, seed, krylov))


def chain_gibbs(generators: GeneratorsLike, tolerance: Tolerance = 1e-8, bond: Bond = 128) -> ChainGibbsModel:
    """exp(-K)/Z of a long chain, to a tolerance, as matrix-product operators, with the metric that newton asks for."""
    return ChainGibbsModel(generators, ChainEngine(tolerance, bond))


def spectral(
    ansatz: Circuit,
    energies: Literal["product", "table", "ising"] = "product",
    edges: list[Edge] | None = None,
) -> SpectralModel:
    """Diagonal energies, of independent qubits, a full table or an Ising model, rotated by a circuit.

    Parameters
    ----------
    edges : list
        Qubits that each Ising coupling joins; all pairs by default.
    """
    if edges is not None and energies != "ising":
        raise InputError(f"edges belong to energies: ising; found energies: {energies}.")
    return SpectralModel(ansatz, energies if edges is None else IsingEnergies(ansatz.dims, edges))


def fixed(state: Target) -> Model:
    """One state, with nothing to learn: a member of other models, or a baseline.

    Parameters
    ----------
    state : mapping
        Any that follows from no random numbers and no file.
    """
    return Fixed(state.state)


def noisy(
    model: Model, noise: Annotated[list[ReadoutRule], Field(min_length=1)], domains: Domains = NOTHING
) -> NoisyModel:
    """Any model, seen through channels, whose strengths may be learnt with it.

    Parameters
    ----------
    noise : list
        Channels on top, in their order.
    """
    return NoisyModel(model, placed(noise, model.dims), domains=intervals(domains))


def process(
    ansatz: Circuit, noise: Sequence[NoiseRule] = (), engine: EngineName = "pauli", domains: Domains = NOTHING
) -> ProcessModel:
    """What a circuit does to its input, noise learnt with it: a model of Choi states.

    Parameters
    ----------
    noise : list
        Channels behind gates.
    """
    return ProcessModel(ansatz.with_noise(noise_model(noise, ())), engine=engine, domains=intervals(domains))


_OWN: dict[str, Callable[..., Model]] = {
    "large_gibbs": large_gibbs,
    "chain_gibbs": chain_gibbs,
    "spectral": spectral,
    "fixed": fixed,
    "noisy": noisy,
    "process": process,
    "semi_quantum": semi_quantum_restricted,
    "kraus": KrausModel,
}
_KINDS.specs |= union({**MODELS, **_OWN}, CircuitSpec).specs


def conditional_circuit(
    n: FewQubits,
    n_inputs: int,
    layers: Annotated[int, Field(ge=1, le=100)],
    ancillas: Annotated[int, Field(ge=0, le=8)],
    scales: bool = True,
    readout: Sequence[ReadoutRule] = (),
) -> ConditionalCircuitModel:
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
    circuit, data = circuits.reuploading(n, n_inputs, layers, ancillas)
    noisy = circuit.with_noise(noise_model([], readout))
    return ConditionalCircuitModel(noisy, data, n_inputs=n_inputs, scales=scales)


_CONDITIONAL = {"conditional_gibbs": ConditionalGibbsModel, "conditional_circuit": conditional_circuit}
ConditionalSpec: TypeAlias = Annotated[Made, union(_CONDITIONAL)]


# families of processes --------------------------------------------------------------------------------------------


def gate_set(
    standard: Literal["xyi"] | None = None,
    parametrization: Literal["tp", "cptp", "known"] = "tp",
    gates: Annotated[dict[str, Circuit] | None, Field(min_length=1)] = None,
) -> ProcessFamily:
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
    if standard is None and gates is not None:
        return GateSetModel(gates, kind=parametrization)
    if standard is None or gates is not None:
        raise InputError(f"give either standard or gates; found {'neither' if gates is None else 'both'}.")
    return xyi_gate_set(parametrization)


def lowering(n: int, site: Annotated[int, Field(ge=0)] = 0) -> Complex:
    r"""The operator \|0><1| of one qubit: decay."""
    if site >= n:
        raise InputError(f"site must be below n = {n}; found {site}.")
    return embed(np.array([[0, 1], [0, 0]], dtype=np.complex128), [site], (2,) * n)


def raising(n: int, site: Annotated[int, Field(ge=0)] = 0) -> Complex:
    r"""The operator \|1><0| of one qubit: excitation."""
    return np.ascontiguousarray(lowering(n, site).conj().T)


JumpSpec: TypeAlias = Annotated[Made, union({"lowering": lowering, "raising": raising, "pauli": pauli}, title="jumps")]
VALUES["JumpLike"] = JumpSpec
FamilySpec: TypeAlias = Annotated[
    Made, union({"gate_set": gate_set, "lindblad": LindbladModel, "pauli_lindblad": PauliLindbladModel})
]
VALUES["ProcessFamily"] = FamilySpec
FAMILIES = members(FamilySpec)
"""Kinds of models that are learnt from records of many circuits."""
AnyModelSpec: TypeAlias = Annotated[Made, Kinds(members(ModelSpec) | members(ConditionalSpec) | FAMILIES, "models")]
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
