"""Random circuits of everything that there is."""

from __future__ import annotations

import numpy as np
from scipy.stats import unitary_group

from helpers.instructions import draw
from qml import Circuit, Parameter
from qml.channels import CHANNELS, KrausChannel
from qml.gates import GATES, PauliRotation, UnitaryGate, controlled
from qml.instructions import Instruction, Operation, Unitary
from qml.parameters import REAL_LINE

NAMES = ("a", "theta[0]", "lambda")
"""Free parameters: two of these names are none in OpenQASM or Python."""


def some_gate(rng: np.random.Generator, n: int) -> Unitary:
    """A gate of the library, one with controls, a rotation of any weight, or a matrix, on at most n qubits."""
    kind = rng.integers(6)
    every = [gate for gate in GATES.values() if gate.n_sites <= n]
    if kind < 3:
        return every[rng.integers(len(every))]
    if kind == 3:
        label = "".join(rng.choice(list("IXYZ"), size=rng.integers(0, n)))
        return PauliRotation(label + str(rng.choice(list("XYZ"))))
    small = [gate for gate in every if gate.n_sites < n] or every[:1]
    one = small[rng.integers(len(small))]
    if kind == 4 and one.n_sites < n:
        return controlled(one)
    return UnitaryGate(unitary_group.rvs(2 ** rng.integers(1, min(n, 2) + 1), random_state=rng), name="U")


def some_channel(rng: np.random.Generator, n: int) -> Instruction:
    """A channel of the library, or one by random Kraus operators."""
    every = [channel for channel in CHANNELS.values() if channel.n_sites <= n]
    if rng.integers(4):
        return every[rng.integers(len(every))]
    side = 2 ** rng.integers(1, min(n, 2) + 1)
    isometry = unitary_group.rvs(3 * side, random_state=rng)[:, :side]
    return KrausChannel(isometry.reshape(3, side, side))


def random_circuit(
    rng: np.random.Generator, n: int = 3, size: int = 8, *, noisy: bool = False, free: bool = True
) -> Circuit:
    """A circuit of n qubits: gates, channels among them if it is `noisy`, affine parameters if it is `free`."""
    operations = []
    for _ in range(size):
        channel = noisy and rng.integers(3) == 0
        instruction = some_channel(rng, n) if channel else some_gate(rng, n)
        params = list(draw(instruction, rng))
        if free and not channel:
            for i, domain in enumerate(instruction.domains):
                if domain == REAL_LINE and rng.integers(2):
                    one, other = (Parameter(str(name)) for name in rng.choice(NAMES, 2, replace=False))
                    params[i] = rng.normal() * one + rng.integers(2) * other + round(rng.normal(), 3)
        sites = tuple(map(int, rng.permutation(n)[: instruction.n_sites]))
        operations.append(Operation(instruction, sites, tuple(params)))
    return Circuit(n, operations)
