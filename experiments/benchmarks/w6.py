"""W6: the state of maximum likelihood from counts of all 3^n Pauli settings, 1000 shots each, to a certified gap.

The true state is 0.9 GHZ + 0.1 of a random state. A call is a whole estimation, from the counts to the moment when the
certificate N log lambda_max(R) is at most 1e-6 of the log-likelihood, which needs no knowledge of the optimum. The
fitters of qiskit-experiments minimise squared errors, not the likelihood, and therefore cannot take part.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from problems import ginibre
from workload import Task, Workload

SHOTS, RELATIVE, CHECKS = 1000, 1e-6, 5
WORKLOAD = Workload(
    "maximum-likelihood tomography, all Pauli settings, certified to 1e-6 of the log-likelihood",
    "seconds an estimate",
    sizes=(2, 3, 4, 5, 6),
    tolerance=2 * RELATIVE,
)
# (outcome of X, Y, Z) x (I, X, Y, Z): the probability of an outcome from the Pauli expectations of a qubit
OUTCOMES = np.array([[1, s * (a == 1), s * (a == 2), s * (a == 3)] for a in (1, 2, 3) for s in (1, -1)]) / 2
ENTRIES = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1j, -1j, 0], [1, 0, 0, -1]])  # Tr(sigma P) from 00, 01, 10, 11


def on_all(matrix: np.ndarray, v: np.ndarray, n: int) -> np.ndarray:
    """A matrix on each of the n digits of v."""
    for _ in range(n):
        v = (v.reshape(matrix.shape[1], -1).T @ matrix.T).reshape(-1)
    return v


def paired(n: int) -> list[int]:
    """Rows and columns, qubit by qubit."""
    return [axis for q in range(n) for axis in (q, n + q)]


class Data(NamedTuple):
    """Counts (settings, outcomes), and the shares qubit by qubit: (basis, outcome) of qubit 0, of qubit 1, ..."""

    counts: np.ndarray
    shares: np.ndarray


def data(n: int) -> Data:
    rho = 0.1 * ginibre(n, seed=3)
    rho[np.ix_([0, -1], [0, -1])] += 0.45
    by_qubit = Problem(n, np.ones(6**n)).probabilities(rho).reshape((3, 2) * n)
    apart = [*range(0, 2 * n, 2), *range(1, 2 * n, 2)]
    p = np.clip(by_qubit.transpose(apart).reshape(3**n, 2**n), 0, None)
    counts = np.random.default_rng([6, n]).multinomial(SHOTS, p / p.sum(axis=1, keepdims=True))
    shares = counts.reshape((3,) * n + (2,) * n).transpose(paired(n)).reshape(-1)
    return Data(counts, shares / counts.sum())


class Problem:
    """-sum_k f_k log p_k, and R = sum_k f_k / p_k M_k."""

    def __init__(self, n: int, shares: np.ndarray) -> None:
        self.n, self.shares, self.d = n, shares, 2**n
        self.seen = shares > 0

    def probabilities(self, rho: np.ndarray) -> np.ndarray:
        v = rho.reshape((2,) * (2 * self.n)).transpose(paired(self.n)).reshape(-1)
        return on_all(OUTCOMES, on_all(ENTRIES, v, self.n).real, self.n)

    def operator(self, p: np.ndarray) -> np.ndarray:
        w = np.divide(self.shares, p, out=np.zeros_like(p), where=self.seen)
        v = on_all(ENTRIES.conj().T, on_all(OUTCOMES.T, w, self.n).astype(complex), self.n)
        order = [*range(0, 2 * self.n, 2), *range(1, 2 * self.n, 2)]
        return v.reshape((2,) * (2 * self.n)).transpose(order).reshape(self.d, self.d)

    def value(self, p: np.ndarray) -> float:
        q = p[self.seen]
        return -float(self.shares[self.seen] @ np.log(q)) if (q > 0).all() else math.inf

    def is_certified(self, p: np.ndarray) -> bool:
        return bool(np.log(np.linalg.eigvalsh(self.operator(p))[-1]) <= RELATIVE * self.value(p))


def estimation(n: int, solve: Callable[[Data], Any]) -> Task:
    """All must agree on the negative log-likelihood per shot of the state that they return."""
    given = data(n)
    problem = Problem(n, given.shares)
    return Task(lambda: solve(given), lambda rho: np.array([problem.value(problem.probabilities(np.asarray(rho)))]))


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    from qml.measurement import Counts, PauliMeasurement
    from qml.tomography import maximum_likelihood

    measurement = PauliMeasurement(n)

    def solve(given: Data) -> np.ndarray:
        counts = Counts(measurement, given.counts)
        return maximum_likelihood(counts, gap=0.0, relative_gap=RELATIVE).raise_if_failed().state.matrix()

    return estimation(n, solve)


@WORKLOAD.by("numpy")
def accelerated(n: int, variant: str) -> Task:
    """By hand: accelerated projected gradient (Shang, Zhang, Ng 2017) with halved steps and restarts."""

    def nearest_state(m: np.ndarray) -> np.ndarray:
        w, v = np.linalg.eigh(m)
        levels = (np.cumsum(w[::-1]) - 1) / np.arange(1, len(w) + 1)
        level = levels[np.flatnonzero(w[::-1] > levels)[-1]]
        return (v * np.maximum(w - level, 0)) @ v.conj().T

    def solve(given: Data) -> np.ndarray:
        problem = Problem(n, given.shares)
        rho = ahead = np.eye(problem.d, dtype=complex) / problem.d
        p = problem.probabilities(rho)
        value = value_ahead = problem.value(p)
        p_ahead, momentum, length, count = p, 1.0, 1 / problem.d, 0
        while True:
            slope = problem.operator(p_ahead)
            while True:
                new = nearest_state(ahead + length * slope)
                p_new, move = problem.probabilities(new), new - ahead
                value_new = problem.value(p_new)
                model = value_ahead - np.vdot(slope, move).real + np.vdot(move, move).real / (2 * length)
                if value_new <= model + 1e-15:
                    break
                length /= 2
            if count % CHECKS == 0 and problem.is_certified(p_new):
                return new
            count, length = count + 1, 1.1 * length
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            further = new + (momentum - 1) / following * (new - rho)
            p_further = problem.probabilities(further)
            if value_new > value or not np.isfinite(problem.value(p_further)):
                momentum, ahead, p_ahead, value_ahead = 1.0, rho, p, value
            else:
                rho, p, value, momentum = new, p_new, value_new, following
                ahead, p_ahead, value_ahead = further, p_further, problem.value(p_further)

    return estimation(n, solve)


@WORKLOAD.by("numpy")
def r_rho_r(n: int, variant: str) -> Task:
    """By hand: rho <- R rho R / Tr."""

    def solve(given: Data) -> np.ndarray:
        problem = Problem(n, given.shares)
        rho, count = np.eye(problem.d, dtype=complex) / problem.d, 0
        while True:
            p = problem.probabilities(rho)
            if count % (2 * CHECKS) == 0 and problem.is_certified(p):
                return rho
            r, count = problem.operator(p), count + 1
            rho = r @ rho @ r
            rho /= np.trace(rho).real

    return estimation(n, solve)
