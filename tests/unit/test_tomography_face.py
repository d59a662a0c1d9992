"""What the certificate proves of all states of maximum likelihood: their rank, whether there is one, and rounding."""

import mpmath
import numpy as np
import pytest

from qml.losses import fidelity
from qml.measurement import Counts, PauliMeasurement, mutually_unbiased_bases, sample
from qml.operators.sets import hermitian_basis
from qml.states import DensityMatrix, State, basis_state, ghz, ginibre, haar_pure, maximally_mixed
from qml.tomography import FisherInformation, TomographyResult, maximum_entropy, maximum_likelihood
from qml.tomography.likelihood import Likelihood


def operator(result: TomographyResult) -> np.ndarray:
    """R."""
    counts, m = result.counts, result.counts.measurement
    n, p = np.asarray(counts.counts, dtype=float), m.probabilities(result.state)
    return m.adjoint(np.divide(n / counts.total, p, out=np.zeros_like(n), where=n > 0))


def records(count: int) -> list[Counts]:
    found = []
    for seed in range(count):
        rng = np.random.default_rng([13, seed])
        n = 1 + seed % 3
        rho = ginibre((2,) * n, rng, rank=int(rng.integers(1, min(3, 2**n) + 1)))
        found.append(sample(rho, PauliMeasurement(n), int(10 ** rng.uniform(1.5, 4)), rng))
    return found


def test_a_coarse_gap_reports_the_rank_of_the_optimum():
    wrong = 0
    for counts in records(24):
        best, coarse = maximum_likelihood(counts), maximum_likelihood(counts, gap=1e-3)
        slack = 1 - np.linalg.eigvalsh(operator(best))  # zero on the support of the optimum, and only there
        assert best.rank == np.count_nonzero(slack < 1e-5)
        assert coarse.certificate <= 1e-3
        wrong += coarse.rank != best.rank
    assert wrong <= 1


@pytest.mark.parametrize("method", ["accelerated", "rrr", "diluted"])
def test_other_methods_report_it_too(method):
    counts = sample(haar_pure((2, 2), np.random.default_rng(1)), PauliMeasurement(2), 400, np.random.default_rng(2))
    best = maximum_likelihood(counts)
    found = maximum_likelihood(counts, method=method, gap=1e-4, max_iterations=20000).raise_if_failed()
    assert found.rank == best.rank < 4
    assert found.certificate <= 1e-4


def pauli(settings: list[str], counts: list[list[int]]) -> Counts:
    return Counts(PauliMeasurement(settings), np.ravel(counts))


UNIQUE = {
    "one click": (pauli(["Z"], [[1, 0]]), basis_state("0")),
    "one click on two qubits": (pauli(["ZZ"], [[0, 1, 0, 0]]), basis_state("01")),
    "two settings of a Bell state": (pauli(["XX", "ZZ"], [[50, 0, 0, 50]] * 2), ghz(2)),
    "outside the circle": (
        pauli(["X", "Z"], [[95, 5], [95, 5]]),
        DensityMatrix.from_vector([np.cos(np.pi / 8), np.sin(np.pi / 8)]),
    ),
    "a qutrit": (Counts(mutually_unbiased_bases(3).select([0]), [0, 7, 0]), basis_state("1", dims=(3,))),
}


@pytest.mark.parametrize("name", UNIQUE)
def test_positivity_singles_out_a_state(name):
    counts, only = UNIQUE[name]
    result = maximum_likelihood(counts)
    assert result.determined.missing > 0
    assert result.unique is True
    assert "; unique: the settings determine" in result.status
    assert "not unique" not in result.status
    assert result.rank == 1
    assert float(fidelity(only, result.state)) == pytest.approx(1.0, abs=1e-6)


def test_outcomes_never_seen_can_leave_a_state_open_though_all_settings_were_measured():
    every = maximum_likelihood(sample(ghz(2), PauliMeasurement(2), 1, np.random.default_rng(1)))
    assert every.determined.missing == 0
    assert every.unique is True
    counts = Counts(mutually_unbiased_bases(3), [3, 4, 5] + [0] * 9)
    found = maximum_likelihood(counts)
    assert found.unique is False


def test_one_outcome_that_a_setting_lacks_leaves_nothing_open_where_another_lacks_none():
    def all_seen(counts: list[list[int]], settings: list[str]) -> bool:
        return Likelihood(pauli(settings, counts)).sees_all

    assert all_seen([[5, 1], [4, 4]], ["X", "Z"])
    assert all_seen([[5, 0], [4, 4]], ["X", "Z"])
    assert all_seen([[5, 0], [4, 4], [0, 0]], ["X", "Z", "Y"])  # Y is not measured
    assert not all_seen([[5, 0], [4, 0]], ["X", "Z"])  # no trace: X = 1 - Z says nothing of either
    assert not all_seen([[5, 0, 0, 5], [4, 4, 4, 4]], ["XX", "ZZ"])
    mixed = DensityMatrix._trusted(0.8 * ghz(2).matrix() + 0.05 * np.eye(4), (2, 2))
    counts = np.array(sample(mixed, PauliMeasurement(2), 500, np.random.default_rng(3)).counts)
    counts[[1, 34]] = 0
    problem = Likelihood(Counts(PauliMeasurement(2), counts))
    seen = np.array([problem.probabilities(b) for b in hermitian_basis(4)])
    assert problem.sees_all
    assert np.linalg.matrix_rank(seen) == 16


@pytest.mark.parametrize("settings", [["XX", "ZZ"], ["XZ"], ["XX", "YY", "ZZ"]])
def test_where_it_is_not_unique_another_state_is_as_likely(settings):
    mixed = DensityMatrix._trusted(0.8 * ghz(2).matrix() + 0.05 * np.eye(4), (2, 2))
    counts = sample(mixed, PauliMeasurement(settings), 500, np.random.default_rng(3))
    result = maximum_likelihood(counts)
    assert result.unique is False
    assert "; not unique: the settings determine" in result.status
    other = maximum_likelihood(counts, start=ginibre((2, 2), np.random.default_rng(1)))
    assert other.log_likelihood == pytest.approx(result.log_likelihood, abs=1e-8)
    assert np.abs(other.state.matrix() - result.state.matrix()).max() > 0.01
    assert "not unique" in maximum_entropy(counts, gap=1e-4).status


def test_where_nothing_is_proved_nothing_is_said_of_it():
    """Frequencies on the circle x^2 + z^2 = 1: the smallest change makes y free, or fixes it."""
    result = maximum_likelihood(pauli(["X", "Z"], [[80, 20], [90, 10]]))
    assert result.unique is None
    assert "whether positivity determines the rest is not decided" in result.status
    inside, outside = (maximum_likelihood(pauli(["X", "Z"], [[80, 20], [n, 100 - n]])) for n in (88, 92))
    assert (inside.unique, outside.unique) == (False, True)


def test_settings_that_determine_everything_are_not_mentioned():
    for seed, shots in enumerate((1, 10, 1000)):
        rho = ginibre((2, 2), np.random.default_rng(seed))
        result = maximum_likelihood(sample(rho, PauliMeasurement(2), shots, np.random.default_rng(seed)))
        assert result.unique is True
        assert result.status.endswith("of the largest.")


def hard(small: float) -> Counts:
    """Outcomes that are seen although they are as unlikely as `small`."""
    rho = (1 - small) * basis_state("0").matrix() + small * ginibre((2,), np.random.default_rng(4)).matrix()
    return sample(DensityMatrix._trusted(rho, (2,)), PauliMeasurement(1), 10**12, np.random.default_rng(1))


@pytest.mark.parametrize("small", [0.5, 1e-3, 1e-5, 1e-7, 1e-9])
def test_at_many_shots_the_certificate_is_right_to_the_rounding_that_is_told(small):
    counts = hard(small)
    result = maximum_likelihood(counts, gap=0.0, relative_gap=0.0, max_iterations=2000)
    mpmath.mp.dps = 40
    state = result.state.matrix()
    sigma = mpmath.matrix(state.tolist()) / mpmath.mpf(1)
    sigma = sigma / (sigma[0, 0] + sigma[1, 1])
    r, n = mpmath.zeros(2), np.asarray(counts.counts)
    for k in np.flatnonzero(n):
        effect = mpmath.matrix((np.round(2 * counts.measurement.element(int(k))) / 2).tolist())
        p = mpmath.re((effect * sigma)[0, 0] + (effect * sigma)[1, 1])
        r += effect * (mpmath.mpf(int(n[k])) / int(counts.total) / p)
    exact = float(counts.total * mpmath.log(max(mpmath.eigh(r, eigvals_only=True))))
    assert abs(exact - result.certificate) <= result.rounding
    assert result.certificate <= 2 * result.rounding  # what can be reached
    p = counts.measurement.probabilities(result.state)[n > 0].min()
    assert 0.05 < result.rounding / (counts.total * np.finfo(float).eps / p) < 2


def test_rounding_beyond_the_gap_is_told():
    assert "rounding" not in maximum_likelihood(hard(0.5)).status
    result = maximum_likelihood(hard(1e-9))
    assert result.rounding > 1e5 > result.wanted
    assert f"rounding leaves up to {result.rounding:.2g} nats of that uncertain" in result.status
    assert f"rounding {result.rounding:.2g}" in result.summary()


def repeated(rho: State, count: int) -> list[TomographyResult]:
    rng = np.random.default_rng(7)
    return [maximum_likelihood(sample(rho, PauliMeasurement(2), 1000, rng), rank=1, gap=1e-4) for _ in range(count)]


def test_errors_of_fidelities_at_fixed_rank_are_the_scatter_of_repeated_experiments():
    rng = np.random.default_rng(3)
    rho = haar_pure((2, 2), rng)
    results = repeated(rho, 60)
    for target in (haar_pure((2, 2), rng), ginibre((2, 2), rng), maximally_mixed((2, 2))):
        value, error = FisherInformation(results[0], within_rank=True).fidelity(target)
        values = [float(fidelity(target, r.state)) for r in results]
        assert value == pytest.approx(values[0], abs=1e-12)
        assert error == pytest.approx(np.std(values), rel=0.3, abs=1e-7)
    assert FisherInformation(results[0], within_rank=True).fidelity(results[0].state)[1] < 1e-6


def test_the_curvature_of_the_likelihood_along_a_parabola_of_probabilities():
    problem = Likelihood(Counts(PauliMeasurement(["X", "Z"]), [[60, 40], [20, 80]]))
    p = np.array([0.5, 0.5, 0.3, 0.7])
    changes = np.array([[0.2, -0.2, 0.1, -0.1], [-0.3, 0.3, 0.4, -0.4]])

    def loss(t):
        return -float(problem.shares @ np.log(p + t * changes[0] + t * t * changes[1]))

    second = (loss(1e-4) - 2 * loss(0.0) + loss(-1e-4)) / 1e-8
    assert problem.curvature(p, changes) == pytest.approx(second, rel=1e-5)
    assert problem.slope(0.0, p, changes)[1] == pytest.approx(second, rel=1e-5)
