"""Priors: derivatives, the balance with the data, and scales that say nothing or everything."""

import math

import numpy as np
import pytest

from qml import CrossEntropy, GibbsModel, fit, pauli, thermal
from qml._checks import InputError
from qml.fitting import Objective
from qml.fitting.priors import Gaussian, Laplace
from qml.operators import tfim
from qml.states import ginibre

RHO = ginibre((2, 2), np.random.default_rng(1))
MODEL = GibbsModel.all_paulis(2)


@pytest.mark.parametrize("prior", [Gaussian(0.7, mean=0.1, copies=3), Laplace(0.5, copies=2, width=0.3)], ids=repr)
def test_derivatives_of_priors(prior):
    theta, h = np.array([0.4, -1.0, 0.02]), 1e-5
    for e in np.eye(3):
        slope = (prior.value(theta + h * e) - prior.value(theta - h * e)) / (2 * h)
        curvature = (prior.gradient(theta + h * e) - prior.gradient(theta - h * e)) @ e / (2 * h)
        assert prior.gradient(theta) @ e == pytest.approx(slope, rel=1e-7)
        assert prior.curvature(theta) @ e == pytest.approx(curvature, rel=1e-6)
    assert prior.value(np.full(3, prior.mean)) == 0.0


def test_laplace_is_nearly_the_sum_of_sizes():
    theta = np.array([3.0, -0.5, 0.0])
    assert Laplace(2.0, copies=5).value(theta) == pytest.approx(3.5 / 10, abs=1e-4)


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton", "natural_gradient"])
def test_the_most_probable_parameters_balance_data_and_prior(optimizer):
    """Where S - log p / N is least, <G>_sigma - <G>_rho = (theta - mean) / (N scale^2)."""
    prior = Gaussian(0.5, mean=0.2, copies=4)
    result = fit(MODEL, RHO, prior=prior, optimizer=optimizer, seed=0, gradient_tolerance=1e-9)
    assert result.converged
    for theta, name in zip(result.params, MODEL.parameter_names, strict=True):
        pull = float(result.state.expect(pauli(name)) - RHO.expect(pauli(name)))
        assert pull == pytest.approx((theta - 0.2) / (4 * 0.25), abs=1e-8)
    unweighted = CrossEntropy().value(RHO, result.state)
    assert result.loss == pytest.approx(unweighted + prior.value(result.params), abs=1e-12)
    assert "Gaussian" in result.provenance["prior"]


def test_the_prior_fades_as_one_over_the_copies():
    def optimum(prior):
        return fit(MODEL, RHO, optimizer="newton", prior=prior, seed=0, gradient_tolerance=1e-12).params

    free = optimum(None)
    distances = [np.linalg.norm(optimum(Gaussian(0.3, copies=n)) - free) for n in (1, 10, 1e6, 1e7)]
    assert distances[0] > distances[1] > 100 * distances[2]
    assert distances[2] / distances[3] == pytest.approx(10.0, rel=0.02)


def test_laplace_prior_prefers_few_parameters():
    rho = thermal(tfim(2, h=0.6), 1.0)
    result = fit(MODEL, rho, prior=Laplace(1.0, copies=20, width=1e-3), optimizer="newton", seed=0)
    large = {name for name, t in zip(MODEL.parameter_names, result.params, strict=True) if abs(t) > 0.02}
    assert large == {"ZZ", "XI", "IX"}


@pytest.mark.parametrize("prior", [Gaussian(1e200), Laplace(1e200), Laplace(1.0, width=1e200)], ids=repr)
def test_a_prior_that_says_nothing_changes_nothing(prior):
    for optimizer in ("lbfgs", "newton"):
        free, held = (fit(MODEL, RHO, optimizer=optimizer, prior=p, seed=0) for p in (None, prior))
        assert np.array_equal(free.params, held.params)


def test_the_curvature_of_a_sharp_kink_at_its_tip():
    found = Laplace(2.0, copies=5, width=1e-200).curvature(np.array([0.0, 1.0]))
    assert found == pytest.approx([1e199, 0.0], rel=1e-12)


def test_wrong_scales_of_priors():
    for make in (lambda: Gaussian(0.0), lambda: Laplace(-1.0), lambda: Gaussian(copies=0), lambda: Laplace(width=0.0)):
        with pytest.raises(InputError, match="must be greater than 0"):
            make()


@pytest.mark.parametrize("prior", [Gaussian, Laplace])
@pytest.mark.parametrize("mean", [math.nan, "spam", None])
def test_wrong_means_of_priors(prior, mean):
    with pytest.raises(InputError, match="mean must be"):
        prior(mean=mean)


def test_the_hessian_of_an_objective_holds_the_prior():
    objective = Objective(GibbsModel(tfim(2)), RHO, CrossEntropy(), Gaussian(0.5))
    theta, h, v = np.array([0.2, -0.1, 0.4]), 1e-5, np.array([1.0, -2.0, 0.5])
    numeric = (objective.value_and_gradient(theta + h * v)[1] - objective.value_and_gradient(theta - h * v)[1]) / (
        2 * h
    )
    assert np.allclose(objective.hessian(theta).matrix() @ v, numeric, atol=1e-8)
    assert np.allclose(objective.hessian(theta).product(v), numeric, atol=1e-8)
