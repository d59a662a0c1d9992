"""Inputs with classes from tables in files, in parts for training, validation and testing, and labels as states."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import read_arrays, regular, write_arrays
from qml._typing import Integer, Real
from qml.losses import Labelled, label_states
from qml.states import DensityMatrix


@dataclass(frozen=True)
class Samples:
    """Inputs (m, k) and classes (m,), numbered from 0, with the names of the classes."""

    inputs: Real
    classes: Integer
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inputs)

    def part(self, members: Integer) -> Samples:
        """Some of them, by number."""
        return Samples(self.inputs[members], self.classes[members], self.names)


@dataclass(frozen=True)
class Labels:
    """Labelled data in parts (None: nothing was held out for it), and the names of the classes."""

    train: Labelled
    validation: Labelled | None
    test: Labelled | None
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        samples: Samples,
        levels: int | None,
        noise: float,
        share_flipped: float,
        fractions: tuple[float, float],
        rngs: tuple[np.random.Generator, np.random.Generator],
        scaled: bool = True,
    ) -> Labels:
        """Samples in parts, the fractions for validation and testing drawn by the first of `rngs`; inputs are scaled by
        the training part, and labels of it flipped by the second.

        Raises
        ------
        InputError
            If a part is empty, or there are fewer `levels` than classes.
        """
        levels = len(samples.names) if levels is None else levels
        if levels < len(samples.names):
            raise InputError(f"levels must be at least {len(samples.names)}, one a class; found {levels}.")
        parts = split(samples, fractions, rngs[0])
        if scaled:
            parts = standardized(parts)
        parts[0] = flipped(parts[0], share_flipped, rngs[1])
        train, validation, test = (as_labelled(part, levels, noise) if len(part) else None for part in parts)
        assert train is not None
        return cls(train, validation, test, samples.names)

    def save(self, path: Path) -> None:
        """Write inputs and probabilities of the classes of every part, and the names, as plain arrays."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        arrays = {f"{name}.inputs": part.inputs for name, part in parts.items() if part is not None}
        arrays |= {f"{name}.labels": part.states.probabilities() for name, part in parts.items() if part is not None}
        write_arrays(path, {"names": np.array(self.names), **arrays})


def split(samples: Samples, fractions: tuple[float, float], rng: np.random.Generator) -> list[Samples]:
    """Three parts, drawn class by class: what is left, and the two fractions, which may be 0."""
    parts: list[list[Integer]] = [[], [], []]
    order = rng.permutation(len(samples))
    for c in range(len(samples.names)):
        members = order[samples.classes[order] == c]
        first = round(fractions[0] * len(members))
        second = first + round(fractions[1] * len(members))
        for part, chosen in zip(parts, (members[second:], members[:first], members[first:second]), strict=True):
            part.append(np.asarray(chosen))
    found = [samples.part(np.sort(np.concatenate(part))) for part in parts]
    for fraction, held in zip((1.0, *fractions), found, strict=True):
        if fraction > 0 and not len(held):
            raise InputError(f"{len(samples)} samples leave a part empty at these fractions: choose others.")
    return found


def standardized(parts: list[Samples]) -> list[Samples]:
    """Inputs less the mean of those of the first part, by their standard deviation (where it is not zero)."""
    first = parts[0].inputs[0]
    x = parts[0].inputs - first  # exactly zero where all are equal
    center, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return [Samples((part.inputs - first - center) / scale, part.classes, part.names) for part in parts]


def flipped(samples: Samples, share: float, rng: np.random.Generator) -> Samples:
    """Each label replaced by another class with the probability `share`."""
    wrong = rng.random(len(samples)) < share
    shift = rng.integers(1, len(samples.names), len(samples))
    classes = np.where(wrong, (samples.classes + shift) % len(samples.names), samples.classes)
    return Samples(samples.inputs, classes, samples.names)


def as_labelled(samples: Samples, levels: int, noise: float) -> Labelled:
    """Classes as diagonal states (1 - noise) |y><y| + noise/classes on the first of `levels` levels."""
    count = len(samples.names)
    p = np.zeros((len(samples), levels))
    p[:, :count] = label_states(samples.classes, count, noise=noise).probabilities()
    return Labelled(samples.inputs, DensityMatrix.from_probabilities(p, _checks.qubit_dims(levels)))


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
