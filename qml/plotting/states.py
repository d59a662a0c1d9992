"""A density matrix as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml.plotting.axes import axes_of
from qml.states import State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS_UP_TO = 16


def plot_density_matrix(state: State, ax: Axes | None = None, *, limit: float | None = None, title: str = "") -> Axes:
    r"""Draw the entries <x\|sigma\|y> of a state: brightness is the absolute value, hue the phase.

    Zero is white; phase 0 is blue, pi is red, +i is violet and -i green, so a real matrix shows two colors.
    Basis states label the axes up to dimension 16.

    Parameters
    ----------
    state : State
        A single state (no batch) of dimension d.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    limit : float, optional
        The absolute value drawn at full strength; the largest entry by default. Give several pictures the same one to
        compare them.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        For a batch of states, or a limit that is not positive.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qml.states import ghz
    >>> ax = plot_density_matrix(ghz(2), Figure().subplots())
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['00', '01', '10', '11']
    """
    state, title = _checks.instance("state", state, State), _checks.text("title", title)
    if state.batch_shape:
        raise InputError(f"one state is drawn at a time; found a batch of shape {state.batch_shape}: index it first.")
    what = f"the picture of a density matrix of dimension {state.dim}"
    _checks.memory(what, 64 * state.dim**2, "trace out some sites")
    matrix = state.numpy().matrix()
    full = float(np.abs(matrix).max()) if limit is None else _checks.number("limit", limit, low=0.0)
    if not full > 0:
        raise InputError(f"limit must be positive; found {limit!r}.")
    axes = axes_of(ax, 4.2, 4.0)
    axes.imshow(colors(matrix, full), interpolation="nearest")
    _label(axes, state)
    axes.set_title(title, fontsize="medium")
    return axes


def colors(matrix: Any, full: float) -> Any:
    """RGB (d, d, 3) of complex numbers: white at 0, the full color of the phase at absolute value `full`."""
    wheel = np.array([[0.12, 0.35, 0.72], [0.55, 0.20, 0.62], [0.80, 0.16, 0.18], [0.16, 0.56, 0.34]])
    quarter = (np.angle(matrix) / (np.pi / 2)) % 4
    low = np.floor(quarter).astype(np.int64) % 4
    share = (quarter - np.floor(quarter))[..., None]
    hue = (1 - share) * wheel[low] + share * wheel[(low + 1) % 4]
    strength = (np.minimum(np.abs(matrix), full) / full)[..., None]
    return 1 - strength * (1 - hue)


def _label(ax: Axes, state: State) -> None:
    d = state.dim
    ax.tick_params(length=0, labelsize="small")
    for spine in ax.spines.values():
        spine.set_color("0.7")
    if d > LABELS_UP_TO:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel(f"{d} basis states", fontsize="small", color="0.35")
        return
    names = ["".join(map(str, np.unravel_index(x, state.dims))) for x in range(d)]
    ax.set_xticks(range(d), names, rotation=90 if d > 4 else 0, family="monospace")
    ax.set_yticks(range(d), names, family="monospace")
