"""W5: train a quantum Boltzmann machine exp(-sum_j theta_j P_j)/Z, from theta = 0 to a largest gradient below 1e-6.

The target is a Gibbs state of the XXZ chain in random fields: matched, or with terms that the model lacks. A call is a
whole training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from workload import Task, Workload

TOLERANCE, ANISOTROPY = 1e-6, 0.7
WORKLOAD = Workload(
    "training of a quantum Boltzmann machine to a largest gradient of 1e-6",
    "seconds a training",
    sizes=(4, 6, 8, 10),
    variants=("matched", "mismatched"),
    tolerance=4 * TOLERANCE,
)


class String(NamedTuple):
    """A Pauli string P as its non-zero elements: P[rows, columns] = phases."""

    label: str
    rows: np.ndarray
    columns: np.ndarray
    phases: np.ndarray

    @classmethod
    def of(cls, label: str) -> String:
        n = len(label)
        columns = np.arange(2**n)
        rows, phases = columns.copy(), np.ones(2**n, complex)
        for q, letter in enumerate(label):
            sign = 1 - 2 * (columns >> (n - 1 - q) & 1)
            rows ^= (letter in "XY") << (n - 1 - q)
            phases *= {"I": 1, "X": 1, "Y": 1j * sign, "Z": sign}[letter]
        return cls(label, rows, columns, phases)

    def mean(self, rho: np.ndarray) -> float:
        return float((rho[self.columns, self.rows] * self.phases).sum().real)


class Problem(NamedTuple):
    """The generators, the target, and its expectations."""

    strings: list[String]
    rho: np.ndarray
    means: np.ndarray


class Gibbs(NamedTuple):
    """exp(-K)/Z: the matrix, log Z, and the decomposition K = V diag(w) V^dagger with populations p."""

    rho: np.ndarray
    log_z: float
    w: np.ndarray
    v: np.ndarray
    p: np.ndarray


def combine(strings: list[String], theta: np.ndarray) -> np.ndarray:
    """K = sum_j theta_j P_j."""
    k = np.zeros((len(strings[0].rows),) * 2, complex)
    for string, t in zip(strings, theta, strict=True):
        k[string.rows, string.columns] += t * string.phases
    return k


def gibbs(k: np.ndarray) -> Gibbs:
    w, v = np.linalg.eigh(k)
    p = np.exp(w[0] - w)
    z = p.sum()
    return Gibbs((v * (p / z)) @ v.conj().T, float(np.log(z) - w[0]), w, v, p / z)


def problem(n: int, variant: str) -> Problem:
    def on(letters: str, first: int, gap: int = 1) -> String:
        label = ["I"] * n
        label[first : first + gap * len(letters) : gap] = letters
        return String.of("".join(label))

    rng = np.random.default_rng([5, n])
    bonds = [on(2 * letter, q) for letter in "XYZ" for q in range(n - 1)]
    strings = bonds + [on(letter, q) for letter in "XZ" for q in range(n)]
    theta = np.concatenate([np.repeat([1, 1, ANISOTROPY], n - 1), rng.uniform(-1, 1, 2 * n)])
    k = combine(strings, theta)
    if variant == "mismatched":
        extra = [on("Y", q) for q in range(n)] + [on("ZZ", q, gap=2) for q in range(n - 2)]
        k += combine(extra, rng.uniform(-0.5, 0.5, len(extra)))
    rho = gibbs(k).rho
    return Problem(strings, rho, np.array([s.mean(rho) for s in strings]))


def judge(p: Problem, theta: np.ndarray) -> np.ndarray:
    """S(rho, sigma_theta) and the model's expectations: equal for all who have converged."""
    sigma = gibbs(combine(p.strings, theta))
    return np.array([sigma.log_z + theta @ p.means, *(s.mean(sigma.rho) for s in p.strings)])


def training(p: Problem, solve: Callable[[], np.ndarray]) -> Task:
    return Task(solve, lambda theta: judge(p, theta))


def gradient(p: Problem, sigma: Gibbs) -> np.ndarray:
    """dS/dtheta_j = Tr(rho P_j) - Tr(sigma P_j)."""
    return p.means - np.array([s.mean(sigma.rho) for s in p.strings])


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    """fit with Newton's method, as a user calls it."""
    from qml import DensityMatrix, GibbsModel, fit, pauli

    p = problem(n, variant)
    model, target = GibbsModel([pauli(s.label) for s in p.strings]), DensityMatrix(p.rho)
    start = np.zeros(len(p.strings))

    def solve() -> np.ndarray:
        result = fit(
            model,
            target,
            optimizer="newton",
            params0=start,
            gradient_tolerance=TOLERANCE,
            max_iterations=5000,
            progress=False,
        )
        return result.params

    return training(p, solve)


@WORKLOAD.by("numpy")
def newton(n: int, variant: str) -> Task:
    r"""By hand: the exact Hessian, which is the Kubo-Mori covariance

    .. math:: \sum_{ab} \kappa_{ab} (V^\dagger P_i V)_{ab} (V^\dagger P_j V)_{ab}^* - \langle P_i \rangle
        \langle P_j \rangle, \qquad \kappa_{ab} = \frac{p_a - p_b}{w_b - w_a}

    and steps that are halved until the loss falls."""
    p = problem(n, variant)

    def loss(theta: np.ndarray) -> tuple[float, Gibbs]:
        sigma = gibbs(combine(p.strings, theta))
        return sigma.log_z + theta @ p.means, sigma

    def hessian(sigma: Gibbs, means: np.ndarray) -> np.ndarray:
        gap = sigma.w[None, :] - sigma.w[:, None]
        near = np.abs(gap) < 1e-7
        middle = (sigma.p[:, None] + sigma.p[None, :]) / 2
        root = np.sqrt(np.where(near, middle, (sigma.p[:, None] - sigma.p[None, :]) / np.where(near, 1, gap)))
        rows = np.empty((len(p.strings), root.size), complex)
        for row, s in zip(rows, p.strings, strict=True):
            turned = np.empty_like(sigma.v)
            turned[s.rows] = s.phases[:, None] * sigma.v
            row[:] = (root * (sigma.v.conj().T @ turned)).ravel()
        real = rows.view(float)
        return real @ real.T - np.outer(means, means)

    def solve() -> np.ndarray:
        theta = np.zeros(len(p.strings))
        value, sigma = loss(theta)
        while np.abs(g := gradient(p, sigma)).max() > TOLERANCE:
            step = -np.linalg.solve(hessian(sigma, p.means - g), g)
            new_value, new_sigma = loss(theta + step)
            while new_value > value + 1e-4 * (g @ step) + 1e-13:
                step /= 2
                new_value, new_sigma = loss(theta + step)
            theta, value, sigma = theta + step, new_value, new_sigma
        return theta

    return training(p, solve)


@WORKLOAD.by("numpy", "scipy")
def lbfgs(n: int, variant: str) -> Task:
    """By hand: SciPy's L-BFGS-B on the exact gradient."""
    from scipy.optimize import minimize

    p = problem(n, variant)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        sigma = gibbs(combine(p.strings, theta))
        return sigma.log_z + theta @ p.means, gradient(p, sigma)

    options = {"gtol": TOLERANCE, "ftol": 0, "maxiter": 5000, "maxcor": 30}
    start = np.zeros(len(p.strings))
    return training(p, lambda: minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)


@WORKLOAD.by("numpy")
def gradient_descent(n: int, variant: str, rate: float = 0.25) -> Task:
    """By hand: a fixed step, tuned by hand too."""
    p = problem(n, variant)

    def solve() -> np.ndarray:
        theta = np.zeros(len(p.strings))
        while np.abs(g := gradient(p, gibbs(combine(p.strings, theta)))).max() > TOLERANCE:
            theta -= rate * g
        return theta

    return training(p, solve)


@WORKLOAD.by("qbm")
def qbmkit(n: int, variant: str) -> Task:
    """Its natural gradient in the Kubo-Mori metric, full steps; it stops by the norm of the gradient."""
    from qbm.losses import RelativeEntropy
    from qbm.models import FullyVisibleQBM
    from qbm.optim import NaturalGradient
    from qbm.train import fit

    p = problem(n, variant)

    def solve() -> np.ndarray:
        model = FullyVisibleQBM(generators=[s.label for s in p.strings])
        model.theta = np.zeros(len(p.strings))
        fit(model, RelativeEntropy(p.rho), NaturalGradient(lr=1.0, reg=1e-10), steps=5000, tol=TOLERANCE)
        return np.asarray(model.theta)

    return training(p, solve)
