"""Processes that are killed: a run and a sweep resumed again and again, workers lost in the middle."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import qml
from qml.fitting import FitResult
from qml.studies.files import read_journal
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.run.compare import compare
from qml.studies.run.run import Options, run_study
from qml.studies.run.sweeping import How

TARGET = """\
seed: 5
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
"""
FIT = "  - {name: fit %d, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 15}\n"
SWEEP = TARGET + "fits:\n" + FIT % 0 + "sweep: {grid: {target.beta: {low: 0.1, high: 2, count: %d}}}\n"
LONG = "optimizer: {kind: adam, learning_rate: 1e-6}, max_iterations: %d"  # without an end before that


@dataclass(frozen=True)
class Case:
    """A study of so many steps that is killed so often, each time when up to `most` things are on disk."""

    name: str
    text: str
    steps: int
    kills: int
    most: int
    options: tuple[str, ...]

    def output(self, folder: Path) -> Path:
        return folder / f"{self.name} killed"

    def whole(self, folder: Path) -> Path:
        return folder / f"{self.name} whole"


def sweep(points: int, kills: int, most: int, workers: int = 1) -> Case:
    return Case("sweep", SWEEP % points, points, kills, most, ("--workers", str(workers)))


def run_of(fits: int, iterations: int, kills: int, most: int) -> Case:
    """A fit has ten checkpoints."""
    text = TARGET + "fits:\n" + "".join(FIT.replace("max_iterations: 15", LONG) % (i, iterations) for i in range(fits))
    often = ("--checkpoint-iterations", str(iterations // 10))
    return Case("run", text, fits * (iterations + 1), kills, most, often)


def killed(folder: Path, case: Case) -> None:
    """It is killed and resumed again and again, and each kill is asserted to lose none of the steps on disk; beside it
    there is an undisturbed one.

    Many kills must have hit it in the middle, or there would be nothing to see.
    """
    (folder / f"{case.name}.yaml").write_text(case.text)
    options = ["--threads", "1", *case.options]
    job = [f"{case.name}.yaml", case.output(folder).name, case.steps, case.kills, case.most, options]
    finished = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "killed.py"), json.dumps(job)],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert len(found["end"]) == case.steps
    assert len(found["left"]) == case.kills
    hits = sum(0 < left < case.steps for left in found["left"])
    print(f"{case.name}: {hits} of {case.kills} kills hit it in the middle: {found['left']}")
    assert hits >= case.kills // 4, found["left"]
    how = How(1 if case.name == "sweep" else None, 1)
    run_study(folder / f"{case.name}.yaml", Options(case.whole(folder), quiet=True, how=how))
    same_sweep(folder, case) if case.name == "sweep" else same_run(folder, case)


def same_sweep(folder: Path, case: Case) -> None:
    for name in ("table.csv", "table.parquet"):
        assert (case.output(folder) / name).read_bytes() == (case.whole(folder) / name).read_bytes()


def same_run(folder: Path, case: Case) -> None:
    both = case.output(folder), case.whole(folder)
    found = compare(*map(load_run, both))
    assert found.identical == len(found.pairs) == case.text.count("name: ")
    results = [[FitResult.load(p) for p in sorted(each.glob("fits/*/result.npz"))] for each in both]
    for one, two in zip(*results, strict=True):
        assert one.params.tobytes() == two.params.tobytes()
        assert one.history.loss.tobytes() == two.history.loss.tobytes()


@pytest.mark.slow
def test_a_sweep_that_is_killed_twenty_times(tmp_path: Path, no_pictures: None) -> None:
    killed(tmp_path, sweep(80, 20, 30))


@pytest.mark.slow
def test_a_run_that_is_killed_twenty_times(tmp_path: Path, no_pictures: None) -> None:
    killed(tmp_path, run_of(4, 200, 20, 12))


@pytest.mark.slow
def test_a_sweep_in_two_processes_that_is_killed_again_and_again(tmp_path: Path, no_pictures: None) -> None:
    killed(tmp_path, sweep(200, 4, 60, workers=2))


# workers ---------------------------------------------------------------------------------------------------------


def once(journal: Path, entries: int, then: Callable[[], None]) -> threading.Thread:
    """Watches a sweep and does something in the middle of it."""

    def watch() -> None:
        for _ in range(60_000):
            if len(read_journal(journal)) >= entries:
                then()
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def kill_a_child() -> None:
    victim = next(p for p in multiprocessing.active_children() if p.pid is not None)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the cluster, about the worker that is killed
def test_one_process_two_and_a_cluster_that_loses_a_worker_give_the_same_table(
    tmp_path: Path, no_pictures: None
) -> None:
    distributed = importlib.import_module("distributed")
    (tmp_path / "study.yaml").write_text(SWEEP % 200)

    def run(name: str, how: How) -> bytes:
        finished = run_study(tmp_path / "study.yaml", Options(tmp_path / name, quiet=True, how=how))
        assert finished.failed == 0
        return (tmp_path / name / "table.csv").read_bytes()

    expected = run("one", How(workers=1))
    watcher = once(tmp_path / "two" / "points.journal", 20, kill_a_child)
    assert run("two", How(workers=2)) == expected
    watcher.join()
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:
        pid = cluster.workers[0].pid
        watcher = once(tmp_path / "dask" / "points.journal", 20, lambda: os.kill(pid, signal.SIGKILL))
        assert run("dask", How(scheduler=cluster.scheduler_address)) == expected
        watcher.join()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_in_two_processes_that_is_interrupted_says_one_sentence(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "study.yaml").write_text(SWEEP % 2000)
    process = subprocess.Popen(
        [sys.executable, "-m", "qml.studies.cli", "run", "study.yaml", "--workers", "2", "--output", "out"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1])},
    )  # fmt: skip
    once(tmp_path / "out" / "points.journal", 20, lambda: os.killpg(process.pid, number)).join()
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == code
    assert stderr == "qml: interrupted: what was done is in out; continue with: qml run out --resume\n"
    assert len(load_table(load_run(tmp_path / "out"))["loss"]) == len(read_journal(tmp_path / "out" / "points.journal"))


CUT = """\
import os, sys
from qml.studies.cli import main
from qml.studies.run import worker

real, fits = worker.run_fit, []

def run_fit(*arguments, **options):
    "The second fit of the second point is cut short after 35 steps."
    def cut(iteration):
        if len(fits) == 4 and iteration.iteration == 35:
            os.kill(os.getpid(), int(sys.argv[1]))
    fits.append(0)
    return real(*arguments, cut, **options)

worker.run_fit = run_fit
main(["run", "study.yaml", "--output", "cut", "--workers", "1", "--checkpoint-iterations", "10"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_fit_of_a_point_goes_on_from_its_checkpoint(
    tmp_path: Path, no_pictures: None, number: signal.Signals
) -> None:
    fits = "".join(FIT.replace("max_iterations: 15", LONG) % (i, 60) for i in range(2))
    (tmp_path / "study.yaml").write_text(f"{TARGET}fits:\n{fits}sweep: {{grid: {{target.beta: [0.5, 1.0, 1.5]}}}}\n")
    command = [sys.executable, "-c", CUT, str(int(number))]
    environment = {**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1])}
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert found.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}[number], found.stderr
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    assert {path.name for path in (cut / "checkpoints").glob("*.npz")} >= {"00001-2.npz"}
    run_study(tmp_path / "study.yaml", Options(cut, resume=True, quiet=True, how=How(workers=1)))
    run_study(tmp_path / "study.yaml", Options(whole, quiet=True, how=How(workers=1)))
    lines = [json.loads(line) for line in (cut / "log.jsonl").read_text().splitlines()]
    (continued,) = [x for x in lines if x["event"] == "fit continued from its checkpoint" and x["fit"] == "fit 1"]
    assert (continued["point"], continued["exact"]) == (1, True)
    assert (cut / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()
    assert not (cut / "checkpoints").exists()
    assert not (whole / "checkpoints").exists()


WORK = """\
import os

def work(task, kept):
    if task.point == 3:
        os._exit(1)
    return {"point": task.point, "fits": [{"fit": "a"}]}
"""
DEADLY = """\
import json
from pathlib import Path
from at_work import work
from qml.studies.run import pools
from qml.studies.run.worker import Task

pools.work = work
kept = []
tasks = [Task(i, None, Path(), 1) for i in range(8)]
with pools.opened(2, None) as pool:
    pools.carry_out(tasks, pool, kept.append, ["a"])
print(json.dumps(sorted((e["point"], e["fits"][0].get("error", "")) for e in kept)))
"""


@pytest.mark.slow
def test_a_point_that_kills_its_process_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "at_work.py").write_text(WORK)
    (tmp_path / "deadly.py").write_text(DEADLY)
    environment = {**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1])}
    found = subprocess.run(
        [sys.executable, "deadly.py"], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=600
    )
    assert found.returncode == 0, found.stderr
    outcomes = dict(json.loads(found.stdout))
    assert sorted(outcomes) == list(range(8))
    assert outcomes.pop(3).startswith("WorkerDied: ")
    assert set(outcomes.values()) == {""}
