"""Optax and Flax, where they are installed: descent is that of NumPy, and networks feed circuits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import qml
from qml import CircuitModel, GibbsModel, channels, fit, thermal
from qml.circuits import hardware_efficient, purification
from qml.fitting import Objective
from qml.operators import pauli, tfim

pytestmark = pytest.mark.slow
TARGET = thermal(tfim(2, h=0.5), 1.0)
NOISY = CircuitModel(hardware_efficient(2, layers=1).then(channels.Depolarizing("p", 0)))


@pytest.fixture(autouse=True)
def x64():
    with jax.enable_x64(True):
        yield


def test_descent_with_momentum_is_that_of_numpy():
    objective, rate, inertia = Objective.of(NOISY, TARGET), 0.1, 0.9
    start = expected = NOISY.init_params(np.random.default_rng(0))
    optimizer, slope = optax.sgd(rate, momentum=inertia), jax.jit(jax.grad(qml.jax.loss(NOISY, TARGET)))
    theta, velocity = jnp.asarray(start), np.zeros_like(start)
    state = optimizer.init(theta)
    for _ in range(50):
        updates, state = optimizer.update(slope(theta), state)
        theta = optax.apply_updates(theta, updates)
        velocity = objective.value_and_gradient(expected)[1] + inertia * velocity
        expected = expected - rate * velocity
    assert np.abs(expected - start).max() > 0.1
    assert objective.value(expected) < objective.value(start) - 0.1
    assert np.allclose(theta, expected, rtol=0, atol=1e-13)


def test_lbfgs_of_optax_finds_what_ours_does():
    """Its line search runs the loss inside a compiled loop."""
    model = GibbsModel(tfim(2))
    loss, optimizer = qml.jax.loss(model, TARGET), optax.lbfgs()
    slopes = optax.value_and_grad_from_state(loss)

    @jax.jit
    def step(theta, state):
        value, gradient = slopes(theta, state=state)
        updates, state = optimizer.update(gradient, state, theta, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(theta, updates), state

    theta = jnp.zeros(3)
    state = optimizer.init(theta)
    for _ in range(30):
        theta, state = step(theta, state)
    assert np.allclose(theta, fit(model, TARGET, seed=0).params, rtol=0, atol=1e-6)


def test_a_network_learns_what_to_feed_a_noisy_circuit():
    """Thermal states of several fields, as a function of the field."""
    fields = np.linspace(0.2, 1.0, 5)
    targets = [thermal(pauli("Z") * h + pauli("X"), 1.0) for h in fields]
    model = CircuitModel(purification(1, 1, layers=1).then(channels.Depolarizing(0.02, 0)))
    losses = [qml.jax.loss(model, target) for target in targets]
    rngs = nnx.Rngs(0)
    net = nnx.Sequential(nnx.Linear(1, 8, rngs=rngs), jnp.tanh, nnx.Linear(8, model.n_params, rngs=rngs))
    optimizer = nnx.Optimizer(net, optax.adam(0.05), wrt=nnx.Param)

    def mean(net):
        return sum(loss(theta) for loss, theta in zip(losses, net(fields[:, None]), strict=True)) / len(losses)

    @nnx.jit
    def step(net, optimizer):
        value, gradients = nnx.value_and_grad(mean)(net)
        optimizer.update(net, gradients)
        return value

    history = [float(step(net, optimizer)) for _ in range(150)]
    floor = np.mean([target.entropy() for target in targets])
    assert history[-1] - floor < 0.02 < 0.1 < history[0] - floor
