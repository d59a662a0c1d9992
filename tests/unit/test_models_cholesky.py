"""Cholesky models: every vector is a state, every state has a vector, and what a low rank changes."""

import numpy as np
import pytest
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import check_gradient, fit
from qml._checks import InputError
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity, TraceDistance
from qml.models import CholeskyModel
from qml.states import DensityMatrix, ginibre, maximally_mixed


def parameters_of(model, rho):
    """theta from numpy's Cholesky decomposition."""
    lower = np.linalg.cholesky(rho)
    values = {}
    for name in model.parameter_names:
        kind, *place = name.split("_")
        entry = lower[tuple(map(int, place))] if len(place) == 2 else lower[int(place[0]), int(place[0])]
        values[name] = {"log": lambda z: np.log(z.real), "re": np.real, "im": np.imag}[kind](entry)
    return [values[name] for name in model.parameter_names]


@given(st.lists(st.floats(-1e300, 1e300), min_size=9, max_size=9))
def test_every_real_vector_is_a_state(theta):
    sigma = CholeskyModel((3,)).state(theta).matrix()
    assert np.isfinite(sigma).all()
    assert abs(np.trace(sigma) - 1) < 1e-12
    assert np.linalg.eigvalsh(sigma).min() > -1e-14


@pytest.mark.parametrize("dims", [(2,), (3,), (2, 3), (2, 2, 2)])
def test_every_state_of_full_rank_is_reached(dims):
    rho = ginibre(dims, np.random.default_rng(0))
    model = CholeskyModel(dims)
    assert model.n_params == rho.dim**2
    assert np.allclose(model.state(parameters_of(model, rho.matrix())).matrix(), rho.matrix(), atol=1e-14)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_rank_and_number_of_parameters(rank):
    model = CholeskyModel((2, 2), rank)
    assert model.n_params == 8 * rank - rank**2
    sigma = model.state(model.init_params(np.random.default_rng(rank)))
    assert int(sigma.rank()) == rank
    values = np.linalg.eigvalsh(sigma.matrix())[::-1][:rank]
    assert np.allclose(sigma.spectrum().eigenvalues[:rank], values, atol=1e-14)


def test_small_eigenvalues_keep_their_digits():
    """exp(-30) squared is 9e-27, far below the rounding of a matrix."""
    sigma = CholeskyModel((2,)).state([0.0, -30.0, 0.0, 0.0])
    assert sigma.spectrum().log_eigenvalues.tolist() == pytest.approx([0.0, -60.0], abs=1e-12)


def test_scale_changes_nothing_and_has_no_gradient():
    model = CholeskyModel((2, 2))
    rng = np.random.default_rng(1)
    theta, rho = model.init_params(rng), ginibre((2, 2), rng)
    scaled = np.concatenate([theta[:4] + 700.0, theta[4:] * np.exp(700.0)])
    assert np.allclose(model.state(scaled).matrix(), model.state(theta).matrix(), atol=1e-13)
    sigma, pull = model.state_vjp(theta)
    gradient = pull(CrossEntropy().value_and_cotangent(rho, sigma)[1])
    along = np.concatenate([np.ones(4), theta[4:]])
    assert np.abs(gradient).max() > 1e-2
    assert abs(gradient @ along) < 1e-14


@every("loss", [CrossEntropy(), HilbertSchmidt(), Infidelity(), TraceDistance()], ids=str)
@every("model", [CholeskyModel((3,)), CholeskyModel((2, 2), 2, smoothing=0.05)], ids=str)
def test_gradient_of_every_loss(model, loss):
    check = check_gradient(model, ginibre(model.dims, np.random.default_rng(3)), loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


@pytest.mark.parametrize("loss", [HilbertSchmidt(), Infidelity()], ids=str)
def test_gradient_at_low_rank(loss):
    check = check_gradient(CholeskyModel((2, 2), 2), ginibre((2, 2), np.random.default_rng(3)), loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def test_below_full_rank_s_is_infinite_unless_the_support_is_met():
    model = CholeskyModel((2, 2), 2)
    rng = np.random.default_rng(0)
    assert CrossEntropy().value(ginibre((2, 2), rng), model.state(model.init_params(rng))) == np.inf
    assert np.isfinite(
        CrossEntropy().value(
            ginibre((2, 2), rng), CholeskyModel((2, 2), 2, smoothing=0.1).state(model.init_params(rng))
        )
    )


def test_derivative_along_states_of_unchanged_support():
    """sigma and rho both in the span of |00>, |01>: only directions that stay there keep S finite."""
    model = CholeskyModel((2, 2), 2)
    rng = np.random.default_rng(5)
    theta = np.zeros(model.n_params)
    inside = [model.parameter_names.index(name) for name in ("log_0", "log_1", "re_1_0", "im_1_0")]
    theta[inside] = rng.standard_normal(4)
    rho = DensityMatrix(np.kron(np.diag([1.0, 0.0]), ginibre((2,), rng).matrix()))
    sigma, pull = model.state_vjp(theta)
    value, cotangent = CrossEntropy().value_and_cotangent(rho, sigma)
    gradient = pull(cotangent)
    small = CholeskyModel((2,)).state_vjp(theta[inside])
    expected, c = CrossEntropy().value_and_cotangent(DensityMatrix(rho.matrix()[:2, :2]), small[0])
    assert value == pytest.approx(float(expected), rel=1e-13)
    assert np.abs(gradient[inside]).max() > 1e-2
    assert np.allclose(gradient[inside], small[1](c), atol=1e-14)
    outside = np.setdiff1d(np.arange(model.n_params), inside)
    assert np.abs(gradient[outside]).max() < 1e-14


@pytest.mark.parametrize(
    "model", [CholeskyModel((2, 2)), CholeskyModel((3, 2)), CholeskyModel((2, 2, 2), 2, smoothing=0.1)], ids=repr
)
def test_learns_a_state_of_its_own_family(model):
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, seed=0).gap < 1e-10


def test_learns_a_pure_qutrit_state_from_the_infidelity():
    model = CholeskyModel((3,), 1)
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, loss=Infidelity(), seed=0).loss < 1e-10


def test_smoothing_is_a_mixture_with_the_maximally_mixed_state():
    low, smooth = CholeskyModel((3,), 1), CholeskyModel((3,), 1, smoothing=0.25)
    theta = low.init_params(np.random.default_rng(0))
    expected = 0.75 * low.state(theta).matrix() + 0.25 * maximally_mixed((3,)).matrix()
    sigma = smooth.state(theta)
    assert (sigma.smoothing, sigma.factor) == (0.25, None)
    assert np.allclose(sigma.matrix(), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rank": 5}, "rank must be an integer from 1 to 4; found 5"),
        ({"rank": 0}, "rank must be an integer from 1 to 4; found 0"),
        ({"smoothing": 1.0}, "smoothing must be a finite number from 0 to 1; found 1"),
    ],
)
def test_sentences(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        CholeskyModel((2, 2), **arguments)


def test_repr_says_what_it_is():
    assert repr(CholeskyModel((3,), 2, smoothing=0.1)) == "CholeskyModel(dims=(3,), rank=2, smoothing=0.1)"


@pytest.mark.parametrize("scale", [-1e308, -900.0, -720.0, 0.0, 700.0, 1e300])
def test_a_factor_of_any_size_has_states_and_slopes_that_are_numbers(scale):
    """sigma = 1/2 whatever the size of L; with an entry as large as float64 holds beside it, the pure state |1>."""
    model = CholeskyModel(1)
    state, pull = model.state_vjp([scale, scale, 0.0, 0.0])
    assert state.matrix() == pytest.approx(np.eye(2) / 2)
    assert np.isfinite(pull(state.pull_matrix(np.array([[1.0, 0.5], [0.5, -1.0]])))).all()
    assert pull(state.pull_matrix(np.diag([1.0, -1.0]))) == pytest.approx([1.0, -1.0, 0.0, 0.0])


def test_an_entry_that_is_hardly_a_number_is_one_beside_smaller_ones():
    sigma = CholeskyModel(1).state([-800.0, -800.0, 1e-320, 0.0])
    assert sigma.probabilities() == pytest.approx([0.0, 1.0], abs=1e-15)
