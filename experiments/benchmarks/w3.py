"""W3: value and gradient of sum_x <x| U(theta)^dagger H U(theta) |x> over eight basis states x, without noise.

H = -sum Z_i Z_{i+1} - sum X_i on a ring; U is the circuit of W1, 8 layers, without its channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from problems import angles, ansatz, qml_circuit, ring, value_and_gradient
from workload import Task, Workload

LAYERS, STATES = 8, 8
WORKLOAD = Workload(
    "energy of eight basis states and its gradient, no noise, 8 layers",
    "seconds a value and gradient",
    sizes=(10, 14, 18, 20),
)


def bits(n: int) -> np.ndarray:
    """The basis states, shape (STATES, n)."""
    return np.random.default_rng([3, n]).integers(0, 2, (STATES, n))


def indices(n: int) -> np.ndarray:
    """The same as indices of amplitudes."""
    return bits(n) @ (1 << np.arange(n)[::-1])


def ising_diagonal(n: int) -> np.ndarray:
    """The diagonal -sum Z_i Z_{i+1}; for n = 2 both bonds join the same two qubits."""
    index = np.arange(2**n)
    z = [1.0 - 2 * (index >> (n - 1 - q) & 1) for q in range(n)]
    return -sum(z[q] * z[(q + 1) % n] for q in range(n))


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    """All states at once, as the columns of a matrix."""
    from qml.engines import PauliEngine
    from qml.operators import PauliSum, pauli

    bonds = [pauli("ZZ", -1.0, sites=(q, (q + 1) % n), n=n) for q in range(n)]
    h = sum([*bonds, *(pauli("X", -1.0, sites=(q,), n=n) for q in range(n))], PauliSum.from_terms({}, n))
    circuit, values = qml_circuit(n, LAYERS, None)
    engine, program = PauliEngine(), circuit.compile()
    theta = np.array([values[name] for name in program.parameters])
    order = [program.parameters.index(name) for name in values]
    start = np.zeros((2**n, STATES), complex)
    start[indices(n), np.arange(STATES)] = 1

    def run() -> tuple[float, np.ndarray]:
        energies, pull = engine.expect_vectors_vjp(program, theta, h, start)
        return energies.sum(), pull(np.ones(STATES))

    return Task(run, lambda out: value_and_gradient((out[0], out[1][order])))


@WORKLOAD.by("jax")
def jax(n: int, variant: str) -> Task:
    """By hand under jit: one state after the other, a scan over layers that are computed again on the way back, the
    ring of CNOTs as one permutation."""
    import jax
    import jax.numpy as jnp

    theta, diagonal, starts = angles(n, LAYERS), jnp.asarray(ising_diagonal(n)), jnp.asarray(indices(n))
    whole = np.arange(2**n)
    for p in ring(n):
        whole = whole[p]

    def layer(psi: Any, t: Any) -> tuple[Any, None]:
        for q in range(n):
            c, s, half = jnp.cos(t[q, 0] / 2), jnp.sin(t[q, 0] / 2), jnp.exp(0.5j * t[q, 1])
            u = jnp.array([[c * half.conj(), -s * half.conj()], [s * half, c * half]])
            psi = jnp.einsum("ab,xby->xay", u, psi.reshape(2**q, 2, -1)).reshape(-1)
        return psi[whole], None

    def energy(t: Any, x: Any) -> Any:
        psi = jax.lax.scan(jax.checkpoint(layer), jnp.zeros(2**n, complex).at[x].set(1), t)[0]
        value = jnp.sum(diagonal * jnp.abs(psi) ** 2)
        for q in range(n):
            halves = psi.reshape(2**q, 2, -1)
            value -= 2 * jnp.sum(halves[:, 0].conj() * halves[:, 1]).real
        return value

    step = jax.jit(jax.value_and_grad(lambda t: jnp.sum(jax.lax.map(lambda x: energy(t, x), starts))))
    return Task(lambda: jax.block_until_ready(step(theta)), value_and_gradient)


@WORKLOAD.by("pennylane_lightning", "pennylane")
def lightning(n: int, variant: str) -> Task:
    """lightning.qubit, adjoint differentiation, one state after the other."""
    import pennylane as qp

    bonds = [qp.PauliZ(q) @ qp.PauliZ((q + 1) % n) for q in range(n)]
    h = qp.Hamiltonian([-1.0] * 2 * n, bonds + [qp.PauliX(q) for q in range(n)])

    @qp.qnode(qp.device("lightning.qubit", wires=n), diff_method="adjoint", interface="autograd")
    def energy(t: Any, x: np.ndarray) -> Any:
        qp.BasisState(x, wires=range(n))
        ansatz(t, lambda q, a: qp.RY(a, wires=q), lambda q, a: qp.RZ(a, wires=q), lambda c, t: qp.CNOT(wires=[c, t]))
        return qp.expval(h)

    gradient, theta = qp.grad(energy, argnums=0), qp.numpy.array(angles(n, LAYERS), requires_grad=True)

    def run() -> tuple[float, np.ndarray]:
        value, total = 0.0, np.zeros(theta.shape)
        for x in bits(n):
            total += gradient(theta, x)
            value += float(gradient.forward)
        return value, total

    return Task(run, value_and_gradient)


@WORKLOAD.by("qulacs")
def qulacs(n: int, variant: str) -> Task:
    """Backpropagation, one state after the other."""
    from qulacs import Observable, ParametricQuantumCircuit, QuantumState

    h = Observable(n)
    for q in range(n):
        h.add_operator(-1.0, f"Z {q} Z {(q + 1) % n}")
        h.add_operator(-1.0, f"X {q}")
    theta = angles(n, LAYERS)

    def run() -> tuple[float, np.ndarray]:
        value, total = 0.0, np.zeros(theta.size)
        for x in bits(n):
            circuit = ParametricQuantumCircuit(n)
            for q in np.flatnonzero(x):
                circuit.add_X_gate(int(q))
            ansatz(  # the parametric gates of qulacs turn by exp(+i angle P / 2)
                theta,
                lambda q, a, c=circuit: c.add_parametric_RY_gate(q, -a),
                lambda q, a, c=circuit: c.add_parametric_RZ_gate(q, -a),
                circuit.add_CNOT_gate,
            )
            state = QuantumState(n)
            circuit.update_quantum_state(state)
            value += h.get_expectation_value(state)
            total -= circuit.backprop(h)
        return value, total

    return Task(run, value_and_gradient)
