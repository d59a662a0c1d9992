"""What a vector that is spread over devices moves between them, read off the compiled program, and what it must."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np
from problems import angles, qml_circuit

LAYERS = 8
HEAD = (
    "| n | devices | exchanges a layer | bytes that a device sends a layer | least | of its part | memory of a device |"
    "\n|---|---|---|---|---|---|---|"
)
KINDS = ("all-to-all", "all-gather", "all-reduce", "reduce-scatter", "collective-permute")
COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$")
COLLECTIVE = re.compile(rf"= (.*?) ({'|'.join(KINDS)})(?:-start)?\(")
WHILE = re.compile(r" while\(.*body=%?([\w.\-]+)")
TIMES = re.compile(r'"known_trip_count":\{"n":"(\d+)"')
SHAPE = re.compile(r"(f64|f32|c128|c64|s64|s32|u32|pred)\[([\d,]*)\]")
SIZES = {"f64": 8, "f32": 4, "c128": 16, "c64": 8, "s64": 8, "s32": 4, "u32": 4, "pred": 1}


class Moved(NamedTuple):
    """Of a run: the exchanges, and the bytes that a device sends."""

    exchanges: float
    sent: float

    def plus(self, other: Moved, times: int = 1) -> Moved:
        return Moved(self.exchanges + times * other.exchanges, self.sent + times * other.sent)


def moved(text: str, devices: int) -> Moved:
    """What a compiled program (its HLO text, that of one device) moves; loops count as often as they run.

    Of a result of b bytes, a device sends b (1 - 1/D) in an exchange of all with all (and b (D - 1) where it gives a
    part b to all), twice that in a sum over all, and all of it in a permutation.
    """
    bodies: dict[str, list[str]] = {}
    entry = name = ""
    for line in text.splitlines():
        if found := COMPUTATION.match(line):
            name = found[1]
            bodies[name] = []
            entry = name if line.startswith("ENTRY") else entry
        elif name:
            bodies[name].append(line)

    def total(name: str) -> Moved:
        out = Moved(0, 0.0)
        for line in bodies[name]:
            if found := COLLECTIVE.search(line):
                out = out.plus(Moved(1, sent(found[2], bytes_of(found[1]), devices)))
            elif found := WHILE.search(line):
                times = TIMES.search(line)
                inside = total(found[1])
                assert times or not inside.exchanges, "a loop of which is not known how often it runs"
                out = out.plus(inside, int(times[1]) if times else 0)
        return out

    return total(entry)


def bytes_of(shapes: str) -> int:
    """Of the arrays whose shapes are written here."""
    return sum(
        SIZES[kind] * math.prod(map(int, filter(None, sizes.split(",")))) for kind, sizes in SHAPE.findall(shapes)
    )


def sent(kind: str, size: int, devices: int) -> float:
    share = 1 - 1 / devices
    return size * {"all-reduce": 2 * share, "reduce-scatter": devices * share, "collective-permute": 1.0}.get(
        kind, share
    )


def least(n: int, devices: int) -> float:
    """Bytes that a device must send a layer, where whole exchanges change which of the sites are spread.

    The two-site gates of the ring follow each other, n a layer. While k neighbouring sites are spread, at most
    n - 1 - k gates in a row leave them alone; then others must be spread, and a device keeps 1/D of its part.
    """
    spread = math.ceil(math.log(devices, 4))
    return n / (n - 1 - spread) * 8 * 4**n / devices * (1 - 1 / devices) if devices > 1 else 0.0


def rows(n: int, counts: list[int]) -> list[dict[str, float]]:
    """W1 on so many devices each, as the compiler plans it; nothing runs."""
    import jax

    from qml.engines import JaxEngine
    from qml.engines.jax import compiled
    from qml.engines.jax.kinds import PAULI

    circuit, _ = qml_circuit(n, LAYERS, "depolarizing")
    program = circuit.compile()
    plan, slots = JaxEngine()._on.plan(program, PAULI), program.slots(np.ravel(angles(n, LAYERS)))
    found = []
    for count in counts:
        with jax.enable_x64(True):
            made = compiled.planned(JaxEngine(count)._on, plan, slots)
        every = moved(made.as_text(), count)
        found.append(
            {
                "n": n,
                "devices": count,
                "exchanges": every.exchanges / LAYERS,
                "sent": every.sent / LAYERS,
                "least": least(n, count),
                "memory": compiled.memory_of_a_device(JaxEngine(count)._on, plan, slots),
            }
        )
    return found


def line(row: dict[str, float]) -> str:
    part = 8 * 4 ** row["n"] / row["devices"]
    return (
        f"| {row['n']} | {row['devices']} | {row['exchanges']:.2f} | {row['sent'] / 2**20:.3g} MiB | "
        f"{row['least'] / 2**20:.3g} MiB | {row['sent'] / part:.2f} times | {row['memory'] / 2**20:.3g} MiB |"
    )
