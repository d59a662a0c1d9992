"""A quantum process as a picture of its Pauli transfer matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.operators.strings import all_labels
from qml.plotting.style import axes_of, framed
from qml.processes import Process, as_process

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

NUMBERS_UP_TO = 4
"""Rows and columns of a matrix whose entries are written in it."""
DIGITS = 6
"""Behind the point, at most."""
LABELS_UP_TO = 16
"""Rows and columns that are labelled; of more, as many at equal steps."""
LARGEST = 1e6
"""Of the entries, and of what is drawn at full strength."""


def plot_transfer_matrix(
    process: Process | ArrayLike,
    target: Process | ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    limit: float | None = None,
    title: str = "",
) -> Axes:
    r"""Draw the Pauli transfer matrix R_PQ = Tr[P E(Q)] / 2^n of a process on qubits, or how far it is from a target.

    Blue is positive, white zero, orange negative, which color-blind readers tell apart too; the colors are symmetric
    about zero. Row P is what comes out, column Q what goes in. On one qubit the entries are written in the cells.

    Parameters
    ----------
    process : Process, what :func:`~qml.processes.as_process` takes for one, or matrix (4^m, 4^n)
        A matrix that is not exactly one of a process, as estimates are, can be drawn too.
    target : the same, optional
        Drawn is then R less its transfer matrix.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    limit : float, optional
        The absolute value drawn at full strength; 1 by default, of a difference its largest entry. Give several
        pictures the same one to compare them.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        For a process that is not on qubits, a target of another size, or a limit that is not positive.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qml import gates
    >>> ax = plot_transfer_matrix(gates.H, ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['I', 'X', 'Y', 'Z']
    >>> [text.get_text() for text in ax.texts if text.get_text() != "0"]
    ['1', '1', '−1', '1']
    """
    matrix, title = _transfer("process", process), _checks.text("title", title)
    if target is not None:
        other = _transfer("target", target)
        if other.shape != matrix.shape:
            raise InputError(f"target must have the shape {matrix.shape}; found {other.shape}.")
        matrix = matrix - other
    largest = float(np.abs(matrix).max())
    usual = 1.0 if target is None else largest or 1.0
    full = usual if limit is None else _checks.positive("limit", limit, LARGEST)
    axes = axes_of(ax, 4.4, 3.8)
    image = axes.imshow(matrix, cmap=diverging(), vmin=-full, vmax=full, interpolation="nearest")
    _label(axes, matrix.shape)
    if max(matrix.shape) <= NUMBERS_UP_TO:
        _write(axes, matrix, full)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.9, extend="both" if largest > full * (1 + 1e-9) else "neither")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize="small", length=2)
    bar.set_label(r"$R_{PQ}$" if target is None else r"$R_{PQ} -$ target", fontsize="small")
    axes.set_title(title, fontsize="medium", wrap=True)
    return axes


def diverging() -> LinearSegmentedColormap:
    """Orange, white, blue: apart for every kind of color blindness, and equally dark at equal distance from zero."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = ["#8f3f00", "#d2760f", "#fdd9ad", "#ffffff", "#b5d3ea", "#3d83bd", "#0b3c6e"]
    return LinearSegmentedColormap.from_list("orange-white-blue", shades)


def _transfer(name: str, value: Any) -> Real:
    """The transfer matrix of a process, or the matrix that was given."""
    if not isinstance(value, np.ndarray | list | tuple):
        return as_process(value, name).transfer_matrix()
    matrix = _checks.reals(name, value)
    sizes = [4 ** ((n.bit_length() - 1) // 2) for n in matrix.shape]
    if matrix.ndim != 2 or not matrix.size or matrix.shape != tuple(sizes):
        raise InputError(f"{name} must be a process, or a Pauli transfer matrix (4^m, 4^n); found {matrix.shape}.")
    if (largest := float(np.abs(matrix).max())) > LARGEST:
        raise InputError(
            f"{name} must have entries up to {LARGEST:g}, those of a process up to 1; found {largest:.3g}."
        )
    return matrix


def _label(ax: Axes, shape: tuple[int, int]) -> None:
    framed(ax)
    for axis, size, name in ((ax.yaxis, shape[0], "out"), (ax.xaxis, shape[1], "in")):
        step = max(1, size // LABELS_UP_TO)
        axis.set_ticks(range(0, size, step), all_labels(size)[::step], family="monospace")
        axis.set_label_text(name if step == 1 else f"{name}: one of {step} labelled", fontsize="small", color="0.35")
        if size <= LABELS_UP_TO:
            axis.set_ticks(np.arange(0.5, size - 1), minor=True)
    if shape[1] > NUMBERS_UP_TO:
        ax.tick_params(axis="x", labelrotation=90)
    ax.grid(which="minor", color="0.9", linewidth=0.6)
    ax.tick_params(which="minor", length=0)


def _write(ax: Axes, matrix: Real, full: float) -> None:
    """The entries in their cells, to a thousandth of what is drawn at full strength; with a power of ten where they are
    too small for digits behind a point."""
    decimals = max(0, 2 - math.floor(math.log10(0.999 * full)))
    for (row, column), value in np.ndenumerate(matrix):
        rounded = round(float(value), decimals) + 0.0
        text = f"{rounded:.2g}" if decimals > DIGITS else np.format_float_positional(rounded, trim="-")
        color = "white" if abs(value) > 0.5 * full else "0.2"
        ax.text(
            column, row, text.replace("-", "\N{MINUS SIGN}"), ha="center", va="center", fontsize="small", color=color
        )
