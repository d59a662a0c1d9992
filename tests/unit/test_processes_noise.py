"""Noise that is learnt from records: Lindblad equations at many times, sparse Pauli noise on many qubits."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.arrays import difference
from helpers.cases import every

from qml import PauliMeasurement, check_gradient, fit, io, pauli
from qml._checks import InputError
from qml.channels import Lindblad
from qml.measurement import POVM
from qml.optimizers import NaturalGradient
from qml.processes import (
    Experiments,
    LindbladModel,
    Parities,
    ProcessMeasurement,
    as_process,
    xyi_gate_set,
)
from qml.states import ginibre, maximally_mixed

LOWER = np.array([[0, 1], [0, 0]])
TIMES = [0.0, 0.3, 1.1, 2.5]
TRINE = POVM([np.outer(v, v) * 2 / 3 for v in ([1, 0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)])])


def qubit():
    return LindbladModel({"w": "Z", "x": "X"}, {"decay": LOWER, "dephasing": "Z"}, drift=0.3 * pauli("Y"))


def pair():
    """A drive of a coupled pair, of which each decays."""
    jumps = {"left": np.kron(LOWER, np.eye(2)), "right": np.kron(np.eye(2), LOWER)}
    return LindbladModel({"J": pauli("XX") + pauli("YY"), "z": "ZI"}, jumps)


TRUTHS = {
    "qubit": {"w": 0.7, "x": -0.4, "decay": 0.2, "dephasing": 0.1},
    "pair": {"J": 0.5, "z": 0.3, "left": 0.2, "right": 0.05},
}
MODELS = {"qubit": qubit, "pair": pair}
EVERY = pytest.mark.parametrize("kind", MODELS)


def setup_of(kind, times=TIMES):
    n = {"qubit": 1, "pair": 2}[kind]
    return Experiments.product(times, n, PauliMeasurement(n) if n == 1 else PauliMeasurement(["XX", "YZ", "ZZ"]))


def record(model, truth, setup, shots, seed=0):
    return setup.simulate(model.predict(truth, setup), shots, np.random.default_rng(seed))


# Lindblad equations ---------------------------------------------------------------------------------------------------


@EVERY
def test_a_lindblad_model_predicts_what_measuring_its_process_shows(kind):
    model, setup = MODELS[kind](), setup_of(kind)
    p, place = model.predict(TRUTHS[kind], setup), 0
    for time in TIMES:
        process = model.process(TRUTHS[kind], time)
        both = ProcessMeasurement(
            setup.preparations, PauliMeasurement(list(setup.measurements)), setup.preparation_names
        )
        exact = both.probabilities(process)
        assert np.abs(p[place : place + both.n_outcomes] - exact).max() < 1e-13
        place += both.n_outcomes
    assert place == len(p) == setup.n_outcomes
    assert np.abs(np.add.reduceat(p, setup.offsets[:-1]) - 1).max() < 1e-13
    assert p.std() > 0.1


def test_other_preparations_and_measurements_of_other_sizes():
    rng = np.random.default_rng(0)
    states, model = {"a": ginibre((2,), rng), "b": ginibre((2,), rng, rank=1)}, qubit()
    settings = [("b", 0.7, "trine"), ("a", 0.2, "Z"), ("a", 0.7, "trine"), ("b", 0.0, "Z")]
    ends = {"trine": TRINE, "Z": [np.diag([1.0, 0]), np.diag([0, 1.0])]}
    setup = Experiments(settings, states, ends)
    p = np.split(model.predict(TRUTHS["qubit"], setup), setup.offsets[1:-1])
    for (name, time, end), found in zip(settings, p, strict=True):
        image = model.process(TRUTHS["qubit"], time).apply(states[name]).matrix()
        effects = [TRINE.element(k) for k in range(3)] if end == "trine" else ends["Z"]
        assert found == pytest.approx([np.trace(e @ image).real for e in effects], abs=1e-13)
    chosen = setup.select([2, 0])
    assert model.predict(TRUTHS["qubit"], chosen) == pytest.approx(np.concatenate([p[2], p[0]]), abs=1e-14)


@EVERY
def test_processes_of_a_lindblad_model_follow_each_other_in_time(kind):
    model, truth = MODELS[kind](), TRUTHS[kind]
    one = model.process(truth, 0.4)
    whole = one.then(model.process(truth, 0.9)).choi.matrix()
    assert np.abs(whole - model.process(truth, 1.3).choi.matrix()).max() < 1e-14
    start = model.process(truth, 0.0)
    assert start.is_unitary
    assert np.abs(start.superoperator() - np.eye(start.dim_in**2)).max() < 1e-14
    held = model.channel(1.3, *truth.values(), *range(len(model.sites)))
    assert np.abs(as_process(held).choi.matrix() - whole).max() < 1e-13


@EVERY
def test_derivatives_of_predictions(kind):
    model, setup = MODELS[kind](), setup_of(kind)
    theta, rng = model.unconstrained(TRUTHS[kind]), np.random.default_rng(1)
    prediction = model._predict(theta, setup)
    jacobian = prediction.jacobian()
    for k in range(model.n_params):
        numeric = difference(lambda t: model._predict(t, setup).probabilities, theta, np.eye(len(theta))[k])
        assert np.abs(numeric).max() > 1e-3
        assert np.abs(jacobian[:, k] - numeric).max() < 1e-8 * np.abs(numeric).max()
    for _ in range(3):
        w = rng.normal(size=setup.n_outcomes)
        assert prediction.pull(w) == pytest.approx(jacobian.T @ w, rel=1e-10, abs=1e-11)


@EVERY
def test_gradient_of_the_likelihood_of_a_lindblad_model(kind):
    model, setup = (
        MODELS[kind](),
        setup_of(kind, [0.4, 0.9]),
    )  # where no probability is small, and the steps can be long
    counts = record(model, TRUTHS[kind], setup, 100)
    away = model.unconstrained({name: 1.2 * value for name, value in TRUTHS[kind].items()})
    check = check_gradient(model.on(counts), counts, params=away)
    assert np.abs(check.analytic).min() > 1e-4
    assert check.ok, str(check)


@EVERY
def test_the_metric_of_a_lindblad_model_is_the_information_of_a_shot(kind):
    model, setup = MODELS[kind](), setup_of(kind)
    theta = model.unconstrained(TRUTHS[kind])
    shots = np.arange(1, len(setup.settings) + 1)
    counts = record(model, TRUTHS[kind], setup, shots)
    p, jacobian = model.on(counts).outcome_derivatives(theta)
    weights = np.repeat(shots / shots.sum(), setup.sizes)
    seen = p > 1e-12
    exact = (jacobian[seen] * (weights[seen] / p[seen])[:, None]).T @ jacobian[seen]
    assert np.linalg.eigvalsh(exact)[0] > 1e-4
    assert model.on(counts).metric(theta).matrix() == pytest.approx(exact, rel=1e-9)


@EVERY
@pytest.mark.parametrize("optimizer", [None, NaturalGradient()], ids=repr)
def test_a_hamiltonian_and_rates_are_recovered(kind, optimizer):
    """Each within five standard errors of the Fisher information."""
    model, setup = MODELS[kind](), setup_of(kind)
    counts = record(model, TRUTHS[kind], setup, 10**5)
    start = {name: 1.1 * value for name, value in TRUTHS[kind].items()}
    found = fit(model, counts, params0=start, optimizer=optimizer, progress=False)
    theta = model.unconstrained(TRUTHS[kind])
    total = 10**5 * len(setup.settings)
    errors = np.sqrt(np.diag(np.linalg.inv(total * model.on(counts).metric(found.params).matrix())))
    assert errors.min() > 1e-5
    assert errors.max() < 2e-2
    assert (np.abs(found.params - theta) < 5 * errors).all()
    assert np.abs(list(model.natural(found.params).values()) - np.array(list(TRUTHS[kind].values()))).max() < 5e-3


def test_natural_parameters_of_a_lindblad_model_and_files():
    model = qubit()
    theta = model.unconstrained(TRUTHS["qubit"])
    assert model.natural(theta) == pytest.approx(TRUTHS["qubit"], rel=1e-12)
    assert theta[:2] == pytest.approx([0.7, -0.4])
    assert np.log1p(np.exp(theta[2:])) == pytest.approx([0.2, 0.1])
    again = io.from_dict(io.to_dict(model))
    assert again.parameter_names == model.parameter_names == ("w", "x", "decay", "dephasing")
    one, other = (m.process(theta, 0.8).choi.matrix() for m in (model, again))
    assert np.array_equal(one, other)
    starts = model.init_params(np.random.default_rng(0))
    assert 0.05 < model.natural(starts)["decay"] < 0.2


def test_a_record_at_time_zero_tells_nothing_of_the_dynamics():
    model, setup = qubit(), setup_of("qubit", [0.0])
    theta = model.unconstrained(TRUTHS["qubit"])
    assert not model._predict(theta, setup).jacobian().any()
    assert not model._predict(theta, setup).pull(np.arange(24.0)).any()


WORDS = Experiments.product([("G",), ("G", "G")], 1, PauliMeasurement(1))
TIMED = Experiments.product([0.5], 1, PauliMeasurement(1))


@every(
    "make, sentence",
    [
        (lambda: qubit().predict(TRUTHS["qubit"], WORDS), "predicts times; found words of gates"),
        (
            lambda: qubit().on(Parities(["X"], [1])),
            r"data must be an Experiments; found Parities\(1 string of",
        ),
        (lambda: qubit().on(setup_of("pair")), r"on the same sites; found \(2, 2\) and \(2,\)"),
        (lambda: qubit().on(3), "data must be a Design"),
        (lambda: xyi_gate_set().on(Parities(["X"], [1])), "data must be an Experiments; found Parities"),
        (lambda: xyi_gate_set().on(TIMED), "predicts words of gates; found times"),
        (lambda: qubit().predict({**TRUTHS["qubit"], "decay": -0.1}, TIMED), r"inside \[0, inf\] .* found -0\.1"),
        (lambda: qubit().predict({"w": 0.1}, TIMED), "'x' is missing"),
        (lambda: qubit().predict({**TRUTHS["qubit"], "no": 0.1}, TIMED), "no parameter 'no'"),
        (lambda: qubit().process(TRUTHS["qubit"], -1.0), "time must be a finite number of at least 0; found -1"),
        (lambda: Experiments.product([-1.0], 1, PauliMeasurement(1)), "the time of setting 0 must be .* found -1"),
        (lambda: Experiments.product([1.0, ("G",)], 1, PauliMeasurement(1)), "words of gates or times, not both"),
        (
            lambda: qubit().predict(
                {**TRUTHS["qubit"], "w": 1e300}, Experiments.product([1e300], 1, PauliMeasurement(1))
            ),
            "the product of a time and the coefficients is too large for float64",
        ),
        (lambda: LindbladModel(), "needs a Hamiltonian or jumps"),
        (lambda: LindbladModel(drift="Z"), "a coefficient to learn; found a drift alone"),
        (lambda: LindbladModel({"a": np.eye(3)}), r"of qubits; found sites of dimensions \(3,\)"),
        (lambda: LindbladModel({"a": LOWER}), "the term 'a' of the Hamiltonian must be Hermitian"),
        (lambda: LindbladModel({"a": "Z"}, {"a": LOWER}), "distinct names"),
        (lambda: Lindblad({"w": "Z"}, {"g": LOWER})(-1.0, 0.1, 0.1, 0), r"time must lie in \[0, inf\]; found -1"),
        (lambda: Lindblad({"w": "Z"}, {"g": LOWER})(1.0, 0.1, -0.1, 0), r"g must lie in \[0, inf\]; found -0\.1"),
        (lambda: fit(qubit(), maximally_mixed((2,)), progress=False), "target must be a Counts"),
    ],
)
def test_bad_dynamics_are_refused_with_one_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_rates_of_zero_are_predicted_by_name():
    model = LindbladModel({"w": "Z"}, {"decay": [[0, 1], [0, 0]]})
    setup = Experiments.product([0.5], {"+": [np.sqrt(0.5), np.sqrt(0.5)]}, PauliMeasurement(["X"]))
    p = model.predict({"w": 0.4, "decay": 0.0}, setup)
    assert p[0] == pytest.approx((1 + np.cos(0.4)) / 2, abs=1e-14)
    assert model.process({"w": 0.4, "decay": 0}, 1.0).is_unitary
    with pytest.raises(InputError, match="take one a little inside"):
        model.theta({"w": 0.4, "decay": 0.0})  # where a fit would not move
    with pytest.raises(InputError, match="decay"):
        model.predict({"w": 0.4, "decay": -0.1}, setup)


@pytest.mark.parametrize("value", [[0.1], np.array([0.1, 0.2]), None, "0.1", np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused_by_name(value):
    model = LindbladModel({"w": "Z"}, {"decay": [[0, 1], [0, 0]]})
    setup = Experiments.product([0.5], 1, PauliMeasurement(["X"]))
    with pytest.raises(InputError, match="decay"):
        model.predict({"w": 0.4, "decay": value}, setup)
