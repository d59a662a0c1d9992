"""Maximum likelihood from counts: optimum, certificate, edge cases, and what is refused."""

import numpy as np
import pytest
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import tomography
from qml._checks import InputError
from qml.measurement import (
    Counts,
    PauliMeasurement,
    ProductMeasurement,
    ReadoutMeasurement,
    mutually_unbiased_bases,
    sample,
    sic,
)
from qml.states import (
    DensityMatrix,
    State,
    basis_state,
    ghz,
    ginibre,
    haar_pure,
    maximally_mixed,
    nearest_density_matrix,
)
from qml.tomography import choose_rank, maximum_likelihood

METHODS = ("conjugate_gradient", "accelerated", "rrr", "diluted")


def log_likelihood(counts: Counts, state: State) -> float:
    p, n = counts.measurement.probabilities(state), np.asarray(counts.counts)
    return float(n[n > 0] @ np.log(p[n > 0]))


def bound(counts: Counts, state: State) -> float:
    """The certificate, written out."""
    p, n = counts.measurement.probabilities(state), np.asarray(counts.counts, dtype=float)
    weights = np.divide(n, p, out=np.zeros_like(n), where=n > 0)
    r = sum(w * counts.measurement.element(k) for k, w in enumerate(weights) if w)
    return float(n.sum() * np.log(np.linalg.eigvalsh(r)[-1] / n.sum()))


def record(state: State, shots: int, seed: int, measurement=None) -> Counts:
    measurement = PauliMeasurement(len(state.dims)) if measurement is None else measurement
    return sample(state, measurement, shots, np.random.default_rng(seed))


@every("kind", ["pure", "rank two", "full", "mixed"])
@every("n", [1, 2, 3, 4])
@every("shots", [20, 1000, 10**12])
def test_the_default_gap_is_certified(n, kind, shots):
    rng = np.random.default_rng([n, shots])
    rho = {
        "pure": haar_pure((2,) * n, rng),
        "rank two": ginibre((2,) * n, rng, rank=2),
        "full": ginibre((2,) * n, rng),
        "mixed": maximally_mixed((2,) * n),
    }[kind]
    counts = record(rho, shots, n)
    result = maximum_likelihood(counts).raise_if_failed()
    assert result.certificate <= max(1e-9, 1e-12 * abs(result.log_likelihood))
    assert result.log_likelihood == pytest.approx(log_likelihood(counts, result.state), rel=1e-14)
    assert result.log_likelihood >= log_likelihood(counts, rho) - result.certificate
    DensityMatrix(result.state.matrix(), result.state.dims)  # validates


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_find_the_same_likelihood(method):
    counts = record(ginibre((2, 2), np.random.default_rng(3), rank=2), 300, 4)
    best = maximum_likelihood(counts)
    result = maximum_likelihood(counts, method=method, gap=1e-4).raise_if_failed()
    assert result.certificate <= 1e-4
    assert abs(result.log_likelihood - best.log_likelihood) <= 1e-4


@given(seed=st.integers(0, 10**6), rank=st.integers(1, 4))
def test_no_state_beats_the_certificate(seed, rank):
    rng = np.random.default_rng(seed)
    counts = record(ginibre((2, 2), rng, rank=rank), 50, seed)
    rough = maximum_likelihood(counts, max_iterations=int(rng.integers(0, 12)), gap=0.0, relative_gap=0.0)
    best = maximum_likelihood(counts)
    assert rough.certificate == pytest.approx(bound(counts, rough.state), rel=1e-6, abs=1e-9)
    assert best.log_likelihood - rough.log_likelihood <= rough.certificate + 1e-9
    for _ in range(5):
        other = ginibre((2, 2), rng, rank=int(rng.integers(1, 5)))
        assert log_likelihood(counts, other) <= best.log_likelihood + best.certificate


def test_inside_the_bloch_ball_the_estimate_is_linear_inversion():
    counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[60, 40], [45, 55], [130, 70]])
    state = maximum_likelihood(counts).state.matrix()
    expected = np.array([0.2, -0.1, 0.3])
    bloch = [2 * state[1, 0].real, 2 * state[1, 0].imag, (state[0, 0] - state[1, 1]).real]
    assert np.abs(bloch - expected).max() < 1e-6
    assert np.abs(tomography.least_squares(counts) - state).max() < 1e-6


def test_outside_the_bloch_ball_the_estimate_is_pure():
    counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[90, 10], [10, 90], [90, 10]])
    assert np.linalg.eigvalsh(tomography.least_squares(counts))[0] < -0.1
    result = maximum_likelihood(counts)
    assert result.rank == 1
    assert float(result.state.purity()) == pytest.approx(1.0, abs=1e-12)
    one = np.sqrt(1 / 3)  # by symmetry
    assert float(result.state.expect([[0, 1], [1, 0]])) == pytest.approx(one, abs=1e-6)


def test_shots_that_differ_between_settings_weigh_as_they_should():
    m = PauliMeasurement(["X", "Y", "Z"])
    weights = np.array([10, 10, 1000, 3000, 1, 1])
    result = maximum_likelihood(Counts(m, weights))
    assert result.certificate <= 1e-8
    assert bound(result.counts, result.state) <= 1e-7
    z = float(result.state.expect([[1, 0], [0, -1]]))
    assert z == pytest.approx(0.0, abs=1e-5)
    y = float(result.state.expect([[0, -1j], [1j, 0]]))
    assert y == pytest.approx(-0.5, abs=1e-5)


def test_settings_without_shots_do_not_matter():
    m = PauliMeasurement(2)
    counts = record(ginibre((2, 2), np.random.default_rng(1)), 500, 2)
    kept = np.asarray(counts.counts).reshape(9, 4).copy()
    kept[[1, 4]] = 0
    partial = maximum_likelihood(Counts(m, kept))
    chosen = maximum_likelihood(counts.subset([s for k, s in enumerate(m.settings) if k not in (1, 4)]))
    assert partial.log_likelihood == pytest.approx(chosen.log_likelihood, abs=1e-7)


@every("pure", [True, False])
@every(
    "measurement",
    [
        mutually_unbiased_bases(3),
        sic(3),
        mutually_unbiased_bases(5),
        ProductMeasurement([mutually_unbiased_bases(3)] * 2),
    ],
    ids=["qutrit bases", "qutrit sic", "five levels", "two qutrits"],
)
def test_other_dimensions(measurement, pure):
    rng = np.random.default_rng(7)
    rho = haar_pure(measurement.dims, rng) if pure else ginibre(measurement.dims, rng)
    counts = record(rho, 100_000, 8, measurement)
    result = maximum_likelihood(counts).raise_if_failed()
    assert result.state.dims == measurement.dims
    assert float(np.abs(result.state.matrix() - rho.matrix()).max()) < 0.02
    assert result.determined.missing == 0


def test_a_known_readout_error_is_undone():
    m = ReadoutMeasurement(PauliMeasurement(2), [[[0.95, 0.1], [0.05, 0.9]]] * 2)
    counts = record(ghz(2), 10**6, 1, m)
    result = maximum_likelihood(counts).raise_if_failed()
    assert float(result.state.expect(ghz(2).matrix())) > 0.995
    raw = maximum_likelihood(Counts(PauliMeasurement(2), np.asarray(counts.counts)))
    assert float(raw.state.expect(ghz(2).matrix())) < 0.9


def test_one_basis_is_said_to_leave_directions_open():
    result = maximum_likelihood(record(ghz(2), 1000, 1, PauliMeasurement(["ZZ"])))
    assert result.converged
    assert "not unique: the settings determine 4 of 16 directions" in result.status
    assert result.determined.missing == 12
    assert set(result.determined.directions) == {a + b for a in "IXYZ" for b in "IXYZ"} - {"II", "IZ", "ZI", "ZZ"}
    assert "not unique" not in maximum_likelihood(record(ghz(2), 10, 1)).status


def test_the_null_space_of_a_general_measurement():
    m = mutually_unbiased_bases(3).select([0, 1])
    missing = tomography.determined(Counts(m, [1, 2, 3, 4, 5, 6]))
    assert (missing.rank, missing.missing) == (5, 4)
    for direction in missing.directions:
        assert np.abs(m.probabilities_of(direction)).max() < 1e-12
        assert np.linalg.norm(direction) == pytest.approx(1.0)


@pytest.mark.parametrize("shots", [1, 10**12])
def test_all_shots_on_one_outcome(shots):
    result = maximum_likelihood(Counts(PauliMeasurement(["ZZ"]), [shots, 0, 0, 0])).raise_if_failed()
    assert result.log_likelihood == pytest.approx(0.0, abs=1e-9)
    assert float(result.state.probabilities()[0]) == pytest.approx(1.0, abs=1e-12)


def test_exact_probabilities_of_a_pure_state_give_it_back():
    m = PauliMeasurement(3)
    counts = Counts.from_frequencies(m, m.probabilities(ghz(3)), 1000.0)
    result = maximum_likelihood(counts).raise_if_failed()
    assert float(result.state.expect(ghz(3).matrix())) == pytest.approx(1.0, abs=1e-9)


def test_what_rounding_forbids_is_told():
    """By chance a certificate is rounded to zero: then the status says what rounding leaves uncertain of it."""
    found = []
    for seed in range(8):
        counts = record(ginibre((2, 2), np.random.default_rng(seed)), 10**12, seed + 1)
        found.append(maximum_likelihood(counts, gap=1e-9, relative_gap=0.0))
    for result in found:
        assert result.rounding > result.wanted == 1e-9
        assert result.certificate < 1e-11 * abs(result.log_likelihood)
        assert f"rounding leaves up to {result.rounding:.2g} nats of that uncertain" in result.status
    short = [result for result in found if not result.converged]
    assert short
    for result in short:
        assert "not certified: stopped at the limit of rounding" in result.status
        assert "1e-09 were wanted" in result.status
        with pytest.raises(tomography.TomographyError, match="limit of rounding"):
            result.raise_if_failed()


def test_the_iteration_limit_is_told():
    result = maximum_likelihood(record(ghz(2), 100, 1), max_iterations=1, gap=0.0, relative_gap=0.0)
    assert "the iteration limit after 1 iteration;" in result.status


def test_a_smaller_rank_is_kept_and_compared_with_all_states():
    counts = record(ginibre((2, 2), np.random.default_rng(5)), 2000, 6)
    best = maximum_likelihood(counts)
    found = [maximum_likelihood(counts, rank=r) for r in (1, 2, 3)]
    for r, result in enumerate(found, start=1):
        assert result.rank <= r
        assert result.converged
        assert result.status.startswith(f"stationary among the states of rank {r} or less")
        assert best.log_likelihood - result.log_likelihood <= result.certificate
    values = [result.log_likelihood for result in found]
    assert values == sorted(values)
    assert values[0] < best.log_likelihood - 100


def test_a_smaller_rank_is_found_where_the_best_start_rules_out_what_was_seen():
    """Least squares lies on the z axis: the projector on its largest eigenvector says that 1 is never seen along Z."""
    counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    result = maximum_likelihood(counts, rank=1)
    assert result.converged
    x, y = np.meshgrid(*[np.linspace(-0.99, 0.99, 397)] * 2)
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0.0, None))
    pure = 50 * np.log((1 - x**2) / 4) + 50 * np.log((1 - y**2) / 4)
    pure += 80 * np.log((1 + z) / 2) + 20 * np.log(np.where(z < 1, 1 - z, 1e-9) / 2)
    assert 0 <= result.log_likelihood - pure[x**2 + y**2 <= 1].max() < 0.1
    assert choose_rank(counts).tests[0].statistic == pytest.approx(
        2 * (maximum_likelihood(counts).log_likelihood - result.log_likelihood), abs=1e-2
    )
    with pytest.raises(InputError, match=r"start must give every outcome .* outcome '1' of setting 'Z'.* has none"):
        maximum_likelihood(counts, rank=1, start=basis_state("0"))


def test_hedging_keeps_full_rank_and_its_certificate_holds():
    counts = record(ghz(2), 100, 1)
    beta = 0.5
    assert maximum_likelihood(counts).rank < 4

    def hedged(state: State) -> float:
        return log_likelihood(counts, state) + beta * float(np.linalg.slogdet(state.matrix())[1])

    result = maximum_likelihood(counts, hedging=beta).raise_if_failed()
    assert np.linalg.eigvalsh(result.state.matrix())[0] > 1e-4
    rng = np.random.default_rng(0)
    for size in 10.0 ** -np.arange(1, 6):
        step = size * (ginibre((2, 2), rng).matrix() - result.state.matrix())
        near = DensityMatrix._trusted(result.state.matrix() + step, (2, 2))
        assert hedged(near) <= hedged(result.state) + result.certificate


def test_the_certificate_of_a_hedged_likelihood_is_jensens_bound_and_no_less():
    """One setting: with m_k = n_k + beta and M their sum, the best is p* = m / M, and L* - L(q) = M KL(p* | q)."""
    n, beta, q = np.array([1000, 0]), 400.0, np.array([0.01, 0.99])
    result = maximum_likelihood(
        Counts(PauliMeasurement(["Z"]), n), hedging=beta, start=DensityMatrix.from_probabilities(q), max_iterations=0
    )
    best = (n + beta) / (n + beta).sum()
    missing = (n + beta) @ np.log(best / q)
    assert missing == pytest.approx(5499, rel=1e-3)
    assert missing < result.certificate == pytest.approx((n + beta).sum() * np.log(max(best / q)), rel=1e-10)


def test_the_diluted_method_is_not_stopped_by_the_rounding_of_the_trace():
    """Steps that gain less than rounding of the trace seems to cost were refused here, without end."""
    rng = np.random.default_rng(18)
    counts = sample(ginibre((2,), rng, rank=1), PauliMeasurement(1), 50, rng)
    assert maximum_likelihood(counts, method="diluted").converged


def test_maximum_entropy_picks_the_state_that_assumes_least():
    counts = record(ghz(2), 5000, 1, PauliMeasurement(["ZZ"]))
    result = tomography.maximum_entropy(counts, gap=1e-3)
    assert result.converged
    assert np.abs(result.state.matrix() - np.diag(result.state.probabilities())).max() < 1e-10
    likeliest = maximum_likelihood(counts)
    assert likeliest.log_likelihood - result.log_likelihood <= 1e-3
    assert float(result.state.entropy()) >= float(likeliest.state.entropy()) - 1e-6
    complete = record(ginibre((2, 2), np.random.default_rng(1)), 10**5, 2)
    one, other = tomography.maximum_entropy(complete, gap=1e-4), maximum_likelihood(complete)
    assert np.abs(one.state.matrix() - other.state.matrix()).max() < 1e-3


def test_maximum_entropy_of_overlapping_marginals_is_a_gibbs_state():
    counts = record(ginibre((2, 2), np.random.default_rng(4)), 10**5, 2, PauliMeasurement(["ZZ", "XZ"]))
    result = tomography.maximum_entropy(counts, gap=1e-3)
    values, vectors = np.linalg.eigh(result.state.matrix())
    k = (vectors * np.log(values)) @ vectors.conj().T
    from qml.engines.pauli_state import vector_of

    coefficients = np.abs(vector_of(k, 2).reshape(4, 4))
    measured = np.zeros((4, 4), dtype=bool)
    for a, b in ((0, 0), (0, 3), (3, 0), (3, 3), (1, 0), (1, 3)):
        measured[a, b] = True
    assert coefficients[~measured].max() < 1e-6 < coefficients[measured].max()


def test_least_squares_recovers_exact_data_and_projects_to_the_nearest_state():
    rho = ginibre((2, 2, 2), np.random.default_rng(0))
    m = PauliMeasurement(3)
    exact = tomography.least_squares(Counts.from_frequencies(m, m.probabilities(rho)))
    assert np.abs(exact - rho.matrix()).max() < 1e-12
    noisy = tomography.least_squares(record(ghz(3), 100, 1))
    assert np.trace(noisy).real == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.eigvalsh(noisy)[0] < 0 <= np.linalg.eigvalsh(nearest_density_matrix(noisy).matrix())[0] + 1e-15


def test_a_start_can_be_given():
    counts = record(ghz(2), 100, 1)
    one = maximum_likelihood(counts, start=maximally_mixed((2, 2)))
    assert one.log_likelihood == pytest.approx(maximum_likelihood(counts).log_likelihood, abs=1e-8)


def test_the_result_speaks():
    result = maximum_likelihood(record(ghz(2), 1000, 1))
    assert "certified after" in result.summary()
    assert "\N{CHECK MARK}" in result._repr_html_()
    assert len(result.history) == len(result.history.gap)
    assert (np.diff(result.history.iteration) > 0).all()
    assert result.deviance == pytest.approx(result.setting_deviances.sum())
    assert 0 < result.deviance < 3 * result.degrees


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"method": "conjugate"}, "method must be one of"),
        ({"rank": 5}, "rank must be an integer from 1 to 4; found 5."),
        ({"method": "rrr", "rank": 2}, "rank and hedging need the method 'conjugate_gradient'"),
        ({"rank": 2, "hedging": 0.5}, "hedging keeps the state of full rank"),
        ({"gap": -1.0}, "gap must be a finite number of at least 0"),
        ({"start": basis_state("00")}, "start must be of full rank"),
        ({"start": np.diag([1.0, 1e-30, 1e-30, 1e-30])}, "start must be of full rank"),
        ({"start": maximally_mixed((2,))}, "start must be one state of dims"),
    ],
)
def test_bad_arguments_are_told(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        maximum_likelihood(record(ghz(2), 10, 1), **arguments)


def test_bad_records_are_told():
    with pytest.raises(InputError, match="counts must be a Counts, a record of outcomes"):
        maximum_likelihood({"Z": {"0": 1}})
    with pytest.raises(InputError, match="no shots"):
        maximum_likelihood(Counts(PauliMeasurement(["Z"]), [0, 0]))


def test_small_eigenvalues_grow_as_fast_as_large_ones():
    """At 1e12 shots eigenvalues of 1e-8 count; a preconditioner that overrates their curvature needs 371 steps."""
    rho = ginibre((2,) * 3, np.random.default_rng([3, 10**12, 1]), rank=2)
    assert maximum_likelihood(record(rho, 10**12, 4)).raise_if_failed().iterations < 200
