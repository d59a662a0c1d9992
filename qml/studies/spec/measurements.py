"""The measurements that a study may name, records of their counts, and the losses that compare counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qml._checks import InputError
from qml._typing import Dims
from qml.losses import COUNT_LOSSES, CountsLoss, TrainableReadout
from qml.measurement import (
    MEASUREMENTS,
    Counts,
    Measurement,
    PauliMeasurement,
    ProductMeasurement,
    ProjectiveMeasurement,
    ReadoutMeasurement,
    computational_basis,
    sample,
)
from qml.processes import Process, ProcessMeasurement, pauli_preparations
from qml.states import State
from qml.studies.spec.parts import Label
from qml.studies.spec.schema import Spec
from qml.studies.spec.signatures import Keyed, Made, union

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Rates = Annotated[list[Rate], Field(min_length=2, max_length=2)]
Shots = Annotated[int, Field(ge=0, lt=2**53)]


class Readout(Spec):
    """Readout errors of the qubits, independent of each other.

    Parameters
    ----------
    rates : list
        [p(1 given 0), p(0 given 1)] of each qubit; one pair stands for all.
    known : bool
        Whether the fit is given these rates. If not, it assumes none, or learns them with readout: learnt in its loss.
    """

    rates: Annotated[list[Rates], Field(min_length=1)]
    known: bool = True

    def on(self, measurement: Measurement) -> Measurement:
        """The measurement with these errors."""
        rates = self.rates * len(measurement.dims) if len(self.rates) == 1 else self.rates
        if len(rates) != len(measurement.dims):
            raise InputError(f"readout has rates for {len(rates)} qubits; the state has {len(measurement.dims)}.")
        return ReadoutMeasurement(measurement, [np.array([[1 - a, b], [a, 1 - b]]) for a, b in rates])


class Measured(Keyed):
    """What every measurement has; its maker is told the sites of the state.

    Parameters
    ----------
    readout : mapping
        Its readout errors; none by default.
    """

    readout: Readout | None = None
    given: ClassVar[frozenset[str]] = frozenset({"rng", "dims", "n", "d"})

    def on(self, dims: Dims, rng: np.random.Generator) -> Measurement:
        """The measurement without readout errors, site by site where it is one of a single site."""
        if "n" in self.asked():
            _qubits(dims)
        if "d" in self.asked():
            factors: list[Measurement] = [self.make(d=d, rng=rng) for d in dims]
            return factors[0] if len(factors) == 1 else ProductMeasurement(factors)
        found: Measurement = self.make(dims=dims, n=len(dims), rng=rng)
        return found

    def record(
        self,
        state: State | Process,
        shots: int | list[int] | None,
        bases: np.random.Generator,
        rng: np.random.Generator,
        preparations: Sequence[str] = (),
    ) -> Counts:
        """The counts of this measurement of a state, or of the outputs of a process for all `preparations`, in `shots`
        of each setting; None: exact probabilities."""
        ideal = self.on(state.dims_out if isinstance(state, Process) else state.dims, bases)
        done = ideal if self.readout is None else self.readout.on(ideal)
        recorded = done if self.readout is None or self.readout.known else ideal
        if isinstance(state, Process):
            _qubits(state.dims_in)
            inputs = pauli_preparations(len(state.dims_in), preparations)
            done, recorded = ProcessMeasurement(inputs, done), ProcessMeasurement(inputs, recorded)
            state = state.choi
        if shots is None:
            return Counts.from_frequencies(recorded, done.probabilities(state))
        return Counts(recorded, sample(state, done, shots, rng).counts)


def pauli(n: int, settings: Literal["all"] | Annotated[list[Label], Field(min_length=1)] = "all") -> Measurement:
    """Pauli settings of qubits: each qubit along X, Y or Z.

    Parameters
    ----------
    settings : "all" or list of str
        All 3^n, or those listed.
    """
    return PauliMeasurement(n if settings == "all" else settings)


def axis(n: int, theta: float, phi: float = 0.0) -> Measurement:
    """One basis: every qubit along one axis (sin theta cos phi, sin theta sin phi, cos theta).

    Parameters
    ----------
    theta : float
        Angle from Z, in radians.
    """
    c, s, phase = np.cos(theta / 2), np.sin(theta / 2), np.exp(1j * phi)
    one = ProjectiveMeasurement([[c, -s], [phase * s, phase * c]], (2,))
    return one if n == 1 else ProductMeasurement([one] * n)


def computational(dims: Dims) -> Measurement:
    """The computational basis."""
    return PauliMeasurement(["Z" * len(dims)]) if set(dims) == {2} else computational_basis(dims)


_OWN = {"pauli": pauli, "axis": axis, "computational": computational}
MeasurementSpec: TypeAlias = Annotated[Measured, union(MEASUREMENTS | _OWN, base=Measured, title="measurements")]


def read_record(path: Path) -> Counts:
    """The counts in a JSON, CSV or ``.npz`` file; its ending names the format."""
    readers = {".json": Counts.read_json, ".csv": Counts.read_csv, ".npz": Counts.load}
    if path.suffix.lower() not in readers:
        raise InputError(f"a record of counts is a .json, .csv or .npz file; found {path.name!r}.")
    return readers[path.suffix.lower()](path)


class OfCounts(Made):
    """A loss of counts.

    Parameters
    ----------
    readout : {"as_recorded", "learnt"}
        Learnt: two error rates a qubit are learnt beside the model's parameters.
    """

    readout: Literal["as_recorded", "learnt"] = "as_recorded"
    maker: ClassVar[type[CountsLoss]]

    def build(self, *, dims: Dims = (), **given: Any) -> CountsLoss:
        """The loss for a model with these dims."""
        return type(self).maker(TrainableReadout(len(dims)) if self.readout == "learnt" else None)


CountsLossSpec: TypeAlias = Annotated[OfCounts, union(COUNT_LOSSES, base=OfCounts)]


def _qubits(dims: Dims) -> None:
    if set(dims) != {2}:
        raise InputError(f"this measurement is one of qubits; found sites of dimensions {dims}.")
