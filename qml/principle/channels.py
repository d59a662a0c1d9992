"""Processes, by their Choi states: what S between them says of every input."""

from __future__ import annotations

import math

import numpy as np

from qml import losses, states
from qml._random import haar_unitaries
from qml._typing import Complex
from qml.operators import pauli
from qml.operators.strings import all_labels
from qml.principle import draws
from qml.principle.neighbors import MOST, SHOWN, SIDES
from qml.principle.statement import Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix, GibbsState


@statement(
    23,
    "Processes",
    "for every input, D((1 x E) psi || (1 x F) psi) <= d lambda_max(rho) D(J || J') with rho its reduced state, with "
    "equality for the maximally entangled one; so half the diamond norm of E - F is at most d sqrt(D(J || J') / 2)",
    "derived: from the data processing inequality",
)
def channels(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    shown: list[Series] = []
    for d in SIDES:
        each = draws.per_group(pairs, 2 * len(SIDES))
        first, second = (_processes(rng, d, rank, each) for rank in (int(rng.integers(1, d**2 + 1)), d**2))
        whole = losses.relative_entropy(first, second)
        for rank in (1, d):
            rho = states.ginibre((d,), rng, batch=each, rank=rank)
            values, vectors = np.linalg.eigh(rho.matrix())
            root = (vectors * np.sqrt(d * np.clip(values, 0.0, None))[:, None]) @ draws.dagger(vectors)
            outputs = [_filtered(j, root, d) for j in (first, second)]
            bound = d * values[:, -1] * whole
            found = losses.relative_entropy(*outputs)
            worst.at_least(bound, found)
            distance = losses.trace_distance(*outputs)
            worst.at_least(d * losses.trace_distance(first, second), distance)
            worst.at_least(d * np.sqrt(whole / 2), distance)
            if d == SHOWN:
                name = "products" if rank == 1 else "entangled with a reference"
                shown.append(Series(name, bound[:MOST], found[:MOST], color=len(shown)))
        one = np.eye(d, dtype=np.complex128)
        worst.equal(losses.relative_entropy(*(_filtered(j, one, d) for j in (first, second))), whole)
    for n in (1, 2):  # of Pauli channels it is the cross entropy of the probabilities of the errors
        each = draws.per_group(pairs, 4)
        bell = _bell(n)
        p, logs = rng.dirichlet(np.ones(4**n), each), np.log(draws.SMALLEST) * rng.random((each, 4**n))
        logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
        data = DensityMatrix._trusted((bell * p[:, None]) @ bell.conj().T, (2,) * (2 * n))
        model = GibbsState(-(bell * logs[:, None]) @ bell.conj().T, (2,) * (2 * n))
        worst.equal(losses.cross_entropy(data, model), -(p * logs).sum(axis=-1))
    largest = max(float(series.x.max()) for series in shown)
    return worst.evidence(
        "random processes of every rank against one of full rank, in d = 2, 3, 4, for pure inputs that are products "
        "and entangled ones: relative entropies and trace distances of the outputs against those of the Choi states; "
        "and Pauli channels, whose S is the classical cross entropy of their errors",
        Panel(
            "What random inputs show of two processes on a qubit, against what their Choi states allow",
            "d lambda_max(rho) D(J || J'), nats",
            "D of the outputs, nats",
            (
                *shown,
                Series("equal", np.array([0.0, largest]), np.array([0.0, largest]), "dashed"),
            ),
            "No input tells two processes apart by more than their Choi states do, times d lambda_max(rho): 1 for a "
            "maximally entangled input, d for a product. A process learnt by S is near for every input.",
        ),
    )


def _processes(rng: np.random.Generator, d: int, rank: int, count: int) -> DensityMatrix:
    """Choi states of uniformly distributed isometries into d times an environment of so many dimensions."""
    v = haar_unitaries(rng, (count, d * rank, d)).reshape(count, d, rank, d)
    factor = np.moveaxis(v, -1, -3).reshape(count, d * d, rank) / math.sqrt(d)
    return DensityMatrix._trusted(factor @ draws.dagger(factor), (d, d))


def _filtered(choi: DensityMatrix, root: Complex, d: int) -> DensityMatrix:
    """(1 x E) of the pure inputs (A^T x 1) sqrt(d) Phi, with A (count, d, d): (A x 1) J (A x 1)^dagger."""
    wide = np.asarray(np.kron(root, np.eye(d)), dtype=np.complex128)
    m = wide @ choi.matrix() @ draws.dagger(wide)
    trace = np.trace(m, axis1=-2, axis2=-1).real
    return DensityMatrix._trusted((m + draws.dagger(m)) / (2 * trace[:, None, None]), (d, d))


def _bell(n: int) -> Complex:
    """The Choi states of all Pauli strings, as columns (16^n, 4^n)."""
    columns = [pauli(word).matrix().T.reshape(-1) for word in all_labels(4**n)]
    return np.asarray(np.stack(columns, axis=1) / math.sqrt(2**n))
