"""The targets that a study may name, and how each is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from qml import _checks
from qml._checks import InputError
from qml._typing import Dims
from qml.encodings.datasets import load_samples
from qml.encodings.labelled import Labels, Samples, read_table
from qml.engines import ChainEngine
from qml.measurement import Counts, PauliMeasurement
from qml.models import ChainState
from qml.operators import PauliSum
from qml.processes import (
    Design,
    Experiments,
    GateSetModel,
    LindbladModel,
    Parities,
    ProcessFamily,
    xyi_words,
)
from qml.processes.measurement import FOUR, SIX
from qml.states import DensityMatrix, ProductState, State, basis_state
from qml.studies.files import inside
from qml.studies.spec.measurements import MeasurementSpec, Shots, read_record
from qml.studies.spec.parts import Bond, Tolerance
from qml.studies.spec.schema import Kinds, Spec, members
from qml.studies.spec.signatures import NOTHING, Made, union
from qml.studies.spec.states import Aimed, Context, Fraction, StateSpec, Target

PREPARED = {"four": FOUR, "six": SIX}


class Measured(Spec):
    """Counts of a measurement: simulated shots on copies of a state, or a record in a file.

    Parameters
    ----------
    of : mapping
        The state that is measured; or give file.
    measurement : mapping
        What is done to each copy.
    shots : int, list of int or "infinite"
        Copies of each setting, or of each in turn; infinite: exact probabilities.
    preparations : {"four", "six"}
        Of a process: eigenstates Z+, Z-, X+, Y+ of every qubit (the default), or all six.
    file : str
        The record of counts: .json, .csv or .npz, in the study's folder.
    """

    kind: Literal["counts"]
    of: StateSpec | None = None
    measurement: MeasurementSpec | None = None
    shots: Shots | list[Shots] | Literal["infinite"] | None = None
    preparations: Literal["four", "six"] | None = None
    file: Annotated[str | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.preparations is not None and (self.of is None or self.of.kind != "process"):
            raise InputError("preparations belong to counts of a process; leave them out.")
        simulated = {"of": self.of, "measurement": self.measurement, "shots": self.shots}
        given = [name for name, value in simulated.items() if value is not None]
        if len(given) != (3 if self.file is None else 0):
            found = ", ".join([*given, *([] if self.file is None else ["file"])]) or "none of them"
            raise InputError(f"counts need either of, measurement and shots, or file; found {found}.")
        return self

    def build(self, context: Context) -> Target:
        if self.of is None or self.measurement is None:
            return _of_record(read_record(inside(context.folder, str(self.file))))
        target = self.of.build(context)
        is_process = self.of.kind == "process"
        inputs = PREPARED[self.preparations or "four"] if is_process else ()
        measured = self.of.make() if is_process else target.state
        shots = None if self.shots == "infinite" else self.shots
        counts = self.measurement.record(measured, shots, context.stream("bases"), context.stream("shots"), inputs)
        counts.shares()
        return Target(target.state, target.test, counts)


def _of_record(counts: Counts) -> Target:
    """A record alone: nothing is known of what it was measured of."""
    of_states = counts.measurement.of_states
    state = counts.empirical_state() if of_states else _unknown(counts.measurement.dims)
    return Target(state, counts=counts, known=False)


def _unknown(dims: Dims) -> State:
    return ProductState([DensityMatrix.from_probabilities(np.full(d, 1 / d), (d,)) for d in dims])


def hamiltonian(hamiltonian: PauliSum) -> Target:
    """A Hamiltonian: the loss expectation learns its ground state, free_energy its thermal states."""
    return Target(_unknown(hamiltonian.dims), known=False, hamiltonian=hamiltonian)


def thermal_chain(
    hamiltonian: PauliSum,
    beta: Annotated[float, Field(ge=-1e6, le=1e6)],
    tolerance: Tolerance = 1e-8,
    bond: Bond = 128,
) -> Target:
    """A thermal state exp(-beta H)/Z of a long chain, as matrix-product operators: what thermal is where no matrix
    would fit.

    Parameters
    ----------
    beta : float
        Inverse temperature.
    """
    return Target(ChainState([hamiltonian], [beta], ChainEngine(tolerance, bond)))


def experiments(
    context: Context,
    *,
    of: ProcessFamily,
    values: Mapping[str, float] = NOTHING,
    shots: Annotated[int, Field(ge=1, lt=2**53)],
    times: Annotated[list[Annotated[float, Field(ge=0.0)]] | None, Field(min_length=1)] = None,
    words: Annotated[list[str] | None, Field(min_length=1)] = None,
    max_length: Annotated[int | None, Field(ge=1, le=1024)] = None,
    depths: Annotated[list[Annotated[int, Field(ge=0)]] | None, Field(min_length=1)] = None,
) -> Target:
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
    n = len(of.sites)
    design: Design
    if isinstance(of, LindbladModel):
        if times is None:
            raise InputError("experiments of a lindblad need times.")
        design = Experiments.product(times, n, PauliMeasurement(n))
    elif isinstance(of, GateSetModel):
        if not words and not max_length:
            raise InputError("experiments of a gate_set need words (or max_length).")
        short: list[Any] = [] if max_length is None else list(xyi_words(max_length))
        zero = {"rho": basis_state("0" * n)}
        design = Experiments.product([*short, *(words or [])], zero, PauliMeasurement(["Z" * n]))
    else:
        if depths is None:
            raise InputError("experiments of a pauli_lindblad need depths.")
        strings = ["I" * k + letter + "I" * (n - k - 1) for k in range(n) for letter in "XYZ"]
        design = Parities(strings, depths)
    theta = of.init_params(np.random.default_rng(0))
    if isinstance(of, GateSetModel) and values:
        theta = of.unconstrained({**of.natural(theta), **values})
    elif not isinstance(of, GateSetModel):
        theta = of.unconstrained(values)
    return _of_record(design.simulate(of.predict(theta, design), shots, context.stream("shots")))


# labelled data ----------------------------------------------------------------------------------------------------


def dataset(
    name: Literal["iris", "wine", "breast_cancer", "digits"],
    classes: Annotated[list[Annotated[int, Field(ge=0)]] | None, Field(min_length=2)] = None,
) -> Samples:
    """A data set that comes with scikit-learn.

    Parameters
    ----------
    classes : list of int
        To keep, by number; all by default.
    """
    return Samples(*load_samples(name, classes))


def two_moons(
    rng: np.random.Generator,
    samples: Annotated[int, Field(ge=2, le=100_000)] = 200,
    noise: Annotated[float, Field(ge=0.0)] = 0.2,
) -> Samples:
    """Two half circles that interlock, drawn by the study's seed.

    Parameters
    ----------
    noise : float
        Standard deviation of both coordinates.
    """
    draw = _checks.need("sklearn.datasets", "data", "the data set 'two moons'").make_moons
    inputs, classes = draw(samples, noise=noise, random_state=int(rng.integers(2**31)))
    return Samples(np.asarray(inputs), np.asarray(classes), ("upper", "lower"))


def table(folder: Path, path: Annotated[str, Field(min_length=1)], label: str = "label") -> Samples:
    """A table in a file beside the study: .csv with a head, or .npz with the arrays inputs (m, k) and labels (m,).

    Parameters
    ----------
    path : str
        Relative to the folder of the study.
    label : str
        The column of a .csv that names the class; all others are inputs.
    """
    return read_table(inside(folder, path), label)


DataSpec: TypeAlias = Annotated[Made, union({"dataset": dataset, "two_moons": two_moons, "table": table}, title="data")]


class LabelledData(Spec):
    """Inputs with classes, as diagonal states of a few levels: what a conditional model learns.

    Parameters
    ----------
    levels : int
        Of the label states, the first ones for the classes: 4 are two qubits.
    standardize : bool
        Inputs less their mean, by their standard deviation, those of the training part.
    label_noise : float
        Weight of the uniform distribution over the classes in every label.
    flipped : float
        Probability that a label becomes another class; not of what is held out.
    validation_fraction : float
        Share of each class held out for fits with validation: held_out.
    test_fraction : float
        Share of each class held out for testing.
    """

    kind: Literal["labelled"]
    data: DataSpec
    levels: Annotated[int | None, Field(ge=2, le=64)] = None
    standardize: bool = True
    label_noise: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    flipped: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    validation_fraction: Fraction | None = None
    test_fraction: Fraction | None = None

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if (self.validation_fraction or 0.0) + (self.test_fraction or 0.0) >= 1:
            raise InputError("validation_fraction and test_fraction must leave something to learn from.")
        return self

    def build(self, context: Context) -> Target:
        samples: Samples = self.data.build(folder=context.folder, rng=context.stream("target"))
        fractions = (self.validation_fraction or 0.0, self.test_fraction or 0.0)
        rngs = context.stream("split"), context.stream("flips")
        labels = Labels.of(samples, self.levels, self.label_noise, self.flipped, fractions, rngs, self.standardize)
        return Target(labels.train.states, known=False, labels=labels)


_MADE: dict[str, Callable[..., Target]] = {
    "experiments": experiments,
    "hamiltonian": hamiltonian,
    "thermal_chain": thermal_chain,
}
_MORE = union(_MADE, Measured, LabelledData, base=Aimed).specs
TargetSpec: TypeAlias = Annotated[Aimed, Kinds(members(StateSpec) | _MORE, "targets")]


def files_of_study(study: Mapping[str, Any]) -> set[str]:
    """The files that a study, given as its keys, reads: for its target, and for what fits are validated on."""
    parts = [study["target"], *(fit.get("validation") for fit in study["fits"])]
    return {path for part in parts for path in files_of(part)}


def files_of(said: Any) -> list[str]:
    """The files that a target is read from: what keys of it call `path` or `file`."""
    if not isinstance(said, Mapping):
        return []
    here = [value for key, value in said.items() if key in ("path", "file") and isinstance(value, str)]
    return here + [path for value in said.values() for path in files_of(value)]
