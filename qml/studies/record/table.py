"""The tables of a run: one row a fit (of each point, in a sweep), one column a quantity, as CSV and as Parquet; and the
error bars of its fits.

They hold what follows from the study alone, so that two runs of one study have equal files; times stand apart.
"""

from __future__ import annotations

import importlib
import json
import math
import shlex
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

from qml._checks import InputError
from qml.studies.files import read_journal
from qml.studies.record.cells import from_csv
from qml.studies.record.fits import Row, is_biased
from qml.studies.record.folder import Run, fit_folder
from qml.studies.spec import sweep
from qml.studies.spec.build import points_of
from qml.studies.spec.config import Study
from qml.studies.spec.source import Source
from qml.tomography.error_bars import Estimate

JOURNAL = "points.journal"
MEASURED = [field.name for field in fields(Row) if field.name not in ("fit", "seconds")]
"""The columns that come from fits."""

Table: TypeAlias = dict[str, list[Any]]
"""Columns of equal length, by name; None where a value is missing."""


def columns(names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    """The table of rows; None where one has no such cell."""
    return {name: [row.get(name) for row in rows] for name in names}


def rows_of(table: Table) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def sweep_table(study: Study, points: Sequence[sweep.Point], entries: Sequence[Mapping[str, Any]]) -> Table:
    """The table of the points that are done; of a point that was tried again, the last outcome."""
    assert study.sweep is not None
    rows = [
        {
            **fit.get("row", {}),
            "point": point.index,
            "replicate": point.replicate,
            "seed": point.seed,
            "fit": fit["fit"],
            "error": fit.get("error", ""),
            **{name: cell_of(value) for name, value in point.values.items()},
        }
        for point, entry in latest(points, entries)
        for fit in entry["fits"]
    ]
    return columns(("point", "replicate", "seed", *study.sweep.names(), "fit", *MEASURED, "error"), rows)


def latest(
    points: Sequence[sweep.Point], entries: Sequence[Mapping[str, Any]]
) -> list[tuple[sweep.Point, Mapping[str, Any]]]:
    """The points that are done with their last outcome, in the order of the sweep."""
    last = {entry["point"]: entry for entry in entries}
    return [(point, last[point.index]) for point in points if point.index in last]


def has_failed(entry: Mapping[str, Any]) -> bool:
    """Whether a fit of a point failed."""
    return any("error" in fit for fit in entry["fits"])


def timings(points: Sequence[sweep.Point], entries: Sequence[Mapping[str, Any]]) -> Table:
    """Seconds of each fit (of all of a point, where it failed), and the process and threads that it had."""
    rows = [
        {
            "point": point.index,
            "fit": fit["fit"],
            "seconds": fit["row"]["seconds"] if "row" in fit else None,
            "point_seconds": entry["seconds"],
            "process": entry["process"],
            **(entry["threads"] or {}),
        }
        for point, entry in latest(points, entries)
        for fit in entry["fits"]
    ]
    return columns(("point", "fit", "seconds", "point_seconds", "process", "blas", "kernels"), rows)


def load_table(run: Run) -> Table:
    """The table of a run from its folder, of what is done so far."""
    if run.study.sweep is None:
        return columns(("fit", *MEASURED), [vars(row) for row in run.rows])
    points = points_of(run.study, Source(run.folder / "config.yaml", None))
    entries = read_journal(run.folder / JOURNAL)
    again = f"qml run {shlex.quote(str(run.folder))} --resume"
    if len(entries) < run.info.get("entries", 0):
        raise InputError(
            f"{run.folder / JOURNAL} holds {len(entries)} entries of {run.info['entries']}: {again} does again what is "
            "missing."
        )
    if run.info["status"] != "running":
        try:
            run.checked("table.csv")
        except InputError as error:
            raise InputError(f"{str(error).split(':')[0]}: {again} writes it again.") from None
    return sweep_table(run.study, points, entries)


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


def filled(table: Table) -> Table:
    """The columns with content: not those in which every cell is empty or not a number."""

    def has_content(cell: Any) -> bool:
        return cell is not None and cell != "" and not (isinstance(cell, float) and math.isnan(cell))

    return {name: column for name, column in table.items() if any(map(has_content, column)) or not column}


def biased_last(table: Table) -> Table:
    """The table with the fits that learnt the empirical state of counts below the others of their point."""
    return columns(table, sorted(rows_of(table), key=lambda row: (row.get("point", 0), _biased(row))))


def _biased(row: Mapping[str, Any]) -> bool:
    return is_biased(row["loss_name"], row["likelihood"])


def summary(table: Table) -> Table:
    """One row a fit of a sweep: how many points are done and failed, and the median and extremes of its gap."""
    rows = rows_of(table)
    biased = {row["fit"] for row in rows if _biased(row)}
    found: list[dict[str, Any]] = []
    for fit in sorted(dict.fromkeys(table["fit"]), key=biased.__contains__):
        own = [row for row in rows if row["fit"] == fit]
        gaps, fidelities, iterations = (
            [float(x) for row in own if (x := row[name]) is not None and math.isfinite(x)]
            for name in ("gap", "fidelity", "iterations")
        )
        cells = {"fit": fit, "points": len(own), "failed": sum(bool(row["error"]) for row in own)}
        cells |= {"median gap": _median(gaps), "least gap": min(gaps, default=None)}
        cells |= {"greatest gap": max(gaps, default=None), "median fidelity": _median(fidelities)}
        found.append(cells | {"median iterations": _median(iterations)})
    return columns(found[0] if found else (), found)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def count(table: Table) -> int:
    """How many rows a table has."""
    return len(next(iter(table.values()), []))


def write_parquet(table: Table, path: Path) -> None:
    """The table as Parquet; a column of numbers of both kinds is one of floats, any other mixture one of text."""
    pyarrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    columns = {name: pyarrow.array(_of_one_kind(column)) for name, column in table.items()}
    parquet.write_table(pyarrow.table(columns), path, compression="zstd")


def _of_one_kind(column: list[Any]) -> list[Any]:
    kinds = {type(x) for x in column if x is not None}
    if len(kinds) <= 1:
        return column
    if kinds == {int, float}:
        return [None if x is None else float(x) for x in column]
    return [None if x is None else x if isinstance(x, str) else json.dumps(x) for x in column]


def cell_of(value: Any) -> Any:
    """A value that a study says, as it may stand in a cell."""
    return json.dumps(value) if isinstance(value, list | dict) else value
