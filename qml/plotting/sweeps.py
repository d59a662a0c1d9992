"""Figures of many fits, from a table of them: loss above floor, how the gap scales, a map over two axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from qml._checks import InputError, choice, plural, short
from qml.losses import EVERY_LOSS
from qml.plotting.style import COLORS, DASHES, GREY, MARKERS, label_ends, plain, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qml._typing import Real

KINDS = ("loss", "scaling", "heatmap", "measured")
PANELS = 6
"""Most settings of what else varies that are drawn beside each other."""
TICKS = 12
NOISE = 1e-10
"""Gaps below, of a loss of order one, are rounding and what fits leave over: nothing is read off them."""
Rows: TypeAlias = "Sequence[Mapping[str, Any]]"
"""Of a table."""


def _numeric_axes(rows: Rows, names: Sequence[str]) -> list[str]:
    """What varies and is a number at every point: the axes that a figure can have."""
    found = []
    for name in names:
        values = {row[name] for row in rows}
        if len(values) > 1 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            found.append(name)
    return found


def draw(
    table: Mapping[str, Sequence[Any]], names: Sequence[str], kind: str, x: str | None = None, y: str | None = None
) -> Figure:
    """A figure of a sweep.

    Parameters
    ----------
    table : mapping
        A column for each quantity, a row for each fit of each point.
    names : sequence of str
        What varies.
    kind : {"loss", "scaling", "heatmap", "measured"}
        The loss and its floor against x; the gap against x, both logarithmic, where it is positive, with the slope of
        gaps that are above rounding and lie on a line; the gap against x and y; of counts, what measuring costs and
        D(rho||sigma) against x.
    x, y : str, optional
        By default the first axes that are numbers. Where what else varies has up to :data:`PANELS` settings, each has
        a panel, and the band is over seeds; otherwise it is over all that varies. The line is the median, the band
        goes from the least to the greatest.

    Raises
    ------
    InputError
        If there is no such axis, or nothing to be drawn.
    """
    choice("kind", kind, KINDS)
    if y is not None and kind != "heatmap":
        raise InputError(f"y is the other axis of a heatmap; found y = {y!r} for a {kind} figure.")
    if kind == "heatmap" and x is not None and x == y:
        raise InputError(f"a heatmap has two axes; found {x!r} twice.")
    rows = (dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True))
    done = [row for row in rows if _finite(row["loss"])]
    if not done:
        raise InputError("no point with a finite loss is done: there is nothing to draw.")
    axes = _numeric_axes(done, names)
    given = (x, y) if kind == "heatmap" else (x,)
    rest = (name for name in axes if name not in given)
    chosen = [next(rest, "") if name is None else choice("an axis", name, axes) for name in given]
    if not all(chosen):
        wanted = plural(len(given), "axis", "axes")
        raise InputError(f"a {kind} figure needs {wanted} of numbers that vary; this sweep has {len(axes)}.")
    fits = list(dict.fromkeys(row["fit"] for row in done))
    if kind == "scaling" and not any(row["gap"] > 0 for row in done):
        raise InputError("no gap is above zero: there is nothing to scale.")
    if kind == "heatmap":
        return _heatmaps(done, chosen[0], chosen[1], fits)
    x, others = chosen[0], [n for n in names if n != chosen[0] and len({str(row[n]) for row in done}) > 1]
    panels = [("", done)] if kind == "measured" else _panels(done, others)
    figure = _measured(done, x) if kind == "measured" else _beside(kind, done, x, fits, panels)
    varied = ["replicates"] if len({row["replicate"] for row in done}) > 1 else []
    if len(panels) == 1:
        varied += others
    if varied:
        figure.suptitle(f"median, least and greatest over {', '.join(varied)}", fontsize="small")
    return figure


def _beside(kind: str, rows: Rows, x: str, fits: Sequence[str], panels: Sequence[tuple[str, Rows]]) -> Figure:
    """The loss or the gap against x, in a panel for each setting of what else varies."""
    from matplotlib.figure import Figure

    across = min(len(panels), 3)
    down = -(-len(panels) // across)
    size = (7.2, 4.4) if len(panels) == 1 else (1.0 + 3.6 * across, 0.6 + 3.6 * down)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat[len(panels) :]:
        ax.set_axis_off()
    for k, (ax, (title, part)) in enumerate(zip(grid.flat, panels, strict=False)):
        (_loss if kind == "loss" else _scaling)(ax, part, x, fits)
        _ticks(ax, rows, x)
        lowest = k + across >= len(panels)
        ax.set_xlabel(x if lowest else "")
        ax.tick_params(labelbottom=lowest)
        if k % across:
            ax.set_ylabel("")
        ax.set_title(title, loc="left", fontsize="small")
        plain(ax)
    shown = [{row["fit"] for row in part} for _, part in panels]
    for k, ax in enumerate(grid.flat[: len(panels)]):  # now that all have the same limits
        end = min(k - k % across + across, len(panels)) - 1
        if k == end or kind == "scaling" or not shown[k] <= shown[end]:
            label_ends(ax)
        if kind == "scaling" and ax.get_ylim()[0] < noise_of(rows):
            _rounding(ax, noise_of(rows))
    return figure


def _panels(rows: Rows, others: Sequence[str]) -> list[tuple[str, Rows]]:
    """The rows of each setting of what else varies; all in one where the settings are many."""
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[name]) for name in others), []).append(row)
    if len(found) > PANELS:
        return [("", rows)]
    return [(", ".join(f"{name} = {_short(part[0][name])}" for name in others), part) for part in found.values()]


def _short(value: object) -> str:
    return short(f"{value:.4g}" if isinstance(value, float) else str(value), 40)


def _measured(rows: Rows, x: str) -> Figure:
    """The cost of measuring, and how far the learnt state is from the measured one."""
    from matplotlib.figure import Figure

    wanted = (("measuring_cost", "cost of measuring (nats)"), ("relative_entropy", r"$D(\rho\Vert\sigma)$ (nats)"))
    there = [(name, head) for name, head in wanted if any(_finite(row[name]) for row in rows)]
    if not there:
        raise InputError("the target of this sweep is no record of counts: there is no cost of measuring to draw.")
    figure = Figure(figsize=(4.6 * len(there), 3.8), layout="constrained")
    for ax, (name, head) in zip(figure.subplots(1, len(there), squeeze=False)[0], there, strict=True):
        finite = [row for row in rows if _finite(row[name])]
        for k, fit in enumerate(dict.fromkeys(row["fit"] for row in finite)):
            _band(ax, _of(finite, fit), x, name, fit, k)
        _spaced(ax, finite, x)
        _ticks(ax, finite, x)
        values = [row[name] for row in finite]
        if min(values) > 0 and max(values) > 30 * min(values):
            ax.set_yscale("log")
        ax.set(xlabel=x, ylabel=head)
        plain(ax)
        label_ends(ax)
    return figure


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _loss(ax: Axes, rows: Rows, x: str, fits: Sequence[str]) -> None:
    for k, fit in enumerate(fits):
        _band(ax, _of(rows, fit), x, "loss", fit, k)
    names = list(dict.fromkeys(row["loss_name"] for row in rows))
    for name in names:  # fits of other losses have other floors
        floor = _by([row for row in rows if row["loss_name"] == name], x, "floor")
        at, label = sorted(floor), "floor" if len(names) == 1 else f"floor of {name}"
        ax.plot(at, [np.median(floor[v]) for v in at], "--", color=GREY, linewidth=1, label=label)
    _spaced(ax, rows, x)
    ax.set_ylabel(f"loss{unit(rows)}")


def _scaling(ax: Axes, rows: Rows, x: str, fits: Sequence[str]) -> None:
    positive = [row for row in rows if row["gap"] > 0]
    noise = noise_of(rows)
    for k, fit in enumerate(fits):
        one = _of(positive, fit)
        if one:
            _band(ax, one, x, "gap", fit + _slope(_by(one, x, "gap"), noise), k)
    ax.set_yscale("log")
    if min(row[x] for row in rows) > 0:
        ax.set_xscale("log")
    ax.set_ylabel(f"gap = loss \N{MINUS SIGN} floor{unit(rows)}")


def _rounding(ax: Axes, noise: float) -> None:
    """Grey, where a gap is rounding."""
    from matplotlib.patches import Rectangle

    down = np.finfo(float).tiny  # as an artist, which does not move the limits
    across = ax.get_yaxis_transform()
    ax.add_artist(Rectangle((0, down), 1, noise, transform=across, color="0.93", zorder=0, linewidth=0))
    ax.text(0.02, noise, "rounding", transform=across, va="top", fontsize="small", color=GREY)


def unit(rows: Rows) -> str:
    """ " (nats)" where every loss is an entropy: one whose gap is a relative entropy."""
    names = {row["loss_name"] for row in rows}
    return " (nats)" if all(name in EVERY_LOSS and EVERY_LOSS[name].gap_is for name in names) else ""


def noise_of(rows: Rows) -> float:
    """The gap up to which a fit is at its floor as far as floats can tell."""
    return NOISE * float(max([1.0, *(abs(row["loss"]) for row in rows if _finite(row["loss"]))]))


def _slope(groups: dict[float, list[float]], noise: float) -> str:
    """The exponent of the medians on logarithmic axes, by least squares, where they are above `noise` and on a line."""
    medians = {v: float(np.median(gaps)) for v, gaps in sorted(groups.items()) if v > 0}
    at = [v for v, gap in medians.items() if gap > noise]
    if len(at) < 3 or len(at) < len(groups):
        return ""
    x, y = np.log(at), np.log([medians[v] for v in at])
    line = np.polyfit(x, y, 1)
    if np.abs(np.polyval(line, x) - y).max() > max(0.05 * np.ptp(y), 0.02):
        return ""
    return f", slope {line[0]:.2f}"


def _heatmaps(rows: Rows, x: str, y: str, fits: Sequence[str]) -> Figure:
    """The median gap over two axes, one map a fit with one scale of colors; what is rounding is grey."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    noise = noise_of(rows)
    maps = [_cells(_of(rows, fit), x, y) for fit in fits]
    shown = np.concatenate([cells.ravel() for *_, cells in maps])
    if np.isnan(shown).all():
        raise InputError("no gap is known: there is nothing to map.")
    seen = shown[shown > noise]  # nan is not
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (noise, 10 * noise)
    norm, is_noisy = LogNorm(low, high if high > low else 10 * low), bool((shown <= noise).any())
    shades = colormaps["viridis"].with_extremes(under="0.85")
    figure = Figure(figsize=(1.8 + 3.6 * len(fits), 3.8), layout="constrained")
    grid = figure.subplots(1, len(fits), squeeze=False)[0]
    for ax, fit, (across, up, cells) in zip(grid, fits, maps, strict=True):
        cells = np.where(cells <= noise, noise / 2, cells)  # zero and negative have no logarithm
        image = ax.imshow(cells, origin="lower", aspect="auto", norm=norm, cmap=shades)
        for values, axis, turned in ((across, ax.xaxis, 45), (up, ax.yaxis, 0)):
            at = range(0, len(values), -(-len(values) // TICKS))
            axis.set_ticks(list(at), [f"{values[i]:.3g}" for i in at], rotation=turned)
        ax.tick_params(length=0)
        ax.set_xlabel(x)
        ax.set_ylabel(y if ax is grid[0] else "")
        ax.set_title(fit, loc="left", fontsize="medium")
    bar = figure.colorbar(image, ax=grid.tolist(), extend="min" if is_noisy else "neither")
    bar.set_label(f"median gap{unit(rows)}" + ("; grey: rounding" if is_noisy else ""))
    return figure


def _cells(rows: Rows, x: str, y: str) -> tuple[list[float], list[float], Real]:
    """The values of the axes, and the median gap at each pair of them; nan where there is none."""
    across, up = (sorted({row[name] for row in rows}) for name in (x, y))
    cells = np.full((len(up), len(across)), np.nan)
    for i, value in enumerate(up):
        for at, gaps in _by([row for row in rows if row[y] == value], x, "gap").items():
            cells[i, across.index(at)] = float(np.median(gaps))
    return across, up, cells


def _band(ax: Axes, rows: Rows, x: str, quantity: str, label: str, k: int) -> None:
    groups = _by(rows, x, quantity)
    at, color, marker = sorted(groups), COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]
    medians = [np.median(groups[v]) for v in at]
    style = DASHES[k // len(COLORS) % len(DASHES)]
    ax.plot(at, medians, marker=marker, markersize=4, linestyle=style, color=color, label=label)
    ax.fill_between(at, [min(groups[v]) for v in at], [max(groups[v]) for v in at], alpha=0.2, color=color, linewidth=0)


def _spaced(ax: Axes, rows: Rows, x: str) -> None:
    """A logarithmic axis where numbers range over decades, or are spaced like that over one at least."""
    at = np.unique([row[x] for row in rows])
    if at[0] <= 0 or at[-1] < 10 * at[0]:
        return
    even, even_in_log = (np.std(np.diff(v)) / np.mean(np.diff(v)) for v in (at, np.log(at)))
    if at[-1] > 30 * at[0] or even_in_log < even:
        ax.set_xscale("log")


def _ticks(ax: Axes, rows: Rows, x: str) -> None:
    """Of whole numbers none between them; on a logarithmic axis of less than a decade, at some of the numbers."""
    at = np.unique([row[x] for row in rows])
    if (at == np.round(at)).all():
        whole_numbers(ax)
    if ax.get_xscale() == "log" and at[-1] < 10 * at[0]:
        some = at[:: -(-len(at) // 8)]
        ax.set_xticks(some, [f"{v:.3g}" for v in some])
        ax.set_xticks([], minor=True)


def _by(rows: Rows, x: str, quantity: str) -> dict[float, list[float]]:
    groups: dict[float, list[float]] = {}
    for row in rows:
        groups.setdefault(row[x], []).append(row[quantity])
    return groups


def _of(rows: Rows, fit: str) -> Rows:
    return [row for row in rows if row["fit"] == fit]
