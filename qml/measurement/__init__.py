"""Measurements of states: positive operator-valued measures, settings, Born probabilities, and records of counts."""

from qml.measurement.base import Measurement
from qml.measurement.combined import CombinedMeasurement
from qml.measurement.counts import Counts
from qml.measurement.elements import POVM, ElementsMeasurement
from qml.measurement.library import MEASUREMENTS, clifford_bases, haar_bases, mutually_unbiased_bases, pauli_six, sic
from qml.measurement.pauli import PauliMeasurement
from qml.measurement.product import ProductMeasurement
from qml.measurement.projective import ProjectiveMeasurement, computational_basis
from qml.measurement.readout import ReadoutMeasurement
from qml.measurement.sampling import sample

__all__ = [
    "MEASUREMENTS",
    "POVM",
    "CombinedMeasurement",
    "Counts",
    "ElementsMeasurement",
    "Measurement",
    "PauliMeasurement",
    "ProductMeasurement",
    "ProjectiveMeasurement",
    "ReadoutMeasurement",
    "clifford_bases",
    "computational_basis",
    "haar_bases",
    "mutually_unbiased_bases",
    "pauli_six",
    "sample",
    "sic",
]
