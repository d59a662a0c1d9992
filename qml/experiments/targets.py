"""The targets that a study may name, and how each is built."""

from __future__ import annotations

import zipfile
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from qml import states
from qml._checks import InputError
from qml._typing import Real
from qml.experiments import datasets, streams
from qml.experiments.measured import MeasurementSpec, Shots, read_record
from qml.experiments.parts import AppliedChannel, Hamiltonian, seen_through
from qml.experiments.schema import FewQubits, Qubits, Spec
from qml.measurement import Counts
from qml.states import DensityMatrix, State

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


@dataclass(frozen=True)
class Target:
    """What is learnt, and what was held out of it (None: nothing).

    Attributes
    ----------
    state : State
        Of a record that was read from a file, its empirical state.
    test : State or None
    counts : Counts or None
        What was measured of the state, and is learnt in its place.
    known : bool
        Whether `state` is what was measured.
    """

    state: State
    test: State | None = None
    counts: Counts | None = None
    known: bool = True

    @property
    def learnt(self) -> State | Counts:
        """What fits are given."""
        return self.state if self.counts is None else self.counts

    @property
    def truth(self) -> State | None:
        """The state to compare with, where it is known."""
        return self.state if self.known else None


@dataclass(frozen=True)
class Context:
    """Where a study stands: the folder that its files are in, and the seed that its random numbers follow from."""

    folder: Path
    seed: int
    held_out: bool = False
    """Whether this is about what is held out: the same random states and bases, other shots."""

    def stream(self, name: str) -> np.random.Generator:
        """The generator of one use of the seed."""
        return streams.stream(self.seed, name, int(self.held_out and name == "shots"))


def inside(folder: Path, relative: str) -> Path:
    """A path below `folder`, links followed; anything outside is refused."""
    root = folder.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"files are read from the folder of the study only; {relative!r} lies outside it.")
    return path


class Seen(Spec):
    """What every target has: the channels that it is seen through."""

    through: Annotated[list[AppliedChannel], Field(description="channels that the target is seen through")] = Field(
        default_factory=list
    )


class Single(Seen):
    """A target that is one state, with nothing held out: a subclass says which."""

    @abstractmethod
    def state(self, context: Context) -> State:
        """The state before the channels."""

    def build(self, context: Context) -> Target:
        state = self.state(context)
        if state.batch_shape:
            raise InputError(f"a target is one state; found a batch of shape {state.batch_shape}.")
        return Target(seen_through(state, self.through))


class Thermal(Single):
    """Gibbs state exp(-beta H)/Z of a Hamiltonian."""

    kind: Literal["thermal"]
    hamiltonian: Hamiltonian
    beta: Annotated[float, Field(description="inverse temperature")]

    def state(self, context: Context) -> State:
        return states.thermal(self.hamiltonian.build(), self.beta)


class Ghz(Single):
    """(|0...0> + |1...1>)/sqrt 2."""

    kind: Literal["ghz"]
    n: Qubits

    def state(self, context: Context) -> State:
        return states.ghz(self.n)


class W(Single):
    """Equal superposition of the n states with a single 1."""

    kind: Literal["w"]
    n: Qubits

    def state(self, context: Context) -> State:
        return states.w_state(self.n)


class Werner(Single):
    """Werner state of two sites of dimension d."""

    kind: Literal["werner"]
    p: Annotated[float, Field(description="its parameter, as in qml.werner")]
    d: Annotated[int, Field(ge=2, le=64)] = 2

    def state(self, context: Context) -> State:
        return states.werner(self.p, self.d)


class HaarPure(Single):
    """Random pure state, uniform in the Haar measure."""

    kind: Literal["haar_pure"]
    n: Qubits

    def state(self, context: Context) -> State:
        return states.haar_pure((2,) * self.n, context.stream("target"))


class Ginibre(Single):
    """Random mixed state A A^dagger / Tr of a complex Gaussian matrix A with `rank` columns."""

    kind: Literal["ginibre"]
    n: FewQubits
    rank: Annotated[int, Field(ge=1)] | None = None

    def state(self, context: Context) -> State:
        return states.ginibre((2,) * self.n, context.stream("target"), self.rank)


class Bures(Single):
    """Random mixed state, uniform in the Bures measure."""

    kind: Literal["bures"]
    n: FewQubits

    def state(self, context: Context) -> State:
        return states.bures((2,) * self.n, context.stream("target"))


class MaximallyMixed(Single):
    """The state 1/2^n."""

    kind: Literal["maximally_mixed"]
    n: Qubits

    def state(self, context: Context) -> State:
        return states.maximally_mixed((2,) * self.n)


class Probabilities(Single):
    """A classical distribution on the computational basis."""

    kind: Literal["probabilities"]
    values: Annotated[list[Annotated[float, Field(ge=0.0)]], Field(min_length=1, description="they sum to one")]

    def state(self, context: Context) -> State:
        return DensityMatrix.from_probabilities(self.values)


class File(Single):
    """A state in an .npz file beside the study (see DensityMatrix.save)."""

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1, description="relative to the folder of the study")]

    def state(self, context: Context) -> State:
        path = inside(context.folder, self.path)
        if path.exists() and not zipfile.is_zipfile(path):
            raise InputError(f"{self.path!r} is not a readable .npz file.")
        return DensityMatrix.load(path)


class Dataset(Seen):
    """Samples of a scikit-learn data set as quantum states, averaged; some are held out for testing."""

    kind: Literal["dataset"]
    name: Literal["digits", "iris"]
    labels: Annotated[list[int] | None, Field(min_length=1, description="classes to keep; all by default")] = None
    encoding: Annotated[Literal["amplitude", "probability"], Field(description="of a sample x as a vector")] = (
        "amplitude"
    )
    test_fraction: Annotated[Fraction | None, Field(description="share of the samples held out")] = None

    def build(self, context: Context) -> Target:
        samples = datasets.load_samples(self.name, self.labels)
        if self.test_fraction is None:
            return Target(self._state_of(samples))
        train, test = datasets.split(samples, self.test_fraction, context.stream("split"))
        return Target(self._state_of(train), self._state_of(test))

    def _state_of(self, samples: Real) -> State:
        return seen_through(datasets.state_of_samples(samples, self.encoding), self.through)


StateSpec: TypeAlias = Annotated[
    Thermal | Ghz | W | Werner | HaarPure | Ginibre | Bures | MaximallyMixed | Probabilities | File | Dataset,
    Field(discriminator="kind"),
]


class Measured(Spec):
    """Counts of a measurement: simulated shots on copies of a state, or a record in a file."""

    kind: Literal["counts"]
    of: Annotated[StateSpec | None, Field(description="the state that is measured; or give file")] = None
    measurement: Annotated[MeasurementSpec | None, Field(description="what is done to each copy")] = None
    shots: Annotated[
        Shots | list[Shots] | Literal["infinite"] | None,
        Field(description="copies of each setting, or of each in turn; infinite: exact probabilities"),
    ] = None
    file: Annotated[
        str | None, Field(min_length=1, description="a record of counts: .json, .csv or .npz, in the study's folder")
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        simulated = {"of": self.of, "measurement": self.measurement, "shots": self.shots}
        given = [name for name, value in simulated.items() if value is not None]
        if len(given) != (3 if self.file is None else 0):
            found = ", ".join([*given, *([] if self.file is None else ["file"])]) or "none of them"
            raise InputError(f"counts need either of, measurement and shots, or file; found {found}.")
        return self

    def build(self, context: Context) -> Target:
        if self.of is None or self.measurement is None:
            return _recorded(inside(context.folder, str(self.file)))
        target = self.of.build(context)
        shots = None if self.shots == "infinite" else self.shots
        counts = self.measurement.record(target.state, shots, context.stream("bases"), context.stream("shots"))
        counts.shares()
        return Target(target.state, target.test, counts)


def _recorded(path: Path) -> Target:
    counts = read_record(path)
    return Target(counts.empirical_state(), counts=counts, known=False)


TargetSpec: TypeAlias = Annotated[
    Thermal
    | Ghz
    | W
    | Werner
    | HaarPure
    | Ginibre
    | Bures
    | MaximallyMixed
    | Probabilities
    | File
    | Dataset
    | Measured,
    Field(discriminator="kind"),
]


def files_of(target: Mapping[str, Any]) -> list[str]:
    """The files that a target, given as the keys of a study, is read from."""
    if target["kind"] == "counts":
        return [target["file"]] if target.get("file") else files_of(target["of"])
    return [target["path"]] if target["kind"] == "file" else []
