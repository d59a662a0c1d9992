"""What measuring costs, in a picture: the empirical cross entropy, the likelihood, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml.losses.measured_report import MeasuredReport
from qml.plotting.style import COLORS, DASHES, GREY, axes_of, plain, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from qml._typing import ArrayLike


def plot_measured(
    reports: Sequence[MeasuredReport], x: ArrayLike | None = None, ax: Axes | None = None, *, xlabel: str = ""
) -> Axes:
    r"""Draw S(rho_hat, sigma) above the negative log-likelihood of the same counts, the cost of measuring shaded.

    S(rho, sigma) of the measured state is drawn where all reports know it. The likelihood is shown with
    sum_k f_k log Tr M_k added, so that the cost is never negative. All in nats a shot.

    Parameters
    ----------
    reports : sequence of MeasuredReport
    x : array (reports,), optional
        Where each stands, such as the angle of the measured basis; by default 0, 1, 2, ...
    ax : matplotlib Axes, optional
        A new figure by default.
    xlabel : str

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        Without reports, or where `x` does not hold one number for each.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qml.losses import measured_report
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> from qml.states import DensityMatrix
    >>> sigma = DensityMatrix([[0.9, 0.0], [0.0, 0.1]])
    >>> bases = [PauliMeasurement([letter]) for letter in "ZX"]
    >>> reports = [measured_report(Counts(m, [9, 1]), sigma) for m in bases]
    >>> ax = plot_measured(reports, ax=Figure().subplots())
    >>> [line.get_label() for line in ax.get_lines()]
    ['$S(\\hat\\rho, \\sigma)$', 'negative log-likelihood']
    """
    reports, xlabel = _checks.listed("reports", reports, "reports"), _checks.text("xlabel", xlabel)
    reports = [_checks.instance("each of reports", report, MeasuredReport) for report in reports]
    if not reports:
        raise InputError("reports must hold at least one report; found none.")
    place = np.arange(len(reports), dtype=np.float64) if x is None else _checks.reals("x", x)
    if place.shape != (len(reports),):
        raise InputError(f"x must hold one number for each of the {len(reports)} reports; found shape {place.shape}.")
    order = np.argsort(place, kind="stable")
    place, reports = place[order], [reports[k] for k in order]
    axes = axes_of(ax, 5.2, 3.6)
    upper = np.array([r.cross_entropy for r in reports])
    lower = np.array([r.likelihood + r.log_traces for r in reports])
    axes.plot(place, upper, color=COLORS[0], linestyle=DASHES[0], marker=".", label=r"$S(\hat\rho, \sigma)$")
    axes.plot(place, lower, color=COLORS[1], linestyle=DASHES[1], marker=".", label="negative log-likelihood")
    finite = np.isfinite(upper) & np.isfinite(lower)
    shade = axes.fill_between(place, lower, upper, where=finite.tolist(), color=COLORS[0], alpha=0.12, linewidth=0)
    shade.set_label("cost of measuring")
    true = [r.true_cross_entropy for r in reports]
    if all(value is not None for value in true):
        known = np.array(true, dtype=np.float64)
        axes.plot(place, known, color=GREY, linestyle=":", label=r"$S(\rho, \sigma)$")
    axes.set_ylabel("nats a shot")
    axes.set_xlabel(xlabel)
    if x is None:
        whole_numbers(axes)
    plain(axes)
    axes.legend(frameon=False, fontsize="small")
    return axes
