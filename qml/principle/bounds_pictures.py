"""Pictures of statements 1 to 6 and 16: where S is infinite, and the ladder of bounds around it."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._arrays import trace_of_product
from qml._typing import Real
from qml.principle import draws
from qml.principle.statement import Panel, Series
from qml.states import DensityMatrix, State


def bounds_of(rho: DensityMatrix, sigma: State) -> dict[str, Real]:
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


def support() -> Panel:
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


def floor(rng: np.random.Generator) -> Panel:
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


def rungs(rng: np.random.Generator) -> Panel:
    """The bounds of 40 pairs, in the order of S."""
    rho, sigma = states.ginibre((2, 2), rng, rank=2, batch=40), states.ginibre((2, 2), rng, batch=40)
    s = losses.cross_entropy(rho, sigma)
    order, x = np.argsort(s), np.arange(1.0, len(s) + 1)
    series = [Series("S(rho, sigma)", x, s[order], "line", color=7)]
    series += [Series(name, x, bound[order], color=k) for k, (name, bound) in enumerate(bounds_of(rho, sigma).items())]
    return Panel(
        "The ladder of bounds: 40 random pairs (d = 4, rho of rank 2)",
        "pair, in the order of S",
        "nats",
        tuple(series),
        "Every mark but the uppermost is a bound from below. Which of them is the best depends on the pair.",
    )


def slack(rng: np.random.Generator) -> Panel:
    """The distribution of S - bound over pairs of all dimensions and ranks."""
    slacks: dict[str, list[Real]] = {}
    for pair in draws.pairs(rng, 2000):
        s = losses.cross_entropy(pair.rho, pair.sigma)
        for name, bound in bounds_of(pair.rho, pair.sigma).items():
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


def eigenspace(rng: np.random.Generator) -> Panel:
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


def not_ordered(rng: np.random.Generator) -> Panel:
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
        (*series, Series("equal", line, line, "dashed", color=7)),
        "Equal for pure data; for mixed data sometimes the one, sometimes the other is larger.",
    )


def chords(rng: np.random.Generator) -> tuple[Panel, Panel]:
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
        (Series("pairs", forth, back), Series("symmetric", line, line, "dashed", color=7)),
        "A symmetric quantity would put every pair on the line.",
    )
    return convex, swapped
