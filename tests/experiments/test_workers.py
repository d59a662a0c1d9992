"""How the points of a sweep are carried out: processes, Dask, progress."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import pytest
from helpers.command import call, environment

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


@pytest.mark.slow
def test_workers_import_nothing_from_the_folder_of_the_study(folder: Path) -> None:
    for name in ("qml/__init__.py", "numpy.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("raise RuntimeError('this belongs to the user')")
    script = folder / "scripts" / "command.py"
    script.parent.mkdir()
    script.write_text("from qml.studies.cli import main\nmain()\n")
    arguments = [sys.executable, str(script), "run", "sweep.yaml", "--workers", "2", "--output", "out"]
    ended = subprocess.run(arguments, cwd=folder, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "2 of 2 points done" in ended.stdout


def test_what_came_back_before_a_process_died_is_not_done_again() -> None:
    """Of four points, 0 and 2 take their process down, 2 again when it is alone; the others have come back by then."""
    tried: list[int] = []

    class Dying(pools.Pool):
        ahead = 4

        def submit(self, task: worker.Task) -> Future[dict[str, Any]]:
            future: Future[dict[str, Any]] = Future()
            tried.append(task.point)
            if task.point % 2 == 0 and tried.count(task.point) <= 1 + task.point // 2:
                future.set_exception(BrokenExecutor())
            else:
                future.set_result({"point": task.point})
            return future

    kept: list[dict[str, Any]] = []
    tasks = [worker.Task(point, None, Path("study.yaml"), 1) for point in range(4)]
    pools.carry_out(tasks, Dying(), kept.append, ["one"])
    assert tried == [0, 1, 2, 3, 0, 2]
    assert {entry["point"]: entry.get("fits", [{}])[0].get("error") for entry in kept} == {
        0: None, 1: None, 2: pools.WORKER_DIED, 3: None,
    }  # fmt: skip
    assert len(kept) == 4


def test_a_progress_line_counts_and_estimates() -> None:
    from qml.studies.show.output import SweepReporter, console

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
