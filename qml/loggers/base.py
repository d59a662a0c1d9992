"""Loggers: callbacks of ``fit`` that write its curves where a tool finds them, and go on where a fit is continued."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from qml import _checks
from qml._checks import InputError
from qml.fitting import Iteration

SECONDS = 2.0
"""Between two times that rows are written; they are also written before each checkpoint and when a fit ends."""
RESULT = "result/"
"""Stands before the names of what is logged at the end."""
SAME_LOSS = 1e-4
"""A step that is logged already belongs to the same fit if its loss differs by no more than this, relatively."""

LARGEST = 1e38
"""Stands for infinity where losses are compared: single precision and SQLite cut it off."""


@dataclass(frozen=True)
class Entry:
    """One iterate as it is logged: quantities by name, and the time in seconds since 1970."""

    restart: int
    step: int
    values: Mapping[str, float]
    time: float


class Logger(ABC):
    """Follows one fit: pass it in ``fit(callbacks=[...])``.

    Each iterate is logged once. A fit that is continued from a checkpoint tells its callbacks of the iterates since;
    with ``resume=True`` those that are logged already are left out, so that every curve goes on without a gap or a
    step that stands twice.

    Parameters
    ----------
    every : int
        Log every so many iterations, number 0 included.
    resume : bool
        Go on with what is in the store.

    Notes
    -----
    Quantities are ``loss``, ``gap`` (both in nats where the loss is an entropy), ``gradient_norm``, and ``fidelity``
    where ``fit`` tracks it; those of further restarts are called ``start 2/loss``, ... A store that cannot be written
    does not end a fit: the sentence is in `problem`, and the rows are tried again with the next ones.

    Raises
    ------
    InputError
        If `every` is no integer of at least 1.

    Examples
    --------
    >>> from qml.loggers import LOGGERS
    >>> sorted(LOGGERS)
    ['mlflow', 'tensorboard']
    """

    modules: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]

    @classmethod
    def check(cls) -> None:
        """Whether the packages that it needs are there.

        Raises
        ------
        InputError
            If not: with the command that installs them.
        """
        for module in cls.modules:
            _checks.need(module, cls.extra, f"the logger {cls.extra}")

    def __init__(self, every: int, resume: bool) -> None:
        self.every = _checks.integer("every", every, low=1)
        self.problem = ""
        self._before = self._logged() if resume else {}
        self._last = (-1, -1)
        self._closed = False
        self._waiting: list[Entry] = []
        self._written = time.monotonic()

    def __call__(self, iteration: Iteration) -> None:
        """Log an iterate.

        Raises
        ------
        InputError
            If it is of another fit than what is logged already.
        """
        step, place = iteration.iteration, (iteration.restart, iteration.iteration)
        if place <= self._last:
            raise InputError("a logger follows one fit: make another one for the next fit.")
        self._last = place
        if step % self.every:
            return
        before = self._before.get(iteration.restart, {})
        if step in before:
            if not _same(before[step], iteration.loss):
                raise InputError(
                    f"{self} holds another fit: its loss at step {step} is {before[step]:.7g}, and here it is "
                    f"{iteration.loss:.7g}: choose another place for the log of this fit."
                )
            return
        self._waiting.append(Entry(iteration.restart, step, quantities(iteration), time.time()))
        if time.monotonic() - self._written > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting; what fails is kept in `problem`."""
        self._written = time.monotonic()
        if not self._waiting:
            return
        again = bool(self.problem)
        with self._tried():
            if again:  # a part of it may have been written
                there = self._logged()
                self._waiting = [entry for entry in self._waiting if entry.step not in there.get(entry.restart, {})]
            self._write(self._waiting)
            self._waiting = []

    def finish(self, values: Mapping[str, float], status: str) -> None:
        """Log quantities of the result, and how the fit ended.

        Parameters
        ----------
        values : mapping of str to float
            By name; those that are NaN are left out.
        status : str
            A sentence.
        """
        self.flush()
        if not self.problem:
            with self._tried():
                self._finish({name: value for name, value in values.items() if not math.isnan(value)}, status)

    def close(self, ending: str = "FINISHED") -> None:
        """Write what is waiting; nothing is logged any more.

        Parameters
        ----------
        ending : {"FINISHED", "KILLED", "FAILED"}
            How the fit ended.
        """
        self.flush()
        if not self._closed:
            self._closed = True
            self._leave(ending)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close("FINISHED" if kind is None else "KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    @contextmanager
    def _tried(self) -> Iterator[None]:
        self.problem = ""
        try:
            yield
        except Exception as error:  # of the tool, whatever it raises where a disk is full
            self.problem = f"{self} cannot be written: {' '.join(str(error).split())[:200]}"

    @abstractmethod
    def _logged(self) -> dict[int, dict[int, float]]:
        """The loss at every step that is in the store, by restart."""

    @abstractmethod
    def _write(self, entries: list[Entry]) -> None:
        """Write down these, so that they survive the death of the process."""

    @abstractmethod
    def _finish(self, values: Mapping[str, float], status: str) -> None:
        """Write quantities of the result, and how the fit ended."""

    @abstractmethod
    def _leave(self, ending: str) -> None:
        """The log is closed."""


def place_of(name: str, path: object) -> Path:
    """The path of a log; what is none is refused."""
    if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
        raise InputError(f"{name} must be a path; found {_checks.shown(path)}.")
    return Path(path)


def arguments_of(
    every: int, resume: bool, settings: Mapping[str, float | str | bool] | None
) -> tuple[int, bool, dict[str, float | str | bool]]:
    """What all loggers are given, checked: settings are numbers, text or truth values, by name; None: none."""
    named = {} if settings is None else dict(_checks.mapping("settings", settings))
    for name, value in named.items():
        if not isinstance(value, str | bool):
            _checks.number(f"settings[{_checks.text('a name in settings', name)!r}]", value)
    return _checks.integer("every", every, low=1), _checks.flag("resume", resume), named


def quantities(iteration: Iteration) -> dict[str, float]:
    """What is logged of an iterate."""
    found = {"loss": iteration.loss, "gap": iteration.gap, "gradient_norm": iteration.gradient_norm}
    if iteration.fidelity is not None:
        found["fidelity"] = iteration.fidelity
    if iteration.held_out is not None:
        found["held_out"] = iteration.held_out
    return {name: value for name, value in found.items() if not math.isnan(value)}


def tag(restart: int, name: str) -> str:
    """The name of a curve: ``loss``, and ``start 2/loss`` of the second restart."""
    return name if restart == 0 else f"start {restart + 1}/{name}"


def restart_of(curve: str) -> int | None:
    """The restart whose loss a curve is; None for other curves."""
    if curve == "loss":
        return 0
    head, _, name = curve.partition("/")
    number = head.removeprefix("start ")
    return int(number) - 1 if name == "loss" and number.isdecimal() else None


def _same(a: float, b: float) -> bool:
    a, b = (min(max(x, -LARGEST), LARGEST) for x in (a, b))
    return abs(a - b) <= SAME_LOSS * max(1.0, abs(a), abs(b))
