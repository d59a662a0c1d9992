"""The linear map from a state to the empirical state of infinitely many shots of it, and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qml._typing import Complex
from qml.measurement.counts import Counts

RESIDUAL = 1e-10
MOST_STEPS = 500


def empirical_map(counts: Counts) -> Callable[[Complex], Complex]:
    r"""The map from a Hermitian X (d, d) to its empirical matrix, settings weighing what they weigh in the record.

    .. math:: A(X) = \sum_s \frac{N_s}{N} \sum_{k \in s} \mathrm{Tr}(M_k X) \frac{M_k}{\mathrm{Tr} M_k}

    Linear, self-adjoint, positive and trace-preserving: X without its off-diagonal entries for one basis, X -> (X + 1
    Tr X)/3 on each qubit for all Pauli settings, (X + 1 Tr X)/(d + 1) for a 2-design.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> empirical_map(Counts(PauliMeasurement(1), np.ones(6, int)))(np.diag([1.0, 0.0])).real.round(6)
    array([[0.666667, 0.      ],
           [0.      , 0.333333]])
    """
    m = counts.measurement
    traces = m.traces()
    weights = np.repeat(np.asarray(counts.shots, dtype=np.float64), m.sizes) / float(counts.total)
    weights = np.divide(weights, traces, out=np.zeros_like(weights), where=traces > 0)
    return lambda x: m.adjoint(weights * m.probabilities_of(x))


def before_measuring(counts: Counts, empirical: Complex) -> Complex:
    """The Hermitian matrix (d, d) whose empirical matrix is nearest to `empirical`, of those the one of least norm.

    It may have negative eigenvalues. Conjugate gradients on the normal equations: all Pauli settings of n qubits take
    n + 1 steps.
    """
    image_of = empirical_map(counts)
    return solve(lambda x: image_of(image_of(x)), image_of(empirical), RESIDUAL, MOST_STEPS)


def solve(normal: Callable[[Complex], Complex], right: Complex, precision: float, steps: int) -> Complex:
    """The Hermitian X (d, d) of least norm with normal(X) = right, for a linear, self-adjoint, positive map of matrices
    and a matrix in its range: conjugate gradients, until the residual is below `precision` of what it was."""
    x = np.zeros_like(right)
    direction = residual = right
    square = inner(residual, residual)
    enough = precision**2 * square
    for _ in range(steps):
        image = normal(direction)
        step = square / inner(direction, image)
        x, residual = x + step * direction, residual - step * image
        new = inner(residual, residual)
        if new <= enough:
            break
        direction, square = residual + (new / square) * direction, new
    return np.asarray((x + x.conj().T) / 2)


def inner(a: Complex, b: Complex) -> float:
    """Re Tr a^dagger b."""
    return float(np.vdot(a, b).real)
