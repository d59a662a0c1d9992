"""Figures as files, with every text drawn."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from qml._checks import short

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


def plain_where_it_fails(figure: Figure) -> list[str]:
    r"""Draw every text of a figure whose ``$...$`` Matplotlib cannot read as it was typed.

    Returns
    -------
    list of str
        Those texts.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> _ = figure.suptitle(r"$\ket{GHZ}$"), figure.subplots().set_title(r"$\rho$")
    >>> plain_where_it_fails(figure)
    ['$\\ket{GHZ}$']
    """
    from matplotlib.cbook import is_math_text
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text

    parser = MathTextParser("path")
    failed = dict[str, None]()
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        for line in text.get_text().split("\n"):
            if text.get_parse_math() and is_math_text(line):
                try:
                    parser.parse(line)
                except ValueError:
                    text.set_parse_math(False)
                    failed[text.get_text()] = None
    return list(failed)
