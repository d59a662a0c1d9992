"""Statement 11: inequalities that look right and are not, each with a counterexample."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._typing import Real
from qml.operators import partial_trace_matrix
from qml.principle import draws
from qml.principle.measured import _of_empirical, _populations
from qml.principle.statement import Evidence, Panel, Series
from qml.states import DensityMatrix

CLEAR = 0.01
"""A counterexample counts when it breaks the false law by more than this, in nats."""


def false_friends(rng: np.random.Generator, pairs: int) -> Evidence:
    each = max(200, pairs // 6)
    found = {
        "S(rho, sigma) >= NLL of the true rho": _true_state(rng, each),
        "S(rho, sigma) <= S(rho_hat, sigma)": _ordered(rng, each, 1),
        "S(rho, sigma) >= S(rho_hat, sigma)": _ordered(rng, each, -1),
        "dephasing both states lowers S": _dephased(rng, each),
        "tracing out a part of both lowers S": _traced(rng, each),
        "S is jointly convex": _jointly_convex(rng, each),
        "S(rho_hat, sigma) >= NLL of a SIC without log Tr M": _sic(rng, each),
    }
    lines = [f"{name}: broken by {float(np.max(broken)):.3f} nats" for name, broken in found.items()]
    weakest = min(float(np.max(broken)) for broken in found.values())
    picture = Panel(
        "False friends: by how much random instances break them",
        "instances, sorted",
        "right side - left side, nats (positive: broken)",
        tuple(
            Series(name, np.linspace(0, 1, 200), np.quantile(broken, np.linspace(0, 1, 200)), line=True)
            for name, broken in found.items()
        ),
    )
    return Evidence(
        "seven inequalities, for each the largest counterexample among random instances",
        sum(np.size(b) for b in found.values()),
        CLEAR - weakest,
        0.0,
        (picture,),
        "; ".join(lines),
    )


def _true_state(rng: np.random.Generator, each: int) -> Real:
    """NLL of the populations of the true rho in a random basis, minus S(rho, sigma)."""
    rho, sigma = states.ginibre(2, rng, rank=1, batch=each), states.ginibre(2, rng, batch=each)
    basis = draws.unitaries(rng, 2, each)
    p, q = (_populations(x.matrix(), basis) for x in (rho, sigma))
    return np.asarray(-(p * np.log(q)).sum(axis=-1) - losses.cross_entropy(rho, sigma))


def _ordered(rng: np.random.Generator, each: int, sign: int) -> Real:
    rho, sigma = states.ginibre(2, rng, batch=each), states.ginibre(2, rng, batch=each)
    basis = draws.unitaries(rng, 2, each)
    empirical = _of_empirical(_populations(rho.matrix(), basis), basis, sigma)
    return np.asarray(sign * (losses.cross_entropy(rho, sigma) - empirical))


def _dephased(rng: np.random.Generator, each: int) -> Real:
    """S of the dephased states minus S: positive where dephasing raises it."""
    rho, sigma = states.ginibre(3, rng, batch=each), states.ginibre(3, rng, batch=each)
    p, q = rho.probabilities(), sigma.probabilities()
    return np.asarray(-(p * np.log(q)).sum(axis=-1) - losses.cross_entropy(rho, sigma))


def _traced(rng: np.random.Generator, each: int) -> Real:
    """S of the reduced states minus S, for entangled pure data and nearly the same model: both are then mixed."""
    rho = states.ginibre((2, 2), rng, rank=1, batch=each)
    sigma = DensityMatrix.trusted(0.95 * rho.matrix() + 0.05 * np.eye(4) / 4, (2, 2))
    reduced = [DensityMatrix.trusted(partial_trace_matrix(x.matrix(), [0], (2, 2)), 2) for x in (rho, sigma)]
    return np.asarray(losses.cross_entropy(*reduced) - losses.cross_entropy(rho, sigma))


def _jointly_convex(rng: np.random.Generator, each: int) -> Real:
    """S of the mean pair minus the mean of S, for two pairs."""
    rho, sigma, tau, omega = (states.ginibre(2, rng, batch=each) for _ in range(4))
    means = [DensityMatrix.trusted((a.matrix() + b.matrix()) / 2, 2) for a, b in ((rho, tau), (sigma, omega))]
    halves = (losses.cross_entropy(rho, sigma) + losses.cross_entropy(tau, omega)) / 2
    return np.asarray(losses.cross_entropy(*means) - halves)


def _sic(rng: np.random.Generator, each: int) -> Real:
    """NLL of the tetrahedron minus S of its empirical state, Tr M_k = 1/2."""
    sigma = states.ginibre(2, rng, batch=each)
    bloch = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    paulis = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    effects = (np.eye(2) + np.einsum("ka,aij->kij", bloch, paulis)) / 4
    f = rng.dirichlet(np.ones(4), each)
    empirical = DensityMatrix.trusted(np.einsum("bk,kij->bij", 2 * f, effects), 2)
    nll = -(f * np.log(draws.trace(effects, sigma.matrix()[:, None]))).sum(axis=-1)
    return np.asarray(nll - losses.cross_entropy(empirical, sigma))
