"""The targets that a study may name, and how each is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from qml._checks import InputError
from qml._typing import Dims
from qml.encodings.labelled import Labels, Samples
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
    PauliLindbladModel,
    ProcessFamily,
    xyi_words,
)
from qml.processes.measurement import FOUR, SIX
from qml.states import DensityMatrix, ProductState, State, basis_state
from qml.studies.files import inside
from qml.studies.spec.labels import DataSpec
from qml.studies.spec.measurements import MeasurementSpec, Shots, read_record
from qml.studies.spec.parts import Bond, Hamiltonian, Tolerance
from qml.studies.spec.processes import FamilySpec
from qml.studies.spec.schema import Kinds, Spec, members
from qml.studies.spec.signatures import built, union
from qml.studies.spec.states import Context, Fraction, OfProcess, Prepared, StateSpec, Target

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
        if self.preparations is not None and not isinstance(self.of, OfProcess):
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
        shots = None if self.shots == "infinite" else self.shots
        random = context.stream("bases"), context.stream("shots")
        if isinstance(self.of, OfProcess):
            counts = self.measurement.record(self.of.process(), shots, *random, PREPARED[self.preparations or "four"])
        else:
            counts = self.measurement.record(target.state, shots, *random)
        counts.shares()
        return Target(target.state, target.test, counts)


def _of_record(counts: Counts) -> Target:
    """A record alone: nothing is known of what it was measured of."""
    of_states = counts.measurement.of_states
    state = counts.empirical_state() if of_states else _unknown(counts.measurement.dims)
    return Target(state, counts=counts, known=False)


def _unknown(dims: Dims) -> State:
    return ProductState([DensityMatrix.from_probabilities(np.full(d, 1 / d), (d,)) for d in dims])


class OfHamiltonian(Spec):
    """A Hamiltonian: the loss expectation learns its ground state, free_energy its thermal states."""

    kind: Literal["hamiltonian"]
    hamiltonian: Hamiltonian

    def build(self, context: Context) -> Target:
        found: PauliSum = built(self, "hamiltonian")
        return Target(_unknown(found.dims), known=False, hamiltonian=found)


class ThermalOfChain(Spec):
    """A thermal state exp(-beta H)/Z of a long chain, as matrix-product operators: what thermal is where no matrix
    would fit.

    Parameters
    ----------
    beta : float
        Inverse temperature.
    """

    kind: Literal["thermal_chain"]
    hamiltonian: Hamiltonian
    beta: Annotated[float, Field(ge=-1e6, le=1e6)]
    tolerance: Tolerance = 1e-8
    bond: Bond = 128

    def build(self, context: Context) -> Target:
        return Target(ChainState([built(self, "hamiltonian")], [self.beta], ChainEngine(self.tolerance, self.bond)))


class Simulated(Spec):
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
    values: dict[str, float] = Field(default={})
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

    def build(self, context: Context) -> Target:
        family: ProcessFamily = self.of.build()
        design = self.experiments(family)
        theta = family.init_params(np.random.default_rng(0))
        if self.values or not isinstance(family, GateSetModel):
            theta = family.unconstrained(
                family.natural(theta) | self.values if self.of.kind == "gate_set" else self.values
            )
        return _of_record(design.simulate(family.predict(theta, design), self.shots, context.stream("shots")))


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


_MORE = union({}, Measured, Simulated, LabelledData, OfHamiltonian, ThermalOfChain)
TargetSpec: TypeAlias = Annotated[Prepared, Kinds(members(StateSpec) | _MORE.specs)]


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
