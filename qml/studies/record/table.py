"""The tidy table of a run: one row a fit (of each point, in a sweep), one column a quantity; as CSV and as Parquet.

It holds what follows from the study alone, so that two runs of one study have equal files; times stand apart.
"""

from __future__ import annotations

import importlib
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeAlias

from qml._checks import InputError
from qml.studies.files import read_journal
from qml.studies.record.fits import Row, is_biased
from qml.studies.record.folder import Run
from qml.studies.spec import sweep
from qml.studies.spec.config import Study
from qml.studies.spec.source import Source

JOURNAL = "points.journal"
MEASURED = [field.name for field in fields(Row) if field.name not in ("fit", "seconds")]
"""The columns that come from fits."""

Table: TypeAlias = dict[str, list[Any]]
"""Columns of equal length, by name; None where a value is missing."""


def resolved(study: Study, source: Source) -> Source:
    """The study with every default written out, and the places of what it says."""
    return Source(source.path, study.model_dump(mode="python"), source.lines, source.origins)


def points_of(study: Study, source: Source) -> list[sweep.Point]:
    """The points of a study that has a sweep."""
    assert study.sweep is not None
    return sweep.points(study.sweep, study.seed, resolved(study, source))


def sweep_table(study: Study, points: Sequence[sweep.Point], entries: Sequence[Mapping[str, Any]]) -> Table:
    """The table of the points that are done; of a point that was tried again, the last outcome."""
    assert study.sweep is not None
    names = study.sweep.names()
    table: Table = {name: [] for name in ("point", "replicate", "seed", *names, "fit", *MEASURED, "error")}
    for point, entry in latest(points, entries):
        for fit in entry["fits"]:
            cells = {"point": point.index, "replicate": point.replicate, "seed": point.seed, "fit": fit["fit"]}
            cells |= {name: _cell(point.values.get(name)) for name in names}
            cells |= {name: fit["row"][name] if "row" in fit else None for name in MEASURED}
            cells["error"] = fit.get("error", "")
            for name, column in table.items():
                column.append(cells[name])
    return table


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
    table: Table = {name: [] for name in ("point", "fit", "seconds", "point_seconds", "process", "blas", "kernels")}
    for point, entry in latest(points, entries):
        used = entry["threads"] or {}
        for fit in entry["fits"]:
            seconds = fit["row"]["seconds"] if "row" in fit else None
            row = (
                point.index,
                fit["fit"],
                seconds,
                entry["seconds"],
                entry["process"],
                used.get("blas"),
                used.get("kernels"),
            )
            for column, cell in zip(table.values(), row, strict=True):
                column.append(cell)
    return table


def load_table(run: Run) -> Table:
    """The table of a run from its folder, of what is done so far."""
    if run.study.sweep is None:
        rows = [asdict(row) for row in run.rows]
        return {name: [row[name] for row in rows] for name in ("fit", *MEASURED)}
    points = points_of(run.study, Source(run.folder / "config.yaml", None))
    entries = read_journal(run.folder / JOURNAL)
    again = f"qml run {run.folder} --resume"
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


def filled(table: Table) -> Table:
    """The columns with content: not those in which every cell is empty or not a number."""

    def has_content(cell: Any) -> bool:
        return cell is not None and cell != "" and not (isinstance(cell, float) and math.isnan(cell))

    return {name: column for name, column in table.items() if any(map(has_content, column)) or not column}


def biased_last(table: Table) -> Table:
    """The table with the fits that learnt the empirical state of counts below the others of their point."""
    if not count(table):
        return table
    biased = _biased(table)
    points = table.get("point", [0] * len(biased))
    order = sorted(range(len(biased)), key=lambda i: (points[i], biased[i]))
    return {name: [column[i] for i in order] for name, column in table.items()}


def _biased(table: Table) -> list[bool]:
    return [is_biased(name, x) for name, x in zip(table["loss_name"], table["likelihood"], strict=True)]


def summary(table: Table) -> Table:
    """One row a fit of a sweep: how many points are done and failed, and the median and extremes of its gap."""
    found: Table = {}
    biased = {fit for fit, is_so in zip(table["fit"], _biased(table), strict=True) if is_so}
    for fit in sorted(dict.fromkeys(table["fit"]), key=lambda fit: fit in biased):
        rows = [i for i, name in enumerate(table["fit"]) if name == fit]
        cells: dict[str, Any] = {"fit": fit, "points": len(rows), "failed": sum(bool(table["error"][i]) for i in rows)}
        gaps, fidelities, iterations = (
            [float(x) for i in rows if (x := table[name][i]) is not None and math.isfinite(x)]
            for name in ("gap", "fidelity", "iterations")
        )
        cells |= {"median gap": _median(gaps), "least gap": min(gaps, default=None)}
        cells |= {"greatest gap": max(gaps, default=None), "median fidelity": _median(fidelities)}
        cells |= {"median iterations": _median(iterations)}
        for name, cell in cells.items():
            found.setdefault(name, []).append(cell)
    return found


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


def _cell(value: Any) -> Any:
    """A value that a point sets, as it may stand in a cell."""
    return json.dumps(value) if isinstance(value, list | dict) else value
