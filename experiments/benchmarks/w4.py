"""W4: D(rho || sigma), and S(rho, sigma) alone, of two random density matrices of full rank, in nats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import probes
from problems import ginibre
from workload import Task, Workload

WORKLOAD = Workload(
    "relative entropy, and cross entropy alone, of two dense states",
    "seconds a value",
    sizes=(6, 7, 8, 9, 10, 11),
    variants=("relative", "cross"),
    tolerance=1e-9,
)


def states(n: int) -> tuple[np.ndarray, np.ndarray]:
    """rho and sigma."""
    return ginibre(n, seed=1), ginibre(n, seed=2)


def floor(n: int, variant: str) -> Callable[[], float]:
    """S: one eigh, of sigma. D: and the eigenvalues of rho, and one product that takes rho into the basis of sigma."""
    rho, sigma = states(n)
    if variant == "cross":
        return lambda: probes.eigh_seconds(sigma)
    return lambda: probes.eigh_seconds(sigma) + probes.eigvalsh_seconds(rho) + probes.product_seconds(rho)


WORKLOAD.floor = floor


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    """New states in every call, since a state keeps its spectrum."""
    from qml import DensityMatrix, cross_entropy, relative_entropy

    matrices, quantity = states(n), cross_entropy if variant == "cross" else relative_entropy
    return Task(lambda: quantity(*(DensityMatrix._trusted(m) for m in matrices)), np.asarray)


@WORKLOAD.by("numpy")
def numpy(n: int, variant: str) -> Task:
    rho, sigma = states(n)

    def cross() -> float:
        w, v = np.linalg.eigh(sigma)
        return -float(np.einsum("ia,ia->a", v.conj(), rho @ v).real @ np.log(w))

    def relative() -> float:
        p = np.linalg.eigvalsh(rho)
        return float(p @ np.log(p)) + cross()

    return Task(cross if variant == "cross" else relative, np.asarray)


@WORKLOAD.by("torch")
def torch(n: int, variant: str) -> Task:
    import torch

    rho, sigma = (torch.tensor(m) for m in states(n))

    def cross() -> float:
        w, v = torch.linalg.eigh(sigma)
        return -((v.conj() * (rho @ v)).sum(0).real @ w.log()).item()

    def relative() -> float:
        p = torch.linalg.eigvalsh(rho)
        return (p @ p.log()).item() + cross()

    return Task(cross if variant == "cross" else relative, np.asarray)


@WORKLOAD.by("qutip", variants=("relative",))
def qutip(n: int, variant: str) -> Task:
    import qutip

    rho, sigma = (qutip.Qobj(m) for m in states(n))
    return Task(lambda: qutip.entropy_relative(rho, sigma, base=np.e), np.asarray)


@WORKLOAD.by("pennylane", variants=("relative",))
def pennylane(n: int, variant: str) -> Task:
    import pennylane

    rho, sigma = states(n)
    return Task(lambda: pennylane.math.relative_entropy(rho, sigma), np.asarray)


@WORKLOAD.by("scipy")
def logm(n: int, variant: str) -> Task:
    """Matrix logarithms, as the formula is written."""
    from scipy.linalg import logm

    rho, sigma = states(n)

    def run() -> Any:
        return np.trace(rho @ (-logm(sigma) if variant == "cross" else logm(rho) - logm(sigma))).real

    return Task(run, np.asarray)
