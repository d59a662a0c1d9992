"""Processes as states: what tells whether two circuits do the same."""

from __future__ import annotations

import numpy as np

from qml import Circuit
from qml.engines import ReferenceEngine
from qml.instructions import Operation


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


def by_name(circuit: Circuit, values: dict[str, float]) -> list[float]:
    """The parameters of a circuit in its order."""
    return [values[name] for name in circuit.parameters]
