"""How the points of a sweep are carried out: processes, Dask, progress."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
from helpers.command import call

from qml._machine import processors
from qml.studies.record import table
from qml.studies.run import pools, worker
from qml.studies.run.sweeping import How

STUDY = """\
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
fits:
  - {name: one, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 5}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "sweep.yaml").write_text(STUDY + "sweep: {grid: {target.beta: [0.5, 1.0]}}\n")
    return tmp_path


def test_dask_that_is_missing_or_silent_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = call("run", "sweep.yaml", "--scheduler", "local", "--output", "out")
    assert "run pip install 'qmaxlik[distributed]'" in result.stderr
    monkeypatch.undo()
    for address, part in (("", "found an empty one"), ("nowhere", "no Dask scheduler answers at 'nowhere'")):
        assert part in call("run", str(folder / "sweep.yaml"), "--scheduler", address, "--output", "out").stderr
    assert not (folder / "out").exists()


def test_what_is_said_about_a_run_has_a_meaning_for_its_study(folder: Path) -> None:
    assert "this study has no sweep" in call("run", "study.yaml", "--workers", "2").stderr
    for name in ("study.yaml", "sweep.yaml"):
        assert "seconds must be a finite number" in call("run", name, "--checkpoint-seconds=nan").stderr
    assert not (folder / "runs").exists()


def test_a_worker_of_another_version_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = worker.work
    monkeypatch.setattr(pools, "work", lambda task, kept: real(dataclasses.replace(task, version="0.0.9"), kept))
    result = call("run", "sweep.yaml", "--workers", "1")
    assert "a worker has qml 0.1.0, and this is 0.0.9: install the same one there" in result.stderr


def test_a_progress_line_counts_and_estimates() -> None:
    from qml.studies.show.output import console
    from qml.studies.show.progress import SweepReporter

    reporter = SweepReporter(console(quiet=True), 40, before=10)
    with reporter:
        for point in range(10, 22):
            reporter.done(point, ["broken"] if point == 15 else [])
        line = reporter.line()
    assert line.startswith("22 of 40 points done, 1 failed, ")
    assert line.endswith(" to go")


def test_the_default_is_one_process_a_processor() -> None:
    from qml.studies.run.sweeping import workers_for

    assert workers_for(How(), 10_000) == processors()
    assert workers_for(How(workers=7), 3) == 3
    assert table.count({}) == 0
