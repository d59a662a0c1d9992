"""The one style of all figures: colors, dashes and markers that color-blind readers tell apart, light axes, and labels
beside the lines that they name. ``plt.style.use("qml.plotting.figures")`` gives a reader's own figures the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qml import _checks
from qml._typing import Real

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

COLORS = ("#1f49c4", "#b23a00", "#22b896", "#9a60ac", "#f0a000", "#2b2326")
"""Of one line after the other: apart for every kind of color blindness."""
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
"""A second sign beside the color; for prints."""
MARKERS = "osD^vP"
GREY = "0.35"
"""Of what lines are compared with: floors, truths, axes' names in small print."""


def axes_of(ax: object, width: float, height: float) -> Axes:
    """The Axes that were given; those of a new figure of so many inches where none were."""
    if ax is not None:
        return checked(ax)
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained").add_subplot()


def checked(ax: object) -> Axes:
    """Refuse what is no Axes."""
    from matplotlib.axes import Axes

    return _checks.instance("ax", ax, Axes, "of matplotlib")


def plain(ax: Axes, grid: str = "y") -> None:
    """No frame above and on the right, and light lines behind what is drawn: of 'x', 'y', 'both' or no ('') axis."""
    ax.spines[["top", "right"]].set_visible(False)
    if grid:
        ax.grid(axis=grid, color="0.9", linewidth=0.7)  # type: ignore[arg-type]
        ax.set_axisbelow(True)


def framed(ax: Axes) -> None:
    """A light frame all around and no ticks: of matrices."""
    ax.tick_params(length=0, labelsize="small")
    for spine in ax.spines.values():
        spine.set(color="0.7", visible=True)


def whole_numbers(ax: Axes) -> None:
    """No ticks between whole numbers on the x axis, where it is linear: of iterations, qubits, and what is numbered."""
    from matplotlib.ticker import MaxNLocator

    if ax.get_xscale() == "linear":
        ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))


def label_ends(ax: Axes) -> None:
    """Write the label of every line on the right of the axes, at the height where the line ends, in its color.

    Call it when all is drawn and the axes have their limits. Labels that would lie on each other are moved apart.
    """
    named = [(line, end) for line in ax.get_lines() if (end := _end(ax, line)) is not None]
    figure = ax.get_figure(root=True)
    assert figure is not None
    size = 9.0
    room = 1.3 * size / 72 / max(ax.get_position().height * figure.get_figheight(), 0.5)
    for (line, _), height in zip(named, apart([end for _, end in named], room), strict=True):
        ax.annotate(
            str(line.get_label()),
            (1.0, height),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=size,
            color=darker(line.get_color()),
            annotation_clip=False,
        )


def _end(ax: Axes, line: Line2D) -> float | None:
    """The height where a line with a label ends, as a share of the axes; of one that leaves them, that of the edge."""
    ax.get_xlim(), ax.get_ylim()  # brings the limits up to date
    points = np.asarray(line.get_xydata())  # as numbers, also where the axis has words
    points = points[np.isfinite(points).all(axis=1)]
    if str(line.get_label()).startswith("_") or not len(points):
        return None
    last = points[points[:, 0].argmax()]
    return float(np.clip((line.get_transform() - ax.transAxes).transform(last)[1], 0.0, 1.0))


def apart(heights: Sequence[float], room: float) -> Real:
    """The heights nearest to the given ones, in their order, of which no two are closer than `room`.

    Examples
    --------
    >>> print(apart([0.5, 0.1, 0.5], 0.2))
    [0.4 0.1 0.6]
    """
    from scipy.optimize import isotonic_regression  # a fifth of a second

    # What is left after `room` for each label below has to be in order, and nearest to its wishes.
    order = np.argsort(heights, kind="stable")
    below = room * np.arange(len(heights))
    found = np.empty(len(heights))
    found[order] = isotonic_regression(np.asarray(heights)[order] - below).x + below
    return found


def darker(color: object) -> tuple[float, ...]:
    """A color for words, which are thinner than lines."""
    from matplotlib.colors import to_rgb

    return tuple(0.75 * part for part in to_rgb(color))  # type: ignore[arg-type]
