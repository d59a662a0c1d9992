"""A run as one HTML page that needs nothing else: status, figures, table, study, environment."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from typing import Any

from qml._checks import InputError, plural
from qml.plotting import sweeps
from qml.plotting.files import save
from qml.principle.pages import STYLE
from qml.studies.record.folder import Run
from qml.studies.record.table import Table, biased_last, count, filled, load_errors, load_table, rows_of, summary
from qml.studies.show.drawing import failure
from qml.studies.show.output import meanings
from qml.studies.spec.config import to_yaml

WIDE = """
.wide { overflow: auto; max-height: 48rem; width: calc(100vw - 4rem); margin-left: calc(50% - 50vw + 2rem);
        border-bottom: 1px solid #d0d7de; }
.wide table { font-size: .78rem; margin: 0 auto; } .wide td, .wide th { padding: .15rem .8rem 0 0; }
.wide th { position: sticky; top: 0; background: #fff; vertical-align: bottom; }
td.words { color: #59636e; padding-bottom: .35rem; } td.number { white-space: nowrap; }
.beside td { text-align: left; vertical-align: top; }
pre { overflow-x: auto; background: #f6f8fa; padding: .7rem; font-size: .85rem; }
"""
ROWS = 1000
"""Most rows that a page shows; the files of the run have all."""
ACROSS = 6
"""Most fits of a run without a sweep that stand beside each other, with their quantities below."""
FULL = ("loss", "measuring_cost", "relative_entropy")
"""The heads of a table that has every column."""
CAPTIONS = {
    "history": "Left: the loss of each fit by iteration, and its floor (dotted). Right: what is left above the floor, "
    "which for the cross entropy is the relative entropy D(ρ‖σ).",
    "measured": "The cross entropy of the empirical state is never below the negative log-likelihood of the same "
    "counts: the shaded difference is what measuring costs. Cross entropies that are infinite are not drawn.",
    "labels": "The mean probability that each fit gives to every class (columns), over the samples of each class "
    "(rows).",
    "states": "The entries of the target and of the learnt states: strength is the absolute value, color the phase.",
    "loss": "The loss of each fit and its floor (dashed). Lines are medians, bands go from the least to the greatest.",
    "scaling": "What each fit leaves above its floor, on logarithmic axes; gaps that are zero or negative by rounding "
    "are left out. A slope is told where the medians lie on a line.",
    "heatmap": "The median gap of each fit, with one scale of colors.",
}


def page(run: Run) -> str:
    """The page of a run as it stands."""
    table, errors = biased_last(load_table(run)), load_errors(run)
    title = html.escape(run.study.title or run.folder.name)
    values = [value if isinstance(value, str) else json.dumps(value) for value in run.environment.values()]
    environment: Table = {"of": list(run.environment), "found": values}
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}{WIDE}</style>",
        f"<h1>{title}</h1><p><b>{html.escape(conclusion(table))}</b></p><p>{html.escape(_status(run, table))}</p>",
        f"<h2>Summary</h2>{html_table(summary(table))}" if run.study.sweep is not None else "",
        *_images(run, table),
        f"<h2>Error bars</h2>{html_table(errors)}" if errors else "",
        f"<h2>Table</h2>{_all(table)}",
        *(f"<p>{html.escape(line)}</p>" for line in (meanings(run.info, run.rows, FULL) if run.rows else ())),
        f"<h2>Study</h2><pre>{html.escape(to_yaml(run.study))}</pre>",
        f"<h2>Environment</h2>{html_table(environment)}",
        "</html>\n",
    ]
    return "\n".join(parts)


def conclusion(table: Table) -> str:
    """Which fit comes nearest to its floor, and how near the others come; in the median over the points of a sweep.

    Gaps of different losses are not compared, and where no floor is known the losses are.

    Examples
    --------
    >>> table = {
    ...     "fit": ["a", "b"],
    ...     "loss_name": ["cross_entropy"] * 2,
    ...     "loss": [0.9, 0.7],
    ...     "gap": [0.2, 1e-15],
    ...     "fidelity": [0.9, 1.0],
    ...     "iterations": [3, 9],
    ...     "likelihood": [None] * 2,
    ... }
    >>> print(conclusion(table))
    b reaches its floor, up to rounding; a ends 0.2 nats above it.
    """
    if not count(table):
        return "No fit is done yet."
    fits = rows_of(summary({"error": [""] * count(table), **table}))
    gaps = {fit["fit"]: fit["median gap"] for fit in fits if fit["median gap"] is not None}
    failed = sum(map(bool, table.get("error", [])))
    tail = f" {plural(failed, 'fit')} failed." if failed else ""
    losses = set(table["loss_name"]) - {None, ""}
    if not gaps:
        return f"No fit ended with a finite gap.{tail}"
    points = max(fit["points"] for fit in fits)
    over = "" if points == 1 else f" in the median of {points} points"
    rows = rows_of(table)
    noise, nats = sweeps.noise_of(rows), " nats" if sweeps.unit(rows) else ""
    order = sorted(gaps, key=gaps.__getitem__) if len(losses) == 1 else list(gaps)
    parts = []
    for k, fit in enumerate(order):
        it = "its floor" if k == 0 or len(losses) > 1 else "it"
        gap = gaps[fit]
        at = f"reaches {it}, up to rounding" if gap <= noise else f"ends {gap:.3g}{nats} above {it}"
        parts.append(f"{fit} {at}{over if k == 0 else ''}")
    if len(losses) > 1:
        return f"{'; '.join(parts)}. The losses differ, so these gaps are not to be compared.{tail}"
    return f"{'; '.join(parts)}.{tail}"


def _status(run: Run, table: Table) -> str:
    failed = sum(bool(error) for error in table.get("error", []))
    done = plural(count(table) - sum(row.interrupted for row in run.rows), "fit")
    done += f" done, {failed} failed" if failed else " done"
    return f"{run.info['status']}, {done}; seed {run.study.seed}, started {run.info['started']}."


def _images(run: Run, table: Table) -> list[str]:
    if run.study.sweep is None:
        drawn = ("history.png", "measured.png", "labels.png", "states.png")
        names = [name for name in drawn if (run.folder / name).is_file()]
        return [_image((run.folder / name).read_bytes(), name.removesuffix(".png")) for name in names]
    found = []
    for kind in sweeps.KINDS:
        try:
            buffer = io.BytesIO()
            save(sweeps.draw(table, run.study.sweep.names(), kind), buffer, dpi=120)
            found.append(_image(buffer.getvalue(), kind))
        except InputError:  # a sweep over words has no such figure
            continue
        except Exception as error:
            found.append(f"<p>The figure {kind} was not drawn: {html.escape(failure(error))}</p>")
    return found


def _image(content: bytes, about: str) -> str:
    data = base64.b64encode(content).decode()
    caption = f"<figcaption>{html.escape(CAPTIONS[about])}</figcaption>"
    return f"<figure><img alt='{html.escape(about, quote=True)}' src='data:image/png;base64,{data}'>{caption}</figure>"


def _all(table: Table) -> str:
    """Every column: few fits beside each other, or a row each, without what is the same in all of them."""
    table = filled(table)
    if "point" not in table and 0 < count(table) <= ACROSS:
        names = [name for name in table if name != "fit"]
        beside = dict(zip(table["fit"], zip(*(table[name] for name in names), strict=True), strict=True))
        across = html_table({"": names, **{fit: list(cells) for fit, cells in beside.items()}})
        return f"<div class=beside>{across}</div>"
    same = {name: cells[0] for name, cells in table.items() if len(cells) > 1 and len(set(map(str, cells))) == 1}
    words = ", ".join(
        f"{name} {cell:.5g}" if isinstance(cell, float) else f"{name} {cell}" for name, cell in same.items()
    )
    note = f"<p>The same in every row: {html.escape(words)}.</p>" if same else ""
    varied = {name: cells for name, cells in table.items() if name not in same}
    below = [(name, varied.pop(name)) for name in ("seed", "status", "error") if name in varied]
    said = [" ".join(_said(name, cells[k]) for name, cells in below) for k in range(count(table))]
    return f"{note}<div class=wide>{html_table(varied, said)}</div>"


def _said(name: str, cell: Any) -> str:
    return f"Seed {cell};" if name == "seed" else str(cell or "")


def html_table(table: Table, below: Sequence[str] = (), caption: str = "") -> str:
    """The first rows of a table, without the columns that are empty, each with the words that stand below it."""
    table, above = filled(table), f"<caption>{html.escape(caption)}</caption>" if caption else ""
    head = "".join(f"<th>{html.escape(name).replace('_', '_<wbr>').replace('.', '.<wbr>')}" for name in table)
    rows = []
    for k, cells in enumerate(list(zip(*table.values(), strict=True))[:ROWS]):
        rows.append("<tr>" + "".join(_cell(cell) for cell in cells) + "</tr>")
        if below and below[k]:
            rows.append(f"<tr><td class=words colspan={len(cells)}>{html.escape(below[k])}</td></tr>")
    more = count(table) - ROWS
    tail = f"<p>and {more} more rows.</p>" if more > 0 else ""
    return f"<table>{above}<tr>{head}</tr>{''.join(rows)}</table>{tail}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"<td class=number>{value:.5g}</td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td class=number>{value}</td>"
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"
