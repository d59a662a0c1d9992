"""Circuits drawn with Matplotlib: every box is as wide as its text, so nothing overlaps."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from qml import _checks
from qml.circuits.circuit import Circuit
from qml.circuits.drawing import LONGEST, Mark, alive_after, columns, legend, short
from qml.parameters import Affine
from qml.plotting.style import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 1000.0
"""Inches."""
UNIT = 0.45
"""Inches between two wires; all lengths below are in this unit, font sizes in points."""
BOX, PADDING, GAP, MARGIN = 0.7, 0.12, 0.24, 0.3
LARGE, MEDIUM, SMALL = 11.0, 9.0, 7.5
GATE = {"facecolor": "white", "edgecolor": "black"}
CHANNEL = {"facecolor": "#fbe8d8", "edgecolor": "#a2521a"}

GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega"
)
NAMES = {
    "Sdg": r"S^\dagger",
    "Tdg": r"T^\dagger",
    "SX": r"\sqrt{X}",
    "SXdg": r"\sqrt{X}^\dagger",
    "U3": "U_3",
    "ISWAP": r"\mathrm{iSWAP}",
}


def draw_circuit(circuit: Circuit, ax: Axes | None = None, *, width: float = 11.0) -> Axes:
    r"""A figure of the circuit: wires from left to right, gates white, noise channels shaded.

    Controls are dots, a controlled X is a circled plus, swapped sites are crosses; a traced-out site ends in a ground
    symbol and a fresh one starts with \|0>. Channel names of several words are shortened
    to initials, which are explained below. ``circuit.without_noise()`` is drawn without channels.

    Parameters
    ----------
    circuit : Circuit
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure of the natural size. In given axes the drawing is scaled to fit.
    width : float
        Inches after which the circuit is folded into the next row.

    Returns
    -------
    matplotlib Axes
        Call ``ax.figure.savefig`` to keep it.

    Raises
    ------
    InputError
        If it is no circuit, or the width is too small for one column.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from qml import Circuit, gates
    >>> ax = draw_circuit(Circuit(2, [gates.H(0), gates.CNOT(0, 1)]))
    >>> [text.get_text() for text in ax.texts]
    ['$q_{0}$', '$q_{1}$', '$H$']
    """
    import matplotlib.pyplot as plt

    circuit = _checks.instance("circuit", circuit, Circuit)
    if ax is not None:
        checked(ax)
    labels = [rf"$q_{{{site}}}$" if d == 2 else rf"$q_{{{site}}}\ (d={d})$" for site, d in enumerate(circuit.dims)]
    indent = MARGIN + max(_length(label, MEDIUM) for label in labels) + 0.15
    panels = _fold(columns(circuit.operations), _checks.number("width", width, 2.0, WIDEST) / UNIT - indent - MARGIN)
    footer = legend(circuit.operations)
    footer = f"${_upright(footer)}$" if footer else ""
    breadth = indent + MARGIN + max(sum(w for _, w in panel) + GAP for panel in panels)
    if footer:
        breadth = max(breadth, _length(footer, SMALL) + 2 * MARGIN)
    pitch = circuit.n_sites + 0.5
    height = len(panels) * pitch + (0.5 if footer else 0.0)
    if ax is None:
        figure = plt.figure(figsize=(breadth * UNIT, height * UNIT))
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    box = ax.get_window_extent()
    points = 72 / ax.figure.dpi
    scale = min(box.width * points / (breadth * UNIT * 72), box.height * points / (height * UNIT * 72))
    ax.set(xlim=(0, breadth), ylim=(height - 0.75, -0.75), aspect="equal")
    ax.axis("off")
    alive = set(circuit.sites_in)
    for i, panel in enumerate(panels):
        pen = _Pen(ax, scale, i * pitch)
        for site, label in enumerate(labels):
            pen.write(indent - 0.15, site, label, MEDIUM, ha="right")
        x = indent
        for marks, breadth_of_column in panel:
            after = alive_after(marks, alive)
            pen.column(marks, x, breadth_of_column, alive, after)
            x, alive = x + breadth_of_column, after
        pen.wires(alive, x, x + GAP)
    if footer:
        _Pen(ax, scale, 0.0).write(MARGIN, height - 1.05, footer, SMALL, ha="left", color="0.35")
    return ax


class _Pen:
    """Draws on axes, at a scale, from the wire of site 0 at height `top` downwards."""

    def __init__(self, ax: Axes, scale: float, top: float) -> None:
        self.ax, self.scale, self.top = ax, scale, top

    def write(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        style = {"ha": "center", "va": "center", "family": "serif", "math_fontfamily": "cm", "zorder": 5, **style}
        self.ax.text(x, self.top + y, text, size=size * self.scale, **style)

    def line(self, x: tuple[float, float], y: tuple[float, float], weight: float = 0.9, **style: Any) -> None:
        style = {"color": "black", "solid_capstyle": "butt", "zorder": 1, **style}
        self.ax.plot(x, [self.top + v for v in y], lw=weight * self.scale, **style)

    def wires(self, sites: set[int], start: float, stop: float) -> None:
        for site in sites:
            self.line((start, stop), (site, site))

    def disk(self, x: float, y: float, radius: float, **style: Any) -> None:
        from matplotlib.patches import Circle

        self.ax.add_patch(Circle((x, self.top + y), radius, lw=0.9 * self.scale, zorder=4, **style))

    def column(self, marks: list[Mark], start: float, breadth: float, alive: set[int], after: set[int]) -> None:
        """The marks of one column and the wires through it."""
        middle, stop = start + breadth / 2, start + breadth
        self.wires(alive & after, start, stop)
        self.wires(alive - after, start, middle)
        self.wires(after - alive, middle, stop)
        for m in marks:
            if m.kind in ("trace", "fresh"):
                for site in m.targets:
                    self._end(m.kind, middle, site)
                continue
            color = CHANNEL["edgecolor"] if m.kind == "channel" else "black"
            if len(m.rows) > 1:
                self.line((middle, middle), (m.rows.start, m.rows.stop - 1), zorder=2, color=color)
            if m.kind in ("box", "channel"):
                self._box(m, middle, alive)
            for site in m.controls + (m.targets if m.kind == "dot" else ()):
                self.disk(middle, site, 0.09, facecolor="black", edgecolor="black")
            for site in m.targets:
                if m.kind == "plus":
                    self.disk(middle, site, 0.2, facecolor="white", edgecolor="black")
                    self.line((middle - 0.2, middle + 0.2), (site, site), zorder=5)
                    self.line((middle, middle), (site - 0.2, site + 0.2), zorder=5)
                elif m.kind == "cross":
                    self.line((middle - 0.13, middle + 0.13), (site - 0.13, site + 0.13), 1.1, zorder=5)
                    self.line((middle - 0.13, middle + 0.13), (site + 0.13, site - 0.13), 1.1, zorder=5)

    def _end(self, kind: str, x: float, site: int) -> None:
        if kind == "fresh":
            self.write(x - 0.04, site, r"$|0\rangle$", MEDIUM, ha="right")
            return
        for i, half in enumerate((0.24, 0.15, 0.06)):
            self.line((x + 0.09 * i, x + 0.09 * i), (site - half, site + half), 1.1)

    def _box(self, m: Mark, x: float, alive: set[int]) -> None:
        from matplotlib.patches import FancyBboxPatch

        top, bottom = min(m.targets), max(m.targets)
        half, high = _box_breadth(m) / 2, bottom - top + BOX
        rounding = 0.14 if m.kind == "channel" else 0.02
        style: dict[str, Any] = CHANNEL if m.kind == "channel" else GATE
        self.ax.add_patch(
            FancyBboxPatch(
                (x - half, self.top + top - BOX / 2),
                2 * half,
                high,
                boxstyle=f"round,pad=0,rounding_size={rounding}",
                lw=0.9 * self.scale,
                zorder=3,
                **style,
            )
        )
        for site in set(range(top, bottom + 1)) - set(m.targets):
            if site in alive:
                self.line((x - half, x + half), (site, site), zorder=4, color="0.6", linestyle=(0, (2, 1.5)))
        if not m.is_ordered:
            for i, site in enumerate(m.targets):
                self.write(x - half + 0.06, site, f"${i}$", SMALL, ha="left", color="0.35")
        y = top if top == bottom else (top + bottom) // 2 + 0.5
        name, params = _texts(m)
        if params:
            self.write(x, y - 0.13, name, LARGE)
            self.write(x, y + 0.2, params, SMALL)
        else:
            self.write(x, y, name, LARGE)


def _fold(marks: list[list[Mark]], width: float) -> list[list[tuple[list[Mark], float]]]:
    """Columns with their breadths, in as few panels no broader than `width` as there can be (one column at least), and
    these as even as they can be."""
    columns = [(column, max(_breadth(m) for m in column) + GAP) for column in marks]
    panels = _filled(columns, width)
    fewest, low = len(panels), sum(breadth for _, breadth in columns) / len(panels)
    while width - low > 0.05:
        middle = (low + width) / 2
        tried = _filled(columns, middle)
        if len(tried) > fewest:
            low = middle
        else:
            panels, width = tried, middle
    return panels


def _filled(columns: list[tuple[list[Mark], float]], width: float) -> list[list[tuple[list[Mark], float]]]:
    """Panels that are filled one after the other."""
    panels: list[list[tuple[list[Mark], float]]] = [[]]
    filled = 0.0
    for column, breadth in columns:
        if panels[-1] and filled + breadth > width:
            panels.append([])
            filled = 0.0
        panels[-1].append((column, breadth))
        filled += breadth
    return panels


def _breadth(m: Mark) -> float:
    if m.kind in ("box", "channel"):
        return _box_breadth(m)
    return {"plus": 0.4, "fresh": 0.8, "trace": 0.5}.get(m.kind, 0.26)


def _box_breadth(m: Mark) -> float:
    name, params = _texts(m)
    inner = max(_length(name, LARGE), _length(params, SMALL)) + 2 * PADDING
    return max(BOX, inner + (0.0 if m.is_ordered else 0.3))


@lru_cache(maxsize=4096)
def _length(text: str, size: float) -> float:
    """How long a text is, in units."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text:
        return 0.0
    font = FontProperties(family="serif", math_fontfamily="cm")
    return float(TextPath((0, 0), text, size=size, prop=font).get_extents().width) / 72 / UNIT


def _texts(m: Mark) -> tuple[str, str]:
    """Name and parameters: in TeX, or as they are where they hold unusual characters."""
    rotation = re.fullmatch(r"R([XYZI]+)", m.name)
    upright = m.name if len(m.name) == 1 else _upright(m.name)
    name = f"R_{{{rotation[1]}}}" if rotation else NAMES.get(m.name, upright)
    shown = m.params[:1] if m.is_cut else m.params
    more = r",\,\ldots" if m.is_cut else ""
    params = r",\,".join(map(_expression, shown)) + more
    plain = ", ".join(map(short, shown)) + (", …" if m.is_cut else "")
    is_usual = all(_is_usual(word) for expression in shown for word in expression.names)
    return (
        f"${name}$" if _is_usual(m.name) else m.name.replace("$", r"\$"),
        "" if not shown else f"${params}$" if is_usual else plain.replace("$", r"\$"),
    )


def _is_usual(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_.,;:\[\]() -]+", name) is not None


def _expression(expression: Affine) -> str:
    """A parameter in TeX; one that is too long is cut as in the text drawing."""
    if expression.is_constant:
        return _number(f"{expression.constant:.3g}")
    if len(str(expression)) > LONGEST:
        return _upright(short(expression))
    return expression._written(lambda x: _number(f"{x:.6g}"), r"\,", _symbol)


def _number(digits: str) -> str:
    """Digits such as 3.5e-08 as 3.5 x 10^-8."""
    mantissa, _, exponent = digits.partition("e")
    return rf"{mantissa}{{\times}}10^{{{int(exponent)}}}" if exponent else mantissa


def _symbol(name: str) -> str:
    """A parameter's name in TeX: Greek where it is the name of a letter, digits and [i,j] as an index."""
    words, digits, index = re.fullmatch(r"(.*?)(\d*)((?:\[[^\]]*\])*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
    stem = r".\!".join(
        rf"\{word}" if GREEK.fullmatch(word) else word if re.fullmatch("[A-Za-z]", word) else _upright(word)
        for word in words.split(".")
    )
    lower = ";".join(part for part in (digits, index.strip("[]").replace("][", ";")) if part)
    return f"{{{stem}}}_{{{_escaped(lower)}}}" if lower else stem


def _upright(text: str) -> str:
    return rf"\mathrm{{{_escaped(text)}}}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace(" ", r"\ ").replace("…", r"\ldots ")
