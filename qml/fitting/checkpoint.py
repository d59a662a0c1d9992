"""Checkpoints of a fit: one ``.npz`` file of plain arrays, its predecessor beside it.

A checkpoint has every restart as of its latest iterate: parameters, the optimizer's state, history, and the random
streams of what is yet to begin. Random numbers within a restart follow from seeds and step numbers in the optimizer's
state, so that this is all. A damaged file is found by the checksums that every ``.npz`` has.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import parse_json, read_arrays, write_whole, writing
from qml._results import part_of
from qml.fitting.provenance import versions

FORMAT = "qml.Checkpoint 3"
SHARE = 0.01
"""Of the time of a fit, what checkpoints by time may take."""
FIRST_COST = 0.02
"""Seconds that the first one is thought to take."""


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a fit writes down what it needs to be continued.

    Parameters
    ----------
    path : str or Path
        A file; the one before it is kept as ``PATH.previous``.
    seconds : float
        Write when so many seconds have passed since the last one; less often where writing would take more than 1 % of
        the time. The end of a restart, Ctrl-C, and an exception are written too.
    iterations : int, optional
        Write after every so many iterations besides, whatever it costs.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> Checkpoint("fit.npz", seconds=60, iterations=1000)
    Checkpoint(path='fit.npz', seconds=60, iterations=1000)
    """

    path: str | Path
    seconds: float = 30.0
    iterations: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | Path):
            raise InputError(f"checkpoint must be a path or a Checkpoint; found {self.path!r}.")
        if not Path(self.path).name:
            raise InputError(f"checkpoint must be the name of a file; found {str(self.path)!r}.")
        _checks.number("seconds", self.seconds, low=0.0)
        if self.iterations is not None:
            _checks.integer("iterations", self.iterations, low=1)

    @classmethod
    def _of(cls, where: Checkpoint | str | Path | None, seconds: float | None) -> Checkpoint | None:
        """What the arguments `checkpoint` and `checkpoint_every` of fit stand for."""
        if seconds is not None and not isinstance(where, str | Path):
            raise InputError(
                "checkpoint_every goes with a checkpoint that is a path: pass Checkpoint(path, seconds=...)."
            )
        if where is None or isinstance(where, Checkpoint):
            return where
        return cls(where) if seconds is None else cls(where, _checks.number("checkpoint_every", seconds))

    @property
    def file(self) -> Path:
        """The file that is written."""
        return Path(self.path)

    @property
    def previous(self) -> Path:
        """Where the checkpoint before the last one is kept."""
        return self.file.with_name(f"{self.file.name}.previous")

    def remove(self) -> None:
        """Delete the files, once what was fitted is safe elsewhere.

        Raises
        ------
        InputError
            If they cannot be deleted.
        """
        with writing(self.file):
            self.previous.unlink(missing_ok=True)
            self.file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Part:
    """One restart on disk: numbers and sentences, and arrays."""

    text: Mapping[str, Any]
    arrays: Mapping[str, Any]


def write(text: Mapping[str, Any], parts: Sequence[Part], file: Path, previous: Path | None) -> None:
    """Write the whole file or none of it; what stood there becomes `previous`."""
    text = {"format": FORMAT, "versions": versions(), **text, "parts": [part.text for part in parts]}
    arrays = {f"{k}.{name}": np.asarray(a) for k, part in enumerate(parts) for name, a in part.arrays.items()}
    arrays["json"] = np.array(json.dumps(text, default=_plain))
    write_whole(file, partial(_save, arrays), previous)


def read(file: Path) -> tuple[dict[str, Any], list[Part]]:
    """What :func:`write` wrote.

    Raises
    ------
    InputError
        If the file is truncated, damaged, or something else.
    """
    arrays = read_arrays(file, "checkpoint")
    try:
        text = parse_json(str(arrays.pop("json")))
        form, parts, _ = text["format"], text["parts"], text["belongs"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"the file {str(file)!r} is not a checkpoint of fit.") from None
    if form != FORMAT:
        raise InputError(f"the checkpoint {str(file)!r} is of the format {form!r}, not {FORMAT!r}.")
    return text, [Part(part, part_of(arrays, str(k))) for k, part in enumerate(parts)]


def _save(arrays: Mapping[str, Any], path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, **dict(arrays))


def _plain(value: Any) -> Any:
    """Arrays and numbers of NumPy in JSON, as in the states of bit generators."""
    return value.tolist()


class Keeper:
    """Reads the checkpoint that a fit continues from, and writes new ones when they are due.

    Parameters
    ----------
    where : Checkpoint or None
        None: nothing is read or written.
    belongs : mapping
        What the fit is, by name: a checkpoint in which one of these differs is of another fit.
    """

    def __init__(self, where: Checkpoint | None, belongs: Mapping[str, Any]) -> None:
        self._where = where
        self._belongs = json.loads(json.dumps(belongs, default=_plain))
        self._text: dict[str, Any] = {}
        self._parts: Callable[[], Sequence[Part]] = list
        self._cost, self._began, self._written = FIRST_COST, time.perf_counter(), time.perf_counter()
        self._rotate = True
        self._saved = False
        self.refused: list[str] = []
        self.problem = ""
        self.exact = True
        self.resumed = False

    def open(self, resume: bool, accept: Callable[[Sequence[Part]], str]) -> dict[str, Any] | None:
        """What to continue from, beside restarts; None: begin. `accept` takes these, or says what is wrong with them.

        Raises
        ------
        InputError
            If there are checkpoints and none can be used, or there is one and `resume` is False; or the folder cannot
            be written.
        """
        where = self._where
        if where is None:
            if resume:
                raise InputError("resume=True needs the checkpoint to continue from: pass checkpoint=PATH.")
            return None
        there = [file for file in (where.file, where.previous) if file.exists()]
        if there and not resume:
            raise InputError(
                f"the checkpoint {str(there[0])!r} exists already: pass resume=True to continue from it, or delete it."
            )
        with writing(where.file):
            where.file.parent.mkdir(parents=True, exist_ok=True)
            probe = where.file.with_name(f".probe-{where.file.name}")
            probe.touch()
            probe.unlink()
        for file in there:
            try:
                text, parts = read(file)
                self._check(file, text["belongs"])
                if wrong := accept(parts):
                    raise InputError(f"the checkpoint {str(file)!r} belongs to another fit: {wrong}.")
            except InputError as error:
                self.refused.append(str(error))
                continue
            self._rotate = file == where.file
            self.resumed = True
            self.exact = self.exact and text["versions"] == versions()
            self._began -= text["seconds"]
            return text
        if there:
            raise InputError(
                f"{' '.join(self.refused)} Delete {'it' if len(there) == 1 else 'both'} to begin anew, or choose "
                "another checkpoint."
            )
        return None

    def _check(self, file: Path, belongs: Mapping[str, Any]) -> None:
        for name, ours in self._belongs.items():
            theirs = belongs.get(name)
            if theirs != ours:
                raise InputError(
                    f"the checkpoint {str(file)!r} belongs to another fit: its {name} is {_short(theirs)}, and here it "
                    f"is {_short(ours)}."
                )

    def hold(self, parts: Callable[[], Sequence[Part]], **text: Any) -> None:
        """What is written from now on."""
        self._parts, self._text = parts, text

    @property
    def seconds(self) -> float:
        """Since the fit began, without the time between a break and its continuation."""
        return time.perf_counter() - self._began

    def iterate(self, number: int) -> None:
        """After each iterate of a restart: write if it is time."""
        if self._where is None:
            return
        every, since = self._where.iterations, time.perf_counter() - self._written
        if (every and number and number % every == 0) or since >= max(self._where.seconds, self._cost / SHARE):
            self.save()

    def restart_over(self) -> None:
        """After each restart: write if that is cheap beside what would be lost."""
        if time.perf_counter() - self._written >= self._cost / SHARE:
            self.save()

    def save(self) -> None:
        """Write now. What fails is kept as a sentence in `problem`, and tried again when the next one is due."""
        if self._where is None:
            return
        since = time.perf_counter()
        try:
            if parts := self._parts():
                text = {"belongs": self._belongs, "seconds": self.seconds, **self._text}
                write(text, parts, self._where.file, self._where.previous if self._rotate else None)
                self._rotate = self._saved = True
            self.problem = ""
        except InputError as error:
            self.problem = str(error)
        finally:
            self._written = time.perf_counter()
            self._cost = self._written - since

    def hint(self) -> str:
        """How a fit that was cut short goes on, as a sentence."""
        if self._where is None:
            return ""
        if self.problem:
            return f" The checkpoint failed: {self.problem}"
        if not self._saved:
            return ""
        return f" The checkpoint {str(self._where.path)!r} has everything up to here: continue with resume=True."

    def told(self) -> dict[str, Any]:
        """For the provenance of the result."""
        if self._where is None:
            return {}
        told = {"path": str(self._where.path), "resumed": self.resumed, "exact": self.exact}
        return {"checkpoint": {**told, "refused": self.refused, "problem": self.problem}}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def differs(now: float, then: float, gradient: Any, before: Any) -> float:
    """How far value and gradient are from what they were, relative to their size (at least 1); +inf: a NaN or an
    infinity that was not there."""
    a, b = np.append(gradient, now), np.append(before, then)
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return math.inf
    finite = np.isfinite(a)
    scale = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale
