"""Densities of samples, from states of their encodings."""

import itertools
import math

import numpy as np
import pytest

from qml._checks import InputError, MemoryRefused
from qml.encodings import fourier_encoding
from qml.estimators import (
    DensityEstimator,
)


def test_density_is_normalised_and_is_that_of_the_state():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = DensityEstimator(levels=4, smoothing=0.05).fit(X)
    axes = [np.linspace(a, a + b, 24, endpoint=False) for a, b in zip(model.low_, model.side_, strict=True)]
    grid = np.array(list(itertools.product(*axes)))
    p = np.exp(model.score_samples(grid))
    assert p.mean() * model.side_.prod() == pytest.approx(1.0, rel=1e-12)
    state = model.state()
    assert state.dims == (4, 4)
    vectors = fourier_encoding(2 * np.pi * (grid[:5] - model.low_) / model.side_, 4).factor[..., 0]
    direct = np.einsum("ki,ij,kj->k", vectors.conj(), state.matrix(), vectors).real * 16 / model.side_.prod()
    assert np.allclose(p[:5], direct, rtol=1e-11)
    assert model.score_samples([[1e3, 0.0]]).tolist() == [-np.inf]
    assert model.score(X) == pytest.approx(model.score_samples(X).mean())


def test_the_density_of_images_is_that_of_its_features():
    """Of 784 features that are the same in all samples but for one: the density of that one, times constants."""
    rng = np.random.default_rng(0)
    X = np.full((50, 784), 0.5)
    X[:, 300] = rng.normal(size=50)
    wide, narrow = (DensityEstimator(levels=8, smoothing=0.0).fit(x) for x in (X, X[:, 300:301]))
    shift = 783 * (math.log(8) - math.log(0.5))  # each a peak of L / B, with the box B = 2 margins
    assert wide.score_samples(X[:5]) == pytest.approx(narrow.score_samples(X[:5, 300:301]) + shift, rel=1e-12)


def test_density_approaches_the_true_one_with_more_samples_and_levels():
    rng = np.random.default_rng(1)
    test = rng.normal(size=(2000, 1))
    scores = [
        DensityEstimator(levels, margin=0.5).fit(rng.normal(size=(m, 1))).score(np.clip(test, -3, 3))
        for m, levels in ((50, 4), (1000, 24))
    ]
    exact = -0.5 * np.log(2 * np.pi) - 0.5
    assert scores[0] < scores[1] < exact + 0.05
    assert scores[1] == pytest.approx(exact, abs=0.1)


def test_every_sample_lies_in_a_box_without_a_margin():
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = rng.normal(size=(5, 1))
        assert np.isfinite(DensityEstimator(margin=0.0).fit(x).score_samples(x)).all()


@pytest.mark.parametrize("gap", [1e-8, 1e-9])
def test_the_ends_of_the_box_are_one_place_to_the_last_digit(gap):
    ends = DensityEstimator(levels=7, margin=0.0, smoothing=0.0).fit([[0.0], [1.0]])
    (found,) = ends.score_samples([[1.0 - gap]])
    assert found == pytest.approx(np.log(7), abs=1e-13)  # of which it lacks 16 (pi gap)^2


def test_densities_far_away_and_in_wide_boxes():
    x = np.array([[-5e307], [1e306], [5e307]])
    assert DensityEstimator().fit(x).score_samples(x / 5) + np.log(1e307) == pytest.approx(
        DensityEstimator().fit(x / 1e307).score_samples(x / 5e307), rel=1e-12
    )
    assert DensityEstimator().fit([[0.0], [1.0]]).score_samples([[1e308], [-1e308]]).tolist() == [-np.inf, -np.inf]


def test_density_refuses():
    with pytest.raises(InputError, match="margin above 0"):
        DensityEstimator(margin=0.0).fit([[1.0], [1.0]])
    with pytest.raises(InputError, match="levels"):
        DensityEstimator(levels=1).fit([[1.0], [2.0]])
    with pytest.raises(InputError, match="ends that float64 holds"):
        DensityEstimator().fit([[1e308], [-1e308]])
    with pytest.raises(MemoryRefused, match="fewer features or levels"):
        DensityEstimator().fit(np.eye(30)).state()
