"""Loggers: what they write is read back with the tools' own readers; a fit that goes on is logged without a gap."""

from __future__ import annotations

import errno
import importlib
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qml import GibbsModel, fit, thermal
from qml._checks import InputError
from qml.fitting import Checkpoint, Iteration
from qml.loggers import LOGGERS, Logger, MLflow, TensorBoard
from qml.loggers import tensorboard as module
from qml.operators import tfim

MODEL, TARGET = GibbsModel(tfim(2)), thermal(tfim(2, h=0.5), beta=1.0)
ADAM: dict[str, Any] = {"optimizer": "adam", "seed": 3, "restarts": 2, "max_iterations": 30}
Curves = dict[str, list[tuple[int, float]]]


def tensorboard(folder: Path, resume: bool = False, every: int = 1) -> Logger:
    return TensorBoard(folder, settings={"beta": 1.0, "kind": "thermal"}, resume=resume, every=every)


def mlflow(folder: Path, resume: bool = False, every: int = 1) -> Logger:
    settings = {"beta": 1.0, "kind": "thermal"}
    return MLflow(folder / "fits.db", "my fit", settings=settings, resume=resume, every=every)


def read_tensorboard(folder: Path) -> Curves:
    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    tensors = importlib.import_module("tensorboard.util.tensor_util")
    events = accumulator.EventAccumulator(str(folder), {accumulator.TENSORS: 0})
    events.Reload()
    curves = (name for name in events.Tags()["tensors"] if not name.startswith("_"))
    return {
        name: [(e.step, float(tensors.make_ndarray(e.tensor_proto))) for e in events.Tensors(name)] for name in curves
    }


def read_mlflow(folder: Path) -> Curves:
    client = importlib.import_module("mlflow").MlflowClient(tracking_uri=f"sqlite:///{folder}/fits.db")
    (run,) = client.search_runs([client.get_experiment_by_name("qml").experiment_id])
    return {
        name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)] for name in run.data.metrics
    }


Opened = Callable[..., Logger]
Read = Callable[[Path], Curves]
EVERY_LOGGER = pytest.mark.parametrize(
    ("opened", "read"),
    [
        pytest.param(tensorboard, read_tensorboard, id="tensorboard"),
        pytest.param(
            mlflow,
            read_mlflow,
            id="mlflow",  # a hundred megabytes to install: with the extra dev only
            marks=[pytest.mark.slow, pytest.mark.filterwarnings("default")],
        ),
    ],
)


class Told:
    """The iterates of an undisturbed fit."""

    def __init__(self) -> None:
        self.iterations: list[Iteration] = []

    def __call__(self, iteration: Iteration) -> None:
        self.iterations.append(iteration)

    def expected(self, every: int = 1) -> dict[tuple[str, int], float]:
        found = {}
        for it in self.iterations:
            head = f"start {it.restart + 1}/" if it.restart else ""
            for name in ("loss", "gap", "gradient_norm"):
                if it.iteration % every == 0:
                    found[head + name, it.iteration] = getattr(it, name)
        return found


def whole(**options: Any) -> Told:
    told = Told()
    fit(MODEL, TARGET, callbacks=[told], **options)
    assert len(told.iterations) == 62
    return told


def assert_logged(curves: Curves, expected: dict[tuple[str, int], float]) -> None:
    """Every step is there, once."""
    steps = [(name, step) for name, curve in curves.items() for step, _ in curve if not name.startswith("result/")]
    assert sorted(steps) == sorted(expected)
    for name, curve in curves.items():
        for step, value in curve:
            if not name.startswith("result/"):
                assert value == pytest.approx(expected[name, step], rel=2e-7, abs=1e-30), (name, step)


@EVERY_LOGGER
def test_every_iterate_is_logged_once_and_the_result_behind_it(opened: Opened, read: Read, tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        result = fit(MODEL, TARGET, callbacks=[log], **ADAM)
        log.finish({"gap": result.gap, "fidelity": float("nan")}, result.status)
    curves = read(tmp_path)
    assert_logged(curves, whole(**ADAM).expected())
    assert curves["result/gap"] == [(0, pytest.approx(result.gap, rel=1e-6))]
    assert "result/fidelity" not in curves
    assert log.problem == ""


def test_the_loss_on_held_out_data_is_a_curve(tmp_path: Path) -> None:
    other = thermal(tfim(2), beta=0.7)
    with tensorboard(tmp_path) as log:
        history = fit(MODEL, TARGET, callbacks=[log], validation=other, **ADAM).history
    assert history.held_out is not None
    values = [value for _, value in read_tensorboard(tmp_path)["held_out"]]
    assert np.ptp(values) > 1e-6
    np.testing.assert_allclose(values, history.held_out, rtol=2e-7)


@EVERY_LOGGER
def test_every_tenth(opened: Opened, read: Read, tmp_path: Path) -> None:
    with opened(tmp_path, every=10) as log:
        fit(MODEL, TARGET, callbacks=[log], **ADAM)
    assert_logged(read(tmp_path), whole(**ADAM).expected(every=10))


class Crash(Exception):
    pass


@EVERY_LOGGER
@pytest.mark.parametrize("flushed", [False, True])
def test_a_fit_that_goes_on_is_logged_without_a_gap_or_a_double(
    opened: Opened, read: Read, tmp_path: Path, flushed: bool
) -> None:
    """It is killed twice; what was logged since the last checkpoint is on disk, or is lost with the process."""
    where = Checkpoint(tmp_path / "fit.npz", seconds=1e9, iterations=7)
    for stop in ((0, 17), (1, 12)):
        log = opened(tmp_path / "log", resume=True)

        def killed(it: Iteration, stop: tuple[int, int] = stop, log: Logger = log) -> None:
            if (it.restart, it.iteration) == stop:
                if flushed:
                    log.flush()
                raise Crash

        patch = pytest.MonkeyPatch()
        patch.setattr("qml.fitting.checkpoint.Keeper.save", saved_when_due())
        with pytest.raises(Crash):
            fit(MODEL, TARGET, callbacks=[Lost(log), killed], checkpoint=where, resume=True, **ADAM)
        patch.undo()
    with opened(tmp_path / "log", resume=True) as log:
        fit(MODEL, TARGET, callbacks=[log], checkpoint=where, resume=True, **ADAM)
    assert_logged(read(tmp_path / "log"), whole(**ADAM).expected())


def saved_when_due() -> Any:
    """Checkpoints as they are, but none at the crash: the process would be dead."""
    from qml.fitting.checkpoint import Keeper

    real = Keeper.save

    def save(self: Keeper) -> None:
        if not isinstance(sys.exc_info()[1], Crash):
            real(self)

    return save


class Lost:
    """A logger whose process dies at a crash: nothing is flushed behind it."""

    def __init__(self, log: Logger) -> None:
        self.log = log

    def __call__(self, iteration: Iteration) -> None:
        self.log(iteration)

    def flush(self) -> None:
        if not isinstance(sys.exc_info()[1], Crash):
            self.log.flush()


def test_half_an_event_at_the_end_of_a_file_is_left_behind(tmp_path: Path) -> None:
    log = tensorboard(tmp_path)
    with pytest.raises(Crash):
        fit(MODEL, TARGET, callbacks=[log, crash_at(20)], **ADAM)
    (path,) = tmp_path.glob("events*")
    whole_file = path.read_bytes()
    for cut in (1, 30, 200, 700):
        path.write_bytes(whole_file[:-cut])
        with tensorboard(tmp_path, resume=True) as log:
            fit(MODEL, TARGET, callbacks=[log], **ADAM)
        assert_logged(read_tensorboard(tmp_path), whole(**ADAM).expected())
        for further in sorted(tmp_path.glob("events*"))[1:]:
            further.unlink()


def crash_at(step: int) -> Callable[[Iteration], None]:
    def crash(it: Iteration) -> None:
        if it.iteration == step:
            raise Crash

    return crash


@EVERY_LOGGER
def test_the_log_of_another_fit_is_refused(opened: Opened, read: Read, tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        fit(MODEL, TARGET, callbacks=[log], **ADAM)
        with pytest.raises(InputError, match="a logger follows one fit"):
            fit(MODEL, TARGET, callbacks=[log], **ADAM)
    with opened(tmp_path, resume=True) as log, pytest.raises(InputError, match="holds another fit: its loss at step 0"):
        fit(MODEL, TARGET, callbacks=[log], **{**ADAM, "seed": 4})


def test_a_folder_that_has_a_log_is_refused(tmp_path: Path) -> None:
    with tensorboard(tmp_path) as log:
        fit(MODEL, TARGET, callbacks=[log], seed=1)
    with pytest.raises(InputError, match="has a log already: choose another folder, or go on with it by resume=True"):
        tensorboard(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        tensorboard(tmp_path / "file")
    with pytest.raises(InputError, match="every must be an integer of at least 1; found 0"):
        tensorboard(tmp_path / "b", every=0)


def test_a_disk_that_is_full_for_a_while_ends_no_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = module.append_whole, []

    def full(path: Path, block: bytes) -> None:
        calls.append(1)
        if len(calls) in (2, 3):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, block)

    monkeypatch.setattr(module, "append_whole", full)
    monkeypatch.setattr("qml.loggers.base.SECONDS", -1.0)
    problems = []
    with tensorboard(tmp_path) as log:
        fit(MODEL, TARGET, callbacks=[log, lambda it: problems.append(log.problem)], **ADAM)
    assert problems[:4] == ["", *[f"{log} cannot be written: [Errno 28] No space left on device"] * 2, ""]
    assert_logged(read_tensorboard(tmp_path), whole(**ADAM).expected())


@pytest.mark.parametrize(("name", "package"), [("tensorboard", "tensorboard"), ("mlflow", "mlflow")])
def test_a_package_that_is_missing_gets_one_sentence(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in LOGGERS[name].modules:
        monkeypatch.setitem(sys.modules, needed, None)
    with pytest.raises(InputError) as caught:
        LOGGERS[name]("somewhere")  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"the logger {name} needs {package}, which is not installed: run pip install 'qmaxlik[{name}]'."
    )


def test_settings_stand_in_the_table_of_hyperparameters(tmp_path: Path) -> None:
    with tensorboard(tmp_path) as log:
        fit(MODEL, TARGET, callbacks=[log], seed=1)
    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    plugin = importlib.import_module("tensorboard.plugins.hparams.plugin_data_pb2")
    (content,) = events.PluginTagToContent("hparams").values()
    told = plugin.HParamsPluginData.FromString(content).session_start_info.hparams
    assert {name: value.WhichOneof("kind") for name, value in told.items()} == {
        "beta": "number_value",
        "kind": "string_value",
    }
    assert np.isclose(told["beta"].number_value, 1.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_an_mlflow_run_has_its_settings_and_its_ending(tmp_path: Path) -> None:
    client = importlib.import_module("mlflow").MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/fits.db")

    def run() -> Any:
        (found,) = client.search_runs([client.get_experiment_by_name("qml").experiment_id])
        return found

    with pytest.raises(KeyboardInterrupt), mlflow(tmp_path):
        raise KeyboardInterrupt
    assert run().info.status == "KILLED"
    with mlflow(tmp_path, resume=True) as log:
        assert run().info.status == "RUNNING"
        log.finish({}, "converged.")
    assert (run().info.status, run().info.run_name) == ("FINISHED", "my fit")
    assert run().data.params == {"beta": "1.0", "kind": "thermal"}
    assert run().data.tags["qml.status"] == "converged."
    with pytest.raises(InputError, match="the name of a run"):
        MLflow(tmp_path / "fits.db", "it's")
    (tmp_path / "text.db").write_text("not a database at all, " * 100)
    with pytest.raises(InputError, match="cannot be opened"):
        MLflow(tmp_path / "text.db")


def test_a_loss_beyond_single_precision_is_infinite_in_tensorboard(tmp_path: Path) -> None:
    with tensorboard(tmp_path) as log:
        log(Iteration(0, 0, np.zeros(1), np.zeros(1), 1e300, 0.0, 1.0, None, 1, 0.1))
    assert log.problem == ""
    assert log._logged() == {0: {0: math.inf}}
