"""Quantum EM for Gibbs models with hidden units."""

import numpy as np
import pytest
from helpers.hidden import FAMILIES
from hypothesis import given
from hypothesis import strategies as st

from qml.fitting import Objective, quantum_em
from qml.losses import CrossEntropy
from qml.models import HiddenGibbsModel, semi_quantum_restricted
from qml.optimizers import base
from qml.spectral import log_divided_differences
from qml.states import DensityMatrix, basis_state, ginibre


def completion(model, rho, theta):
    """tau on all sites, for a model whose visible sites come first: the definition, by divided differences."""
    sigma, joint = model.state(theta).spectrum(), model.joint.state(theta).spectrum()
    x = sigma.from_basis(log_divided_differences(sigma.log_eigenvalues) * sigma.to_basis(rho.matrix()))
    extended = np.kron(x, np.eye(model.joint.state(theta).dim // rho.dim))
    return joint.exp_pullback(extended)


@pytest.mark.parametrize("name", ["dense, two", "blocks", "closed form"])
def test_the_gradient_is_a_difference_of_expectations(name):
    """dS/dtheta_j = Tr(tau G_j) - Tr(sigma G_j), with tau of unit trace and, for diagonal visible units, a state."""
    model, rng = FAMILIES[name](), np.random.default_rng(21)
    theta, rho = model.init_params(rng), ginibre(model.dims, rng)
    _, gradient = Objective(model, rho, CrossEntropy()).value_and_gradient(theta)
    means = model.log_partition_and_means(theta)[1]
    tau = completion(model, rho, theta)
    assert np.trace(tau).real == pytest.approx(1, abs=1e-13)
    expected = model.joint.generators.traces(tau)
    assert np.abs(gradient).max() > 1e-3
    assert np.abs(gradient - (expected - means)).max() < 1e-13
    if name != "dense, two":
        given_v = model.joint.state(theta).matrix()
        d_h = len(given_v) // rho.dim
        for v, weight in enumerate(rho.probabilities()):
            block = given_v[v * d_h : (v + 1) * d_h, v * d_h : (v + 1) * d_h]
            conditional = weight * block / np.trace(block)
            assert np.abs(tau[v * d_h : (v + 1) * d_h, v * d_h : (v + 1) * d_h] - conditional).max() < 1e-13


def excess(model, rho, theta, other):
    """Q(other) - Q(theta) - (S(other) - S(theta)): what the majorisation theorem says is never negative."""
    objective = Objective(model, rho, CrossEntropy())
    value, gradient = objective.value_and_gradient(theta)
    log_z, means = model.log_partition_and_means(theta)
    change_of_q = (other - theta) @ (means + gradient) + model.log_partition_and_means(other)[0] - log_z
    return change_of_q - (objective.value(other) - value)


@given(seed=st.integers(0, 2**32 - 1), step=st.floats(0.01, 3.0))
@pytest.mark.parametrize("name", ["closed form", "blocks"])
def test_q_majorises_s_for_diagonal_visible_units(name, seed, step):
    model, rng = FAMILIES[name](), np.random.default_rng(seed)
    theta, rho = model.init_params(rng, 1.0), ginibre(model.dims, rng)
    assert excess(model, rho, theta, theta + step * rng.standard_normal(model.n_params)) > -1e-12


def test_q_does_not_majorise_s_for_quantum_visible_units():
    model, rng = HiddenGibbsModel.all_paulis(2), np.random.default_rng(22)
    thetas = 2 * rng.standard_normal((100, model.n_params))
    others = thetas + 0.1 * rng.standard_normal(thetas.shape)
    assert min(excess(model, basis_state("0"), *pair) for pair in zip(thetas, others, strict=True)) < -1e-3


@pytest.mark.parametrize("name", ["closed form", "blocks", "blocks, diagonal matrices", "dense", "dense, qutrit"])
def test_em_never_raises_s(name):
    model = FAMILIES[name]()
    rho = ginibre(model.dims, np.random.default_rng(23))
    result = quantum_em(model, rho, seed=4, max_iterations=25)
    assert result.history.loss[0] - result.loss > 1e-3
    assert np.diff(result.history.loss).max(initial=0.0) < 1e-14
    assert result.loss == pytest.approx(CrossEntropy().value(rho, model.state(result.params)), abs=1e-14)


@pytest.mark.parametrize("inner", [1, 3, 60])
def test_full_steps_are_accepted_for_diagonal_visible_units(inner, monkeypatch):
    """However far step M goes, no step is ever halved."""
    monkeypatch.setattr(base, "MAX_HALVINGS", 1)
    model = semi_quantum_restricted(3, 2)
    rho = DensityMatrix.from_probabilities(np.random.default_rng(24).dirichlet(np.full(8, 0.3)), (2, 2, 2))
    result = quantum_em(model, rho, seed=5, max_iterations=15, inner_iterations=inner)
    assert result.iterations == 15
    assert np.diff(result.history.loss).max() < 1e-15


@pytest.mark.parametrize("name", ["dense, two", "blocks", "closed form"])
def test_em_reaches_a_target_of_its_own_family(name):
    model = FAMILIES[name]()
    rho = model.state(model.init_params(np.random.default_rng(26 if name == "blocks" else 25), scale=1.0))
    result = quantum_em(model, rho, seed=6, max_iterations=400, gradient_tolerance=1e-6)
    assert result.history.loss[0] - result.floor > 1e-1
    assert abs(result.gap) < 1e-8
    assert result.converged
