"""Networks: every activation has the derivative of finite differences, and theta the documented order."""

import numpy as np
import pytest

from qml._checks import InputError
from qml.classical import GaussianLikelihood, Network
from qml.classical.network import ACTIVATIONS


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_is_that_of_finite_differences(activation):
    rng = np.random.default_rng(3)
    network = Network([2, 3, 3, 1], activation)
    theta, x, y = network.init_params(rng) + 0.1, rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    _, gradient = network.value_and_gradient(theta, x, y, GaussianLikelihood())
    assert np.abs(gradient).max() > 0.01
    steps = 1e-6 * np.eye(len(theta))
    values = [
        [network.value_and_gradient(theta + sign * step, x, y, GaussianLikelihood())[0] for sign in (1, -1)]
        for step in steps
    ]
    measured = (np.array(values) @ [1, -1]) / 2e-6
    assert np.abs(gradient - measured).max() < 1e-7


def test_parameters_are_in_the_documented_order():
    weights, biases = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])
    network = Network([2, 2])
    z = network.outputs(np.concatenate([weights.ravel(), biases]), [[1.0, 10.0]])
    assert z.tolist() == [[1 * 1 + 10 * 3 + 5, 1 * 2 + 10 * 4 + 6]]


def test_an_unknown_activation_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'relu'"):
        Network([1, 1], "rely")


def test_parameters_of_any_size_are_allowed_without_decay():
    network = Network((1, 1))
    value, _ = network.value_and_gradient([1e200, 0.0], [[1e-200]], [[0.0]], GaussianLikelihood())
    assert value == GaussianLikelihood().value([0.0], [1.0])
