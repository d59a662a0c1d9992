"""What conditional models say of labelled data, in a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qml._checks import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qml._typing import Real

LONGEST = 16
"""Letters of a name that are shown."""
NAMED = 20
"""Classes that are named at most; of more, as many at equal steps."""


def draw_classes(found: Mapping[str, Real], labels: Real, names: Sequence[str], about: str) -> Figure:
    """Of each fit, the mean probability of every class (columns) over the samples of each class (rows)."""
    from matplotlib.figure import Figure

    true, size, image = labels.argmax(axis=1), len(names), None
    named = range(0, size, -(-size // NAMED))
    words = [short(names[k], LONGEST) for k in named]
    figure = Figure(figsize=(1.2 + 3.0 * len(found), 3.9), layout="constrained")
    for ax, (fit, p) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        rows = [p[true == c, :size].mean(axis=0) if (true == c).any() else np.full(size, np.nan) for c in range(size)]
        shown = np.array(rows)
        image = ax.imshow(shown, cmap="Blues", vmin=0.0, vmax=1.0)
        if size <= 10:
            for (i, j), value in np.ndenumerate(shown):
                color = "white" if value > 0.6 else "black"
                text = "\N{EN DASH}" if np.isnan(value) else f"{value:.2f}"
                ax.text(j, i, text, ha="center", va="center", color=color, fontsize=9 if size <= 5 else 6)
        ax.set_xticks(named, words, rotation=45, ha="right", fontsize=8)
        ax.set_yticks(named, words, fontsize=8)
        ax.set_title(f"{fit} ({about})", loc="left", fontsize="small")
        ax.set(xlabel="mean probability of", ylabel="class")
    if image is not None:
        figure.colorbar(image, ax=figure.axes, label="mean probability", shrink=0.8)
    return figure
