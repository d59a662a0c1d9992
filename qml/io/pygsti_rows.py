"""The lines of a text data set of pyGSTi: a circuit each, and what was counted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from qml import _checks
from qml._checks import InputError
from qml._files import read_text
from qml.io.pygsti_words import Line, WordParser
from qml.measurement.entries import MOST

LARGEST_FILE = 1 << 26
"""Bytes that are read."""
ROUNDED = 1e-6
"""Frequencies are written with six digits: a frequency times the shots this near to an integer, of a shot, is one."""
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?")
_COLUMN = re.compile(r"(\S+)\s+(count|frequency)|count\s+(total)")


class Row(NamedTuple):
    """A line of data: its number, the circuit, the count of each outcome, and the shots where a column says so."""

    number: int
    circuit: Line
    counts: dict[str, float]
    total: float | None


def read_rows(path: str | Path) -> list[Row]:
    """The lines of data of a file.

    Raises
    ------
    InputError
        With the number of the line that is none.
    MemoryRefused
        If the lines would not fit.
    """
    lines = read_text(path, "pyGSTi", LARGEST_FILE).split("\n")
    _checks.memory(f"the record of {len(lines)} lines", 1000 * len(lines), "split the file")
    parser, rows = WordParser(), list[Row]()
    columns: list[tuple[str, str]] | None = None
    for number, line in enumerate(lines, 1):
        try:
            data, _, comment = line.partition("#")
            if comment.startswith("#") and not data.strip():
                columns = _directive(comment[1:], columns, bool(rows))
            cells = data.split()
            if not cells or cells[1:] == ["BAD"]:
                continue
            if cells[0] in ("times:", "outcomes:", "repetitions:", "aux:") or len(cells) == 1:
                raise InputError(
                    "there are no counts beside the circuit; data with times are not read: write them by "
                    "pygsti.io.write_dataset with with_times=False"
                )
            if columns is not None and "BAD" in cells[1:]:
                continue
            circuit = parser.parse(cells[0])
            counts, total = _by_label(cells[1:]) if columns is None else _by_column(cells[1:], columns)
            rows.append(Row(number, circuit, counts, total))
        except InputError as error:
            raise InputError(f"line {number}: {error}.") from None
    if not rows:
        raise InputError("the pyGSTi file holds no counts.")
    return rows


def _directive(text: str, columns: list[tuple[str, str]] | None, is_late: bool) -> list[tuple[str, str]] | None:
    """The columns after a line that begins with ##."""
    key, _, value = text.partition("=")
    if key.strip() == "Lookup":
        raise InputError("abbreviations of circuits in another file are not read: write the circuits out")
    if key.strip() != "Columns":
        return columns
    if is_late or columns is not None:
        raise InputError("the line with the columns must come once, above the data")
    found = []
    for column in value.split(","):
        match = _COLUMN.fullmatch(column.strip())
        if match is None:
            raise InputError(
                f"columns must be '0 count', '0 frequency' or 'count total'; found {_checks.shown(column.strip())}"
            )
        found.append(("", "total") if match[3] else (match[1], match[2]))
    if len({label for label, _ in found}) < len(found):
        raise InputError(f"each column must be of an outcome of its own; found {_checks.shown(value.strip())}")
    kinds = {kind for _, kind in found}
    if ("frequency" in kinds and "total" not in kinds) or kinds == {"total"}:
        raise InputError("frequencies need a column 'count total' beside them, and that needs other columns")
    return found


def _by_label(cells: list[str]) -> tuple[dict[str, float], None]:
    """Counts of cells such as 0:45."""
    found: dict[str, float] = {}
    for cell in cells:
        label, colon, count = cell.rpartition(":")
        if not colon:
            raise InputError(
                f"counts must be such as 0:45, or have a line '## Columns = 0 count, 1 count' above them; found "
                f"{_checks.shown(cell)}"
            )
        if label in found:
            raise InputError(f"outcome {_checks.shown(label)} comes twice")
        found[label] = _number(count)
    return found, None


def _by_column(cells: list[str], columns: list[tuple[str, str]]) -> tuple[dict[str, float], float | None]:
    """Counts of cells in columns, and the total where a column holds it."""
    if len(cells) != len(columns):
        raise InputError(f"there must be {_checks.plural(len(columns), 'count')}, one a column; found {len(cells)}")
    values = [0 if cell == "--" else _number(cell) for cell in cells]
    total = next((v for v, (_, kind) in zip(values, columns, strict=True) if kind == "total"), None)
    found: dict[str, float] = {}
    for value, (label, kind) in zip(values, columns, strict=True):
        if kind == "count":
            found[label] = value
        elif kind == "frequency":
            assert total is not None
            if value > 1:
                raise InputError(f"a frequency must not exceed one; found {value:.6g}")
            found[label] = whole(value * total, total)
    return found, total


def _number(cell: str) -> float:
    """An integer where it is one."""
    if not _NUMBER.fullmatch(cell):
        raise InputError(f"a count must be a number of at least 0; found {_checks.shown(cell)}")
    value = int(cell) if cell.isdigit() else float(cell)
    if not value <= MOST:
        raise InputError(f"a count must be at most 2^63 - 1; found {_checks.shown(cell)}")
    return int(value) if value == int(value) else value


def whole(value: float, total: float) -> float:
    """The integer nearest to a count that was written as a frequency, where it is near."""
    nearest = round(value)
    return nearest if abs(value - nearest) <= ROUNDED * total + 1e-9 else value
