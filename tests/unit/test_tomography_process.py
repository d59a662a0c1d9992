"""Process tomography: the optimum, its certificate, and what the record says about a fidelity."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.processes import random_kraus
from scipy.linalg import sqrtm

from qml import POVM, CholeskyModel, Circuit, Counts, PauliMeasurement, ProcessModel, channels, fit, gates, sample
from qml._checks import InputError
from qml.losses import NegativeLogLikelihood, TrainableReadout
from qml.measurement import ReadoutMeasurement
from qml.optimizers import LBFGS
from qml.processes import (
    KrausModel,
    Process,
    ProcessMeasurement,
    as_process,
    average_gate_fidelity,
    pauli_preparations,
    process_fidelity,
)
from qml.states import DensityMatrix, ginibre, haar_pure
from qml.tomography import FisherInformation, ProfileLikelihood, bootstrap, maximum_likelihood, process_tomography
from qml.tomography.likelihood import Likelihood
from qml.tomography.process import FINE, certificate

TURN = Circuit(1, [gates.RX(0.3, 0)])
ONE = {
    "unitary": TURN,
    "depolarised": TURN.then(channels.Depolarizing(0.1, 0)),
    "damped": TURN.then(channels.AmplitudeDamping(0.3, 0)),
}
TWO = {
    "unitary": Circuit(2, [gates.RX(0.3, 0), gates.CNOT(0, 1)]),
    "depolarised": Circuit(2, [gates.CNOT(0, 1), channels.Depolarizing2(0.1, 0, 1)]),
}


def record(circuit, shots, seed=1, six=False):
    process = Process.from_circuit(circuit)
    n = len(process.dims_in)
    inputs = pauli_preparations(n, ("Z+", "Z-", "X+", "X-", "Y+", "Y-")) if six else n
    return process, sample(process, ProcessMeasurement(inputs, PauliMeasurement(n)), shots, np.random.default_rng(seed))


def fixed_point(counts, d, steps):
    """The likelihood equations J = L^-1 R J R L^-1, iterated from the depolarising channel: another way to the
    maximum (Fiurasek and Hradil 2001)."""
    problem = Likelihood(counts)
    d_out = problem.dim // d
    j = np.eye(problem.dim, dtype=complex) / problem.dim
    for _ in range(steps):
        r = problem.operator(problem.probabilities(j))
        x = r @ j @ r
        x = (x + x.conj().T) / 2
        reduced = d * np.einsum("iaja->ij", x.reshape(d, d_out, d, d_out))
        values, vectors = np.linalg.eigh(reduced)
        root = np.kron((vectors / np.sqrt(values)) @ vectors.conj().T, np.eye(d_out))
        j = root @ x @ root
    return problem.log_likelihood(problem.probabilities(j))


@pytest.mark.slow
@pytest.mark.parametrize("shots", [20, 1000])
@pytest.mark.parametrize("name", ONE)
def test_the_optimum_is_that_of_the_likelihood_equations(name, shots):
    _, counts = record(ONE[name], shots)
    result = process_tomography(counts)
    assert result.converged
    other = fixed_point(counts, 2, 6000)
    assert result.log_likelihood >= other - 1e-6
    assert other <= result.log_likelihood + result.certificate + 1e-9
    assert abs(result.log_likelihood - other) < 1e-4  # the fixed point comes near at a rate of 1/steps at a boundary


@pytest.mark.slow
@pytest.mark.parametrize("shots", [20, 1000])
@pytest.mark.parametrize("name", TWO)
def test_two_qubits(name, shots):
    _, counts = record(TWO[name], shots)
    result = process_tomography(counts)
    assert result.converged, result.status
    other = fixed_point(counts, 4, 3000)
    assert result.log_likelihood >= other - 1e-6
    assert other <= result.log_likelihood + result.certificate


@pytest.mark.slow
def test_three_qubits_of_low_rank():
    circuit = Circuit(3, [gates.CNOT(0, 1), gates.RY(0.4, 2), channels.AmplitudeDamping(0.2, 1)])
    process, counts = record(circuit, 200)
    result = process_tomography(counts, rank=4)
    assert result.converged, result.status
    assert process_fidelity(result.process, process) > 0.97
    assert result.rank <= 4


def test_the_certificate_holds_for_any_process_and_is_zero_at_the_optimum_only():
    process, counts = record(ONE["damped"], 200)
    best = process_tomography(counts)
    problem, rng = Likelihood(counts), np.random.default_rng(0)
    for _ in range(20):
        j = KrausModel(1).state(KrausModel(1).init_params(rng)).matrix()
        value, bound, _ = certificate(problem, j, 2)
        assert value + bound >= best.log_likelihood - 1e-9
        assert bound > 1.0
    value, bound, _ = certificate(problem, process.choi.matrix(), 2)
    assert best.log_likelihood <= value + bound
    assert best.certificate < 1e-3


def test_what_is_found_is_a_process_near_to_the_truth():
    process, counts = record(ONE["depolarised"], 10**6)
    result = process_tomography(counts)
    reduced = np.einsum("iaja->ij", result.process.choi.matrix().reshape(2, 2, 2, 2))
    assert np.abs(2 * reduced - np.eye(2)).max() < 1e-12
    assert np.linalg.eigvalsh(result.process.choi.matrix())[0] > -1e-12
    assert process_fidelity(result.process, process) > 1 - 1e-5
    assert result.rank == 4
    assert result.unique is True


@pytest.mark.slow
def test_the_deviance_is_near_to_its_degrees_of_freedom():
    rng = np.random.default_rng(5)
    process = Process.from_circuit(ONE["depolarised"].then(channels.AmplitudeDamping(0.3, 0)))
    setup = ProcessMeasurement(pauli_preparations(1, ("Z+", "Z-", "X+", "X-", "Y+", "Y-")), PauliMeasurement(1))
    results = [process_tomography(sample(process, setup, 5000, rng)) for _ in range(30)]
    assert {result.degrees for result in results} == {6}  # 18 numbers less 12 parameters
    mean = np.mean([result.deviance for result in results])
    assert abs(mean - 6) < 4 * np.sqrt(2 * 6 / 30)


def test_a_unitary_has_rank_one_and_an_interval_that_ends_at_one():
    _, counts = record(ONE["unitary"], 1000)
    result = process_tomography(counts)
    assert result.rank == 1
    low, high = result.interval(as_process(TURN), replicates=40)
    assert high == 1.0
    assert 0.97 < low < 1.0


@pytest.mark.slow
def test_the_standard_error_of_a_fidelity_is_the_scatter_of_the_estimate():
    process, target = Process.from_circuit(ONE["depolarised"]), as_process(TURN)
    setup = ProcessMeasurement(1, PauliMeasurement(1))
    rng = np.random.default_rng(3)
    found = [process_tomography(sample(process, setup, 10000, rng)) for _ in range(40)]
    scatter = np.std([process_fidelity(result.process, target) for result in found])
    predicted = FisherInformation(found[0]).standard_error(target.choi.matrix())
    assert abs(scatter / predicted - 1) < 4 / np.sqrt(2 * 40)


def test_incomplete_settings_say_what_is_undetermined():
    process = Process.from_circuit(ONE["depolarised"])
    only_z = ProcessMeasurement({"Z+": [1.0, 0.0], "Z-": [0.0, 1.0]}, PauliMeasurement(1))
    result = process_tomography(sample(process, only_z, 1000, np.random.default_rng(0)))
    assert result.unique is False
    assert "not unique: the settings determine 10 of 16 directions" in result.status
    full = process_tomography(
        sample(process, ProcessMeasurement(1, PauliMeasurement(1)), 10**4, np.random.default_rng(0))
    )
    assert full.determined.missing == 0


def test_known_readout_errors_are_taken_into_account():
    process = Process.from_circuit(ONE["damped"])
    noisy = ReadoutMeasurement(PauliMeasurement(1), [[[0.9, 0.2], [0.1, 0.8]]])
    counts = sample(process, ProcessMeasurement(1, noisy), 10**6, np.random.default_rng(0))
    assert np.abs(process_tomography(counts).state.matrix() - process.choi.matrix()).max() < 2e-3
    wrong = Counts(ProcessMeasurement(1, PauliMeasurement(1)), counts.counts)
    assert process_fidelity(process_tomography(wrong).process, process) < 0.98


def test_parts_and_sums_of_records_are_records_of_a_process():
    process, counts = record(ONE["damped"], 10**5, six=True)
    part = counts.subset([s for s in counts if not s.startswith("Y-")])
    both = part.merge(record(ONE["damped"], 10**5, seed=2)[1])
    for some in (part, both):
        found = process_tomography(some)
        assert found.converged
        assert found.determined.missing == 0
        assert np.abs(found.process.choi.matrix() - process.choi.matrix()).max() < 0.01
    faulty = ReadoutMeasurement(counts.measurement, [[[0.9, 0.2], [0.1, 0.8]]])
    exact = Counts.from_frequencies(faulty, faulty.probabilities(process), 10**6)
    assert np.abs(process_tomography(exact).state.matrix() - process.choi.matrix()).max() < 1e-3
    with pytest.raises(InputError, match="all be of states, or of processes"):
        counts.merge(Counts(PauliMeasurement(["ZZ"]), [1, 2, 3, 4]))


@pytest.mark.parametrize(("rank", "seed"), [(1, 9), (2, 7)])
def test_records_of_many_shots_are_certified_beyond_the_digits_of_their_likelihood(rank, seed):
    truth = Process.from_kraus(random_kraus((2,), (2,), rank, seed))
    counts = sample(truth, ProcessMeasurement(1, PauliMeasurement(1)), 10**7, np.random.default_rng(seed))
    result = process_tomography(counts)
    assert result.converged, result.status
    assert result.certificate < 1e-8 * counts.total  # what the likelihood itself tells ends near 1e-7
    assert 0 <= result.log_likelihood - Likelihood(counts).log_likelihood(counts.measurement.probabilities(truth)) < 30


def test_a_start_that_excludes_an_outcome_seen_is_refused():
    """Where the likelihood is zero, nothing is within any distance of the largest."""
    _, counts = record(ONE["damped"], 100)
    with pytest.raises(InputError, match="start must give a probability to every outcome that was seen"):
        process_tomography(counts, rank=1, start=as_process(gates.I))


def test_a_status_says_why_the_search_ended():
    _, counts = record(ONE["damped"], 100)
    assert "the most allowed" in process_tomography(counts, max_iterations=3).status
    assert process_tomography(counts, max_iterations=3).status.endswith("raise max_iterations.")
    exact = process_tomography(counts, gap=0.0, relative_gap=0.0)
    assert exact.converged or "raise max_iterations" not in exact.status


def test_noisy_preparations_are_taken_into_account():
    process = Process.from_circuit(ONE["damped"])
    inputs = {name: 0.9 * s.matrix() + 0.05 * np.eye(2) for name, s in pauli_preparations(1).items()}
    counts = sample(process, ProcessMeasurement(inputs, PauliMeasurement(1)), 10**6, np.random.default_rng(0))
    assert np.abs(process_tomography(counts).state.matrix() - process.choi.matrix()).max() < 2e-3


def test_readout_errors_are_learnt_beside_a_process_of_known_form():
    circuit = Circuit(1, [gates.RX("a", 0), channels.AmplitudeDamping("g", 0)])
    truth = Process.from_circuit(circuit, [0.8, 0.1])
    noisy = ReadoutMeasurement(PauliMeasurement(1), [[[0.95, 0.08], [0.05, 0.92]]])
    counts = sample(truth, ProcessMeasurement(1, noisy), 10**6, np.random.default_rng(1))
    recorded = Counts(ProcessMeasurement(1, PauliMeasurement(1)), counts.counts)
    found = fit(
        ProcessModel(circuit), recorded, loss=NegativeLogLikelihood(TrainableReadout(1)), seed=0, progress=False
    )
    values = found.model.natural(found.params[:2])
    assert values["a"] == pytest.approx(0.8, abs=0.01)
    assert values["g"] == pytest.approx(0.1, abs=0.01)


def test_a_start_and_a_rank():
    process, counts = record(ONE["damped"], 1000)
    cold = process_tomography(counts)
    warm = process_tomography(counts, start=process)
    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, abs=1e-6)
    one = process_tomography(counts, rank=1, restarts=3)
    assert one.rank == 1
    assert one.log_likelihood < cold.log_likelihood
    assert one.rank_limit == 1
    assert one.certificate >= cold.log_likelihood - one.log_likelihood


def test_the_bootstrap_repeats_process_tomography():
    process, counts = record(ONE["depolarised"], 500)
    result = process_tomography(counts)
    target = as_process(TURN)
    spread = bootstrap(result, {"F": lambda j: process_fidelity(Process(j), target)}, replicates=8, seed=0)
    assert 0 < spread.standard_error("F") < 0.05
    assert abs(spread.estimates["F"] - process_fidelity(process, target)) < 0.05


def test_the_parameters_of_a_rank_and_akaikes_criterion():
    _, counts = record(ONE["unitary"], 1000)
    one, full = process_tomography(counts, rank=1), process_tomography(counts)
    assert one.parameters == 3  # of a rotation
    assert one.aic == 2 * 3 - 2 * one.log_likelihood
    assert full.parameters == {1: 3, 2: 8, 3: 11, 4: 12}[full.rank]


def test_processes_between_different_sites():
    rng = np.random.default_rng(2)
    truth = KrausModel((2,), (3,), rank=2)
    process = truth.process(truth.init_params(rng))
    effects = np.stack([haar_pure((3,), rng).matrix() for _ in range(40)])
    root = np.linalg.inv(sqrtm(effects.sum(axis=0)).astype(np.complex128))  # of older SciPy in extended precision
    counts = sample(process, ProcessMeasurement(1, POVM(root @ effects @ root)), 10**5, rng)
    result = process_tomography(counts)
    assert result.converged
    assert result.process.dims_out == (3,)
    assert process_fidelity(result.process, process) > 0.995


def test_wrong_inputs():
    _, counts = record(ONE["damped"], 100)
    with pytest.raises(InputError, match="use process_tomography"):
        maximum_likelihood(counts)
    states = sample(ginibre((2,), rng=np.random.default_rng(0)), PauliMeasurement(1), 10, np.random.default_rng(0))
    with pytest.raises(InputError, match="for states use maximum_likelihood"):
        process_tomography(states)
    with pytest.raises(InputError, match="counts of a process"):
        counts.empirical_state()
    with pytest.raises(InputError, match="the fidelity with a unitary has an interval"):
        ProfileLikelihood(counts, np.diag([1.0, 0.0, 0.0, 0.0]))
    with pytest.raises(InputError, match="counts of a state"):
        maximum_likelihood(states).process  # noqa: B018
    with pytest.raises(InputError, match="target must be unitary"):
        average_gate_fidelity(as_process(TURN), Process.from_circuit(ONE["damped"]))
    with pytest.raises(InputError, match="at most 1 Kraus operator on these sites"):
        process_tomography(counts, rank=1, start=Process.from_circuit(ONE["depolarised"]))
    with pytest.raises(InputError, match="no shots at all"):
        process_tomography(Counts(counts.measurement, 0 * counts.counts))


def test_a_state_that_is_no_process_has_no_likelihood():
    _, counts = record(ONE["damped"], 100)
    state = ginibre((2, 2), rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="counts of a process need a Choi state"):
        counts.measurement.probabilities(state)
    with pytest.raises(InputError, match="learn a KrausModel or a ProcessModel"):
        fit(CholeskyModel(2), counts, seed=0, progress=False)


def test_an_outcome_that_cannot_occur_is_refused():
    setup = ProcessMeasurement({"0": DensityMatrix([[1.0, 0.0], [0.0, 0.0]])}, PauliMeasurement(["Z"]))
    assert process_tomography(Counts(setup, [5, 5])).converged


def test_ctrl_c_keeps_what_was_found(monkeypatch):
    _, counts = record(ONE["unitary"], 1000)
    steps = iter(range(10**6))
    step = LBFGS.step

    def interrupted(self, *arguments):
        if next(steps) == 5:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(LBFGS, "step", interrupted)
    result = process_tomography(counts)
    assert not result.converged
    assert "not certified: interrupted (Ctrl-C) after 5 iterations" in result.status
    assert next(steps) == 6  # nothing was begun after it


def test_ctrl_c_in_the_last_pass_keeps_what_it_found(monkeypatch):
    """The pass that no certificate was small enough to spare, to a finer gradient from where the others ended."""
    _, counts = record(ONE["depolarised"], 10**5)
    passes, begun, ends, step = [], [], [], LBFGS.step

    def noted(*arguments, **keywords):
        passes.append(keywords["gradient_tolerance"])
        found = fit(*arguments, **keywords)
        ends.append(found)
        return found

    def interrupted(self, *arguments):
        if passes[-1] == FINE:
            begun.append(1)
            if len(begun) == 12:
                raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr("qml.tomography.process.ROUGH", 1e-4)  # so that the last pass has something left to do
    monkeypatch.setattr("qml.tomography.process.fit", noted)
    monkeypatch.setattr(LBFGS, "step", interrupted)
    result = process_tomography(counts, gap=1e-30, relative_gap=0.0)
    assert len(begun) == 12
    assert passes.index(FINE) == len(passes) - 1
    assert not result.converged
    after = sum(found.iterations for found in ends)
    assert (
        f"not certified: interrupted (Ctrl-C) after {after} iterations; the log-likelihood is within" in result.status
    )
    bounds = [certificate(Likelihood(counts), found.state.matrix(), 2)[1] for found in ends]
    assert bounds[-1] < min(bounds[:-1])
    assert result.certificate == bounds[-1]
    assert np.array_equal(result.state.matrix(), ends[-1].state.matrix())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unitary", "depolarised"])
def test_intervals_of_the_fidelity_cover_the_truth(name):
    """Nine times out of ten, at the boundary of the processes and inside."""
    target, inside = as_process(TURN), 0
    for seed in range(40):
        process, counts = record(ONE[name], 30, seed)
        low, high = ProfileLikelihood(counts, target.choi).interval(0.9, replicates=40, seed=seed)
        inside += low - 1e-9 <= process_fidelity(process, target) <= high + 1e-9
    assert inside >= 30  # 36 expected, three standard deviations
