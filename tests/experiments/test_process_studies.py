"""Studies of processes: Choi states as targets, records of experiments, and what is learnt from them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.command import call

from qml import Counts
from qml._results import Outcome
from qml.processes import Experiments, Process, ProcessMeasurement

STUDIES = Path(__file__).parents[2] / "experiments" / "processes"
TURN = {"kind": "qasm", "text": "qubit q; input float turn; rx(turn) q;"}
NOISE = [{"channel": "Depolarizing", "params": ["p"]}]
DECAY = {
    "kind": "lindblad",
    "hamiltonian": {"w": {"kind": "pauli", "terms": {"Z": 1.0}}},
    "jumps": {"decay": {"kind": "lowering", "n": 1}},
}


def run(tmp_path, study, *options):
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(study), encoding="utf-8")
    return call("run", str(path), "--output", str(tmp_path / "out"), *options)


def parameters(folder, fit=None):
    found = sorted((folder / "fits").iterdir())[0 if fit is None else fit] / "parameters.csv"
    rows = list(csv.reader(found.read_text(encoding="utf-8").splitlines()))[1:]
    return {name: float(value) for name, value in rows}


def test_a_process_is_learnt_by_the_cross_entropy_of_choi_states(tmp_path):
    study = {
        "target": {
            "kind": "process",
            "ansatz": TURN,
            "noise": [{"channel": "Depolarizing", "params": [0.1]}],
            "values": {"turn": 0.4},
        },
        "fits": [{"name": "a", "model": {"kind": "process", "ansatz": TURN, "noise": NOISE}}],
    }
    done = run(tmp_path, study)
    assert done.exit_code == 0, done.output
    assert parameters(tmp_path / "out") == pytest.approx({"turn": 0.4, "p": 0.1}, abs=1e-5)
    assert "Learnt noise of a: p = 0.1" in done.output


@pytest.mark.slow
def test_counts_of_a_process(tmp_path):
    study = yaml.safe_load((STUDIES / "noisy_gate.yaml").read_text(encoding="utf-8"))
    done = run(tmp_path, study)
    assert done.exit_code == 0, done.output
    counts = Counts.load(tmp_path / "out" / "counts.npz")
    assert isinstance(counts.measurement, ProcessMeasurement)
    assert len(counts.measurement.settings) == 18
    assert " ".join(done.output.split()).count("nats of the largest.") == 1
    assert "fidelity with process" in done.output
    found = parameters(tmp_path / "out", 1)
    assert found["turn"] == pytest.approx(1.62, abs=0.02)
    assert found["p"] == pytest.approx(0.01, abs=0.006)
    assert found["gamma"] == pytest.approx(0.03, abs=0.012)
    states = [Outcome.load(f / "result.npz").state for f in sorted((tmp_path / "out" / "fits").iterdir())]
    assert all(np.abs(2 * Process(s).choi.matrix().trace() - 2) < 1e-9 for s in states)
    assert "not drawn" not in done.output


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dynamics", "gate_set"])
def test_the_shipped_studies_run(tmp_path, name):
    done = call("run", str(STUDIES / f"{name}.yaml"), "--output", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert done.output.count("converged") == 2
    if name == "dynamics":
        truth = yaml.safe_load((STUDIES / "dynamics.yaml").read_text(encoding="utf-8"))["target"]["values"]
        found = parameters(tmp_path / "out", 0)
        assert max(abs(found[key] - truth[key]) for key in truth) < 0.02


def test_a_record_of_times_is_learnt_again_from_its_file(tmp_path):
    simulated = {
        "target": {
            "kind": "experiments",
            "of": DECAY,
            "values": {"w": 0.7, "decay": 0.1},
            "times": [0.0, 0.5, 1.0, 1.5],
            "shots": 2000,
        },
        "fits": [{"name": "a", "model": DECAY, "optimizer": {"kind": "natural_gradient"}}],
    }
    assert run(tmp_path, simulated).exit_code == 0
    first = parameters(tmp_path / "out")
    assert first["w"] == pytest.approx(0.7, abs=0.05)
    assert first["decay"] == pytest.approx(0.1, abs=0.03)
    counts = Counts.load(tmp_path / "out" / "counts.npz")
    assert isinstance(counts.measurement, Experiments)
    (tmp_path / "again").mkdir()
    counts.write_json(tmp_path / "again" / "record.json")
    done = run(tmp_path / "again", {**simulated, "target": {"kind": "counts", "file": "record.json"}})
    assert done.exit_code == 0, done.output
    assert parameters(tmp_path / "again" / "out") == pytest.approx(first, abs=1e-6)


@pytest.mark.slow
def test_words_and_sparse_noise(tmp_path):
    gates = {"kind": "gate_set", "gates": {"G": TURN}}
    words = {
        "kind": "experiments",
        "of": gates,
        "values": {"turn": 1.5},
        "words": ["", "G", "G G", "G G G"],
        "shots": 5000,
    }
    fit = {"name": "a", "model": gates, "optimizer": {"kind": "natural_gradient"}, "restarts": 3}
    done = run(tmp_path, {"target": words, "fits": [fit]})
    assert done.exit_code == 0, done.output
    assert np.cos(parameters(tmp_path / "out")["turn"]) == pytest.approx(np.cos(1.5), abs=0.03)
    noise = {"kind": "pauli_lindblad", "terms": ["ZZI", "IZZ", "XII"]}
    values = {"ZZI": 0.01, "IZZ": 0.02, "XII": 0.03}
    target = {"kind": "experiments", "of": noise, "values": values, "depths": [1, 4, 16], "shots": 20000}
    (tmp_path / "b").mkdir()
    done = run(tmp_path / "b", {"target": target, "fits": [{"name": "a", "model": noise}]})
    assert done.exit_code == 0, done.output
    assert parameters(tmp_path / "b" / "out") == pytest.approx(values, abs=0.002)


LEARN = [{"name": "a", "model": DECAY}]
WRONG = {
    "experiments of a lindblad need times": {
        "target": {"kind": "experiments", "of": DECAY, "values": {"w": 1.0, "decay": 0.1}, "shots": 5},
        "fits": LEARN,
    },
    "the model lindblad learns from a record of experiments": {"target": {"kind": "ghz", "n": 1}, "fits": LEARN},
    "'decay' is missing": {
        "target": {"kind": "experiments", "of": DECAY, "values": {"w": 1.0}, "times": [1.0], "shots": 5},
        "fits": LEARN,
    },
    "preparations belong to counts of a process": {
        "target": {
            "kind": "counts",
            "of": {"kind": "ghz", "n": 1},
            "measurement": {"kind": "pauli"},
            "shots": 5,
            "preparations": "six",
        },
        "fits": LEARN,
    },
    "give either standard or gates": {
        "target": {"kind": "experiments", "of": {"kind": "gate_set"}, "words": ["G"], "shots": 5},
        "fits": LEARN,
    },
    "site must be below n = 1": {
        "target": {
            "kind": "experiments",
            "of": {**DECAY, "jumps": {"decay": {"kind": "raising", "n": 1, "site": 3}}},
            "values": {"w": 1.0, "decay": 0.1},
            "times": [1.0],
            "shots": 5,
        },
        "fits": LEARN,
    },
}


@pytest.mark.parametrize("sentence", WRONG)
def test_mistakes_are_told_in_a_sentence(tmp_path, sentence):
    done = run(tmp_path, WRONG[sentence])
    assert done.exit_code == 2
    assert sentence in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()
