"""Figures as files, with every text drawn."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from qml._checks import short
from qml.plotting.text import plain_where_it_fails

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(figure: Figure, file: Path | IO[bytes], form: str = "png", dpi: int = 150) -> list[str]:
    """Write a figure.

    Returns
    -------
    list of str
        A sentence about each text that is drawn as it was typed, because it is no mathematics.
    """
    plain = plain_where_it_fails(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of characters that the font lacks, and of titles without end
        if form == "png":
            _write_png(figure, file, dpi)
        else:
            figure.savefig(file, dpi=dpi, format=form)
    return [
        f"{short(text, 200)!r} is not what Matplotlib reads as mathematics: it is drawn as it was typed."
        for text in plain
    ]


def _write_png(figure: Figure, file: Path | IO[bytes], dpi: int) -> None:
    """The figure as ``savefig`` writes it, but drawn once: ``savefig`` draws twice to know its size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(file)
