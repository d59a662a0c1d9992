"""Statements 1 to 6 and 16: what the cross entropy is, what bounds it, and pictures of both."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._arrays import trace_of_product
from qml._random import haar_unitaries
from qml._typing import Real
from qml.principle import draws
from qml.principle.statement import PAPER, Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix, GibbsState, State


@statement(
    1,
    "The quantum cross entropy",
    "S(rho, sigma) = -Tr rho log sigma is finite iff supp rho lies in supp sigma, else +inf; 0 log 0 = 0",
    PAPER,
)
def definition(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        worst.equal(losses.cross_entropy(pair.rho, pair.sigma), pair.expected)
    for d in draws.DIMS:
        for _ in range(3):
            s = losses.cross_entropy(*draws.outside(rng, d, max(1, pairs // 40)))
            worst.equal(s, np.inf, infinite=True)
    return worst.evidence(
        "-sum p_j log s_j over the eigenvectors that the model was made of, against S: models of full rank, nearly "
        f"singular ones (eigenvalues down to {draws.SMALLEST:.0e}), models of lower rank with rho inside their support "
        "(finite) and outside (exactly +inf)",
        _support(),
    )


@statement(2, "Entropy plus divergence", "S(rho, sigma) = S(rho) + D(rho || sigma)", "derived: from the definitions")
def decomposition(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        values = np.linalg.eigvalsh(pair.rho.matrix())
        kept = values > 1e-13  # 0 log 0 = 0; below, the term is below rounding
        own = np.where(kept, values * np.log(np.where(kept, values, 1.0)), 0.0).sum(axis=-1)
        divergence = own - trace_of_product(pair.rho.matrix(), pair.logarithm)
        s = losses.cross_entropy(pair.rho, pair.sigma)
        worst.equal(s - pair.rho.entropy(), divergence, 1 + np.abs(s))
        worst.equal(losses.relative_entropy(pair.rho, pair.sigma), divergence, 1 + np.abs(s))
    return worst.evidence(
        "S(rho, sigma) - S(rho), and D of the library, against Tr rho (log rho - log sigma) of the matrix logarithms",
        _floor(rng),
    )


@statement(
    3, "Klein's inequality", "S(rho, sigma) >= S(rho), with equality iff sigma = rho", "Klein (1931), Z. Phys. 72, 767"
)
def klein(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        rho, sigma = pair.rho, pair.sigma
        worst.at_least(losses.cross_entropy(rho, sigma), rho.entropy())
        worst.equal(losses.cross_entropy(rho, rho), rho.entropy())
        own = -(np.exp(pair.logs) * pair.logs).sum(axis=-1)
        worst.equal(losses.cross_entropy(sigma, sigma), own)
    for d in draws.DIMS:  # only if: however near sigma is to rho, S is larger than S(rho)
        each = draws.per_group(pairs, 10 * len(draws.DIMS))
        rho, other = (states.ginibre((d,), rng, batch=each) for _ in range(2))
        part = 10 ** rng.uniform(-5, 0, (each, 1, 1))
        sigma = DensityMatrix._trusted((1 - part) * rho.matrix() + part * other.matrix(), (d,))
        gap = losses.cross_entropy(rho, sigma) - rho.entropy()
        distance = np.abs(np.linalg.eigvalsh(rho.matrix() - sigma.matrix())).sum(axis=-1)
        worst.require(distance > 1e-8)
        worst.add(np.where(gap > np.square(distance) / 4, -gap, np.inf))
    return worst.evidence(
        "S(rho) - S(rho, sigma) <= 0; S(rho, rho) = S(rho) for states of every rank and nearly singular ones; and "
        "S(rho, sigma) - S(rho) above a quarter of the squared trace norm of the difference, which is not zero, for "
        "sigma as near to rho as one part in 10^5",
        _rungs(rng),
    )


@statement(
    4,
    "Jensen's bound",
    "S(rho, sigma) >= -log Tr(rho sigma), with equality iff supp rho lies in one eigenspace of sigma",
    PAPER,
)
def jensen(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        s = losses.cross_entropy(pair.rho, pair.sigma)
        gap = s + np.log(trace_of_product(pair.rho.matrix(), pair.sigma.matrix()))
        worst.add(np.where((gap > 0) & np.isfinite(s), -gap / (1 + s), np.inf))  # no random rho is in an eigenspace
    for d in draws.DIMS:  # equality: rho in an eigenspace of dimension 2 or more, the other eigenvalues of any size
        each = max(1, pairs // 20)
        basis = haar_unitaries(rng, (each, d, d))
        logs = np.log(draws.SMALLEST) * rng.random((each, d))
        logs[:, :2] = np.log(rng.uniform(0.01, 1.0, (each, 1)))
        logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
        sigma = GibbsState(-(basis * logs[:, None, :]) @ draws.dagger(basis), (d,))
        worst.equal(losses.cross_entropy(draws.inside(rng, basis[..., :2], 2), sigma), -logs[:, 0])
    return worst.evidence(
        "-log Tr(rho sigma) - S(rho, sigma) < 0 for random pairs, and equality for rho inside one eigenspace of sigma",
        _eigenspace(rng),
    )


@statement(
    5, "The fidelity bound", "S(rho, sigma) >= S(rho) - log F(rho, sigma); not ordered with Jensen's bound", PAPER
)
def fidelity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, orders = Largest(), [0, 0]
    for pair in draws.pairs(rng, pairs):
        rho, sigma = pair.rho, pair.sigma
        s = losses.cross_entropy(rho, sigma)
        bound = rho.entropy() - np.log(losses.fidelity(rho, sigma))
        worst.at_least(s, bound)
        other = -np.log(trace_of_product(rho.matrix(), sigma.matrix()))
        orders[0] += int((bound > other + 1e-9).sum())
        orders[1] += int((bound < other - 1e-9).sum())
        if rho.rank().max() == 1:
            worst.at_least(s, other)
        worst.equal(losses.cross_entropy(sigma, sigma), sigma.entropy() - np.log(losses.fidelity(sigma, sigma)))
    worst.require(min(orders) > 0 or pairs < 100)
    return worst.evidence(
        f"S(rho) - log F - S(rho, sigma) <= 0, with equality at sigma = rho; this bound is the larger one for "
        f"{orders[0]} pairs, that of Jensen for {orders[1]}: they are not ordered",
        _not_ordered(rng),
    )


@statement(
    6,
    "Pinsker's inequality and the spectrum",
    "S(rho, sigma) - S(rho) >= ||rho - sigma||_1^2 / 2, and -log lambda_max(sigma) <= S <= -log lambda_min(sigma)",
    "Hiai, Ohya and Tsukada (1981), Pacific J. Math. 96, 99",
)
def pinsker(rng: np.random.Generator, pairs: int) -> Evidence:
    worst = Largest()
    for pair in draws.pairs(rng, pairs):
        rho, sigma, logs = pair.rho, pair.sigma, pair.logs
        s = losses.cross_entropy(rho, sigma)
        worst.at_least(s, rho.entropy() + 2 * np.square(losses.trace_distance(rho, sigma)))
        worst.at_least(s, -logs.max(axis=-1))
        worst.at_least(-logs.min(axis=-1), s)
        for extreme in (logs.argmax(axis=-1), logs.argmin(axis=-1)):  # both ends are reached by eigenvectors
            vector = np.take_along_axis(pair.basis, extreme[:, None, None], axis=-1)
            reached = losses.cross_entropy(DensityMatrix.from_factor(vector, (pair.dim,)), sigma)
            worst.equal(reached, -np.take_along_axis(logs, extreme[:, None], axis=-1)[:, 0])
    return worst.evidence(
        "the squared trace norm over 2 against S(rho, sigma) - S(rho), and S between the extreme -log eigenvalues, "
        "which it reaches at their eigenvectors",
        _slack(rng),
    )


@statement(
    16,
    "Convexity and symmetry",
    "S is convex in sigma, unitarily invariant and not symmetric",
    "Lieb (1973), Adv. Math. 11, 267",
)
def convexity(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, asymmetry = Largest(), 0.0
    for pair in draws.pairs(rng, pairs):
        rho, sigma, d = pair.rho, pair.sigma, pair.dim
        batch = len(pair.logs)
        other = states.ginibre((d,), rng, batch=batch)
        weight = rng.random((batch, 1, 1))
        middle = DensityMatrix._trusted(weight * sigma.matrix() + (1 - weight) * other.matrix(), (d,))
        s, t = losses.cross_entropy(rho, sigma), losses.cross_entropy(rho, other)
        chord = weight[:, 0, 0] * s + (1 - weight[:, 0, 0]) * t
        worst.at_least(chord, losses.cross_entropy(rho, middle))
        u = haar_unitaries(rng, (batch, d, d))
        worst.equal(losses.cross_entropy(draws.rotated(rho, u), draws.rotated(sigma, u)), s)
        if rho.rank().min() == d:
            asymmetry = max(asymmetry, float(np.abs(losses.cross_entropy(sigma, rho) - s).max()))
    for d in draws.DIMS:  # a full model of singular data, and the other way round
        rho, sigma = draws.outside(rng, d, max(1, pairs // 40))
        mixed = DensityMatrix._trusted(0.5 * rho.matrix() + 0.5 * np.eye(d) / d, (d,))
        worst.require(np.isfinite(losses.cross_entropy(sigma, mixed)))
        worst.require(losses.cross_entropy(mixed, sigma) == np.inf)
    worst.require(asymmetry > 0.01)
    return worst.evidence(
        "the value at a mixture of models against the chord; the value after a common random unitary; swapping the "
        f"arguments changes S by up to {asymmetry:.2g} nats, and from finite to +inf where only one has full rank",
        *_chords(rng),
        tolerance=1e-9,
    )


def _bounds_of(rho: DensityMatrix, sigma: State) -> dict[str, Real]:
    """Every bound on S(rho, sigma) of statements 3 to 6 by name, the last one from above."""
    entropy, logs = rho.entropy(), sigma.spectrum().log_eigenvalues
    inside = np.where(np.isfinite(logs), logs, np.inf)
    return {
        "S(rho)  (3, Klein)": entropy,
        "-log Tr(rho sigma)  (4, Jensen)": -np.log(trace_of_product(rho.matrix(), sigma.matrix())),
        "S(rho) - log F  (5)": entropy - np.log(losses.fidelity(rho, sigma)),
        "S(rho) + ||rho - sigma||² / 2  (6, Pinsker)": entropy + 2 * np.square(losses.trace_distance(rho, sigma)),
        "-log lambda_max  (6)": -logs.max(axis=-1),
        "-log lambda_min  (6, from above)": -inside.min(axis=-1),
    }


def _support() -> Panel:
    """S of two-level states while the model loses a direction."""
    small = np.logspace(-300, 0, 61, base=10.0) / 2
    series = []
    for weight in (0.5, 0.1, 0.01, 0.0):
        rho = DensityMatrix.from_probabilities([1 - weight, weight])
        sigma = DensityMatrix.from_probabilities(np.stack([1 - small, small], axis=-1))
        s = losses.cross_entropy(rho, sigma)
        series.append(Series(f"<1|rho|1> = {weight:g}", np.log10(small), s, "line"))
    return Panel(
        "A model that loses the direction |1>: sigma = diag(1 - s, s)",
        "log10 of s, the weight of |1> in the model",
        "S(rho, sigma), nats",
        tuple(series),
        "A weight w of the data on the lost direction costs -w log s: without bound, and exactly +inf at s = 0. "
        "Nothing is clipped at 1e-16 or anywhere. With w = 0 the direction does not matter (0 log 0 = 0).",
    )


def _floor(rng: np.random.Generator) -> Panel:
    """S, S(rho) and D on the way from one model through rho to another."""
    t = np.linspace(-1, 1, 81)
    rho, first, second = (states.ginibre((3,), rng) for _ in range(3))
    ends = np.where((t < 0)[:, None, None], first.matrix(), second.matrix())
    weight = np.abs(t)[:, None, None]
    sigma = DensityMatrix._trusted((1 - weight) * rho.matrix() + weight * ends, (3,))
    return Panel(
        "Models on two segments that meet in rho (d = 3)",
        "t: sigma = (1 - |t|) rho + |t| × (one random state for t < 0, another for t > 0)",
        "nats",
        (
            Series("S(rho, sigma)", t, losses.cross_entropy(rho, sigma), "line"),
            Series("S(rho)", t, np.full(len(t), rho.entropy()), "dashed"),
            Series("D(rho || sigma)", t, losses.relative_entropy(rho, sigma), "line"),
        ),
        "The divergence is what a fit can lower; the entropy of the data is the floor that it cannot.",
        marks=(("sigma = rho", 0.0),),
    )


def _rungs(rng: np.random.Generator) -> Panel:
    """The bounds of 40 pairs, in the order of S."""
    rho, sigma = states.ginibre((2, 2), rng, rank=2, batch=40), states.ginibre((2, 2), rng, batch=40)
    s = losses.cross_entropy(rho, sigma)
    order, x = np.argsort(s), np.arange(1.0, len(s) + 1)
    series = [Series("S(rho, sigma)", x, s[order], "line", color=6)]
    series += [Series(name, x, bound[order], color=k) for k, (name, bound) in enumerate(_bounds_of(rho, sigma).items())]
    return Panel(
        "The ladder of bounds: 40 random pairs (d = 4, rho of rank 2)",
        "pair, in the order of S",
        "nats",
        tuple(series),
        "Every mark but the uppermost is a bound from below. Which of them is the best depends on the pair.",
    )


def _slack(rng: np.random.Generator) -> Panel:
    """The distribution of S - bound over pairs of all dimensions and ranks."""
    slacks: dict[str, list[Real]] = {}
    for pair in draws.pairs(rng, 2000):
        s = losses.cross_entropy(pair.rho, pair.sigma)
        for name, bound in _bounds_of(pair.rho, pair.sigma).items():
            slacks.setdefault(name, []).append(np.abs(s - bound))
    share = np.linspace(0.002, 0.998, 250)
    return Panel(
        "How tight the bounds are: 2000 random pairs (d = 2, 3, 4, 6, all ranks, nearly singular models among them)",
        "distance of the bound from S, nats",
        "share of the pairs that are closer",
        tuple(
            Series(name, np.quantile(np.concatenate(values), share), share, "line") for name, values in slacks.items()
        ),
        "A curve further to the left is a tighter bound.",
        log_x=10,
    )


def _eigenspace(rng: np.random.Generator) -> Panel:
    """S + log Tr(rho sigma) while an eigenspace of the model splits."""
    split = np.logspace(-8, 0, 65)
    series = []
    for weight in (0.5, 0.8, 0.99):
        values = np.stack([1 + 0.999 * split, 1 - 0.999 * split, np.full_like(split, 0.5)], axis=-1)
        sigma = DensityMatrix.from_probabilities(values / values.sum(axis=-1, keepdims=True), (3,))
        p = np.broadcast_to([weight, 1 - weight, 0.0], values.shape).copy()
        gap = losses.cross_entropy(DensityMatrix.from_probabilities(p, (3,)), sigma)
        gap = gap + np.log((p * sigma.probabilities()).sum(axis=-1))
        series.append(Series(f"weights of rho {weight:g}, {1 - weight:.2g}", split, np.maximum(gap, 1e-17), "line"))
    return Panel(
        "Jensen's bound while two eigenvalues of sigma split",
        "relative splitting of the two eigenvalues that rho occupies",
        "S(rho, sigma) + log Tr(rho sigma), nats",
        tuple(series),
        "The difference falls with the square of the splitting, to rounding: equality iff rho is in one eigenspace.",
        log_x=10,
        log_y=True,
    )


def _not_ordered(rng: np.random.Generator) -> Panel:
    """The fidelity bound against Jensen's."""
    series = []
    for rank in (1, 2, 4):
        rho, sigma = states.ginibre((2, 2), rng, rank=rank, batch=300), states.ginibre((2, 2), rng, batch=300)
        jensen = -np.log(trace_of_product(rho.matrix(), sigma.matrix()))
        series.append(
            Series(f"rho of rank {rank}", jensen, rho.entropy() - np.log(losses.fidelity(rho, sigma)), color=rank - 1)
        )
    line = np.array([0.5, 3.0])
    return Panel(
        "Two bounds that are not ordered (d = 4)",
        "Jensen's bound -log Tr(rho sigma), nats",
        "S(rho) - log F(rho, sigma), nats",
        (*series, Series("equal", line, line, "dashed", color=6)),
        "Equal for pure data; for mixed data sometimes the one, sometimes the other is larger.",
    )


def _chords(rng: np.random.Generator) -> tuple[Panel, Panel]:
    """S on segments between models with the chords, and S with the arguments swapped."""
    t = np.linspace(0, 1, 61)
    series = []
    for k in range(3):
        rho, first, second = (states.ginibre((3,), rng) for _ in range(3))
        middle = (1 - t)[:, None, None] * first.matrix() + t[:, None, None] * second.matrix()
        s = losses.cross_entropy(rho, DensityMatrix._trusted(middle, (3,)))
        series.append(Series(f"S, triple {k + 1}", t, s, "line", color=k))
        series.append(Series(f"chord, triple {k + 1}", t, (1 - t) * s[0] + t * s[-1], "dashed", color=k))
    one, other = states.ginibre((3,), rng, batch=400), states.ginibre((3,), rng, batch=400)
    forth, back = losses.cross_entropy(one, other), losses.cross_entropy(other, one)
    line = np.array([forth.min(), forth.max()])
    convex = Panel(
        "Convex in the model: three random triples (d = 3)",
        "t: sigma = (1 - t) sigma_0 + t sigma_1",
        "S(rho, sigma), nats",
        tuple(series),
        "Every curve lies below its chord.",
    )
    swapped = Panel(
        "Not symmetric: 400 random pairs (d = 3)",
        "S(rho, sigma), nats",
        "S(sigma, rho), nats",
        (Series("pairs", forth, back), Series("symmetric", line, line, "dashed", color=6)),
        "A symmetric quantity would put every pair on the line.",
    )
    return convex, swapped
