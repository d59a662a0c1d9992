"""Error bars of fits, each in its folder: a row for each quantity."""

from __future__ import annotations

from typing import Any

from qml.studies.record.cells import from_csv
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
            rows += [{"fit": fit.name} | one._asdict() for one in from_csv(Estimate, run.checked(name))]
    return columns(("fit", *Estimate._fields), rows) if rows else {}
