"""Results of other packages as they document them: the same record from each."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.cases import every

from qml import Counts, PauliMeasurement
from qml._checks import InputError

ZZZ = {"001": 7, "011": 5}
"""Qubit 0 gave 0; qubit 1 gave 0 or 1; qubit 2 gave 1."""
SAMPLES = np.array([[0, 0, 1]] * 7 + [[0, 1, 1]] * 5)
RECORDS = {
    "qml": {"ZZZ": ZZZ},
    "pennylane": {"ZZZ": SAMPLES},
    "qiskit": {"results": [{"header": {"name": "ZZZ"}, "data": {"counts": {"0x4": 7, "0x6": 5}}}]},
    "cirq": {"ZZZ": {(0, 0, 1): 7, 3: 5}},
    "braket": {"ZZZ": {"measurements": SAMPLES.tolist(), "measuredQubits": [0, 1, 2]}},
    "ionq": {"ZZZ": {"histogram": {"4": 7 / 12, "6": 5 / 12}, "shots": 12}},
}


@pytest.mark.parametrize("source", RECORDS)
def test_every_source_gives_the_same_record(source):
    assert Counts.from_dicts(RECORDS[source], source=source) == Counts.from_dicts({"ZZZ": ZZZ})


class Samples(list):
    """An array of another library."""

    def __array__(self, dtype=None, copy=None):
        return np.array(list(self), dtype=dtype)


class Bits:
    """A bit array of Qiskit: counts of all circuits together."""

    num_bits = 3

    def __init__(self, shape=()):
        self.shape = shape

    def get_counts(self):
        return {"100": 7, "110": 5}


class Repeated:
    """A result of Cirq, one of whose keys was measured twice."""

    @property
    def measurements(self):
        raise ValueError("Cannot extract 2D measurements for repeated keys")


def test_arrays_of_other_libraries_and_bit_arrays_are_records():
    expected = Counts.from_dicts({"ZZZ": ZZZ})
    assert Counts.from_dicts({"ZZZ": Samples(SAMPLES)}, source="pennylane") == expected
    assert Counts.from_dicts({"ZZZ": Bits()}, source="qiskit") == expected


def test_one_setting_needs_no_name():
    measurement, expected = PauliMeasurement(["ZZZ"]), Counts.from_dicts({"ZZZ": ZZZ})
    for source, record in (("pennylane", SAMPLES), ("braket", RECORDS["braket"]["ZZZ"]), ("ionq", {"4": 7, 6: 5})):
        assert Counts.from_dicts(record, measurement, source) == expected


@pytest.mark.parametrize("name", [("X", "Z"), "('X', 'Z')"])
def test_settings_of_tomography_are_tuples_of_letters(name):
    found = Counts.from_dicts({name: {"01": 3}}, source="qiskit")
    assert found == Counts.from_dicts({"XZ": {"10": 3}})


@every(
    "record, source, sentence",
    [
        ({"results": [{"data": {}}]}, "qiskit", "entry 0 of results must hold header.name"),
        ({"results": [{"header": {"name": "ZZ"}}]}, "qiskit", "entry 0 of results must hold data.counts"),
        ({"results": [{"header": {"name": ["ZZ"]}}]}, "qiskit", "header.name of entry 0 of results must be a text"),
        ({"results": 2 * [{"header": {"name": "ZZ"}, "data": {"counts": {}}}]}, "qiskit", "found 2 results of 'ZZ'"),
        ({"ZZ": {"00": 1}, ("Z", "Z"): {"00": 2}}, "qiskit", "found 2 results of 'ZZ'"),
        ({"ZZ": {"4": 1}}, "ionq", "an integer from 0 to 3"),
        ({"ZZ": {"x": 1}}, "ionq", "an integer from 0 to 3"),
        ({"ZZ": {"histogram": {"0": 0.5}, "shots": 7}}, "ionq", "times 7 shots must be an integer"),
        ({"ZZ": {"histogram": {"0": 0.5}}}, "ionq", "shots must be an integer"),
        ({"ZZ": {"measurements": [[0], [0, 1]]}}, "braket", "measurements"),
        ({"ZZ": np.array([[0, 2]])}, "pennylane", "each digit must be from 0 to 1"),
        ({"ZZ": np.array([[0.0, 0.5]])}, "pennylane", "samples must be integers; found 0.5"),
        ({"ZZ": {"measurements": [[0, 0.5]]}}, "braket", "samples must be integers; found 0.5"),
        (3, "cirq", "records must be a mapping"),
        ({"ZZZ": Bits((2,))}, "qiskit", r"of shape \(2,\) holds the counts of several circuits"),
        ({"ZZ": Repeated()}, "cirq", "a key that was measured several times"),
    ],
)
def test_records_that_are_none_are_refused(record, source, sentence):
    with pytest.raises(InputError, match=sentence):
        Counts.from_dicts(record, source=source)


def test_a_histogram_of_ionq_that_lacks_an_outcome_is_refused() -> None:
    with pytest.raises(InputError, match="must add up to one; found 5 of 10 shots"):
        Counts.from_dicts({"Z": {"histogram": {"0": 0.5}, "shots": 10}}, source="ionq")
