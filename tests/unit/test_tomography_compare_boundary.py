"""Rates that are not there: larger models end a little above smaller ones, which is no failure, and records drawn are
fitted with such a rate too."""

from __future__ import annotations

import numpy as np
import pytest

from qml import Circuit, CircuitModel, PauliMeasurement, channels, fit, gates, sample
from qml._checks import InputError
from qml.fitting import Gaussian
from qml.losses import NegativeLogLikelihood, TrainableReadout
from qml.measurement import Counts
from qml.optimizers import NaturalGradient
from qml.processes import Experiments, LindbladModel
from qml.tomography import goodness_of_fit, likelihood_ratio

DECAY = {"decay": [[0, 1], [0, 0]]}
SMALLER, LARGER = LindbladModel({"w": "Z"}, DECAY), LindbladModel({"w": "Z"}, {**DECAY, "dephasing": "Z"})
TRUTH = {"w": 0.7, "decay": 0.2}


def learnt(model: LindbladModel, counts: Counts, start: dict[str, float], **options: float):
    found = fit(model, counts, params0=start, optimizer=NaturalGradient(), progress=False, **options)
    assert found.converged
    return found


def record(model: LindbladModel, truth: dict[str, float], seed: int) -> Counts:
    setup = Experiments.product(np.linspace(0.2, 3.0, 6), 1, PauliMeasurement(1))
    return setup.simulate(model.predict(truth, setup), 200, np.random.default_rng(seed))


@pytest.mark.slow
def test_a_rate_that_is_not_there_has_an_answer_in_every_record() -> None:
    """Half of the time the larger model gains nothing; where it does, the statistic is that of one degree."""
    p_values = []
    for seed in range(24):
        counts = record(SMALLER, TRUTH, seed)
        least = learnt(SMALLER, counts, TRUTH)
        most = learnt(LARGER, counts, {**SMALLER.natural(least.params), "dephasing": 0.01})
        p_values.append(likelihood_ratio(least, most, boundary=1).p_value)
    gains_nothing = np.count_nonzero(np.array(p_values) > 0.49)
    assert 5 <= gains_nothing <= 19  # 12 expected, three standard deviations
    assert min(p_values) > 1e-4


def test_a_rate_at_its_end_gives_the_p_value_one() -> None:
    counts = next(c for c in (record(SMALLER, TRUTH, seed) for seed in range(20)) if gain(c) < 0)
    least, most = fits(counts)
    assert most.loss > least.loss
    assert likelihood_ratio(least, most, boundary=1).p_value == 1.0


def test_a_rate_that_is_there_is_found() -> None:
    counts = record(LARGER, {**TRUTH, "dephasing": 0.1}, 0)
    assert likelihood_ratio(*fits(counts), boundary=1).p_value < 1e-6


def test_readout_errors_are_parameters_and_priors_are_refused() -> None:
    """The statistic is 2 N times the difference of the losses a shot, whatever part of the model the parameters are."""
    counts = Counts(PauliMeasurement(["Z", "X"]), [[950, 50], [520, 480]])
    model = CircuitModel(Circuit(1, [gates.RY("a", 0)]))
    smaller = fit(model, counts, seed=0, progress=False)
    likelihood = NegativeLogLikelihood(TrainableReadout(1))
    larger = fit(model, counts, loss=likelihood, seed=0, progress=False)
    found = likelihood_ratio(smaller, larger)
    assert found.degrees == 2
    assert found.statistic == pytest.approx(2 * 2000 * (smaller.loss - larger.loss))
    with pytest.raises(InputError, match="smaller must be a fit without a prior"):
        likelihood_ratio(fit(model, counts, prior=Gaussian(0.5), seed=0, progress=False), larger)
    with pytest.raises(InputError, match="larger must be a fit of counts by their likelihood"):
        likelihood_ratio(smaller, fit(model, counts, loss="chi_square", seed=0, progress=False))


def test_a_larger_model_far_from_its_optimum_is_refused() -> None:
    counts = record(LARGER, {**TRUTH, "dephasing": 0.1}, 0)
    least = learnt(LARGER, counts, {**TRUTH, "dephasing": 0.1})
    with pytest.raises(InputError, match="must have more parameters"):
        likelihood_ratio(least, least)
    other = LindbladModel({"w": "X", "v": "Y"}, {"a": "X", "b": "Y"})  # more parameters, not nested
    with pytest.raises(InputError, match=r"fits worse, by .* nats: the models are not nested"):
        likelihood_ratio(least, learnt(other, counts, {"w": 0.1, "v": 0.1, "a": 0.1, "b": 0.1}))


def fits(counts: Counts):
    least = learnt(SMALLER, counts, TRUTH)
    return least, learnt(LARGER, counts, {**SMALLER.natural(least.params), "dephasing": 0.01})


def gain(counts: Counts) -> float:
    least, most = fits(counts)
    return least.loss - most.loss


def test_records_drawn_from_a_rate_of_zero_are_fitted_with_one() -> None:
    """An angle and a depolarization reach every point (<X>, <Z>) of the unit disc: of records of a pure state half are
    inside, and have no deviance. Where theta is far out, the likelihood of none has a slope in the rate."""
    model = CircuitModel(Circuit(1, [gates.RY("angle", 0), channels.Depolarizing("p", 0)]))
    counts = sample(model.state([0.7, -100.0]), PauliMeasurement(["X", "Z"]), 300, np.random.default_rng(1))
    found = fit(model, counts, seed=0, progress=False)
    assert model.natural(found.params)["p"] < 1e-9
    test = goodness_of_fit(model, found, replicates=30, seed=0)
    assert abs(np.mean(test.simulated < 1e-3) - 0.5) < 3 * np.sqrt(0.25 / 30)
    rates = np.array([model.natural(theta)["p"] for theta in test.params])
    assert rates[test.simulated < 1e-9].min() > 1e-5
    assert rates[test.simulated > 1e-2].max() < 1e-4
