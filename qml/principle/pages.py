"""The statements as one self-contained HTML page: claim, what was computed, largest violation, verdict, figure."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qml._checks import told
from qml.fitting.provenance import provenance
from qml.plotting.style import COLORS, GREY, MARKERS, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qml.principle.statement import Counterexample, Panel, Verdict

GREEK = {"rho_hat": "ρ̂", "rho": "ρ", "sigma": "σ", "theta": "θ", "lambda": "λ", "tau": "τ", "psi": "ψ", "dsigma": "dσ"}
"""The letters of the code as those of a paper."""
_LETTERS = re.compile(r"(?<![A-Za-z])(" + "|".join(GREEK) + r")(?![a-z])")

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem; }
table { border-collapse: collapse; font-size: .9rem; } td, th { padding: .25rem .7rem .25rem 0; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } th { border-bottom: 1px solid #999; }
.holds { color: #116329; font-weight: 600; } .violated { color: #b3261e; font-weight: 600; }
img { max-width: 100%; } .source { color: #59636e; font-size: .9rem; }
figure { margin: .8rem 0 0; } figcaption { font-size: .9rem; color: #3d444d; max-width: 46rem; }
table.counterexamples td { vertical-align: top; }
"""


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


def page(verdicts: Sequence[Verdict], *, pairs: int, seeds: Sequence[int]) -> str:
    """The report as HTML, figures included."""
    kept = sum(v.holds for v in verdicts)
    head = (
        f"<p>{kept} of {len(verdicts)} statements hold. At least {pairs:,} random instances each, seed {told(seeds)}; "
        f"{html.escape(_made(provenance()))}. A statement is an inequality or an equality; its largest violation is "
        "the largest amount, relative to 1 + |S| where S can be large, by which an instance broke it (negative: by "
        "which every instance kept it). Entropies in nats.</p>"
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
        f"{head}<table>{names}{rows}</table>{''.join(section(v) for v in verdicts)}</html>\n"
    )


def _word(verdict: Verdict) -> str:
    return "holds" if verdict.holds else "violated"


def _made(made: dict[str, Any]) -> str:
    """The provenance in words."""
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return f"{versions}; {made['platform']}; {made['started']}"


def section(verdict: Verdict) -> str:
    """Claim, evidence, counterexamples and figures of one statement, as HTML."""
    s, e = verdict.statement, verdict.evidence
    return (
        f"<h2 id=s{s.number}>{s.number}. {_text(s.title)}</h2><p><b>Claim:</b> {_text(s.claim)}. "
        f"<span class=source>{html.escape(s.source)}</span></p><p><b>Computed:</b> {_text(e.computed)}.</p>"
        f"<p><b>Largest violation:</b> {e.violation:.2e} among {e.samples:,} (tolerance "
        f"{e.tolerance:.0e}): <span class={_word(verdict)}>{_word(verdict)}</span>, {verdict.seconds:.1f} s.</p>"
        + _counterexamples(e.counterexamples)
        + "".join(_image(panel) for panel in e.panels)
    )


def _counterexamples(found: Sequence[Counterexample]) -> str:
    if not found:
        return ""
    head = "<tr><th>not a law<th>broken at<th>left<th>right<th>by (nats)<th>share of instances</tr>"
    rows = "".join(
        f"<tr><td>{_text(c.law)}</td><td>{_text(c.instance)}</td><td class=number>{c.left:.4f}</td>"
        f"<td class=number>{c.right:.4f}</td><td class=number>{c.broken_by:.4f}</td><td "
        f"class=number>{c.share:.1%}</td></tr>"
        for c in found
    )
    return f"<table class=counterexamples>{head}{rows}</table>"


def _image(panel: Panel) -> str:
    buffer = io.BytesIO()
    draw(panel).savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f"<figure><img alt='{html.escape(greek(panel.title), quote=True)}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{_text(panel.caption)}</figcaption></figure>"
    )


def _text(words: str) -> str:
    return html.escape(greek(words))


def greek(text: str) -> str:
    """`text` with Greek letters for their names.

    Examples
    --------
    >>> greek("S(rho_hat, sigma_A) of a theta")
    'S(ρ̂, σ_A) of a θ'
    """
    return _LETTERS.sub(lambda found: GREEK[found[0]], text)


def draw(panel: Panel) -> Figure:
    """The figure of a panel, the legend beside the axes so that it covers nothing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    ax = figure.subplots()
    few = max((np.size(s.x) for s in panel.series if s.style == "dots"), default=0) <= 80
    for k, series in enumerate(panel.series):
        number = k if series.color is None else series.color
        color = (*COLORS, GREY)[number % (len(COLORS) + 1)]
        label = greek(series.label) or None
        if series.style == "dots":
            size, alpha = (4.5, 0.9) if few else (2.2, 0.55)
            marker = MARKERS[number % len(MARKERS)] if few else "o"
            if series.error is not None:
                ax.errorbar(series.x, series.y, series.error, fmt="none", color=color, elinewidth=1.0, capsize=2.0)
            ax.plot(series.x, series.y, marker, color=color, label=label, mew=0, markersize=size, alpha=alpha)
        elif series.style == "bars":
            ax.bar(series.x, series.y, color=color, label=label, alpha=0.45)
        else:
            ax.plot(series.x, series.y, "--" if series.style == "dashed" else "-", color=color, label=label, lw=1.5)
    for (name, x), dashes in zip(panel.marks, (":", "-."), strict=False):
        ax.axvline(x, color=GREY, linestyle=dashes, linewidth=1.2, label=greek(name))
    ax.set_title(greek(panel.title), loc="left", fontsize="medium")
    ax.set(xlabel=greek(panel.xlabel), ylabel=greek(panel.ylabel))
    if panel.log_x:
        ax.set_xscale("log", base=panel.log_x)
    if panel.log_y:
        ax.set_yscale("log")
    if panel.ticks:
        ax.set_xticks(range(len(panel.ticks)), [greek(name) for name in panel.ticks])
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            fontsize=8.5, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), markerscale=1.0 if few else 3.0
        )
    plain(ax, "both")
    return figure
