"""fit: what it finds, how it ends, what it says, and what it leaves."""

import dataclasses
import itertools
import math
import re

import numpy as np
import pytest
import qutip
import scipy.optimize

from qml import (
    CircuitModel,
    GibbsModel,
    SpectralModel,
    channels,
    circuits,
    fidelity,
    fit,
    gates,
    pauli,
    relative_entropy,
    thermal,
    von_neumann_entropy,
)
from qml._checks import InputError
from qml.circuits import Circuit
from qml.fitting import FitError, Objective
from qml.losses import CrossEntropy, HilbertSchmidt, Loss, TraceDistance
from qml.models import Model
from qml.operations import Interval
from qml.operators import heisenberg, tfim
from qml.optimizers import LBFGS, Adam, GradientDescent
from qml.states import DensityMatrix, basis_state, ghz, ginibre, maximally_mixed, werner

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


# what it finds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("h", [tfim(3, h=0.7), heisenberg(3, J=(0.5, 0.8, -0.4), h=0.3)], ids=["tfim", "heisenberg"])
def test_gibbs_model_recovers_a_gibbs_target(h):
    rho = thermal(h, 0.8)
    result = fit(GibbsModel(h), rho, seed=1)
    assert result.converged
    assert abs(result.gap) < 1e-9
    assert result.floor == pytest.approx(float(von_neumann_entropy(rho)), abs=1e-14)
    assert np.allclose(result.params, 0.8 * np.array(h.coefficients), atol=1e-6)
    assert fidelity(rho, result.state) > 1 - 1e-9


def test_optimum_of_a_gibbs_model_matches_moments_and_obeys_pythagoras():
    rng = np.random.default_rng(3)
    rho, model = ginibre((2, 2), rng), GibbsModel.all_paulis(2, weight=1)
    result = fit(model, rho, seed=0)
    for name in model.parameter_names:
        assert float(result.state.expect(pauli(name))) == pytest.approx(float(rho.expect(pauli(name))), abs=1e-7)
    other = model.state(rng.standard_normal(6))
    through = relative_entropy(rho, result.state) + relative_entropy(result.state, other)
    assert float(relative_entropy(rho, other)) == pytest.approx(float(through), abs=1e-8)


def test_commuting_case_is_classical_maximum_likelihood():
    """A Boltzmann machine of two coupled spins and a field, fitted to counts, against an independent classical fit."""
    counts = np.array([30, 5, 12, 53])
    spins = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    features = np.column_stack([spins[:, 0] + spins[:, 1], spins[:, 0] * spins[:, 1]])

    def negative_log_likelihood(theta):
        energy = features @ theta
        return counts @ (energy + np.log(np.exp(-energy).sum())) / counts.sum()

    options = {"xatol": 1e-9}
    classical = scipy.optimize.minimize(negative_log_likelihood, np.zeros(2), method="Nelder-Mead", options=options)
    model = GibbsModel({"field": pauli("ZI") + pauli("IZ"), "coupling": pauli("ZZ")})
    rho = DensityMatrix.from_probabilities(counts / counts.sum())
    result = fit(model, rho, seed=0)
    assert result.state.is_diagonal
    assert result.loss == pytest.approx(classical.fun, abs=1e-12)
    assert np.allclose(result.params, classical.x, atol=1e-6)


def test_full_classical_family_returns_the_frequencies():
    frequencies = np.array([0.1, 0.2, 0.3, 0.4])
    result = fit(GibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")]), DensityMatrix.from_probabilities(frequencies))
    assert np.allclose(result.state.probabilities(), frequencies, atol=1e-9)


def test_noisy_circuit_recovers_its_own_family():
    circuit = circuits.hardware_efficient(2, 1)
    circuit = circuit.then(channels.Depolarizing("p", 0), channels.Depolarizing("p", 1))
    model = CircuitModel(circuit, domains={"p": Interval(0.0, 0.5)})
    truth = model.init_params(np.random.default_rng(8))
    result = fit(model, model.state(truth), seed=2, restarts=3, gradient_tolerance=1e-9)
    assert result.converged
    assert abs(result.gap) < 1e-9
    assert model.natural(result.params)["p"] == pytest.approx(model.natural(truth)["p"], abs=1e-4)


@pytest.mark.parametrize("energies", ["product", "table"])
def test_spectral_model_recovers_its_own_family(energies):
    model = SpectralModel(circuits.hardware_efficient(2, 1), energies)
    result = fit(model, model.state(model.init_params(np.random.default_rng(1))), seed=0, restarts=3)
    assert result.gap < 1e-9


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam(0.05), GradientDescent(0.3)], ids=lambda o: o.name)
def test_every_optimizer_gets_there(optimizer):
    result = fit(GibbsModel(tfim(2)), RHO, optimizer=optimizer, seed=0, max_iterations=3000, gradient_tolerance=1e-6)
    assert result.converged
    assert abs(result.gap) < 1e-10


def test_other_losses():
    result = fit(GibbsModel.all_paulis(2), ginibre((2, 2), np.random.default_rng(0)), loss=HilbertSchmidt(), seed=0)
    assert result.floor == 0
    assert 0 <= result.loss < 1e-10


def test_the_best_iterate_is_kept_when_the_loss_rises_again():
    result = fit(GibbsModel(tfim(2)), RHO, optimizer=Adam(0.9), seed=0, max_iterations=40)
    assert result.loss == result.history.loss.min() < result.history.loss[-1]
    assert CrossEntropy().value(RHO, result.state) == pytest.approx(result.loss, abs=1e-14)


# how it ends ----------------------------------------------------------------------------------------------------------


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


def test_status_of_a_failed_line_search():
    class Uphill(GibbsModel):
        def state_vjp(self, params):
            sigma, pullback = super().state_vjp(params)
            return sigma, lambda cotangent: -pullback(cotangent)

    result = fit(Uphill(tfim(2)), RHO, seed=0)
    assert not result.converged
    # SciPy may hand the start back as an iterate of its own: no iterate, or one that is the start again
    assert re.match("line search failed after (0 iterations|1 iteration):", result.status)
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


# callbacks, seeds, restarts -------------------------------------------------------------------------------------------


def test_callbacks_see_every_iterate_and_cannot_change_it():
    records = []
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, callbacks=[records.append], track_fidelity=True)
    assert [r.iteration for r in records] == list(range(result.iterations + 1))
    assert [r.loss for r in records] == result.history.loss.tolist()
    assert [r.gap for r in records] == result.history.gap.tolist()
    assert [r.fidelity for r in records] == result.history.fidelity.tolist()
    assert records[-1].evaluations == result.evaluations
    assert {r.restart for r in records} == {0}
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(records))
    for record in records:
        assert record.gradient_norm == np.abs(record.gradient).max()
        with pytest.raises(ValueError, match="read-only"):
            record.params[0] = 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        records[0].loss = 0.0
    assert np.array_equal(records[-1].params, result.params)
    assert float(fidelity(RHO, result.state)) == pytest.approx(records[-1].fidelity, abs=1e-14)


def test_a_callback_that_returns_true_stops_all():
    seen = []
    result = fit(GibbsModel(tfim(2)), RHO, seed=0, restarts=3, callbacks=[stop_at(2, lambda record: True), seen.append])
    assert result.status == "stopped by a callback after 2 iterations; this is the best so far."
    assert len(result.restarts) == 1
    assert len(seen) == 3
    assert fit(GibbsModel(tfim(2)), RHO, seed=0, callbacks=[lambda record: 1]).converged


def test_what_a_callback_raises_is_raised():
    def callback(record):
        raise RuntimeError("mine")

    for optimizer in (LBFGS(), Adam()):
        with pytest.raises(RuntimeError, match="mine"):
            fit(GibbsModel(tfim(2)), RHO, seed=0, callbacks=[stop_at(1, callback)], optimizer=optimizer)


def model_with_hills():
    return CircuitModel(circuits.hardware_efficient(2, 1).then(channels.Depolarizing(0.1, 0), channels.BitFlip(0.1, 1)))


def test_the_seed_reproduces_every_bit():
    first, again = (fit(model_with_hills(), RHO, seed=5, restarts=2, max_iterations=20) for _ in range(2))
    assert first.params.tobytes() == again.params.tobytes()
    assert first.history.loss.tobytes() == again.history.loss.tobytes()
    other = fit(model_with_hills(), RHO, seed=6, restarts=2, max_iterations=20)
    assert not np.array_equal(first.params, other.params)


def test_fresh_entropy_is_recorded_and_reproduces():
    first = fit(model_with_hills(), RHO, max_iterations=3)
    assert np.array_equal(first.params, fit(model_with_hills(), RHO, seed=first.seed, max_iterations=3).params)


def test_a_generator_can_be_given_instead():
    first, again = (fit(model_with_hills(), RHO, rng=np.random.default_rng(1), max_iterations=3) for _ in range(2))
    assert first.seed is None
    assert np.array_equal(first.params, again.params)


def test_restarts_keep_the_best_and_do_not_change_the_earlier_ones():
    few = fit(model_with_hills(), RHO, seed=0, restarts=2, max_iterations=30)
    many = fit(model_with_hills(), RHO, seed=0, restarts=5, max_iterations=30)
    reached = [restart.loss for restart in many.restarts]
    assert len(set(reached)) > 1
    assert reached[:2] == [restart.loss for restart in few.restarts]
    assert many.loss == min(reached)
    assert many.evaluations == sum(restart.evaluations for restart in many.restarts)
    assert many.seconds >= max(restart.seconds for restart in many.restarts)
    assert "restarts" in many.summary()


def test_given_start_is_where_the_first_restart_begins():
    starts = []

    def callback(record):
        if record.iteration == 0:
            starts.append(record.params)

    fit(GibbsModel(tfim(2)), RHO, params0=[0.1, 0.2, 0.3], seed=0, restarts=2, callbacks=[callback])
    assert starts[0].tolist() == [0.1, 0.2, 0.3]
    assert not np.array_equal(*starts)


# targets and wrong input ----------------------------------------------------------------------------------------------


def test_targets_of_every_kind():
    model = GibbsModel.all_paulis(2)
    rho = werner(0.6)
    expected = fit(model, rho, seed=0).loss
    for target in (rho.matrix(), rho.matrix().tolist(), qutip.Qobj(rho.matrix(), dims=[[2, 2], [2, 2]])):
        assert fit(model, target, seed=0).loss == pytest.approx(expected, abs=1e-10)
    vector = fit(model, np.array([1, 0, 0, 1]) / np.sqrt(2), seed=0, max_iterations=2)
    assert vector.loss == pytest.approx(fit(model, ghz(2), seed=0, max_iterations=2).loss, abs=1e-12)
    split = GibbsModel([np.diag([0.0, 1, 2, 3, 4, 5])], dims=(2, 3))
    assert fit(split, np.eye(6) / 6).target.dims == (2, 3)


def broken_arguments():
    model = GibbsModel(tfim(2))
    mixed = maximally_mixed((2, 2))
    return {
        "equal dims; found \\(2, 2, 2\\) \\(target\\) and \\(2, 2\\) \\(model\\)": ((model, ghz(3)), {}),
        "dims; found \\(4,\\)": ((model, maximally_mixed((4,))), {}),
        "must be one state; found a batch of shape \\(3,\\)": ((model, DensityMatrix([np.eye(4) / 4] * 3)), {}),
        "a state of dimension 4.* found ndarray of shape \\(2, 2\\)": ((model, np.eye(2) / 2), {}),
        "unit trace": ((model, np.eye(4)), {}),
        "model must be a Model": ((tfim(2), mixed), {}),
        "loss must be a Loss, such as CrossEntropy\\(\\), or the name of one; found <class": (
            (model, mixed),
            {"loss": CrossEntropy},
        ),
        "loss must be one of 'cross_entropy'.*; found 'cross'": ((model, mixed), {"loss": "cross"}),
        "optimizer must be an Optimizer": ((model, mixed), {"optimizer": LBFGS}),
        "params0 must have shape \\(3,\\)": ((model, mixed), {"params0": [1.0]}),
        "params0 must be finite": ((model, mixed), {"params0": [1.0, math.nan, 0.0]}),
        "seed and rng exclude": ((model, mixed), {"seed": 1, "rng": np.random.default_rng(0)}),
        "rng must be a numpy Generator": ((model, mixed), {"rng": 3}),
        "seed must be an integer of at least 0": ((model, mixed), {"seed": -1}),
        "restarts must be an integer of at least 1": ((model, mixed), {"restarts": 0}),
        "max_iterations must be an integer of at least 0": ((model, mixed), {"max_iterations": 1.5}),
        "gradient_tolerance must be a finite number of at least 0": ((model, mixed), {"gradient_tolerance": -1.0}),
        "loss_tolerance must be a finite number of at least 0": ((model, mixed), {"loss_tolerance": math.nan}),
    }


@pytest.mark.parametrize("sentence", broken_arguments())
def test_sentences(sentence):
    arguments, options = broken_arguments()[sentence]
    with pytest.raises(InputError, match=sentence):
        fit(*arguments, **options)
