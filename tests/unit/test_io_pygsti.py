"""Text data sets of pyGSTi: what they say, what comes back, and what mangled ones are told."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest
from helpers.cases import every

import qml
from qml import Counts, PauliMeasurement
from qml._checks import InputError, MemoryRefused
from qml.io import pygsti_text, read_pygsti, write_pygsti
from qml.io.pygsti_text import letter_of
from qml.processes import Experiments, xyi_gate_set, xyi_words

COLUMNS = "## Columns = 0 count, 1 count\n"
NAMES = {"[]": "Gi", "Gxpi2:0": "Gx", "Gypi2:0": "Gy"}


def read(folder: Path, text: str, *args, **options) -> Counts:
    (folder / "data.txt").write_text(text, encoding="utf-8")
    return read_pygsti(folder / "data.txt", *args, **options)


def words(counts: Counts) -> list[str]:
    return [" ".join(row.circuit) for row in counts.measurement.rows]


@every(
    "circuit, word",
    [
        ("{}", ""),
        ("({})@(0)", ""),
        ("()^2", ""),
        ("[]", "[]"),
        ("[]^3@(0)", "[] [] []"),
        ("([])^2Gx:0", "[] [] Gx"),
        ("Gxpi2:0Gypi2:0@(0)", "Gxpi2 Gypi2"),
        ("GxGxGy", "Gx Gx Gy"),
        ("Gx*Gy", "Gx Gy"),
        ("Gx:0~Gy:0", "Gx Gy"),
        ("Gx:0({})Gy:0", "Gx Gy"),
        ("Gx^3", "Gx Gx Gx"),
        ("(GxGy)^2Gx", "Gx Gy Gx Gy Gx"),
        ("((Gx)^2Gy)^2", "Gx Gx Gy Gx Gx Gy"),
        ("(GxGy)^0Gx", "Gx"),
        ("[Gx:0]", "Gx"),
        ("Gzr;0.3:0", "Gzr;0.3"),
        ("{idle}:0Gx:0", "{idle} Gx"),
        ("Gx:Q1@(Q1)@2", "Gx"),
        ("Gx@(*)", "Gx"),
    ],
)
def test_circuits_of_one_qubit_become_words(tmp_path, circuit, word):
    assert words(read(tmp_path, f"{COLUMNS}{circuit}  3  4\n")) == [word]


def test_circuits_of_two_qubits_keep_their_lines(tmp_path):
    text = "## Columns = 00 count, 01 count, 10 count, 11 count\n"
    text += "Gcnot:0:1(Gx:1[Gy:1Gx:0])^2[]@(0,1)  1  2  3  4\n[Gx:0Gy:1]@(0,1)  4  3  2  1\n"
    counts = read(tmp_path, text, gates={"[Gx:0Gy:1]": "both"})
    assert words(counts) == ["Gcnot:0:1 Gx:1 both Gx:1 both []", "both"]
    assert counts.measurement.settings[1] == "rho|both|ZZ"
    assert counts[0] == {"00": 1, "01": 2, "10": 3, "11": 4}
    assert counts.measurement.sites == (2, 2)
    np.testing.assert_array_equal(counts.measurement.preparations.probabilities(), [[1, 0, 0, 0]])


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        (COLUMNS, "45 55"),
        ("# made today\n\n## Columns = 1 count, 0 count\n", "55 45 # a note"),
        ("## Columns = 0 frequency, count total\n", "0.45 100"),
        ("## Columns = 1 frequency, 0 frequency, count total\n", "0.55 0.45 100"),
        ("## Columns = 0 count, count total\n", "45 1e2"),
        ("## StdOutcomeQubits = 1\n", "1:55.0 0:45"),
    ],
)
def test_counts_stand_in_columns_or_beside_their_outcomes(tmp_path, head, cells):
    counts = read(tmp_path, f"{head}Gx:0@(0)  {cells}\n")
    assert counts[0] == {"0": 45, "1": 55}
    assert not counts.is_weighted


def test_what_is_missing_is_zero_and_what_comes_twice_is_added(tmp_path):
    text = f"{COLUMNS}Gx^2  --  7\nGy  BAD\nGz BAD BAD\nGxGx  3  1\n{{}}  0  0\n"
    counts = read(tmp_path, text)
    assert words(counts) == ["Gx Gx", ""]
    np.testing.assert_array_equal(counts.counts, [3, 8, 0, 0])
    np.testing.assert_array_equal(read(tmp_path, "Gx  1:7\n").counts, [0, 7])


def test_fractions_make_a_record_of_weights(tmp_path):
    counts = read(tmp_path, f"{COLUMNS}Gx  45.5  54.5\n")
    assert counts.is_weighted
    np.testing.assert_array_equal(counts.counts, [45.5, 54.5])


def test_several_preparations_and_measurements_are_named_by_the_circuits(tmp_path):
    ends = {"Mz": np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]), "Mnone": np.eye(2)[None]}
    starts = {"rho0": [1.0, 0.0], "rho1": [0.0, 1.0]}
    counts = read(tmp_path, "rho0GxMz  0:1  1:2\nrho1Mnone@(0)  0:5\n", starts, ends)
    assert counts.measurement.settings == ("rho0|Gx|Mz", "rho1||Mnone")
    np.testing.assert_array_equal(counts.counts, [1, 2, 5])
    write_pygsti(counts, tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text() == "rho0Gx:0Mz@(0)  0:1  1:2\nrho1Mnone@(0)  0:5\n"
    assert read_pygsti(tmp_path / "again.txt", starts, ends) == counts
    with pytest.raises(InputError, match=r"line 1: the circuit must name its preparation, one of 'rho0', 'rho1'\."):
        read(tmp_path, "GxMz  0:1  1:2\n", starts, ends)
    with pytest.raises(
        InputError, match=r"line 1: there is no measurement 'Mnon' \(did you mean 'Mnone'\?\); there are"
    ):
        read(tmp_path, "rho0GxMnon  0:1  1:2\n", starts, ends)


def test_a_record_comes_back(tmp_path):
    model = xyi_gate_set()
    setup = Experiments.product(xyi_words(8), {"rho": [1.0, 0.0]}, PauliMeasurement(["Z"]))
    truth = xyi_gate_set("known").predict(
        (), Experiments.product(xyi_words(8), {"rho": [1.0, 0.0]}, model.measurements)
    )
    counts = setup.simulate(truth, 10**9 + 7, np.random.default_rng(0))
    write_pygsti(counts, tmp_path / "data.txt", gates=NAMES)
    assert (tmp_path / "data.txt").read_text().splitlines()[1] == f"{{}}@(0)  {10**9 + 7}  0"
    assert read_pygsti(tmp_path / "data.txt", gates=NAMES) == counts
    own = read_pygsti(tmp_path / "data.txt", None, model.measurements, gates=NAMES)
    assert qml.tomography.gate_set_tomography(model, own, max_iterations=2).counts.total == counts.total


def test_weights_layers_and_two_qubits_come_back(tmp_path):
    setup = Experiments.product([("[Gx:0Gy:1]", "[]", "Gcnot"), ()], {"rho": np.eye(4)[0]}, PauliMeasurement(["ZZ"]))
    counts = Counts.from_weights(setup, np.arange(8) / 3)
    write_pygsti(counts, tmp_path / "data.txt")
    assert "[Gx:0Gy:1][]Gcnot@(0,1)  0.0  0.333" in (tmp_path / "data.txt").read_text()
    assert read_pygsti(tmp_path / "data.txt") == counts


@every(
    "text, sentence",
    [
        ("", r"the pyGSTi file holds no counts\."),
        ("Gx 1:2\nGx(", r"line 2: there are no counts beside the circuit"),
        (f"{COLUMNS}Gx( 1 2", r"line 2: a bracket is not closed; found the end of the circuit\."),
        (f"{COLUMNS}Gx) 1 2", r"line 2: a bracket is closed that was not opened; found '\)'\."),
        (f"{COLUMNS}[Gx:0 1 2", r"line 2: this is no layer, such as \[Gx:0Gy:1\]; found '\[Gx:0'\."),
        (f"{COLUMNS}[G{'rho' * 50} 1 2", r"line 2: this is no layer"),  # in how many ways could it be split?
        (f"{COLUMNS}Gx:Gy:0 1 2", r"line 2: this is no gate; found ':Gy:0'\."),
        (f"{COLUMNS}[Gx:0Gy:0] 1 2", r"line 2: gates that act at once must be on lines of their own"),
        (f"{COLUMNS}hello 1 2", r"line 2: this is no gate; found 'hello'\."),
        (f"{COLUMNS}Gx^ 1 2", r"line 2: a power is a whole number of at most nine digits; found '\^'\."),
        (f"{COLUMNS}Gx^{'9' * 5000} 1 2", r"line 2: a power is a whole number"),
        (f"{COLUMNS}(Gx^999999999)^0 1 2", r"line 2: the circuits up to here have more than 10000000 gates"),
        (f"{COLUMNS}{'(' * 101}Gx{')' * 101} 1 2", r"line 2: more than 100 brackets within each other"),
        (f"{COLUMNS}{'(' * 10**5} 1 2", r"line 2: more than 100 brackets within each other"),
        (f"{COLUMNS}Iz:0 1 2", r"line 2: 'Iz' is an instrument, which is not read within a word"),
        (f"{COLUMNS}GxMdefaultGx 1 2", r"line 2: this is no gate; found 'Gx'\."),
        (f"{COLUMNS}Gx:1@(0) 1 2", r"line 2: a gate is on line 1, which the circuit does not have\."),
        (f"{COLUMNS}Gx:0@0 1 2", r"line 2: the lines of a circuit are written @\(0,1\); found '@0'\."),
        (f"{COLUMNS}Gx:0 1 2\nGx:1 1 2", r"line 3: the circuits up to here are on 2 lines, '0', '1', but the prep"),
        (f"{COLUMNS}Gx:0 1", r"line 2: there must be 2 counts, one a column; found 1\."),
        (f"{COLUMNS}Gx:0 1 2 3", r"line 2: there must be 2 counts, one a column; found 3\."),
        (f"{COLUMNS}Gx:0 1 -2", r"line 2: a count must be a number of at least 0; found '-2'\."),
        (f"{COLUMNS}Gx:0 nan 2", r"line 2: a count must be a number of at least 0; found 'nan'\."),
        (f"{COLUMNS}Gx:0 1e300 2", r"line 2: a count must be at most 2\^63 - 1; found '1e300'\."),
        (f"{COLUMNS}Gx:0 9223372036854775807 2", r"a record holds at most 2\^63 - 1 shots in all"),
        (f"{COLUMNS}Gx:0 0:1 1:2", r"line 2: a count must be a number of at least 0; found '0:1'\."),
        ("Gx:0 1 2", r"line 1: counts must be such as 0:45, or have a line '## Columns = 0 count, 1 count' above"),
        ("Gx:0 0:1 0:2", r"line 1: outcome '0' comes twice\."),
        ("Gx:0 0:1 2:2", r"line 1: the measurement has no outcome '2'; it has '0', '1'\."),
        ("Gx:0 0:1 p0:0:2", r"line 1: the measurement has no outcome 'p0:0' \(outcomes with several parts are those"),
        ("Gx:0 plus:1 minus:2", r"line 1: outcomes must be labelled by bits, such as 0 or 01; found 'plus': name"),
        ("Gx:0\ntimes: 0 1\noutcomes: 0 1\n", r"line 1: there are no counts beside the circuit; data with times"),
        ("## Columns = spam\n", r"line 1: columns must be '0 count', '0 frequency' or 'count total'; found 'spam'\."),
        ("## Columns = 0 count, 0 count\n", r"line 1: each column must be of an outcome of its own"),
        ("## Columns = 0 frequency\n", r"line 1: frequencies need a column 'count total' beside them"),
        (f"{COLUMNS}{COLUMNS}", r"line 2: the line with the columns must come once, above the data\."),
        ("Gx 0:1\n## Columns = 0 count\n", r"line 2: the line with the columns must come once, above the data\."),
        ("## Lookup = other.txt\n", r"line 1: abbreviations of circuits in another file are not read"),
        ("## Columns = 0 frequency, count total\nGx 1.5 10", r"line 2: a frequency must not exceed one; found 1\.5\."),
        ("## Columns = 0 count, 1 count, count total\nGx 3 4 8", r"line 2: the counts must add up to the total 8;"),
        ("## Columns = 00 count, count total\nGx 3 4", r"line 2: the counts must add up to the total 4; found 3\."),
    ],
)
def test_each_mistake_is_told_with_its_line(tmp_path, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text)


def test_letters_are_counted_over_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(pygsti_text, "MOST_LETTERS", 10)
    assert words(read(tmp_path, f"{COLUMNS}Gx^4 1 2\nGx^2Gx 3 4")) == ["Gx Gx Gx Gx", "Gx Gx Gx"]
    with pytest.raises(InputError, match="line 3: the circuits up to here have more than 10 gates"):
        read(tmp_path, f"{COLUMNS}Gx^4 1 2\nGx^6 3 4")


def test_files_that_are_none_are_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="the pyGSTi file '/nowhere' does not exist"):
        read_pygsti("/nowhere")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not text"):
        read_pygsti(tmp_path / "bytes")
    with pytest.raises(MemoryRefused, match=r"dimension 2\^5000 needs"):
        read(tmp_path, f"Gx {'0' * 5000}:1")
    monkeypatch.setattr("qml.io.pygsti_text.LARGEST_FILE", 10)
    with pytest.raises(InputError, match="has 39 bytes; at most 10 are read"):
        read(tmp_path, f"{COLUMNS}Gx  3  4\n")


@every(
    "word, gates, sentence",
    [
        (("sqrt",), None, r"names of gates must be labels of pyGSTi, such as 'Gx' or '\[Gx:0Gy:1\]'; found 'sqrt'"),
        (("Gx^2",), None, "names of gates must be labels of pyGSTi"),
        (("(Gx)",), None, "names of gates must be labels of pyGSTi"),
        (("GxGy",), None, "names of gates must be labels of pyGSTi"),
        (("Gx:0", "Gx:1"), None, "the gates are on lines '0', '1', more than the 1 of the preparations"),
        (("Gx", "Gx:0"), None, "gates must have different labels; found 'Gx:0', 'Gx:0'"),
        (("A",), {"Gx:0": "A", "Gy:0": "A"}, "gates must give each label a name of its own; found 'A', 'A'"),
        (("A",), {"spam": "A"}, r"labels of gates must be pyGSTi's, such as 'Gx:0' or '\[\]'; found 'spam'"),
    ],
)
def test_names_that_pygsti_does_not_have_are_told(tmp_path, word, gates, sentence):
    setup = Experiments([("rho", word, "Z")], {"rho": [1.0, 0.0]}, PauliMeasurement(["Z"]))
    with pytest.raises(InputError, match=sentence):
        write_pygsti(Counts(setup, [1, 2]), tmp_path / "data.txt", gates=gates)


def test_other_counts_are_told(tmp_path):
    timed = Experiments([("rho", 1.0, "Z")], {"rho": [1.0, 0.0]}, PauliMeasurement(["Z"]))
    for counts in (Counts(timed, [1, 2]), Counts(PauliMeasurement(["Z"]), [1, 2])):
        with pytest.raises(InputError, match="counts must be of Experiments with words of gates"):
            write_pygsti(counts, tmp_path / "data.txt")
    several = Experiments.product([()], {"a": [1.0, 0.0], "b": [0.0, 1.0]}, PauliMeasurement(["Z"]))
    with pytest.raises(InputError, match="names of several preparations must be such as rho0 for pyGSTi; found 'a'"):
        write_pygsti(Counts(several, [1, 2, 3, 4]), tmp_path / "data.txt")


def test_a_label_is_one_letter():
    assert [letter_of(text) is not None for text in ("Gx:0", "[]", "[Gx:0Gy:1]", "{idle}:0", "Gzr;-0.5:0")] == [
        True
    ] * 5
    assert [letter_of(text) for text in ("", "{}", "Gx@(0)", "rho0Gx", "GxM", "Gx*", "Gx Gy")] == [None] * 7


@pytest.mark.slow
def test_mangled_files_give_counts_or_a_sentence(tmp_path):
    """Six hundred files with characters lost, doubled, swapped and put in."""
    rng = random.Random(0)
    text = f"# a\n{COLUMNS}({{}})@(0)  999  1\nGxpi2:0([]Gypi2:0)^16[Gx:0Gy:1]@(0,1)  512  --\n"
    text += "rho0GxGx^2Mz@(1)@2 1e2 0.5\n"
    pieces = [*"()[]{}^@:;!#=-~|*,.09GIMQS \n\t\x00é²", "rho", "count", "^99", "##", "1e308", "BAD", "--"]
    sentences = []
    for _ in range(600):
        mangled = list(text)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(mangled))
            kind = rng.randrange(4)
            if kind == 0:
                del mangled[at]
            elif kind == 1:
                mangled.insert(at, rng.choice(pieces))
            elif kind == 2:
                mangled[at] = rng.choice(pieces)
            else:
                end = min(len(mangled), at + rng.randint(1, 12))
                mangled[at:at] = mangled[at:end]
        with contextlib.suppress(MemoryRefused):
            try:
                read(tmp_path, "".join(mangled), {"rho0": np.eye(4)[0]}, {"Mz": LABELLED})
            except InputError as error:
                sentences.append(str(error))
    assert all("\n" not in sentence and sentence.endswith(".") for sentence in sentences)
    assert 20 < len(sentences) < 580


LABELLED = np.array([np.diag([1.0, 1.0, 0.0, 0.0]), np.diag([0.0, 0.0, 1.0, 1.0])])
"""Two outcomes, 0 and 1, of two qubits."""
