"""Figures of sweeps: they say what the table says, and read nothing off rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from qml._checks import InputError
from qml.plotting.sweeps import draw
from qml.studies.record.table import Table
from qml.studies.show.page import conclusion

BETAS = (0.1, 0.3, 1.0, 3.0)


def table(gaps: dict[str, Any], loss_name: str = "cross_entropy") -> Table:
    """Of each fit, its gap at every beta and at the fields 1 and 2."""
    rows: list[dict[str, Any]] = []
    for h in (1.0, 2.0):
        for k, beta in enumerate(BETAS):
            for fit, gap in gaps.items():
                floor = 2.0 / (1 + beta)
                cells = {"point": k, "replicate": 0, "target.beta": beta, "target.h": h, "fit": fit}
                cells |= {"loss_name": loss_name, "loss": floor + gap[k], "floor": floor, "gap": gap[k]}
                rows.append(cells | {"fidelity": 0.9, "iterations": 3, "likelihood": None, "error": ""})
    return {name: [row[name] for row in rows] for name in rows[0]}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


POWER, CURVED = [1e-3 * beta**1.5 for beta in BETAS], [np.tanh(beta) ** 2 for beta in BETAS]
ROUNDING = [1e-15 * beta**2 for beta in BETAS]
NAMES = ["target.beta", "target.h"]


def test_a_slope_is_told_of_lines_above_rounding_only() -> None:
    found = words(draw(table({"power": POWER, "curved": CURVED, "noise": ROUNDING}), NAMES, "scaling"))
    assert found.count("power, slope 1.50") == 2
    assert found.count("curved") == found.count("noise") == found.count("rounding") == 2
    assert "rounding" not in words(draw(table({"power": POWER}), NAMES, "scaling"))


def test_rounding_is_grey_in_every_panel_that_reaches_down_to_it() -> None:
    found = table({"power": POWER, "noise": ROUNDING})
    found["gap"] = [
        0.0 if h == 1.0 and fit == "noise" else gap
        for gap, h, fit in zip(found["gap"], found["target.h"], found["fit"], strict=True)
    ]
    figure = draw(found, NAMES, "scaling")
    assert words(figure).count("rounding") == 2
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_a_figure_says_over_what_its_bands_are() -> None:
    one = table({"power": POWER})
    two = {name: [*column, *column] for name, column in one.items()}
    two["replicate"] = [0] * 8 + [1] * 8
    assert draw(two, NAMES, "loss").get_suptitle() == "median, least and greatest over replicates"
    measured = two | {"measuring_cost": two["gap"], "relative_entropy": two["gap"]}
    assert draw(measured, NAMES, "measured").get_suptitle() == "median, least and greatest over replicates, target.h"


def test_a_fit_that_is_infinite_in_the_last_panel_has_its_name_in_another() -> None:
    found = table({"power": POWER, "noise": ROUNDING})
    for k, (h, fit) in enumerate(zip(found["target.h"], found["fit"], strict=True)):
        if h == 2.0 and fit == "noise":
            found["loss"][k] = np.inf
    first, last = (sorted(text.get_text() for text in ax.texts) for ax in draw(found, NAMES, "loss").axes)
    assert (first, last) == (["floor", "noise", "power"], ["floor", "power"])


def test_without_a_gap_there_is_no_map() -> None:
    found = table({"power": POWER})
    found["gap"] = [np.nan] * len(found["gap"])
    with pytest.raises(InputError, match="no gap is known: there is nothing to map"):
        draw(found, NAMES, "heatmap")


def test_axes_have_units_and_are_logarithmic_over_decades() -> None:
    figure = draw(table({"power": POWER}), NAMES, "loss")
    assert figure.axes[0].get_ylabel() == "loss (nats)"
    assert {ax.get_xscale() for ax in figure.axes} == {"log"}
    assert words(figure) == ["power", "floor"]  # on the right of the row
    other = draw(table({"power": POWER}, "infidelity"), NAMES, "loss", x="target.h")
    assert other.axes[0].get_ylabel() == "loss"
    assert {ax.get_xscale() for ax in other.axes} == {"linear"}
    even = table({"power": POWER})
    even["target.beta"] = [1.0 + 4 * BETAS.index(beta) for beta in even["target.beta"]]  # 1, 5, 9, 13
    assert {ax.get_xscale() for ax in draw(even, NAMES, "loss").axes} == {"linear"}


@pytest.mark.parametrize("kind", ["loss", "scaling"])
def test_numbers_of_qubits_have_whole_ticks(kind: str) -> None:
    sizes = table({"power": POWER})
    sizes["target.beta"] = [2 + BETAS.index(beta) for beta in sizes["target.beta"]]  # 2, 3, 4, 5
    ax = draw(sizes, NAMES, kind).axes[0]
    ax.figure.canvas.draw()
    assert {label.get_text() for label in ax.get_xticklabels()} >= {"2", "3", "4", "5"}
    assert all(place == round(place) for place in ax.get_xticks())
    assert kind == "loss" or len(ax.get_xticks(minor=True)) == 0


def test_the_maps_of_all_fits_have_one_scale_and_rounding_is_grey() -> None:
    figure = draw(table({"noise": ROUNDING, "power": POWER}), NAMES, "heatmap")
    left, right, bar = figure.axes
    images = [ax.get_images()[0] for ax in (left, right)]
    assert images[0].norm is images[1].norm
    assert images[0].norm.vmin == pytest.approx(min(POWER))
    shades = [image.cmap(image.norm(image.get_array())) for image in images]
    np.testing.assert_allclose(shades[0][..., :3], 0.85)
    assert np.ptp(shades[1], axis=(0, 1))[:3].max() > 0.5
    assert bar.get_ylabel() == "median gap (nats); grey: rounding"


@pytest.mark.parametrize(("x", "y"), [(None, "target.beta"), ("target.h", None), ("target.h", "target.beta")])
def test_an_axis_of_a_map_that_is_named_is_where_it_was_asked_for(x: str | None, y: str | None) -> None:
    axes = draw(table({"power": POWER}), NAMES, "heatmap", x, y).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("target.h", "target.beta")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0.1", "0.3", "1", "3"]


def test_every_loss_has_a_floor_of_its_own() -> None:
    mixed = table({"power": POWER, "curved": CURVED})
    for row in range(1, 16, 2):
        mixed["loss_name"][row], mixed["floor"][row] = "infidelity", 0.0
    lines = {line.get_label(): line.get_ydata() for line in draw(mixed, NAMES, "loss").axes[1].get_lines()}
    np.testing.assert_allclose(lines["floor of cross_entropy"], [2.0 / (1 + beta) for beta in BETAS])
    np.testing.assert_array_equal(lines["floor of infidelity"], 0.0)


def test_the_conclusion_names_the_nearest_fit_first() -> None:
    said = conclusion(table({"curved": CURVED, "noise": ROUNDING}))
    assert said.startswith("noise reaches its floor, up to rounding in the median of 8 points; curved ends 0.332 nats")
    mixed = table({"curved": CURVED, "power": POWER})
    mixed["loss_name"][1::2] = ["infidelity"] * 8
    assert "not to be compared" in conclusion(mixed)
    lost = table({"power": POWER})
    assert conclusion(lost | {"gap": [None] * 8}) == "No fit ended with a finite gap."
    assert conclusion(lost | {"error": ["out of memory"] + [""] * 7}).endswith("above its floor in the median of 8 "
                                                                              "points. 1 fit failed.")  # fmt: skip
