"""Live progress of a fit: rich in a terminal, tqdm in a notebook, nothing for fits that are over at once."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from typing import Any, Self

from qml import _checks
from qml.fitting.result import Iteration

DELAY = 2.0
"""Seconds before anything is shown."""


class Progress:
    """Shows each iteration once the fit has taken longer than :data:`DELAY`.

    Parameters
    ----------
    show : bool or None
        None: where standard error is a terminal, or in a notebook.
    total, restarts : int
        The most iterations a restart, and the number of restarts.
    """

    def __init__(self, show: bool | None, total: int, restarts: int) -> None:
        self._notebook = _in_notebook()
        self._show = (self._notebook or sys.stderr.isatty()) if show is None else _checks.flag("progress", show)
        self._total, self._restarts = total, restarts
        self._display: Terminal | Notebook | None = None
        self._since = time.perf_counter()

    @property
    def is_due(self) -> bool:
        """Whether iterations are shown by now."""
        return self._display is not None or (self._show and time.perf_counter() - self._since > DELAY)

    def update(self, iteration: Iteration) -> None:
        if not self.is_due:
            return
        if self._display is None:
            self._display = (Notebook if self._notebook else Terminal)(self._total)
        self._display.update(iteration.iteration, line(iteration, self._restarts))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._display.close()


class Terminal:
    """A rich progress bar on standard error."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Rich

        console = Console(stderr=True)
        columns = ("fit", BarColumn(12), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._rich = Rich(*columns, console=console, transient=console.is_terminal)
        self._task = self._rich.add_task("", total=total)
        self._rich.start()

    def update(self, number: int, numbers: str) -> None:
        self._rich.update(self._task, completed=number, description=numbers)

    def close(self) -> None:
        self._rich.stop()


class Notebook:
    """A tqdm progress bar, with widgets where they are installed."""

    def __init__(self, total: int) -> None:
        widgets = importlib.util.find_spec("ipywidgets") is not None
        module = importlib.import_module("tqdm.notebook" if widgets else "tqdm")
        self._bar: Any = module.tqdm(total=total, desc="fit", leave=False)

    def update(self, number: int, numbers: str) -> None:
        self._bar.n = number
        self._bar.set_postfix_str(numbers)

    def close(self) -> None:
        self._bar.close()


def line(iteration: Iteration, restarts: int) -> str:
    """The numbers that a bar shows."""
    which = f"restart {iteration.restart + 1}/{restarts}  " if restarts > 1 else ""
    gap = f"  gap {iteration.gap:.2e}" if math.isfinite(iteration.floor) else ""
    size = "" if math.isnan(iteration.gradient_norm) else f"  gradient {iteration.gradient_norm:.1e}"
    return f"{which}loss {iteration.loss:.8g}{gap}{size}"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"
