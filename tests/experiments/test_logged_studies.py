"""Loggers that a study names: they write into the folder of the run, go on with it, and keep the rows of a sweep."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command import ended as call

from qml.fitting import FitResult
from qml.studies.record import fits
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.run import run

STUDY = """\
seed: 5
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
loggers: [{kind: tensorboard, every: 2}]
fits:
  - {name: one, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 6}
  - {name: two, model: {kind: gibbs, generators: {kind: neighbors, n: 2, weight: 1}}, max_iterations: 6}
"""
SWEEP = STUDY + "sweep: {grid: {target.beta: [0.5, 1.0], fit.max_iterations: [1, 2]}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    tensors = importlib.import_module("tensorboard.util.tensor_util")
    events = accumulator.EventAccumulator(str(folder), {accumulator.TENSORS: 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["tensors"] if not tag.startswith("_")]
    return {tag: [(e.step, float(tensors.make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)] for tag in tags}


def check(folder: Path) -> None:
    for name in ("1-one", "2-two"):
        result = FitResult.load(folder / "fits" / name / "result.npz")
        logged = curves(folder / "tensorboard" / name)
        assert logged["loss"] == [
            (step, pytest.approx(loss, rel=1e-6)) for step, loss in enumerate(result.history.loss) if step % 2 == 0
        ]
        assert logged["result/loss"] == [(0, pytest.approx(result.loss, rel=1e-6))]


def test_the_fits_of_a_run_are_followed_also_when_it_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fits.fit

    def cut(*arguments: Any, callbacks: Any, **keywords: Any) -> FitResult:
        def ctrl_c(iteration: Any) -> None:
            if iteration.iteration == 3 and len(arguments[0].parameter_names) == 6:
                raise KeyboardInterrupt

        return real(*arguments, callbacks=[*callbacks, ctrl_c], **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(fits, "fit", cut)
        call("run", "study.yaml", "--output", "out", code=130)
    assert [step for step, _ in curves(folder / "out/tensorboard/2-two")["loss"]] == [0, 2]
    call("run", "out", "--resume")
    check(folder / "out")
    assert len(list((folder / "out/tensorboard/2-two").iterdir())) == 2
    assert call("reproduce", "out").stdout == "All 2 fits are identical to the bit.\n"


def test_the_rows_of_a_sweep_are_logged_once(folder: Path) -> None:
    call("run", "sweep.yaml", "--workers", "1", "--output", "out")
    table = load_table(load_run(folder / "out"))
    call("run", "out", "--resume", "--workers", "1")
    logs = sorted((folder / "out/tensorboard").iterdir())
    assert [log.name for log in logs] == [f"point-{i:05d}-{fit}" for i in range(4) for fit in ("one", "two")]
    for log, loss in zip(logs, table["loss"], strict=True):
        assert curves(log)["result/loss"] == [(0, pytest.approx(loss, rel=1e-6))]


def test_rows_of_a_sweep_whose_names_differ_by_signs_are_all_logged(folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace("name: one", "name: a b").replace("name: two", "name: a-b"))
    call("run", "sweep.yaml", "--workers", "1", "--output", "out")
    logs = sorted((folder / "out/tensorboard").iterdir())
    assert [log.name for log in logs] == [f"point-{i:05d}-a-b{more}" for i in range(4) for more in ("", "-2")]
    for log, loss in zip(logs, load_table(load_run(folder / "out"))["loss"], strict=True):
        assert curves(log)["result/loss"] == [(0, pytest.approx(loss, rel=1e-6))]


def test_a_package_that_is_missing_is_told_before_anything_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["run"], ["run", "--dry-run"], ["validate"]):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
            result = call(*command, "study.yaml", code=2)
        assert result.stderr == (
            "qml: study.yaml, line 3, loggers[0]: the logger tensorboard needs tensorboard, which is not installed: "
            "run pip install 'qmaxlik[tensorboard]'.\n"
        )
    assert sorted(path.name for path in folder.iterdir()) == ["study.yaml", "sweep.yaml"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_mlflow_has_the_fits_of_a_run_and_the_rows_of_a_sweep(folder: Path) -> None:
    for name, fits_done in (("study", 2), ("sweep", 8)):
        call("run", f"{name}.yaml", "loggers=[{kind: mlflow, experiment: spins}]", "--output", name, "--threads", "1")
        call("run", name, "--resume")
        client = importlib.import_module("mlflow").MlflowClient(tracking_uri=f"sqlite:///{folder / name / 'mlflow.db'}")
        runs = client.search_runs([client.get_experiment_by_name("spins").experiment_id])
        assert len(runs) == fits_done
        assert {run.info.status for run in runs} == {"FINISHED"}
        table = load_table(load_run(folder / name))
        assert sorted(run.data.metrics["result/loss"] for run in runs) == sorted(table["loss"])
    assert {run.data.params["target.beta"] for run in runs} == {"0.5", "1.0"}


def test_a_method_leaves_its_result_without_a_curve(folder: Path) -> None:
    method = "{kind: quantum_em, max_iterations: 3}"
    model = "{kind: semi_quantum, n_visible: 2, n_hidden: 1}"
    text = STUDY[: STUDY.index("fits:")] + f"fits: [{{name: em, model: {model}, method: {method}}}]\n"
    (folder / "study.yaml").write_text(text)
    call("run", "study.yaml", "--output", "out")
    (row,) = load_run(folder / "out").rows
    logged = curves(folder / "out" / "tensorboard" / "1-em")
    assert "loss" not in logged
    assert logged["result/loss"] == [(0, pytest.approx(row.loss, rel=1e-6))]
