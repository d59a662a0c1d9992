"""Probabilities made positive, and gate sets of records in which outcomes were never seen."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from qml import Circuit, channels, gates
from qml.measurement import Counts
from qml.processes import Experiments, GateSetModel, xyi_gate_set, xyi_words
from qml.tomography import gate_set_tomography
from qml.tomography.likelihood import excess
from qml.tomography.soft import SoftOutcomes, softened

MODEL = xyi_gate_set()
TURNS = {"Gi": gates.I(0), "Gx": gates.RX(np.pi / 2, 0), "Gy": gates.RY(np.pi / 2, 0)}


def record(longest: int, seed: int, shots: int = 1000, noise: float = 0.001) -> Counts:
    """Of gates that are depolarized by a thousandth, with a preparation and a readout without errors."""
    truth = {name: Circuit(1, [turn, channels.Depolarizing(noise, 0)]) for name, turn in TURNS.items()}
    setup = Experiments.product(xyi_words(longest), {"rho": [1.0, 0.0]}, MODEL.measurements)
    p = GateSetModel(truth, kind="known").predict([], setup)
    return setup.simulate(p, shots, np.random.default_rng(seed))


@pytest.mark.parametrize("unseen", [True, False])
def test_what_is_softened_is_positive_and_smooth(unseen: bool) -> None:
    a = 1e-5
    p = np.linspace(-3 * a, 3 * a, 6001)
    soft, slope, curvature = softened(p, np.full(p.shape, a), np.full(p.shape, unseen))
    assert soft.min() > 0
    assert np.array_equal(soft[p >= a], p[p >= a])
    steps = np.diff(soft) / np.diff(p)
    assert np.abs(steps - (slope[1:] + slope[:-1]) / 2).max() < 1e-3
    assert np.abs(np.diff(curvature)).max() * a < 1e-2
    if unseen:
        assert abs(p[soft.argmin()]) < 1e-3 * a  # most likely at zero, not below
    else:
        assert (slope > 0).all()


def test_the_gradient_is_that_of_the_likelihood_below_zero_too() -> None:
    counts = record(1, 0)
    outcomes = SoftOutcomes(MODEL, counts)
    rng = np.random.default_rng(1)
    theta = MODEL.init_params(rng) + 0.03 * rng.normal(size=MODEL.n_params)
    assert not outcomes.is_physical(theta)
    n = np.asarray(counts.counts, dtype=float)

    def value(at: np.ndarray) -> float:
        return float(n @ np.log(outcomes._at(at).probabilities))

    p, jacobian = outcomes.outcome_derivatives(theta)
    assert (p > 0).all()
    assert np.allclose(np.add.reduceat(p, counts.measurement.offsets[:-1]), 1, atol=1e-14)
    gradient, step = jacobian.T @ (n / p), 1e-9 * rng.normal(size=MODEL.n_params)
    along = value(theta + step) - value(theta - step)
    assert along == pytest.approx(2 * gradient @ step, rel=1e-4)
    assert np.allclose(outcomes._at(theta).pull(n / p), gradient, rtol=1e-9, atol=1e-6)


def test_the_model_is_unchanged_where_probabilities_are_not_small() -> None:
    counts = record(1, 0, shots=10**7)
    theta = MODEL.init_params(np.random.default_rng(0))
    soft, plain = (m.outcome_derivatives(theta) for m in (SoftOutcomes(MODEL, counts), MODEL.on(counts)))
    assert np.allclose(soft[0], plain[0], rtol=0, atol=1e-15)
    assert np.allclose(soft[1], plain[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_outcomes_that_were_never_seen_are_no_wall(seed: int) -> None:
    counts = record(1, seed)
    assert np.count_nonzero(np.asarray(counts.counts) == 0) >= 3
    result = gate_set_tomography(MODEL, counts).raise_if_failed()
    assert MODEL.predict(result.params, counts.measurement).min() >= 0
    start = MODEL.on(counts)._at(MODEL.init_params(np.random.default_rng(0))).probabilities
    n = np.asarray(counts.counts)
    assert result.log_likelihood > n @ np.log(start)
    assert result.n_sigma < 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_stages_go_on_where_short_words_predict_negative_probabilities_of_long_ones(seed: int) -> None:
    result = gate_set_tomography(MODEL, record(16, seed)).raise_if_failed()
    assert abs(result.n_sigma) < 4
    assert result.determined == 31


@pytest.mark.parametrize(("kind", "noise", "shots"), [("tp", 0.0, 10**8), ("tp", 0.0, 10**10), ("cptp", 0.02, 10**12)])
def test_so_many_shots_that_a_shot_more_is_lost_in_float64_have_an_optimum(kind, noise, shots) -> None:
    result = gate_set_tomography(xyi_gate_set(kind), record(2, 3, shots, noise))
    assert result.converged, result.status
    assert result.n_sigma < 3


@pytest.mark.parametrize("longest", [1, 4])
@pytest.mark.parametrize("kind", ["tp", "cptp"])
def test_nothing_has_converged_far_from_the_optimum(kind, longest) -> None:
    for noise in (0.001, 0.02):
        result = gate_set_tomography(xyi_gate_set(kind), record(longest, 1, 10**12, noise))
        assert not result.converged or result.n_sigma < 3, result.status


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6, 0.3, 1e3])
def test_the_excess_of_likelihood_has_all_its_digits(apart) -> None:
    f, p = 0.3, 0.3 * (1 + apart)
    with mpmath.workdps(50):
        exact = float(mpmath.mpf(f) * mpmath.log(mpmath.mpf(f) / p) - f + p)
    assert abs(excess(np.array([f]), np.array([p]))[0] - exact) <= 1e-15 * max(apart, 1e-30) * max(1.0, apart)
    assert excess(np.array([0.0, 1.0]), np.array([1e-3, 1e-200])).tolist() == pytest.approx([1e-3, 459.517018598809])
