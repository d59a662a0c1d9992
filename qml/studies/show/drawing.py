"""The figures of a run. One that cannot be drawn is reported, and the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qml._checks import InputError, short
from qml.fitting import FitResult
from qml.losses import NegativeLogLikelihood
from qml.plotting.counts import plot_measured
from qml.plotting.files import save
from qml.plotting.history import Curve, curve_of, plot_curves
from qml.plotting.labels import draw_classes
from qml.plotting.states import plot_density_matrix
from qml.processes import Design
from qml.states import State
from qml.studies.record.fits import report_of
from qml.studies.record.folder import RunFolder
from qml.studies.show.terminal import visible
from qml.studies.spec import build
from qml.tomography import TomographyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAW_STATES_UP_TO = 1 << 7
IN_A_ROW = 4
"""States in a row of a picture: of more their labels could not be read on a page."""


@contextmanager
def drawing(what: str) -> Iterator[None]:
    """Where Matplotlib fails, one sentence about it.

    Raises
    ------
    InputError
        With why `what` was not drawn.
    """
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        raise InputError(f"{what} was not drawn: {failure(error)}") from None


def failure(error: Exception) -> str:
    """Why a figure could not be drawn, in one line."""
    return short(" ".join(f"{type(error).__name__}: {error}".split()), 200)


def draw(results: Mapping[str, Any], plan: build.Plan, folder: RunFolder, say: Callable[[str], object]) -> None:
    """``history.png``; ``measured.png`` of counts, ``labels.png`` of labelled data, and ``states.png`` where the states
    are small enough to be seen. What cannot be drawn is reported and left out."""
    makers = {"history.png": _history, "measured.png": _measured, "labels.png": _labels, "states.png": _states}
    problems = dict[str, None]()

    def write(figure: Figure, path: Path) -> None:
        problems.update(dict.fromkeys(save(figure, path)))

    for name, make in makers.items():
        try:
            figure = make(results, plan)
            if figure is not None:
                folder.write_file(name, partial(write, figure))
        except Exception as error:
            problems[f"{name} was not drawn: {failure(error)}"] = None
    for sentence in problems:
        say(sentence)


def _history(results: Mapping[str, Any], plan: build.Plan) -> Figure | None:
    return history(results, plan.study.title)


def history(results: Mapping[str, Any], title: str) -> Figure | None:
    """The loss of each fit against its floor, and the gap, by iteration; None where no fit keeps its iterates."""
    from matplotlib.figure import Figure

    curves = {name: curve for name, result in results.items() if (curve := _curve(result)) is not None}
    if not curves:
        return None
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    plot_curves(curves, (axes[0], axes[1]))
    if title:
        figure.suptitle(short(visible(title)), fontsize="medium")
    return figure


def _curve(result: Any) -> Curve | None:
    """The loss of a result at its iterates; of a tomography the negative log-likelihood a shot."""
    if isinstance(result, FitResult):
        return curve_of(result)
    if isinstance(result, TomographyResult):
        loss = -result.history.log_likelihood / result.counts.total
        return Curve(result.history.iteration, loss, NegativeLogLikelihood().floor(result.counts))
    return None


def _measured(results: Mapping[str, Any], plan: build.Plan) -> Figure | None:
    done = [(job, results[job.spec.name]) for job in plan.jobs if job.spec.name in results]
    found = {job.spec.name: report_of(job, plan.target, result) for job, result in done}
    costs = {name: cost for name, cost in found.items() if cost is not None}
    if not costs:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.8 + 1.6 * max(len(costs), 2), 3.8), layout="constrained")
    ax = figure.subplots()
    for k, cost in enumerate(costs.values()):
        plot_measured([cost, cost], [k - 0.12, k + 0.12], ax)
    ax.set_xticks(range(len(costs)), list(costs), fontsize="small")
    ax.set_xlim(-0.5, len(costs) - 0.5)
    named = {str(one.get_label()): one for one in [*ax.lines, *ax.collections]}
    ax.legend(handles=named.values(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
    return figure


def _labels(results: Mapping[str, Any], plan: build.Plan) -> Figure | None:
    labels = plan.target.labels
    if labels is None:
        return None
    chosen = labels.test or labels.train
    models: dict[str, Any] = {job.spec.name: job.model for job in plan.jobs}
    found = {
        name: models[name].conditional.states(result.params, chosen.inputs).probabilities()
        for name, result in results.items()
    }
    about = "held out" if labels.test is not None else "training"
    return draw_classes(found, chosen.states.probabilities(), labels.names, about)


def _states(results: Mapping[str, Any], plan: build.Plan) -> Figure | None:
    from matplotlib.figure import Figure

    target = plan.target
    if target.labels is not None or target.state.dim > DRAW_STATES_UP_TO:
        return None
    shown: dict[str, State] = {} if target.truth is None else {"target": target.truth}
    if target.counts is not None and isinstance(target.counts.measurement, Design):
        return None
    if target.counts is not None and target.counts.measurement.of_states:
        shown["empirical state"] = target.counts.empirical_state()
    shown |= {name: result.state for name, result in results.items()}
    limit = max(float(abs(state.matrix()).max()) for state in shown.values())
    rows = -(-len(shown) // IN_A_ROW)
    columns = -(-len(shown) // rows)
    figure = Figure(figsize=(0.7 + 3.4 * columns, 4.0 * rows), layout="constrained")
    for k, (name, state) in enumerate(shown.items(), 1):
        plot_density_matrix(state, figure.add_subplot(rows, columns, k), limit=limit, title=name, key=k == len(shown))
    return figure
