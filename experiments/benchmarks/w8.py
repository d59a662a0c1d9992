"""W8: a batch of small circuits: sum_q <Z_q>, and its gradient in all angles, for each of 256 settings of the angles of
a depolarized circuit of 4 layers, as in training on 256 inputs or in a sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
from problems import angles, qml_circuit
from w1 import jax_layer, jax_start, pennylane_node
from workload import Task, Workload

MEMBERS, LAYERS, VARIANT = 256, 4, "depolarizing"
WORKLOAD = Workload(
    "energies and gradients of a batch of 256 small noisy circuits, 4 layers",
    "seconds a batch",
    sizes=(2, 3, 4, 5, 6),
    variants=(VARIANT,),
)


def settings(n: int) -> np.ndarray:
    """The angles of all members (MEMBERS, LAYERS, n, 2) in radians."""
    shifts = np.random.default_rng([8, n]).uniform(-np.pi, np.pi, (MEMBERS, LAYERS, n, 2))
    return angles(n, LAYERS) + shifts


def charges(n: int) -> np.ndarray:
    """The diagonal of sum_q Z_q."""
    index = np.arange(2**n)
    return sum(1.0 - 2.0 * (index >> q & 1) for q in range(n))


def fingerprint(out: tuple[Any, Any]) -> np.ndarray:
    """All values and derivatives."""
    return np.concatenate([np.ravel(out[0]), np.ravel(out[1])])


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    """The Pauli engine on the whole batch: one sweep, one adjoint sweep."""
    from qml import pauli
    from qml.engines import PauliEngine

    circuit, values = qml_circuit(n, LAYERS, variant)
    engine, program = PauliEngine(), circuit.compile()
    order = [list(values).index(name) for name in program.parameters]
    back = np.argsort(order)
    theta = settings(n).reshape(MEMBERS, -1)[:, order]
    energy = sum((pauli("I" * q + "Z" + "I" * (n - 1 - q)) for q in range(1, n)), pauli("Z" + "I" * (n - 1)))

    def run() -> tuple[np.ndarray, np.ndarray]:
        states, pull = engine.evolve_vjp(program, theta)
        cotangent = states[0].pull_matrix(energy.matrix())
        return states.expect(energy), pull(np.broadcast_to(cotangent, states.pauli_vector.shape))[0][:, back]

    return Task(run, fingerprint)


@WORKLOAD.by("jax")
def jax(n: int, variant: str) -> Task:
    """By hand: the circuit of W1's JAX, reverse mode, vmap over the members, jit."""
    import jax
    import jax.numpy as jnp

    layer, theta, z = jax_layer(n, variant), settings(n), jnp.asarray(charges(n))

    def energy(t: Any) -> Any:
        return z @ jnp.diagonal(jax.lax.scan(layer, jax_start(n), t)[0]).real

    step = jax.jit(jax.vmap(jax.value_and_grad(energy)))
    return Task(lambda: jax.block_until_ready(step(theta)), fingerprint)


@WORKLOAD.by("pennylane", "jax")
def pennylane_jax(n: int, variant: str) -> Task:
    """default.mixed, backpropagation, vmap and jit."""
    import jax
    import jax.numpy as jnp

    node = pennylane_node(n, variant, interface="jax", diff_method="backprop")
    theta, z = settings(n), jnp.asarray(charges(n))
    step = jax.jit(jax.vmap(jax.value_and_grad(lambda t: z @ jnp.diagonal(node(t)).real)))
    return Task(lambda: jax.block_until_ready(step(theta)), fingerprint)
