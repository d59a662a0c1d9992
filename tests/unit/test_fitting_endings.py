"""How a fit ends, and what it says."""

import math

import numpy as np
import pytest

from qml import (
    CircuitModel,
    GibbsModel,
    Moments,
    fit,
    gates,
    pauli,
    thermal,
)
from qml.circuits import Circuit
from qml.fitting import FitError, Gaussian, Objective
from qml.losses import CrossEntropy, Loss, TraceDistance
from qml.models import Model
from qml.operators import tfim
from qml.optimizers import LBFGS, Adam, GradientDescent
from qml.states import DensityMatrix, basis_state, ghz, ginibre, maximally_mixed

RHO = thermal(tfim(2, h=0.6), 1.0)


class Coin(Model):
    """diag(1 - t, t), cut to [0, 1]: the loss is infinite outside, for a target with both outcomes."""

    dims = (2,)
    parameter_names = ("t",)

    def __init__(self, start=0.5):
        self.start = start

    def init_params(self, rng):
        return np.array([self.start])

    def state(self, params):
        t = float(np.clip(params[0], 0.0, 1.0))
        return DensityMatrix.from_probabilities([1 - t, t])

    def state_vjp(self, params):
        return self.state(params), lambda g: np.array([g[1] - g[0]])


class Uphill(GibbsModel):
    """Of which the gradient has the wrong sign."""

    def state_vjp(self, params):
        sigma, pullback = super().state_vjp(params)
        return sigma, lambda cotangent: -pullback(cotangent)


COIN = DensityMatrix.from_probabilities([0.75, 0.25])


class Broken(CrossEntropy):
    """A loss that is not a number from evaluation `good` on."""

    def __init__(self, good):
        self.left = good

    def value_and_cotangent(self, target, sigma):
        self.left -= 1
        value, cotangent = super().value_and_cotangent(target, sigma)
        return (value if self.left >= 0 else math.nan), cotangent


def stop_at(iteration, action):
    def callback(record):
        return action(record) if record.iteration == iteration else None

    return callback


def interrupt(record):
    raise KeyboardInterrupt


def test_status_of_a_small_gradient():
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, gradient_tolerance=1e-4)
    assert result.converged
    assert "the largest entry of the gradient" in result.status
    assert "within the tolerance 1.00e-04" in result.status
    assert result.history.gradient_norm[-1] <= 1e-4 < result.history.gradient_norm[-2]
    assert result.raise_if_failed() is result


def test_status_of_a_small_decrease():
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, gradient_tolerance=0.0, loss_tolerance=1e-5)
    assert result.converged
    assert "the last step lowered the loss by" in result.status
    assert 0 <= result.history.loss[-2] - result.history.loss[-1] <= 1e-5
    assert (-np.diff(result.history.loss)[:-1] > 1e-5).all()


def test_status_of_rounding():
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, gradient_tolerance=0.0)
    assert result.converged
    assert "converged to rounding" in result.status
    assert result.evaluations < 200


def test_a_large_loss_is_told_with_its_rounding():
    """An energy of 1e6 units stalls at a gradient of about 1e-2; one that a wrong gradient holds far away does not
    count as converged, however large the loss is."""
    circuit = CircuitModel(Circuit(1, [gates.RY("a", 0)]))
    result = fit(circuit, 1e6 * pauli("Z"), params0=[2.0], gradient_tolerance=0.0)
    assert result.loss == pytest.approx(-1e6, abs=1e-6)
    assert result.converged
    assert "no step lowers the loss by more than float64 tells, 5.7e-08" in result.status
    result = fit(Uphill(["Z"]), np.diag([0.75, 0.25]), optimizer="lbfgs", params0=[1e7])
    assert result.loss > 1e6
    assert not result.converged


@pytest.mark.parametrize("optimizer", [None, "lbfgs"])
@pytest.mark.parametrize("values", [[0.9, 0.9], [0.8, 0.61], [-1.0, 0.01], [1.0, 1.0]])
def test_expectations_that_no_state_has(values, optimizer):
    """<Z>^2 + <X>^2 is at most one. The loss falls without bound, and is soon below zero."""
    model = GibbsModel(["ZI", "XI"])
    target = Moments(["ZI", "XI"], values)
    result = fit(model, target, optimizer=optimizer, seed=0)
    assert not result.converged
    assert "no state has the expectations of the target" in result.status
    assert result.loss < 0
    assert fit(model, target, optimizer=optimizer, prior=Gaussian(1.0, copies=100), seed=0).converged


def test_status_of_too_many_iterations():
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, max_iterations=3)
    assert not result.converged
    assert "stopped after 3 iterations, the most allowed" in result.status
    assert result.iterations == 3 == len(result.history) - 1
    with pytest.raises(FitError, match="the most allowed"):
        result.raise_if_failed()


def test_no_iterations_evaluate_the_start():
    model = GibbsModel(tfim(2))
    result = fit(model, RHO, params0=np.zeros(3), max_iterations=0)
    assert result.evaluations == 1
    assert result.loss == pytest.approx(math.log(4), abs=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_what_has_converged_is_what_is_returned(seed):
    """Also where an iterate before it has a loss that is lower by rounding."""
    model = GibbsModel.all_paulis(2)
    target = model.state(np.random.default_rng(seed).normal(size=model.n_params))
    result = fit(model, target, seed=seed, gradient_tolerance=1e-11)
    assert "within the tolerance 1.00e-11" in result.status
    _, gradient = Objective.of(model, target).value_and_gradient(result.params)
    assert np.abs(gradient).max() <= 1e-11
    assert result.loss - result.history.loss.min() < 1e-13


def test_status_of_a_failed_line_search():
    result = fit(Uphill(tfim(2)), RHO, optimizer="lbfgs", seed=0)
    assert not result.converged
    assert result.status.startswith("line search failed after 0 iterations:")
    assert (result.history.loss == result.history.loss[0]).all()
    assert "check_gradient" in result.status


def test_infinite_start_says_the_weight_and_the_cure():
    model = CircuitModel(Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1)]))
    result = fit(model, maximally_mixed((2, 2)), params0=[0.0])
    assert not result.converged
    assert result.loss == result.gap == math.inf
    assert result.iterations == 0
    assert result.evaluations == 1
    assert "0.75 of the weight of rho lies outside the support of sigma" in result.status
    for cure in ("noise", "Gibbs", "smooth"):
        assert cure in result.status
    assert "inf" in result.summary()
    with pytest.raises(FitError, match="infinite at the start"):
        result.raise_if_failed()


def test_infinite_start_of_one_restart_leaves_the_others():
    class Sometimes(Coin):
        def init_params(self, rng):
            return np.array([rng.choice([-1.0, 0.5])])

    result = fit(Sometimes(), COIN, seed=0, restarts=6)
    assert result.converged
    reached = [restart.loss for restart in result.restarts]
    assert math.inf in reached
    assert result.loss == min(reached)


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam(1.5), GradientDescent(0.02)], ids=lambda o: o.name)
def test_steps_to_infinity_are_backtracked(optimizer, monkeypatch):
    seen = []
    original = Objective.value_and_gradient

    def spy(self, params):
        value, gradient = original(self, params)
        seen.append(value)
        return value, gradient

    monkeypatch.setattr(Objective, "value_and_gradient", spy)
    result = fit(Coin(0.002), COIN, optimizer=optimizer, max_iterations=300, gradient_tolerance=1e-6)
    assert math.inf in seen
    assert np.isfinite(result.history.loss).all()
    assert result.gap < 1e-2
    if isinstance(optimizer, LBFGS):
        assert result.converged
        assert result.params[0] == pytest.approx(0.25, abs=1e-6)


def test_not_a_number_stops_with_the_best_so_far():
    result = fit(GibbsModel(tfim(2)), RHO, loss=Broken(4), seed=0)
    assert not result.converged
    assert "not a number" in result.status
    assert math.isfinite(result.loss)
    start = fit(GibbsModel(tfim(2)), RHO, loss=Broken(0), seed=0)
    assert "not a number (NaN) at the start" in start.status
    assert math.isnan(start.loss)
    best = fit(GibbsModel(tfim(2)), RHO, loss=Broken(0), seed=0, restarts=2)
    assert len(best.restarts) == 2


def test_ctrl_c_returns_the_best_so_far():
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, callbacks=[stop_at(4, interrupt)])
    assert not result.converged
    assert result.status == "interrupted (Ctrl-C) after 4 iterations; this is the best so far."
    assert result.iterations == 4
    uninterrupted = fit(GibbsModel(tfim(2)), RHO, seed=0, max_iterations=4)
    assert np.array_equal(result.params, uninterrupted.params)


def test_ctrl_c_in_a_later_restart_keeps_the_earlier():
    def callback(record):
        if record.restart == 1 and record.iteration == 1:
            raise KeyboardInterrupt

    result = fit(GibbsModel(tfim(2)), RHO, seed=0, restarts=4, callbacks=[callback])
    assert result.converged
    assert "Restart 2 of 4 was interrupted (Ctrl-C) after 1 iteration" in result.status
    assert len(result.restarts) == 2


def test_ctrl_c_before_anything_is_known_is_raised():
    class Slow(GibbsModel):
        def state_vjp(self, params):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Slow(tfim(2)), RHO)


def test_infinite_objective_has_no_gradient():
    value, gradient = Objective(Coin(), COIN, CrossEntropy()).value_and_gradient([1.5])
    assert value == math.inf
    assert np.isnan(gradient).all()


def test_loss_without_weight_outside_still_tells_an_infinite_start():
    class Always(Loss):
        name = "always"

        def value(self, target, sigma):
            return math.inf

        def value_and_cotangent(self, target, sigma):
            return math.inf, None

        def floor(self, target):
            return 0.0

    result = fit(GibbsModel(tfim(2)), RHO, loss=Always(), seed=0)
    assert "the loss is infinite at the start. Give" in result.status


def test_a_kink_ends_in_a_sentence():
    rho = ginibre((2, 2), np.random.default_rng(1))
    result = fit(GibbsModel.all_paulis(2), rho, loss=TraceDistance(), seed=0, max_iterations=200)
    assert result.loss < 0.1 * result.history.loss[0]
    assert result.status.endswith(".")


def test_without_parameters_the_start_is_the_answer():
    model = CircuitModel(Circuit(2, [gates.H(0), gates.CNOT(0, 1)]))
    result = fit(model, ghz(2))
    assert result.converged
    assert abs(result.loss) < 1e-12
    assert result.params.shape == (0,)


def test_basis_state_target_has_a_finite_fit():
    result = fit(GibbsModel([pauli("Z")]), basis_state("0"), seed=0, max_iterations=200)
    assert 0 <= result.loss < 1e-6
