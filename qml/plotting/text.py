"""Text in figures that Matplotlib cannot read as mathematics is drawn as it was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
