"""Deferred measurement: unbiased values and gradients, their variances, shift rules, budgets, descent."""

import math

import numpy as np
import pytest
import scipy.special

from qml import (
    CircuitModel,
    CrossEntropy,
    GibbsModel,
    Parameter,
    SpectralModel,
    cross_entropy,
    gates,
    pauli,
    states,
    thermal,
)
from qml._checks import InputError
from qml.circuits import Circuit
from qml.fitting import Objective, fit_deferred
from qml.fitting.deferred import DeferredCrossEntropy
from qml.fitting.estimates import ShotEstimate, shot_variance
from qml.losses import NegativeLogLikelihood
from qml.measurement import ProjectiveMeasurement, sample
from qml.operators import tfim
from qml.optimizers import LBFGS, Adam, GradientDescent

RHO = thermal(tfim(2, h=0.7), 1.0)
CIRCUIT = Circuit(
    2,
    [
        gates.RY("a", 0),
        gates.RX("b", 1),
        gates.CNOT(0, 1),
        gates.RZ(2 * Parameter("a") + 0.3, 1),
        gates.CRY("c", 0, 1),
        gates.U3("d", "e", 0.1, 0),
    ],
)
MODELS = {
    "spectral product": SpectralModel(CIRCUIT),
    "spectral table": SpectralModel(CIRCUIT, "table"),
    "gibbs": GibbsModel.all_paulis(2),
    "gibbs diagonal": GibbsModel([pauli("ZZ"), pauli("ZI") + 0.5 * pauli("IZ")]),
}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=[pytest.mark.slow] * (k == "spectral table")) for k in MODELS])
def test_values_and_gradients_are_unbiased_with_the_stated_variances(kind: str) -> None:
    model, rng = MODELS[kind], np.random.default_rng(21)
    theta = model.init_params(rng) * 0.7
    value, gradient = Objective(model, RHO, CrossEntropy()).value_and_gradient(theta)
    deferred = DeferredCrossEntropy(model, RHO, copies=60 * 20, rng=rng)
    runs = [deferred.evaluate(theta) for _ in range(150)]
    assert deferred.copies_used == 150 * 1200
    values, gradients = np.array([r.value.value for r in runs]), np.array([r.gradient for r in runs])
    assert abs(values.mean() - value) < 4 * values.std() / math.sqrt(150)
    errors = np.abs(gradients.mean(axis=0) - gradient)
    assert (errors <= 4 * gradients.std(axis=0) / math.sqrt(150) + 1e-12).all()
    stated = np.mean([r.variances for r in runs], axis=0)
    moving = stated > 1e-12
    assert moving.sum() >= len(theta) - 1
    assert np.abs(gradients.var(axis=0)[moving] / stated[moving] - 1).max() < 0.45
    exact = shot_variance(RHO, model.state(theta)) / runs[0].value.shots
    assert values.var() / exact == pytest.approx(1, abs=0.35)
    assert np.mean([r.value.variance for r in runs]) == pytest.approx(exact, rel=0.05)


def test_confidence_intervals_cover_the_truth() -> None:
    model, rng = MODELS["spectral product"], np.random.default_rng(4)
    theta = model.init_params(rng)
    truth = float(cross_entropy(RHO, model.state(theta)))
    deferred = DeferredCrossEntropy(model, RHO, copies=100, rng=rng)
    inside = 0
    for _ in range(400):
        low, high = deferred.estimate(theta, 500).interval(0.9)
        inside += low < truth < high
    assert 0.85 < inside / 400 < 0.95
    assert ShotEstimate(1.0, 0.04, 10).interval(0.95) == pytest.approx(
        (1 - 0.2 * 1.959964, 1 + 0.2 * 1.959964), rel=1e-6
    )
    assert math.isnan(deferred.estimate(theta, 1).variance)
    low, high = ShotEstimate(1.0, 0.04, 10).interval(1 - 2**-53)  # 8.29 standard deviations
    assert (high - 1) / 0.2 == pytest.approx(scipy.special.ndtri(2**-54) * -1, rel=1e-9)
    assert ShotEstimate(1.0, 0.04, 10).interval(1.0) == (-math.inf, math.inf)


def test_the_variance_from_few_shots_is_unbiased() -> None:
    """For two shots a division by n in place of n - 1 would give half."""
    model = MODELS["spectral product"]
    theta = model.init_params(np.random.default_rng(4))
    deferred = DeferredCrossEntropy(model, RHO, copies=100, rng=np.random.default_rng(5))
    for shots in (2, 3):
        stated = [deferred.estimate(theta, shots).variance for _ in range(1000)]
        exact = shot_variance(RHO, model.state(theta)) / shots
        assert abs(np.mean(stated) - exact) < 4 * np.std(stated) / math.sqrt(1000) < 0.2 * exact


@pytest.mark.parametrize("kind", MODELS)
def test_in_the_models_own_basis_nothing_is_lost(kind: str) -> None:
    """Statement 9: the cross entropy of the empirical state is the likelihood, shot by shot."""
    model, rng = MODELS[kind], np.random.default_rng(9)
    sigma = model.state(model.init_params(rng))
    spectrum = sigma.spectrum()
    basis = np.eye(4) if spectrum.basis is None else spectrum.basis
    counts = sample(RHO, ProjectiveMeasurement(basis), 137, rng)
    likelihood = NegativeLogLikelihood().value(counts, sigma)
    assert float(cross_entropy(counts.empirical_state(), sigma)) == pytest.approx(likelihood, rel=1e-12)
    assert -counts.shares() @ spectrum.log_eigenvalues == pytest.approx(likelihood, rel=1e-12)


def test_every_basis_is_counted() -> None:
    """Two bases for each frequency: "a" turns with 1, 2 and 3, a controlled rotation with 1/2 and 1."""
    assert DeferredCrossEntropy(MODELS["spectral product"], RHO, copies=100, rng=np.random.default_rng(0)).n_bases == 17
    assert DeferredCrossEntropy(MODELS["gibbs"], RHO, copies=100, rng=np.random.default_rng(0)).n_bases == 16


def test_schedules() -> None:
    model, theta = MODELS["gibbs"], np.full(15, 0.1)
    fresh = DeferredCrossEntropy(model, RHO, copies=1000, rng=np.random.default_rng(1))
    common = DeferredCrossEntropy(model, RHO, copies=1000, rng=np.random.default_rng(1), schedule="common")
    assert fresh.value_and_gradient(theta)[0] != fresh.value_and_gradient(theta)[0]
    assert common.value_and_gradient(theta)[0] == common.value_and_gradient(theta)[0]
    near = theta + 1e-3

    def spread(schedule: str) -> float:
        differences = []
        for seed in range(40):
            d = DeferredCrossEntropy(model, RHO, copies=1000, rng=np.random.default_rng(seed), schedule=schedule)
            differences.append(d.evaluate(near).value.value - d.evaluate(theta).value.value)
        return float(np.std(differences))

    assert spread("common") < 0.5 * spread("fresh")


def test_descent_learns_and_counts_its_copies() -> None:
    model = SpectralModel(Circuit(2, [gates.RY("a", 0), gates.RY("b", 1), gates.CNOT(0, 1), gates.RY("c", 0)]), "table")
    rho = model.state([0.0, 0.5, 1.0, 2.0, 0.3, -0.4, 0.8])
    deferred = DeferredCrossEntropy(model, rho, copies=1400, rng=np.random.default_rng(3))
    start = np.array([0.0, 0, 0, 0, 0.1, 0.1, 0.1])
    run = deferred.descend(start, 120)
    assert run.params.shape == (121, 7)
    assert run.copies[-1] == deferred.copies_used == 121 * 1400
    assert (run.standard_errors > 0).all() or run.standard_errors[0] == 0
    before = float(cross_entropy(rho, model.state(start)) - rho.entropy())
    after = float(cross_entropy(rho, model.state(run.average(30))) - rho.entropy())
    assert after < 0.02 * before
    plain = deferred.descend(start, 2, GradientDescent(0.1))
    assert len(plain.values) == 3


def test_refusals() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="needs a SpectralModel or a GibbsModel; found CircuitModel"):
        DeferredCrossEntropy(CircuitModel(CIRCUIT), RHO, copies=100, rng=rng)
    with pytest.raises(InputError, match=r"at least two for each of the 16 bases .*, 32; found 31"):
        DeferredCrossEntropy(MODELS["gibbs"], RHO, copies=31, rng=rng)
    with pytest.raises(InputError, match="schedule must be one of"):
        DeferredCrossEntropy(MODELS["gibbs"], RHO, copies=100, rng=rng, schedule="sometimes")
    with pytest.raises(InputError, match="rng must be"):
        DeferredCrossEntropy(MODELS["gibbs"], RHO, copies=100, rng=7)
    with pytest.raises(InputError, match=r"rho and model must have equal dims; found \(2,\) \(rho\)"):
        DeferredCrossEntropy(MODELS["gibbs"], states.ghz(1), copies=100, rng=rng)
    with pytest.raises(InputError, match=r"must be one that compares no values, since shots .* found LBFGS"):
        DeferredCrossEntropy(MODELS["gibbs"], RHO, copies=100, rng=rng).descend(np.zeros(15), 1, "lbfgs")
    with pytest.raises(InputError, match="must be one that compares no values, since shots"):
        DeferredCrossEntropy(MODELS["gibbs"], RHO, copies=100, rng=rng).descend(np.zeros(15), 1, LBFGS())


def test_the_optimizer_that_was_used_is_told() -> None:
    rho, model = thermal(tfim(2), 1.0), GibbsModel(tfim(2))
    for given, used in ((None, Adam(0.1)), ("adam", Adam()), (Adam(0.3), Adam(0.3))):
        found = fit_deferred(model, rho, copies=8, steps=1, optimizer=given, seed=0)
        assert found.provenance["optimizer"] == repr(used)


def test_variance_of_a_shot_on_the_support() -> None:
    assert shot_variance(states.basis_state("0", dims=(2,)), states.basis_state("0", dims=(2,))) == 0
    assert shot_variance(states.maximally_mixed((2,)), states.basis_state("0", dims=(2,))) == math.inf
    rho, sigma = states.ginibre((3,), np.random.default_rng(1)), states.ginibre((3,), np.random.default_rng(2))
    log = sigma.spectrum().matrix_of(sigma.spectrum().log_eigenvalues)
    exact = np.trace(rho.matrix() @ log @ log).real - np.trace(rho.matrix() @ log).real ** 2
    assert shot_variance(rho, sigma) == pytest.approx(exact, rel=1e-12)
