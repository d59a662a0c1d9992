"""Error bars of a fit, in its folder: a row for each quantity."""

from __future__ import annotations

import csv
from typing import Any

from qml.studies.record.cells import text_of
from qml.studies.record.folder import Run, RunFolder, fit_folder
from qml.studies.record.table import Table, columns
from qml.studies.spec.build import Job
from qml.studies.spec.methods import Estimate

FILE = "errors.csv"


def keep_errors(folder: RunFolder, index: int, job: Job, estimates: list[Estimate]) -> None:
    """Write the error bars of a fit."""
    rows = [estimate._asdict() for estimate in estimates]
    folder.write_columns(f"{fit_folder(folder.study, index)}/{FILE}", columns(Estimate._fields, rows))
    folder.update()
    folder.log("error bars done", fit=job.spec.name)


def have_errors(folder: RunFolder, index: int) -> bool:
    """Whether the error bars of a fit are done, or it has none."""
    return (
        folder.study.fits[index].errors is None or f"{fit_folder(folder.study, index)}/{FILE}" in folder.info["files"]
    )


def load_errors(run: Run) -> Table:
    """The error bars of all fits of a run that are done, as columns, the fit first; empty where there are none.

    Raises
    ------
    InputError
        If a file was changed.
    """
    rows: list[dict[str, Any]] = []
    for index, fit in enumerate(run.study.fits):
        name = f"{fit_folder(run.study, index)}/{FILE}"
        if name in run.info["files"]:
            with run.checked(name).open(newline="", encoding="utf-8") as file:
                rows += [
                    {"fit": fit.name} | {key: _read(key, cell) for key, cell in row.items()}
                    for row in csv.DictReader(file)
                ]
    return columns(("fit", *Estimate._fields), rows) if rows else {}


def _read(key: str, cell: str) -> Any:
    return text_of(cell) if key in ("quantity", "kind") else float(cell) if cell else None
