"""Losses and states as functions of arrays: many theta at once are what they are one by one; derivatives are right."""

import math

import numpy as np
import pytest
from helpers.arrays import complex_normal, difference
from helpers.cases import every

from qml import (
    Circuit,
    CircuitModel,
    EvolvedGibbsModel,
    GibbsModel,
    NoisyModel,
    SpectralModel,
    channels,
    gates,
    pauli,
)
from qml._checks import InputError
from qml.circuits import hardware_efficient
from qml.engines import ReferenceEngine
from qml.fitting import Gaussian, Objective, functions
from qml.fitting.functions import LossFunction, StateFunction
from qml.losses import NegativeLogLikelihood, TrainableReadout
from qml.measurement import PauliMeasurement, sample
from qml.models import ConditionalGibbsModel
from qml.operators import tfim
from qml.states import basis_state, ginibre

RNG = np.random.default_rng(0)
NOISY = hardware_efficient(2, layers=1).then(channels.Depolarizing("p", 0), channels.AmplitudeDamping("g", 1))
START = ginibre((2, 2), np.random.default_rng(1))
MODELS = {
    "circuit": CircuitModel(NOISY),
    "reference": CircuitModel(NOISY, engine=ReferenceEngine()),
    "from a state": CircuitModel(NOISY, initial=START),
    "unitary": CircuitModel(hardware_efficient(2, layers=1), initial=START),
    "pure": CircuitModel(hardware_efficient(2, layers=1)),
    "from a model": CircuitModel(NOISY, initial=GibbsModel({"x": pauli("XI"), "z": pauli("ZZ")})),
    "noisy": NoisyModel(GibbsModel(tfim(2)), Circuit(2, [channels.Depolarizing("p", 0)])),
    "spectral": SpectralModel(hardware_efficient(2, layers=1)),
    "evolved": EvolvedGibbsModel(tfim(2), hardware_efficient(2, layers=1)),
    "Gibbs": GibbsModel(tfim(2)),
}
COUPLED = CircuitModel(Circuit(1, [gates.RX("a", 0), channels.ThermalRelaxation("t1", "t2", 1.0, 0.0, 0)]))
"""Some theta are outside its domain, t2 <= 2 t1."""


EVERY_MODEL = every("model", MODELS.values(), ids=list(MODELS))


def draws(model, count):
    return np.array([model.init_params(RNG) for _ in range(count)])


def called_together(model):
    return type(model) is CircuitModel and not isinstance(model.initial, GibbsModel)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    """Four at a time: so that a batch is more than one piece."""
    monkeypatch.setattr(functions, "AT_ONCE", 64)


@EVERY_MODEL
@every("loss", ["cross_entropy", "infidelity", "hilbert_schmidt"])
def test_losses_of_many_theta_are_those_of_each_to_the_bit(model, loss):
    objective, rows = Objective.of(model, ginibre((2, 2), RNG), loss), draws(model, 6)
    function = LossFunction(objective)
    values, gradients = function.value_and_gradient(rows.reshape(2, 3, -1))
    assert values.shape == (2, 3)
    assert gradients.shape == (2, 3, model.n_params)
    assert np.array_equal(function.value(rows), [objective.value(row) for row in rows])
    for row, value, gradient in zip(rows, values.ravel(), gradients.reshape(6, -1), strict=True):
        one, slope = objective.value_and_gradient(row)
        assert value == one
        assert np.array_equal(gradient, slope, equal_nan=True)


@EVERY_MODEL
def test_states_of_many_theta_are_those_of_each_to_the_bit(model):
    rows, function = draws(model, 6), StateFunction(model)
    c = complex_normal(RNG, 6, 4, 4)
    for found, pulled, row, one in zip(function.state(rows), function.pull(rows, c), rows, c, strict=True):
        assert np.array_equal(found, model.state(row).matrix())
        assert np.array_equal(pulled, function.pull(row, one))


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_circuits_take_one_call_of_their_engine_for_several_theta(model, monkeypatch):
    rows, function, calls = draws(model, 6), StateFunction(model), []
    held = type(model).state_vjp
    monkeypatch.setattr(type(model), "state_vjp", lambda *a: calls.append(a) or held(*a))
    function.pull(rows, np.zeros((6, 4, 4)))
    assert len(calls) == (0 if called_together(model) else 6)


class Reversed(CircuitModel):
    """A circuit whose angles all have the other sign."""

    def state_vjp(self, params=()):
        state, pull = super().state_vjp(-self.theta(params))
        return state, lambda cotangent: -pull(cotangent)


def test_a_way_of_ones_own_to_a_state_is_asked_for_each_theta():
    model = Reversed(hardware_efficient(2, layers=1).then(channels.Depolarizing(0.1, 0)))
    objective, rows = Objective.of(model, START), draws(model, 3)
    values, gradients = LossFunction(objective).value_and_gradient(rows)
    assert np.array_equal(values, [objective.value_and_gradient(row)[0] for row in rows])
    assert np.array_equal(gradients, [objective.value_and_gradient(row)[1] for row in rows])


@EVERY_MODEL
def test_derivatives_of_the_state_are_difference_quotients_forward_and_backward(model):
    function, (theta, v) = StateFunction(model), draws(model, 2)
    numeric = difference(function.state, theta, v)
    assert np.abs(numeric).max() > 0.01
    assert np.abs(function.push(theta, v) - numeric).max() < 1e-9
    c = complex_normal(RNG, 4, 4)
    expected = np.vdot(c, numeric).real
    assert abs(expected) > 1e-3
    assert function.pull(theta, c) @ v == pytest.approx(expected, abs=1e-8)


def test_a_batch_of_states_has_its_axis_before_those_of_the_matrix():
    model = ConditionalGibbsModel([pauli("X"), pauli("Z")], 2).at(RNG.normal(size=(5, 2)))
    function, theta = StateFunction(model), model.init_params(RNG) + 0.3
    assert function.shape == (5, 2, 2)
    assert np.array_equal(function.state([theta, theta])[1], model.state(theta).matrix())
    c, v = complex_normal(RNG, 5, 2, 2), RNG.normal(size=model.n_params)
    expected = np.vdot(c, difference(function.state, theta, v)).real
    assert abs(expected) > 1e-3
    assert function.pull(theta, c) @ v == pytest.approx(expected, abs=1e-9)


def test_an_infinite_loss_is_one_of_its_own():
    model = CircuitModel(Circuit(1, [gates.RY("a", 0)]))
    values, gradients = LossFunction(Objective.of(model, basis_state("0"))).value_and_gradient([[1.0], [0.0], [1.0]])
    assert np.array_equal(values, [math.inf, 0.0, math.inf])
    assert np.array_equal(np.isnan(gradients), [[True], [False], [True]])
    only = LossFunction(Objective.of(model, basis_state("0"))).value_and_gradient([[2.0], [1.0]])
    assert np.isinf(only[0]).all()
    assert np.isnan(only[1]).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_gives_nan_and_leaves_the_others_alone(bad):
    objective = Objective.of(MODELS["circuit"], START)
    rows = draws(MODELS["circuit"], 5)
    rows[1, 0] = bad
    function, state = LossFunction(objective), StateFunction(MODELS["circuit"])
    values, gradients = function.value_and_gradient(rows)
    found = [values, function.value(rows), gradients[:, 0], state.state(rows)[:, 0, 0], state.push(rows, rows)[:, 0, 0]]
    found.append(state.pull(rows, np.zeros((5, 4, 4)))[:, 0])
    for numbers in found:
        assert np.isnan(numbers).tolist() == [False, True, False, False, False]
    assert values[2] == objective.value_and_gradient(rows[2])[0]


def test_outside_the_domain_a_loss_is_infinite_and_a_state_is_none():
    allowed, outside = (COUPLED.unconstrained({"a": 1.0, "t1": 2.0, "t2": t2}) for t2 in (3.0, 5.0))
    rows = np.array([allowed, outside, allowed])
    function, state = LossFunction(Objective.of(COUPLED, basis_state("0"))), StateFunction(COUPLED)
    values, gradients = function.value_and_gradient(rows)
    assert np.isinf(values).tolist() == np.isinf(function.value(rows)).tolist() == [False, True, False]
    assert np.isnan(gradients).any(axis=1).tolist() == [False, True, False]
    assert np.isnan(state.state(rows)).any(axis=(1, 2)).tolist() == [False, True, False]
    assert np.isnan(state.pull(outside, np.eye(2))).all()


@EVERY_MODEL
def test_results_have_the_precision_of_theta_and_the_work_that_of_float64(model):
    theta = model.init_params(RNG).astype(np.float32)
    function, state = LossFunction(Objective.of(model, START, "infidelity")), StateFunction(model)
    values, gradients = function.value_and_gradient(theta)
    exact = function.value_and_gradient(theta.astype(np.float64))
    assert (values.dtype, gradients.dtype, state.state(theta).dtype) == (np.float32, np.float32, np.complex64)
    assert values == np.float32(exact[0])
    assert np.array_equal(gradients, exact[1].astype(np.float32))


def test_the_prior_and_the_parameters_of_the_loss_are_in_the_batch():
    model = MODELS["circuit"]
    counts = sample(START, PauliMeasurement(2), 100, np.random.default_rng(2))
    loss = NegativeLogLikelihood(TrainableReadout(2))
    objective = Objective.of(model, counts, loss, Gaussian(1.0, copies=10))
    assert objective.n_params == model.n_params + 4
    rows = np.array([objective.init_params(RNG) for _ in range(3)])
    values, gradients = LossFunction(objective).value_and_gradient(rows)
    for row, value, gradient in zip(rows, values, gradients, strict=True):
        one, slope = objective.value_and_gradient(row)
        assert value == one
        assert np.array_equal(gradient, slope)
        assert np.abs(slope[-4:]).min() > 1e-6


def test_a_model_without_parameters_has_a_state():
    model = CircuitModel(Circuit(1, [gates.H(0)]))
    function = StateFunction(model)
    assert np.array_equal(function.state(np.zeros((3, 0))), [model.state().matrix()] * 3)
    assert function.pull(np.zeros((3, 0)), np.zeros((3, 2, 2))).shape == (3, 0)


def test_what_has_no_state_is_refused():
    with pytest.raises(InputError, match="model must be a Model, such as CircuitModel or GibbsModel"):
        StateFunction(START)
