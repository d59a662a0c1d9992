"""Statements 14, 15 and 17: products, shards of data, and the classical limit."""

from __future__ import annotations

import itertools

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
    worst, each = Largest(), draws.spread(pairs, 2 * len(SHAPES))
    for shape in SHAPES:
        sigmas = [
            DensityMatrix.trusted(0.99 * states.ginibre((d,), rng, batch=each).matrix() + 0.01 * np.eye(d) / d, (d,))
            for d in shape
        ]  # no tiny eigenvalues, whose product rounding would drown
        sigma = DensityMatrix.trusted(product(*(s.matrix() for s in sigmas)), shape)
        rhos = [states.ginibre((d,), rng, batch=each).matrix() for d in shape]
        for joint in (product(*rhos), states.ginibre(shape, rng, rank=2, batch=each).matrix()):
            whole = losses.cross_entropy(DensityMatrix.trusted(joint, shape), sigma)
            parts = sum(
                losses.cross_entropy(DensityMatrix.trusted(operators.partial_trace_matrix(joint, [k], shape), (d,)), s)
                for k, (d, s) in enumerate(zip(shape, sigmas, strict=True))
            )
            worst.add(np.abs(whole - parts) / (1 + whole))
    return Evidence(
        "S of a product model against the sum over its factors, for product data and for correlated data of rank 2",
        worst.samples,
        worst.value,
        ROUNDING,
        (_chain(rng),),
    )


def sharding(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, shards = Largest(), 8
    each = draws.spread(pairs, 3 * len(draws.DIMS))
    left: list[Series] = []
    for color, d in enumerate(draws.DIMS):
        sigma = states.ginibre((d,), rng, batch=each)
        data = states.ginibre((d,), rng, rank=1, batch=each * shards).matrix().reshape(each, shards, d, d)
        pooled = DensityMatrix.trusted(data.mean(axis=1), (d,))
        parts = np.stack(
            [losses.cross_entropy(DensityMatrix.trusted(data[:, k], (d,)), sigma) for k in range(shards)], axis=1
        )
        whole = losses.cross_entropy(pooled, sigma)
        worst.add(np.abs(parts.mean(axis=1) - whole) / (1 + whole))
        slopes = np.stack([sigma.pull_log(-data[:, k]) for k in range(shards)], axis=1)
        of_whole = sigma.pull_log(-pooled.matrix())
        scale = 1 + np.abs(of_whole).max(axis=(-2, -1))
        worst.add(np.abs(of_whole - slopes.mean(axis=1)).max(axis=(-2, -1)) / scale)
        batches = list(itertools.combinations(range(shards), 2))  # every mini-batch of two shards, each as likely
        of_batches = [
            losses.cross_entropy(DensityMatrix.trusted(data[:, pair].mean(axis=1), (d,)), sigma) for pair in batches
        ]
        worst.add(np.abs(np.mean(of_batches, axis=0) - whole) / (1 + whole))
        counts = np.arange(1.0, shards + 1)
        values, pulls = np.cumsum(parts[0]) / counts, np.cumsum(slopes[0], axis=0) / counts[:, None, None]
        left.append(Series(f"S, d = {d}", counts, np.maximum(np.abs(values - whole[0]), 1e-17), "line", color=color))
        of_slopes = np.abs(pulls - of_whole[0]).max(axis=(-2, -1)) / scale[0]
        left.append(Series(f"derivative, d = {d}", counts, np.maximum(of_slopes, 1e-17), color=color))
    picture = Panel(
        "Eight shards of one data set, added up one after the other",
        "shards in the mean",
        "distance from all eight, nats",
        tuple(left),
        "A few shards are off by a tenth of a nat; the mean over all eight is exact to rounding, for the value and for "
        "the derivative (the largest entry, in units of 1 + its own size): machines can share the data and lose "
        "nothing.",
        log_y=True,
    )
    return Evidence(
        "value and derivative of the pooled data against the means over 8 shards of pure data, and the mean over all "
        "28 "
        "mini-batches of two shards",
        worst.samples,
        worst.value,
        ROUNDING,
        (picture,),
    )


def _chain(rng: np.random.Generator) -> Panel:
    """Thermal states of Ising chains against product models, whole and site by site."""
    sizes, whole, parts, entropy, entropies = range(2, 8), [], [], [], []
    fields = rng.normal(0.0, 0.7, (7, 3))
    for n in sizes:
        rho = states.thermal(operators.tfim(n), 1.0)
        sites = [states.partial_trace(rho, [k]) for k in range(n)]
        models = [DensityMatrix.trusted(draws.qubits(np.tanh(fields[k]) / 2), (2,)) for k in range(n)]
        whole.append(float(losses.cross_entropy(rho, states.tensor(*models))))
        parts.append(sum(float(losses.cross_entropy(a, b)) for a, b in zip(sites, models, strict=True)))
        entropy.append(float(rho.entropy()))
        entropies.append(sum(float(a.entropy()) for a in sites))
    x = np.array(sizes, dtype=np.float64)
    return Panel(
        "A product model of correlated data: thermal states of the transverse-field Ising chain",
        "sites",
        "nats",
        (
            Series("S of the whole", x, np.array(whole), color=0),
            Series("sum of S over the sites", x, np.array(parts), "line", color=0),
            Series("S(rho) of the whole", x, np.array(entropy), color=1),
            Series("sum of S(rho_k) over the sites", x, np.array(entropies), "line", color=1),
        ),
        "The cross entropy with a product model adds up although the data are correlated; the entropy does not: its "
        "sum "
        "exceeds that of the whole by the correlations, which no product model can learn.",
    )


def classical_limit(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), draws.spread(pairs, 2 * len(draws.DIMS))
    for d in draws.DIMS:
        p, q = rng.dirichlet(np.ones(d), each), rng.dirichlet(np.ones(d), each)
        known = -(p * np.log(q)).sum(axis=-1)
        diagonal = [DensityMatrix.from_probabilities(x, (d,)) for x in (p, q)]
        worst.add(np.abs(losses.cross_entropy(*diagonal) - known) / (1 + known))
        kept = q.min(axis=-1) > 1e-5
        basis = draws.unitaries(rng, d, each)[kept]
        turned = [DensityMatrix.trusted((basis * x[kept][:, None, :]) @ draws.dagger(basis), (d,)) for x in (p, q)]
        worst.add(np.abs(losses.cross_entropy(*turned) - known[kept]) / (1 + known[kept]))
    return Evidence(
        "S of commuting states, in the computational and in a common random basis (model weights above 1e-5), against "
        "the classical cross entropy of their probabilities",
        worst.samples,
        worst.value,
        1e-8,
        (_turned(),),
    )


def _turned() -> Panel:
    """S of a fixed pair of spectra while the eigenbasis of the model turns away from that of the data."""
    angle = np.linspace(0, np.pi / 2, 91)
    p = np.array([0.8, 0.2])
    c, s = np.cos(angle), np.sin(angle)
    basis = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    rho = DensityMatrix.trusted(np.broadcast_to(np.diag(p).astype(complex), (len(angle), 2, 2)).copy(), (2,))
    series = []
    for color, weight in enumerate((0.6, 0.8, 0.95)):
        q = np.array([weight, 1 - weight])
        sigma = DensityMatrix.trusted(((basis * q) @ basis.swapaxes(-1, -2)).astype(complex), (2,))
        classical = np.full_like(angle, -(p * np.log(q)).sum())
        name = f"eigenvalues of sigma {weight:g}, {1 - weight:.2g}"
        series.append(Series(f"S, {name}", angle, losses.cross_entropy(rho, sigma), "line", color=color))
        series.append(Series("-sum p log s of the eigenvalues", angle, classical, "dashed", color=color))
    return Panel(
        "Leaving the classical limit: a qubit, eigenvalues of rho 0.8 and 0.2",
        "angle between the eigenvectors of rho and sigma, radians",
        "nats",
        tuple(series),
        "At angle 0 the two commute and S is the classical cross entropy of their eigenvalues. At a right angle they "
        "commute again, with the eigenvalues swapped.",
    )
