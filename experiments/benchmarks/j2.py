"""J2: fits of Gibbs models by the default optimizer to a largest gradient of 1e-5.

Without hidden units it is the matched problem of W5. With them it is the chain of J1 with one hidden unit beside it,
that joins two of its qubits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jobs import chain, descent, entropy
from w5 import String, combine, gibbs, gradient, problem, training
from workload import Task, Workload

TOLERANCE = 1e-5
STEPS = 60
WORKLOAD = Workload(
    "a fit of a Gibbs model to a largest gradient of 1e-5, or of one with a hidden unit, 60 steps",
    "seconds a fit",
    sizes=(4, 5, 6, 7, 8),
    variants=("visible", "hidden"),
    tolerance=4e-4,
    defaults=True,
)


def strings_of(n: int) -> list[str]:
    """Those of the model with a hidden unit, which is the last of n + 1 qubits."""

    def on(letters: str, *qubits: int) -> str:
        label = ["I"] * (n + 1)
        for letter, q in zip(letters, qubits, strict=True):
            label[q] = letter
        return "".join(label)

    bonds = [on("ZZ", q, q + 1) for q in range(n - 1)] + [on("ZZ", q, n) for q in (0, n // 2)]
    return bonds + [on("X", q) for q in range(n + 1)]


def start_of(n: int) -> np.ndarray:
    return np.random.default_rng([2, n]).uniform(-0.5, 0.5, len(strings_of(n)))


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    from qml import DensityMatrix, GibbsModel, fit, pauli
    from qml.models import HiddenGibbsModel

    if variant == "hidden":
        rho = chain(n)

        def learn() -> tuple[float, float]:
            model = HiddenGibbsModel([pauli(label) for label in strings_of(n)], hidden=(n,))
            result = fit(model, rho, params0=start_of(n), max_iterations=STEPS, progress=False)
            return float(result.history.loss[0]), result.loss

        return descent(learn, entropy(rho))
    p = problem(n, "matched")
    target = DensityMatrix(p.rho)

    def solve() -> np.ndarray:
        model = GibbsModel([pauli(s.label) for s in p.strings])
        start = np.zeros(len(p.strings))
        return fit(model, target, params0=start, gradient_tolerance=TOLERANCE, progress=False).params

    return training(p, solve)


@WORKLOAD.by("numpy", "scipy", variants=("visible",))
def lbfgs(n: int, variant: str) -> Task:
    """By hand: SciPy's L-BFGS-B on the exact gradient."""
    from scipy.optimize import minimize

    p = problem(n, "matched")

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        sigma = gibbs(combine(p.strings, theta))
        return sigma.log_z + theta @ p.means, gradient(p, sigma)

    options = {"gtol": TOLERANCE, "ftol": 0.0, "maxiter": 1000}
    start = np.zeros(len(p.strings))
    return training(p, lambda: minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)


@WORKLOAD.by("qbm", variants=("visible",))
def qbmkit(n: int, variant: str) -> Task:
    """Its natural gradient in the Kubo-Mori metric, full steps."""
    from qbm.losses import RelativeEntropy
    from qbm.models import FullyVisibleQBM
    from qbm.optim import NaturalGradient
    from qbm.train import fit

    p = problem(n, "matched")

    def solve() -> np.ndarray:
        model = FullyVisibleQBM(generators=[s.label for s in p.strings])
        model.theta = np.zeros(len(p.strings))
        fit(model, RelativeEntropy(p.rho), NaturalGradient(lr=1.0, reg=1e-10), steps=5000, tol=TOLERANCE)
        return np.asarray(model.theta)

    return training(p, solve)


@WORKLOAD.by("jax", "scipy", variants=("hidden",))
def jax_scipy(n: int, variant: str) -> Task:
    """By hand: the matrix exponential by eigh, the partial trace, reverse mode, jit, SciPy's L-BFGS-B."""
    import jax
    import jax.numpy as jnp
    from scipy.optimize import minimize

    rho, start = chain(n), start_of(n)
    matrices = jnp.asarray([combine([String.of(label)], np.ones(1)).real for label in strings_of(n)])

    def loss(theta: Any) -> Any:
        k = jnp.tensordot(theta, matrices, 1)
        joint = jax.scipy.linalg.expm(-k)  # reverse mode through eigh fails where the spectrum is degenerate
        sigma = jnp.einsum("aibi->ab", joint.reshape(2**n, 2, 2**n, 2)) / jnp.trace(joint)
        w, v = jnp.linalg.eigh(sigma)
        return -jnp.sum(jnp.log(w) * jnp.sum(v * (rho @ v), axis=0))

    step = jax.jit(jax.value_and_grad(loss))

    def run() -> tuple[float, float]:
        seen: list[float] = []

        def both(theta: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = step(theta)
            seen.append(float(value))
            return seen[-1], np.asarray(slope, float)

        options = {"maxiter": STEPS, "ftol": 0.0, "gtol": 0.0}
        found = minimize(both, start, jac=True, method="L-BFGS-B", options=options)
        return seen[0], float(found.fun)

    return descent(run, entropy(rho))
