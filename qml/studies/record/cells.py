"""Tables as CSV: floats to the last digit, and text that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""How cells begin that spreadsheets compute, or that have an apostrophe in front already."""


def to_csv(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as CSV; None is an empty cell, and text that a spreadsheet would compute has an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, head))
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return repr(float(value)) if isinstance(value, float) else value


def text_of(cell: str) -> str:
    """The text that a cell stands for."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
