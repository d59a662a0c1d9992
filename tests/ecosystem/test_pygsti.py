"""Data sets that pyGSTi writes are read, and pyGSTi reads those written here, where it is installed."""

from __future__ import annotations

import random

import numpy as np
import pygsti
import pytest

from qml import PauliMeasurement
from qml.io import read_pygsti, write_pygsti
from qml.io.pygsti_text import WordParser
from qml.processes import Experiments, xyi_gate_set, xyi_words

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
NAMES = {"[]": "Gi", "Gxpi2:0": "Gx", "Gypi2:0": "Gy"}


@pytest.fixture(scope="module")
def design():
    from pygsti.modelpacks import smq1Q_XYI as pack

    model = pack.target_model().depolarize(op_noise=0.02, spam_noise=0.01)
    circuits = pack.create_gst_experiment_design(8).all_circuits_needing_data
    return model, circuits


def simulated(design):
    return pygsti.data.simulate_data(*design, 1000, sample_error="multinomial", seed=1)


def word_of(circuit) -> tuple[str, ...]:
    return tuple(NAMES[str(layer)] for layer in circuit.layertup)


@pytest.mark.parametrize("is_fixed", [True, False])
def test_a_data_set_of_pygsti_is_read(design, tmp_path, is_fixed):
    data = simulated(design)
    pygsti.io.write_dataset(tmp_path / "data.txt", data, fixed_column_mode=is_fixed)
    counts = read_pygsti(tmp_path / "data.txt", gates=NAMES)
    assert len(counts) == len(data)
    for circuit, row in data.items():
        assert counts[f"rho|{' '.join(word_of(circuit))}|Z"] == {"0": row["0"], "1": row["1"]}


def test_the_words_mean_the_same_to_both(design, tmp_path):
    """Probabilities of pyGSTi, read as weights, are those that the gates predict here."""
    model, circuits = design
    exact = pygsti.data.simulate_data(model, circuits, 1, sample_error="none")
    pygsti.io.write_dataset(tmp_path / "data.txt", exact)
    counts = read_pygsti(tmp_path / "data.txt", None, xyi_gate_set().measurements, gates=NAMES)
    ideal = xyi_gate_set("known").predict((), counts.measurement)
    shrink = np.array([(1 - 0.02) ** len(row.circuit) * (1 - 0.01) for row in counts.measurement.rows])
    expected = 0.5 + np.repeat(shrink, 2) * (ideal - 0.5)
    np.testing.assert_allclose(counts.counts, expected, atol=1e-5)  # it writes six digits


def test_pygsti_reads_what_is_written(design, tmp_path):
    setup = Experiments.product(xyi_words(8), {"rho": [1.0, 0.0]}, PauliMeasurement(["Z"]))
    counts = setup.simulate(np.full(setup.n_outcomes, 0.5), 10**7 + 1, np.random.default_rng(0))
    write_pygsti(counts, tmp_path / "data.txt", gates=NAMES)
    data = pygsti.io.read_dataset(tmp_path / "data.txt", verbosity=0)
    assert len(data) == len(counts)
    for circuit, row in data.items():
        assert {key[0]: n for key, n in row.counts.items()} == counts[f"rho|{' '.join(word_of(circuit))}|Z"]


def test_two_qubits_and_layers_go_back_and_forth(tmp_path):
    words = [("[Gx:0Gy:1]", "Gcnot:0:1", "[]"), (), ("Gx:1",) * 3]
    setup = Experiments.product(words, {"rho": np.eye(4)[0]}, PauliMeasurement(["ZZ"]))
    counts = setup.simulate(np.full(setup.n_outcomes, 0.25), 100, np.random.default_rng(0))
    write_pygsti(counts, tmp_path / "data.txt")
    data = pygsti.io.read_dataset(tmp_path / "data.txt", verbosity=0)
    pygsti.io.write_dataset(tmp_path / "again.txt", data)
    assert read_pygsti(tmp_path / "again.txt") == counts


def test_circuits_at_random_are_unrolled_as_pygsti_does():
    from pygsti.io.stdinput import StdInputParser

    rng = random.Random(0)

    def circuit(depth: int) -> str:
        simple = ["Gx:0", "Gy:1", "[]", "{}", "[Gx:0Gy:1]", "Gcnot:0:1", "[Gy:1Gx:0]", "Gzr;0.3:0", "(Gx:1)"]
        parts = []
        for _ in range(rng.randint(1, 4)):
            part = rng.choice(simple) if depth == 0 or rng.random() < 0.6 else f"({circuit(depth - 1)})"
            parts.append(part + (f"^{rng.randint(0, 3)}" if rng.random() < 0.3 else ""))
        return rng.choice(["", "*"]).join(parts)

    def layer_of(label) -> list[str]:
        return sorted(str(part) for part in label.components)

    parser, theirs = WordParser(), StdInputParser()
    for _ in range(500):
        text = circuit(3) + rng.choice(["", "@(0,1)"])
        expected, lines, *_ = theirs.parse_circuit_raw(text, None, False)
        found = parser.parse(text)
        if lines:
            assert found.lines == {"0", "1"}
        assert len(found.letters) == len(expected)
        for letter, label in zip(found.letters, expected, strict=True):
            assert sorted(part for part in letter.label.strip("[]").replace("G", " G").split()) == layer_of(label)
