"""Statements 14, 15 and 17: products, shards of data, and the classical limit."""

from __future__ import annotations

import itertools

import numpy as np

from qml import losses, operators, states
from qml._random import haar_unitaries
from qml._typing import Complex, Real
from qml.operators.sites import kron
from qml.principle import draws
from qml.principle.statement import COMMENT, Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix, GibbsState, ProductState, State

SHAPES = ((2, 2), (2, 3), (3, 2), (2, 4))
PRODUCTS = 40
"""At most so many product states of each shape, which are held as their factors and are not batches."""


@statement(
    14,
    "Extensivity",
    "S(rho_AB, sigma_A x sigma_B) = S(rho_A, sigma_A) + S(rho_B, sigma_B), for correlated data too",
    COMMENT,
)
def extensivity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), draws.per_group(pairs, 4 * len(SHAPES))
    for shape in SHAPES:
        dense = [
            DensityMatrix._trusted(0.99 * states.ginibre((d,), rng, batch=each).matrix() + 0.01 * np.eye(d) / d, (d,))
            for d in shape
        ]  # no tiny eigenvalues, whose product rounding would drown; those of nearly singular models are known
        near = [draws.nearly_singular(rng, d, each)[0] for d in shape]
        rhos = [states.ginibre((d,), rng, batch=each).matrix() for d in shape]
        for sigmas in (dense, near):
            sigma = draws.tensor(*sigmas)
            for joint in (kron(*rhos), states.ginibre(shape, rng, rank=2, batch=each).matrix()):
                whole = losses.cross_entropy(DensityMatrix._trusted(joint, shape), sigma)
                parts = sum(
                    losses.cross_entropy(DensityMatrix._trusted(reduced, (d,)), s)
                    for d, s, reduced in zip(shape, sigmas, _reduced(joint, shape), strict=True)
                )
                worst.equal(whole, parts)
        for k in range(min(PRODUCTS, max(8, pairs // 50))):
            _held_as_factors(rng, shape, k, worst)
    return worst.evidence(
        "S of a product model against the sum over its factors, for product data and for correlated data of rank 2: "
        "models held as one matrix, by their logarithm, and as their factors (ProductState) of full rank, nearly "
        "singular, diagonal or of lower rank, S = +inf of both where a factor lacks support",
        _chain(rng),
    )


def _held_as_factors(rng: np.random.Generator, shape: tuple[int, int], turn: int, worst: Largest) -> None:
    """One ProductState against what its factors were made of: product data, correlated data, data without support."""
    factors: list[State] = []
    known: list[tuple[Real, Complex]] = []
    for side, d in enumerate(shape):
        kind = (turn + side * (1 + turn // 4)) % 4
        factor, (logs,), (basis,) = draws.nearly_singular(rng, d, 1, as_factor=kind == 1)
        if kind == 2:
            basis = np.eye(d, dtype=np.complex128)
            factor = DensityMatrix.from_probabilities(np.exp(logs)[None], (d,))
        elif kind == 3:
            logs = np.append(np.log(rng.dirichlet(np.ones(d - 1))), -np.inf)
            factor = DensityMatrix.from_factor((basis[:, :-1] * np.exp(logs[:-1] / 2))[None], (d,))
        factors.append(factor[0])
        known.append((logs, basis))
    sigma = ProductState(factors)
    single = [states.ginibre((d,), rng) for d in shape]
    kept = [basis[:, np.isfinite(logs)] for logs, basis in known]
    supported = [draws.inside(rng, b[None], 1)[0] for b in kept]
    correlated = np.kron(*kept) @ states.ginibre((kept[0].shape[1] * kept[1].shape[1],), rng, rank=2).matrix()
    correlated = correlated @ np.kron(*kept).conj().T
    for rho in (ProductState(supported), DensityMatrix._trusted(correlated, shape), ProductState(single)):
        parts = 0.0
        for (logs, basis), reduced in zip(known, _reduced(rho.matrix()[None], shape), strict=True):
            p = draws.populations(reduced, basis[None])[0]
            lost = bool((p[np.isinf(logs)] > 1e-12).any())
            parts += np.inf if lost else -float((p * np.where(np.isfinite(logs), logs, 0.0)).sum())
        worst.equal(losses.cross_entropy(rho, sigma), parts, infinite=True)


def _reduced(joint: Complex, shape: tuple[int, ...]) -> list[Complex]:
    return [operators.partial_trace_matrix(joint, [k], shape) for k in range(len(shape))]


@statement(15, "Parallel processing", "S and its derivative are linear in rho: shards of data are exact", COMMENT)
def sharding(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, shards = Largest(), 8
    each = draws.per_group(pairs, 3 * len(draws.DIMS))
    left: list[Series] = []
    for color, d in enumerate(draws.DIMS):
        sigma = states.ginibre((d,), rng, batch=each)
        near, _, _ = draws.nearly_singular(rng, d, each)
        data = states.ginibre((d,), rng, rank=1, batch=each * shards).matrix().reshape(each, shards, d, d)
        pooled = DensityMatrix._trusted(data.mean(axis=1), (d,))

        def of_shards(model: State, data: Complex = data, d: int = d) -> Real:
            one = [losses.cross_entropy(DensityMatrix._trusted(data[:, k], (d,)), model) for k in range(shards)]
            return np.stack(one, axis=1)

        parts, whole = of_shards(sigma), losses.cross_entropy(pooled, sigma)
        worst.equal(parts.mean(axis=1), whole)
        worst.equal(of_shards(near).mean(axis=1), losses.cross_entropy(pooled, near))
        slopes = np.stack([sigma.pull_log(-data[:, k]) for k in range(shards)], axis=1)
        of_whole = sigma.pull_log(-pooled.matrix())
        scale = 1 + np.abs(of_whole).max(axis=(-2, -1))
        worst.add(np.abs(of_whole - slopes.mean(axis=1)).max(axis=(-2, -1)) / scale)
        batches = list(itertools.combinations(range(shards), 2))  # every mini-batch of two shards, each as likely
        of_batches = [
            losses.cross_entropy(DensityMatrix._trusted(data[:, pair].mean(axis=1), (d,)), sigma) for pair in batches
        ]
        worst.equal(np.mean(of_batches, axis=0), whole)
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
    return worst.evidence(
        "value and derivative of the pooled data against the means over 8 shards of pure data, and the mean over all "
        "28 mini-batches of two shards",
        picture,
    )


def _chain(rng: np.random.Generator) -> Panel:
    """Thermal states of Ising chains against product models, whole and site by site."""
    sizes, found = range(2, 8), []
    fields = rng.normal(0.0, 0.7, (7, 3))
    for n in sizes:
        rho = states.thermal(operators.tfim(n), 1.0)
        sites = [states.partial_trace(rho, [k]) for k in range(n)]
        models = [DensityMatrix._trusted(draws.qubits(np.tanh(fields[k]) / 2), (2,)) for k in range(n)]
        parts = sum(float(losses.cross_entropy(a, b)) for a, b in zip(sites, models, strict=True))
        whole = float(losses.cross_entropy(rho, states.tensor(*models)))
        found.append((whole, parts, float(rho.entropy()), sum(float(a.entropy()) for a in sites)))
    x, (wholes, sums, entropy, entropies) = np.array(sizes, dtype=np.float64), np.array(found).T
    return Panel(
        "A product model of correlated data: thermal states of the transverse-field Ising chain",
        "sites",
        "nats",
        (
            Series("S of the whole", x, wholes, color=0),
            Series("sum of S over the sites", x, sums, "line", color=0),
            Series("S(rho) of the whole", x, entropy, color=1),
            Series("sum of S(rho_k) over the sites", x, entropies, "line", color=1),
        ),
        "The cross entropy with a product model adds up although the data are correlated; the entropy does not: its "
        "sum exceeds that of the whole by the correlations, which no product model can learn.",
    )


@statement(
    17, "The classical limit", "commuting states give the classical cross entropy", "derived: from the definition"
)
def classical_limit(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), draws.per_group(pairs, 4 * len(draws.DIMS))
    for d in draws.DIMS:
        p = rng.dirichlet(np.ones(d), each)
        for small in (False, True):
            logs = draws.nearly_singular(rng, d, each)[1] if small else np.log(rng.dirichlet(np.ones(d), each))
            known = -(p * logs).sum(axis=-1)
            diagonal = [DensityMatrix.from_probabilities(x, (d,)) for x in (p, np.exp(logs))]
            worst.equal(losses.cross_entropy(*diagonal), known)
            basis = haar_unitaries(rng, (each, d, d))
            rho = DensityMatrix._trusted((basis * p[:, None, :]) @ draws.dagger(basis), (d,))
            turned = GibbsState(-(basis * logs[:, None, :]) @ draws.dagger(basis), (d,))
            worst.equal(losses.cross_entropy(rho, turned), known)
        zeros = rng.random((each, d)) < 0.3  # impossible events, of the data and of the model: 0 log 0 = 0
        zeros[:, 0] = False
        data, model = (np.where(zeros, 0.0, x) for x in (p, np.exp(logs)))
        data, model = (x / x.sum(axis=-1, keepdims=True) for x in (data, model))
        safe = -(data * np.log(np.where(zeros, 1.0, model))).sum(axis=-1)
        rho, whole, sigma = (DensityMatrix.from_probabilities(x, (d,)) for x in (data, p, model))
        worst.equal(losses.cross_entropy(rho, sigma), safe)
        known = np.where(zeros.any(axis=-1), np.inf, -(p * logs).sum(axis=-1))
        worst.equal(losses.cross_entropy(whole, sigma), known, infinite=True)
    return worst.evidence(
        "S of commuting states, in the computational and in a common random basis, against the classical cross entropy "
        f"of their probabilities: model weights down to {draws.SMALLEST:.0e}, and zero, with +inf where the data have "
        "what the model excludes",
        _turned(),
    )


def _turned() -> Panel:
    """S of a fixed pair of spectra while the eigenbasis of the model turns away from that of the data."""
    angle = np.linspace(0, np.pi / 2, 91)
    p = np.array([0.8, 0.2])
    c, s = np.cos(angle), np.sin(angle)
    basis = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    rho = DensityMatrix.from_probabilities(p)
    series = []
    for color, weight in enumerate((0.6, 0.8, 0.95)):
        q = np.array([weight, 1 - weight])
        sigma = DensityMatrix._trusted(((basis * q) @ basis.swapaxes(-1, -2)).astype(complex), (2,))
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
