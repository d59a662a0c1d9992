"""Live progress of fits and sweeps: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from qml._checks import plural

if TYPE_CHECKING:
    from qml.fitting import Iteration
    from qml.studies.record.fits import Row

SECONDS_BETWEEN_LINES = 5.0
ERRORS_SHOWN = 5
"""Failed points whose error is printed; all of them are in the table."""
_UNITS = (("h", 3600.0, 7200.0), ("min", 60.0, 120.0), ("s", 1.0, 1.0), ("ms", 1e-3, 0.0))
"""Units of time, their seconds, and from how many seconds on they are used."""


class _Live:
    """A bar on `out`, or lines where that is no terminal."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self._bar: Progress | None = None
        self._printed = time.perf_counter()

    def _start(self, what: str, total: int | None, done: int = 0) -> bool:
        """Begin; whether there is a bar."""
        self._printed = time.perf_counter()
        if not self.out.is_terminal or self.out.quiet:
            return False
        columns = TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[at]}"), TimeElapsedColumn()
        self._bar = Progress(*columns, console=self.out, transient=True)
        self._task = self._bar.add_task(escape(what), total=total, completed=done, at="")
        self._bar.start()
        return True

    def _show(self, done: int, line: str) -> None:
        """So much is done: the line stands beside the bar, or is printed where there is none."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, at=line)
        elif time.perf_counter() - self._printed > SECONDS_BETWEEN_LINES:
            self._printed = time.perf_counter()
            self.out.print(f"  {line}")

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class FitReporter(_Live):
    """Follows the fits of a run, one at a time: begin, step, step, ..., stop, end."""

    def begin(self, name: str, about: str, max_iterations: int | None) -> None:
        """A fit starts; of a method that tells nothing before its end, the most iterations are None."""
        head = f"{name}: {about}"
        if not self._start(head, max_iterations):
            self.out.print(head)

    def step(self, iteration: Iteration) -> None:
        """An iteration is done."""
        start = f"start {iteration.restart + 1}, " if iteration.restart else ""
        line = f"{start}iteration {iteration.iteration}, loss {iteration.loss:.6f}, gap {iteration.gap:.2e}"
        self._show(iteration.iteration, line)

    def end(self, row: Row) -> None:
        """The fit is done."""
        head = f"{row.fit}: " if self.out.is_terminal else "  "
        self.out.print(f"{head}gap {row.gap:.2e} after {times(row)}: {row.status}")


class SweepReporter(_Live):
    """Counts the points that are done and failed, and estimates when the rest will be done."""

    def __init__(self, out: Console, total: int, before: int = 0) -> None:
        super().__init__(out)
        self.total = total
        self.before = before
        self.finished = before
        self.failures = 0
        self._since = time.perf_counter()

    def __enter__(self) -> Self:
        if self.before:
            self.out.print(f"{self.before} of {self.total} points are done already.")
        self._start("sweep", self.total, self.before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.out.print(self.line())

    def done(self, point: int, errors: list[str]) -> None:
        """A point has come back."""
        self.finished += 1
        self.failures += bool(errors)
        if errors and self.failures <= ERRORS_SHOWN:
            self.out.print(f"  point {point} failed: {errors[0]}")
        self._show(self.finished, self.line())

    def line(self) -> str:
        """``12 of 40 points done, 1 failed, 70 s to go``."""
        text = f"{self.finished} of {self.total} points done"
        text += f", {self.failures} failed" if self.failures else ""
        here, left = self.finished - self.before, self.total - self.finished
        if here and left:
            text += f", {span((time.perf_counter() - self._since) / here * left)} to go"
        return text


def times(row: Row) -> str:
    """``20 iterations, 3.4 s (170 ms a step)``."""
    step = f" ({span(row.seconds / row.iterations)} a step)" if row.iterations else ""
    return f"{plural(row.iterations, 'iteration')}, {row.seconds:.1f} s{step}"


def span(seconds: float) -> str:
    """A length of time in the unit that reads best, to two digits.

    Examples
    --------
    >>> span(0.0004), span(0.1834), span(75), span(5 * 3600 + 60 * 29)
    ('0.4 ms', '180 ms', '75 s', '5.5 h')
    """
    unit, size = next((unit, size) for unit, size, least in _UNITS if seconds >= least)
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"
