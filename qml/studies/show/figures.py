"""Figures of a sweep from its table: loss above floor, how the gap scales, a map over two axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qml._checks import InputError, choice
from qml.plotting.history import COLORS
from qml.studies.record.table import Table, count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qml._typing import Real
    from qml.losses import MeasuredReport

KINDS = ("loss", "scaling", "heatmap", "measured")
PANELS = 6
"""Most settings of what else varies that are drawn beside each other."""
TICKS = 12


def numeric_axes(table: Table, names: Sequence[str]) -> list[str]:
    """What varies and is a number at every point: the axes that a figure can have."""
    found = []
    for name in names:
        values = set(table[name])
        if len(values) > 1 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            found.append(name)
    return found


def draw(table: Table, names: Sequence[str], kind: str, x: str | None = None, y: str | None = None) -> Figure:
    """A figure of a sweep.

    Parameters
    ----------
    table : Table
    names : sequence of str
        What varies.
    kind : {"loss", "scaling", "heatmap", "measured"}
        The loss and its floor against x; the gap against x, both logarithmic, where it is positive; the gap against x
        and y; of counts, what measuring costs and D(rho||sigma) against x.
    x, y : str, optional
        By default the first axes that are numbers. Where what else varies has up to :data:`PANELS` settings, each has
        a panel, and the band is over seeds; otherwise it is over all that varies. The line is the median, the band
        goes from the least to the greatest.

    Raises
    ------
    InputError
        If there is no such axis, or nothing to be drawn.
    """
    from matplotlib.figure import Figure

    choice("kind", kind, KINDS)
    if y is not None and kind != "heatmap":
        raise InputError(f"y is the other axis of a heatmap; found y = {y!r} for a {kind} figure.")
    if kind == "heatmap" and x is not None and x == y:
        raise InputError(f"a heatmap has two axes; found {x!r} twice.")
    done = _rows(table, [loss is not None and math.isfinite(loss) for loss in table["loss"]])
    if not count(done):
        raise InputError("no point with a finite loss is done: there is nothing to draw.")
    axes = numeric_axes(done, names)
    needed = 2 if kind == "heatmap" else 1
    chosen = [choice("an axis", given, axes) for given in (x, y)[:needed] if given is not None]
    chosen += [name for name in axes if name not in chosen][: needed - len(chosen)]
    if len(chosen) < needed:
        raise InputError(f"a {kind} figure needs {needed} axes of numbers that vary; this sweep has {len(axes)}.")
    fits = list(dict.fromkeys(done["fit"]))
    if kind == "scaling" and not any(gap > 0 for gap in done["gap"]):
        raise InputError("no gap is above zero: there is nothing to scale.")
    if kind == "heatmap":
        figure = Figure(figsize=(1.5 + 4.2 * len(fits), 3.8), layout="constrained")
        for ax, fit in zip(figure.subplots(1, len(fits), squeeze=False)[0], fits, strict=True):
            _heatmap(ax, _of(done, fit), chosen[0], chosen[1], fit)
        return figure
    if kind == "measured":
        return _measured(done, chosen[0])
    others = [name for name in names if name != chosen[0] and len(set(map(str, done[name]))) > 1]
    panels, varied = _panels(done, others), ["replicate"] if len(set(done["replicate"])) > 1 else []
    if len(panels) == 1:
        varied += others
    across = min(len(panels), 3)
    down = -(-len(panels) // across)
    size = (7.2, 4.4) if len(panels) == 1 else (1.0 + 3.6 * across, 0.6 + 3.6 * down)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat[len(panels) :]:
        ax.set_axis_off()
    for k, (ax, (title, part)) in enumerate(zip(grid.flat, panels, strict=False)):
        (_loss if kind == "loss" else _scaling)(ax, part, chosen[0], fits)
        lowest = k + across >= len(panels)
        ax.set_xlabel(chosen[0] if lowest else "")
        ax.tick_params(labelbottom=lowest)
        if k % across:
            ax.set_ylabel("")
        ax.set_title(title, fontsize="small")
        ax.grid(alpha=0.25)
        ax.legend(fontsize=8, frameon=False)
    if varied:
        figure.suptitle(f"median, least and greatest over {', '.join(varied)}", fontsize="small")
    return figure


def _panels(table: Table, others: Sequence[str]) -> list[tuple[str, Table]]:
    """The rows of each setting of what else varies; all in one where the settings are many."""
    settings = list(zip(*(table[name] for name in others), strict=True)) if others else [()] * count(table)
    distinct = list(dict.fromkeys(settings))
    if len(distinct) > PANELS:
        return [("", table)]
    return [
        (
            ", ".join(f"{name} = {_short(value)}" for name, value in zip(others, setting, strict=True)),
            _rows(table, [found == setting for found in settings]),
        )
        for setting in distinct
    ]


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def measured(reports: Mapping[str, MeasuredReport]) -> Figure:
    """What measuring cost in each fit: S(rho_hat, sigma) above the likelihood, what lies between them shaded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.8 + 1.6 * max(len(reports), 2), 3.8), layout="constrained")
    ax = figure.subplots()
    parts: tuple[tuple[str, str, str, Callable[[MeasuredReport], float | None]], ...] = (
        ("cross entropy of the empirical state", "v", COLORS[0], lambda r: r.cross_entropy),
        ("likelihood", "^", COLORS[1], lambda r: r.likelihood + r.log_traces),
        ("cross entropy of the measured state", "o", "0.35", lambda r: r.true_cross_entropy),
    )
    for label, marker, color, value in parts:
        at = [(k, v) for k, r in enumerate(reports.values()) if (v := value(r)) is not None and math.isfinite(v)]
        if at:
            ax.plot(*zip(*at, strict=True), marker, color=color, label=label, linestyle="none")
    for k, report in enumerate(reports.values()):
        if math.isfinite(report.cross_entropy):
            beside = [k - 0.12, k + 0.12]
            ax.fill_between(
                beside, report.likelihood + report.log_traces, report.cross_entropy, color=COLORS[0], alpha=0.12
            )
    ax.set_xticks(range(len(reports)), list(reports), fontsize="small")
    ax.set_xlim(-0.5, len(reports) - 0.5)
    ax.set_ylabel("nats a shot")
    ax.grid(axis="y", alpha=0.25)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    return figure


def classes(found: Mapping[str, Real], labels: Real, names: Sequence[str], about: str) -> Figure:
    """Of each fit, the mean probability of every class (columns) over the samples of each class (rows)."""
    from matplotlib.figure import Figure

    true, size = labels.argmax(axis=1), len(names)
    figure = Figure(figsize=(1.2 + 3.0 * len(found), 3.9), layout="constrained")
    for ax, (fit, p) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        rows = [p[true == c, :size].mean(axis=0) if (true == c).any() else np.full(size, np.nan) for c in range(size)]
        shown = np.array(rows)
        ax.imshow(shown, cmap="Blues", vmin=0.0, vmax=1.0)
        if size <= 10:
            for (i, j), value in np.ndenumerate(shown):
                color = "white" if value > 0.6 else "black"
                ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=color, fontsize=9 if size <= 5 else 6)
        ax.set_xticks(range(size), names, rotation=45, ha="right", fontsize=8)
        ax.set_yticks(range(size), names, fontsize=8)
        ax.set_title(f"{fit} ({about})", loc="left", fontsize="small")
        ax.set(xlabel="mean probability of", ylabel="class")
    return figure


def _measured(table: Table, x: str) -> Figure:
    """The cost of measuring, and how far the learnt state is from the measured one."""
    from matplotlib.figure import Figure

    wanted = (("measuring_cost", "cost of measuring (nats)"), ("relative_entropy", r"$D(\rho\Vert\sigma)$ (nats)"))
    there = [(name, head) for name, head in wanted if any(map(_finite, table[name]))]
    if not there:
        raise InputError("the target of this sweep is no record of counts: there is no cost of measuring to draw.")
    figure = Figure(figsize=(4.6 * len(there), 3.8), layout="constrained")
    for ax, (name, head) in zip(figure.subplots(1, len(there), squeeze=False)[0], there, strict=True):
        finite = _rows(table, [_finite(value) for value in table[name]])
        for fit in dict.fromkeys(finite["fit"]):
            _band(ax, _of(finite, fit), x, name, fit)
        _spaced(ax, finite[x])
        if min(finite[name]) > 0 and max(finite[name]) > 30 * min(finite[name]):
            ax.set_yscale("log")
        ax.set(xlabel=x, ylabel=head)
        ax.grid(alpha=0.25)
        ax.legend(fontsize=8, frameon=False)
    return figure


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _loss(ax: Axes, table: Table, x: str, fits: Sequence[str]) -> None:
    for fit in fits:
        _band(ax, _of(table, fit), x, "loss", fit)
    for floor in [_by(table, x, "floor")]:
        at = sorted(floor)
        ax.plot(at, [np.median(floor[v]) for v in at], "k--", linewidth=1, label="floor")
    _spaced(ax, table[x])
    ax.set_ylabel("loss")


def _scaling(ax: Axes, table: Table, x: str, fits: Sequence[str]) -> None:
    positive = _rows(table, [gap > 0 for gap in table["gap"]])
    for fit in fits:
        one = _of(positive, fit)
        if not count(one):
            continue
        _band(ax, one, x, "gap", fit + _slope(_by(one, x, "gap")))
    ax.set_yscale("log")
    if min(table[x]) > 0:
        ax.set_xscale("log")
    ax.set_ylabel("gap = loss - floor")


def _slope(groups: dict[float, list[float]]) -> str:
    """The exponent of the medians, by least squares on logarithmic axes."""
    at = sorted(v for v in groups if v > 0)
    if len(at) < 3:
        return ""
    slope = np.polyfit(np.log(at), np.log([np.median(groups[v]) for v in at]), 1)[0]
    return f" (slope {slope:.2f})"


def _heatmap(ax: Axes, table: Table, x: str, y: str, fit: str) -> None:
    from matplotlib.colors import LogNorm

    across, up = sorted(set(table[x])), sorted(set(table[y]))
    cells = np.full((len(up), len(across)), np.nan)
    groups: dict[tuple[int, int], list[float]] = {}
    for a, b, gap in zip(table[x], table[y], table["gap"], strict=True):
        groups.setdefault((up.index(b), across.index(a)), []).append(gap)
    for cell, gaps in groups.items():
        cells[cell] = max(float(np.median(gaps)), np.finfo(float).eps)
    image = ax.imshow(
        cells, origin="lower", aspect="auto", norm=LogNorm() if np.nanmin(cells) < np.nanmax(cells) else None
    )
    for values, axis, turned in ((across, ax.xaxis, 45), (up, ax.yaxis, 0)):
        at = range(0, len(values), -(-len(values) // TICKS))
        axis.set_ticks(list(at), [f"{values[i]:.3g}" for i in at], rotation=turned)
    ax.set(xlabel=x, ylabel=y, title=fit)
    ax.figure.colorbar(image, ax=ax, label="median gap")


def _band(ax: Axes, table: Table, x: str, quantity: str, label: str) -> None:
    groups = _by(table, x, quantity)
    at = sorted(groups)
    (line,) = ax.plot(at, [np.median(groups[v]) for v in at], ".-", label=label)
    ax.fill_between(at, [min(groups[v]) for v in at], [max(groups[v]) for v in at], alpha=0.2, color=line.get_color())


def _spaced(ax: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis where numbers range over more than a decade and a half."""
    if min(values) > 0 and max(values) / min(values) > 30:
        ax.set_xscale("log")


def _by(table: Table, x: str, quantity: str) -> dict[float, list[float]]:
    groups: dict[float, list[float]] = {}
    for at, value in zip(table[x], table[quantity], strict=True):
        groups.setdefault(at, []).append(value)
    return groups


def _of(table: Table, fit: str) -> Table:
    return _rows(table, [name == fit for name in table["fit"]])


def _rows(table: Table, keep: Sequence[bool]) -> Table:
    return {name: [v for v, kept in zip(column, keep, strict=True) if kept] for name, column in table.items()}
