"""Where a picture is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qml import _checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(ax: object, width: float, height: float) -> Axes:
    """The Axes that were given; those of a new figure of so many inches where none were."""
    from matplotlib.axes import Axes

    if ax is not None:
        return _checks.instance("ax", ax, Axes, "of matplotlib")
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained").add_subplot()
