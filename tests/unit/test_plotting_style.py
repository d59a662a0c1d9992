"""The style of figures: colors that color-blind readers tell apart, and labels beside lines that do not overlap."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from helpers.cases import every
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from qml.plotting.states import WHEEL
from qml.plotting.style import COLORS, apart, label_ends, plain

# What dichromats see, on linear RGB: Machado, Oliveira and Fernandes (2009), doi:10.1109/TVCG.2009.113.
SEEN = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, in which a distance of 2 is just seen."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(np.clip(xyz / [0.9505, 1.0, 1.089], 1e-9, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@every("kind", SEEN)
@every("colors", [COLORS, WHEEL], ids=["lines", "phases"])
def test_every_two_colors_are_apart_for_every_kind_of_color_blindness(kind: str, colors: tuple) -> None:
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = [lab(np.clip(np.array(SEEN[kind]) @ color, 0, 1)) for color in linear]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 25
    if colors is COLORS:
        assert max(color[0] for color in seen) < 80  # dark enough for thin lines on white


def test_a_readers_own_figures_have_the_same_colors() -> None:
    with pyplot.style.context("qml.plotting.figures"):
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    assert tuple(f"#{color.removeprefix('#')}" for color in cycle) == COLORS


def test_labels_stand_where_lines_end_and_apart() -> None:
    ax = Figure(figsize=(6, 4)).subplots()
    for end, name in ((0.5, "a"), (0.5001, "b"), (1.0, "c")):
        ax.plot([0, 1, 2], [0.0, 0.1, end], label=name)
    ax.plot([0, 1], [0, 0.2])  # without a label
    ax.plot([2, 0], [0.25, 0.0], label="backwards")  # its end is on the right, not its last point
    label_ends(ax)
    heights = {text.get_text(): text.xy[1] for text in ax.texts}  # type: ignore[attr-defined]
    assert sorted(heights) == ["a", "b", "backwards", "c"]
    assert heights["backwards"] < heights["a"] < heights["b"] < heights["c"]
    assert heights["b"] - heights["a"] > 0.03
    low, high = ax.get_ylim()
    assert heights["backwards"] == pytest.approx((0.25 - low) / (high - low))
    assert heights["c"] == pytest.approx((1.0 - low) / (high - low))
    assert heights["a"] + heights["b"] == pytest.approx(2 * (0.50005 - low) / (high - low))


def test_labels_of_lines_over_words_and_of_lines_that_leave_the_axes() -> None:
    ax = Figure().subplots()
    ax.plot(["Bell", "GHZ"], [0.2, 0.6], label="named")
    ax.plot(["Bell", "GHZ"], [0.2, 50.0], label="far")
    ax.set_ylim(0.0, 1.0)
    label_ends(ax)
    heights = {text.get_text(): text.xy[1] for text in ax.texts}  # type: ignore[attr-defined]
    assert heights == pytest.approx({"named": 0.6, "far": 1.0})


def test_heights_move_as_little_as_they_have_to() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        heights, room = rng.random(6), 0.1
        found = apart(heights.tolist(), room)
        order = np.argsort(heights)
        gaps = np.diff(found[order])
        assert gaps.min() > room - 1e-12
        touching = gaps < room + 1e-12
        alone = [i for k, i in enumerate(order) if not touching[max(k - 1, 0) : k + 1].any()]
        np.testing.assert_allclose(found[alone], heights[alone], atol=1e-12)
        assert found.mean() == pytest.approx(heights.mean())


def test_plain_axes_have_no_frame() -> None:
    ax = Figure().subplots()
    plain(ax)
    assert not ax.spines["top"].get_visible()
    assert ax.spines["left"].get_visible()
    assert ax.yaxis.get_gridlines()[0].get_visible()
    assert not ax.xaxis.get_gridlines()[0].get_visible()
