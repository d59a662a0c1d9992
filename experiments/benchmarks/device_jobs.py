"""What device.py times: jobs of a user on circuits of noisy layers, each with what one writes by hand in JAX."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from problems import angles, qml_circuit
from w1 import jax_layer, jax_start

from qml import CircuitModel, DensityMatrix
from qml.circuits import Program
from qml.engines.base import Engine
from qml.fitting.objective import Objective
from qml.losses import CrossEntropy, Expectation, Loss, NegativeLogLikelihood
from qml.measurement import Counts, PauliMeasurement
from qml.operators import tfim

VARIANT = "depolarizing"
SETTINGS, SHOTS = 12, 1000


class Job(NamedTuple):
    """A job: what it is called, its layers, and its loss and target (None: the evolution alone).

    `matrices` are the arrays (2^n, 2^n) of complex128 that it holds beside the vectors; `dense` is what one writes by
    hand: a function of rho and of the data of the host, to be traced, and `kept` the matrices that it keeps a layer.
    """

    name: str
    layers: int
    loss: type[Loss] | None
    target: Callable[[int], Any]
    matrices: int
    dense: Callable[[int], Callable[[Any], Any]]

    def bytes_needed(self, n: int) -> int:
        """Of the engine: the vectors that the gradient keeps, and the matrices."""
        vectors = 4 if self.loss is None else 6 + self.layers * math.ceil(n / 2)
        return 8 * 4**n * vectors + 16 * 4**n * self.matrices

    def bytes_by_hand(self, n: int) -> int:
        """By hand: reverse mode keeps rho before each of its 3 n operations a layer."""
        kept = 4 if self.loss is None else 3 * n * self.layers
        return 16 * 4**n * (kept + self.matrices)


@functools.cache
def target_state(n: int) -> DensityMatrix:
    """Half a mixture of four random pure states, half white: of full rank, and quickly made. It is known to be a
    state, so its eigenvalues are not asked for."""
    rng = np.random.default_rng([2, n])
    a = rng.normal(size=(2, 2**n, 4))
    columns = a[0] + 1j * a[1]
    columns /= np.linalg.norm(columns)
    rho = columns @ columns.conj().T / 2
    rho[np.diag_indices(2**n)] += 0.5 / 2**n
    return DensityMatrix._trusted(rho)


def words(n: int) -> list[str]:
    """Pauli settings, drawn at random."""
    rng = np.random.default_rng([3, n])
    found: dict[str, None] = {}
    while len(found) < min(SETTINGS, 3**n):
        found["".join(rng.choice(list("XYZ"), n))] = None
    return list(found)


@functools.cache
def counts(n: int) -> Counts:
    """Of outcomes that come at random."""
    measurement, rng = PauliMeasurement(words(n)), np.random.default_rng([4, n])
    outcomes = rng.integers(2**n, size=(len(measurement.settings), SHOTS))
    seen = np.array([np.bincount(row, minlength=2**n) for row in outcomes])
    return Counts(measurement, seen)


# by the engine --------------------------------------------------------------------------------------------------------


def step(job: Job, n: int, engine: Engine) -> Callable[[], tuple[float, np.ndarray]]:
    """The job once: the value and its gradient; of the evolution <Z> of qubit 0 and nothing, when it is there."""
    circuit, values = qml_circuit(n, job.layers, VARIANT)
    model = CircuitModel(circuit, engine=engine)
    theta = np.array([values[name] for name in model.parameter_names])
    if job.loss is None:
        program = circuit.compile()
        return lambda: evolved(program, theta, engine)
    order = [model.parameter_names.index(name) for name in values]
    objective = Objective(model, job.target(n), job.loss())

    def run() -> tuple[float, np.ndarray]:
        value, gradient = objective.value_and_gradient(theta)
        return value, gradient[order]

    return run


def evolved(program: Program, theta: np.ndarray, engine: Engine) -> tuple[float, np.ndarray]:
    """One number of the vector is brought to the host, so that all of it must be there."""
    vector = engine.evolve(program, theta).pauli_vector
    return float(vector[3 * vector.size // 4]), np.zeros(0)


# by hand --------------------------------------------------------------------------------------------------------------


def by_hand(job: Job, n: int) -> Callable[[], tuple[float, np.ndarray]]:
    """The same with rho as a matrix (2^n, 2^n) of complex128, under jit, in reverse mode."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        layer, of_rho = jax_layer(n, VARIANT), job.dense(n)
        theta = jnp.asarray(angles(n, job.layers))

        def value(t: Any) -> Any:
            return of_rho(jax.lax.scan(layer, jax_start(n), t)[0])

        made = jax.jit(value if job.loss is None else jax.value_and_grad(value))

    def run() -> tuple[float, np.ndarray]:
        with jax.enable_x64(True):
            out = made(theta)
            return (float(out), np.zeros(0)) if job.loss is None else (float(out[0]), np.asarray(out[1]).ravel())

    return run


def dense_z(n: int) -> Callable[[Any], Any]:
    def of_rho(rho: Any) -> Any:
        p = rho.diagonal().real
        return p[: p.size // 2].sum() - p[p.size // 2 :].sum()

    return of_rho


def dense_cross_entropy(n: int) -> Callable[[Any], Any]:
    import jax.numpy as jnp

    rho = jnp.asarray(target_state(n).matrix())

    def of_sigma(sigma: Any) -> Any:
        w, v = jnp.linalg.eigh(sigma)
        return -jnp.sum(jnp.log(w) * jnp.sum(v.conj() * (rho @ v), axis=0).real)

    return of_sigma


def dense_energy(n: int) -> Callable[[Any], Any]:
    """Of the same sum of Pauli strings, one diagonal of rho for each set of flips."""
    import jax.numpy as jnp

    h, index = tfim(n), np.arange(2**n)
    rows: dict[int, np.ndarray] = {}
    for (x, z), coefficient in zip(h.words, h.coefficients, strict=True):
        assert not x & z
        rows[x] = rows.get(x, 0) + np.real(coefficient) * (1 - 2 * (np.bitwise_count(index & z) & 1).astype(float))

    def of_rho(rho: Any) -> Any:
        return sum((jnp.asarray(row) * rho[index ^ x, index].real).sum() for x, row in rows.items())

    return of_rho


def dense_likelihood(n: int) -> Callable[[Any], Any]:
    """Each setting is the diagonal of a rotated rho."""
    import jax
    import jax.numpy as jnp

    record = counts(n)
    turns = {
        "Z": np.eye(2),
        "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
        "Y": np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
    }
    bases = jnp.asarray(np.array([[turns[letter] for letter in word] for word in record.measurement.settings], complex))
    seen = np.reshape(record.counts, (len(bases), -1)).astype(float)
    shares = jnp.asarray(seen / seen.sum())

    @jax.checkpoint
    def one(rho: Any, us: Any, f: Any) -> Any:
        for q in range(n):
            tensor = rho.reshape(2**q, 2, 2 ** (n - 1), 2, -1)
            rho = jnp.einsum("ri,xiyjz,cj->xrycz", us[q], tensor, us[q].conj()).reshape(2**n, 2**n)
        p = rho.diagonal().real
        return -(f * jnp.log(jnp.where(f > 0, p, 1.0))).sum()

    def of_rho(rho: Any) -> Any:
        return jax.lax.scan(lambda total, x: (total + one(rho, *x), None), 0.0, (bases, shares))[0]

    return of_rho


JOBS = (
    Job("vector after the circuit (W1)", 8, None, lambda n: None, 0, dense_z),
    Job("energy, gradient", 4, Expectation, tfim, 0, dense_energy),
    Job("likelihood of Pauli counts, gradient", 4, NegativeLogLikelihood, counts, 0, dense_likelihood),
    Job("S, gradient (W2)", 4, CrossEntropy, target_state, 24, dense_cross_entropy),
)
