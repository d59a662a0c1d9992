"""Lindblad channels in circuits: both engines, trainable coefficients, controls that are constant piece by piece."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.linalg import expm, null_space

from qml import Circuit, CircuitModel, PauliMeasurement, ProcessModel, check_gradient, fit, gates, io, pauli
from qml._checks import InputError, MemoryRefused, OutsideDomain
from qml.channels import Lindblad
from qml.engines import PauliEngine, ReferenceEngine
from qml.losses import HilbertSchmidt
from qml.processes import Experiments, LindbladModel, Process
from qml.states import ginibre

LOWER = np.array([[0, 1], [0, 0]])
PULSE = Lindblad({"x": "X", "z": "Z"}, {"decay": LOWER, "dephasing": "Z"})
PAIR = Lindblad({"zz": "ZZ"}, {"decay": np.kron(LOWER, np.eye(2))}, drift="XI")


def driven():
    """Two pieces of a control with one detuning and one decay, and a coupling."""
    return Circuit(
        2,
        [
            PULSE(0.5, "first", "w", "gamma", 0.1, 0),
            PULSE(0.5, "second", "w", "gamma", 0.1, 0),
            gates.RY("angle", 1),
            PAIR("time", 0.7, "gamma", 1, 0),
        ],
    )


VALUES = {"first": 1.2, "w": 0.3, "gamma": 0.2, "second": -0.7, "angle": 0.4, "time": 0.6}


def test_pieces_of_a_control_are_exponentials_one_after_the_other():
    circuit = Circuit(1, [PULSE(0.5, "first", "w", "gamma", 0.1, 0), PULSE(0.5, "second", "w", "gamma", 0.1, 0)])
    found = Process.from_circuit(circuit, {k: VALUES[k] for k in circuit.parameters}).superoperator()
    pieces = [expm(0.5 * PULSE.generator(np.array([VALUES[k], 0.3, 0.2, 0.1]))) for k in ("first", "second")]
    assert np.abs(found - pieces[1] @ pieces[0]).max() < 1e-13


def test_both_engines_agree_in_states_and_gradients():
    circuit = driven()
    rho = ginibre((2, 2), np.random.default_rng(0))
    models = [CircuitModel(circuit, engine=e, initial=rho) for e in (PauliEngine(), ReferenceEngine())]
    theta = models[0].unconstrained(VALUES)
    states, pulls = zip(*(m.state_vjp(theta) for m in models), strict=True)
    assert np.abs(states[0].matrix() - states[1].matrix()).max() < 1e-13
    cotangent = ginibre((2, 2), np.random.default_rng(1)).matrix()
    ours, theirs = (p(s.pull_matrix(cotangent)) for p, s in zip(pulls, states, strict=True))
    assert np.abs(theirs).min() > 1e-4
    assert np.abs(ours - theirs).max() < 1e-12


def test_gradients_are_those_of_finite_differences():
    circuit = driven()
    model = CircuitModel(circuit, initial=ginibre((2, 2), np.random.default_rng(0)))
    target = ginibre((2, 2), np.random.default_rng(2))
    for loss in ("cross_entropy", HilbertSchmidt()):
        check = check_gradient(model, target, loss, model.unconstrained(VALUES), tolerance=1e-8)
        assert np.abs(check.analytic).min() > 1e-4
        assert check.ok, check


def test_coefficients_are_learnt_from_a_process():
    circuit = Circuit(1, [PULSE(1.0, "x", 0.2, "decay", "dephasing", 0)])
    truth = {"x": 0.5, "decay": 0.1, "dephasing": 0.05}
    model = ProcessModel(circuit)
    start = model.unconstrained({"x": 0.2, "decay": 0.3, "dephasing": 0.3})
    found = fit(model, Process.from_circuit(circuit, truth), params0=start, progress=False)
    assert model.natural(found.params) == pytest.approx(truth, abs=1e-5)


def test_wrong_inputs():
    with pytest.raises(InputError, match="neither"):
        Lindblad()
    with pytest.raises(InputError, match="the term 'x' of the Hamiltonian must be Hermitian"):
        Lindblad({"x": LOWER})
    with pytest.raises(InputError, match="distinct names"):
        Lindblad({"a": "X"}, {"a": "Z"})
    with pytest.raises(InputError, match="distinct names"):
        Lindblad({"time": "X"})
    with pytest.raises(OutsideDomain, match="decay must lie in"):
        PULSE(1.0, 0.1, 0.1, -0.1, 0.1, 0)
    with pytest.raises(OutsideDomain, match="time must lie in"):
        PULSE(-1.0, 0.1, 0.1, 0.1, 0.1, 0)
    with pytest.raises(InputError, match="takes 6 arguments"):
        PULSE(1.0, 0)
    with pytest.raises(InputError):
        Lindblad({"x": "X", "y": "XX"})


def test_equal_equations_are_equal_and_hashable():
    again = Lindblad({"x": pauli("X"), "z": "Z"}, {"decay": LOWER, "dephasing": pauli("Z")})
    assert again == PULSE
    assert hash(again) == hash(PULSE)
    assert Lindblad({"x": "X"}, {"z": "Z"}) != Lindblad({"x": "X", "z": "Z"})


def test_a_wrong_number_of_coefficients_is_told_in_a_sentence():
    decay = Lindblad({"w": "Z"}, {"gamma": [[0, 1], [0, 0]]})
    for wrong in ([1.0], np.ones(3), 2.0):
        with pytest.raises(
            InputError, match=r"coefficients must have shape \(2,\), one number for each name but the time"
        ):
            decay.generator(wrong)
    assert np.array_equal(decay.generator([0.5, 2.0]), decay.generator(np.array([0.5, 2.0])))
    for odd, sentence in ([1j, 1.0], "must be real"), ([np.nan, 1.0], "must be finite"):
        for wrong in (odd, np.array(odd)):
            with pytest.raises(InputError, match=f"coefficients {sentence}"):
                decay.generator(wrong)


def test_an_equation_is_written_and_read_with_all_its_terms():
    channel = Lindblad({"x": "XI", "zz": "ZZ"}, {"decay": np.kron(LOWER, np.eye(2)), "flip": "IX"}, drift="YI")
    again = io.from_dict(json.loads(json.dumps(io.to_dict(channel))))
    assert again == channel
    assert again.parameter_names == ("time", "x", "zz", "decay", "flip")
    assert again.domains == channel.domains
    rates = [0.3, -0.7, 0.2, 0.1]
    assert np.array_equal(again.generator(rates), channel.generator(rates))


def test_an_equation_that_would_not_fit_is_refused(monkeypatch):
    """A generator on six qubits is 4^12 numbers, 268 MB."""
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**9)
    with pytest.raises(MemoryRefused, match=r"a Lindblad generator of dimension 64 needs .* use fewer sites"):
        Lindblad({"x": "XIIIII"})


@pytest.mark.parametrize("time", [1e3, 1e9, 1e15])
def test_after_a_long_time_the_steady_state_is_left(time):
    """Its trace is one, however many lifetimes have passed: an oscillation in hertz, a time in seconds."""
    model = LindbladModel({"z": "Z", "x": "X"}, {"decay": LOWER})
    values = {"z": 0.7, "x": 0.3, "decay": 0.2}
    steady = null_space(model.channel.generator(list(values.values())))[:, 0].reshape(2, 2)
    steady = steady / np.trace(steady)
    channel = Circuit(1, [model.channel(time, *values.values(), 0)])
    for engine in (PauliEngine(), ReferenceEngine()):
        left = engine.evolve(channel, [], ginibre((2,), np.random.default_rng(0))).matrix()
        assert np.abs(left - steady).max() < 1e-13
    process = model.process(values, time)
    assert np.abs(process.apply([0.0, 1.0]).matrix() - steady).max() < 1e-13
    setup = Experiments.product([time], {"1": [0.0, 1.0]}, PauliMeasurement(["Z"]))
    assert model.predict(values, setup) == pytest.approx(np.diag(steady).real, abs=1e-13)


def test_a_time_that_float64_does_not_hold_is_told():
    with pytest.raises(OutsideDomain, match="the product of a time and the coefficients is too large"):
        Process.from_circuit(Circuit(1, [PULSE(1e308, 9.0, 9.0, 9.0, 9.0, 0)]))


def test_a_time_beyond_float64_is_told_in_a_sentence():
    decay = Lindblad({"h": "X"}, {"g": [[0, 1], [0, 0]]})
    with pytest.raises(OutsideDomain, match="shorten the time"):
        decay.superoperator(np.array([1.7e308, 2.0, 1.0]))


@pytest.mark.parametrize("phase", [0.3, 1e2, 1e4, 1e6, 1e8])
def test_digits_of_fast_oscillations_and_of_slow_decay_beside_fast_dephasing(phase: float) -> None:
    """Both are known in closed form: an oscillation has the rounding of its phase, the decay its own."""
    bound = 3 * np.finfo(float).eps * max(1.0, 2 * phase)
    driven = Lindblad({"w": "X"}).superoperator(np.array([1.0, phase]))[0]
    assert abs(driven[0] - np.cos(phase) ** 2) < bound
    assert abs(driven[3] - np.sin(phase) ** 2) < bound
    stiff = Lindblad(jumps={"z": "Z", "decay": [[0, 1], [0, 0]]})
    decayed = stiff.superoperator(np.array([1.0, phase, 1.0]))
    assert abs(decayed[3, 3] - np.exp(-1)) < 1e-15
    assert abs(decayed[1, 1] - np.exp(-0.5 - 2 * phase)) < 1e-15
    slopes = stiff.superoperator_derivatives(np.array([1.0, phase, 1.0]))
    assert np.abs(slopes[[0, 2], 3, 3] + np.exp(-1)).max() < 1e-15  # in the time, and in the rate
    assert abs(slopes[1, 3, 3]) < 1e-15


def test_a_measurement_of_many_outcomes_that_is_not_used_is_no_hindrance():
    model = LindbladModel({"w": "X"}, {"decay": [[0, 1], [0, 0]]})
    ends = {"coarse": [np.eye(2)], "fine": [np.eye(2) / 4] * 4, "Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}
    setup = Experiments.product([0.5, 1.0], {"0": [1.0, 0.0]}, ends)
    values = {"w": 0.3, "decay": 0.1}
    p = model.predict(values, setup)
    counts = setup.simulate(p, 100, np.random.default_rng(0)).subset(["0|0.5|Z", "0|1.0|Z"])
    shown = model.predict(values, counts.measurement)
    whole = dict(zip(setup.settings, np.split(p, setup.offsets[1:-1]), strict=True))
    assert shown == pytest.approx(np.concatenate([whole["0|0.5|Z"], whole["0|1.0|Z"]]), abs=1e-15)
