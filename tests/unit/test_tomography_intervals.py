"""Intervals from the likelihood ratio, and the tables of errors: closed forms, general optimizers, and coverage."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import chi2

from qml import Circuit, CircuitModel, channels, fit, gates
from qml._checks import InputError
from qml.losses import NegativeLogLikelihood, fidelity
from qml.measurement import Counts, PauliMeasurement, mutually_unbiased_bases, sample
from qml.states import DensityMatrix, State, basis_state, ghz, ginibre, maximally_mixed
from qml.tomography import (
    FisherInformation,
    ProfileLikelihood,
    bootstrap,
    choose_rank,
    goodness_of_fit,
    maximum_likelihood,
    model_errors,
)
from qml.tomography.slices import Map, best_of

Z = np.diag([1.0, -1.0])
Y = np.array([[0, -1j], [1j, 0]])


def record(state: State, shots: int, seed: int, measurement=None) -> Counts:
    measurement = PauliMeasurement(len(state.dims)) if measurement is None else measurement
    return sample(state, measurement, shots, np.random.default_rng(seed))


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_many_records_at_once_reach_the_likelihood_that_is_certified(rank):
    rho = ginibre((2, 2), np.random.default_rng(rank), rank=rank)
    records = [record(rho, shots, seed) for seed, shots in enumerate((5, 100, 10_000, 10**7))]
    space = Map(PauliMeasurement(2), np.eye(4, dtype=complex), None)
    best = best_of(space, 0.0, np.array([c.counts for c in records], dtype=float), 1e-3)
    for counts, value, state in zip(records, best.values, best.states, strict=True):
        found = maximum_likelihood(counts)
        assert found.log_likelihood - 1e-3 <= value <= found.log_likelihood + found.certificate + 1e-9
        assert np.linalg.eigvalsh(state)[0] > 0
        assert np.trace(state).real == pytest.approx(1.0, abs=1e-12)


def test_a_slice_keeps_its_value_and_has_the_likelihood_that_a_general_optimizer_finds():
    counts = record(ginibre((2,), np.random.default_rng(1)), 60, 2)
    n = np.asarray(counts.counts, dtype=float).reshape(3, 2)

    def loss(xy: np.ndarray, z: float) -> float:
        r = np.array([*xy, z])
        if r @ r >= 1:
            return np.inf
        return -float((n * np.log(np.stack([1 + r, 1 - r], axis=1) / 2)).sum())

    space = Map(counts.measurement, np.eye(2, dtype=complex), Z.astype(complex))
    for z in (-0.7, 0.1, 0.95):
        best = best_of(space, z, n.reshape(1, 6), 1e-5)
        assert np.vdot(Z, best.states[0]).real == pytest.approx(z, abs=1e-12)
        exact = min(
            minimize(loss, start, args=(z,), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}).fun
            for start in ([0.0, 0.0], [0.1, -0.1])
        )
        assert best.values[0] == pytest.approx(-exact, abs=1e-5)


def test_one_axis_alone_gives_the_interval_of_the_binomial_likelihood_ratio():
    result = maximum_likelihood(Counts(PauliMeasurement(["Z"]), [70, 30]))
    low, high = result.interval(Z, replicates=0)

    def excess(z: float) -> float:
        lack = 70 * np.log(0.7 / ((1 + z) / 2)) + 30 * np.log(0.3 / ((1 - z) / 2))
        return 2 * lack - chi2.ppf(0.95, 1)

    assert (low, high) == pytest.approx((brentq(excess, -0.9, 0.4), brentq(excess, 0.4, 0.99)), abs=2e-4)
    drawn = result.interval(Z, replicates=200, seed=3)
    assert drawn == pytest.approx((low, high), abs=0.03)
    assert result.interval(Z, 0.68, replicates=0)[0] > low
    assert result.interval(Z, replicates=20, seed=3) == result.interval(Z, replicates=20, seed=3)


def test_what_no_setting_measures_is_held_by_positivity_alone():
    result = maximum_likelihood(Counts(PauliMeasurement(["X", "Z"]), [50, 50, 90, 10]))
    low, high = result.interval(Y, replicates=0)
    limit = chi2.ppf(0.95, 1)

    def lack(y: float) -> float:  # z is drawn towards the axis by the smallest amount that leaves room for y
        z = min(0.8, np.sqrt(1 - y * y))
        return 2 * (90 * np.log(0.9 / ((1 + z) / 2)) + 10 * np.log(0.1 / ((1 - z) / 2))) - limit

    assert (low, high) == pytest.approx((-brentq(lack, 0.6, 0.99), brentq(lack, 0.6, 0.99)), abs=1e-3)
    assert ProfileLikelihood(result.counts, Y).statistic(0.5) == pytest.approx(0.0, abs=2.1e-3)


def test_inside_it_is_twice_the_standard_error():
    rho = ginibre((2, 2), np.random.default_rng(8))
    result = maximum_likelihood(record(rho, 5000, 1))
    value, error = FisherInformation(result).fidelity(ghz(2))
    assert result.interval(ghz(2), replicates=0) == pytest.approx(
        (value - 1.96 * error, value + 1.96 * error), abs=0.1 * error
    )


def test_ends_of_the_spectrum():
    result = maximum_likelihood(Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [100, 0]]))
    profile = ProfileLikelihood(result.counts, basis_state("0"))
    assert (profile.low, profile.high) == (0.0, 1.0)
    assert profile.statistic(0.0) == np.inf
    assert profile.p_value(0.0, replicates=19) == 1 / 20
    assert profile.statistic(1.0) == profile.statistic(1.0 - 1e-12) == pytest.approx(0.0, abs=2.1e-3)
    assert profile.interval(replicates=40)[1] == 1.0
    qutrit = maximum_likelihood(record(ginibre((3,), np.random.default_rng(1)), 200, 2, mutually_unbiased_bases(3)))
    low, high = qutrit.interval(np.diag([1.0, 1.0, 0.0]), replicates=0)  # an eigenspace of dimension two
    assert 0 < low < ProfileLikelihood(qutrit.counts, np.diag([1.0, 1.0, 0.0])).estimate < high < 1
    assert qutrit.interval(np.eye(3), replicates=0) == (1.0, 1.0)


def test_the_law_at_a_pure_truth_is_not_that_of_one_direction():
    """One qubit at F = 1: N (x^2 + y^2) is chi-square of two, and moving to (x, y) costs half as much along z, since
    1 - z >= (x^2 + y^2) / 2: two thirds of it is gained."""
    profile = ProfileLikelihood(record(basis_state("0"), 2000, 1), basis_state("0"))
    drawn = profile._law(1.0, profile._lack(1.0)[1], 800, 1)
    assert drawn.mean() == pytest.approx(4 / 3, rel=0.15)
    assert np.quantile(drawn, 0.95) == pytest.approx(2 / 3 * chi2.ppf(0.95, 2), rel=0.15)


def script():
    path = Path(__file__).parents[2] / "experiments" / "measured" / "intervals.py"
    spec = importlib.util.spec_from_file_location("intervals_of_records", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("name", script().scenes())
def test_the_likelihood_ratio_covers_inside_and_at_the_boundary(name):
    module, records = script(), 120
    truth, target = module.scenes()[name]
    value, hits = float(np.clip(fidelity(target, truth), 0.0, 1.0)), 0
    for k in range(records):
        result = maximum_likelihood(record(truth, 500, 1000 + k), gap=1e-3)
        # among 20 of one law each is as often the largest: the probability of p = 0.05 is 5 percent, as with more
        hits += ProfileLikelihood(result.counts, target).p_value(value, replicates=19, seed=k) > 0.05
    # 95 percent less three and a half standard deviations, 7 percent
    assert hits >= 0.88 * records


def test_the_interval_holds_what_is_not_ruled_out():
    result = maximum_likelihood(record(ghz(2), 200, 1))
    profile = ProfileLikelihood(result.counts, ghz(2))
    low, high = profile.interval(replicates=60, seed=2)
    assert high == 1.0
    assert profile.p_value(1.0, replicates=60, seed=2) > 0.05
    assert profile.p_value(low - 0.01, replicates=60, seed=2) <= 0.05
    spread = bootstrap(result, {"F": lambda s: fidelity(ghz(2), s)}, replicates=20, seed=1)
    assert spread.interval("F")[1] < 1.0  # records of an estimate inside never come back to the boundary
    assert spread.interval("F", kind="basic")[1] > 1.0
    basic, percentile = (spread.interval("F", kind=kind) for kind in ("basic", "percentile"))
    assert sum(basic) + sum(percentile) == pytest.approx(4 * spread.estimates["F"])


@pytest.mark.parametrize(
    ("operator", "arguments", "sentence"),
    [
        (maximally_mixed((2, 2)), {}, "the fidelity with a mixed state is not an expectation"),
        (basis_state("0"), {}, r"the state must be one of dims \(2, 2\)"),
        (np.triu(np.ones((4, 4))), {}, "operator must be Hermitian"),
        (np.eye(4), {"level": 0.3}, "level must be"),
        (np.eye(4), {"replicates": 10}, "replicates must be at least 20 for the level 0.95, or 0; found 10"),
    ],
)
def test_bad_arguments_are_told(operator, arguments, sentence):
    result = maximum_likelihood(record(ghz(2), 20, 1))
    with pytest.raises(InputError, match=sentence):
        result.interval(operator, **arguments)


def test_bad_records_and_values_are_told():
    m = PauliMeasurement(1)
    weights = maximum_likelihood(Counts.from_frequencies(m, m.probabilities(basis_state("0")), 100.0))
    with pytest.raises(InputError, match=r"needs integer counts.*found weights"):
        weights.interval(Z)
    with pytest.raises(InputError, match=r"found 3e\+12 counts in dimension 2"):
        maximum_likelihood(record(basis_state("0"), 10**12, 1)).interval(Z)
    with pytest.raises(InputError, match="value must be"):
        ProfileLikelihood(record(basis_state("0"), 10, 1), Z).statistic(1.1)


def test_tables_of_errors_show_themselves():
    rho = ginibre((2, 2), np.random.default_rng(3)).matrix()
    counts = record(DensityMatrix._trusted((rho + np.eye(4) / 4) / 2, (2, 2)), 300, 1)
    result = maximum_likelihood(counts)
    model = CircuitModel(Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), channels.PhaseFlip("p<q", 1)]))
    found = fit(
        model, counts, loss=NegativeLogLikelihood(), params0=[0.3, 0.1], seed=0, max_iterations=30, progress=False
    )
    errors = model_errors(model, found)
    test = goodness_of_fit(model, found, replicates=2, seed=1, max_iterations=5)
    tables = [
        (FisherInformation(result), "15 of 15 determined"),
        (bootstrap(result, {"a<b": State.purity}, replicates=3, seed=1), "3 drawn, parametric, seed 1"),
        (errors, f"{errors.deviance:.6g} for about {errors.degrees} degrees of freedom"),
        (test, f"{test.p_value:.3g} from 2 records"),
        (choose_rank(counts, [4]), "rank 4"),
        (result, "certified after"),
    ]
    for table, words in tables:
        assert words in str(table) == table.summary()
        assert repr(table).startswith(f"<{type(table).__name__}: ")
        assert len(repr(table)) < 400
        assert table._repr_html_().startswith("<table><caption>")
    assert "a&lt;b" in tables[1][0]._repr_html_()
    assert "p&lt;q" in errors._repr_html_()


@pytest.mark.parametrize("unit", [1e-24, 1e24])
def test_intervals_follow_the_unit_of_the_operator(unit):
    """An energy in joules has the interval of the same energy in other units."""
    counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    low, high = ProfileLikelihood(counts, Z).interval(replicates=40)
    assert 0.3 < low < 0.5 < 0.7 < high < 0.8
    assert ProfileLikelihood(counts, unit * Z).interval(replicates=40) == pytest.approx(
        (unit * low, unit * high), rel=1e-3, abs=0
    )


@pytest.mark.parametrize("constant", [1e6, 1e10])
def test_a_constant_moves_an_interval_and_nothing_else(constant):
    """As the energy of what is not measured."""
    counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    here, moved = ProfileLikelihood(counts, Z), ProfileLikelihood(counts, Z + constant * np.eye(2))
    ends = moved.interval(replicates=40)
    assert [end - constant for end in ends] == pytest.approx(here.interval(replicates=40), abs=1e-5)
    assert moved.p_value(constant + 0.5, replicates=40) == here.p_value(0.5, replicates=40)
    same = ProfileLikelihood(counts, constant * np.eye(2))
    assert same.interval(replicates=40) == pytest.approx((constant, constant), rel=1e-15, abs=0)


@pytest.mark.parametrize("shots", [[1, 1, 1], [2, 2, 2], [5, 1, 0]])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_true_value_is_ruled_out_no_more_often_than_its_p_value_says_where_shots_are_few(shots, value):
    """Many records of few shots have equal statistics: those of all of them are drawn exactly."""
    counts = [
        sample(basis_state("0"), PauliMeasurement(1), np.array(shots), np.random.default_rng(seed))
        for seed in range(40)
    ]
    found: dict[tuple[int, ...], float] = {}
    for record_ in counts:
        key = tuple(record_.counts)
        if key not in found:
            found[key] = ProfileLikelihood(record_, "X" if value == 0.0 else "Z").p_value(value, replicates=99)
    ruled_out = [found[tuple(record_.counts)] <= 0.1 for record_ in counts]
    assert np.mean(ruled_out) <= 0.1 + 3 * math.sqrt(0.09 / len(counts))


@pytest.mark.parametrize("split", [1e-3, 1e-6, 1e-8])
def test_levels_that_lie_close_together_have_values_between_them(split):
    """One axis alone: as t = 1 - split * p_1, the interval is that of the weight p_1 of a binomial law."""
    counts = Counts(PauliMeasurement(["ZZ"]), [50, 50, 0, 0])
    profile = ProfileLikelihood(counts, np.diag([1.0, 1.0 - split, 0.0, 0.0]))
    weight = 0.75
    expected = 2 * (100 * math.log(0.5) - 50 * math.log(weight) - 50 * math.log(1 - weight))
    assert profile.statistic(1 - split * weight) <= expected + 0.01  # other states have this value, too
    assert profile.statistic(1 - split * 0.2) == pytest.approx(
        2 * (100 * math.log(0.5) - 50 * math.log(0.2) - 50 * math.log(0.8)), abs=0.01
    )
    low, high = profile.interval(replicates=0)
    assert low < 1 - split / 2 < high <= 1.0
