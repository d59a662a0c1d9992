"""The variational principles of energy and free energy, as properties over random states and Hamiltonians."""

import numpy as np
import pytest
from helpers.arrays import hermitian
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import CholeskyModel, relative_entropy, states, thermal
from qml._checks import qubit_dims
from qml.fitting import fit
from qml.losses import Expectation, FreeEnergy

seeds = st.integers(0, 2**32 - 1)
dims = st.sampled_from([1, 2, 3, 4, 6])
betas = st.floats(0.0, 20.0)


@given(seeds, dims, betas, st.integers(1, 6))
def test_no_state_of_any_rank_lies_below_a_floor(seed: int, d: int, beta: float, rank: int) -> None:
    """Gibbs: beta Tr(H sigma) - S(sigma) + log Z = D(sigma||rho_beta) >= 0; Rayleigh and Ritz: Tr(H sigma) >= E_0."""
    rng = np.random.default_rng(seed)
    h, sigma = hermitian(d, rng), states.ginibre(qubit_dims(d), rng, rank=min(rank, d))
    energy, free = Expectation(), FreeEnergy(beta)
    assert energy.value(h, sigma) >= energy.floor(h) - 1e-12
    gap = free.value(h, sigma) - free.floor(h)
    assert gap == pytest.approx(float(relative_entropy(sigma, thermal(h, beta, qubit_dims(d)))), rel=1e-8, abs=1e-10)
    assert gap >= -1e-11
    assert d == 1 or gap > 1e-9  # a random state is not the thermal one


@given(seeds, st.sampled_from([2, 3, 4]), st.floats(0.1, 3.0))
def test_shifts_of_the_zero_of_energy_change_the_loss_and_no_derivative(seed: int, d: int, beta: float) -> None:
    rng = np.random.default_rng(seed)
    h, sigma = hermitian(d, rng), states.ginibre(qubit_dims(d), rng)
    loss, by = FreeEnergy(beta), float(rng.normal())
    one, x = loss.value_and_cotangent(h, sigma)
    two, y = loss.value_and_cotangent(h + by * np.eye(d), sigma)
    assert two - one == pytest.approx(beta * by, abs=1e-11)
    np.testing.assert_allclose(y - x, beta * by * np.eye(d), atol=1e-11)
    assert loss.floor(h + by * np.eye(d)) - loss.floor(h) == pytest.approx(beta * by, abs=1e-11)


@settings(max_examples=20)
@given(seeds, st.floats(0.0, 2.0))
def test_fits_never_go_below_the_floor(seed: int, beta: float) -> None:
    h = hermitian(2, np.random.default_rng(seed))
    for loss in (Expectation(), FreeEnergy(beta)):
        found = fit(CholeskyModel((2,)), h, loss=loss, seed=seed % 97, max_iterations=15)
        assert (found.history.gap >= -1e-12).all()
