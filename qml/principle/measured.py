"""Statements 7 to 10, 12 and 13: undisturbed data, measured data, and what measuring first costs."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._typing import Complex, Real
from qml.principle import draws
from qml.principle.bounds import ROUNDING, Largest
from qml.principle.statement import Evidence, Panel, Series
from qml.principle.structure import product
from qml.states import DensityMatrix

CHANCE = 5.0
"""Standard errors that chance explains: a deviation beyond has a probability below 1e-6 per look."""


def undisturbed(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        values, vectors = np.linalg.eigh(sigma.matrix())
        p = _populations(rho.matrix(), vectors)
        s = losses.cross_entropy(rho, sigma)
        worst.add(np.abs(s + (p * np.log(values)).sum(axis=-1)) / (1 + s))
        if rho.dim <= 3:
            well = values[:, 0] > 1e-3  # the smallest eigenvalue of two copies is its square, and rounding is absolute
            twice = [DensityMatrix.trusted(product(x.matrix(), x.matrix())[well], rho.dim**2) for x in (rho, sigma)]
            worst.add((np.abs(losses.cross_entropy(*twice) - 2 * s[well]) / (1 + s[well])).ravel())
    return Evidence(
        "S against the expected negative log-likelihood -sum p_j log s_j of a measurement in the model's eigenbasis; "
        "two copies against twice one (model weights above 1e-3)",
        worst.samples,
        worst.value,
        ROUNDING,
    )


def shots(rng: np.random.Generator, pairs: int) -> Evidence:
    count, n, repeats = max(5, pairs // 100), 50, 2000
    means, variances = [], []
    for d in draws.DIMS:
        rho, sigma = (states.ginibre(d, rng, batch=count) for _ in range(2))
        values, vectors = np.linalg.eigh(sigma.matrix())
        p, cost = _populations(rho.matrix(), vectors), -np.log(values)
        s = losses.cross_entropy(rho, sigma)
        variance = (p * np.square(cost)).sum(axis=-1) - np.square(s)
        counts = rng.multinomial(n, p / p.sum(axis=-1, keepdims=True), size=(repeats, count))
        estimates = (counts * cost).sum(axis=-1) / n
        means += ((estimates.mean(axis=0) - s) / np.sqrt(variance / n / repeats)).tolist()
        centered = np.square(estimates - s)
        error = centered.std(axis=0) / np.sqrt(repeats)
        variances += ((centered.mean(axis=0) - variance / n) / error).tolist()
    return Evidence(
        f"{repeats} estimates from {n} shots each, for every pair: their mean against S and their variance against "
        "[Tr rho (log sigma)² - S²]/n, in standard errors",
        len(means) + len(variances),
        float(np.abs([*means, *variances]).max()),
        CHANCE,
    )


def measured_first(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for rho, sigma in draws.pairs(rng, pairs):
        values, vectors = np.linalg.eigh(sigma.matrix())
        basis = draws.unitaries(rng, rho.dim, len(values))
        f = draws.frequencies(rng, _populations(rho.matrix(), basis), 100)
        s, nll = _of_empirical(f, basis, sigma), -(f * np.log(_populations(sigma.matrix(), basis))).sum(axis=-1)
        worst.add((nll - s) / (1 + s))
        f = draws.frequencies(rng, _populations(rho.matrix(), vectors), 100)
        worst.add(np.abs(_of_empirical(f, vectors, sigma) + (f * np.log(values)).sum(axis=-1)) / (1 + s))
    return Evidence(
        "NLL - S(rho_hat, sigma) <= 0 for frequencies of 100 shots in random bases; equality in the eigenbasis of "
        "sigma",
        worst.samples,
        worst.value,
        ROUNDING,
        (_gap_against_angle(),),
    )


def any_povm(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for d in draws.DIMS:
        each = max(1, pairs // 4)
        rho, sigma = states.ginibre(d, rng, batch=each), states.ginibre(d, rng, batch=each)
        effects = draws.povms(rng, d, d + 2, each)
        weights = np.trace(effects, axis1=-2, axis2=-1).real
        f = draws.frequencies(rng, draws.trace(effects, rho.matrix()[:, None]), 100)
        f = np.where(weights > 1e-12, f, 0.0)
        safe = np.where(weights > 1e-12, weights, 1.0)
        empirical = np.einsum("bk,bkij->bij", f / safe, effects)
        s = losses.cross_entropy(DensityMatrix.trusted(empirical, d), sigma)
        p = np.where(f > 0, draws.trace(effects, sigma.matrix()[:, None]), 1.0)
        bound = -(f * np.log(p)).sum(axis=-1) + (f * np.log(safe)).sum(axis=-1)
        worst.add((bound - s) / (1 + s))
    return Evidence(
        "NLL + sum f_k log Tr M_k - S(rho_hat, sigma) <= 0 for random measurements of d + 2 outcomes of random ranks",
        worst.samples,
        worst.value,
        ROUNDING,
    )


def price_of_measuring(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), max(1, pairs // 20)
    for d in (2, 3, 5):  # the d + 1 mutually unbiased bases of a prime dimension are a 2-design
        rho = states.ginibre(d, rng, batch=each)
        empirical = _empirical(rho.matrix(), _unbiased_bases(d))
        expected = (rho.matrix() + np.eye(d)) / (d + 1)
        worst.add(np.abs(empirical - expected).max(axis=(-2, -1)))
    pauli = _unbiased_bases(2)
    joint = states.ginibre((2, 2), rng, batch=each).matrix()
    twice = np.einsum("aij,bkl->abikjl", pauli, pauli).reshape(9, 4, 4)
    marginals = [
        product(_partial(joint, 0), np.broadcast_to(np.eye(2), (each, 2, 2))),
        product(np.broadcast_to(np.eye(2), (each, 2, 2)), _partial(joint, 1)),
    ]
    worst.add(np.abs(_empirical(joint, twice) - (joint + sum(marginals) + np.eye(4)) / 9).max(axis=(-2, -1)))
    for d in draws.DIMS:  # the empirical state, not rho, is the best model of S; the likelihood is best at rho
        rho, other = states.ginibre(d, rng, batch=each), states.ginibre(d, rng, batch=each)
        biased = DensityMatrix.trusted((rho.matrix() + np.eye(d)) / (d + 1), d)
        worst.add(losses.cross_entropy(biased, biased) - losses.cross_entropy(biased, other))
        bases = draws.unitaries(rng, d, 2 * d + 1)
        p, q = (np.einsum("kia,bij,kja->bka", bases.conj(), x.matrix(), bases).real for x in (rho, other))
        worst.add(((p * np.log(q)).sum(axis=-1) - (p * np.log(p)).sum(axis=-1)).max(axis=-1))
    return Evidence(
        "the empirical state at infinite shots: (rho + 1)/(d + 1) from mutually unbiased bases (d = 2, 3, 5; Pauli-6 "
        "is d = 2), its tensor power for two qubits; it minimises S(rho_hat, .), while the likelihood of every basis "
        "is largest at rho",
        worst.samples,
        worst.value,
        ROUNDING,
        (_bias(rng),),
    )


def deferred(rng: np.random.Generator, pairs: int) -> Evidence:
    """Along gradient descent of a Gibbs state sigma = exp(-K)/Z of two qubits: dS/dK = rho - sigma."""
    worst, d, steps = Largest(), 4, 60
    batch = max(4, pairs // (50 * steps))
    rho = states.ginibre(d, rng, rank=3, batch=batch)
    k = np.zeros((batch, d, d), dtype=np.complex128)
    fixed = draws.unitaries(rng, d, batch)
    first: list[list[float]] = [[], [], []]
    for _ in range(steps):
        sigma = states.GibbsState(k, d)
        logs, basis = sigma.spectrum().log_eigenvalues, sigma.spectrum().basis
        assert basis is not None
        turned = draws.frequencies(rng, _populations(rho.matrix(), basis), 1000)
        own = np.abs(_of_empirical(turned, basis, sigma) + (turned * logs).sum(axis=-1))
        worst.add(own)
        plain = draws.frequencies(rng, _populations(rho.matrix(), fixed), 1000)
        nll = -(plain * np.log(_populations(sigma.matrix(), fixed))).sum(axis=-1)
        gap = _of_empirical(plain, fixed, sigma) - nll
        worst.add(-gap)
        for kept, value in zip(first, (gap[0], own[0], losses.relative_entropy(rho, sigma)[0]), strict=True):
            kept.append(max(float(value), 1e-17))
        k = k - 2.0 * (rho.matrix() - sigma.matrix())
    x = np.arange(float(steps))
    picture = Panel(
        "Gap between S(rho_hat, sigma) and NLL during training (1000 shots a step)",
        "step",
        "nats",
        (
            Series("measured in a fixed basis", x, np.array(first[0]), line=True),
            Series("deferred: the model's eigenbasis", x, np.array(first[1])),
            Series("D(rho || sigma)", x, np.array(first[2]), line=True),
        ),
        log_y=True,
    )
    return Evidence(
        f"{batch} training runs of {steps} steps with fresh shots: the gap in the model's eigenbasis is zero at every "
        "step, in a fixed basis never negative",
        worst.samples,
        worst.value,
        ROUNDING,
        (picture,),
    )


def _populations(matrix: Complex, basis: Complex) -> Real:
    """<v_j|X|v_j> (batch, d) for the columns of bases (batch, d, d)."""
    return np.asarray((basis.conj() * (matrix @ basis)).sum(axis=-2).real)


def _of_empirical(f: Real, basis: Complex, sigma: states.State) -> Real:
    """S of the empirical state sum_x f_x |x><x|."""
    empirical = (basis * f[..., None, :]) @ draws.dagger(basis)
    return losses.cross_entropy(DensityMatrix.trusted(empirical, sigma.dims), sigma)


def _partial(joint: Complex, keep: int) -> Complex:
    parts = joint.reshape(-1, 2, 2, 2, 2)
    return np.asarray(np.einsum("bijkj->bik", parts) if keep == 0 else np.einsum("bijil->bjl", parts))


def _unbiased_bases(d: int) -> Complex:
    """Columns of the d + 1 mutually unbiased bases of a prime d, shape (d + 1, d, d): Wootters and Fields (1989)."""
    x = np.arange(d)
    if d == 2:
        root = np.sqrt(0.5)
        return np.array([[[1, 0], [0, 1]], [[root, root], [root, -root]], [[root, root], [1j * root, -1j * root]]])
    omega = np.exp(2j * np.pi / d)
    chirped = [omega ** (k * x[:, None] ** 2 + x[:, None] * x[None, :]) / np.sqrt(d) for k in range(d)]
    return np.stack([np.eye(d, dtype=np.complex128), *chirped])


def _empirical(matrix: Complex, bases: Complex) -> Complex:
    """The empirical state at infinite shots, all bases measured equally often: (batch, d, d)."""
    p = np.einsum("kia,bij,kja->bka", bases.conj(), matrix, bases).real
    return np.asarray(np.einsum("bka,kia,kja->bij", p, bases, bases.conj()) / len(bases))


def _gap_against_angle() -> Panel:
    """A qubit with rho = sigma, the basis turned by an angle about y."""
    angle = np.linspace(0, np.pi, 121)
    series = []
    for weight in (0.6, 0.8, 0.95):
        sigma = DensityMatrix.from_probabilities([weight, 1 - weight])
        c, s = np.cos(angle / 2), np.sin(angle / 2)
        basis = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2).astype(np.complex128)
        f = _populations(np.broadcast_to(sigma.matrix(), (len(angle), 2, 2)), basis)
        whole = DensityMatrix.trusted(np.broadcast_to(sigma.matrix(), (len(angle), 2, 2)), 2)
        gap = _of_empirical(f, basis, whole) + (f * np.log(f)).sum(axis=-1)
        series.append(Series(f"largest weight of sigma {weight}", angle, gap, line=True))
    return Panel(
        "A qubit measured off the eigenbasis of sigma = rho",
        "angle between measurement and eigenbasis, radians",
        "S(rho_hat, sigma) - NLL, nats",
        tuple(series),
    )


def _bias(rng: np.random.Generator) -> Panel:
    """Distance from rho of the minimiser of S(rho_hat, .), against the number of shots, Pauli-6 on one qubit."""
    shots = np.unique(np.logspace(1, 6, 21).astype(int))
    rho = DensityMatrix.from_probabilities([0.9, 0.1]).matrix()[None]
    bases = _unbiased_bases(2)
    p = np.einsum("kia,bij,kja->ka", bases.conj(), rho, bases).real
    distance, unbiased = [], []
    for n in shots:
        f = draws.frequencies(rng, np.broadcast_to(p, (200, *p.shape)), int(n))
        empirical = np.einsum("bka,kia,kja->bij", f, bases, bases.conj()) / 3
        distance.append(np.abs(np.linalg.eigvalsh(empirical - rho)).sum(axis=-1).mean() / 2)
        linear = 3 * empirical - np.eye(2)
        unbiased.append(np.abs(np.linalg.eigvalsh(linear - rho)).sum(axis=-1).mean() / 2)
    x = shots.astype(np.float64)
    return Panel(
        "Distance to the true qubit from Pauli-6 records (mean of 200)",
        "log10 of shots a basis",
        "trace distance",
        (
            Series("minimiser of S(rho_hat, .): rho_hat itself", np.log10(x), np.array(distance), line=True),
            Series("consistent: linear inversion", np.log10(x), np.array(unbiased), line=True),
        ),
        log_y=True,
    )
