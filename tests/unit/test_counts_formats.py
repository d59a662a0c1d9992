"""Records as text and as dictionaries of other packages; the order of bits; bad rows by name."""

import json
from collections import Counter

import numpy as np
import pytest
from helpers.cases import every

from qml import states
from qml._checks import InputError
from qml._descriptions import KINDS
from qml.encodings.labelled import read_table
from qml.measurement import (
    POVM,
    Counts,
    ElementsMeasurement,
    PauliMeasurement,
    ProjectiveMeasurement,
    computational_basis,
    haar_bases,
    pauli_six,
    sample,
)

ZZZ = PauliMeasurement(["ZZZ"])
STATE = states.basis_state("011")
"""Qubit 0 gives 0, qubits 1 and 2 give 1."""


@every(
    "source, key",
    [
        ("qml", "011"),
        ("pennylane", "011"),
        ("qiskit", "110"),
        ("qiskit", "1 10"),
        ("qiskit", "11 0"),
        ("qiskit", "0x6"),
        ("cirq", 3),
        ("cirq", np.int64(3)),
        ("cirq", (0, 1, 1)),
    ],
)
def test_every_package_writes_the_same_outcome_in_its_own_order(source: str, key) -> None:
    shots = sample(STATE, ZZZ, 7, np.random.default_rng(0))
    assert Counts.from_dicts({"ZZZ": {key: 7}}, source=source) == shots
    assert Counts.from_dicts(Counter({key: 7}), ZZZ, source) == shots
    assert shots["ZZZ"]["011"] == 7


@every(
    "source, records, message",
    [
        ("qml", {"ZZZ": {"01": 7}}, r"key '01' of setting 'ZZZ': an outcome must have 3 digits; found 2 in '01'"),
        ("qml", {"ZZZ": {"012": 7}}, r"each digit must be from 0 to 1; found '2' in '012'"),
        ("qml", {"ZZZ": {"0 1": 7}}, r"each digit must be from 0 to 1; found ' '"),
        ("qml", {"ZZZ": {3: 7}}, r"an outcome must be text such as '000'; found 3"),
        ("qml", {"ZZZ": {"011": -7}}, r"an integer from 0 to 2\^63 - 1; found -7 for key '011' of setting 'ZZZ'"),
        ("qml", {"ZZZ": {"011": 7.0}}, r"found 7\.0 for key '011' of setting 'ZZZ': use Counts.from_weights"),
        ("qiskit", {"ZZZ": {"011": 7, "01 1": 2}}, r"key '01 1' of setting 'ZZZ': that outcome is there already"),
        ("qiskit", {"ZZZ": {"0xz": 7}}, "not a hexadecimal number"),
        ("qiskit", {"ZZZ": {"0xff": 7}}, "must have 3 digits; found 8"),
        ("cirq", {"ZZZ": {8: 7}}, r"an integer from 0 to 7 or a tuple; found 8"),
        ("cirq", {"ZZZ": {True: 7}}, r"found True"),
        ("cirq", {"ZZZ": {(0, 2, 0): 7}}, r"each digit must be from 0 to 1; found 2"),
        ("qml", {"ZZA": {"011": 7}}, "a word over X, Y, Z"),
        ("qml", {"ZZZ": 7}, "must map each setting to a mapping"),
        ("qml", {}, "at least one setting"),
        ("qasm", {"ZZZ": {"011": 7}}, "source must be one of"),
    ],
)
def test_bad_dictionaries_are_refused_by_row(source: str, records: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Counts.from_dicts(records, source=source)


def test_unknown_settings_are_refused_and_missing_ones_are_empty() -> None:
    m = PauliMeasurement(1)
    assert Counts.from_dicts({"Z": {"0": 3}}, m).shots.tolist() == [0, 0, 3]
    with pytest.raises(InputError, match=r"key '0' of setting 'A': the measurement has no setting 'A'"):
        Counts.from_dicts({"A": {"0": 3}}, m)


def test_labels_beyond_qubits() -> None:
    qutrits = computational_basis((3, 3))
    assert Counts.from_dicts({"21": 4}, qutrits)["0"]["21"] == 4
    large = computational_basis((12, 2))
    assert Counts.from_dicts({"11,0": 4}, large)["0"]["11,0"] == 4
    assert Counts.from_dicts({(2, 1): 4}, qutrits, "cirq").counts.argmax() == 7
    assert Counts.from_dicts({"Pauli-6": {"05": 4}}, pauli_six(2)).counts.argmax() == 5
    with pytest.raises(InputError, match="Qiskit's outcomes are texts of bits"):
        Counts.from_dicts({"21": 4}, qutrits, "qiskit")


def record(tmp_path, **changes) -> str:
    """A small simulated record in the form in which public tomography data often come."""
    rho = states.werner(0.7)
    counts = sample(rho, PauliMeasurement(2), 200, np.random.default_rng(2))
    data = {
        "about": "simulated; leftmost character = qubit 0; outcome '0' is the +1 eigenstate",
        "settings": [{"paulis": w, "counts": {k: n for k, n in counts[w].items() if n}} for w in ["XX", "ZX", "ZY"]],
    } | changes
    path = tmp_path / "record.json"
    path.write_text(json.dumps(data))
    return str(path)


def test_records_of_pauli_settings_need_no_measurement(tmp_path) -> None:
    counts = Counts.read_json(record(tmp_path))
    assert counts.measurement.settings == ("XX", "ZX", "ZY")
    assert counts.shots.tolist() == [200, 200, 200]
    full = sample(states.werner(0.7), PauliMeasurement(2), 200, np.random.default_rng(2))
    assert counts["ZX"] == full["ZX"]
    assert Counts.read_json(record(tmp_path), PauliMeasurement(2)).shots.sum() == 600
    shuffled = {"settings": [{"paulis": w, "counts": full[w]} for w in reversed(full.measurement.settings)]}
    assert Counts.read_json(record(tmp_path, **shuffled)) == full


@every(
    "changes, message",
    [
        ({"settings": [{"paulis": "XX", "counts": {"0": 1}}]}, r"row 0 of settings \('XX'\), outcome '0': .* 2 digits"),
        ({"settings": [{"paulis": "XX", "counts": {"00": 1.5}}]}, r"found 1.5 for row 0 of settings \('XX'\)"),
        ({"settings": [{"paulis": "XX", "counts": {"00": -1}}]}, r"found -1 for row 0"),
        ({"settings": [{"paulis": "XX"}]}, r"row 0 of settings must have the keys"),
        ({"settings": [{"paulis": "XX", "counts": {}}] * 2}, r"row 1 of settings: 'XX' is there already"),
        ({"settings": []}, "whose key 'settings' holds a list"),
        ({"format": "qml.Counts 2"}, r"of the format 'qml\.Counts 2'"),
        ({"measurement": {"kind": "magic"}}, "an object has the kind 'magic', which the library does not know"),
        ({"measurement": {"kind": "pauli", "wrong": 1}}, "can't be made"),
        ({"measurement": {"kind": "povm", "elements": {"a": 1}}}, "must be an array of numbers; found dict"),
    ],
)
def test_bad_json_is_refused_by_row(tmp_path, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Counts.read_json(record(tmp_path, **changes))


def test_files_that_are_not_records(tmp_path) -> None:
    path = tmp_path / "counts.json"
    with pytest.raises(InputError, match="does not exist"):
        Counts.read_json(path)
    path.write_text("{")
    with pytest.raises(InputError, match="not readable JSON"):
        Counts.read_json(path)
    path.write_text('{"settings": [{"paulis": "X", "counts": {"0": 1, "0": 2}}]}')
    with pytest.raises(InputError, match="the key '0' comes twice"):
        Counts.read_json(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not text"):
        Counts.read_csv(path)
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(InputError, match=r"no file that the library wrote; it holds the arrays \['a'\]"):
        Counts.load(tmp_path / "other.npz")
    np.savez(tmp_path / "half.npz", counts=np.zeros(2, dtype=np.int64))
    with pytest.raises(InputError, match=r"no file that the library wrote; it holds the arrays \['counts'\]"):
        Counts.load(tmp_path / "half.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("setting,outcome\nX,0\n", "must begin with the line 'setting,outcome,count'"),
        ("setting,outcome,count\nX,0,3\nX,0,3\n", r"line 3 \('X', outcome '0'\): that outcome is there already"),
        ("setting,outcome,count\nX,0,3.5\n", r"found '3.5' for line 2 \('X', outcome '0'\)"),
        ("setting,outcome,count\nX,0,-3\n", r"found -3 for line 2"),
        ("setting,outcome,count\nX,00,3\n", r"line 2 .*must have 1 digit; found 2"),
        ("setting,outcome,count\nX,0\n", "line 2 must have three cells"),
        ("setting,outcome,count\n", "holds no counts"),
    ],
)
def test_bad_csv_is_refused_by_line(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Counts.read_csv(path)


def test_weights_go_to_npz_only(tmp_path) -> None:
    m = haar_bases((2,), 2, np.random.default_rng(0))
    weighted = Counts.from_frequencies(m, m.probabilities(states.maximally_mixed((2,))))
    weighted.save(tmp_path / "weights.npz")
    assert Counts.load(tmp_path / "weights.npz") == weighted
    for write in (weighted.write_json, weighted.write_csv):
        with pytest.raises(InputError, match="this record holds weights: use save"):
            write(tmp_path / "weights")


def test_kinds_of_measurement_of_ones_own_are_written_and_read_where_they_are_known(tmp_path) -> None:
    class Mine(ProjectiveMeasurement):
        pass

    Counts(Mine(np.eye(2)), [1, 2]).save(tmp_path / "mine.npz")
    assert isinstance(Counts.load(tmp_path / "mine.npz").measurement, Mine)
    kind = KINDS.pop(Mine._kind)
    with pytest.raises(InputError, match="which the library does not know"):
        Counts.load(tmp_path / "mine.npz")
    assert kind == Mine._again


def test_files_of_spreadsheets_begin_with_a_byte_order_mark(tmp_path) -> None:
    counts = Counts(PauliMeasurement(["ZZ"]), [1, 2, 3, 4])
    for name, write, read in (
        ("a.csv", counts.write_csv, Counts.read_csv),
        ("a.json", counts.write_json, Counts.read_json),
    ):
        write(tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert read(tmp_path / name) == counts
    (tmp_path / "t.csv").write_text("kind,x\na,1\nb,2\n", encoding="utf-8-sig")
    assert read_table(tmp_path / "t.csv", "kind").names == ("a", "b")


def test_names_of_settings_may_hold_any_letters(tmp_path) -> None:
    names = ["a,b", 'c"d', "two\nlines", "\u2028", "<b>", ""]
    counts = Counts(ElementsMeasurement([[np.eye(2)]] * len(names), settings=names), range(1, 7))
    counts.write_csv(tmp_path / "it.csv")
    counts.write_json(tmp_path / "it.json")
    assert Counts.read_csv(tmp_path / "it.csv", counts.measurement) == counts
    assert Counts.read_json(tmp_path / "it.json") == counts


def test_arrays_of_earlier_versions_are_read(tmp_path) -> None:
    """What a measurement is, and its counts, stood side by side."""
    elements = np.array([[[0.25, 0], [0, 0.5]], [[0.75, 0], [0, 0.5]]])
    kinds = {
        PauliMeasurement(["X", "Z"]): {"kind": "pauli", "settings": ["X", "Z"]},
        POVM(elements): {"kind": "povm", "elements": {"array": "array0"}, "dims": [2]},
    }
    for measurement, text in kinds.items():
        counts = np.arange(measurement.n_outcomes) + 5
        np.savez(tmp_path / "old.npz", counts=counts, measurement=json.dumps(text), array0=elements)
        found = Counts.load(tmp_path / "old.npz")
        assert found == Counts(measurement, counts)
        found.save(tmp_path / "new.npz")
        assert Counts.load(tmp_path / "new.npz") == found
