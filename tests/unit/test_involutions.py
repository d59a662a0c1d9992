"""Pauli strings between eigenvectors by projectors on half of the space: against dense matrices."""

import numpy as np
import pytest

from qml import GibbsModel, pauli
from qml.geometry import KINDS, GibbsMetric, generators, gibbs, metric
from qml.geometry.generators import Involutions

LABELS = ["ZII", "IZZ", "ZZZ", "XII", "XIX", "IXY", "YYI", "ZXZ", "YIX"]


def vectors(real, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(8, 8)) + (0 if real else 1j) * rng.normal(size=(8, 8))
    return np.ascontiguousarray(np.linalg.qr(a)[0])


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize(("start", "stop"), [(0, 8), (0, 3), (3, 5), (7, 8)])
def test_the_blocks_of_every_string(real, start, stop, monkeypatch):
    labels = [label for label in LABELS if not real or label.count("Y") % 2 == 0]
    words = np.array([pauli(label).words[0] for label in labels])
    v, means = vectors(real), np.linspace(-0.5, 0.5, len(words))
    for chunk in (1, 1 << 17):
        monkeypatch.setattr(generators, "CHUNK", chunk)
        out = np.empty((len(words), stop - start, 8 - start), v.dtype)
        Involutions(words, 3).centred(v, means, start, stop, out)
        for found, label, mean in zip(out, labels, means, strict=True):
            dense = v.conj().T @ (mean * np.eye(8) - pauli(label).matrix()) @ v
            assert np.abs(found - dense[start:stop, start:]).max() < 1e-14


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_both_ways_to_the_metric_agree(kind, seed, monkeypatch):
    """Through the strings, and through the generators themselves: sums of strings, constants in them, weak and cold."""
    rng = np.random.default_rng(seed)
    model = GibbsModel(
        [pauli("XYI") + 0.5 * pauli("III"), pauli("ZZI") - 2 * pauli("IIX"), pauli("YIY"), pauli("IZI"), pauli("XII")]
    )
    theta = rng.normal(size=5) * (30.0 if seed == 3 else 1.0)
    monkeypatch.setattr(gibbs, "STRINGS_FROM", 1)
    through_strings = metric(model, theta, kind)
    monkeypatch.setattr(gibbs, "MANY_STRINGS", 0)
    monkeypatch.setattr(gibbs, "BLOCK_NUMBERS", 120)
    through_generators = model.metric(theta, kind)
    assert isinstance(through_generators, GibbsMetric)
    assert np.allclose(through_strings, through_generators.matrix(), rtol=1e-12, atol=1e-13)
    v = rng.normal(size=5)
    assert np.allclose(through_strings @ v, through_generators.product(v), atol=1e-12)


@pytest.mark.parametrize("strings_from", [1, 1 << 18])
def test_a_constant_is_no_direction(strings_from, monkeypatch):
    monkeypatch.setattr(gibbs, "STRINGS_FROM", strings_from)
    model = GibbsModel({"constant": pauli("II"), "field": pauli("XI")})
    assert np.allclose(metric(model, [3.0, 0.4]), np.diag([0.0, 1 / np.cosh(0.4) ** 2]), atol=1e-14)
