"""Tables as CSV: floats to the last digit, and text that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from qml._checks import InputError

T = TypeVar("T")

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


_READERS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: text_of,
    bool: {"True": True, "False": False}.__getitem__,
}


def from_csv(kind: Callable[..., T], path: Path) -> list[T]:
    """The rows of a table that :func:`to_csv` wrote, each as a record whose fields are the columns.

    Raises
    ------
    InputError
        If it is damaged.
    """

    types = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(kind).items()}

    def read(cell: str, of: type, *none: type) -> Any:
        return None if none and not cell else _READERS[of](cell)

    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [
                kind(**{name: read(line[name], *of) for name, of in types.items()}) for line in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise InputError(f"{path} is damaged ({error!r}).") from None
