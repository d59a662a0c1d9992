"""What a study file may say: one target and the fits that learn it; ``read_study`` checks all of it before any work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import Field, ValidationError, field_validator

from qml._checks import InputError
from qml.experiments.ansatze import Ansatz
from qml.experiments.parts import AppliedChannel, Generators, Hamiltonian, NoiseRule, ReadoutRule
from qml.experiments.schema import Count, FewQubits, Qubits, Registered, Seed, Spec, registry_union, shown, told
from qml.experiments.source import Source, read
from qml.losses import LOSSES
from qml.optimizers import OPTIMIZERS

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


# targets ---------------------------------------------------------------------------------------------------------


class Seen(Spec):
    """Keys that every target has."""

    through: Annotated[list[AppliedChannel], Field(description="channels that the target is seen through")] = Field(
        default_factory=list
    )


class Thermal(Seen):
    """Gibbs state exp(-beta H)/Z of a Hamiltonian."""

    kind: Literal["thermal"]
    hamiltonian: Hamiltonian
    beta: Annotated[float, Field(description="inverse temperature")]


class Ghz(Seen):
    """(|0...0> + |1...1>)/sqrt 2."""

    kind: Literal["ghz"]
    n: Qubits


class W(Seen):
    """Equal superposition of the n states with a single 1."""

    kind: Literal["w"]
    n: Qubits


class Werner(Seen):
    """Werner state of two sites of dimension d."""

    kind: Literal["werner"]
    p: Annotated[float, Field(description="its parameter, as in qml.werner")]
    d: Annotated[int, Field(ge=2, le=64)] = 2


class HaarPure(Seen):
    """Random pure state, uniform in the Haar measure."""

    kind: Literal["haar_pure"]
    n: Qubits


class Ginibre(Seen):
    """Random mixed state A A^dagger / Tr of a complex Gaussian matrix A with `rank` columns."""

    kind: Literal["ginibre"]
    n: FewQubits
    rank: Annotated[int, Field(ge=1)] | None = None


class Bures(Seen):
    """Random mixed state, uniform in the Bures measure."""

    kind: Literal["bures"]
    n: FewQubits


class MaximallyMixed(Seen):
    """The state 1/2^n."""

    kind: Literal["maximally_mixed"]
    n: Qubits


class Probabilities(Seen):
    """A classical distribution on the computational basis."""

    kind: Literal["probabilities"]
    values: Annotated[list[Annotated[float, Field(ge=0.0)]], Field(min_length=1, description="they sum to one")]


class File(Seen):
    """A state in an .npz file beside the study (see DensityMatrix.save)."""

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1, description="relative to the folder of the study")]


class Dataset(Seen):
    """Samples of a scikit-learn data set as quantum states, averaged; some are held out for testing."""

    kind: Literal["dataset"]
    name: Literal["digits", "iris"]
    labels: Annotated[list[int] | None, Field(min_length=1, description="classes to keep; all by default")] = None
    encoding: Annotated[Literal["amplitude", "probability"], Field(description="of a sample x as a vector")] = (
        "amplitude"
    )
    test_fraction: Annotated[Fraction | None, Field(description="share of the samples held out")] = None


Target: TypeAlias = Annotated[
    Thermal | Ghz | W | Werner | HaarPure | Ginibre | Bures | MaximallyMixed | Probabilities | File | Dataset,
    Field(discriminator="kind"),
]


# models ----------------------------------------------------------------------------------------------------------


class Circuit(Spec):
    """The state that a circuit prepares from |0...0>, noise and traced-out ancillas included."""

    kind: Literal["circuit"]
    ansatz: Ansatz
    noise: Annotated[list[NoiseRule], Field(description="channels behind gates")] = Field(default_factory=list)
    readout: Annotated[list[ReadoutRule], Field(description="channels at the end, on every qubit")] = Field(
        default_factory=list
    )
    engine: Literal["pauli", "reference"] = "pauli"


class Gibbs(Spec):
    """exp(-K)/Z with K = sum_j theta_j G_j over Pauli strings G_j."""

    kind: Literal["gibbs"]
    generators: Generators


class Spectral(Spec):
    """Diagonal energies, of independent qubits or a full table, rotated by a circuit."""

    kind: Literal["spectral"]
    ansatz: Ansatz
    energies: Literal["product", "table"] = "product"


Model: TypeAlias = Annotated[Circuit | Gibbs | Spectral, Field(discriminator="kind")]

if TYPE_CHECKING:
    Loss: TypeAlias = Registered
    Optimizer: TypeAlias = Registered
else:
    Loss = registry_union(LOSSES)
    Optimizer = registry_union(OPTIMIZERS)


# the study -------------------------------------------------------------------------------------------------------


class Fit(Spec):
    """One model, and how it is fitted."""

    name: str
    model: Model
    loss: Loss = Field(default={"kind": "cross_entropy"}, validate_default=True)
    optimizer: Optimizer = Field(default={"kind": "lbfgs"}, validate_default=True)
    restarts: Annotated[int, Field(ge=1, le=1000)] = 1
    max_iterations: Count = 1000
    gradient_tolerance: Annotated[float, Field(ge=0.0)] = 1e-8
    loss_tolerance: Annotated[float, Field(ge=0.0)] = 0.0

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if not 1 <= len(name.strip()) <= 80 or not name.isprintable():
            raise InputError(f"a name is 1 to 80 characters on one line; found {shown(name)}.")
        return name


class Study(Spec):
    """A target and the fits that learn it."""

    title: str = ""
    seed: Annotated[Seed, Field(description="every random number follows from it")] = 0
    target: Target
    fits: Annotated[list[Fit], Field(min_length=1, max_length=100)]

    @field_validator("fits")
    @classmethod
    def _names(cls, fits: list[Fit]) -> list[Fit]:
        names = [fit.name for fit in fits]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"two fits have the name {name!r}: give each its own.")
        return fits


def read_study(path: str | Path) -> tuple[Study, Source]:
    """The study in a file, and the file's text for messages.

    Raises
    ------
    InputError
        At the first mistake: file, line and key, what was expected and what was found.
    """
    source = read(Path(path))
    return study_of(source), source


def study_of(source: Source) -> Study:
    """The study that a source describes."""
    try:
        return Study.model_validate(source.data)
    except ValidationError as error:
        raise told(error, source) from None


def to_yaml(study: Study) -> str:
    """The resolved study, every default written out, as YAML that reads back to an equal study."""
    return yaml.dump(
        study.model_dump(mode="python"),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
        width=110,
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = (
        value[:1].isalpha() and value.replace("_", "a").replace(" ", "a").isalnum() and value.lower() not in _RESERVED
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "inf", "nan"}
_Dumper.add_representer(str, _text)
