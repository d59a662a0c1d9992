"""Live progress of a sweep: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 5.0
ERRORS_TOLD = 5
"""Failed points whose error is printed; all of them are in the table."""


class SweepReporter:
    """Counts the points that are done and failed, and says when the rest will be."""

    def __init__(self, out: Console, total: int, before: int = 0) -> None:
        self.out = out
        self.total = total
        self.before = before
        self.finished = before
        self.failures = 0
        self._since = self._said = time.perf_counter()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self.before:
            self.out.print(f"{self.before} of {self.total} points are done already.", markup=False)
        if self.out.is_terminal and not self.out.quiet:
            columns = (
                "points",
                BarColumn(24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[at]}"),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=self.out, transient=True)
            self._task = self._bar.add_task("", total=self.total, completed=self.before, at="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self.out.print(self.line(), markup=False)

    def done(self, point: int, errors: list[str]) -> None:
        """A point has come back."""
        self.finished += 1
        self.failures += bool(errors)
        if errors and self.failures <= ERRORS_TOLD:
            self.out.print(f"  point {point} failed: {errors[0]}", markup=False)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.finished, at=self._at())
        elif time.perf_counter() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.perf_counter()
            self.out.print(f"  {self.line()}", markup=False)

    def line(self) -> str:
        """``12 of 40 points done, 1 failed, 70 s to go``."""
        return f"{self.finished} of {self.total} points done{self._at()}"

    def _at(self) -> str:
        text = f", {self.failures} failed" if self.failures else ""
        here, left = self.finished - self.before, self.total - self.finished
        if here and left:
            text += f", {span((time.perf_counter() - self._since) / here * left)} to go"
        return text


def span(seconds: float) -> str:
    """A length of time in the unit that reads best.

    Examples
    --------
    >>> span(0.0004), span(75), span(5 * 3600 + 60 * 29)
    ('0.4 ms', '75 s', '5.5 h')
    """
    if seconds < 1:
        return f"{1e3 * seconds:.2g} ms"
    return (
        f"{seconds:.3g} s"
        if seconds < 120
        else f"{seconds / 60:.3g} min"
        if seconds < 7200
        else f"{seconds / 3600:.2g} h"
    )
