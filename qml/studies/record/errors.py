"""Error bars of fits, each in its folder: a row for each quantity."""

from __future__ import annotations

import csv
from typing import Any

from qml.studies.record.cells import text_of
from qml.studies.record.folder import Run, fit_folder
from qml.studies.record.table import Table, columns
from qml.studies.spec.config import Study
from qml.tomography.error_bars import Estimate


def errors_file(study: Study, index: int) -> str:
    """Where the error bars of a fit are kept."""
    return f"{fit_folder(study, index)}/errors.csv"


def load_errors(run: Run) -> Table:
    """The error bars of all fits of a run that are done, as columns, the fit first; empty where there are none.

    Raises
    ------
    InputError
        If a file was changed.
    """
    rows: list[dict[str, Any]] = []
    for index, fit in enumerate(run.study.fits):
        if (name := errors_file(run.study, index)) in run.info["files"]:
            with run.checked(name).open(newline="", encoding="utf-8") as file:
                rows += [{"fit": fit.name} | {key: _read(key, row[key]) for key in row} for row in csv.DictReader(file)]
    return columns(("fit", *Estimate._fields), rows) if rows else {}


def _read(key: str, cell: str) -> Any:
    return text_of(cell) if key in ("quantity", "kind") else float(cell) if cell else None
