"""A sweep carried out: each point kept as soon as it is done, the table at the end of it, and at every interruption."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from qml._checks import InputError, plural
from qml._machine import processors
from qml.fitting import Checkpoint
from qml.studies.files import Journal, writing
from qml.studies.record.folder import RunFolder, slug
from qml.studies.record.table import (
    JOURNAL,
    Table,
    count,
    has_failed,
    latest,
    rows_of,
    sweep_table,
    timings,
    write_parquet,
)
from qml.studies.run import pools
from qml.studies.run.worker import Task
from qml.studies.show.output import SweepReporter
from qml.studies.spec import loggers
from qml.studies.spec.build import Plan
from qml.studies.spec.sweep import Point

CHECKPOINTS = "checkpoints"
"""In the folder of a sweep: of the fits that are under way."""


@dataclass(frozen=True)
class How:
    """How fits are worked on. Of a sweep: None is as many processes as there are processors, one thread each, no
    cluster. When a fit writes a checkpoint: see :class:`~qml.fitting.Checkpoint`."""

    workers: int | None = None
    threads: int | None = None
    scheduler: str | None = None
    checkpoint_seconds: float | None = None
    checkpoint_iterations: int | None = None

    def checkpoint(self, path: Path) -> Checkpoint:
        """The checkpoint of a fit."""
        seconds = {} if self.checkpoint_seconds is None else {"seconds": self.checkpoint_seconds}
        return Checkpoint(path, iterations=self.checkpoint_iterations, **seconds)


def workers_for(how: How, tasks: int) -> int:
    """How many processes share so many tasks: by default one a processor that this process may use."""
    return max(1, min(how.workers or processors(), tasks))


def run_sweep(plan: Plan, how: How, folder: RunFolder, out: Console) -> int:
    """Work on the points that are not done yet, or failed; returns how many have failed in the end."""
    points = plan.points
    threads = how.threads or folder.info.get("threads") or 1
    journal = Journal(folder.path / JOURNAL)
    missing = folder.info.get("entries", 0) - len(journal.entries)
    if missing > 0:
        folder.log("entries missing", entries=missing)
        out.print(f"{JOURNAL} has lost {plural(missing, 'entry', 'entries')}: these points are done again.")
    home, path = folder.path.resolve() / CHECKPOINTS, plan.source.path.resolve()
    home.mkdir(exist_ok=True)

    def forget(point: int) -> None:
        with writing(home):
            for name in os.listdir(home):
                if name.startswith(f"{point:05d}-"):
                    (home / name).unlink()

    done = {point.index for point, entry in latest(points, journal.entries) if not has_failed(entry)}
    tasks: list[Task] = []
    for index, study in enumerate(plan.studies):
        if index not in done:
            names = [f"{index:05d}-{i}.npz" for i in range(1, len(study.fits) + 1)]
            checkpoints = tuple(how.checkpoint(home / name) for name in names)
            tasks.append(Task(index, study, path, threads, checkpoints))
    workers = workers_for(how, len(tasks))
    folder.update(threads=threads, workers=workers, scheduler=how.scheduler, points=len(points), entries=0)
    for index in done:  # which a run that was killed between the two has left
        forget(index)
    reporter = SweepReporter(out, len(points), len(done))

    def keep(entry: dict[str, Any]) -> None:
        journal.append(entry)
        errors = [fit["error"] for fit in entry["fits"] if "error" in fit]
        folder.log("point failed" if errors else "point done", point=entry["point"], errors=errors)
        for fit in entry["fits"]:
            if "continued" in fit:
                place = {"point": entry["point"], "fit": fit["fit"]}
                folder.log("fit continued from its checkpoint", **place, **fit["continued"])
        if not errors:
            forget(entry["point"])
        reporter.done(entry["point"], errors)

    try:
        if tasks:
            with reporter, pools.opened(workers, how.scheduler, out.print) as pool:
                pools.carry_out(tasks, pool, keep, [fit.name for fit in folder.study.fits])
    except BaseException:
        with suppress(InputError):  # of two failures, such as those of a full disk, the first is reported
            _close(journal, points, folder)
        raise
    table = _close(journal, points, folder)
    if folder.study.loggers:
        out.print(f"Logging {plural(count(table), 'row')}.")
        for problem in _log(folder, table):
            out.print(problem)
    return sum(has_failed(entry) for _, entry in latest(points, journal.entries))


def _close(journal: Journal, points: Sequence[Point], folder: RunFolder) -> Table:
    """The tables of what is done; ``run.json`` knows how many entries the journal has."""
    journal.close()
    with suppress(OSError):  # it is not empty: the fits of a point are under way
        (folder.path / CHECKPOINTS).rmdir()
    entries = journal.entries
    folder.info["entries"] = len(entries)
    table = sweep_table(folder.study, points, entries)
    for name, columns in (("table.csv", table), ("timings.csv", timings(points, entries))):
        folder.write_columns(name, columns)
    folder.write_file("table.parquet", partial(write_parquet, table))
    return table


def _log(folder: RunFolder, table: Table) -> list[str]:
    """Every row of the table of a sweep that did not fail, and is not logged yet, as a run of its own, without curves.

    Returns
    -------
    list of str
        Of each store that could not be written, one sentence.
    """
    study = folder.study
    assert study.sweep is not None
    problems, named = dict[str, None](), Counter[str]()
    for row in rows_of(table):
        name = f"point-{row['point']:05d}-{slug(row['fit'])}"
        named[name] += 1
        if row["error"]:
            continue
        name += f"-{named[name]}" if named[name] > 1 else ""  # of fits whose names differ by signs only
        settled = ("fit", "point", "replicate", "seed", *study.sweep.names())
        with loggers.following(study.loggers, folder.path, name, {key: row[key] for key in settled}) as logs:
            problems.update(dict.fromkeys(loggers.finish(logs, row)))
    return list(problems)
