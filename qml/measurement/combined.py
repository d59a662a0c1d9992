"""Several measurements as one: their settings side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.measurement.base import Measurement, checked_measurements
from qml.states.base import State


class CombinedMeasurement(Measurement):
    """The settings of several measurements of the same sites, one after the other.

    Names of settings that occur twice get the number of their measurement in front ("0:Z", "1:Z").

    Parameters
    ----------
    measurements : sequence of Measurement
        At least one, on the same sites.

    Raises
    ------
    InputError
        If there is none, or their dims differ.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement, pauli_six
    >>> CombinedMeasurement([PauliMeasurement(["X", "Z"]), pauli_six()]).settings
    ('X', 'Z', 'Pauli-6')
    """

    _kind = "combined"

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self.measurements = checked_measurements("measurements", measurements)
        self.dims, self.dims_in = self.measurements[0].dims, self.measurements[0].dims_in
        for k, member in enumerate(self.measurements):
            if member.dims != self.dims:
                raise InputError(f"measurements must act on equal dims; found {self.dims} and {member.dims} (at {k}).")
            if member.dims_in != self.dims_in:
                raise InputError(f"measurements must all be of states, or of processes; found another at {k}.")
        names = [name for member in self.measurements for name in member.settings]
        if len(set(names)) < len(names):
            names = [f"{k}:{name}" for k, member in enumerate(self.measurements) for name in member.settings]
        self.settings = tuple(names)
        self.sizes = _checks.kept(np.concatenate([member.sizes for member in self.measurements]))
        self._cuts = np.cumsum([member.n_outcomes for member in self.measurements])[:-1]

    def _probabilities(self, state: State) -> Real:
        return np.concatenate([member.probabilities(state) for member in self.measurements])

    def _probabilities_of(self, matrix: Complex) -> Real:
        return np.concatenate([member.probabilities_of(matrix) for member in self.measurements], axis=-1)

    def _adjoint(self, weights: Real) -> Complex:
        parts = np.split(np.asarray(weights), self._cuts)
        return np.asarray(sum(member.adjoint(w) for member, w in zip(self.measurements, parts, strict=True)))

    def traces(self) -> Real:
        return np.concatenate([member.traces() for member in self.measurements])

    def resolution(self, state: State) -> float:
        return min(member.resolution(state) for member in self.measurements)  # each sets its own rounding to zero

    def _diagonal_of(self, weights: Real) -> Real | None:
        parts = zip(self.measurements, np.split(weights, self._cuts), strict=True)
        found = [part for member, w in parts if (part := member._diagonal_of(w)) is not None]
        return np.asarray(sum(found)) if len(found) == len(self.measurements) else None

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        places = [(member, k) for member in self.measurements for k in range(len(member.settings))]
        member, k = places[setting]
        return member.outcome_shape(k)
