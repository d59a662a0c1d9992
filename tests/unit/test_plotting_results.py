"""Pictures of fits and states: they show the numbers that they are given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from qml import GibbsModel, fit, ghz, losses, maximally_mixed, pauli
from qml._checks import InputError, MemoryRefused
from qml.fitting import FitResult
from qml.losses import measured_report
from qml.measurement import Counts, PauliMeasurement
from qml.moments import Moments
from qml.plotting.counts import plot_measured
from qml.plotting.history import plot_history
from qml.plotting.labels import draw_classes
from qml.plotting.states import colors, plot_density_matrix
from qml.states import DensityMatrix, haar_pure


@pytest.fixture(scope="module")
def result() -> FitResult:
    return fit(GibbsModel([pauli("XX"), pauli("ZZ")]), ghz(2), seed=1, max_iterations=8)


def test_the_loss_its_floor_and_the_gap_are_drawn(result: FitResult) -> None:
    axes = Figure().subplots(1, 2)
    loss_axes, gap_axes = plot_history({"Gibbs": result}, axes, title="a fit")
    assert (loss_axes, gap_axes) == tuple(axes)
    np.testing.assert_array_equal(loss_axes.lines[0].get_ydata(), result.history.loss)
    np.testing.assert_array_equal(gap_axes.lines[0].get_ydata(), result.history.gap)
    np.testing.assert_array_equal(loss_axes.lines[1].get_ydata(), [result.floor, result.floor])
    legend = loss_axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Gibbs", "floor"]
    assert loss_axes.get_title(loc="left") == "a fit"
    assert gap_axes.get_ylabel() == "gap: loss \N{MINUS SIGN} floor (nats)"
    assert all(place == round(place) for ax in axes for place in ax.get_xticks())


@pytest.mark.parametrize(("loss", "unit"), [(losses.FreeEnergy(1.0), " (nats)"), (losses.Expectation(), "")])
def test_the_unit_of_a_loss_is_told_where_its_gap_is_an_entropy(loss, unit):
    result = fit(GibbsModel(["Z"]), pauli("X"), loss=loss, seed=0, max_iterations=3, progress=False)
    loss_axes, _ = plot_history(result, Figure().subplots(1, 2))
    assert loss_axes.get_ylabel() == f"loss{unit}"


def test_many_fits_leave_room_for_the_curves(result: FitResult) -> None:
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    loss_axes, _ = plot_history({f"a rather long name {k}": result for k in range(40)}, figure.subplots(1, 2))
    figure.draw_without_rendering()
    legend = loss_axes.get_legend()
    assert legend is not None
    assert loss_axes.get_window_extent().containsy(legend.get_window_extent().y0)
    assert legend.get_title().get_text() == "the first 8 of 40"
    assert len(legend.get_texts()) == 9


def test_a_long_title_stays_on_the_figure() -> None:
    axes = plot_density_matrix(ghz(2), title="a long title that does not fit above a picture of one state " * 2)
    pyplot.close(axes.figure)
    axes.figure.draw_without_rendering()
    assert axes.title.get_window_extent().width < axes.figure.bbox.width


def test_the_held_out_loss_has_a_dot_where_it_is_lowest() -> None:
    fitted = fit(
        GibbsModel([pauli("XX"), pauli("ZZ")]),
        ghz(2),
        validation=haar_pure((2, 2), np.random.default_rng(1)),
        seed=1,
        patience=3,
    )
    loss_axes, _ = plot_history(fitted, Figure().subplots(1, 2))
    _, line, dot, _ = loss_axes.lines
    losses = fitted.history.held_out
    assert losses is not None
    np.testing.assert_array_equal(line.get_ydata(), losses)
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (np.argmin(losses), losses.min())


def test_one_result_or_several_and_other_losses(result: FitResult) -> None:
    other = fit(GibbsModel([pauli("XX")]), ghz(2), loss=losses.Infidelity(), seed=1, max_iterations=2)
    loss_axes, _ = plot_history([result, other], Figure().subplots(1, 2))
    assert [line.get_label() for line in loss_axes.lines[:2]] == ["fit 0", "fit 1"]
    assert loss_axes.get_ylabel() == "loss"
    styles = {(line.get_color(), str(line.get_linestyle())) for line in loss_axes.lines[:2]}
    assert len(styles) == 2
    loss_axes, _ = plot_history(result, Figure().subplots(1, 2))
    assert loss_axes.lines[0].get_label() == "loss"


def test_an_array_is_drawn_as_the_state_that_it_is() -> None:
    drawn, of_array = (plot_density_matrix(x, Figure().subplots()) for x in (ghz(1), [[0.5, 0.5], [0.5, 0.5]]))
    assert np.array_equal(drawn.images[0].get_array(), of_array.images[0].get_array())


def test_a_floor_that_is_not_known_is_not_drawn() -> None:
    unknown = fit(GibbsModel([pauli("XX")]), Moments([pauli("XX")], [0.3]), progress=False)
    assert np.isnan(unknown.floor)
    loss_axes, gap_axes = plot_history(unknown, Figure().subplots(1, 2))
    legend = loss_axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["loss"]
    assert [text.get_text() for text in gap_axes.texts] == ["no gap above zero"]


def test_reports_are_drawn_in_the_order_of_x() -> None:
    sigma = DensityMatrix(np.diag([0.9, 0.1]))
    reports = [measured_report(Counts(PauliMeasurement(["Z"]), [n, 10 - n]), sigma) for n in (9, 5, 1)]
    axes = plot_measured(reports, x=[3.0, 1.0, 2.0], ax=Figure().subplots())
    for line, values in zip(
        axes.lines, zip(*((r.cross_entropy, r.likelihood) for r in reports), strict=True), strict=False
    ):
        np.testing.assert_array_equal(line.get_xdata(), [1.0, 2.0, 3.0])
        np.testing.assert_allclose(line.get_ydata(), [values[1], values[2], values[0]])


def test_classes_are_named_as_far_as_there_is_room_and_those_without_samples_have_no_number() -> None:
    labels = np.eye(3)[[0, 0, 2]]
    names = ["a class with a long name", "b", "c"]
    axes = draw_classes({"fit": np.full((3, 3), 1 / 3)}, labels, names, "held out").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a class with ...", "b", "c"]
    assert [text.get_text() for text in axes.texts] == ["0.33"] * 3 + ["\N{EN DASH}"] * 3 + ["0.33"] * 3
    many = draw_classes({"fit": np.eye(64)}, np.eye(64), list(map(str, range(64))), "held out").axes[0]
    assert [label.get_text() for label in many.get_xticklabels()] == [str(k) for k in range(0, 64, 4)]


def test_wrong_arguments_get_a_sentence(result: FitResult) -> None:
    with pytest.raises(InputError, match="at least one fit"):
        plot_history([])
    with pytest.raises(InputError, match="ax must be two Axes"):
        plot_history(result, Figure().subplots())  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a batch of shape \(3,\)"):
        plot_density_matrix(haar_pure((2,), np.random.default_rng(0), 3))
    with pytest.raises(InputError, match="limit must be greater than 0"):
        plot_density_matrix(ghz(2), limit=0.0)


def test_a_picture_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = maximally_mixed(11)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 400_000_000)  # it takes 119 bytes an entry
    with pytest.raises(MemoryRefused, match="dimension 2048"):
        plot_density_matrix(state)


def test_a_new_figure_is_made_where_none_is_given(result: FitResult) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    loss_axes, gap_axes = plot_history(result)
    assert loss_axes.figure is gap_axes.figure
    assert plot_density_matrix(ghz(2)).figure is not loss_axes.figure
    pyplot.close("all")


def test_colors_are_phase_and_strength() -> None:
    rgb = colors(np.array([[0, 1], [-1, 1j]]), 1.0)
    np.testing.assert_array_equal(rgb[0, 0], [1, 1, 1])
    assert rgb[0, 1].argmax() == 2
    assert rgb[1, 0].argmax() == 0
    np.testing.assert_allclose(colors(np.array([[0.5]]), 1.0)[0, 0], (1 + rgb[0, 1]) / 2)
    np.testing.assert_allclose(colors(np.array([[-1 - 1e-17j]]), 1.0)[0, 0], rgb[1, 0])
    assert np.abs(rgb[1, 1] - colors(np.array([[-1j]]), 1.0)[0, 0]).max() > 0.1


def test_axes_are_labelled_by_basis_states_where_there_is_room() -> None:
    small = plot_density_matrix(ghz(3), Figure().subplots(), title="GHZ")
    assert [label.get_text() for label in small.get_yticklabels()][:3] == ["000", "001", "010"]
    assert small.get_title() == "GHZ"
    large = plot_density_matrix(ghz(5), Figure().subplots())
    assert large.get_xlabel() == "32 basis states"
    assert len(large.get_xticks()) == 0


def test_the_key_shows_the_four_phases_whatever_the_picture_beside_it_holds() -> None:
    key = plot_density_matrix(ghz(2), Figure().subplots()).child_axes[0]
    assert [label.get_text() for label in key.get_xticklabels()] == ["+", "+i", "\N{MINUS SIGN}", "\N{MINUS SIGN}i"]
    assert [label.get_text() for label in key.get_yticklabels()] == ["0", "0.25", "0.5"]
    shades = key.get_images()[0].get_array()
    np.testing.assert_allclose(shades[-1], colors(np.array([0.5, 0.5j, -0.5, -0.5j]), 0.5))
    assert plot_density_matrix(ghz(2), Figure().subplots(), key=False).child_axes == []


def test_what_is_refused_leaves_no_figure_behind() -> None:
    report = losses.measured_report(Counts(PauliMeasurement(["Z"]), [9, 1]), np.diag([0.5, 0.5]))
    before = pyplot.get_fignums()
    with pytest.raises(InputError, match="key must be True or False"):
        plot_density_matrix(ghz(2), key="yes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="xlabel must be a text"):
        plot_measured([report], xlabel=3)  # type: ignore[arg-type]
    assert pyplot.get_fignums() == before
