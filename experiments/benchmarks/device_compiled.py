"""How long the JAX engine compiles circuits that do not repeat, and how many instructions they become."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from qml import Circuit, channels, gates
from qml.circuits.circuit import ProgramLike

HEAD = (
    "| circuit | n | devices | gates on two qubits | operations | instructions | of the gradient | compiling | "
    "of the gradient |\n|---|---|---|---|---|---|---|---|---|"
)


def random_circuit(n: int, count: int, seed: int = 0, *, strings: bool = False) -> Circuit:
    """Gates on pairs of neighbours of a ring, drawn at random, with rotations before and noise after each; and,
    where asked for, rotations about strings on three qubits or more between them."""
    rng, operations = np.random.default_rng([5, seed]), []
    for k in range(count):
        a = int(rng.integers(n))
        b = (a + 1) % n
        operations += [gates.RY(f"y{k}", a), gates.RZ(f"z{k}", b)]
        operations += [gates.CNOT(a, b) if rng.random() < 0.5 else gates.RZZ(f"t{k}", a, b)]
        operations += [channels.Depolarizing(0.01, a)]
        if strings:
            sites = rng.choice(n, int(rng.integers(3, n + 1)), replace=False).tolist()
            operations += [gates.PauliRotation("".join(rng.choice(list("XYZ"), len(sites))))(f"s{k}", *sites)]
    return Circuit(n, operations)


def instructions(program: ProgramLike, devices: int, gradient: bool) -> tuple[int, int, float]:
    """Of a program its windows and strings, the instructions that it is compiled to, and the seconds; nothing runs."""
    from qml.engines import JaxEngine
    from qml.engines.jax import compiled
    from qml.engines.jax.kinds import PAULI

    on = JaxEngine(devices)._on
    plan = on.plan(program, PAULI)
    since = time.perf_counter()
    made = compiled.planned(on, plan, np.asarray(program.offset), gradient)
    took = time.perf_counter() - since
    return len(plan.form.items), sum(" = " in line for line in made.as_text().splitlines()), took


def row(n: int, devices: int, count: int, strings: bool) -> dict[str, Any]:
    """One circuit."""
    program = random_circuit(n, count, strings=strings).compile()
    windows, forward, seconds = instructions(program, devices, gradient=False)
    _, backward, longer = instructions(program, devices, gradient=True)
    return {
        "circuit": "neighbours, long strings between them" if strings else "neighbours",
        "n": n,
        "devices": devices,
        "gates": count,
        "windows": windows,
        "forward": forward,
        "gradient": backward,
        "seconds": seconds,
        "seconds of the gradient": longer,
    }


def line(found: dict[str, Any]) -> str:
    return (
        f"| {found['circuit']} | {found['n']} | {found['devices']} | {found['gates']} | {found['windows']} | "
        f"{found['forward']} | {found['gradient']} | {found['seconds']:.1f} s | "
        f"{found['seconds of the gradient']:.1f} s |"
    )
