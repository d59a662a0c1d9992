"""The tables and the figure of a record."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from results import COLD, OURS, Cell, Spread, cells_of, ratio
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from worker import FLOOR

from qml.plotting.style import COLORS

UNITS = ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs"))


def seconds(value: float | None) -> str:
    """Three digits and a unit."""
    if value is None:
        return "-"
    factor, unit = next((factor, unit) for least, factor, unit in UNITS if value >= least)
    return f"{value * factor:.3g} {unit}"


def times(spread: Spread | None) -> str:
    """A ratio with its lowest and highest."""
    return "-" if spread is None else f"{spread.median:.3g}x ({spread.low:.3g}-{spread.high:.3g})"


def parts(cell: Cell) -> str:
    """The median time of each part, in the order in which they come."""
    names = dict.fromkeys(name for call in cell.parts_s for name in call)
    return ", ".join(f"{name} {seconds(median(call.get(name, 0.0) for call in cell.parts_s))}" for name in names)


def print_tables(recorded: dict[str, Any], console: Console) -> None:
    """One table a size, then the ratios."""
    cells = cells_of(recorded)
    for variant, size in dict.fromkeys((c.variant, c.size) for c in cells):
        here = [c for c in cells if (c.variant, c.size) == (variant, size)]
        console.print(_table(f"{recorded['workload']} {variant}, n = {size}", here))
        for cell in here:
            if cell.parts_s:
                console.print(f"{cell.implementation}, median time by part: {parts(cell)}")
    console.print(_summary(recorded))
    console.print(
        f"{recorded['workload']}: {recorded['title']}. {recorded['machine']['cpu']}, "
        f"{_threads(recorded['settings'])}, {recorded['date']}.",
        style="dim",
    )


def _threads(settings: dict[str, Any]) -> str:
    threads = f"{settings['threads']} threads" if settings["threads"] else "default threads"
    beside = settings.get("beside", 0)
    return f"{threads}, beside {beside} busy process{'es' * (beside > 1)}" if beside else threads


def _table(title: str, cells: Sequence[Cell]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("implementation")
    for name in ("median", "lowest-highest", "time / qml", "first call", "memory", "process", "difference"):
        table.add_column(name, justify="right")
    ours = next((c for c in cells if c.implementation == OURS), None)
    for cell in sorted(cells, key=_order):
        spread = cell.spread
        name = f"[bold]{cell.implementation}[/bold]" if cell.implementation == OURS else cell.implementation
        if spread is None or cell.implementation == COLD:
            status = "first call only" if spread else escape(cell.status)
            table.add_row(name, status, "", "", seconds(cell.first_s), _mib(cell.memory_mib), _mib(cell.peak_mib), "")
            continue
        first = "" if cell.implementation == FLOOR else seconds(cell.first_s)
        table.add_row(
            name,
            seconds(spread.median) + ("" if cell.turns_s else " (first call)"),
            f"{seconds(spread.low)} - {seconds(spread.high)}",
            times(ratio(cell, ours)) if ours and ours is not cell else "",
            first,
            _mib(cell.memory_mib),
            _mib(cell.peak_mib),
            _difference(cell),
        )
    return table


def _order(cell: Cell) -> tuple[bool, float]:
    """The floor last, then by time."""
    return cell.implementation == FLOOR, cell.spread.median if cell.spread else float("inf")


def _mib(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} MiB"


def _difference(cell: Cell) -> str:
    if cell.difference is None:
        return ""
    return f"{cell.difference:.0e}" if cell.agrees else f"[bold red]DISAGREES {cell.difference:.0e}[/bold red]"


def _summary(recorded: dict[str, Any]) -> Table:
    table = Table(title=f"{recorded['workload']}: the fastest peer that agrees, over qml", title_justify="left")
    for name in ("variant", "n", "qml", "fastest peer", "its time", "peer / qml", "floor", "qml / floor"):
        table.add_column(name, justify="left" if name in ("variant", "fastest peer") else "right")
    for entry in recorded["ratios"]:

        def spread(key: str, entry: dict[str, Any] = entry) -> Spread | None:
            return Spread(**entry[key]) if key in entry else None

        def median(key: str, entry: dict[str, Any] = entry) -> str:
            return seconds(entry[key]["median"]) if key in entry else "-"

        table.add_row(
            entry["variant"],
            str(entry["size"]),
            median("qml_s"),
            entry.get("fastest_peer", "-"),
            median("fastest_peer_s"),
            times(spread("fastest_peer_over_qml")),
            median("floor_s"),
            times(spread("qml_over_floor")),
        )
    return table


def draw(recorded: dict[str, Any], path: Path) -> None:
    """Time against n on a logarithmic axis: a panel a variant, a line an implementation, the floor dashed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cells = [c for c in cells_of(recorded) if c.spread and c.implementation != COLD]
    variants = list(dict.fromkeys(c.variant for c in cells))
    names = list(dict.fromkeys(c.implementation for c in cells if c.implementation not in (OURS, FLOOR)))
    colors = dict(zip(names, itertools.cycle(COLORS), strict=False))
    figure, axes = plt.subplots(
        1,
        len(variants),
        figsize=(1.6 + 4.4 * len(variants), 4.0),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    handles: dict[str, Any] = {}
    for axis, variant in zip(axes[0], variants, strict=True):
        for name in [*names, FLOOR, OURS]:
            line = sorted((c for c in cells if (c.variant, c.implementation) == (variant, name)), key=lambda c: c.size)
            if line:
                handles[name] = _line(axis, name, line, colors)
        sizes = sorted({c.size for c in cells})
        axis.set(yscale="log", xlabel="qubits n", xticks=sizes)
        axis.set_title("" if variant == "default" else variant, fontsize=10, loc="left")
        axis.grid(axis="y", color="0.9", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel(recorded["quantity"])
    slowest_first = sorted(handles, key=lambda name: -max(c.spread.median for c in cells if c.implementation == name))
    figure.legend([handles[n] for n in slowest_first], slowest_first, loc="outside right center", frameon=False)
    figure.suptitle(f"{recorded['workload']}: {recorded['title']}", fontsize=11, x=0.01, ha="left")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _line(axis: Any, name: str, cells: Sequence[Cell], colors: dict[str, Any]) -> Any:
    sizes = [c.size for c in cells]
    spreads = [c.spread for c in cells]
    medians = [s.median for s in spreads]
    if name == FLOOR:
        return axis.plot(sizes, medians, linestyle="--", color="0.45", linewidth=1.3)[0]
    errors = [[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]]
    style = {"color": "black", "linewidth": 2.4} if name == OURS else {"color": colors.get(name), "linewidth": 1.3}
    return axis.errorbar(sizes, medians, yerr=errors, marker="o", markersize=4, capsize=2, **style)[0]
