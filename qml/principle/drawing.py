"""The pictures of the evidence: panels as matplotlib figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from qml.principle.statement import Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREEK = {"rho_hat": "ρ̂", "rho": "ρ", "sigma": "σ", "theta": "θ", "lambda": "λ", "tau": "τ", "psi": "ψ", "dsigma": "dσ"}
"""The letters of the code as those of a paper."""
_LETTERS = re.compile(r"(?<![A-Za-z])(" + "|".join(GREEK) + r")(?![a-z])")
MARKERS = "os^Dv<>P"


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
        color = f"C{k if series.color is None else series.color}"
        label = greek(series.label) or None
        if series.style == "dots":
            size, alpha = (4.5, 0.9) if few else (2.2, 0.55)
            marker = MARKERS[(k if series.color is None else series.color) % len(MARKERS)] if few else "o"
            if series.error is not None:
                ax.errorbar(series.x, series.y, series.error, fmt="none", color=color, elinewidth=1.0, capsize=2.0)
            ax.plot(series.x, series.y, marker, color=color, label=label, mew=0, markersize=size, alpha=alpha)
        elif series.style == "bars":
            ax.bar(series.x, series.y, color=color, label=label, alpha=0.45)
        else:
            ax.plot(series.x, series.y, "--" if series.style == "dashed" else "-", color=color, label=label, lw=1.5)
    for (name, x), dashes in zip(panel.marks, (":", "-."), strict=False):
        ax.axvline(x, color="0.35", linestyle=dashes, linewidth=1.2, label=greek(name))
    ax.set_title(greek(panel.title), fontsize=11)
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
    ax.grid(alpha=0.25)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return figure
