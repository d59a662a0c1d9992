"""A program run as a whole, fused and in blocks, does what its operations do one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import Circuit
from qml.channels import CHANNELS
from qml.engines import PauliEngine
from qml.gates import GATES, PauliRotation
from qml.instructions import Operation
from qml.states import ginibre

NONE = np.zeros(0)
ENGINE = PauliEngine()


def random_operations(rng: np.random.Generator, n: int, length: int) -> list[Operation]:
    """Gates and channels of up to n qubits on random placements, rotations about strings of any weight among them."""
    operations = []
    instructions = [i for i in (*GATES.values(), *CHANNELS.values()) if i.n_sites <= n]
    while len(operations) < length:
        if rng.random() < 0.2:
            weight = int(rng.integers(1, n + 1))
            first, rest = rng.choice(list("XYZ")), rng.choice(list("IXYZ"), weight - 1)
            instruction = PauliRotation(first + "".join(rest))
        else:
            instruction = instructions[rng.integers(len(instructions))]
        values = [0.1 + 0.05 * rng.random() for _ in range(instruction.n_params)]
        if instruction.name == "ThermalRelaxation":
            values = [1.0, 1.2, 0.3, 0.1]
        sites = rng.choice(n, instruction.n_sites, replace=False).tolist()
        operations.append(instruction(*values, *sites))
    return operations


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 25))
def test_a_fused_program_equals_its_operations_one_by_one(seed: int, n: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    operations = random_operations(rng, n, length)
    initial = ginibre((2,) * n, rng, rank=2)
    whole = ENGINE.evolve(Circuit(n, operations).compile(), NONE, initial)
    state = initial
    for operation in operations:
        state = ENGINE.evolve(Circuit(n, [operation]).compile(), NONE, state)
    np.testing.assert_allclose(whole.pauli_vector, state.pauli_vector, atol=1e-13)


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 15))
def test_a_free_parameter_does_what_the_number_does_and_its_gradient_is_a_difference(
    seed: int, n: int, length: int
) -> None:
    rng = np.random.default_rng(seed)
    numbers = random_operations(rng, n, length)
    values, freed = [], []
    for o in numbers:
        names = []
        for p in o.params:
            names.append(f"p{len(values)}")
            values.append(p.constant)
        freed.append(o.instruction(*names, *o.sites))
    theta = np.array(values)
    fixed, free = Circuit(n, numbers).compile(), Circuit(n, freed).compile()
    assert free.n_params == len(theta)
    g = rng.normal(size=4**n)
    initial = ginibre((2,) * n, rng)
    state, pull = ENGINE.evolve_vjp(free, theta, initial)
    np.testing.assert_allclose(state.pauli_vector, ENGINE.evolve(fixed, NONE, initial).pauli_vector, atol=1e-14)
    gradient, _ = pull(g)
    followed_by_reset = any(o.name in ("Reset", "ReadoutError") for o in numbers)
    assert len(theta) == 0 or followed_by_reset or np.abs(gradient).max() > 1e-6
    for k in range(len(theta)):
        h = 1e-4
        f = []
        for step in (-2, -1, 1, 2):
            moved = theta.copy()
            moved[k] += step * h
            f.append(g @ ENGINE.evolve(free, moved, initial).pauli_vector)
        numeric = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
        assert abs(gradient[k] - numeric) <= 1e-8 * max(1.0, abs(numeric))
