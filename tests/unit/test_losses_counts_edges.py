"""Losses of counts at the edges of float64 and of memory: cold states, impossible outcomes, many qubits."""

import math

import numpy as np
import pytest
from helpers.cases import every

from qml import states
from qml._checks import MemoryRefused
from qml.losses import MMD, ChiSquare, ClassicalCrossEntropy, NegativeLogLikelihood, SquaredError
from qml.measurement import (
    CombinedMeasurement,
    Counts,
    PauliMeasurement,
    ProjectiveMeasurement,
    clifford_bases,
    computational_basis,
    mutually_unbiased_bases,
    pauli_six,
)
from qml.states import DensityMatrix, GibbsState


@pytest.mark.parametrize("loss", [NegativeLogLikelihood(), ChiSquare()])
def test_a_derivative_beyond_float64_is_none_and_not_nan(loss):
    counts = Counts(PauliMeasurement(["Z"]), [3, 1])
    for gap in (10.0, 300.0, 400.0, 720.0, 740.0, 800.0):
        value, gradient = loss.value_and_cotangent(counts, states.GibbsState([0.0, gap]))
        assert (value == math.inf) == (gradient is None)
        assert gradient is None or np.isfinite(gradient).all()


@pytest.mark.parametrize("p", [1e-300, 1e-310, 5e-324])
def test_an_outcome_that_was_not_seen_costs_its_probability_however_small(p: float) -> None:
    counts, sigma = Counts(PauliMeasurement(["Z"]), [3, 0]), DensityMatrix.from_probabilities([1.0, p])
    value, gradient = ChiSquare().value_and_cotangent(counts, sigma)
    assert value == ChiSquare().value(counts, sigma) == p
    assert np.array_equal(gradient, [0.0, 1.0])


COMPUTATIONAL = {
    "Pauli": PauliMeasurement(["ZZ"]),
    "in another order": ProjectiveMeasurement(np.eye(4)[[[2, 0, 3, 1], [0, 1, 2, 3]]].swapaxes(1, 2)),
    "both": CombinedMeasurement([PauliMeasurement(["ZZ"]), computational_basis(2)]),
}


@pytest.mark.parametrize("gap", [1.0, 700.0, 746.0, 1e5])
@every("measured", COMPUTATIONAL)
def test_log_probabilities_of_diagonal_gibbs_states_are_finite_at_any_gap(measured: str, gap: float) -> None:
    """L = sum_k f_k (E_k + log Z), and dL/dE = the populations of the frequencies less those of sigma."""
    measurement, energies = COMPUTATIONAL[measured], gap * np.array([0.0, 1.0, 0.25, 3.0])
    counts = Counts(measurement, np.arange(1, measurement.n_outcomes + 1))
    effects = np.array([np.diag(measurement.element(k)).real for k in range(measurement.n_outcomes)])
    seen, p = counts.shares() @ effects, np.exp(-energies) / np.exp(-energies).sum()
    value, cotangent = NegativeLogLikelihood().value_and_cotangent(counts, GibbsState(energies))
    assert value == NegativeLogLikelihood().value(counts, GibbsState(energies))
    assert value == pytest.approx(seen @ energies + math.log(np.exp(-energies).sum()), rel=1e-14)
    assert np.allclose(cotangent, seen - p, atol=1e-15)


def test_log_probabilities_of_products_of_gibbs_states_are_finite() -> None:
    cold = states.ProductState([GibbsState([0.0, 800.0]), GibbsState([0.0, 900.0])])
    value, (first, second) = NegativeLogLikelihood().value_and_cotangent(
        Counts(PauliMeasurement(["ZZ"]), [1, 2, 3, 4]), cold
    )
    assert value == pytest.approx(0.7 * 800 + 0.6 * 900, rel=1e-14)
    assert np.allclose([first, second], [[-0.7, 0.7], [-0.6, 0.6]])


def test_a_likelihood_of_ones_own_is_asked() -> None:
    class Doubled(NegativeLogLikelihood):
        def compare(self, counts, p, resolution):
            value, slope = super().compare(counts, p, resolution)
            return 2 * value, 2 * slope

    counts, sigma = Counts(PauliMeasurement(["Z"]), [3, 1]), GibbsState([0.0, 1.0])
    assert Doubled().value(counts, sigma) == pytest.approx(2 * NegativeLogLikelihood().value(counts, sigma))


PURE = {
    "six outcomes": (states.ghz(2), pauli_six(2)),
    "a vector of a basis": (
        DensityMatrix.from_vector(mutually_unbiased_bases(5).bases[1][:, 1], (5,)),
        mutually_unbiased_bases(5),
    ),
    "Clifford bases": (states.basis_state("000"), clifford_bases(3, 8, np.random.default_rng(0))),
}


@every("kind", PURE)
def test_outcomes_that_are_impossible_but_for_rounding_cost_nothing(kind: str) -> None:
    """Exact probabilities of a pure state, compared with its own: the cross entropy is their entropy."""
    rho, measurement = PURE[kind]
    loss = ClassicalCrossEntropy(measurement)
    target = loss.accept(rho, rho.dims)
    assert loss.value(target, rho) == pytest.approx(loss.floor(target), rel=1e-13)
    p = measurement.probabilities(rho)
    assert (p >= 0).all()
    assert set((p < 1e-13).tolist()) == {True, False}
    assert not p[p < 1e-13].any()


def test_each_part_of_a_combined_measurement_has_its_own_rounding() -> None:
    """Probabilities that are read off count down to zero, also beside some that are computed."""
    rare = DensityMatrix.from_probabilities([1.0, 1e-20])
    both = CombinedMeasurement([PauliMeasurement(["Z"]), PauliMeasurement(["X"])])
    assert both.probabilities(rare).tolist() == pytest.approx([1.0, 1e-20, 0.5, 0.5], rel=1e-14)
    value = NegativeLogLikelihood().value(Counts(both, [[3, 1], [2, 2]]), rare)
    assert value == pytest.approx((20 * math.log(10) + 4 * math.log(2)) / 8, rel=1e-14)


def test_diagonal_states_of_many_qubits_take_no_matrix(monkeypatch) -> None:
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**8)
    n = 14
    sigma = DensityMatrix.from_probabilities(np.full(2**n, 2.0**-n))
    counts = Counts(PauliMeasurement(["Z" * n]), np.arange(2**n))
    value, slope = NegativeLogLikelihood().value_and_cotangent(counts, sigma)
    assert value == pytest.approx(n * math.log(2), rel=1e-14)
    assert slope == pytest.approx(-counts.shares() * 2**n, rel=1e-14)
    with pytest.raises(MemoryRefused, match="the Pauli vector of 14 qubits"):
        counts.measurement.adjoint(np.ones(2**n))
    with pytest.raises(MemoryRefused, match="the Pauli vector of 14 qubits"):
        PauliMeasurement(["Z" * n, "X" * n]).probabilities(sigma)


@pytest.mark.parametrize("loss", [ChiSquare(), SquaredError(), MMD()], ids=repr)
def test_slopes_of_diagonal_states_of_many_qubits_take_no_matrix(monkeypatch, loss) -> None:
    """The last entry of the slopes of four qubits and of fourteen, by a difference of values."""
    for n in (4, 14):
        d, h = 2**n, 1e-6
        energies, shares = np.linspace(0.0, 1.0, d), np.linspace(1.0, 2.0, d) / (1.5 * d)
        counts, last = Counts.from_frequencies(PauliMeasurement(["Z" * n]), shares), np.arange(d) == d - 1
        if n == 14:
            monkeypatch.setattr("qml._checks.available_memory", lambda: 10**8)
        _, of_k = loss.value_and_cotangent(counts, GibbsState(energies))
        ends = [loss.value(counts, GibbsState(energies + step * last)) for step in (-h, h)]
        assert of_k[-1] == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-3, abs=1e-11)
        _, of_p = loss.value_and_cotangent(counts, DensityMatrix.from_probabilities(shares))
        assert of_p == pytest.approx(np.zeros(d), abs=1e-12)
        empirical = counts.empirical_state()
        assert empirical.is_diagonal
        assert empirical.probabilities() == pytest.approx(shares, rel=1e-13)


def test_the_discrepancy_of_qutrits_that_do_not_fit_is_refused(monkeypatch) -> None:
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**8)
    uniform, pure = states.maximally_mixed((3,) * 8), states.haar_pure((3,) * 8, np.random.default_rng(0))
    assert np.allclose(MMD().value_and_cotangent(uniform, uniform)[1], 0.0)
    with pytest.raises(MemoryRefused, match="a matrix of dimension 6561"):
        MMD().value_and_cotangent(uniform, pure)
