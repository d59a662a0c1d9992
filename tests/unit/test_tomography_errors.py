"""Error bars, rank choice, models and the estimator: against the scatter of repeated experiments."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from qml import Circuit, CircuitModel, MixtureModel, channels, fit, gates, tomography
from qml._checks import InputError
from qml.fitting import Gaussian
from qml.losses import NegativeLogLikelihood, TrainableReadout, fidelity
from qml.measurement import Counts, PauliMeasurement, ReadoutMeasurement, computational_basis, sample
from qml.states import DensityMatrix, State, basis_state, ghz, ginibre, maximally_mixed
from qml.tomography import FisherInformation, StateTomography, bootstrap, choose_rank, maximum_likelihood, model_errors

Z = np.diag([1.0, -1.0])


@pytest.fixture(scope="module")
def mixed() -> State:
    rho = ginibre((2, 2), np.random.default_rng(8)).matrix()
    return DensityMatrix._trusted(0.6 * rho + 0.1 * np.eye(4), (2, 2))


def test_fisher_errors_are_the_scatter_of_repeated_experiments(mixed):
    m, rng = PauliMeasurement(2), np.random.default_rng(0)
    operator = np.kron(Z, Z) + 0.3 * np.kron(Z, np.eye(2))
    results = [maximum_likelihood(sample(mixed, m, 2000, rng), gap=1e-4) for _ in range(150)]
    values = [float(r.state.expect(operator)) for r in results]
    fisher = FisherInformation(results[0])
    assert fisher.matrix.shape == (15, 15)
    assert fisher.standard_error(operator) == pytest.approx(np.std(values), rel=0.15)
    observed = FisherInformation(results[0], observed=True)
    assert observed.standard_error(operator) == pytest.approx(fisher.standard_error(operator), rel=0.05)
    assert observed.standard_error(operator) != fisher.standard_error(operator)
    target = ghz(2)
    scatter = np.std([float(fidelity(target, r.state)) for r in results])
    value, error = fisher.fidelity(target)
    assert value == pytest.approx(float(fidelity(target, results[0].state)))
    assert error == pytest.approx(scatter, rel=0.15)


def test_an_undetermined_expectation_has_an_infinite_error():
    counts = Counts(PauliMeasurement(["X", "Z"]), [[60, 40], [70, 30]])
    fisher = FisherInformation(maximum_likelihood(counts))
    assert fisher.standard_error([[0, -1j], [1j, 0]]) == math.inf
    assert fisher.standard_error(Z) == pytest.approx(2 * math.sqrt(0.7 * 0.3 / 100), rel=1e-6)
    with pytest.raises(InputError, match="operator must be Hermitian"):
        fisher.standard_error([[0, 1], [0, 0]])


@pytest.mark.parametrize("many", [10**4, 10**10, 10**13])
def test_errors_do_not_depend_on_the_shots_of_other_settings(many):
    counts = Counts(PauliMeasurement(1), [[6, 4], [4, 6], [many // 5 * 4, many // 5]])
    fisher = FisherInformation(maximum_likelihood(counts, relative_gap=0.0, max_iterations=100))
    p = counts.measurement.probabilities(fisher.result.state)
    for letter, shots, at in (("X", 10, p[0]), ("Y", 10, p[2]), ("Z", many, p[4])):
        assert fisher.standard_error(letter) == pytest.approx(2 * math.sqrt(at * (1 - at) / shots), rel=1e-4)


def test_a_constant_has_no_error_and_adds_none_whatever_is_undetermined():
    fisher = FisherInformation(maximum_likelihood(Counts(PauliMeasurement(["Z", "X"]), [[60, 40], [55, 45]])))
    assert fisher.standard_error(1e9 * np.eye(2)) == 0.0
    assert fisher.standard_error(3 * np.eye(2) + Z) == pytest.approx(fisher.standard_error(Z))
    assert fisher.standard_error({"Z": 1.0, "Y": 1e-6}) == math.inf


def test_at_the_boundary_the_fisher_information_asks_for_consent():
    result = maximum_likelihood(sample(ghz(2), PauliMeasurement(2), 500, np.random.default_rng(1)))
    with pytest.raises(InputError, match="at the boundary the likelihood is not quadratic"):
        FisherInformation(result)
    r = result.rank
    fisher = FisherInformation(result, within_rank=True)
    assert len(fisher.matrix) == 8 * r - r * r - 1
    assert 0 < fisher.standard_error(np.kron(Z, np.eye(2))) < 0.1


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_the_bootstrap_agrees_with_fisher_inside(mixed, kind):
    result = maximum_likelihood(sample(mixed, PauliMeasurement(2), 2000, np.random.default_rng(2)))
    spread = bootstrap(result, {"z": lambda s: s.expect(np.kron(Z, np.eye(2)))}, replicates=75, kind=kind, seed=3)
    expected = FisherInformation(result).standard_error(np.kron(Z, np.eye(2)))
    assert spread.standard_error("z") == pytest.approx(expected, rel=0.25)
    low, high = spread.interval("z")
    assert low < spread.estimates["z"] < high
    assert abs(spread.bias("z")) < expected
    assert high - low == pytest.approx(4 * expected, rel=0.3)


def test_the_bootstrap_follows_its_seed(mixed):
    result = maximum_likelihood(sample(mixed, PauliMeasurement(2), 100, np.random.default_rng(2)))

    def values(seed: int, replicates: int) -> np.ndarray:
        return bootstrap(result, {"p": State.purity}, replicates=replicates, seed=seed).values["p"]

    assert np.array_equal(values(1, 6)[:3], values(1, 3))
    assert not np.array_equal(values(1, 3), values(2, 3))


@pytest.mark.slow
def test_the_bootstrap_does_not_depend_on_the_number_of_workers(mixed):
    result = maximum_likelihood(sample(mixed, PauliMeasurement(2), 100, np.random.default_rng(2)))
    one, two = (bootstrap(result, {"p": State.purity}, replicates=9, seed=1, workers=w) for w in (1, 2))
    assert np.array_equal(one.values["p"], two.values["p"])
    assert np.array_equal(one.log_likelihoods, two.log_likelihoods)


@pytest.mark.slow
def test_the_bootstrap_in_processes_needs_no_guard_in_a_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from qml import Counts, PauliMeasurement, State, tomography\n"
        "counts = Counts(PauliMeasurement(['X', 'Y', 'Z']), [[50, 50], [50, 50], [80, 20]])\n"
        "result = tomography.maximum_likelihood(counts)\n"
        "drawn = tomography.bootstrap(result, {'purity': State.purity}, replicates=4, seed=0, workers=2)\n"
        "print(drawn.values['purity'].size)\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == ("4\n", 0), ended.stderr


@pytest.mark.slow
def test_a_process_of_the_bootstrap_that_dies_is_told(mixed, monkeypatch):
    result = maximum_likelihood(sample(mixed, PauliMeasurement(2), 100, np.random.default_rng(2)))
    monkeypatch.setattr(sys.modules["qml.tomography.bootstrap"], "partial", lambda *_: lambda stream: os._exit(1))
    with pytest.raises(InputError, match="workers: a process that worked on a replicate died"):
        bootstrap(result, {"p": State.purity}, replicates=4, seed=1, workers=2)


def test_the_statistic_near_the_boundary_follows_the_projected_noise():
    """Wilks' law would give a mean of 9 for rank one in dimension four."""
    rho, m, rng = ginibre((2, 2), np.random.default_rng(5), rank=1), PauliMeasurement(2), np.random.default_rng(6)
    statistics = []
    for _ in range(30):
        counts = sample(rho, m, 5000, rng)
        full, one = maximum_likelihood(counts, gap=1e-3), maximum_likelihood(counts, rank=1, gap=1e-3)
        statistics.append(2 * (full.log_likelihood - one.log_likelihood))
    expected, spread = tomography.expected_excess(4, 1)
    assert abs(np.mean(statistics) - expected) < 0.5 * spread
    assert np.mean(statistics) < 4.5


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_rank_is_found(rank):
    rng = np.random.default_rng(rank)
    v = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0][:, :rank]
    rho = DensityMatrix.from_factor(v / np.sqrt(rank), (2, 2))
    choice = choose_rank(sample(rho, PauliMeasurement(2), 3000, rng))
    assert choice.rank == rank
    assert [t.rank for t in choice.tests] == list(range(1, rank + 1))
    assert all(
        a.log_likelihood <= b.log_likelihood + 1e-3 for a, b in zip(choice.tests, choice.tests[1:], strict=False)
    )
    assert "<-" in str(choice)
    assert choose_rank(choice.full.counts, [4, 3, rank, 4]).rank == rank  # the smallest, in any order
    with pytest.raises(InputError, match="ranks must hold at least one rank"):
        choose_rank(choice.full.counts, [])


def noisy_model() -> CircuitModel:
    return CircuitModel(Circuit(2, [gates.H(0), gates.RY("a", 0), gates.CNOT(0, 1), channels.PhaseFlip("p", 1)]))


def test_errors_of_a_model_are_the_scatter_of_repeated_fits():
    model, m, rng = noisy_model(), PauliMeasurement(2), np.random.default_rng(0)
    truth = model.unconstrained({"a": 0.4, "p": 0.1})
    loss, found = NegativeLogLikelihood(), []
    for _ in range(60):
        counts = sample(model.state(truth), m, 400, rng)
        found.append(fit(model, counts, loss=loss, params0=truth, seed=0, progress=False))
    errors = model_errors(model, found[0])
    scatter = np.std([r.params for r in found], axis=0)
    assert errors.names == ("a", "p")
    assert errors.standard_errors == pytest.approx(scatter, rel=0.25)
    assert errors.robust_errors == pytest.approx(errors.standard_errors, rel=0.2)
    value, error = errors.natural["p"]
    assert value == pytest.approx(0.1, abs=4 * error)
    assert error == pytest.approx(np.std([model.natural(r.params)["p"] for r in found]), rel=0.25)
    assert errors.aic == pytest.approx(4 - 2 * errors.log_likelihood)
    assert errors.log_likelihood == pytest.approx(-found[0].loss * 3600, rel=1e-12)
    assert errors.degrees == 27 - 2
    assert errors.deviance == pytest.approx(2 * 3600 * found[0].gap, rel=1e-9)


def test_the_errors_of_shares_are_those_of_the_multinomial_law():
    """The weights of a mixture depend on all log-odds: sqrt(w (1 - w) / N) each, if its members exclude each other."""
    members = [DensityMatrix.from_probabilities(p, (4,)) for p in np.eye(4)]
    model, shares = MixtureModel(members), np.array([0.4, 0.3, 0.2, 0.1])
    counts = Counts(computational_basis((4,)), (1000 * shares).astype(int))
    errors = model_errors(model, fit(model, counts, seed=0, gradient_tolerance=1e-10)).natural
    for k in (1, 2, 3):
        value, error = errors[f"w_{k}"]
        assert value == pytest.approx(shares[k], abs=1e-6)
        assert error == pytest.approx(math.sqrt(shares[k] * (1 - shares[k]) / 1000), rel=1e-5)


def test_a_share_that_the_record_does_not_tell_has_an_infinite_error():
    model = MixtureModel([basis_state("0"), basis_state("1"), basis_state("1")])
    counts = Counts(PauliMeasurement(["Z"]), [700, 300])
    errors = model_errors(model, fit(model, counts, seed=0)).natural
    assert [error for _, error in errors.values()] == [math.inf, math.inf]


def test_a_rate_at_the_end_of_its_interval_has_no_error_of_zero():
    model = CircuitModel(Circuit(1, [gates.RY("a", 0), channels.Depolarizing("p", 0)]))
    counts = Counts(PauliMeasurement(["X", "Z"]), [[900, 100], [800, 200]])
    found = fit(model, counts, params0=[0.9, -1000.0], max_iterations=0, progress=False)
    errors = model_errors(model, found).natural
    assert errors["p"] == (0.0, math.inf)
    assert math.isfinite(errors["a"][1])


def test_readout_parameters_have_errors_too():
    model, readout = CircuitModel(Circuit(1, [gates.RY("a", 0)])), TrainableReadout(1)
    loss, m = NegativeLogLikelihood(readout), PauliMeasurement(["X", "Z"])
    faulty = ReadoutMeasurement(m, [[[0.97, 0.08], [0.03, 0.92]]])
    drawn = sample(model.state([0.7]), faulty, 10**6, np.random.default_rng(1))
    start = np.concatenate([[0.7], readout.unconstrained([[0.03, 0.08]])])
    counts = Counts(m, np.asarray(drawn.counts))
    result = fit(model, counts, loss=loss, params0=start, seed=0, progress=False)
    lacking = model_errors(model, result, loss=loss)
    assert lacking.degrees == -1
    assert np.isinf(lacking.standard_errors).any()  # three parameters, two probabilities
    three = PauliMeasurement(["X", "Y", "Z"])
    drawn = sample(
        model.state([0.7]), ReadoutMeasurement(three, [[[0.97, 0.08], [0.03, 0.92]]]), 10**6, np.random.default_rng(1)
    )
    result = fit(model, Counts(three, np.asarray(drawn.counts)), loss=loss, params0=start, seed=0, progress=False)
    errors = model_errors(model, result, loss=loss)
    assert np.isfinite(errors.standard_errors).all()
    for name, truth in (("readout_0_1_given_0", 0.03), ("readout_0_0_given_1", 0.08), ("a", 0.7)):
        value, error = errors.natural[name]
        assert 0 < error < 0.02
        assert abs(value - truth) < 4 * error


def test_goodness_of_fit_tells_a_right_model_from_a_wrong_one():
    model, m, rng = noisy_model(), PauliMeasurement(2), np.random.default_rng(3)
    truth = model.unconstrained({"a": 0.4, "p": 0.1})
    good = sample(model.state(truth), m, 300, rng)
    bad = sample(maximally_mixed((2, 2)), m, 300, rng)
    p_values = []
    for counts in (good, bad):
        result = fit(model, counts, loss=NegativeLogLikelihood(), params0=truth, seed=0, progress=False)
        test = tomography.goodness_of_fit(model, result, replicates=19, seed=1)
        assert test.deviance == pytest.approx(model_errors(model, result).deviance, rel=1e-6)
        p_values.append(test.p_value)
    assert p_values[0] > 0.05
    assert p_values[1] == pytest.approx(1 / 20)


def test_a_fit_to_a_state_has_no_counting_errors():
    model = noisy_model()
    result = fit(model, ghz(2), seed=0, max_iterations=1, progress=False)
    with pytest.raises(InputError, match="the fit must be one to counts"):
        model_errors(model, result)


@pytest.mark.parametrize("loss", ["chi_square", "squared_error", "cross_entropy"])
def test_a_fit_of_another_loss_has_no_deviance(loss):
    """Its loss above the floor would be taken for it."""
    model = noisy_model()
    counts = sample(model.state([0.4, 0.0]), PauliMeasurement(2), 100, np.random.default_rng(0))
    result = fit(model, counts, loss=loss, seed=0, max_iterations=1, progress=False)
    for judge in (model_errors, tomography.goodness_of_fit):
        with pytest.raises(InputError, match=r"must be one of the likelihood of the counts: .* found \w+\(\)\."):
            judge(model, result)


def test_a_prior_has_a_share_in_the_loss():
    model = noisy_model()
    counts = sample(model.state([0.4, 0.0]), PauliMeasurement(2), 100, np.random.default_rng(0))
    result = fit(model, counts, prior=Gaussian(), seed=0, max_iterations=1, progress=False)
    with pytest.raises(InputError, match="a fit without a prior"):
        tomography.goodness_of_fit(model, result, replicates=1)


def test_a_model_without_parameters_has_no_errors():
    fixed = CircuitModel(Circuit(1, [gates.RY(0.7, 0)]))
    counts = Counts(PauliMeasurement(["Z"]), [80, 20])
    errors = model_errors(fixed, fit(fixed, counts, seed=0, progress=False))
    assert errors.standard_errors.shape == (0,)
    assert errors.degrees == 1
    assert errors.deviance > 0
    assert fixed.metric([]).matrix().shape == (0, 0)


def test_the_estimator_follows_the_conventions():
    counts = sample(ghz(2), PauliMeasurement(2), 1000, np.random.default_rng(1))
    estimator = StateTomography(rank=1)
    assert estimator.get_params()["rank"] == 1
    with pytest.raises(InputError, match="call fit"):
        estimator.predict(counts.measurement)
    assert estimator.fit(counts) is estimator
    assert int(estimator.state_.rank()) == 1
    assert estimator.score(counts) == pytest.approx(estimator.log_likelihood_ / counts.total)
    assert estimator.predict(PauliMeasurement(["ZZ"])).sum() == pytest.approx(1.0)
    assert estimator.set_params(rank=None).fit(counts).certificate_ < 1e-7
    with pytest.raises(InputError, match="did you mean 'rank'"):
        estimator.set_params(ranks=2)


def test_the_estimator_can_be_cloned_by_scikit_learn():
    copy = importlib.import_module("sklearn.base").clone(StateTomography(hedging=0.25))
    assert copy.get_params() == StateTomography(hedging=0.25).get_params()


def test_a_complex_number_is_no_function_of_the_bootstrap(mixed):
    found = maximum_likelihood(sample(mixed, PauliMeasurement(2), 100, np.random.default_rng(1)))
    for value in (1 + 2j, np.complex128(1 + 2j), np.array(1j), "1.5", None):
        with pytest.raises(InputError, match=r"functionals\['f'\] must be a real number that float64 holds; found"):
            bootstrap(found, {"f": lambda _, value=value: value}, replicates=2, seed=0)
    with pytest.raises(InputError, match="must be a finite number; found nan"):
        bootstrap(found, {"f": lambda _: math.nan}, replicates=2, seed=0)


def test_what_the_bootstrap_refuses(mixed):
    m = PauliMeasurement(2)
    exact = maximum_likelihood(Counts.from_frequencies(m, m.probabilities(mixed), 100.0))
    with pytest.raises(InputError, match="needs integer counts"):
        bootstrap(exact, {})
    counts = sample(mixed, m, 100, np.random.default_rng(1))
    with pytest.raises(InputError, match="maximum_entropy"):
        bootstrap(tomography.maximum_entropy(counts), {})


@pytest.mark.slow
def test_the_report_of_a_record_finds_the_noise_that_made_it(tmp_path):
    """A simulated record through the script that reports measured ones."""
    path = Path(__file__).parents[2] / "experiments" / "measured" / "record.py"
    spec = importlib.util.spec_from_file_location("record", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    noise = CircuitModel(Circuit(2, [gates.H(0), gates.CNOT(0, 1), channels.PhaseFlip(0.08, 1)]))
    counts = sample(noise.state([]), PauliMeasurement(2), 20000, np.random.default_rng(5))
    settings = [{"paulis": s, "counts": counts[s]} for s in counts.measurement.settings]
    ideal = {"00": "1/sqrt(2)", "11": "1/sqrt(2)"}
    (tmp_path / "in.json").write_text(json.dumps({"settings": settings, "ideal_state": ideal, "source": "simulated"}))
    options = [str(tmp_path / "in.json"), "--out", str(tmp_path / "out"), "--replicates", "10"]
    done = CliRunner().invoke(script.main, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "record.png").stat().st_size > 10_000
    found = json.loads((tmp_path / "out" / "record.json").read_text())
    value, error = found["best"]["fidelity"]
    assert abs(value - 0.92) < 4 * error < 0.02
    assert 0.5 < found["best"]["deviance"] / found["best"]["degrees"] < 2
    flips = next(m for m in found["models"] if m["name"] == "+ flips")["natural"]
    assert flips["phase_flip_0"][0] + flips["phase_flip_1"][0] == pytest.approx(0.08, abs=0.01)
    assert [script.amplitude(t) for t in ("0.5", "1/sqrt(3)", "-1/(2 sqrt(3))")] == pytest.approx(
        [0.5, 3**-0.5, -0.5 * 3**-0.5]
    )


@pytest.mark.parametrize("wrong", [None, 1.5, "x", [], {}, np.eye(3), object()])
def test_what_is_no_record_result_model_or_state_is_told(wrong):
    result = maximum_likelihood(sample(ghz(2), PauliMeasurement(2), 20, np.random.default_rng(1)))
    model = noisy_model()
    calls = [
        lambda: maximum_likelihood(wrong),
        lambda: tomography.least_squares(wrong),
        lambda: tomography.determined(wrong),
        lambda: FisherInformation(wrong),
        lambda: FisherInformation(result, within_rank=True).fidelity(wrong),
        lambda: bootstrap(wrong, {}),
        lambda: bootstrap(result, {"f": wrong}),
        lambda: bootstrap(result, {"f": lambda _: "y" if isinstance(wrong, float) else wrong}, replicates=2),
        lambda: tomography.ProfileLikelihood(wrong, Z),
        lambda: result.interval(wrong),
        lambda: maximum_likelihood(result.counts, start=1.5 if wrong is None else wrong),
        lambda: choose_rank(result.counts, "x" if wrong is None or isinstance(wrong, list) else wrong),
        lambda: tomography.expected_excess(wrong, 1),
        lambda: tomography.expected_excess(4, wrong),
        lambda: model_errors(wrong, result),
        lambda: model_errors(model, wrong),
        lambda: tomography.goodness_of_fit(model, wrong),
        lambda: StateTomography().fit(result.counts).predict(wrong),
        lambda: StateTomography().fit(result.counts).score(wrong),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()


def test_a_start_and_a_target_can_be_arrays():
    counts = sample(ghz(2), PauliMeasurement(2), 50, np.random.default_rng(1))
    result = maximum_likelihood(counts, start=np.eye(4) / 4)
    assert result.log_likelihood == pytest.approx(maximum_likelihood(counts).log_likelihood, abs=1e-8)
    fisher = FisherInformation(result, within_rank=True)
    assert fisher.fidelity(np.array([1.0, 0, 0, 1]) / np.sqrt(2)) == pytest.approx(fisher.fidelity(ghz(2)))
