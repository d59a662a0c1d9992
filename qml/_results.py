"""What results of long computations have in common: how they ended, and a table of their headline numbers."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from qml._checks import Record
from qml._saved import Saved

CHECK, CROSS = "\N{CHECK MARK}", "\N{BALLOT X}"
"""Before the caption of what converged and of what did not."""


def html_table(caption: str, rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> str:
    """A table for notebooks, of plain text; the first column holds names."""

    def line(cells: Sequence[str], names: int) -> str:
        kinds = ["th" if i < names else "td" for i in range(len(cells))]
        shown = [f'<{k} style="text-align: left">{html.escape(c)}</{k}>' for k, c in zip(kinds, cells, strict=True)]
        return f"<tr>{''.join(shown)}</tr>"

    lines = [line(heads, len(heads))] if heads else []
    return f"<table><caption>{html.escape(caption)}</caption>{''.join(lines + [line(row, 1) for row in rows])}</table>"


class FitError(RuntimeError):
    """A fit that did not converge; its message is the status of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import GibbsModel, fit
    >>> result = fit(GibbsModel(["Z"]), np.diag([0.8, 0.2]), params0=[0.0], max_iterations=1)
    >>> try:
    ...     result.raise_if_failed()
    ... except FitError as error:
    ...     print(str(error) == result.status)
    True
    """


class Table(Record, Saved, ABC):
    """Numbers with names, shown as a table in text and in notebooks."""

    caption: ClassVar[str]
    """What the table is called."""

    @abstractmethod
    def _rows(self) -> list[tuple[str, str]]:
        """The headline numbers: names and values."""

    def _title(self) -> str:
        return self.caption

    def summary(self) -> str:
        """A table of the headline numbers, as text."""
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {value}" for name, value in self._rows()[:3])
        return f"<{type(self).__name__}: {shown}>"

    def _repr_html_(self) -> str:
        return html_table(self._title(), self._rows())


class Outcome(Table):
    """A result with a status."""

    converged: bool
    status: str
    caption: ClassVar[str] = "fit"
    error: ClassVar[type[RuntimeError]] = FitError

    def raise_if_failed(self) -> Self:
        """The result itself if it converged, so that a call can go on from it: ``fit(...).raise_if_failed().state``.

        Raises
        ------
        FitError
            Of a fit that did not converge, with the status as its message; a tomography raises TomographyError.
        """
        if not self.converged:
            raise self.error(self.status)
        return self

    def _title(self) -> str:
        return f"{CHECK if self.converged else CROSS} {self.caption}"
