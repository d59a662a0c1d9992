"""Maximum likelihood at its edges: no shots, one level, impossible outcomes, sizes of weights and of matrices."""

import numpy as np
import pytest

from qml import tomography
from qml._checks import InputError, MemoryRefused
from qml.measurement import Counts, PauliMeasurement, computational_basis
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
