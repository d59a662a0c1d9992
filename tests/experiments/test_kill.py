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
from pathlib import Path

import pytest

import qml
from qml.experiments.compare import compare
from qml.experiments.files import read_journal
from qml.experiments.record import load_run
from qml.experiments.run import Options, run_study
from qml.experiments.sweeping import How
from qml.experiments.table import load_table
from qml.fitting import FitResult

TARGET = """\
seed: 5
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
"""
FIT = "  - {name: fit %d, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 15}\n"
SWEEP = TARGET + "fits:\n" + FIT % 0 + "sweep: {grid: {target.beta: {low: 0.1, high: 2, count: %d}}}\n"
LONG = "optimizer: {kind: adam, learning_rate: 1e-6}, max_iterations: %d"  # without an end before that


def run_of(fits: int, iterations: int) -> str:
    each = FIT.replace("max_iterations: 15", LONG)
    return TARGET + "fits:\n" + "".join(each % (i, iterations) for i in range(fits))


def killed(folder: Path, text: str, steps: int, kills: int, most: int, *options: str) -> None:
    """A run of so many steps is killed so often, each time resumed, and each kill is asserted to lose none of the steps
    on disk; that run is in `out`, an undisturbed one in `whole`.

    Many kills must have hit a run in the middle, or there would be nothing to see.
    """
    (folder / "study.yaml").write_text(text)
    script, numbers = Path(__file__).parent / "killed.py", map(str, (steps, kills, most))
    finished = subprocess.run(
        [sys.executable, str(script), "study.yaml", "out", *numbers, "--threads", "1", *options],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert len(found["end"]) == steps
    assert len(found["left"]) == kills
    hits = sum(0 < left < steps for left in found["left"])
    print(f"{hits} of {kills} kills hit a run in the middle: {found['left']}")
    assert hits >= kills // 4, found["left"]
    run_study(folder / "study.yaml", Options(folder / "whole", quiet=True, how=How(1 if "sweep" in text else None, 1)))


def check_killed_sweep(folder: Path, points: int, kills: int, most: int, workers: int = 1) -> None:
    killed(folder, SWEEP % points, points, kills, most, "--workers", str(workers))
    for name in ("table.csv", "table.parquet"):
        assert (folder / "out" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def check_killed_run(folder: Path, fits: int, iterations: int, kills: int, most: int) -> None:
    """A fit has ten checkpoints."""
    steps, often = fits * (iterations + 1), str(iterations // 10)
    killed(folder, run_of(fits, iterations), steps, kills, most, "--checkpoint-iterations", often)
    found = compare(load_run(folder / "out"), load_run(folder / "whole"))
    assert found.identical == len(found.pairs) == fits
    results = [[FitResult.load(p) for p in sorted((folder / n).glob("fits/*/result.npz"))] for n in ("out", "whole")]
    for one, two in zip(*results, strict=True):
        assert one.params.tobytes() == two.params.tobytes()
        assert one.history.loss.tobytes() == two.history.loss.tobytes()


def test_a_sweep_that_is_killed_four_times(tmp_path: Path, no_pictures: None) -> None:
    check_killed_sweep(tmp_path, 12, 4, 4)


def test_a_run_that_is_killed_four_times(tmp_path: Path, no_pictures: None) -> None:
    check_killed_run(tmp_path, 2, 60, 4, 6)


@pytest.mark.slow
def test_a_sweep_that_is_killed_twenty_times(tmp_path: Path) -> None:
    check_killed_sweep(tmp_path, 80, 20, 30)


@pytest.mark.slow
def test_a_run_that_is_killed_twenty_times(tmp_path: Path) -> None:
    check_killed_run(tmp_path, 4, 200, 20, 12)


@pytest.mark.slow
def test_a_sweep_in_two_processes_that_is_killed_again_and_again(tmp_path: Path) -> None:
    check_killed_sweep(tmp_path, 200, 4, 60, workers=2)


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
def test_one_process_two_and_a_cluster_that_loses_a_worker_give_the_same_table(tmp_path: Path) -> None:
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
        [sys.executable, "-m", "qml.experiments.cli", "run", "study.yaml", "--workers", "2", "--output", "out"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1])},
    )  # fmt: skip
    once(tmp_path / "out" / "points.journal", 20, lambda: os.killpg(process.pid, number)).join()
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == code
    assert stderr == "qml: interrupted: what was done is in out; continue with: qml run out --resume\n"
    assert len(load_table(load_run(tmp_path / "out"))["loss"]) == len(read_journal(tmp_path / "out" / "points.journal"))


DEADLY = """\
import json, os
from pathlib import Path
from qml.experiments import pools, worker
from qml.experiments.worker import Task

def work(task, kept):
    if task.point == 3:
        os._exit(1)
    return {"point": task.point, "fits": [{"fit": "a"}]}

if __name__ == "__main__":
    pools.work = work
    kept = []
    tasks = [Task(i, None, Path(), 1) for i in range(8)]
    with pools.opened(2, None) as pool:
        pools.carry_out(tasks, pool, kept.append, ["a"])
    print(json.dumps(sorted((e["point"], e["fits"][0].get("error", "")) for e in kept)))
"""


@pytest.mark.slow
def test_a_point_that_kills_its_process_fails_alone(tmp_path: Path) -> None:
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
