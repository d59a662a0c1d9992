"""J1: 60 steps of L-BFGS on S(rho, sigma) of a circuit of 3 layers with noise after every gate; rho is thermal."""

from __future__ import annotations

from typing import Any

import numpy as np
from jobs import chain, descent, entropy
from problems import angles, qml_circuit
from w1 import jax_layer, jax_start, pennylane_node
from workload import Task, Workload

LAYERS, STEPS, VARIANT = 3, 60, "depolarizing"
WORKLOAD = Workload(
    "a fit of a noisy circuit, 60 steps of L-BFGS",
    "seconds a fit",
    sizes=(4, 5, 6, 7, 8),
    variants=(VARIANT,),
    defaults=True,
)


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    from qml import CircuitModel, fit

    circuit, values = qml_circuit(n, LAYERS, variant)
    rho = chain(n)

    def run() -> tuple[float, float]:
        model = CircuitModel(circuit)
        start = [values[name] for name in model.parameter_names]
        result = fit(model, rho, params0=start, max_iterations=STEPS, progress=False)
        return float(result.history.loss[0]), result.loss

    return descent(run, entropy(rho))


def jax_loss(n: int, state: Any) -> Any:
    import jax
    import jax.numpy as jnp

    rho = chain(n)

    def loss(theta: Any) -> Any:
        w, v = jnp.linalg.eigh(state(theta))
        return -jnp.sum(jnp.log(w) * jnp.sum(v.conj() * (rho @ v), axis=0).real)

    return jax.jit(jax.value_and_grad(loss))


@WORKLOAD.by("jax", "scipy")
def jax_scipy(n: int, variant: str) -> Task:
    """By hand: the circuit of W1's JAX, reverse mode through eigh, jit, SciPy's L-BFGS-B."""
    import jax
    from scipy.optimize import minimize

    layer = jax_layer(n, variant)
    step = jax_loss(n, lambda t: jax.lax.scan(layer, jax_start(n), t)[0])
    start = angles(n, LAYERS)

    def run() -> tuple[float, float]:
        seen: list[float] = []

        def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = step(theta.reshape(start.shape))
            seen.append(float(value))
            return seen[-1], np.asarray(gradient, float).ravel()

        options = {"maxiter": STEPS, "ftol": 0.0, "gtol": 0.0}
        found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
        return seen[0], float(found.fun)

    return descent(run, entropy(chain(n)))


@WORKLOAD.by("pennylane", "jax", "optax")
def pennylane_optax(n: int, variant: str) -> Task:
    """default.mixed, backpropagation, jax.jit; optax's L-BFGS, a step of which is one compiled call."""
    import jax
    import jax.numpy as jnp
    import optax

    node = pennylane_node(n, variant, interface="jax", diff_method="backprop")
    rho, start = chain(n), jnp.asarray(angles(n, LAYERS))

    def loss(theta: Any) -> Any:
        w, v = jnp.linalg.eigh(node(theta))
        return -jnp.sum(jnp.log(w) * jnp.sum(v.conj() * (rho @ v), axis=0).real)

    solver = optax.lbfgs()
    value_and_grad = optax.value_and_grad_from_state(loss)

    @jax.jit
    def step(theta: Any, state: Any) -> tuple[Any, Any, Any]:
        value, gradient = value_and_grad(theta, state=state)
        update, state = solver.update(gradient, state, theta, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(theta, update), state, value

    def run() -> tuple[float, float]:
        theta, state, values = start, solver.init(start), []
        for _ in range(STEPS):
            theta, state, value = step(theta, state)
            values.append(float(value))
        return values[0], values[-1]

    return descent(run, entropy(np.asarray(rho)))
