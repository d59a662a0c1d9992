"""Compiled products of the gates on one qubit that follow each other."""

from __future__ import annotations

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, I1


@kernel
def chain_products(factors: F2, starts: I1, targets: I1, coefficients: F1, before: F2) -> None:
    """Chain c, the product of the 2 x 2 factors starts[c] to starts[c + 1] (the first acts first), goes to targets[c].

    Matrices are rows of eight numbers, as in ``coefficients``; `before` receives the product before each factor.
    """
    for c in range(targets.size):
        at = targets[c]
        for e in range(8):
            coefficients[at + e] = 1.0 if e == 0 or e == 6 else 0.0
        for f in range(starts[c], starts[c + 1]):
            for e in range(8):
                before[f, e] = coefficients[at + e]
            for i in range(2):
                for j in range(2):
                    re, im = 0.0, 0.0
                    for k in range(2):
                        u, v = factors[f, 4 * i + 2 * k], factors[f, 4 * i + 2 * k + 1]
                        p, q = before[f, 4 * k + 2 * j], before[f, 4 * k + 2 * j + 1]
                        re += u * p - v * q
                        im += u * q + v * p
                    coefficients[at + 4 * i + 2 * j], coefficients[at + 4 * i + 2 * j + 1] = re, im
