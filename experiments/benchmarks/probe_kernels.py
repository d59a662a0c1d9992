"""Compiled loops of the probes, in a file of their own: peers' interpreters import the probes, and have no compiler."""

from __future__ import annotations

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, LANES
from qml.engines._llvm.simd import load, store


@kernel
def scale(r: F1, start: int, stop: int) -> None:
    for i in range(start, stop):
        r[i] = 0.999999 * r[i]


@kernel
def rotate(x: F1, y: F1, c: float, s: float, repeats: int) -> None:
    for _ in range(repeats):
        for row in range(x.size // LANES):
            i = LANES * row
            first, second = load(x, i), load(y, i)
            store(x, i, c * first - s * second)
            store(y, i, s * first + c * second)
