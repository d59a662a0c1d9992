"""fit: what it finds, how it ends, what it says, and what it leaves."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import qutip
import scipy.optimize
from helpers.cases import every

from qml import (
    CholeskyModel,
    CircuitModel,
    GibbsModel,
    SpectralModel,
    channels,
    circuits,
    fidelity,
    fit,
    pauli,
    relative_entropy,
    thermal,
    von_neumann_entropy,
)
from qml._checks import InputError, MemoryRefused
from qml.fitting import Objective
from qml.fitting.priors import Gaussian, Laplace
from qml.losses import CrossEntropy, HilbertSchmidt, Labelled, label_states
from qml.models import ConditionalGibbsModel, HiddenGibbsModel
from qml.operators import heisenberg, tfim
from qml.optimizers import LBFGS, Adam, GradientDescent, NaturalGradient, NaturalLBFGS, Newton
from qml.parameters import Interval
from qml.states import DensityMatrix, ghz, ginibre, maximally_mixed, werner

RHO = thermal(tfim(2, h=0.6), 1.0)


def stop_at(iteration, action):
    def callback(record):
        return action(record) if record.iteration == iteration else None

    return callback


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


@pytest.mark.parametrize("seed", range(3))
def test_cold_gibbs_states_are_learnt_by_default(seed):
    """Where the curvature varies over many orders: L-BFGS takes from 776 to more than a thousand steps here."""
    model = GibbsModel.all_paulis(3)
    cold = model.state(5 * np.random.default_rng(seed).normal(size=model.n_params))
    result = fit(model, cold, seed=seed)
    assert result.converged
    assert result.iterations <= 40
    assert abs(result.gap) < 2e-8


def test_free_states_are_learnt_by_default():
    """L-BFGS takes hundreds of steps to the cold ones, or more than a thousand."""
    rng = np.random.default_rng(3)
    for d in (2, 3, 8, 11):
        levels = 10.0 ** -np.arange(d)
        pure = ginibre((d,), rng, rank=1)
        for target in (ginibre((d,), rng), np.diag(levels / levels.sum()), pure):
            result = fit(CholeskyModel((d,)), target, seed=1)
            assert result.converged
            assert abs(result.gap) < 1e-7
            assert target is pure or result.iterations <= 40


def test_the_default_is_newtons_method_where_the_hessian_is_known():
    gibbs, all_strings = GibbsModel(tfim(2)), GibbsModel.all_paulis(4, weight=4)
    circuit, hidden = CircuitModel(circuits.hardware_efficient(2, 1)), HiddenGibbsModel(tfim(3))
    for model, loss, chosen in (
        (gibbs, None, Newton),
        (gibbs, "relative_entropy", Newton),
        (gibbs, "infidelity", LBFGS),
        (all_strings, None, LBFGS),  # 255 parameters
        (circuit, "infidelity", LBFGS),
        (hidden, None, NaturalLBFGS),
        (hidden, "infidelity", LBFGS),
        (HiddenGibbsModel.all_paulis(5), None, NaturalLBFGS),
        (HiddenGibbsModel.all_paulis(4, weight=4), None, LBFGS),  # 255 parameters
        (CholeskyModel(2), None, NaturalGradient),
        (CholeskyModel(2), "infidelity", LBFGS),
        (CholeskyModel(2, smoothing=0.1), None, LBFGS),  # comes close to no pure target
        (CholeskyModel(4), None, LBFGS),  # 256 parameters
    ):
        objective = Objective.of(model, maximally_mixed(model.dims), loss)
        assert type(objective.default_optimizer) is chosen
        used = fit(model, maximally_mixed(model.dims), loss=loss, max_iterations=1, seed=0).provenance["optimizer"]
        assert used == repr(chosen())
    labels, conditional = Labelled([[0.0], [1.0]], label_states([0, 1], 2)), ConditionalGibbsModel(["Z"], n_inputs=1)
    assert isinstance(Objective.of(conditional, labels).default_optimizer, Newton)
    wide, many = (ConditionalGibbsModel(["Z"], n_inputs=n) for n in (200, 2100))
    for model, examples, prior, chosen in (
        (wide, 201, None, LBFGS),
        (wide, 201, Gaussian(1.0), Newton),
        (wide, 200, Gaussian(1.0), LBFGS),
        (wide, 201, Laplace(1.0), LBFGS),
        (many, 2101, Gaussian(1.0), LBFGS),
    ):
        labelled = Labelled(np.eye(examples, model.n_inputs), label_states(np.arange(examples) % 2, 2))
        assert isinstance(Objective.of(model, labelled, prior=prior).default_optimizer, chosen)
    assert isinstance(
        Objective.of(all_strings, maximally_mixed((2,) * 4), prior=Gaussian(1.0)).default_optimizer, LBFGS
    )
    prior = Laplace(1.0, copies=10)
    assert isinstance(Objective.of(gibbs, maximally_mixed((2, 2)), prior=prior).default_optimizer, LBFGS)


def test_commuting_models_hold_no_matrices():
    """The matrix of a state of eighteen qubits would take a TiB."""
    n, rng = 18, np.random.default_rng(0)
    model = GibbsModel([pauli("ZZ", sites=[i, i + 1], n=n) for i in range(n - 1)])
    theta = rng.normal(size=n - 1)
    result = fit(model, model.state(theta), seed=0)
    assert result.converged
    assert result.iterations <= 10
    assert np.abs(result.params - theta).max() < 1e-7
    assert result.loss == pytest.approx(math.log(2) + np.log(2 * np.cosh(theta)).sum() - (theta * np.tanh(theta)).sum())
    first = pauli("ZZ", sites=[0, 1], n=n) - 3 * pauli("XX", sites=[0, 1], n=n)
    assert result.state.expect(first) == pytest.approx(-math.tanh(theta[0]))
    with pytest.raises(MemoryRefused, match="ask for probabilities or expectations instead"):
        result.state.matrix()


def test_other_losses():
    result = fit(GibbsModel.all_paulis(2), ginibre((2, 2), np.random.default_rng(0)), loss=HilbertSchmidt(), seed=0)
    assert result.floor == 0
    assert 0 <= result.loss < 1e-10


def test_the_best_iterate_is_kept_when_the_loss_rises_again():
    result = fit(GibbsModel(tfim(2)), RHO, optimizer=Adam(0.9), seed=0, max_iterations=40)
    assert result.loss == result.history.loss.min() < result.history.loss[-1]
    assert CrossEntropy().value(RHO, result.state) == pytest.approx(result.loss, abs=1e-14)


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


def test_a_seed_may_be_an_integer_of_numpy():
    one, other = (fit(GibbsModel(tfim(2)), RHO, seed=seed, max_iterations=1) for seed in (7, np.uint8(7)))
    assert (type(other.seed), other.seed) == (int, 7)
    assert np.array_equal(one.params, other.params)


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
    first, again = (fit(model_with_hills(), RHO, seed=np.random.default_rng(1), max_iterations=3) for _ in range(2))
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
        "seed must be an integer of at least 0; found 'one'": ((model, mixed), {"seed": "one"}),
        "seed must be an integer of at least 0": ((model, mixed), {"seed": -1}),
        "restarts must be an integer of at least 1": ((model, mixed), {"restarts": 0}),
        "max_iterations must be an integer of at least 0": ((model, mixed), {"max_iterations": 1.5}),
        "gradient_tolerance must be a finite number of at least 0": ((model, mixed), {"gradient_tolerance": -1.0}),
        "loss_tolerance must be a finite number of at least 0": ((model, mixed), {"loss_tolerance": math.nan}),
    }


@every("sentence", broken_arguments())
def test_sentences(sentence):
    arguments, options = broken_arguments()[sentence]
    with pytest.raises(InputError, match=sentence):
        fit(*arguments, **options)
