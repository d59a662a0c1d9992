"""A run as one HTML page that needs nothing else: status, figures, table, study, environment."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qml._checks import InputError, plural
from qml.principle.pages import STYLE
from qml.studies.record.folder import Run
from qml.studies.record.table import Table, biased_last, count, filled, load_table, summary
from qml.studies.show import figures
from qml.studies.show.drawing import failure, save
from qml.studies.spec.config import to_yaml

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = """
.wide { overflow: auto; max-height: 36rem; border: 1px solid #d0d7de; padding: 0 .7rem; }
.wide td, .wide th { white-space: nowrap; padding-right: 1.2rem; }
.wide th { position: sticky; top: 0; background: #fff; }
pre { overflow-x: auto; background: #f6f8fa; padding: .7rem; font-size: .85rem; }
"""
ROWS = 1000
"""Most rows that a page shows; the files of the run have all."""


def page(run: Run) -> str:
    """The page of a run as it stands."""
    table = biased_last(load_table(run))
    title = html.escape(run.study.title or run.folder.name)
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}{WIDE}</style>",
        f"<h1>{title}</h1><p>{html.escape(_status(run, table))}</p>",
        f"<h2>Summary</h2>{html_table(summary(table))}" if run.study.sweep is not None else "",
        *_images(run, table),
        f"<h2>Table</h2><div class=wide>{html_table(table)}</div>",
        f"<h2>Study</h2><pre>{html.escape(to_yaml(run.study))}</pre>",
        f"<h2>Environment</h2>{_mapping(run.environment)}",
        "</html>\n",
    ]
    return "\n".join(parts)


def _status(run: Run, table: Table) -> str:
    failed = sum(bool(error) for error in table.get("error", []))
    done = f"{plural(count(table), 'fit')} done" + (f", {failed} failed" if failed else "")
    return f"{run.info['status']}, {done}; seed {run.study.seed}, started {run.info['started']}."


def _images(run: Run, table: Table) -> list[str]:
    if run.study.sweep is None:
        drawn = ("history.png", "measured.png", "labels.png", "states.png")
        names = [name for name in drawn if (run.folder / name).is_file()]
        return [_image((run.folder / name).read_bytes(), name.removesuffix(".png")) for name in names]
    found = []
    for kind in figures.KINDS:
        try:
            found.append(_image(png(figures.draw(table, run.study.sweep.names(), kind)), kind))
        except InputError:  # a sweep over words has no such figure
            continue
        except Exception as error:
            found.append(f"<p>The figure {kind} was not drawn: {html.escape(failure(error))}</p>")
    return found


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    save(figure, buffer, dpi=120)
    return buffer.getvalue()


def _image(content: bytes, about: str) -> str:
    data = base64.b64encode(content).decode()
    return f"<p><img alt='{html.escape(about, quote=True)}' src='data:image/png;base64,{data}'></p>"


def html_table(table: Table) -> str:
    """The first rows of a table, without the columns that are empty."""
    table = filled(table)
    head = "".join(f"<th>{html.escape(name)}" for name in table)
    rows = []
    for cells in list(zip(*table.values(), strict=True))[:ROWS]:
        rows.append("<tr>" + "".join(_cell(cell) for cell in cells) + "</tr>")
    more = count(table) - ROWS
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>" + (f"<p>and {more} more rows.</p>" if more > 0 else "")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"<td class=number>{value:.5g}</td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td class=number>{value}</td>"
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"


def _mapping(values: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        f"<td>{html.escape(value if isinstance(value, str) else json.dumps(value))}</td></tr>"
        for name, value in values.items()
    )
    return f"<table>{rows}</table>"
