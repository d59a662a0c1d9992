"""Runs that are repeated, or compared with others, by their commands."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.command import STUDY
from helpers.command import ended as call

from qml.studies.files import digest
from qml.studies.run import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)  # half a second
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def test_reproduce_finds_equal_bits_and_tells_a_changed_one(folder: Path) -> None:
    call("run", "study.yaml", "--output", "out", "--threads", "1")
    assert call("reproduce", "out").stdout == "All 2 fits are identical to the bit.\n"
    path = folder / "out" / "results.csv"
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    nearly = repr(float(np.nextafter(float(found[1]["loss"]), 9)))
    path.write_text(path.read_text().replace(found[1]["loss"], nearly))
    assert "results.csv was changed or damaged" in call("reproduce", "out", code=2).stderr
    info = json.loads((folder / "out" / "run.json").read_text())
    info["files"]["results.csv"] = [digest(path)]  # as if the run had found it
    (folder / "out" / "run.json").write_text(json.dumps(info))
    text = call("reproduce", "out", code=1).stdout
    assert f"circuit, noisy: loss was {nearly} and is {found[1]['loss']}" in text


def test_a_run_of_which_nothing_is_done_is_not_repeated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("qml.studies.run.run.run_fit", stopped)
        call("run", "study.yaml", "--output", "out", code=130)
    monkeypatch.setattr("qml.studies.run.compare.run_study", stopped)
    assert "no fit of out is done: there is nothing to compare with." in call("reproduce", "out", code=2).stderr


def test_long_differences_of_studies_are_cut(folder: Path) -> None:
    call("run", "study.yaml", "--output", "two")
    text = (folder / "study.yaml").read_text()
    (folder / "one.yaml").write_text(text[: text.rindex("  - ")])
    call("run", "one.yaml", "--output", "one")
    study = [line for line in call("compare", "one", "two").stdout.splitlines() if line.startswith("study, fits: ")]
    assert len(study) == 1
    assert len(study[0]) < 250


def test_what_failed_twice_is_not_called_identical(folder: Path) -> None:
    sweep = "sweep: {grid: {target.hamiltonian.n: [2, 3]}}\n"
    (folder / "study.yaml").write_text(STUDY[: STUDY.rindex("  - ")] + sweep)
    call("run", "study.yaml", "--output", "out", "--workers", "1", code=1)
    compared = "1 of 1 fits are identical to the bit.\nfailed in both: Gibbs model, target.hamiltonian.n=3\n"
    assert call("compare", "out", "out").stdout == compared
    assert call("reproduce", "out", "--workers", "1").stdout == "The fit is identical to the bit.\n"
    call("run", "study.yaml", "sweep.grid={target.hamiltonian.n: [3]}", "--output", "none", "--workers", "1", code=1)
    assert call("compare", "none", "none").stdout.startswith("No fit is done in both.\nfailed in both: Gibbs model")
    assert "no fit of none is done: there is nothing to compare with." in call("reproduce", "none", code=2).stderr
