"""Laws of measured data, as properties over random states, bases and measurements (statements 7 to 13)."""

import numpy as np
import pytest
from helpers.arrays import pair
from hypothesis import given
from hypothesis import strategies as st

from qml import GibbsModel, fit, states
from qml._checks import qubit_dims
from qml.fitting import shot_variance
from qml.losses import NegativeLogLikelihood, cross_entropy, measured_report
from qml.measurement import (
    Counts,
    Measurement,
    PauliMeasurement,
    ProjectiveMeasurement,
    haar_bases,
    mutually_unbiased_bases,
    pauli_six,
    sample,
    sic,
)
from qml.measurement.elements import POVM
from qml.states import DensityMatrix

seeds = st.integers(0, 2**32 - 1)
dims = st.sampled_from([2, 3, 4, 6])
LIKELIHOOD = NegativeLogLikelihood()


def exact(rho: DensityMatrix, m: Measurement) -> Counts:
    """Infinitely many shots."""
    return Counts.from_frequencies(m, m.probabilities(rho))


def random_povm(d: int, rng: np.random.Generator) -> POVM:
    """Effects of random ranks, made to add up to the identity."""
    count = int(rng.integers(2, 2 * d + 2))
    raw = np.array([states.ginibre((d,), rng, rank=int(rng.integers(1, d + 1))).matrix() for _ in range(count)])
    raw *= rng.uniform(0.1, 3.0, count)[:, None, None]
    raw[0] += 0.1 * np.eye(d)
    values, vectors = np.linalg.eigh(raw.sum(axis=0))
    half = (vectors / np.sqrt(values)) @ vectors.conj().T
    effects = half @ raw @ half
    return POVM((effects + effects.conj().swapaxes(1, 2)) / 2, (d,))


@given(seeds, dims)
def test_undisturbed_data_are_the_likelihood_in_the_models_eigenbasis(seed: int, d: int) -> None:
    """Statement 7, and 13: measured in that basis, the gap is zero at every number of shots."""
    rho, sigma, rng = pair(seed, d)
    own = ProjectiveMeasurement(sigma.spectrum().basis, (d,))
    assert LIKELIHOOD.value(exact(rho, own), sigma) == pytest.approx(float(cross_entropy(rho, sigma)), rel=1e-10)
    report = measured_report(sample(rho, own, 7, rng), sigma)
    assert report.cost == pytest.approx(0, abs=1e-11 * max(1, report.likelihood))


@given(seeds, dims)
def test_shots_are_unbiased_with_the_variance_of_the_logarithm(seed: int, d: int) -> None:
    """Statement 8, exactly: over the outcomes' distribution."""
    rho, sigma, _ = pair(seed, d)
    spectrum = sigma.spectrum()
    p, logs = rho.populations(spectrum.basis), spectrum.log_eigenvalues
    assert -p @ logs == pytest.approx(float(cross_entropy(rho, sigma)), rel=1e-10)
    assert shot_variance(rho, sigma) == pytest.approx(p @ logs**2 - (p @ logs) ** 2, rel=1e-7, abs=1e-11)


@given(seeds, dims, st.integers(1, 40))
def test_measuring_first_never_gains(seed: int, d: int, shots: int) -> None:
    """Statement 9: S(rho_hat, sigma) >= NLL for a basis, with equality iff what was seen are eigenvectors of sigma."""
    rho, sigma, rng = pair(seed, d)
    basis = haar_bases((d,), 1, rng)
    counts = sample(rho, basis, shots, rng)
    report = measured_report(counts, sigma)
    assert report.cost > 1e-9  # a random basis holds no eigenvector
    # one eigenvector among the columns: no gap where it alone was seen, a gap where others were
    v = sigma.spectrum().basis[:, :1]
    q = np.linalg.qr(np.concatenate([v, rng.normal(size=(d, d - 1)) + 1j * rng.normal(size=(d, d - 1))], axis=1))[0]
    mixed = ProjectiveMeasurement(q, (d,))
    only = Counts(mixed, [shots] + [0] * (d - 1))
    assert measured_report(only, sigma).cost == pytest.approx(0, abs=1e-10)
    if d > 2:
        others = Counts(mixed, [shots] * d)
        assert measured_report(others, sigma).cost > 1e-9


@given(seeds, st.sampled_from([2, 3, 4]), st.integers(1, 60))
def test_any_measurement_pays_the_logarithm_of_its_traces(seed: int, d: int, shots: int) -> None:
    """Statement 10."""
    rho, sigma, rng = pair(seed, d)
    m = random_povm(d, rng)
    report = measured_report(sample(rho, m, shots, rng), sigma)
    assert report.cross_entropy >= report.likelihood + report.log_traces - 1e-10
    joint = measured_report(
        sample(rho, haar_bases((d,), 3, rng), rng.integers(0, 9, 3) + np.array([1, 0, 0]), rng), sigma
    )
    assert joint.cost >= -1e-10


@given(seeds)
def test_sics_need_the_term(seed: int) -> None:
    """Statement 10 for a SIC: all traces are 1/d, and the inequality is shifted by log d."""
    rho, sigma, _ = pair(seed, 2)
    report = measured_report(exact(rho, sic(2)), sigma)
    assert report.log_traces == pytest.approx(-np.log(2))
    assert report.cross_entropy >= report.likelihood - np.log(2) - 1e-12


def test_false_friends_fail_by_example() -> None:
    """Statement 11: what looks true and is not. Each pair of lines shows both signs, or the wrong one."""
    rng = np.random.default_rng(0)
    above, below, orders = [], [], []
    for _ in range(60):
        rho, sigma = states.ginibre((2,), rng), states.ginibre((2,), rng)
        report = measured_report(exact(rho, haar_bases((2,), 1, rng)), sigma, rho)
        above.append(float(cross_entropy(rho, sigma)) - report.likelihood)
        orders.append(report.bias)
        of_sic = measured_report(exact(rho, sic(2)), sigma)
        below.append(of_sic.cross_entropy - of_sic.likelihood)
    assert min(above) < -0.05 < 0.05 < max(above)  # S(rho, sigma) >= NLL with the true rho
    assert min(orders) < -0.05 < 0.05 < max(orders)  # S(rho, sigma) against S(rho_hat, sigma)
    assert min(below) < -0.05  # S(rho_hat, sigma) >= NLL of a SIC without the traces
    # monotone under dephasing of both: a pure pair that dephasing drives apart
    plus = states.DensityMatrix.from_vector(np.array([1, 1]) / np.sqrt(2))
    near = DensityMatrix(0.9 * plus.matrix() + 0.05 * np.eye(2))
    dephased = [DensityMatrix(np.diag(np.diag(s.matrix()).real)) for s in (plus, near)]
    assert float(cross_entropy(*dephased)) > float(cross_entropy(plus, near)) + 0.3
    # jointly convex: the entropy itself, sigma = rho, is concave
    zero, one = states.basis_state("0", dims=(2,)), states.basis_state("1", dims=(2,))
    middle = states.maximally_mixed((2,))
    assert (
        float(cross_entropy(middle, middle)) > (float(cross_entropy(zero, zero)) + float(cross_entropy(one, one))) / 2
    )


@given(seeds, st.sampled_from([1, 2, 3]))
def test_the_empirical_state_of_many_shots_is_not_the_state(seed: int, n: int) -> None:
    """Statement 12: one basis dephases, Pauli-6 gives (rho + 1)/3 on each qubit, 2-designs (rho + 1)/(d + 1)."""
    rng = np.random.default_rng(seed)
    rho = states.ginibre((2,) * n, rng)
    u = haar_bases((2,) * n, 1, rng)
    p = u.probabilities(rho)
    dephased = (u.bases[0] * p) @ u.bases[0].conj().T
    assert np.abs(exact(rho, u).empirical_state().matrix() - dephased).max() < 1e-13
    shrunk = rho.matrix().reshape((2,) * (2 * n))
    for q in range(n):
        traced = np.trace(shrunk, axis1=q, axis2=n + q)
        one = np.moveaxis(np.multiply.outer(np.eye(2), traced), (0, 1), (q, n + q))
        shrunk = (shrunk + one) / 3
    for m in (pauli_six(n), PauliMeasurement(n)):
        assert np.abs(exact(rho, m).empirical_state().matrix() - shrunk.reshape(2**n, 2**n)).max() < 1e-13


@given(seeds, st.sampled_from(["SIC", "MUB"]), st.sampled_from([2, 3]))
def test_two_designs_shrink_towards_the_mixed_state(seed: int, kind: str, d: int) -> None:
    rho = states.ginibre(qubit_dims(d), np.random.default_rng(seed))
    m = sic(d) if kind == "SIC" else mutually_unbiased_bases(d)
    expected = (rho.matrix() + np.eye(d)) / (d + 1)
    assert np.abs(exact(rho, m).empirical_state().matrix() - expected).max() < 1e-13


@given(seeds, st.sampled_from([2, 3, 4]))
def test_the_cross_entropy_of_the_empirical_state_is_least_at_that_state(seed: int, d: int) -> None:
    """Statement 12: its minimum over all states is rho_hat itself; the likelihood's is rho where the measurement is
    informationally complete."""
    rho, sigma, rng = pair(seed, d)
    m = haar_bases((d,), 2 * d, rng)
    counts = exact(rho, m)
    empirical = counts.empirical_state()
    assert float(cross_entropy(empirical, sigma)) >= float(cross_entropy(empirical, empirical)) - 1e-12
    assert LIKELIHOOD.value(counts, sigma) >= LIKELIHOOD.value(counts, rho) - 1e-12
    assert LIKELIHOOD.value(counts, rho) == pytest.approx(LIKELIHOOD.floor(counts), abs=1e-10)


def test_the_likelihood_is_consistent_where_the_empirical_state_is_biased() -> None:
    rho = states.ginibre((2,), np.random.default_rng(3))
    counts = exact(rho, pauli_six())
    model = GibbsModel.all_paulis(1, weight=1)
    by_likelihood = fit(model, counts, loss=LIKELIHOOD, seed=0).state.matrix()
    by_empirical_state = fit(model, counts, loss="cross_entropy", seed=0).state.matrix()
    assert np.abs(by_likelihood - rho.matrix()).max() < 1e-6
    assert np.abs(by_empirical_state - (rho.matrix() + np.eye(2)) / 3).max() < 1e-6
