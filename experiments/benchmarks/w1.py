"""W1: the full final density matrix of a noisy circuit of 8 layers, a channel after every gate, in complex128."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import probes
from problems import NOISE, angles, ansatz, kraus, look, qml_circuit, ring, superoperator
from workload import Task, Workload

LAYERS = 8
WORKLOAD = Workload(
    "final density matrix of a noisy circuit, 8 layers",
    "seconds a density matrix",
    sizes=(6, 8, 10, 12),
    variants=("depolarizing", "damping"),
)


def layer_seconds(n: int) -> float:
    r"""The floor of one layer on the Pauli vector, 4^n float64.

    Bytes: one pass that reads and writes the vector, with every operation of the layer applied to a block while it is
    in the cache. Arithmetic: on each qubit RY and RZ turn half of the numbers each, six operations a pair, which makes
    3 a number; a CNOT permutes, and its noise scales, 1 a number; other noise is folded into the turns.
    """
    return probes.pass_seconds(np.ones(4**n)) + 4 * n * 4**n / probes.flop_rate()


def conversion_seconds(n: int) -> float:
    """The floor of Pauli vector to matrix: 8 bytes read and 16 written a number, half a sum a number and qubit."""
    return 1.5 * probes.pass_seconds(np.ones(4**n)) + n * 4**n / 2 / probes.flop_rate()


def floor(n: int, variant: str) -> Callable[[], float]:
    """LAYERS layers and one conversion."""
    return lambda: LAYERS * layer_seconds(n) + conversion_seconds(n)


WORKLOAD.floor = floor


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    """The Pauli engine; the program is compiled once, every call binds the angles anew."""
    from qml.engines import PauliEngine

    circuit, values = qml_circuit(n, LAYERS, variant)
    engine, program = PauliEngine(), circuit.compile()
    theta = np.array([values[name] for name in program.parameters])
    return Task(lambda: engine.evolve(program, theta).matrix(), look)


@WORKLOAD.by("numpy")
def numpy(n: int, variant: str) -> Task:
    """By hand: rho as a tensor of 2n axes, one tensordot a side and Kraus operator."""
    theta, noise_operators = angles(n, LAYERS), kraus(variant)
    x = np.array([[0, 1], [1, 0]])
    cx = np.zeros((2, 2, 2, 2))
    cx[0, :, 0, :], cx[1, :, 1, :] = np.eye(2), x

    def sandwich(rho: np.ndarray, matrix: np.ndarray, qubits: tuple[int, ...]) -> np.ndarray:
        k = len(qubits)
        for side, m in ((0, matrix), (n, matrix.conj())):
            axes = tuple(side + q for q in qubits)
            rho = np.moveaxis(np.tensordot(m, rho, (tuple(range(k, 2 * k)), axes)), range(k), axes)
        return rho

    def run() -> np.ndarray:
        rho = np.zeros((2,) * 2 * n, complex)
        rho[(0,) * 2 * n] = 1

        def gate(matrix: np.ndarray, *qubits: int) -> None:
            nonlocal rho
            rho = sandwich(rho, matrix, qubits)

        def noise(q: int) -> None:
            nonlocal rho
            rho = sum(sandwich(rho, operator, (q,)) for operator in noise_operators)

        def ry(q: int, a: float) -> None:
            c, s = np.cos(a / 2), np.sin(a / 2)
            gate(np.array([[c, -s], [s, c]]), q)

        def rz(q: int, a: float) -> None:
            gate(np.diag(np.exp([-0.5j * a, 0.5j * a])), q)

        ansatz(theta, ry, rz, lambda c, t: gate(cx, c, t), noise)
        return rho

    return Task(run, look)


def jax_layer(n: int, variant: str) -> Callable[[Any, Any], tuple[Any, None]]:
    """One layer on rho (2^n, 2^n) for jax.lax.scan: RY, RZ and both their noises are one superoperator a qubit."""
    import jax.numpy as jnp

    noise = jnp.asarray(superoperator(kraus(variant)))
    permutations = ring(n)

    def apply(s: Any, rho: Any, q: int) -> Any:
        tensor = rho.reshape(2**q, 2, 2 ** (n - 1), 2, -1)
        return jnp.einsum("rcij,xiyjz->xrycz", s.reshape(2, 2, 2, 2), tensor).reshape(2**n, 2**n)

    def layer(rho: Any, theta: Any) -> tuple[Any, None]:
        for q in range(n):
            c, s = jnp.cos(theta[q, 0] / 2), jnp.sin(theta[q, 0] / 2)
            half = jnp.exp(-0.5j * theta[q, 1])
            ry, rz = jnp.array([[c, -s], [s, c]]), jnp.diag(jnp.array([half, half.conj()]))
            rho = apply(noise @ jnp.kron(rz, rz.conj()) @ noise @ jnp.kron(ry, ry), rho, q)
        for q, p in enumerate(permutations):
            rho = apply(noise, apply(noise, rho[p][:, p], q), (q + 1) % n)
        return rho, None

    return layer


def jax_start(n: int) -> Any:
    """|0...0><0...0|."""
    import jax.numpy as jnp

    return jnp.zeros((2**n, 2**n), complex).at[0, 0].set(1)


@WORKLOAD.by("jax")
def jax(n: int, variant: str) -> Task:
    """By hand under jit: fused superoperators by reshape and einsum, a scan over the layers."""
    import jax

    theta, layer = angles(n, LAYERS), jax_layer(n, variant)
    state = jax.jit(lambda t: jax.lax.scan(layer, jax_start(n), t)[0])
    return Task(lambda: state(theta).block_until_ready(), look)


@WORKLOAD.by("qulacs")
def qulacs(n: int, variant: str) -> Task:
    from qulacs import DensityMatrix, QuantumCircuit
    from qulacs.gate import AmplitudeDampingNoise, DepolarizingNoise

    theta = angles(n, LAYERS)
    channel = AmplitudeDampingNoise if variant == "damping" else DepolarizingNoise

    def run() -> np.ndarray:
        circuit = QuantumCircuit(n)
        ansatz(  # qubit 0 of qulacs is the least significant
            theta,
            lambda q, a: circuit.add_RotY_gate(n - 1 - q, a),
            lambda q, a: circuit.add_RotZ_gate(n - 1 - q, a),
            lambda c, t: circuit.add_CNOT_gate(n - 1 - c, n - 1 - t),
            lambda q: circuit.add_gate(channel(n - 1 - q, NOISE)),
        )
        state = DensityMatrix(n)
        circuit.update_quantum_state(state)
        return state.get_matrix()

    return Task(run, look)


@WORKLOAD.by("qiskit_aer", "qiskit")
def aer(n: int, variant: str) -> Task:
    """Noise as a model of the backend, which Aer fuses with the gates."""
    import os

    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

    theta = angles(n, LAYERS)
    error = amplitude_damping_error(NOISE) if variant == "damping" else depolarizing_error(4 * NOISE / 3, 1)
    model = NoiseModel(basis_gates=["ry", "rz", "cx"])
    model.add_all_qubit_quantum_error(error, ["ry", "rz"])
    model.add_all_qubit_quantum_error(error.tensor(error), ["cx"])
    threads = int(os.environ["OMP_NUM_THREADS"])
    backend = AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=threads)

    def run() -> np.ndarray:
        circuit = QuantumCircuit(n)
        ansatz(  # qubit 0 of Qiskit is the least significant
            theta,
            lambda q, a: circuit.ry(a, n - 1 - q),
            lambda q, a: circuit.rz(a, n - 1 - q),
            lambda c, t: circuit.cx(n - 1 - c, n - 1 - t),
        )
        circuit.save_density_matrix()
        return np.asarray(backend.run(circuit, shots=1).result().data()["density_matrix"])

    return Task(run, look)


def pennylane_node(n: int, variant: str, **options: Any) -> Callable[[Any], Any]:
    """A QNode of default.mixed from angles (layers, n, 2) to the density matrix."""
    import pennylane as qp

    channel = qp.AmplitudeDamping if variant == "damping" else qp.DepolarizingChannel

    @qp.qnode(qp.device("default.mixed", wires=n), **options)
    def node(theta: Any) -> Any:
        ansatz(
            theta,
            lambda q, a: qp.RY(a, wires=q),
            lambda q, a: qp.RZ(a, wires=q),
            lambda c, t: qp.CNOT(wires=[c, t]),
            lambda q: channel(NOISE, wires=q),
        )
        return qp.density_matrix(wires=range(n))

    return node


@WORKLOAD.by("pennylane", "jax")
def pennylane_jax(n: int, variant: str) -> Task:
    """default.mixed under jax.jit."""
    import jax

    theta, state = angles(n, LAYERS), jax.jit(pennylane_node(n, variant, interface="jax"))
    return Task(lambda: state(theta).block_until_ready(), look)


@WORKLOAD.by("pyquest")
def pyquest(n: int, variant: str) -> Task:
    """QuEST."""
    from pyquest import Register
    from pyquest.decoherence import Damping, Depolarising
    from pyquest.unitaries import Ry, Rz, X

    theta, channel = angles(n, LAYERS), Damping if variant == "damping" else Depolarising

    def run() -> np.ndarray:
        register = Register(n, density_matrix=True)
        place = register.apply_operator
        ansatz(  # qubit 0 of QuEST is the least significant
            theta,
            lambda q, a: place(Ry(n - 1 - q, a)),
            lambda q, a: place(Rz(n - 1 - q, a)),
            lambda c, t: place(X(n - 1 - t, controls=n - 1 - c)),
            lambda q: place(channel(n - 1 - q, NOISE)),
        )
        return register[:, :]

    return Task(run, look)
