"""Circuits for the JAX engine: what repeats becomes one loop, what does not, windows of some sites."""

import numpy as np

from qml import Circuit, channels, gates
from qml.engines import JaxEngine
from qml.engines.compile.kinds import PAULI
from qml.gates import PauliRotation


def layers(n, count, *, noise=0.01):
    """Rotations on every site, then a ring of CNOT gates, noise after each; `count` times."""
    operations = []
    for layer in range(count):
        for site in range(n):
            operations += [gates.RY(f"a{layer}_{site}", site), channels.Depolarizing(noise, site)]
        for site in range(n):
            operations += [gates.CNOT(site, (site + 1) % n), channels.AmplitudeDamping(noise, site)]
    return Circuit(n, operations)


def random_gates(n, count, *, seed=0, apart=False):
    """Gates on pairs of neighbours of a ring (or any pairs), and noise."""
    rng, operations = np.random.default_rng(seed), []
    for k in range(count):
        a, b = (int(site) for site in rng.choice(n, 2, replace=False))
        b = b if apart else (a + 1) % n
        operations += [gates.RY(f"y{k}", a), gates.CNOT(a, b), gates.RZZ(f"z{k}", b, a)]
        operations += [channels.Depolarizing(0.02, a)]
    return Circuit(n, operations)


def three_at_a_time(n, count, seed=0):
    """Gates on three sites in any order, fixed and with parameters, between others."""
    rng, operations = np.random.default_rng(seed), []
    for k in range(count):
        a, b, c = (int(site) for site in rng.choice(n, 3, replace=False))
        operations += [gates.RY(f"y{k}", b), gates.Toffoli(a, b, c), gates.CNOT(c, a)]
        operations += [gates.controlled(gates.RX, 2)(f"x{k}", c, a, b)] if k % 4 == 0 else []
    return Circuit(n, operations)


def long_strings(n, count, seed=0):
    """Rotations about strings on three sites or more."""
    rng, operations = np.random.default_rng(seed), []
    for k in range(count):
        sites = [int(site) for site in rng.choice(n, int(rng.integers(3, n + 1)), replace=False)]
        operations.append(PauliRotation("".join(rng.choice(list("IXYZ"), len(sites))))(f"t{k}", *sites))
    return Circuit(n, operations)


def strings_between_windows(n, count, seed=0):
    """Rotations about long strings in turns with gates on two and four sites."""
    rng, operations = np.random.default_rng(seed), []
    for k, string in enumerate(long_strings(n, count, seed).operations):
        sites = [int(site) for site in rng.permutation(n)]
        operations += [string, gates.RY(f"y{k}", sites[0]), gates.CNOT(*sites[:2])]
        operations += [gates.controlled(gates.RX, 3)(f"x{k}", *sites[:4])] if k % 8 == 0 else []
    return Circuit(n, operations)


NEVER_TWICE = {
    "neighbours": random_gates(5, 60),
    "any pairs": random_gates(6, 60, apart=True),
    "long strings": long_strings(4, 20).then(gates.CRX("c", 0, 3), *long_strings(4, 3, seed=1).operations),
    "gates on three": three_at_a_time(5, 24),
    "strings between windows": strings_between_windows(5, 12),
    "three qubits": random_gates(3, 60),
    "one qubit": Circuit(1, [(gates.RX, gates.RZ)[k % 2](f"a{k}", 0) for k in range(30)]),
}


def as_compiled(program, devices=1, gradient=False):
    """How many windows and strings a program has, and what it is compiled to."""
    from qml.engines.jax import compiled

    on = JaxEngine(devices)._on
    plan = on.plan(program, PAULI)
    return len(plan.form.items), compiled.planned(on, plan, program.offset, gradient).as_text()
