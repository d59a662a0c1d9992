"""Checkpoints of a fit: one ``.npz`` file of plain arrays, its predecessor beside it.

A checkpoint has every restart as of its latest iterate: parameters, the optimizer's state, history, and the random
streams of what is yet to begin. Random numbers within a restart follow from seeds and step numbers in the optimizer's
state, so that this is all. A damaged file is found by the checksums that every ``.npz`` has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import parse_json, read_arrays, write_arrays, write_whole, writing
from qml._saved import arrays_of, value_of
from qml.fitting.provenance import versions

FORMAT = "qml.Checkpoint 4"
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
        if not Path(self.path).name or "\0" in str(self.path):
            raise InputError(f"checkpoint must be the name of a file; found {str(self.path)!r}.")
        _checks.number("seconds", self.seconds, low=0.0)
        if self.iterations is not None:
            _checks.integer("iterations", self.iterations, low=1)

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


def write(held: Mapping[str, Any], file: Path, previous: Path | None) -> None:
    """Write arrays and plain data, the whole file or none of it; what stood there becomes `previous`."""
    plain, arrays = arrays_of({"format": FORMAT, "versions": versions(), **held})
    arrays["json"] = np.array(json.dumps(plain))
    write_whole(file, partial(write_arrays, arrays=arrays), previous)


def read(file: Path) -> dict[str, Any]:
    """What :func:`write` wrote.

    Raises
    ------
    InputError
        If the file is truncated, damaged, or something else.
    """
    arrays = read_arrays(file, "checkpoint")
    try:
        plain = parse_json(str(arrays.pop("json")))
        form = plain["format"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"the file {str(file)!r} is not a checkpoint of fit.") from None
    if form != FORMAT:
        raise InputError(f"the checkpoint {str(file)!r} is of the format {form!r}, not {FORMAT!r}.")
    held: dict[str, Any] = value_of(plain, arrays)
    return held


class Keeper:
    """Reads the checkpoint that a fit continues from, and writes new ones when they are due.

    Parameters
    ----------
    where : Checkpoint, path or None
        None: nothing is read or written.
    belongs : mapping
        What the fit is, by name: a checkpoint in which one of these differs is of another fit.
    """

    def __init__(self, where: Checkpoint | str | Path | None, belongs: Mapping[str, Any]) -> None:
        self._where = where if where is None or isinstance(where, Checkpoint) else Checkpoint(where)
        self._belongs = belongs
        self._cost, self._began, self._written = FIRST_COST, time.perf_counter(), time.perf_counter()
        self._rotate = True
        self._saved = False
        self.refused: list[str] = []
        self.problem = ""
        self.exact = True
        self.resumed = False

    def open(self, resume: bool, accept: Callable[[dict[str, Any]], str], held: Callable[[], dict[str, Any]]) -> None:
        """Continue from the checkpoint, where there is one: `accept` takes what it holds, or says what is wrong. From
        now on `held()` is written, as soon as it has restarts.

        Raises
        ------
        InputError
            If there are checkpoints and none can be used, or there is one and `resume` is False; or the folder cannot
            be written.
        """
        self._held = held
        where, resume = self._where, _checks.flag("resume", resume)
        if where is None:
            if resume:
                raise InputError("resume=True needs the checkpoint to continue from: pass checkpoint=PATH.")
            return
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
                stored = read(file)
                if wrong := self._differs(stored.get("belongs", {})) or accept(stored):
                    raise InputError(f"the checkpoint {str(file)!r} belongs to another fit: {wrong}.")
            except InputError as error:
                self.refused.append(str(error))
                continue
            self._rotate = file == where.file
            self.resumed = True
            self.exact = self.exact and stored["versions"] == versions()
            self._began -= stored["seconds"]
            return
        if there:
            raise InputError(
                f"{' '.join(self.refused)} Delete {'it' if len(there) == 1 else 'both'} to begin anew, or choose "
                "another checkpoint."
            )

    def _differs(self, belongs: Mapping[str, Any]) -> str:
        for name, ours in self._belongs.items():
            theirs = belongs.get(name)
            if theirs != ours:
                return f"its {name} is {_checks.shown(theirs)}, and here it is {_checks.shown(ours)}"
        return ""

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
            held = self._held()
            if held.get("restarts"):
                held |= {"belongs": self._belongs, "seconds": self.seconds}
                write(held, self._where.file, self._where.previous if self._rotate else None)
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
        place = str(self._where.path)
        return f" The checkpoint {place!r} has everything up to here: continue with resume=True (in a study: --resume)."

    def told(self) -> dict[str, Any]:
        """For the provenance of the result."""
        if self._where is None:
            return {}
        told = {"path": str(self._where.path), "resumed": self.resumed, "exact": self.exact}
        return {"checkpoint": {**told, "refused": self.refused, "problem": self.problem}}
