"""fit: early stopping, growing, names, walls, and what it says when numbers break down."""

import math

import numpy as np
import pytest

from qml import (
    CircuitModel,
    CrossEntropy,
    GibbsModel,
    SpectralModel,
    channels,
    check_gradient,
    fit,
    gates,
    pauli,
    thermal,
)
from qml._checks import InputError, OutsideDomain
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting.growth import grow
from qml.losses import Loss
from qml.operators import tfim, xxz
from qml.optimizers import LBFGS, OPTIMIZERS, Adam, GradientDescent, Newton
from qml.states import DensityMatrix, ginibre

RHO = ginibre((2, 2), np.random.default_rng(1))
MODEL = GibbsModel.all_paulis(2)


# names ----------------------------------------------------------------------------------------------------------------


def test_losses_and_optimizers_by_name():
    by_name = fit(MODEL, RHO, loss="relative_entropy", optimizer="newton", seed=0)
    assert by_name.converged
    assert by_name.floor == 0.0
    assert by_name.provenance["optimizer"] == "Newton(solver='auto')"
    with pytest.raises(
        InputError, match=r"optimizer must be one of 'lbfgs', .*; found 'newtom' \(did you mean 'newton'"
    ):
        fit(MODEL, RHO, optimizer="newtom")


@pytest.mark.parametrize("name", ["lbfgs", "newton", "natural_gradient", "mirror_descent"])
def test_every_deterministic_optimizer_of_gibbs_models_reaches_the_same_loss(name):
    result = fit(MODEL, RHO, optimizer=OPTIMIZERS[name](), seed=0, gradient_tolerance=1e-8)
    assert result.converged
    assert abs(result.gap) < 1e-12


# early stopping -------------------------------------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_on_the_held_out_target():
    rng = np.random.default_rng(0)
    truth = thermal(tfim(2, h=0.8), 0.4).matrix()
    few, held_out = (DensityMatrix(0.55 * truth + 0.45 * ginibre((2, 2), rng).matrix(), (2, 2)) for _ in range(2))
    options = {"optimizer": GradientDescent(0.2), "params0": np.zeros(15), "max_iterations": 400}
    stopped = fit(MODEL, few, validation=held_out, patience=5, **options)
    assert "stopped early" in stopped.status
    assert "has not fallen for 5" in stopped.status
    assert not stopped.converged
    losses, states = [], []
    fit(MODEL, few, callbacks=[lambda record: states.append(record.params)], **options)
    losses = [CrossEntropy().value(held_out, MODEL.state(theta)) for theta in states]
    best = int(np.argmin(losses))
    assert 0 < best < 300
    assert stopped.iterations == best + 5
    assert np.array_equal(stopped.params, states[best])
    assert CrossEntropy().value(held_out, stopped.state) == pytest.approx(min(losses), abs=1e-14)
    assert stopped.provenance["patience"] == 5
    assert np.allclose(stopped.history.held_out, losses[: best + 6], atol=1e-14)
    assert f"{min(losses):.12g}" in stopped.summary()
    assert fit(MODEL, few, max_iterations=1).history.held_out is None


def test_restarts_are_judged_by_the_held_out_target():
    circuit = Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), gates.RX("b", 1)])
    model = SpectralModel(circuit, engine=ReferenceEngine())
    held_out = ginibre((2, 2), np.random.default_rng(7))
    options = {"seed": 0, "max_iterations": 3, "validation": held_out}
    many = fit(model, RHO, restarts=4, **options)
    first = fit(model, RHO, restarts=1, **options)
    value = CrossEntropy().value
    assert value(held_out, many.state) <= value(held_out, first.state)


# growing --------------------------------------------------------------------------------------------------------------


def test_growing_a_gibbs_model_never_raises_the_loss():
    small = fit(GibbsModel(tfim(2)), RHO, seed=0)
    middle_model = GibbsModel(tfim(2) + xxz(2, delta=0.5))
    middle = fit(middle_model, RHO, params0=grow(small, middle_model), seed=0)
    large = fit(MODEL, RHO, params0=grow(middle, MODEL), seed=0)
    assert middle.history.loss[0] == pytest.approx(small.loss, abs=1e-14)
    assert large.history.loss[0] == pytest.approx(middle.loss, abs=1e-14)
    assert small.loss > middle.loss > large.loss


def test_growing_a_circuit_by_gates_and_noise():
    shallow = Circuit(
        2, [gates.RY("a", 0), gates.CNOT(0, 1), channels.Depolarizing(0.2, 0), channels.Depolarizing(0.2, 1)]
    )
    deep = shallow.then(gates.RXX("c", 0, 1), gates.RY("b", 1), channels.BitFlip("p", 0))
    engine = ReferenceEngine()
    small = fit(CircuitModel(shallow, engine=engine), RHO, seed=0)
    model = CircuitModel(deep, engine=engine)
    start = grow(small, model)
    assert model.natural(start)["p"] == pytest.approx(1e-6)
    large = fit(model, RHO, params0=start)
    assert large.history.loss[0] == pytest.approx(small.loss, abs=1e-5)
    assert large.loss < small.loss - 1e-3
    with pytest.raises(InputError, match="the larger model has no parameter 'a'"):
        grow(small, GibbsModel(tfim(2)))


# walls ----------------------------------------------------------------------------------------------------------------


class Coupled(CircuitModel):
    """px and py of a Pauli channel, with px + py <= 1 checked by the model, as coupled channels do."""

    def __init__(self):
        super().__init__(Circuit(1, [gates.RY("a", 0), channels.BitFlip(0.1, 0)]), engine=ReferenceEngine())

    def state_vjp(self, params):
        if params[0] > 1.0:
            raise OutsideDomain("a must be at most 1.")
        return super().state_vjp(params)


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam(0.3), GradientDescent(3.0)], ids=lambda o: o.name)
def test_steps_out_of_the_domain_are_shortened(optimizer):
    rho = Coupled().state([0.9])
    records = []
    result = fit(Coupled(), rho, optimizer=optimizer, params0=[0.0], max_iterations=60, callbacks=[records.append])
    assert all(record.params[0] <= 1.0 for record in records)
    assert np.isfinite(result.history.loss).all()
    assert result.gap < 1e-3


def test_a_start_out_of_the_domain_is_told_where_given_and_drawn_again_where_random():
    rho = Coupled().state([0.9])
    with pytest.raises(InputError, match="a must be at most 1"):
        fit(Coupled(), rho, params0=[2.0])
    for seed in range(4):
        starts = []
        result = fit(Coupled(), rho, seed=seed, restarts=3, callbacks=[starts.append], max_iterations=5)
        assert len(result.restarts) == 3
        assert all(record.params[0] <= 1.0 for record in starts)


def test_check_gradient_at_the_edge_of_the_domain():
    assert check_gradient(Coupled(), Coupled().state([0.5]), params=[0.999]).ok


class Faulty(CircuitModel):
    """Has a bug that shows in its second derivative, or is put together wrongly: it refuses all parameters."""

    def __init__(self, works_for):
        super().__init__(Circuit(1, [gates.RY("a", 0), channels.BitFlip(0.1, 0)]), engine=ReferenceEngine())
        self.works_for, self.calls = works_for, 0

    def state_vjp(self, params):
        self.calls += 1
        if self.calls > self.works_for:
            raise InputError("the wires are crossed.")
        return super().state_vjp(params)


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam(0.3), GradientDescent(3.0)], ids=lambda o: o.name)
def test_an_error_of_the_model_is_no_step_out_of_the_domain(optimizer):
    rho = Coupled().state([0.9])
    late = Faulty(1)
    with pytest.raises(InputError, match="the wires are crossed"):
        fit(late, rho, optimizer=optimizer, params0=[0.0])
    assert late.calls == 2
    misconfigured = Faulty(0)
    with pytest.raises(InputError, match="the wires are crossed"):
        fit(misconfigured, rho, optimizer=optimizer, seed=0, restarts=3)
    assert misconfigured.calls == 1


def test_coupled_parameters_of_a_channel_are_shortened_into_their_domain():
    circuit = Circuit(1, [gates.H(0), channels.ThermalRelaxation("t1", "t2", 1.0, 0.0, 0)])
    model = CircuitModel(circuit, engine=ReferenceEngine())
    rho = model.state(model.unconstrained({"t1": 2.0, "t2": 3.9}))
    start = model.unconstrained({"t1": 1.0, "t2": 1.0})
    result = fit(model, rho, optimizer=GradientDescent(30.0), params0=start, max_iterations=40)
    assert result.evaluations > result.iterations + 1, "no step left the domain"
    assert result.gap < 0.1
    natural = model.natural(result.params)
    assert natural["t2"] <= 2 * natural["t1"] * (1 + 1e-12)
    with pytest.raises(OutsideDomain, match="t2 must be at most 2 t1"):
        fit(model, rho, params0={"t1": 1.0, "t2": 3.0})


# numbers that break down ----------------------------------------------------------------------------------------------


class Breaking(GibbsModel):
    """Breaks down in one way at its second gradient."""

    def __init__(self, how):
        super().__init__(tfim(2))
        self.how, self.calls = how, 0

    def state_vjp(self, params):
        self.calls += 1
        state, pull = super().state_vjp(params)
        if self.calls < 2:
            return state, pull
        if self.how == "state":
            broken = DensityMatrix._trusted(np.where(np.eye(4) == 1, np.nan, 0.25) + 0j, (2, 2))
            return broken, lambda cotangent: np.full(3, np.nan)
        return state, lambda cotangent: pull(cotangent) + np.array([0.0, np.nan, np.nan])


class NotANumber(Loss):
    """NaN at once, on a sound state."""

    name = "not_a_number"

    def value(self, target, sigma):
        return math.nan

    def value_and_cotangent(self, target, sigma):
        return math.nan, None

    def floor(self, target):
        return 0.0


class Overflowing(Adam):
    """Steps to infinity."""

    def _move(self, gradient, state):
        return np.array([0.0, np.inf, 0.0]), state


def test_the_derivative_that_is_not_a_number_is_named():
    status = fit(Breaking("derivative"), RHO, seed=0).status
    assert "the derivative along 'XI' and 1 more is not a number (NaN) at the next step" in status


def test_the_loss_that_is_not_a_number_is_told_apart_from_the_state():
    status = fit(MODEL, RHO, loss=NotANumber(), seed=0).status
    assert status == (
        "not started: the loss is not a number (NaN) at the start, though the state is sound; choose another params0."
    )


def test_the_parameter_that_overflowed_is_named():
    status = fit(GibbsModel(tfim(2)), RHO, optimizer=Overflowing(), seed=0).status
    assert "after 0 iterations: the step took the parameter 'XI' to inf, which is not a number" in status


# targets that are no states -------------------------------------------------------------------------------------------


class Expectation(Loss):
    """(<Z> - target)^2, of a target that is a number."""

    name = "expectation"

    def accept(self, target, dims):
        return float(target)

    def value(self, target, sigma):
        return float((sigma.expect(pauli("ZI")) - target) ** 2)

    def value_and_cotangent(self, target, sigma):
        z = float(sigma.expect(pauli("ZI")))
        return (z - target) ** 2, sigma.pull_matrix(2 * (z - target) * pauli("ZI").matrix())

    def floor(self, target):
        return 0.0


def test_targets_need_not_be_states():
    model = GibbsModel([pauli("ZI"), pauli("XX")])
    result = fit(model, 0.3, loss=Expectation(), seed=0, gradient_tolerance=1e-10)
    assert result.converged
    assert float(result.state.expect(pauli("ZI"))) == pytest.approx(0.3, abs=1e-9)
    with pytest.raises(InputError, match="track_fidelity needs a target that is a state; found float"):
        fit(model, 0.3, loss=Expectation(), track_fidelity=True)


def test_an_infinite_start_of_another_target():
    class Impossible(Expectation):
        def value_and_cotangent(self, target, sigma):
            return math.inf, None

        def why_infinite(self, target, sigma):
            return "the outcome 7 was seen and has probability zero"

    status = fit(MODEL, 0.3, loss=Impossible(), seed=0).status
    assert "infinite at the start: the outcome 7 was seen and has probability zero. Give the model full rank" in status


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prior": 0.1}, "prior must be a Prior, such as Gaussian\\(\\); found 0.1"),
        ({"validation": RHO, "patience": 0}, "patience must be an integer of at least 1"),
        ({"validation": np.eye(2) / 2}, "validation must be data like the target: target must be a state of dim"),
        ({"optimizer": Newton(), "loss": NotANumber}, "loss must be a Loss"),
    ],
)
def test_sentences(options, sentence):
    with pytest.raises(InputError, match=sentence):
        fit(MODEL, RHO, **options)
