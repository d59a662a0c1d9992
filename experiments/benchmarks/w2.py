"""W2: S(rho, sigma_theta) and its gradient in all 8 n angles of a depolarized circuit of 4 layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import probes
from problems import angles, ansatz, ginibre, kraus, qml_circuit, ring, superoperator, value_and_gradient
from w1 import conversion_seconds, jax_layer, jax_start, layer_seconds, pennylane_node
from workload import Task, Workload

LAYERS, VARIANT = 4, "depolarizing"
WORKLOAD = Workload(
    "cross entropy S(rho, sigma) and its gradient in all angles, 4 noisy layers",
    "seconds a value and gradient",
    sizes=(5, 6, 7, 8, 9, 10),
    variants=(VARIANT,),
)


def target(n: int) -> np.ndarray:
    return ginibre(n, seed=0)


def floor(n: int, variant: str) -> Callable[[], float]:
    """Three sweeps of LAYERS layers, a conversion each way, one eigh, and the four products of the derivative of the
    logarithm (into the eigenbasis of sigma and back)."""
    a = target(n)

    def seconds() -> float:
        sweeps = 3 * LAYERS * layer_seconds(n) + 2 * conversion_seconds(n)
        return sweeps + probes.eigh_seconds(a) + 4 * probes.product_seconds(a)

    return seconds


WORKLOAD.floor = floor


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    """One sweep, one eigen-decomposition, one adjoint sweep."""
    from qml import CircuitModel, CrossEntropy, DensityMatrix
    from qml.engines import PauliEngine

    circuit, values = qml_circuit(n, LAYERS, variant)
    model, loss, rho = CircuitModel(circuit, engine=PauliEngine()), CrossEntropy(), DensityMatrix(target(n))
    theta = np.array([values[name] for name in model.parameter_names])
    order = [model.parameter_names.index(name) for name in values]

    def run() -> tuple[float, np.ndarray]:
        sigma, pull = model.state_vjp(theta)
        value, cotangent = loss.value_and_cotangent(rho, sigma)
        return value, pull(cotangent)

    return Task(run, lambda out: value_and_gradient((out[0], out[1][order])))


def jax_loss(n: int, state: Callable[[Any], Any]) -> Callable[[], Any]:
    """Reverse mode through `state` and eigh, under jit."""
    import jax
    import jax.numpy as jnp

    rho, theta = target(n), angles(n, LAYERS)

    def loss(t: Any) -> Any:
        w, v = jnp.linalg.eigh(state(t))
        return -jnp.sum(jnp.log(w) * jnp.sum(v.conj() * (rho @ v), axis=0).real)

    step = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(step(theta))


@WORKLOAD.by("jax")
def jax(n: int, variant: str) -> Task:
    """By hand: the circuit of W1's JAX, reverse mode through eigh, jit."""
    import jax

    layer = jax_layer(n, variant)
    return Task(jax_loss(n, lambda t: jax.lax.scan(layer, jax_start(n), t)[0]), value_and_gradient)


@WORKLOAD.by("pennylane", "jax")
def pennylane_jax(n: int, variant: str) -> Task:
    """default.mixed, backpropagation, jax.jit."""
    node = pennylane_node(n, variant, interface="jax", diff_method="backprop")
    return Task(jax_loss(n, node), value_and_gradient)


@WORKLOAD.by("torch")
def torch(n: int, variant: str) -> Task:
    """By hand: one einsum a superoperator, autograd through eigh."""
    import torch

    rho = torch.tensor(target(n))
    noise_matrix = torch.tensor(superoperator(kraus(variant)))
    permutations = [torch.tensor(p) for p in ring(n)]

    def apply(s: Any, sigma: Any, q: int) -> Any:
        tensor = sigma.reshape(2**q, 2, 2 ** (n - 1), 2, -1)
        return torch.einsum("rcij,xiyjz->xrycz", s.reshape(2, 2, 2, 2), tensor).reshape(2**n, 2**n)

    def evolve(theta: Any) -> Any:
        sigma = torch.zeros((2**n, 2**n), dtype=torch.complex128)
        sigma[0, 0] = 1

        def unitary(u: Any, q: int) -> None:
            nonlocal sigma
            sigma = apply(torch.kron(u, u.conj()), sigma, q)

        def ry(q: int, a: Any) -> None:
            c, s = torch.cos(a / 2), torch.sin(a / 2)
            unitary(torch.stack([c, -s, s, c]).reshape(2, 2).to(torch.complex128), q)

        def rz(q: int, a: Any) -> None:
            half = torch.exp(0.5j * a)
            unitary(torch.diag(torch.stack([half.conj(), half])), q)

        def cnot(c: int, t: int) -> None:
            nonlocal sigma
            sigma = sigma[permutations[c]][:, permutations[c]]

        def noise(q: int) -> None:
            nonlocal sigma
            sigma = apply(noise_matrix, sigma, q)

        ansatz(theta, ry, rz, cnot, noise)
        return sigma

    def run() -> tuple[float, np.ndarray]:
        theta = torch.tensor(angles(n, LAYERS), requires_grad=True)
        w, v = torch.linalg.eigh(evolve(theta))
        loss = -(torch.log(w) * (v.conj() * (rho @ v)).sum(0).real).sum()
        loss.backward()
        return loss.item(), theta.grad.numpy()

    return Task(run, value_and_gradient)
