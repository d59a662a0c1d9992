"""Processes as states: what tells whether two circuits do the same."""

from __future__ import annotations

from itertools import permutations
from math import prod

import numpy as np
from scipy.stats import unitary_group

from qml import Circuit
from qml.engines import ReferenceEngine
from qml.instructions import Operation


def random_kraus(dims_in: tuple[int, ...], dims_out: tuple[int, ...], rank: int, seed: int) -> np.ndarray:
    """Kraus operators (rank, d_out, d) of a Haar isometry."""
    d, d_out = prod(dims_in), prod(dims_out)
    if d_out * rank == 1:
        return np.ones((1, 1, 1), dtype=complex)
    v = unitary_group.rvs(d_out * rank, random_state=seed)[:, :d]
    return v.reshape(d_out, rank, d).swapaxes(0, 1)


def choi(circuit: Circuit, params=()) -> np.ndarray:
    """The Choi state of a circuit of at most five qubits that all exist before it: input sites, then output sites."""
    n, d = circuit.n_sites, 2**circuit.n_sites
    assert circuit.sites_in == tuple(range(n))
    pair = np.eye(d).reshape(-1) / np.sqrt(d)
    moved = [Operation(o.instruction, tuple(n + site for site in o.sites), o.params) for o in circuit.operations]
    wide = Circuit(2 * n, moved)
    order = [circuit.parameters.index(name) for name in wide.parameters]
    theta = np.asarray(params, dtype=float)[order] if order else ()
    return np.asarray(ReferenceEngine().evolve(wide, theta, np.outer(pair, pair).astype(complex)).matrix())


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two matrices are equal to 1e-12."""
    return bool(np.abs(a - b).max() < 1e-12)


def same(u: np.ndarray, v: np.ndarray) -> bool:
    """Whether two unitaries are equal to 1e-12 up to a phase."""
    phase = np.vdot(v, u)
    return close(u, v * phase / abs(phase))


def placements(n_sites: int) -> list[tuple[int, ...]]:
    """Every way to place so many sites among three."""
    return list(permutations(range(3), n_sites))
