"""Statements 14, 15 and 17: products, shards of data, and the classical limit."""

from __future__ import annotations

import numpy as np

from qml import losses, operators, states
from qml._typing import Complex
from qml.principle import draws
from qml.principle.bounds import ROUNDING, Largest
from qml.principle.statement import Evidence, Panel, Series
from qml.states import DensityMatrix

SHAPES = ((2, 2), (2, 3), (3, 2), (2, 4))


def product(a: Complex, b: Complex) -> Complex:
    """Tensor products of matrices over the leading axis."""
    d = a.shape[-1] * b.shape[-1]
    return np.asarray(np.einsum("...ij,...kl->...ikjl", a, b).reshape(*a.shape[:-2], d, d))


def extensivity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), max(1, pairs // (2 * len(SHAPES)))
    for shape in SHAPES:
        sigmas = [
            DensityMatrix.trusted(0.99 * states.ginibre(d, rng, batch=each).matrix() + 0.01 * np.eye(d) / d, d)
            for d in shape
        ]  # no tiny eigenvalues, whose product rounding would drown
        sigma = DensityMatrix.trusted(product(*(s.matrix() for s in sigmas)), shape)
        rhos = [states.ginibre(d, rng, batch=each).matrix() for d in shape]
        for joint in (product(*rhos), states.ginibre(shape, rng, rank=2, batch=each).matrix()):
            whole = losses.cross_entropy(DensityMatrix.trusted(joint, shape), sigma)
            parts = sum(
                losses.cross_entropy(DensityMatrix.trusted(operators.partial_trace_matrix(joint, [k], shape), d), s)
                for k, (d, s) in enumerate(zip(shape, sigmas, strict=True))
            )
            worst.add(np.abs(whole - parts) / (1 + whole))
    return Evidence(
        "S of a product model against the sum over its factors, for product data and for correlated data of rank 2",
        worst.samples,
        worst.value,
        ROUNDING,
    )


def sharding(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, shards = Largest(), 8
    each = max(1, pairs // (4 * shards))
    spread: list[float] = []
    for d in draws.DIMS:
        sigma = states.ginibre(d, rng, batch=each)
        data = states.ginibre(d, rng, rank=1, batch=each * shards).matrix().reshape(each, shards, d, d)
        pooled = DensityMatrix.trusted(data.mean(axis=1), d)
        parts = np.stack(
            [losses.cross_entropy(DensityMatrix.trusted(data[:, k], d), sigma) for k in range(shards)], axis=1
        )
        whole = losses.cross_entropy(pooled, sigma)
        worst.add(np.abs(parts.mean(axis=1) - whole) / (1 + whole))
        of_whole = sigma.pull_log(-pooled.matrix())
        of_parts = np.mean([sigma.pull_log(-data[:, k]) for k in range(shards)], axis=0)
        worst.add(np.abs(of_whole - of_parts).max(axis=(-2, -1)) / (1 + np.abs(of_whole).max(axis=(-2, -1))))
        spread += (parts[0] - whole[0]).tolist()
    picture = Panel(
        "Eight shards of one data set, for one model of each dimension",
        "shard",
        "S of the shard - S of the whole, nats",
        tuple(
            Series(f"d = {d}", np.arange(1.0, shards + 1), np.array(spread[k * shards : (k + 1) * shards]))
            for k, d in enumerate(draws.DIMS)
        ),
    )
    return Evidence(
        "value and derivative of the pooled data against the means over 8 shards, pure data",
        worst.samples,
        worst.value,
        ROUNDING,
        (picture,),
    )


def classical_limit(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), max(1, pairs // (2 * len(draws.DIMS)))
    for d in draws.DIMS:
        p, q = rng.dirichlet(np.ones(d), each), rng.dirichlet(np.ones(d), each)
        known = -(p * np.log(q)).sum(axis=-1)
        diagonal = [DensityMatrix.from_probabilities(x, d) for x in (p, q)]
        worst.add(np.abs(losses.cross_entropy(*diagonal) - known) / (1 + known))
        kept = q.min(axis=-1) > 1e-5
        basis = draws.unitaries(rng, d, each)[kept]
        turned = [DensityMatrix.trusted((basis * x[kept][:, None, :]) @ draws.dagger(basis), d) for x in (p, q)]
        worst.add(np.abs(losses.cross_entropy(*turned) - known[kept]) / (1 + known[kept]))
    return Evidence(
        "S of commuting states, in the computational and in a common random basis (model weights above 1e-5), against "
        "the classical cross entropy of their probabilities",
        worst.samples,
        worst.value,
        1e-8,
    )
