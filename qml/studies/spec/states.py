"""What a target is to a study, and those that are states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qml import Circuit
from qml._checks import InputError
from qml.encodings import datasets
from qml.encodings.labelled import Labels
from qml.losses import Labelled
from qml.measurement import Counts
from qml.operators import PauliSum
from qml.processes import Process
from qml.states import STATES, DensityMatrix, State
from qml.studies.files import inside
from qml.studies.spec import streams
from qml.studies.spec.parts import AppliedChannel, NoiseRule, noise_model, seen_through
from qml.studies.spec.schema import Kinds
from qml.studies.spec.signatures import NOTHING, VALUES, Kept, Keyed, union

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
    kept: Kept | None = None

    def stream(self, name: str) -> np.random.Generator:
        """The generator of one use of the seed."""
        return streams.stream(self.seed, name, int(self.held_out and name == "shots"))


class Aimed(Keyed):
    """A target, made by a function; a random one follows from the study's seed."""

    given: ClassVar[frozenset[str]] = Keyed.given | {"context"}

    def build(self, context: Context = Context(Path(), 0)) -> Target:
        rng = context.stream("target") if "rng" in self.asked() else None
        made = self.make(context.kept, rng=rng, folder=context.folder, context=context)
        if isinstance(made, Target):
            return made
        state: State = made.choi if isinstance(made, Process) else made
        if state.batch_shape:
            raise InputError(f"a target is one state; found a batch of shape {state.batch_shape}.")
        return Target(state)

    @classmethod
    def is_known(cls) -> bool:
        """Whether the target follows from its keys: from no random numbers, and from no file."""
        return not {"rng", "folder", "context"} & set(cls.asked())


class Prepared(Aimed):
    """A target that is one state, with all that may happen to it.

    Parameters
    ----------
    through : list
        Channels that the target is seen through.
    """

    through: list[AppliedChannel] = Field(default=[])

    def build(self, context: Context = Context(Path(), 0)) -> Target:
        target = super().build(context)
        test = None if target.test is None else seen_through(target.test, self.through)
        return Target(seen_through(target.state, self.through), test)


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


def dataset(
    context: Context,
    name: Literal["digits", "iris"],
    labels: Annotated[list[int] | None, Field(min_length=1)] = None,
    encoding: Literal["amplitude", "probability"] = "amplitude",
    test_fraction: Fraction | None = None,
) -> Target:
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
    samples, _, _ = datasets.load_samples(name, labels)
    if test_fraction is None:
        return Target(datasets.state_of_samples(samples, encoding))
    learnt, test = datasets.split(samples, test_fraction, context.stream("split"))
    return Target(datasets.state_of_samples(learnt, encoding), datasets.state_of_samples(test, encoding))


def process(ansatz: Circuit, noise: Sequence[NoiseRule] = (), values: Mapping[str, float] = NOTHING) -> Process:
    """What a circuit does to its input, as a Choi state: input sites, then output sites.

    Parameters
    ----------
    noise : list
        Channels behind gates.
    values : mapping
        Of every parameter of the circuit, by name.
    """
    circuit = ansatz.with_noise(noise_model(noise, ()))
    return Process.from_circuit(circuit, values if circuit.n_params else ())


_OWN: dict[str, Callable[..., State | Target]] = {"probabilities": probabilities, "file": file, "dataset": dataset}
_STATES = union(STATES | _OWN, base=Prepared).specs | union({"process": process}, base=Aimed).specs
StateSpec: TypeAlias = Annotated[Aimed, Kinds(_STATES)]
KnownStateSpec: TypeAlias = Annotated[Aimed, Kinds({kind: spec for kind, spec in _STATES.items() if spec.is_known()})]
VALUES["Target"] = KnownStateSpec
