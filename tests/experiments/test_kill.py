"""Processes that are killed: a run and a sweep resumed again and again, workers lost in the middle."""

from __future__ import annotations

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

TARGET = """\
seed: 5
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
"""
FIT = "  - {name: fit %d, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 15}\n"
SWEEP = TARGET + "fits:\n" + FIT % 0 + "sweep: {grid: {target.beta: {low: 0.1, high: 2, count: %d}}}\n"
SLOW = "optimizer: {kind: adam, learning_rate: 1e-6}, max_iterations: 400"  # about a tenth of a second
RUN = TARGET + "fits:\n" + "".join(FIT % i for i in range(8)).replace("max_iterations: 15", SLOW)


def killed(folder: Path, text: str, kills: int, longest: float) -> list[int]:
    """How much was done after each kill; the whole run is in `out`."""
    (folder / "study.yaml").write_text(text)
    script = Path(__file__).parent / "killed.py"
    finished = subprocess.run(
        [sys.executable, str(script), "study.yaml", "out", str(kills), "1", str(longest)],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    left = json.loads(finished.stdout)
    assert len(left) == kills
    run_study(folder / "study.yaml", Options(folder / "whole", quiet=True, how=How(1, 1)))
    return list(left)


def check_killed_sweep(folder: Path, points: int, kills: int, longest: float) -> None:
    left = killed(folder, SWEEP % points, kills, longest)
    assert any(0 < count < points for count in left), left
    for name in ("table.csv", "table.parquet"):
        assert (folder / "out" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def check_killed_run(folder: Path, kills: int, longest: float) -> None:
    left = killed(folder, RUN, kills, longest)
    assert any(0 < count < 8 for count in left), left
    found = compare(load_run(folder / "out"), load_run(folder / "whole"))
    assert found.identical == len(found.pairs) == 8


def test_a_sweep_that_is_killed_again_and_again(tmp_path: Path) -> None:
    check_killed_sweep(tmp_path, 40, 4, 0.5)


@pytest.mark.slow
def test_a_sweep_that_is_killed_fifty_times(tmp_path: Path) -> None:
    check_killed_sweep(tmp_path, 150, 50, 0.4)


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again(tmp_path: Path) -> None:
    check_killed_run(tmp_path, 12, 0.7)


# workers ---------------------------------------------------------------------------------------------------------


def once(journal: Path, entries: int, then: Callable[[], None]) -> threading.Thread:
    """Watches a sweep and does something in the middle of it."""

    def watch() -> None:
        for _ in range(3000):
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
    distributed = pytest.importorskip("distributed")
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


DEADLY = """\
import json, os
from pathlib import Path
from qml.experiments import pools, worker
from qml.experiments.worker import Task

def work(task):
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
        [sys.executable, "deadly.py"], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120
    )
    assert found.returncode == 0, found.stderr
    outcomes = dict(json.loads(found.stdout))
    assert sorted(outcomes) == list(range(8))
    assert outcomes.pop(3).startswith("WorkerDied: ")
    assert set(outcomes.values()) == {""}
