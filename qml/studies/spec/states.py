"""What a target is to a study, and those that are states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qml import Circuit
from qml._checks import InputError
from qml._typing import Real
from qml.encodings import datasets
from qml.encodings.labelled import Labels
from qml.losses import Labelled
from qml.measurement import Counts
from qml.operators import PauliSum
from qml.processes import Process
from qml.states import STATES, DensityMatrix, State
from qml.studies.files import inside
from qml.studies.spec import streams
from qml.studies.spec.parts import Ansatz, AppliedChannel, NoiseRule, noise_model, seen_through
from qml.studies.spec.schema import Kinds, Spec, members
from qml.studies.spec.signatures import Keyed, built, union

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
    labels : Labels or None
        Inputs and states of labelled data; `state` is the batch of the states, and `test` None.
    hamiltonian : PauliSum or None
        What is learnt is a state of this Hamiltonian, which one by the loss; `state` says nothing but the sites.
    """

    state: State
    test: State | None = None
    counts: Counts | None = None
    known: bool = True
    labels: Labels | None = None
    hamiltonian: PauliSum | None = None

    @property
    def learnt(self) -> State | Counts | PauliSum:
        """What fits are given."""
        if self.hamiltonian is not None:
            return self.hamiltonian
        return self.state if self.counts is None else self.counts

    @property
    def fitted(self) -> State | Counts | PauliSum | Labelled:
        """The same, of labelled data with their inputs."""
        return self.learnt if self.labels is None else self.labels.train

    @property
    def as_state(self) -> State | None:
        """The state, where that is what fits are given."""
        return self.state if self.fitted is self.state else None

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


class Seen(Spec):
    """What every target has.

    Parameters
    ----------
    through : list
        Channels that the target is seen through.
    """

    through: list[AppliedChannel] = Field(default=[])


class Prepared(Seen, Keyed):
    """A target that is one state, with nothing held out; a random one follows from the study's seed."""

    def build(self, context: Context = Context(Path(), 0)) -> Target:
        state: State = self.make(rng=context.stream("target"), folder=context.folder)
        if state.batch_shape:
            raise InputError(f"a target is one state; found a batch of shape {state.batch_shape}.")
        return Target(seen_through(state, self.through))

    @classmethod
    def is_known(cls) -> bool:
        """Whether the state follows from its keys: from no random numbers, and from no file."""
        return not {"rng", "folder"} & set(cls.asked())


def probabilities(values: Annotated[list[Annotated[float, Field(ge=0.0)]], Field(min_length=1)]) -> State:
    """A classical distribution on the computational basis.

    Parameters
    ----------
    values : list of float
        They sum to one.
    """
    return DensityMatrix.from_probabilities(values)


def file(folder: Path, path: Annotated[str, Field(min_length=1)]) -> State:
    """A state in an .npz file beside the study (see DensityMatrix.save).

    Parameters
    ----------
    path : str
        Relative to the folder of the study.
    """
    return DensityMatrix.load(inside(folder, path))


class OfProcess(Spec):
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
    noise: list[NoiseRule] = Field(default=[])
    values: dict[str, float] = Field(default={})

    def process(self) -> Process:
        """The process."""
        circuit: Circuit = built(self, "ansatz").with_noise(noise_model(self.noise, []))
        return Process.from_circuit(circuit, self.values if circuit.n_params else ())

    def build(self, context: Context = Context(Path(), 0)) -> Target:
        return Target(self.process().choi)


class Dataset(Seen):
    """Samples of a scikit-learn data set as quantum states, averaged; some are held out for testing.

    Parameters
    ----------
    labels : list of int
        Classes to keep; all by default.
    encoding : {"amplitude", "probability"}
        Of a sample x as a vector.
    test_fraction : float
        Share of the samples held out.
    """

    kind: Literal["dataset"]
    name: Literal["digits", "iris"]
    labels: Annotated[list[int] | None, Field(min_length=1)] = None
    encoding: Literal["amplitude", "probability"] = "amplitude"
    test_fraction: Fraction | None = None

    def build(self, context: Context) -> Target:
        samples, _, _ = datasets.load_samples(self.name, self.labels)
        parts: Sequence[Real] = [samples]
        if self.test_fraction is not None:
            parts = datasets.split(samples, self.test_fraction, context.stream("split"))
        state, *test = (seen_through(datasets.state_of_samples(part, self.encoding), self.through) for part in parts)
        return Target(state, test[0] if test else None)


_OWN = {"probabilities": probabilities, "file": file}
StateSpec: TypeAlias = Annotated[Prepared, union(STATES | _OWN, Dataset, OfProcess, base=Prepared)]
_KNOWN: dict[str, type[Spec]] = {"process": OfProcess}
_KNOWN |= {kind: spec for kind, spec in members(StateSpec).items() if issubclass(spec, Prepared) and spec.is_known()}
KnownStateSpec: TypeAlias = Annotated[Prepared, Kinds(_KNOWN)]
