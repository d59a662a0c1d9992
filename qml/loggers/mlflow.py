"""MLflow: one run a fit in a local SQLite file, with settings, curves and results."""

from __future__ import annotations

import importlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml._files import writing
from qml.loggers.base import RESULT, Entry, Logger, arguments_of, place_of, restart_of, tag

BATCH = 1000
"""Most metrics that MLflow takes at once."""
STATUS = "qml.status"


class MLflow(Logger):
    """Writes a fit as a run of MLflow to a SQLite file, for ``mlflow ui --backend-store-uri sqlite:///FILE``.

    Needs the extra ``qmaxlik[mlflow]``. (MLflow's folders of text files, its older local store, are in maintenance.) No
    server is asked, and MLflow's telemetry is turned off in this process unless ``MLFLOW_DISABLE_TELEMETRY`` is set.

    Parameters
    ----------
    file : str or Path
        Made where it does not exist; many fits may stand in one file.
    run : str
        The name of the run.
    experiment : str
        The experiment that the run is part of.
    settings : mapping, optional
        Its parameters by name.
    every : int
        Log every so many iterations.
    resume : bool
        Go on with the latest run of this name, if there is one.

    Raises
    ------
    InputError
        If MLflow is not installed, or the file cannot be opened.

    Examples
    --------
    ::

        with MLflow("fits.db", run="tfim") as log:
            fit(model, target, callbacks=[log])
    """

    modules = ("mlflow.tracking", "mlflow.entities", "sqlalchemy", "alembic")
    extra = "mlflow"

    @classmethod
    def check(cls) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before it is imported for the first time
        super().check()

    def __init__(
        self,
        file: str | Path,
        run: str = "fit",
        *,
        experiment: str = "qml",
        settings: Mapping[str, Any] | None = None,
        every: int = 1,
        resume: bool = False,
    ) -> None:
        self.check()
        every, resume, named = arguments_of(every, resume, settings)
        self.file = place_of("file", file).absolute()
        for what, value in (("run", run), ("experiment", experiment)):
            if not _checks.text(what, value).strip():
                raise InputError(f"{what} must be the name of a run or an experiment; found {value!r}.")
        tracking, self._entities = map(importlib.import_module, self.modules[:2])
        for name in ("mlflow.store.db.utils", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)  # they log every table that they make
        if "'" in run or not run.isprintable():
            raise InputError(f"the name of a run has no quotes and is on one line; found {run!r}.")
        with writing(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._client = tracking.MlflowClient(tracking_uri=f"sqlite:///{self.file}")
            self._run = self._opened(run, experiment, named, resume)
        except Exception as error:  # MLflow's own, SQLAlchemy's, SQLite's
            raise InputError(f"{self} cannot be opened: {' '.join(str(error).split())[:200]}") from error
        super().__init__(every, resume)

    def __str__(self) -> str:
        return f"the MLflow file {str(self.file)!r}"

    def _opened(self, name: str, experiment: str, settings: Mapping[str, Any], resume: bool) -> str:
        """The id of the run that is written to."""
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            artifacts = self.file.with_name(f"{self.file.stem}-artifacts").as_uri()
            number = self._client.create_experiment(experiment, artifact_location=artifacts)
        else:
            number = found.experiment_id
        if resume:
            named = f"attributes.run_name = '{name}'"
            for run in self._client.search_runs([number], named, max_results=1):  # the latest one
                self._client.update_run(run.info.run_id, status="RUNNING")
                return str(run.info.run_id)
        run = self._client.create_run(number, run_name=name)
        values = [self._entities.Param(key, str(value)) for key, value in settings.items()]
        self._client.log_batch(run.info.run_id, params=values)
        return str(run.info.run_id)

    def _logged(self) -> dict[int, dict[int, float]]:
        found: dict[int, dict[int, float]] = {}
        for curve in self._client.get_run(self._run).data.metrics:
            restart = restart_of(curve)
            if restart is not None:
                steps = self._client.get_metric_history(self._run, curve)
                found[restart] = {metric.step: metric.value for metric in steps}
        return found

    def _write(self, entries: list[Entry]) -> None:
        metrics = [
            self._entities.Metric(tag(entry.restart, name), value, int(1e3 * entry.time), entry.step)
            for entry in entries
            for name, value in entry.values.items()
        ]
        for at in range(0, len(metrics), BATCH):
            self._client.log_batch(self._run, metrics=metrics[at : at + BATCH])

    def _finish(self, values: Mapping[str, float], status: str) -> None:
        now, there = int(1e3 * time.time()), self._client.get_run(self._run).data.metrics
        named = {RESULT + name: value for name, value in values.items()}
        metrics = [self._entities.Metric(name, value, now, 0) for name, value in named.items() if name not in there]
        self._client.log_batch(self._run, metrics=metrics, tags=[self._entities.RunTag(STATUS, status)])

    def _leave(self, ending: str) -> None:
        with self._tried():
            self._client.set_terminated(self._run, ending)
