"""Pauli noise that is learnt from parities: sparse on many qubits, and every Pauli channel on few."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from helpers.arrays import difference
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import PauliMeasurement, check_gradient, fit, io, pauli
from qml._checks import InputError
from qml.measurement import Counts
from qml.optimizers import NaturalGradient
from qml.processes import Experiments, Parities, PauliLindbladModel, Process, pauli_channel_model

TERMS = ("XI", "ZZ", "YX", "IZ", "XX")
RATES = {"XI": 0.02, "ZZ": 0.05, "YX": 0.01, "IZ": 0.03, "XX": 0.04}
STRINGS = ["".join(letters) for letters in itertools.product("IXYZ", repeat=2)]


def record(model, truth, setup, shots, seed=0):
    return setup.simulate(model.predict(truth, setup), shots, np.random.default_rng(seed))


def test_fidelities_are_the_diagonal_of_the_transfer_matrix():
    model = PauliLindbladModel(TERMS)
    theta = model.unconstrained(RATES)
    r = model.channel(theta).transfer_matrix()
    assert np.abs(r - np.diag(np.diag(r))).max() < 1e-15
    assert model.fidelities(theta, STRINGS) == pytest.approx(np.diag(r), abs=1e-14)
    assert np.diag(r)[1:].max() < 0.97
    assert model.fidelities(theta, ["II"]) == 1


@given(st.lists(st.floats(0.001, 2.0), min_size=5, max_size=5))
def test_the_channel_is_one_of_pauli_strings_after_another(rates):
    """Terms commute: each acts with the probability (1 - exp(-2 lambda)) / 2."""
    model = PauliLindbladModel(TERMS)
    whole = np.eye(16)
    for word, rate in zip(TERMS, rates, strict=True):
        w, p = (1 - math.exp(-2 * rate)) / 2, pauli(word).matrix()
        whole = whole @ ((1 - w) * np.eye(16) + w * np.kron(p, p.conj()))
    theta = model.unconstrained(dict(zip(TERMS, rates, strict=True)))
    assert np.abs(model.channel(theta).superoperator() - whole).max() < 1e-13


def test_parities_are_those_of_an_eigenstate_after_the_channel():
    """(1 + P) / 4 prepared, m uses of the channel, P measured; the loss of the string that is learnt."""
    model, setup = PauliLindbladModel(TERMS, ["XZ"]), Parities(["XZ", "IY", "ZX"], [0, 1, 3])
    theta = model.unconstrained({**RATES, "spam[XZ]": 0.9})
    p = model.predict(theta, setup).reshape(3, 3, 2)
    channel = model.channel(theta)
    for i, (word, loss) in enumerate([("XZ", 0.9), ("IY", 1.0), ("ZX", 1.0)]):
        string = pauli(word).matrix()
        state = (np.eye(4) + string) / 4
        for k, depth in enumerate((0, 1, 3)):
            image = state
            for _ in range(depth):
                image = channel.apply(image).matrix()
            e = loss * np.trace(string @ image).real
            assert p[i, k] == pytest.approx([(1 + e) / 2, (1 - e) / 2], abs=1e-14)


@pytest.mark.parametrize("spam", [(), ("XZ", "ZX"), ("XZ", "ZY")])
def test_derivatives_of_parities(spam):
    model, setup = PauliLindbladModel(TERMS, spam), Parities(["XZ", "IY", "ZX", "YZ"], [0, 1, 4])
    theta, rng = model.init_params(np.random.default_rng(0)), np.random.default_rng(1)
    prediction = model._predict(theta, setup)
    jacobian = prediction.jacobian()
    for k, name in enumerate(model.parameter_names):
        numeric = difference(lambda t: model._predict(t, setup).probabilities, theta, np.eye(len(theta))[k])
        if name == "spam[ZY]":  # of a string that is not measured
            assert not jacobian[:, k].any()
            continue
        assert np.abs(numeric).max() > 1e-3
        assert np.abs(jacobian[:, k] - numeric).max() < 1e-8 * np.abs(numeric).max()
    w = rng.normal(size=setup.n_outcomes)
    assert prediction.pull(w) == pytest.approx(jacobian.T @ w, rel=1e-11, abs=1e-13)
    counts = record(model, theta, setup, 1000)
    check = check_gradient(model.on(counts), counts, params=theta + 0.3)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def test_one_model_may_be_asked_about_several_records():
    """The table of what anticommutes is that of the record at hand."""
    model = PauliLindbladModel(TERMS)
    theta = model.unconstrained(RATES)
    first, second = Parities(["XZ"], [1]), Parities(["ZX"], [1])
    found = [model.predict(theta, setup)[0] for setup in (first, second, first)]
    exact = (1 + model.fidelities(theta, ["XZ", "ZX"])) / 2
    assert found == pytest.approx([exact[0], exact[1], exact[0]], abs=1e-15)
    assert abs(exact[0] - exact[1]) > 1e-3


@pytest.mark.parametrize("optimizer", [None, NaturalGradient()], ids=repr)
def test_rates_and_losses_are_recovered(optimizer):
    """Within five standard errors of the Fisher information."""
    words = [word for word in STRINGS if word != "II"]
    model, setup = PauliLindbladModel(TERMS, words), Parities(words, [1, 4, 16])
    truth = {**RATES, **{f"spam[{word}]": 0.9 + 0.005 * k for k, word in enumerate(words)}}
    counts = record(model, truth, setup, 10**5)
    found = fit(model, counts, optimizer=optimizer, seed=0, max_iterations=1000, progress=False)
    total = 10**5 * len(setup.settings)
    covariance = np.linalg.inv(total * model.on(counts).metric(found.params).matrix())
    pulls = (found.params - model.unconstrained(truth)) / np.sqrt(np.diag(covariance))
    assert np.abs(pulls).max() < 5
    assert 0.3 < np.mean(pulls**2) < 2.5
    assert {word: model.natural(found.params)[word] for word in TERMS} == pytest.approx(RATES, abs=1e-3)


def test_thirty_qubits():
    """All pairs of neighbours: no matrix of a channel is formed, of side 2^60."""
    n = 30
    words = ["I" * k + a + b + "I" * (n - k - 2) for k in range(n - 1) for a, b in ("XX", "ZZ")]
    model = PauliLindbladModel(words)
    rng = np.random.default_rng(0)
    rates = dict(zip(words, rng.uniform(0.002, 0.02, len(words)), strict=True))
    theta = model.unconstrained(rates)
    strings = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(80)]
    by_hand = []
    for word in strings:
        odd = (sum(a != "I" != b != a for a, b in zip(word, term, strict=True)) % 2 for term in words)
        by_hand.append(math.exp(-2 * sum(rates[term] for term, one in zip(words, odd, strict=True) if one)))
    assert model.fidelities(theta, strings) == pytest.approx(np.array(by_hand), rel=1e-13)
    assert np.std(by_hand) > 0.01
    setup = Parities(strings, [1, 4])
    counts = record(model, rates, setup, 10**7)
    found = fit(model, counts, optimizer=NaturalGradient(), seed=0, progress=False)
    assert model.natural(found.params) == pytest.approx(rates, abs=1e-3)


def test_parities_in_files(tmp_path):
    model, setup = PauliLindbladModel(TERMS, ["XZ"]), Parities(["XZ", "IY"], [0, 2])
    assert (setup.settings, setup.sites) == (("XZ,0", "XZ,2", "IY,0", "IY,2"), (2, 2))
    counts = record(model, {**RATES, "spam[XZ]": 0.9}, setup, 100)
    counts.save(tmp_path / "counts.npz")
    again = Counts.load(tmp_path / "counts.npz")
    assert again == counts
    assert again.measurement.strings == ("XZ", "IY")
    made = io.from_dict(io.to_dict(model))
    assert made.parameter_names == (*TERMS, "spam[XZ]") == model.parameter_names
    assert repr(model) == "PauliLindbladModel(5 terms, 2 qubits)"
    assert counts["IY,0"] == {"0": 100, "1": 0}


@every(
    "make, sentence",
    [
        (lambda: PauliLindbladModel([]), "terms must hold at least one Pauli string"),
        (lambda: PauliLindbladModel(["II", "XX"]), "not hold the identity"),
        (lambda: PauliLindbladModel(["X", "XX"]), "of equal length, of I, X, Y, Z; found 'XX'"),
        (lambda: PauliLindbladModel(["XQ"]), "of equal length, of I, X, Y, Z; found 'XQ'"),
        (lambda: PauliLindbladModel(["XX", "XX"]), "terms must be distinct"),
        (lambda: PauliLindbladModel(["XX"], ["X"]), "terms and spam must be strings of equal length"),
        (
            lambda: PauliLindbladModel(["X"]).on(Experiments.product([0.5], 1, PauliMeasurement(1))),
            "learnt from Parities; found Experiments",
        ),
        (lambda: PauliLindbladModel(["XX"]).on(Parities(["X"], [1])), r"same sites; found \(2,\) and \(2, 2\)"),
        (lambda: PauliLindbladModel(["XX"]).fidelities([0.0], ["X"]), "on 2 qubits; found 'X'"),
        (lambda: PauliLindbladModel(["X"]).unconstrained({"X": -0.1}), r"inside \[0, inf\] .* found -0\.1"),
        (lambda: Parities(["X"], []), r"depths must be one or more distinct numbers; found \(\)"),
        (lambda: Parities(["X"], [1, 1]), r"depths must be one or more distinct numbers; found \(1, 1\)"),
        (lambda: Parities(["X"], [-1]), "each depth must be an integer of at least 0; found -1"),
        (lambda: pauli_channel_model(0), "n must be an integer of at least 1"),
    ],
)
def test_bad_pauli_noise_is_refused_with_one_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


# all Pauli channels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2])
def test_a_pauli_channel_model_is_a_mixture_of_strings(n):
    model, rng = pauli_channel_model(n), np.random.default_rng(0)
    assert model.n_params == 4**n - 1
    theta = rng.normal(size=model.n_params)
    weights = np.exp([0.0, *theta]) / np.exp([0.0, *theta]).sum()
    words = ["".join(letters) for letters in itertools.product("IXYZ", repeat=n)]
    whole = sum(w * np.kron(pauli(p).matrix(), pauli(p).matrix().conj()) for w, p in zip(weights, words, strict=True))
    assert np.abs(Process(model.state(theta)).superoperator() - whole).max() < 1e-14


def test_sparse_noise_is_learnt_by_the_model_of_all_pauli_channels():
    """The probabilities of the strings are those of products of the terms."""
    sparse = PauliLindbladModel(["XI", "ZZ"])
    target = sparse.channel({"XI": 0.1, "ZZ": 0.2})
    model = pauli_channel_model(2)
    found = fit(model, target, seed=0, gradient_tolerance=1e-10, progress=False)
    a, b = (1 - math.exp(-0.2)) / 2, (1 - math.exp(-0.4)) / 2
    exact = {"II": (1 - a) * (1 - b), "XI": a * (1 - b), "ZZ": (1 - a) * b, "YZ": a * b}
    weights = model.natural(found.params)
    learnt = {word: weights[f"w_{k}"] for k, word in enumerate(STRINGS) if k}
    for word, weight in learnt.items():
        assert weight == pytest.approx(exact.get(word, 0.0), abs=1e-4)


@pytest.mark.parametrize("rate", [1e-3, 1e-7, 1e-11])
def test_small_rates_keep_their_digits(rate: float) -> None:
    """The rarer outcome has the probability (1 - exp(-2 rate depth))/2."""
    p = PauliLindbladModel(["Z"]).predict({"Z": rate}, Parities(["X"], [1, 5]))
    assert p[1::2] == pytest.approx(-np.expm1(-2 * rate * np.array([1, 5])) / 2, rel=1e-14)


@pytest.mark.parametrize("zero", [0, 0.0, np.int64(0), np.float32(0), np.array(0.0)])
def test_a_rate_of_zero_is_zero_whatever_kind_of_number_it_is(zero):
    found = PauliLindbladModel(["XX"]).fidelities({"XX": zero}, ["ZI"])
    assert found.tolist() == [1.0]


def test_rates_beyond_float64_leave_nothing_and_change_nothing_at_depth_zero() -> None:
    model, setup = PauliLindbladModel(["X", "Z"]), Parities(["X", "Y"], [0, 3])
    theta = np.array([1e308, 1e308])
    assert model.fidelities(theta, ["X", "Y"]).tolist() == [0.0, 0.0]
    assert model.predict(theta, setup).tolist() == [1.0, 0.0, 0.5, 0.5, 1.0, 0.0, 0.5, 0.5]
