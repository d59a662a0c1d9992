"""The JAX engine where a processor's cache does not hold the vector: products of one slice after another."""

import numpy as np
import pytest

from qml.channels import Depolarizing
from qml.circuits import NoiseModel, hardware_efficient
from qml.engines import JaxEngine, PauliEngine
from qml.engines.jax.products import CACHE


@pytest.mark.slow
def test_a_vector_that_the_cache_does_not_hold_against_the_pauli_engine():
    n = 11
    assert 8 * 4**n > CACHE
    program = hardware_efficient(n, layers=2).with_noise(NoiseModel().add(Depolarizing, 0.01)).compile()
    rng = np.random.default_rng(0)
    theta, cotangent = rng.uniform(-3, 3, program.n_params), rng.normal(size=4**n)
    found = {}
    for engine in (JaxEngine(), PauliEngine()):
        state, back = engine.evolve_vjp(program, theta)
        push = engine.evolve_jvp(program, theta)[1]
        found[engine] = np.asarray(state.pauli_vector), back(cotangent)[0], np.asarray(push(theta[None])[0])
    (ours, gradient, change), (vector, expected, along) = found.values()
    assert abs(vector).max() == pytest.approx(1.0)
    assert abs(expected).min() > 1e-3
    assert abs(ours - vector).max() < 1e-12
    assert abs(gradient - expected).max() < 1e-11 * abs(expected).max()
    assert abs(along).max() > 1e-3
    assert abs(change - along).max() < 1e-12
