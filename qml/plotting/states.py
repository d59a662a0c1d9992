"""A density matrix as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qml import _checks
from qml.plotting.style import axes_of, framed
from qml.states import State
from qml.states.coercion import StateLike, one_state

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS_UP_TO = 16
WHEEL = ((0.122, 0.247, 0.784), (0.573, 0.325, 0.647), (0.925, 0.396, 0.102), (0.145, 0.659, 0.490))
"""The colors of the phases 0, pi/2, pi and 3 pi/2: apart for every kind of color blindness."""


def plot_density_matrix(
    state: StateLike, ax: Axes | None = None, *, limit: float | None = None, title: str = "", key: bool = True
) -> Axes:
    r"""Draw the entries <x\|sigma\|y> of a state: brightness is the absolute value, hue the phase.

    Zero is white; phase 0 is blue, pi is orange, +i is violet and -i green, so a real matrix shows two colors.
    Basis states label the axes up to dimension 16. The key on the right shows the colors of the four phases, up
    to full strength.

    Parameters
    ----------
    state : State, array (d, d) or (d,), or Qobj
        A single state (no batch) of dimension d.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    limit : float, optional
        The absolute value drawn at full strength; the largest entry by default. Give several pictures the same one to
        compare them.
    title : str
        Above the picture.
    key : bool
        Whether the key is drawn. Several pictures with one `limit` need it once.

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
    state, title, key = one_state(state), _checks.text("title", title), _checks.flag("key", key)
    what = f"the picture of a density matrix of dimension {state.dim}"
    _checks.memory(what, 128 * state.dim**2, "trace out some sites")
    matrix = state.numpy().matrix()
    full = float(np.abs(matrix).max()) if limit is None else _checks.positive("limit", limit)
    axes = axes_of(ax, 4.2, 4.0)
    axes.imshow(colors(matrix, full), interpolation="nearest")
    _label(axes, state)
    if key:
        _key(axes, full)
    axes.set_title(title, fontsize="medium", wrap=True)
    return axes


def colors(matrix: Any, full: float) -> Any:
    """RGB (d, d, 3) of complex numbers: white at 0, the full color of the phase at absolute value `full`."""
    wheel = np.array(WHEEL)
    quarter = (np.angle(matrix) / (np.pi / 2)) % 4
    low = np.floor(quarter).astype(np.int64) % 4
    share = (quarter - np.floor(quarter))[..., None]
    hue = (1 - share) * wheel[low] + share * wheel[(low + 1) % 4]
    strength = (np.minimum(np.abs(matrix), full) / full)[..., None]
    return 1 - strength * (1 - hue)


def _key(ax: Axes, full: float) -> None:
    """The colors by phase (columns) and absolute value, which falls to zero downwards."""
    signs = {"+": 1, "+i": 1j, "\N{MINUS SIGN}": -1, "\N{MINUS SIGN}i": -1j}
    shown = np.linspace(0, full, 64)[:, None] * np.array(list(signs.values()))
    bar = ax.inset_axes((1.04, 0.1, 0.05 * len(signs), 0.8))
    framed(bar)
    bar.imshow(colors(shown, full), origin="lower", aspect="auto", extent=(-0.5, len(signs) - 0.5, 0, full))
    bar.set_xticks(range(len(signs)), list(signs), fontsize="x-small")
    bar.yaxis.tick_right()
    bar.set_yticks([0, full / 2, full], [f"{v:.2g}" for v in (0, full / 2, full)], fontsize="x-small")


def _label(ax: Axes, state: State) -> None:
    d = state.dim
    framed(ax)
    if d > LABELS_UP_TO:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel(f"{d} basis states", fontsize="small", color="0.35")
        return
    names = ["".join(map(str, np.unravel_index(x, state.dims))) for x in range(d)]
    ax.set_xticks(range(d), names, rotation=90 if d > 4 else 0, family="monospace")
    ax.set_yticks(range(d), names, family="monospace")
