"""Measurements of processes: Born probabilities of every preparation, the adjoint, files; processes as targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.processes import random_kraus

from qml import PauliMeasurement, channels, cross_entropy, fit, gates, relative_entropy, sample, von_neumann_entropy
from qml._checks import InputError, MemoryRefused
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity
from qml.measurement import (
    CombinedMeasurement,
    Counts,
    ElementsMeasurement,
    ProductMeasurement,
    ReadoutMeasurement,
    mutually_unbiased_bases,
    pauli_six,
    sic,
)
from qml.measurement.counts import is_same
from qml.models import CholeskyModel
from qml.operators.sets import hermitian_basis
from qml.processes import (
    KrausModel,
    Process,
    ProcessMeasurement,
    as_process,
    pauli_channel_model,
    pauli_preparations,
)
from qml.states import basis_state, ginibre, maximally_mixed

RNG = np.random.default_rng(5)
TRINE = [np.outer(v, v) * 2 / 3 for v in ([1, 0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)])]
RAGGED = ElementsMeasurement([TRINE, [np.diag([1.0, 0]), np.diag([0, 1.0])]], settings=["trine", "Z"])
FLIPS = [np.array([[0.9, 0.2], [0.1, 0.8]])]
MEASUREMENTS = {
    "qubit": ProcessMeasurement(1, PauliMeasurement(1)),
    "pair": ProcessMeasurement(2, PauliMeasurement(2)),
    "six states": ProcessMeasurement(pauli_preparations(1, ["Z+", "Z-", "X+", "X-", "Y+", "Y-"]), pauli_six(1)),
    "of other sizes": ProcessMeasurement(ginibre((2, 3), RNG, batch=5), mutually_unbiased_bases(3)),
    "noisy": ProcessMeasurement(
        {"a": ginibre((2,), RNG), "b": [0.6, 0.8j]}, ReadoutMeasurement(PauliMeasurement(1), FLIPS)
    ),
    "ragged": ProcessMeasurement(ginibre((3,), RNG, batch=2), RAGGED),
    "to a qutrit": ProcessMeasurement(1, sic(3)),
    "combined": ProcessMeasurement({"0": [1.0, 0.0]}, CombinedMeasurement([PauliMeasurement(["XX"]), pauli_six(2)])),
}
EVERY = every("kind", MEASUREMENTS)


def ends(m):
    return m.dims_in, m.measurement.dims


def process_for(m, rank=None, seed=0):
    ins, outs = ends(m)
    rank = math.prod(ins) * math.prod(outs) if rank is None else rank
    return Process.from_kraus(random_kraus(ins, outs, rank, seed), ins, outs)


@EVERY
@every("rank", [None, 3])
def test_probabilities_are_those_of_each_output(kind, rank):
    m = MEASUREMENTS[kind]
    process = process_for(m, rank)
    p = m.probabilities(process.choi).reshape(len(m.names), -1)
    for k in range(len(m.names)):
        image = process.apply(m.preparations[k])
        assert np.abs(p[k] - m.measurement.probabilities(image)).max() < 1e-14
    assert np.abs(np.add.reduceat(p.ravel(), m.offsets[:-1]) - 1).max() < 1e-13
    assert np.array_equal(m.probabilities(process), p.ravel())
    assert p.std() > 1e-3


@EVERY
def test_effects_adjoint_and_traces(kind):
    m = MEASUREMENTS[kind]
    d = math.prod(m.dims_in)
    effects = np.array([m.element(k) for k in range(m.n_outcomes)])
    x, w = hermitian(m.dim, RNG), RNG.normal(size=m.n_outcomes)
    assert np.abs(m.probabilities_of(x) - np.einsum("kij,ji->k", effects, x).real).max() < 1e-12
    assert np.vdot(m.adjoint(w), x).real == pytest.approx(w @ m.probabilities_of(x), abs=1e-11)
    assert np.abs(m.adjoint(w) - m.adjoint(w).conj().T).max() < 1e-13
    assert np.linalg.eigvalsh(effects).min() > -1e-13
    assert np.abs(np.trace(effects, axis1=1, axis2=2).real - m.traces()).max() < 1e-12
    place = 0
    for rho in m.preparations.matrix():
        for k in range(m.measurement.n_outcomes):
            exact = d * np.kron(rho.T, m.measurement.element(k))
            assert np.abs(effects[place] - exact).max() < 1e-14
            place += 1


@EVERY
def test_what_is_fixed_has_no_expectation_in_a_process(kind):
    m = MEASUREMENTS[kind]
    d = math.prod(m.dims_in)
    assert m.fixed.shape == (d * d - 1, m.dim, m.dim)
    assert np.linalg.matrix_rank(m.fixed.reshape(len(m.fixed), -1)) == len(m.fixed)
    for process in (process_for(m), process_for(m, 3, seed=1)):
        assert np.abs(np.einsum("kij,ji->k", m.fixed, process.choi.matrix())).max() < 1e-14
    others = np.kron(np.eye(d), hermitian_basis(m.dim // d)[1:])
    assert np.abs(np.einsum("kij,ji->k", others, process_for(m, 3).choi.matrix())).max() > 1e-3


@EVERY
def test_batches_names_selection_and_files(kind, tmp_path):
    m = MEASUREMENTS[kind]
    names = [f"{a},{b}" for a in m.names for b in m.measurement.settings]
    assert list(m.settings) == names
    assert not m.of_states
    x = np.array([[hermitian(m.dim, RNG) for _ in range(2)] for _ in range(3)])
    assert m.probabilities_of(x).shape == (3, 2, m.n_outcomes)
    assert np.abs(m.probabilities_of(x)[2, 1] - m.probabilities_of(x[2, 1])).max() < 1e-12
    process = process_for(m, 3)
    p = m.probabilities(process)
    chosen = m.select([names[-1], 0] if len(names) > 1 else [0])
    parts = [p[m.offsets[s] : m.offsets[s + 1]] for s in ([len(names) - 1, 0] if len(names) > 1 else [0])]
    assert np.abs(chosen.probabilities(process) - np.concatenate(parts)).max() < 1e-15
    for name in names:
        assert m.outcome_labels(name) == m.measurement.outcome_labels(name.partition(",")[2])
    counts = sample(process, m, 50, RNG)
    assert counts.counts.sum() == 50 * len(names)
    for suffix in ("npz", "json"):
        counts.save(tmp_path / f"counts.{suffix}")
        again = Counts.load(tmp_path / f"counts.{suffix}")
        assert again == counts
        assert again.measurement.settings == m.settings
        assert np.array_equal(again.measurement.probabilities(process), p)
    assert is_same(again.measurement, m)
    assert not is_same(again.measurement, ProcessMeasurement({"0": [0.0, 1.0]}, m.measurement))


def test_counts_follow_the_probabilities():
    """Pearson's statistic of 12 settings with two outcomes, 95 % within (4.4, 23.3)."""
    m = MEASUREMENTS["qubit"]
    process = process_for(m)
    p, shots = m.probabilities(process), 10_000
    counts = sample(process, m, shots, np.random.default_rng(1)).counts
    assert 4.4 < ((counts - shots * p) ** 2 / (shots * p)).sum() < 23.3


def test_settings_of_a_known_gate():
    counts = sample(as_process(gates.S), MEASUREMENTS["qubit"], 100, np.random.default_rng(0))
    assert (counts["X+,Y"], counts["Y+,X"]) == ({"0": 100, "1": 0}, {"0": 0, "1": 100})
    assert (counts["Z+,Z"], counts["Z-,Z"]) == ({"0": 100, "1": 0}, {"0": 0, "1": 100})
    assert (
        repr(counts.measurement)
        == "ProcessMeasurement(4 preparations, PauliMeasurement(dims=(2,), 3 settings, 6 outcomes))"
    )


def test_preparations_by_name():
    states = pauli_preparations(2, ["Z-", "Y+"])
    assert list(states) == ["Z-Z-", "Z-Y+", "Y+Z-", "Y+Y+"]
    assert states["Z-Y+"].matrix() == pytest.approx(np.kron(np.diag([0, 1]), np.array([[1, -1j], [1j, 1]]) / 2))
    six = pauli_preparations(1, ["Z+", "Z-", "X+", "X-", "Y+", "Y-"])
    letters = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}
    for name, rho in six.items():
        sign = {"+": 1, "-": -1}[name[1]]
        assert rho.matrix() == pytest.approx((np.eye(2) + sign * np.array(letters[name[0]])) / 2, abs=1e-15)
    vectors = np.stack([rho.matrix().reshape(-1) for rho in pauli_preparations(2).values()])
    assert np.linalg.matrix_rank(vectors) == 16


MIXED = np.stack([np.eye(2) / 2] * 2)
REFUSED = [
    (lambda: ProcessMeasurement({}, PauliMeasurement(1)), "preparations must name at least one state"),
    (lambda: ProcessMeasurement({"a": [1, 0], "b": [1, 0, 0]}, sic(2)), r"same sites, \(2,\); found .* for 'b'"),
    (lambda: ProcessMeasurement({"a": MIXED}, sic(2)), r"single states .* batch \(2,\)\) for 'a'"),
    (lambda: ProcessMeasurement({"a": [2.0, 0]}, sic(2)), "unit"),
    (lambda: ProcessMeasurement([1.0, 0.0], sic(2)), r"a batch \(m,\) of states, or states by name"),
    (lambda: ProcessMeasurement(0, sic(2)), "n must be an integer of at least 1; found 0"),
    (lambda: ProcessMeasurement(True, sic(2)), "n must be an integer of at least 1; found True"),
    (lambda: ProcessMeasurement(1, "Z"), "measurement must be a Measurement; found 'Z'"),
    (lambda: ProcessMeasurement(MIXED, sic(2), ["a", "a"]), "2 distinct names"),
    (
        lambda: ProcessMeasurement(
            {"a": [1, 0], "a,b": [0, 1]}, ElementsMeasurement([TRINE, TRINE], settings=("b,c", "c"))
        ),
        "settings must be 4 distinct names; found .*'a,b,c', 'a,c', 'a,b,b,c', 'a,b,c'",
    ),
    (lambda: ProcessMeasurement(1, sic(2), ["a"] * 4), "names are for a batch of preparations"),
    (lambda: ProcessMeasurement({"a": [1, 0]}, sic(2), ["b"]), "names are for a batch of preparations"),
    (lambda: ProcessMeasurement(1, PauliMeasurement(1)).select(["Z+,Q"]), r"no setting 'Z\+,Q' \(did you mean"),
    (lambda: MEASUREMENTS["qubit"].probabilities(basis_state("0")), r"dims \(2, 2\); found a state of dims \(2,\)"),
    (lambda: pauli_preparations(1, ["Q"]), "each label must be one of 'Z[+]', 'Z-'"),
]


@every("make, sentence", REFUSED, ids=[s for _, s in REFUSED])
def test_bad_input_is_refused_with_one_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: pauli_preparations(20), r"name fewer labels\.$"),
        (lambda: pauli_channel_model(9), r"use PauliLindbladModel\.$"),
    ],
)
def test_what_would_not_fit_is_refused(make, remedy):
    with pytest.raises(MemoryRefused, match=remedy):
        make()


# processes as data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_cross_entropy_of_processes_is_the_divergence_and_the_entropy(rank):
    target, model = (process_for(MEASUREMENTS["qubit"], r, seed) for seed, r in enumerate((rank, 4)))
    j, other = target.choi.matrix(), model.choi.matrix()
    values, vectors = np.linalg.eigh(other)
    exact = -np.trace(j @ vectors @ np.diag(np.log(values)) @ vectors.conj().T).real
    s = float(cross_entropy(target, model))
    assert s == pytest.approx(exact, rel=1e-12)
    assert s == pytest.approx(float(relative_entropy(target, model)) + float(von_neumann_entropy(target)), rel=1e-12)
    assert float(relative_entropy(target, model)) > 0.1
    assert float(cross_entropy(target, target)) == pytest.approx(float(von_neumann_entropy(target)), abs=1e-12)


@pytest.mark.parametrize("loss", [CrossEntropy(), Infidelity(), HilbertSchmidt()], ids=str)
def test_a_process_is_a_target_of_fit_with_any_model_of_states(loss):
    target = as_process(channels.GeneralizedAmplitudeDamping(0.3, 0.2, 0)).then(channels.Depolarizing(0.1, 0))
    found = fit(CholeskyModel((2, 2)), target, loss=loss, seed=0, progress=False)
    least = loss.value(target.choi, target.choi)
    assert loss.value(target.choi, maximally_mixed((2, 2))) - least > 0.1
    assert found.loss - least < 1e-8
    assert np.abs(found.state.matrix() - target.choi.matrix()).max() < 1e-3


def test_a_process_on_other_sites_is_refused():
    with pytest.raises(InputError, match=r"equal dims; found \(2, 2\) \(target\) and \(2, 2, 2, 2\)"):
        fit(KrausModel(2), as_process(gates.X), progress=False)


def test_a_pauli_channel_learns_probabilities_by_their_divergence():
    """The Choi states of Pauli strings are orthogonal: S(J, J') is the cross entropy of the probabilities."""
    model = pauli_channel_model(1)
    p = np.array([0.6, 0.2, 0.15, 0.05])
    theta = np.array([0.3, -0.4, 0.1])
    q = np.exp([0.0, *theta]) / np.exp([0.0, *theta]).sum()
    target = as_process(channels.PauliChannel(*p[1:], 0))
    divergence = (p * np.log(p / q)).sum()
    assert divergence > 0.05
    assert float(relative_entropy(target, model.state(theta))) == pytest.approx(divergence, rel=1e-12)
    found = fit(model, target, params0=theta, progress=False)
    assert found.loss == pytest.approx(-(p * np.log(p)).sum(), abs=1e-12)
    assert list(model.natural(found.params).values()) == pytest.approx(p[1:], abs=1e-6)


def test_what_a_pauli_channel_can_not_do_costs_the_divergence_to_the_nearest_one():
    """Amplitude damping: the nearest Pauli channel in S has the diagonal of J in the Bell basis."""
    model, target = pauli_channel_model(1), as_process(channels.AmplitudeDamping(0.36, 0))
    found = fit(model, target, seed=0, progress=False)
    diagonal = np.array([(1 + 0.8) ** 2, 0.36, 0.36, (1 - 0.8) ** 2]) / 4
    assert list(model.natural(found.params).values()) == pytest.approx(diagonal[1:], abs=1e-5)
    assert found.loss == pytest.approx(-(diagonal * np.log(diagonal)).sum(), abs=1e-9)


def test_a_mixed_output_whatever_goes_in():
    """Every setting is even, and S of the process is log 4 with itself."""
    lost = Process(maximally_mixed((2, 2)))
    assert MEASUREMENTS["qubit"].probabilities(lost) == pytest.approx(np.full(24, 0.5))
    assert float(von_neumann_entropy(lost)) == pytest.approx(math.log(4))


def test_a_measurement_of_a_process_is_no_part_of_one_of_states():
    of_process = ProcessMeasurement(1, PauliMeasurement(1))
    with pytest.raises(InputError, match="factors must be of states; found a ProcessMeasurement"):
        ProductMeasurement([of_process, PauliMeasurement(1)])
    with pytest.raises(InputError, match="measurement must be of states; found a ProcessMeasurement"):
        ProcessMeasurement(1, of_process)
