"""W7: the metric of a Gibbs model exp(-sum_j theta_j P_j)/Z: 5 n Pauli strings (periodic bonds, fields), n qubits.

A call is the state from theta, with its eigen-decomposition, and the whole matrix (5 n, 5 n).
"""

from __future__ import annotations

import numpy as np
from w5 import String, combine, gibbs
from workload import Task, Workload

WORKLOAD = Workload(
    "metric of a Gibbs model",
    "seconds a metric",
    sizes=(4, 5, 6, 7, 8),
    variants=("bkm", "bures"),
    tolerance=1e-10,
)


def problem(n: int) -> tuple[list[String], np.ndarray]:
    """The strings, and theta: bonds XX, YY, ZZ on a ring, fields X and Z."""

    def on(letters: str, first: int) -> String:
        label = ["I"] * n
        for k, letter in enumerate(letters):
            label[(first + k) % n] = letter
        return String.of("".join(label))

    strings = [on(letters, q) for letters in ("XX", "YY", "ZZ", "X", "Z") for q in range(n)]
    return strings, np.random.default_rng([7, n]).uniform(-1, 1, len(strings))


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    """The metric, as a user calls it."""
    from qml import GibbsModel, pauli
    from qml.geometry import metric

    strings, theta = problem(n)
    model = GibbsModel([pauli(s.label) for s in strings])
    return Task(lambda: metric(model, theta, variant), np.ravel)


@WORKLOAD.by("numpy")
def assembled(n: int, variant: str) -> Task:
    r"""By hand: every string rotated into the eigenbasis by matrix products, and one product of all with all.

    .. math:: \sum_{ab} c_{ab} \left(\frac{p_a - p_b}{w_a - w_b}\right)^2
        (V^\dagger \delta P_i V)_{ab} (V^\dagger \delta P_j V)_{ab}^*
    """
    strings, theta = problem(n)

    def run() -> np.ndarray:
        sigma = gibbs(combine(strings, theta))
        p, w, v = sigma.p, sigma.w, sigma.v
        gap = w[:, None] - w
        near = np.abs(gap) < 1e-7
        middle = (p[:, None] + p) / 2
        slope = np.where(near, middle, (p[:, None] - p) / np.where(near, 1.0, -gap))
        weights = slope if variant == "bkm" else slope**2 / middle
        rows = np.empty((len(strings), p.size**2), complex)
        for row, s in zip(rows, strings, strict=True):
            turned = np.empty_like(v)
            turned[s.rows] = s.phases[:, None] * v
            found = v.conj().T @ turned
            found[np.diag_indices(p.size)] -= s.mean(sigma.rho)
            row[:] = (np.sqrt(weights) * found).ravel()
        real = rows.view(float)
        return real @ real.T

    return Task(run, np.ravel)


@WORKLOAD.by("qbm")
def qbmkit(n: int, variant: str) -> Task:
    """Its metric of the state, generators as dense matrices."""
    from qbm.models import FullyVisibleQBM

    strings, theta = problem(n)
    model = FullyVisibleQBM(generators=[s.label for s in strings])
    model.theta = theta
    kind = {"bkm": "kubo_mori", "bures": "fisher_bures"}[variant]
    return Task(lambda: model.state().metric(kind), np.ravel)
