"""The statements as one self-contained HTML page: claim, what was computed, largest violation, verdict, figure."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qml.fitting.provenance import provenance
from qml.principle.statement import Panel, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem; }
table { border-collapse: collapse; font-size: .9rem; } td, th { padding: .25rem .7rem .25rem 0; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } th { border-bottom: 1px solid #999; }
.holds { color: #116329; font-weight: 600; } .violated { color: #b3261e; font-weight: 600; }
img { max-width: 100%; } .source { color: #59636e; font-size: .9rem; }
"""


def draw(panel: Panel) -> Figure:
    """The figure of a panel."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    ax = figure.subplots()
    for series in panel.series:
        if series.line:
            ax.plot(series.x, series.y, label=series.label, linewidth=1.4)
        else:
            ax.plot(series.x, series.y, ".", markersize=3.5, alpha=0.7, label=series.label)
    ax.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
    if panel.log_y:
        ax.set_yscale("log")
    ax.legend(fontsize=8, frameon=False)
    ax.grid(alpha=0.25)
    return figure


def table(verdicts: Sequence[Verdict]) -> str:
    """The statements with their verdicts, as a Markdown table."""
    rows = ["| # | statement | samples | largest violation | tolerance | verdict |", "|---|---|---|---|---|---|"]
    for v in verdicts:
        e = v.evidence
        rows.append(
            f"| {v.statement.number} | {v.statement.title} | {e.samples} | {e.violation:.1e} | {e.tolerance:.0e} | "
            f"{_word(v)} |"
        )
    return "\n".join(rows) + "\n"


def page(verdicts: Sequence[Verdict], *, pairs: int, seed: int) -> str:
    """The report as HTML, figures included."""
    made = provenance()
    kept = sum(v.holds for v in verdicts)
    head = (
        f"<p>{kept} of {len(verdicts)} statements hold. About {pairs:,} random instances each, seed {seed}; "
        + ", ".join(f"{html.escape(name)} {html.escape(str(value))}" for name, value in made.items() if value)
        + ".</p>"
    )
    rows = "".join(
        f"<tr><td class=number><a href='#s{v.statement.number}'>{v.statement.number}</a></td>"
        f"<td>{html.escape(v.statement.title)}</td><td class=number>{v.evidence.samples:,}</td>"
        f"<td class=number>{v.evidence.violation:.1e}</td><td class=number>{v.evidence.tolerance:.0e}</td>"
        f"<td class={_word(v)}>{_word(v)}</td></tr>"
        for v in verdicts
    )
    names = "<tr><th>#<th>statement<th>samples<th>largest violation<th>tolerance<th>verdict</tr>"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>The principle, statement by statement</title>"
        f"<style>{STYLE}</style><h1>The quantum maximum likelihood principle, statement by statement</h1>"
        f"{head}<table>{names}{rows}</table>{''.join(_section(v) for v in verdicts)}</html>\n"
    )


def write_report(verdicts: Sequence[Verdict], path: str | Path, *, pairs: int, seed: int) -> None:
    """Write :func:`page` to `path`."""
    Path(path).write_text(page(verdicts, pairs=pairs, seed=seed), encoding="utf-8")


def _word(verdict: Verdict) -> str:
    return "holds" if verdict.holds else "violated"


def _section(verdict: Verdict) -> str:
    s, e = verdict.statement, verdict.evidence
    counterexample = f"<p><b>Counterexamples:</b> {html.escape(e.counterexample)}.</p>" if e.counterexample else ""
    return (
        f"<h2 id=s{s.number}>{s.number}. {html.escape(s.title)}</h2><p><b>Claim:</b> {html.escape(s.claim)}. "
        f"<span class=source>{html.escape(s.source)}</span></p><p><b>Computed:</b> {html.escape(e.computed)}.</p>"
        f"{counterexample}<p><b>Largest violation:</b> {e.violation:.2e} among {e.samples:,} (tolerance "
        f"{e.tolerance:.0e}): <span class={_word(verdict)}>{_word(verdict)}</span>, {verdict.seconds:.1f} s.</p>"
        + "".join(_image(panel) for panel in e.panels)
    )


def _image(panel: Panel) -> str:
    buffer = io.BytesIO()
    draw(panel).savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"<p><img alt='{html.escape(panel.title, quote=True)}' src='data:image/png;base64,{data}'></p>"
