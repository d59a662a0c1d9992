"""A published number beside ours: what every script of this folder computes, prints and draws."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from qml.plotting.style import COLORS, plain

ROUNDING = 1e-12
"""Numbers below this are shown as zero: their digits are those of a machine."""


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes
    ----------
    what : str
    published : float or None
        None: a claim in words, which `what` says, and which holds where `ours` is within the bound.
    ours : float
    within : float
        How far ours may be off, fixed before it was computed: half of the last digit that was published, mostly. Of a
        claim in words the bound itself.
    at_most : bool
        Whether a smaller number of ours counts as well.
    """

    what: str
    published: float | None
    ours: float
    within: float
    at_most: bool = False

    @property
    def holds(self) -> bool:
        if self.published is None:
            return self.ours <= self.within
        off = self.ours - self.published
        return off <= self.within if self.at_most else abs(off) <= self.within

    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        if self.published is None:
            asked = f"at most {self.within:.4g}"
        else:
            asked = f"at most {self.within:.1g} above" if self.at_most else f"± {self.within:.1g}"
        published = "in words" if self.published is None else f"{self.published:.4g}"
        ours = f"{self.ours:.3g}" if not abs(self.ours) < ROUNDING else f"within {ROUNDING:g} of zero"
        return self.what, published, asked, ours, "yes" if self.holds else "**no**"


@dataclass(frozen=True)
class Curve:
    """Points of the figure; `dashed` for what is published or a limit, `dots` without a line between them."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Found:
    """What a script found: the table, and the curves of its figure with the names of its axes."""

    lines: list[Line]
    curves: list[Curve]
    axes: tuple[str, str]
    log_x: bool = False
    log_y: bool = True

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.lines)

    def table(self) -> str:
        """The lines in Markdown."""
        head = ("what", "published", "tolerance", "ours", "holds")
        rows = [head, ("---",) * len(head), *(line.cells() for line in self.lines)]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"

    def draw(self) -> Figure:
        """The figure."""
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.subplots()
        for color, curve in zip(COLORS * 3, self.curves, strict=False):
            style: dict[str, Any] = {"ls": "--", "lw": 1} if curve.dashed else {"lw": 1.5}
            if curve.dots:
                style = {"ls": "", "marker": "o", "ms": 4}
            axes.plot(curve.x, curve.y, label=curve.label, color=color, **style)
        axes.set(xlabel=self.axes[0], ylabel=self.axes[1])
        axes.set_xscale("log" if self.log_x else "linear")
        axes.set_yscale("log" if self.log_y else "linear")
        if self.log_x:
            axes.xaxis.set_minor_formatter(NullFormatter())
        plain(axes)
        axes.legend(fontsize=8, frameon=False)
        return figure


def command(reproduce: Callable[[], Found]) -> click.Command:
    """The command of a script: prints the table, writes it and the figure where asked, and fails where a line does not
    hold."""

    @click.command(help=(reproduce.__doc__ or "").strip().partition("\n")[0])
    @click.option("--table", type=click.Path(path_type=Path), help="Write the table to this file (Markdown).")
    @click.option("--figure", type=click.Path(path_type=Path), help="Write the figure to this file.")
    def main(table: Path | None, figure: Path | None) -> None:
        since = time.perf_counter()
        found = reproduce()
        click.echo(found.table())
        click.echo(f"{time.perf_counter() - since:.1f} s", err=True)
        if table is not None:
            table.write_text(found.table(), encoding="utf-8")
        if figure is not None:
            found.draw().savefig(figure, dpi=150)
        if not found.holds:
            raise click.ClickException("a published number was not reproduced within its tolerance.")

    return main


def last_digit(text: str) -> float:
    """Half of the last digit of a number as it was printed: 0.0005 for "0.556", 5e-6 for "1.5e-4"."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * math.pow(10.0, int(exponent or 0) - decimals)
