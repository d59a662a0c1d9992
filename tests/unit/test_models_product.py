"""Product models: S adds, so that factors learn by themselves."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from qml import GibbsModel, check_gradient, circuits, fit
from qml._checks import InputError
from qml.fitting.factors import fit_factors
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity, RelativeEntropy, cross_entropy
from qml.models import CholeskyModel, MixtureModel, ProductModel, PurifiedCircuitModel
from qml.states import basis_state, ghz, ginibre, maximally_mixed, partial_trace


def paulis():
    return ProductModel([GibbsModel.all_paulis(2), GibbsModel.all_paulis(1, 1)])


KINDS = {
    "qubits": ProductModel([CholeskyModel((2,)), PurifiedCircuitModel(circuits.hardware_efficient(2, 1), 1)]),
    "qutrit": ProductModel([CholeskyModel((3,)), CholeskyModel((2,)), maximally_mixed((2,))]),
    "nested": ProductModel(
        [ProductModel([CholeskyModel((2,)), CholeskyModel((2,))]), CholeskyModel((2,), 1, smoothing=0.1)]
    ),
}


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        *((model, CrossEntropy()) for model in KINDS.values()),
        *((KINDS["qubits"], loss) for loss in (RelativeEntropy(), HilbertSchmidt(), Infidelity())),
    ],
    ids=repr,
)
def test_gradient_of_every_loss_for_a_correlated_target(model, loss):
    check = check_gradient(model, ginibre(model.dims, np.random.default_rng(3)), loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def test_same_value_and_gradient_as_the_matrix():
    """The mixture of one product is the same state, held as a matrix."""
    model = ProductModel([CholeskyModel((3,)), CholeskyModel((2,))])
    rho, theta = ginibre((3, 2), np.random.default_rng(0)), model.init_params(np.random.default_rng(1))
    answers = []
    for each in (model, MixtureModel([model])):
        sigma, pull = each.state_vjp(theta)
        value, cotangent = CrossEntropy().value_and_cotangent(rho, sigma)
        answers.append((value, *pull(cotangent)))
    assert np.allclose(*answers, rtol=1e-9, atol=1e-12)


def test_learns_a_state_of_its_own_family():
    model = ProductModel([CholeskyModel((2, 2)), CholeskyModel((3,))])
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, seed=0).gap < 1e-10
    assert fit_factors(model, rho, seed=0).gap < 1e-10


def test_factor_fits_equal_the_joint_fit_on_a_correlated_target():
    model, rho = paulis(), ginibre((2, 2, 2), np.random.default_rng(5))
    joint = fit(model, rho, seed=1, gradient_tolerance=1e-10)
    factors = fit_factors(model, rho, seed=1, gradient_tolerance=1e-10)
    assert factors.converged
    assert np.allclose(factors.params, joint.params, atol=1e-8)
    assert factors.loss == pytest.approx(joint.loss, abs=1e-13)
    assert factors.floor == joint.floor
    assert factors.parameter_names == joint.parameter_names


def test_best_product_is_that_of_the_reduced_states():
    rho = ginibre((2, 2, 2), np.random.default_rng(5))
    result = fit_factors(ProductModel([CholeskyModel((2, 2)), CholeskyModel((2,))]), rho, seed=1)
    total = partial_trace(rho, [0, 1]).entropy() + partial_trace(rho, [2]).entropy()
    assert result.loss == pytest.approx(float(total), abs=1e-10)
    assert result.gap > 0.1  # the mutual information is out of reach


def spawned(count):
    """Processes that inherit no threads, as those of JAX, from the one that runs the tests."""
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, pytest.param(spawned, marks=pytest.mark.slow)])
def test_result_does_not_depend_on_the_executor(pool):
    model, rho = paulis(), ginibre((2, 2, 2), np.random.default_rng(5))
    here = fit_factors(model, rho, seed=3)
    with pool(2) as executor:
        there = fit_factors(model, rho, seed=3, executor=executor)
    assert np.array_equal(here.params, there.params)
    assert np.array_equal(here.history.loss, there.history.loss)


def test_history_adds_up_and_restarts_name_the_factors():
    model, rho = paulis(), ginibre((2, 2, 2), np.random.default_rng(5))
    theta = np.full(model.n_params, 0.3)
    result = fit_factors(model, rho, params0=theta)
    assert result.history.loss[0] == pytest.approx(float(cross_entropy(rho, model.state(theta))), rel=1e-13)
    assert result.history.loss[-1] == pytest.approx(result.loss, rel=1e-13)
    assert (np.diff(result.history.loss) <= 1e-14).all()
    assert len(result.restarts) == 2
    assert len(result.history) == result.iterations + 1


def test_a_factor_that_fails_is_named():
    model = ProductModel([CholeskyModel((2,)), CholeskyModel((2,), 1)])
    result = fit_factors(model, maximally_mixed((2, 2)), seed=0)
    assert not result.converged
    assert result.status.startswith("factor 1: not started: the loss is infinite")


def test_a_product_target_is_never_multiplied_out():
    from qml.states import ProductState

    one = GibbsModel.all_paulis(1, 1)
    rho = ProductState([ginibre((2,), np.random.default_rng(k)) for k in range(24)])
    result = fit_factors(ProductModel([one] * 24), rho, seed=0)
    assert result.gap < 1e-10


def test_sentences():
    with pytest.raises(InputError, match="a product needs a list of at least one model"):
        ProductModel(())
    with pytest.raises(InputError, match=r"model must be a ProductModel, as fit learns .*; found CholeskyModel"):
        fit_factors(CholeskyModel((2,)), basis_state("0"))
    with pytest.raises(InputError, match="loss must add up over factors"):
        fit_factors(paulis(), ghz(3), loss=HilbertSchmidt())
    with pytest.raises(InputError, match="fit_factors takes no callbacks"):
        fit_factors(paulis(), ghz(3), callbacks=[print])
    with pytest.raises(InputError, match="equal dims"):
        fit_factors(paulis(), ghz(2))
    with pytest.raises(InputError, match="rho must be a state of dimension 8"):
        paulis().marginals(np.eye(4) / 4)
    with pytest.raises(InputError, match=r"rho and model must have equal dims; found \(2, 2\) \(rho\)"):
        paulis().marginals(ghz(2))


def test_repr_names_the_factors():
    assert repr(ProductModel([CholeskyModel((2,)), basis_state("0")])) == (
        "ProductModel([CholeskyModel(dims=(2,), rank=2), DensityMatrix(dims=(2,))])"
    )
