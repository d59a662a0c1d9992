"""Maximum likelihood at its edges: no shots, one level, impossible outcomes, sizes of weights and of matrices."""

import numpy as np
import pytest

from qml import tomography
from qml._checks import InputError, MemoryRefused
from qml.measurement import Counts, PauliMeasurement, computational_basis, sample
from qml.states import ginibre
from qml.tomography import maximum_likelihood
from qml.tomography.likelihood import Likelihood


def test_an_outcome_that_was_seen_and_has_no_probability_is_infinitely_unlikely():
    problem = Likelihood(Counts(PauliMeasurement(["Z"]), [[60, 40]]))
    assert problem.log_likelihood(np.array([0.6, 0.4])) == pytest.approx(60 * np.log(0.6) + 40 * np.log(0.4))
    assert problem.log_likelihood(np.array([1.0, 0.0])) == problem.log_likelihood(np.array([1.1, -0.1])) == -np.inf


def test_what_does_not_fit_is_refused_by_the_size_of_its_matrices(monkeypatch):
    """64 outcomes of six qubits are 4 KiB; eight matrices are 512 KiB."""
    monkeypatch.setattr("qml._checks.ALWAYS_FITS", 0)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 300_000)
    with pytest.raises(MemoryRefused, match=r"needs 0\.000492 GiB"):
        Likelihood(Counts(PauliMeasurement(["Z" * 6]), np.ones((1, 64), dtype=int)))


def test_a_record_without_shots_has_no_state_of_largest_entropy():
    with pytest.raises(InputError, match="holds no shots at all"):
        tomography.maximum_entropy(Counts(PauliMeasurement(["Z"]), [0, 0]))


def test_the_only_state_of_one_level_has_the_largest_entropy():
    one = Counts(computational_basis((1,)), [5])
    result = tomography.maximum_entropy(one)
    assert result.converged
    assert result.state.matrix() == 1.0
    assert tomography.FisherInformation(tomography.maximum_likelihood(one)).standard_error([[2.0]]) == 0.0


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_the_size_of_weights_changes_no_state(size):
    weights = np.array([[0.5, 0.5], [0.4, 0.6], [0.9, 0.1]])
    here, there = (maximum_likelihood(Counts.from_weights(PauliMeasurement(1), x * weights)) for x in (1.0, size))
    assert there.converged
    if size > 1:  # where it is small, every state is within the gap of 1e-9 nats
        assert np.abs(there.state.matrix() - here.state.matrix()).max() < 1e-5


def test_what_singles_a_state_out_is_told():
    """Positivity at a pure state; the determinant, which is strictly concave, where the likelihood is hedged."""
    counts = Counts(PauliMeasurement(["Z"]), [0, 5])
    assert maximum_likelihood(counts).status.endswith("(none measures X, Y), positivity the rest.")
    assert maximum_likelihood(counts, hedging=0.5).status.endswith("(none measures X, Y), hedging the rest.")


def test_hedging_beyond_what_the_data_can_weigh_is_refused():
    counts = Counts.from_weights(PauliMeasurement(["Z"]), [3e-200, 1e-200])
    with pytest.raises(InputError, match=r"hedging must be a finite number from 0 to 1\.80143985095e-184; found 0\.5"):
        maximum_likelihood(counts, hedging=0.5)


def few_settings(seed):
    """Counts of a state of rank two, of which six settings leave 29 of 64 directions open."""
    rng = np.random.default_rng(seed)
    rho, m = ginibre((2, 2, 2), rng, rank=2), PauliMeasurement(["XYZ", "XZX", "XXX", "YYX", "ZXY", "YZZ"])
    return sample(rho, m, 100_000, rng)


@pytest.mark.parametrize(("seed", "hedging"), [(1237, 0.0), (1246, 0.0), (1537, 0.0), (10, 1e-3), (32, 1e-3)])
def test_records_of_few_settings_are_certified(seed, hedging):
    """Conjugate gradients are 2.4, 0.27, 1.2, 335 and 129 nats away when they no longer get on."""
    counts = few_settings(seed)
    result = maximum_likelihood(counts, hedging=hedging).raise_if_failed()
    n, total, sigma = np.asarray(counts.counts), counts.total, result.state.matrix()
    p = counts.measurement.probabilities(result.state)
    value, slope, mass = float(n @ np.log(p)), counts.measurement.adjoint(n / p), total + 8 * hedging
    if hedging:
        value += hedging * np.linalg.slogdet(sigma)[1]
        slope = slope + hedging * np.linalg.inv(sigma)
    assert float(n @ np.log(p)) == pytest.approx(result.log_likelihood, rel=1e-14)
    assert mass * np.log(np.linalg.eigvalsh(slope)[-1] / mass) <= result.wanted < 1e-11 * abs(value)


def test_a_method_that_no_longer_gets_on_is_not_said_to_be_at_the_limit_of_rounding():
    result = maximum_likelihood(few_settings(79), method="accelerated")
    assert result.certificate > 1e5 * result.rounding
    assert "stopped where the bound had not become smaller in 400 iterations, after" in result.status
    with pytest.raises(tomography.TomographyError, match="not certified"):
        result.raise_if_failed()
