"""How a fit went: the loss against its floor, and the gap between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Integer, Real
from qml.fitting import FitResult
from qml.losses import EVERY_LOSS
from qml.plotting.style import COLORS, DASHES, GREY, checked, plain, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IN_NATS = ("ClassicalCrossEntropy", *(kind.__name__ for kind in EVERY_LOSS.values() if kind.gap_is))
"""Losses whose gap is an entropy."""
NAMED = 8
"""Curves that the legend names at most."""


class Curve(NamedTuple):
    """A loss at some iterates, its floor, and the loss on what was held out there; whether they are in nats."""

    step: Integer
    loss: Real
    floor: float
    held_out: Real | None = None
    entropic: bool = True


def plot_history(
    results: FitResult | Sequence[FitResult] | Mapping[str, FitResult],
    ax: Sequence[Axes] | None = None,
    *,
    title: str = "",
) -> tuple[Axes, Axes]:
    r"""Draw the loss against its floor (left), and the gap between them on a logarithmic axis (right), by iteration.

    For the cross entropy the floor is S(rho) and the gap is D(rho\|\|sigma), in nats. Infinite losses, and gaps that
    rounding has made zero or negative, are left out. The loss on a held-out target is a thin line of the same color,
    with a dot where it is lowest: the parameters of there are kept.

    Parameters
    ----------
    results : FitResult, or a sequence or mapping of them
        The keys of a mapping are the labels in the legend.
    ax : two matplotlib Axes, optional
        For the loss and for the gap; a new figure by default.
    title : str
        Above the left picture.

    Returns
    -------
    tuple of two matplotlib Axes

    Raises
    ------
    InputError
        Without results, or for other than two axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qml import CircuitModel, GibbsModel, fit, ghz, pauli
    >>> target = ghz(2)
    >>> result = fit(GibbsModel([pauli("XX"), pauli("ZZ")]), target, seed=1, max_iterations=20)
    >>> loss_axes, gap_axes = plot_history({"Gibbs": result}, Figure().subplots(1, 2))
    >>> gap_axes.get_yscale(), loss_axes.get_ylabel()
    ('log', 'loss (nats)')
    """
    named, title = _named(results), _checks.text("title", title)
    axes = plot_curves({name: curve_of(result) for name, result in named.items()}, _two(ax))
    if title:
        axes[0].set_title(title, loc="left", fontsize="medium")
    return axes


def curve_of(result: FitResult) -> Curve:
    """The curve of a fit."""
    history, loss = result.history, str(result.provenance.get("loss"))
    return Curve(np.arange(len(history)), history.loss, result.floor, history.held_out, loss.startswith(IN_NATS))


def plot_curves(curves: Mapping[str, Curve], ax: tuple[Axes, Axes]) -> tuple[Axes, Axes]:
    """Curves by name, as :func:`plot_history` draws them."""
    loss_axes, gap_axes = ax
    for k, (name, curve) in enumerate(curves.items()):
        color, label = COLORS[k % len(COLORS)], name if k < NAMED else ""
        look: dict[str, Any] = {"color": color, "linestyle": DASHES[k % len(DASHES)], "label": label}
        if len(curve.step) == 1:
            look |= {"marker": "o", "markersize": 4}
        loss, gap = curve.loss, curve.loss - curve.floor
        loss_axes.plot(curve.step, np.where(np.isfinite(loss), loss, np.nan), **look)
        if curve.held_out is not None:
            _held_out(loss_axes, curve.held_out, color, label and f"{label}, held out")
        gap_axes.plot(curve.step, np.where(np.isfinite(gap) & (gap > 0), gap, np.nan), **look)
    if not any((curve.loss > curve.floor).any() for curve in curves.values()):
        gap_axes.text(0.5, 0.5, "no gap above zero", transform=gap_axes.transAxes, ha="center", color=GREY)
    for k, floor in enumerate({curve.floor for curve in curves.values() if np.isfinite(curve.floor)}):
        loss_axes.axhline(floor, color=GREY, linewidth=0.9, linestyle=":", zorder=0, label="" if k else "floor")
    unit = " (nats)" if all(curve.entropic for curve in curves.values()) else ""
    loss_axes.set_ylabel(f"loss{unit}")
    gap_axes.set_ylabel(f"gap: loss \N{MINUS SIGN} floor{unit}")
    gap_axes.set_yscale("log")
    for axes in (loss_axes, gap_axes):
        axes.set_xlabel("iteration")
        whole_numbers(axes)
        plain(axes)
    few = f"the first {NAMED} of {len(curves)}" if len(curves) > NAMED else None
    loss_axes.legend(frameon=False, fontsize="small", title=few, title_fontsize="small")
    return loss_axes, gap_axes


def _held_out(axes: Axes, losses: Real, color: str, label: str) -> None:
    """The loss on a held-out target, with a dot where it is lowest."""
    shown = np.where(np.isfinite(losses), losses, np.nan)
    axes.plot(shown, color=color, linewidth=0.9, label=label)
    if np.isfinite(losses).any():
        best = int(np.nanargmin(shown))
        axes.plot([best], [shown[best]], "o", color=color, markersize=4)


def _named(results: FitResult | Sequence[FitResult] | Mapping[str, FitResult]) -> dict[str, FitResult]:
    if isinstance(results, FitResult):
        return {"loss": results}
    if isinstance(results, Mapping):
        named = {_checks.text("each key of results", name): result for name, result in results.items()}
    else:
        named = {f"fit {k}": result for k, result in enumerate(_checks.listed("results", results, "fits"))}
    for result in named.values():
        _checks.instance("each of results", result, FitResult)
    if not named:
        raise InputError("results must hold at least one fit; found none.")
    return named


def _two(ax: Sequence[Axes] | None) -> tuple[Axes, Axes]:
    if ax is None:
        from matplotlib import pyplot

        axes = pyplot.figure(figsize=(9.0, 3.6), layout="constrained").subplots(1, 2)
        return axes[0], axes[1]
    try:
        loss_axes, gap_axes = ax
    except (TypeError, ValueError):
        raise InputError(
            "ax must be two Axes, for the loss and for the gap: figure.subplots(1, 2) makes them."
        ) from None
    return checked(loss_axes), checked(gap_axes)
