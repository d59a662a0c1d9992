"""Gate sets: words, what they tell, and what no word tells."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import Circuit, Counts, PauliMeasurement, channels, fit, gates, thermal
from qml._checks import InputError, MemoryRefused, OutsideDomain
from qml.engines import ReferenceEngine
from qml.losses import NegativeLogLikelihood
from qml.models import CholeskyModel, CircuitModel
from qml.optimizers import NaturalGradient
from qml.processes import (
    Experiments,
    GateSetModel,
    KrausModel,
    LindbladModel,
    Process,
    as_process,
    xyi_gate_set,
    xyi_words,
)
from qml.processes import words as words_module
from qml.processes.choi import choi_of_transfer
from qml.processes.words import Words
from qml.tomography import gate_set_tomography, model_errors

Z = {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}
QUARTER = np.pi / 2


def experiments_of(words):
    return Experiments.product(words, {"rho": [1.0, 0.0]}, Z)


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.lists(st.integers(0, 2), max_size=7), min_size=1, max_size=6), seed=st.integers(0, 1000))
def test_sweeps_are_products_of_matrices_and_their_derivatives(words, seed):
    rng = np.random.default_rng(seed)
    g, starts = rng.normal(size=(3, 4, 4)), rng.normal(size=(len(words), 4))
    ends, along = rng.normal(size=(len(words), 4)), rng.normal(size=(3, 4, 4))

    def by_hand(matrices):
        found = []
        for v, e, word in zip(starts, ends, words, strict=True):
            for letter in word:
                v = matrices[letter] @ v
            found.append(e @ v)
        return np.array(found)

    held = Words(words, 3)
    trail = held.forward(g, starts)
    exact = by_hand(g)
    scale = max(1.0, np.abs(exact).max())
    assert np.abs((ends * held.finals(trail)).sum(axis=1) - exact).max() < 1e-12 * scale
    each, back = held.jacobian(g, trail, ends[:, None])
    h = 1e-6
    numeric = (by_hand(g + h * along) - by_hand(g - h * along)) / (2 * h)
    analytic = np.tensordot(each[:, 0], along, axes=3)
    assert np.abs(analytic - numeric).max() < 1e-6 * max(1.0, np.abs(numeric).max())
    total, back_alone = held.pull(g, trail, ends)
    assert np.abs(total - each[:, 0].sum(axis=0)).max() < 1e-11 * max(1.0, np.abs(total).max())
    assert np.abs(back[:, 0] - back_alone).max() < 1e-11 * max(1.0, np.abs(back).max())
    assert np.abs((back_alone * starts).sum(axis=1) - exact).max() < 1e-11 * scale


def test_derivatives_of_many_words_are_taken_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    held = Words([rng.integers(0, 3, size=n).tolist() for n in rng.integers(0, 9, size=40)], 3)
    g, starts, ends = rng.normal(size=(3, 4, 4)), rng.normal(size=(40, 4)), rng.normal(size=(40, 2, 4))
    trail = held.forward(g, starts)
    whole = held.jacobian(g, trail, ends)
    monkeypatch.setattr(words_module, "BLOCK", 7 * 16 * 2 * 16)
    for part, found in zip(held.jacobian(g, trail, ends), whole, strict=True):
        assert np.abs(part - found).max() < 1e-12 * np.abs(found).max()


def test_a_model_that_was_used_is_sent_to_other_processes():
    experiments = experiments_of([(), ("Gx",), ("Gx", "Gx")])
    model = GateSetModel({"Gx": Circuit(1, [gates.RX("a", 0)])}).on(experiments)
    before = model.state([0.4]).probabilities()
    again = pickle.loads(pickle.dumps(model))  # as multiprocessing does
    assert np.array_equal(again.state([0.4]).probabilities(), before)


def noisy_gates():
    noise = channels.Depolarizing("p", 0)
    return {
        "Gx": Circuit(1, [gates.RX("ax", 0), noise]),
        "Gy": Circuit(1, [gates.RY("ay", 0), noise, channels.AmplitudeDamping("g", 0)]),
    }


def test_words_of_circuits_are_those_circuits_one_after_the_other():
    model = GateSetModel(noisy_gates())
    assert model.parameter_names == ("ax", "p", "ay", "g")  # the noise is one parameter
    words = [(), ("Gx",), ("Gx", "Gy", "Gy"), ("Gy",) * 9]
    values = {"ax": 1.5, "p": 0.02, "ay": 1.6, "g": 0.05}
    p = model.predict(values, experiments_of(words)).reshape(-1, 2)
    for word, row in zip(words, p, strict=True):
        circuit = Circuit(1)
        for name in word:
            circuit = circuit.then(noisy_gates()[name])
        state = ReferenceEngine().evolve(circuit, {n: values[n] for n in circuit.parameters})
        assert np.abs(state.probabilities() - row).max() < 1e-13


MODELS = {
    "circuits": lambda: GateSetModel(noisy_gates()),
    "tp": lambda: xyi_gate_set("tp"),
    "cptp": lambda: xyi_gate_set("cptp"),
    "known gates": lambda: GateSetModel(
        {"Gx": gates.SX}, kind="known", preparations={"rho": CholeskyModel(1)}, measurements=Z
    ),
    "kraus": lambda: GateSetModel(
        {"Gx": KrausModel(1, rank=2), "Gy": as_process(gates.S)}, preparations={"rho": [1, 0]}
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_derivatives(name):
    model = MODELS[name]()
    rng = np.random.default_rng(3)
    theta = model.init_params(rng) + 0.01 * rng.normal(size=model.n_params)
    letters = list(model.gates)
    words = [(), *((a,) for a in letters), *((a, b, a) for a in letters for b in letters), (letters[0],) * 6]
    experiments = experiments_of(words)
    found = model._predict(theta, experiments)
    jacobian = found.jacobian()
    assert np.abs(jacobian).max() > 0.1
    h = 1e-6
    for v in np.concatenate([np.eye(model.n_params)[:4], rng.normal(size=(3, model.n_params))]):
        numeric = (
            model._predict(theta + h * v, experiments).probabilities
            - model._predict(theta - h * v, experiments).probabilities
        ) / (2 * h)
        assert np.abs(jacobian @ v - numeric).max() < 1e-8 * max(1.0, np.abs(numeric).max())
    w = rng.normal(size=experiments.dims[0])
    assert np.abs(found.pull(w) - w @ jacobian).max() < 1e-12 * np.abs(w @ jacobian).max()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(0.0, 2.0))
def test_cptp_gate_sets_are_physical_wherever_theta_is(seed, size):
    model = xyi_gate_set("cptp")
    rng = np.random.default_rng(seed)
    theta = model.init_params(rng) + size * rng.normal(size=model.n_params)
    for matrix in model.transfer_matrices(theta).values():
        choi = choi_of_transfer(matrix)
        assert np.linalg.eigvalsh(choi)[0] > -1e-12
        assert np.abs(matrix[0] - [1, 0, 0, 0]).max() < 1e-12
    v = model.pauli_vectors(theta)["rho"]
    assert v[0] == pytest.approx(1.0)
    assert np.linalg.norm(v[1:]) <= 1 + 1e-12
    effects = model.effects(theta)["Z"]
    assert np.abs(effects.sum(axis=0) - [1, 0, 0, 0]).max() < 1e-12
    assert (effects[:, 0] + 1e-12 >= np.linalg.norm(effects[:, 1:], axis=1)).all()


def test_the_likelihood_does_not_depend_on_the_gauge():
    model = xyi_gate_set("tp")
    rng = np.random.default_rng(0)
    theta = model.init_params(rng)
    s = np.eye(4)
    s[1:] += 0.02 * rng.normal(size=(3, 4))
    inverse = np.linalg.inv(s)
    moved = [s @ r @ inverse for r in model.transfer_matrices(theta).values()]
    rows = [*(r[1:].ravel() for r in moved), (s @ model.pauli_vectors(theta)["rho"])[1:]]
    rows.append((model.effects(theta)["Z"] @ inverse)[0])
    other = np.concatenate(rows)
    experiments = experiments_of(xyi_words(8))
    assert np.abs(other - theta).max() > 0.01
    assert np.abs(model.predict(other, experiments) - model.predict(theta, experiments)).max() < 1e-12


def truth_of(model, seed=1):
    """Gates that are a little wrong: depolarized and turned."""
    theta = model.init_params(np.random.default_rng(0))
    turned = {
        "Gi": Circuit(1, [gates.RZ(0.01, 0), channels.Depolarizing(0.01, 0)]),
        "Gx": Circuit(1, [gates.RX(QUARTER + 0.02, 0), channels.Depolarizing(0.01, 0)]),
        "Gy": Circuit(1, [gates.RY(QUARTER - 0.01, 0), channels.Depolarizing(0.01, 0)]),
    }
    matrices = [Process.from_circuit(c).transfer_matrix()[1:].ravel() for c in turned.values()]
    return np.concatenate([*matrices, theta[36:]]), turned


@pytest.mark.parametrize("kind", ["tp", pytest.param("cptp", marks=pytest.mark.slow)])
def test_gate_set_tomography_reaches_the_truth_and_the_right_deviance(kind):
    tp = xyi_gate_set("tp")
    truth, turned = truth_of(tp)
    experiments = experiments_of(xyi_words(16))
    counts = experiments.simulate(tp.predict(truth, experiments), 2000, np.random.default_rng(7))
    result = gate_set_tomography(xyi_gate_set(kind), counts)
    assert result.converged, result.status
    assert result.determined == 31  # 43 less the 12 of the gauge
    assert result.degrees == len(experiments.settings) - 31
    assert abs(result.n_sigma) < 4
    n = counts.counts
    at_truth = float(n[n > 0] @ np.log(tp.predict(truth, experiments)[n > 0]))
    assert 0 < 2 * (result.log_likelihood - at_truth) < 31 + 5 * np.sqrt(2 * 31)
    angle = np.angle(np.linalg.eigvals(result.transfer_matrices["Gx"]))
    assert np.abs(angle).max() == pytest.approx(QUARTER, abs=0.1)
    turn = np.sort(np.abs(angle))[-1]
    assert turn == pytest.approx(QUARTER + 0.02, abs=0.004)
    fixed = result.in_gauge({name: Process.from_circuit(c).transfer_matrix() for name, c in turned.items()})
    for name, c in turned.items():
        assert np.abs(fixed.gates[name] - Process.from_circuit(c).transfer_matrix()).max() < 0.02
        assert np.abs(2 * np.trace(fixed.process(name).choi.matrix()) - 2) < 1e-12


def test_the_two_kinds_reach_the_same_likelihood_where_the_optimum_is_physical():
    tp = xyi_gate_set("tp")
    truth, _ = truth_of(tp)
    experiments = experiments_of(xyi_words(4))
    counts = experiments.simulate(tp.predict(truth, experiments), 10**5, np.random.default_rng(0))
    one, other = (gate_set_tomography(xyi_gate_set(kind), counts) for kind in ("tp", "cptp"))
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-4)


def test_a_gate_that_drifts_is_no_gate_set():
    experiments = experiments_of(xyi_words(16))
    tp = xyi_gate_set("tp")
    truth, _ = truth_of(tp)
    rng = np.random.default_rng(0)
    changed = truth.copy()
    changed[12:24] = Process.from_circuit(Circuit(1, [gates.RX(QUARTER + 0.15, 0)])).transfer_matrix()[1:].ravel()
    p = (tp.predict(truth, experiments) + tp.predict(changed, experiments)) / 2  # half of the time another angle
    result = gate_set_tomography(xyi_gate_set("tp"), experiments.simulate(p, 2000, rng))
    assert result.n_sigma > 10


def test_a_gauge_is_found_exactly():
    model = xyi_gate_set("tp")
    ideal = np.concatenate([gate.transfer_matrix()[1:].ravel() for gate in model.gates.values()])
    rng = np.random.default_rng(4)
    s = np.eye(4)
    s[1:] += 0.05 * rng.normal(size=(3, 4))
    inverse = np.linalg.inv(s)
    gates_ = [s @ gate.transfer_matrix() @ inverse for gate in model.gates.values()]
    rho, effect = s @ np.array([1.0, 0, 0, 1]), np.array([0.5, 0, 0, 0.5]) @ inverse
    theta = np.concatenate([*(g[1:].ravel() for g in gates_), rho[1:], effect])
    assert np.abs(theta[:36] - ideal).max() > 0.05
    experiments = experiments_of(xyi_words(1))
    n = np.maximum(np.round(1000 * model.predict(theta * 0.999, experiments)), 1).astype(int)
    result = gate_set_tomography(model, Counts(experiments, n), max_iterations=1)
    with pytest.raises(InputError, match="targets must be of the gates 'Gi', 'Gx', 'Gy'; found 'Gz'"):
        result.in_gauge({"Gz": np.eye(4)})
    with pytest.raises(
        InputError, match=r"target of 'Gx' must be a transfer matrix of shape \(4, 4\); found shape \(2, 2\)"
    ):
        result.in_gauge({"Gx": np.eye(2)})
    fixed = dataclasses.replace(result, params=theta).in_gauge()
    for name, gate in model.gates.items():
        assert np.abs(fixed.gates[name] - gate.transfer_matrix()).max() < 1e-9
    assert np.abs(fixed.preparations["rho"] - [1, 0, 0, 1]).max() < 1e-9


def test_what_is_known_has_no_gauge():
    """A gate about an axis that is known to be off x stays there, though a turn about z changes no probability."""
    tilted = Circuit(1, [gates.RZ(0.3, 0), gates.RX("a", 0), gates.RZ(-0.3, 0)])
    model = GateSetModel({"Gx": tilted}, kind="known", preparations={"rho": [1, 0]}, measurements=Z)
    experiments = experiments_of([("Gx",) * k for k in range(1, 5)])
    counts = Counts.from_weights(experiments, 1000 * model.predict({"a": 1.6}, experiments))
    result = gate_set_tomography(model, counts, params0=model.unconstrained({"a": 1.5}))
    fixed = result.in_gauge({"Gx": as_process(gates.SX).transfer_matrix()})
    assert np.abs(fixed.gates["Gx"] - result.transfer_matrices["Gx"]).max() < 1e-12
    assert fixed.preparations["rho"] == pytest.approx([1, 0, 0, 1])


def test_parameters_of_noise_come_with_errors():
    model = GateSetModel(noisy_gates())
    words = [("Gx",) * k + ("Gy",) * m for k in range(8) for m in range(8)]
    experiments = experiments_of(words)
    truth = {"ax": 1.55, "p": 0.01, "ay": 1.6, "g": 0.03}
    counts = experiments.simulate(model.predict(truth, experiments), 5000, np.random.default_rng(1))
    found = fit(model, counts, params0={**truth, "ax": 1.5}, optimizer=NaturalGradient(), progress=False)
    errors = model_errors(model, found)
    for name, (value, error) in errors.natural.items():
        assert 0 < error < 0.02
        assert abs(value - truth[name]) < 5 * error
    assert errors.bic - errors.aic == pytest.approx(4 * (np.log(counts.total) - 2))


def test_parameters_of_a_preparation_that_is_a_model_are_those_of_the_model():
    noisy = CircuitModel(Circuit(1, [channels.BitFlip("p", 0)]))
    model = GateSetModel({"Gx": gates.SX}, kind="known", preparations={"rho": noisy})
    theta = model.unconstrained({"rho.p": 0.2})
    assert model.natural(theta) == pytest.approx({"rho.p": 0.2})
    assert model.pauli_vectors({"rho.p": 0.2})["rho"] == pytest.approx([1, 0, 0, 0.6])


def test_two_qubits():
    model = GateSetModel({"G0": Circuit(2, [gates.SX(0)]), "Gc": gates.CNOT}, preparations={"rho": np.eye(4)[0]})
    experiments = Experiments.product(
        [(), ("G0",), ("Gc", "G0"), ("G0", "Gc", "G0")], {"rho": np.eye(4)[0]}, PauliMeasurement(["ZZ", "XY"])
    )
    theta = model.init_params(np.random.default_rng(0))
    state = ReferenceEngine().evolve(Circuit(2, [gates.SX(0), gates.CNOT(0, 1), gates.SX(0)]), ())
    ideal = np.concatenate([gate.transfer_matrix()[1:].ravel() for gate in model.gates.values()])
    exact = np.concatenate([ideal, theta[len(ideal) :] / 0.99])
    p = model.predict(exact, experiments)[-8:]
    assert np.abs(p - PauliMeasurement(["ZZ", "XY"]).probabilities(state)).max() < 1e-12


def test_counts_of_words_are_written_and_selected(tmp_path):
    experiments = experiments_of([(), ("Gx",), ("Gx", "Gx")])
    counts = Counts(experiments, [[9, 1], [5, 5], [1, 9]])
    counts.save(tmp_path / "words.npz")
    assert Counts.load(tmp_path / "words.npz") == counts
    assert counts["rho|Gx Gx|Z"] == {"0": 1, "1": 9}
    some = counts.subset([0, 2])
    assert some.measurement.circuits == ((), ("Gx", "Gx"))
    assert some.counts.tolist() == [9, 1, 1, 9]
    counts.write_csv(tmp_path / "words.csv")
    assert Counts.read_csv(tmp_path / "words.csv", experiments) == counts


def test_the_standard_words_are_those_of_pygsti():
    assert [len(xyi_words(n)) for n in (1, 2, 4, 64)] == [92, 168, 285, 952]
    assert [len(xyi_words(n, lite=False)) for n in (1, 2, 64)] == [92, 168, 2122]
    assert len(set(xyi_words(16))) == len(xyi_words(16))
    assert max(map(len, xyi_words(64))) == 70


def test_probabilities_that_are_none_are_not_simulated():
    experiments = experiments_of([(), ("Gx",)])
    with pytest.raises(InputError, match=r"found 0.9 in 'rho\|\|Z'"):
        experiments.simulate(np.array([0.5, 0.4, 0.5, 0.5]), 10, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"-0\.5 as the least of all"):
        experiments.simulate(np.array([1.5, -0.5, 0.5, 0.5]), 10, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"shape \(4,\)"):
        experiments.simulate(np.array([0.5, 0.5]), 10, np.random.default_rng(0))


def test_wrong_inputs():
    words = experiments_of([("Gx",), ("Gx", "Gz")])
    with pytest.raises(InputError, match="no gate 'Gz'; it has 'Gx', 'Gy'"):
        GateSetModel({"Gx": gates.SX, "Gy": gates.S}).on(words)
    timed = Experiments.product([0.5], {"rho": [1.0, 0.0]}, Z)
    with pytest.raises(InputError, match="a gate set predicts words of gates; found times"):
        GateSetModel({"Gx": gates.SX}).on(timed)
    with pytest.raises(InputError, match="needs words of gates; found times"):
        gate_set_tomography(GateSetModel({"Gx": gates.SX}), Counts(timed, [3, 4]))
    with pytest.raises(InputError, match="predicts times; found words"):
        LindbladModel({"w": "Z"}).on(experiments_of([("Gx",)]))
    with pytest.raises(InputError, match="words of gates or times, not both"):
        Experiments([("rho", ("Gx",), "Z"), ("rho", 1.0, "Z")], {"rho": [1.0, 0.0]}, Z)
    with pytest.raises(InputError, match=r"no preparation 'rhp' \(did you mean 'rho'\?\)"):
        Experiments([("rhp", ("Gx",), "Z")], {"rho": [1.0, 0.0]}, Z)
    with pytest.raises(InputError, match="distinct"):
        Experiments([("rho", ("Gx",), "Z"), ("rho", "Gx", "Z")], {"rho": [1.0, 0.0]}, Z)
    with pytest.raises(InputError, match="time of setting 0 must be"):
        Experiments([("rho", -1.0, "Z")], {"rho": [1.0, 0.0]}, Z)
    with pytest.raises(InputError, match="no preparation or measurement 'mu', which the model learns"):
        GateSetModel({"Gx": gates.SX}, preparations={"mu": [1, 0]}).on(experiments_of([("Gx",)]))
    with pytest.raises(InputError, match="sites \\(2,\\), as the others"):
        GateSetModel({"Gx": gates.SX, "Gc": gates.CNOT})
    with pytest.raises(InputError, match="holds no shots at all"):
        gate_set_tomography(GateSetModel({"Gx": gates.SX}), Counts(experiments_of([("Gx",)]), [0, 0]))
    with pytest.raises(InputError, match="lengths must rise"):
        gate_set_tomography(GateSetModel({"Gx": gates.SX}), Counts(experiments_of([("Gx",)]), [3, 4]), lengths=[8, 4])
    with pytest.raises(InputError, match="of Experiments"):
        fit(GateSetModel({"Gx": gates.SX}), thermal("Z", 1.0))
    model = GateSetModel({"Gx": gates.SX})
    theta = model.init_params(np.random.default_rng(0))
    with pytest.raises(OutsideDomain, match="gives an outcome the probability"):
        model.predict(10 * theta, experiments_of([("Gx", "Gx")]))


@pytest.mark.parametrize("n", range(1, 9))
def test_an_outcome_that_no_word_of_known_gates_shows_is_impossible_whatever_is_rounded(n: int) -> None:
    """n turns by pi/n flip a qubit, and 16 n leave it as it was; with one count against it, S is +inf."""
    turn = Circuit(1, [gates.RX(math.pi / n, 0)])
    model = GateSetModel({"G": turn}, kind="known")
    words = experiments_of([("G",) * n, ("G",) * (16 * n)])
    assert model.predict((), words).tolist() == pytest.approx([0.0, 1.0, 1.0, 0.0], abs=1e-300)
    sigma = model.on(words).state()
    assert NegativeLogLikelihood().value(Counts(words, [0, 9, 9, 0]), sigma) == 0.0
    assert NegativeLogLikelihood().value(Counts(words, [1, 9, 9, 0]), sigma) == math.inf
    assert NegativeLogLikelihood().value(Counts(words, [0, 9, 9, 1]), sigma) == math.inf


def test_generators_of_errors_that_do_not_fit_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**8)
    with pytest.raises(MemoryRefused, match="generators of errors of the gate 'G'"):
        GateSetModel({"G": Circuit(3, [gates.H(0)])}, kind="cptp")
