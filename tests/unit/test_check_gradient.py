"""check_gradient passes right gradients, and catches wrong ones."""

import math

import numpy as np
import pytest

from qml import CircuitModel, CrossEntropy, GibbsModel, channels, check_gradient, gates, ghz
from qml._checks import InputError
from qml.circuits import Circuit
from qml.operators import tfim
from qml.states import DensityMatrix, basis_state, ginibre, maximally_mixed


class Spoiled(GibbsModel):
    """A Gibbs model whose gradient is wrong in one component, by the factor `factor`."""

    def __init__(self, factor, component=1):
        super().__init__(tfim(2))
        self.factor, self.component = factor, component

    def state_vjp(self, params):
        sigma, pullback = super().state_vjp(params)
        scale = np.ones(self.n_params)
        scale[self.component] = self.factor
        return sigma, lambda cotangent: scale * pullback(cotangent)


@pytest.fixture
def rho():
    return ginibre((2, 2), np.random.default_rng(0))


def test_a_right_gradient_passes_with_many_digits(rho):
    check = check_gradient(GibbsModel.all_paulis(2), rho)
    assert check.ok
    assert np.abs(check.analytic).max() > 0.1
    assert check.max_relative_error < 1e-9
    assert np.allclose(check.analytic, check.numeric, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0, 1 + 1e-4])
def test_a_wrong_component_is_caught_and_named(rho, factor):
    model = Spoiled(factor)
    check = check_gradient(model, rho)
    assert not check.ok
    assert check.worst == model.parameter_names[1]
    assert check.max_relative_error == pytest.approx(abs(1 - factor) / max(1, abs(factor)), rel=1e-3)
    assert "FAILED" in repr(check)
    assert str(check).splitlines()[2].startswith(model.parameter_names[1])


def test_an_error_below_the_tolerance_passes_and_the_tolerance_can_be_lowered(rho):
    assert check_gradient(Spoiled(1 + 1e-8), rho).ok
    assert not check_gradient(Spoiled(1 + 1e-8), rho, tolerance=1e-9).ok


def test_random_directions_catch_it_too(rho):
    right = check_gradient(GibbsModel(tfim(2)), rho, directions=2)
    wrong = check_gradient(Spoiled(1.5), rho, directions=2)
    assert right.ok
    assert not wrong.ok
    assert right.names == ("direction 0", "direction 1")
    assert len(right.numeric) == 2


def test_swapped_components_and_a_wrong_shape_are_caught(rho):
    class Swapped(GibbsModel):
        def state_vjp(self, params):
            sigma, pullback = super().state_vjp(params)
            return sigma, lambda cotangent: pullback(cotangent)[::-1]

    class Short(GibbsModel):
        def state_vjp(self, params):
            sigma, pullback = super().state_vjp(params)
            return sigma, lambda cotangent: pullback(cotangent)[1:]

    assert not check_gradient(Swapped(tfim(2)), rho).ok
    check = check_gradient(Short(tfim(2)), rho)
    assert not check.ok
    assert "must have shape (3,); found shape (2,)" in repr(check)


def test_where_the_loss_is_infinite_there_is_nothing_to_check():
    model = CircuitModel(Circuit(1, [gates.RY("a", 0)]))
    check = check_gradient(model, maximally_mixed((2,)), params=[0.3])
    assert not check.ok
    assert check.value == math.inf
    assert "the loss is inf here" in repr(check)
    assert str(check) == repr(check)


def test_next_to_an_infinite_wall_the_steps_shrink():
    """At p = 0.001 of bit flip, steps of 0.2 in the angle of the pure state stay finite, but S is steep."""
    circuit = Circuit(1, [gates.RY("a", 0), channels.BitFlip("p", 0)])
    model = CircuitModel(circuit)
    params = model.unconstrained({"a": 1e-3, "p": 1e-6})
    check = check_gradient(model, DensityMatrix.from_probabilities([0.5, 0.5]), params=params)
    assert check.ok
    assert abs(check.analytic[1]) > 0.1


def test_a_zero_gradient_is_remarked_on():
    check = check_gradient(GibbsModel(tfim(2)), maximally_mixed((2, 2)), params=np.zeros(3))
    assert check.ok
    assert "the gradient is zero here" in repr(check)


def test_without_parameters_it_passes():
    check = check_gradient(CircuitModel(Circuit(1)), basis_state("0"))
    assert check.ok
    assert check.max_relative_error == 0.0


def test_it_is_reproducible_and_takes_a_generator(rho):
    model = GibbsModel(tfim(2))
    first, second = check_gradient(model, rho), check_gradient(model, rho)
    assert np.array_equal(first.params, second.params)
    other = check_gradient(model, rho, rng=np.random.default_rng(9))
    assert not np.array_equal(first.params, other.params)


def test_arrays_are_taken_for_targets_and_sentences():
    model = GibbsModel(tfim(2))
    assert check_gradient(model, np.eye(4) / 4, CrossEntropy()).ok
    with pytest.raises(InputError, match="target and model must have equal dims"):
        check_gradient(model, ghz(3))
    with pytest.raises(InputError, match=r"params must have shape \(3,\)"):
        check_gradient(model, ghz(2), params=[0.0])
    with pytest.raises(InputError, match="directions must be an integer of at least 1"):
        check_gradient(model, ghz(2), directions=0)
    with pytest.raises(InputError, match="tolerance must be a finite number of at least"):
        check_gradient(model, ghz(2), tolerance=0.0)
