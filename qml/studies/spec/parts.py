"""The parts that targets and models of a study are made of: Hamiltonians, generators, circuits, channels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from qml import Circuit, NoiseModel
from qml._checks import InputError, choice
from qml._files import read_text
from qml._typing import Dims
from qml.channels import CHANNELS
from qml.circuits import ANSATZE
from qml.engines import ENGINES, ReferenceEngine
from qml.instructions import Operation
from qml.io import from_qasm
from qml.operators import GENERATORS, HAMILTONIANS, PauliSum
from qml.states import State
from qml.studies.files import inside
from qml.studies.spec.schema import SIZES, ManyQubits, Sites, Spec, shown
from qml.studies.spec.signatures import VALUES, Made, union

if TYPE_CHECKING:
    EngineName: TypeAlias = str
else:
    EngineName = Literal[tuple(ENGINES)]
"""What runs circuits, by name."""


def _label(text: str) -> str:
    if not 1 <= len(text) <= 200 or not set(text) <= set("IXYZ"):
        raise InputError(f"a Pauli string is made of 1 to 200 letters I, X, Y, Z; found {shown(text)}.")
    return text


Label = Annotated[str, AfterValidator(_label)]


class OfStrings(Made):
    """Pauli strings, which may be on more qubits than a state vector."""

    sizes = SIZES | {"n": ManyQubits, "n_sites": Annotated[int, Field(ge=1, le=100, description="number of sites")]}


def _one_length(labels: list[str]) -> list[str]:
    for label in labels:
        if len(label) != len(labels[0]):
            raise InputError(f"Pauli strings must have one length; found {labels[0]!r} and {label!r}.")
    if len(set(labels)) != len(labels):
        raise InputError("a Pauli string is listed twice: each needs one coefficient only.")
    return labels


def _terms(terms: dict[str, float]) -> dict[str, float]:
    return dict(zip(_one_length(list(terms)), terms.values(), strict=True))


Labels = Annotated[list[Label], Field(min_length=1), AfterValidator(_one_length)]
Terms = Annotated[dict[Label, float], Field(min_length=1), AfterValidator(_terms)]


def pauli(terms: Terms) -> PauliSum:
    """Any Pauli sum, as coefficients by label.

    Parameters
    ----------
    terms : mapping
        Coefficients by Pauli label.
    """
    return PauliSum.from_terms(terms)


Hamiltonian: TypeAlias = Annotated[Made, union({**HAMILTONIANS, "pauli": pauli}, base=OfStrings, title="hamiltonians")]
VALUES |= dict.fromkeys(("PauliSum", "PauliLike", "OperatorLike"), Hamiltonian)


Tolerance = Annotated[float, Field(ge=1e-12, le=0.1, description="of log Z and of the expectation of every string")]
Bond = Annotated[int, Field(ge=1, le=4096, description="the largest bond dimension")]
"""Of chains, as matrix-product operators."""


def terms_of(hamiltonian: PauliSum) -> PauliSum:
    """The Pauli strings of a Hamiltonian, each with its own coefficient to learn."""
    return hamiltonian


def strings(labels: Labels) -> PauliSum:
    """The Pauli strings that are listed."""
    return PauliSum.from_terms(dict.fromkeys(labels, 1.0))


LONGEST_PROGRAM = 1 << 17
"""Bytes of an OpenQASM program, which the resolved study keeps."""


class Program(Spec):
    """A circuit in OpenQASM 3 or 2, in a file beside the study or in the study; its inputs are learnt by name.

    Parameters
    ----------
    file : str
        Its path from the folder of the study on.
    text : str
        The program itself, instead of the file.
    """

    kind: Literal["qasm"]
    file: str | None = None
    text: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any, info: ValidationInfo) -> Any:
        """The file becomes its text, which the resolved study keeps."""
        name = data.get("file") if isinstance(data, dict) else None
        if not isinstance(name, str) or data.get("text") is not None:
            return data
        path = inside((info.context or {}).get("home", Path()), name)
        return {**data, "file": None, "text": read_text(path, "OpenQASM", most=16 * LONGEST_PROGRAM)}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.file is None) == (self.text is None):
            raise InputError(f"give either file or text; found {'neither' if self.file is None else 'both'}.")
        if len(self.text or "") > LONGEST_PROGRAM:
            raise InputError(f"a program of a study has at most {LONGEST_PROGRAM >> 10} KiB: use Python for larger.")
        return self

    def build(self) -> Circuit:
        found: Circuit = from_qasm(self.text or "")
        return found


_GENERATORS = {**GENERATORS, "terms_of": terms_of, "strings": strings}
Generators: TypeAlias = Annotated[Made, union(_GENERATORS, base=OfStrings, title="generators")]
Ansatz: TypeAlias = Annotated[Made, union(ANSATZE, Program, title="ansatze")]
VALUES |= {"GeneratorsLike": Generators, "Circuit": Ansatz}


class ChannelRule(Spec):
    """A channel and its parameters.

    Parameters
    ----------
    channel : str
        One of those that qml list channels names.
    params : list
        Its parameters, in the order of qml list channels.
    """

    channel: str
    params: list[float | str] = Field(default=[])

    @field_validator("channel")
    @classmethod
    def _known(cls, name: str) -> str:
        return choice("channel", name, CHANNELS)

    @model_validator(mode="after")
    def _takes(self) -> Self:
        NoiseModel().add(CHANNELS[self.channel], *self.params)
        return self


class AppliedChannel(ChannelRule):
    """A channel that the target is seen through: on every site in turn, or on the sites listed.

    Parameters
    ----------
    params : list of float
        Its parameters, in the order of qml list channels.
    """

    params: list[float] = Field(default=[])  # type: ignore[assignment]
    sites: Literal["all"] | Sites = "all"

    @model_validator(mode="after")
    def _together(self) -> Self:
        n = CHANNELS[self.channel].n_sites
        if n > 1 and (self.sites == "all" or len(self.sites) != n):
            raise InputError(
                f"{self.channel} acts on {n} sites together: list {n} in sites; found {shown(self.sites)}."
            )
        return self


class NoiseRule(ChannelRule):
    """A channel behind gates; a word among its parameters is the name of one to be learnt.

    Parameters
    ----------
    gates : list of str
        Names of the gates it follows; all of them by default.
    """

    gates: list[str] | None = None
    sites: Sites | None = None


class ReadoutRule(ChannelRule):
    """A channel at the end of a circuit, on every qubit or those listed; its parameters may be learnt, too."""

    sites: Sites | None = None

    @model_validator(mode="after")
    def _one_site(self) -> Self:
        if CHANNELS[self.channel].n_sites != 1:
            raise InputError(f"a channel at the end acts on one site; {self.channel} acts on more.")
        return self


def noise_model(noise: Sequence[NoiseRule], readout: Sequence[ReadoutRule]) -> NoiseModel:
    """The rules in their order, those behind gates first."""
    model = NoiseModel()
    for rule in noise:
        model = model.add(CHANNELS[rule.channel], *rule.params, gates=rule.gates, sites=rule.sites)
    for last in readout:
        model = model.with_readout(*last.params, sites=last.sites, channel=CHANNELS[last.channel])
    return model


def placed(rules: Sequence[AppliedChannel | ReadoutRule], dims: Dims) -> Circuit:
    """The channels of the rules in their order; one that acts on a single site is on each of its sites in turn."""
    operations: list[Operation] = []
    for rule in rules:
        channel = CHANNELS[rule.channel]
        sites = range(len(dims)) if rule.sites in (None, "all") else rule.sites
        operations += [channel(*rule.params, *s) for s in ([(s,) for s in sites] if channel.n_sites == 1 else [sites])]
    return Circuit(dims, operations)


def seen_through(state: State, rules: list[AppliedChannel]) -> State:
    """The state after the channels, one rule after the other."""
    return ReferenceEngine().evolve(placed(rules, state.dims).compile(), [], state) if rules else state
