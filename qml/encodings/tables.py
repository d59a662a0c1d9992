"""Tables of labelled data in files."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import read_arrays, regular
from qml._typing import Integer, Real
from qml.encodings.labelled import Samples

MOST_BYTES = 1 << 28
"""Of a table that is read."""


def read_table(path: Path, label: str) -> Samples:
    """Samples from a ``.csv`` with a head, whose column `label` names the class and all others are inputs, or from an
    ``.npz`` with the arrays inputs (m, k) and labels (m,).

    Raises
    ------
    InputError
        If it is no such file, or holds fewer than two classes.
    """
    file = regular(path, "table")
    if file.stat().st_size > MOST_BYTES:
        raise InputError(f"the table {path.name!r} is larger than {MOST_BYTES >> 20} MiB: leave out some rows.")
    if file.suffix.lower() not in (".csv", ".npz"):
        raise InputError(f"a table of labelled data is a .csv or .npz file; found {path.name!r}.")
    inputs, labels = _read_csv(file, label) if file.suffix.lower() == ".csv" else _read_npz(file)
    names, classes = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"the table {path.name!r} must hold at least two classes; found {len(names)}.")
    return Samples(inputs, classes.ravel(), tuple(map(str, names)))


def _read_csv(path: Path, label: str) -> tuple[Real, list[str]]:
    """Inputs (m, k) and labels, from a table with a head."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin with a byte order mark
            lines = [line for line in csv.reader(file, strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the table {path.name!r} is no CSV text in UTF-8: {error}.") from None
    head = [name.strip() for name in lines[0]] if lines else []
    if label not in head or len(head) < 2 or len(set(head)) < len(head):
        found = ", ".join(head) or "no head"
        raise InputError(
            f"the table {path.name!r} needs a head of different names, {label!r} and the inputs'; found {found}."
        )
    place, labels, inputs = head.index(label), [], []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(head):
            raise InputError(f"the table {path.name!r}, row {number}: expected {len(head)} cells; found {len(line)}.")
        labels.append(line[place].strip())
        row = []
        for name, cell in zip(head, line, strict=True):
            if name != label:
                row.append(_number(cell, f"the table {path.name!r}, row {number}, column {name!r}"))
        inputs.append(row)
    if not inputs:
        raise InputError(f"the table {path.name!r} has no rows below its head.")
    return np.array(inputs), labels


def _number(cell: str, where: str) -> float:
    try:
        x = float(cell)
    except ValueError:
        x = math.nan
    if not math.isfinite(x):
        raise InputError(f"{where}: expected a finite number; found {cell[:40]!r}.")
    return x


def _read_npz(path: Path) -> tuple[Real, Integer]:
    arrays = read_arrays(path, "table")
    lacking = [name for name in ("inputs", "labels") if name not in arrays]
    if lacking:
        raise InputError(f"the table {path.name!r} needs the arrays inputs and labels; {lacking[0]!r} is missing.")
    x, y = _checks.reals("inputs", arrays["inputs"]), arrays["labels"]
    if x.ndim != 2 or y.shape != x.shape[:1] or len(x) == 0 or y.dtype.kind not in "iuU":
        raise InputError(
            f"the table {path.name!r} needs inputs (m, k) and labels (m,) of integers or text; found the shapes "
            f"{x.shape} and {y.shape}, and labels of type {y.dtype}."
        )
    return np.asarray(x, dtype=np.float64), y
