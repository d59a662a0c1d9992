"""The seeded problems. Qubit 0 is the leftmost, and the most significant bit of an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from qml import Circuit

NOISE = 0.01
"""Depolarizing: the probability of a Pauli error, shared by X, Y, Z. Damping: the probability of decay."""

Place = Callable[..., object]


def angles(n: int, layers: int) -> np.ndarray:
    """The angles (layers, n, 2) in radians: of RY and of RZ."""
    return np.random.default_rng([1, n, layers]).uniform(-np.pi, np.pi, (layers, n, 2))


def ansatz(theta: np.ndarray, ry: Place, rz: Place, cnot: Place, noise: Place | None = None) -> None:
    """Place the circuit, gate by gate: ``ry(qubit, angle)``, ``rz(qubit, angle)``, ``cnot(control, target)``, and
    after every gate ``noise(qubit)`` on each of its qubits. A layer is RY and RZ on all qubits, then a ring of CNOTs.
    """
    layers, n, _ = theta.shape

    def gate(place: Place, *arguments: object, on: tuple[int, ...]) -> None:
        place(*arguments)
        for qubit in on if noise else ():
            noise(qubit)

    for layer in range(layers):
        for q in range(n):
            gate(ry, q, theta[layer, q, 0], on=(q,))
            gate(rz, q, theta[layer, q, 1], on=(q,))
        for q in range(n):
            target = (q + 1) % n
            gate(cnot, q, target, on=(q, target))


def kraus(variant: str) -> np.ndarray:
    """The Kraus operators (m, 2, 2) of the noise."""
    if variant == "damping":
        return np.array([[[1, 0], [0, np.sqrt(1 - NOISE)]], [[0, np.sqrt(NOISE)], [0, 0]]], dtype=complex)
    paulis = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    return np.concatenate([np.sqrt(1 - NOISE) * np.eye(2)[None], np.sqrt(NOISE / 3) * paulis])


def superoperator(operators: np.ndarray) -> np.ndarray:
    """sum_k K (x) conj(K): the channel as a matrix (4, 4) on (row, column) index pairs."""
    return np.einsum("kab,kcd->acbd", operators, operators.conj()).reshape(4, 4)


def ring(n: int) -> list[np.ndarray]:
    """For each CNOT of the ring, the indices p with (CNOT psi)[i] = psi[p[i]]."""
    index = np.arange(2**n)
    return [index ^ ((index >> (n - 1 - q) & 1) << (n - 1 - (q + 1) % n)) for q in range(n)]


def ginibre(n: int, seed: int) -> np.ndarray:
    """A random density matrix of full rank (Hilbert-Schmidt measure)."""
    rng = np.random.default_rng([2, n, seed])
    a = rng.normal(size=(2, 2**n, 2**n))
    rho = (a[0] + 1j * a[1]) @ (a[0] - 1j * a[1]).T
    return rho / np.trace(rho).real


def qml_circuit(n: int, layers: int, variant: str | None) -> tuple[Circuit, dict[str, float]]:
    """The circuit in `qml`, each angle a parameter, and the values by name; `variant` None: without noise."""
    from qml import Circuit, channels, gates

    operations: list[object] = []
    values: dict[str, float] = {}

    def turn(gate: Callable[[str, int], object]) -> Place:
        def place(q: int, angle: float) -> None:
            name = f"t{len(values)}"
            values[name] = float(angle)
            operations.append(gate(name, q))

        return place

    channel = {"depolarizing": channels.PauliError, "damping": channels.AmplitudeDamping}.get(variant or "")
    ansatz(
        angles(n, layers),
        turn(gates.RY),
        turn(gates.RZ),
        lambda c, t: operations.append(gates.CNOT(c, t)),
        (lambda q: operations.append(channel(NOISE, q))) if channel else None,
    )
    return Circuit(n, operations), values


def look(rho: np.ndarray) -> np.ndarray:
    """Numbers that tell density matrices apart: trace, purity, <Z> of each qubit, a few elements."""
    rho = np.asarray(rho)
    rho = rho.reshape(2 * (int(np.sqrt(rho.size)),))
    p = rho.diagonal().real
    n = p.size.bit_length() - 1
    z = [p.reshape(2**q, 2, -1)[:, 0].sum() - p.reshape(2**q, 2, -1)[:, 1].sum() for q in range(n)]
    some = rho[[0, 0, 0, 1, 2], [1, 2, -1, 2, -1]]
    return np.concatenate([[p.sum(), np.vdot(rho, rho).real], z, some.real, some.imag])


def value_and_gradient(out: tuple[object, object]) -> np.ndarray:
    """The fingerprint of a loss and its gradient."""
    value, gradient = out
    return np.concatenate([[np.asarray(value, float)], np.asarray(gradient, float).ravel()])
