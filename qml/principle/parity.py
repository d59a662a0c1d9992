"""Statement 22: parity data of pairwise Boltzmann machines, classical and quantum (after Kappen)."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import rel_entr

from qml import losses, operators
from qml._typing import Complex, Real
from qml.encodings import rank_one
from qml.fitting import FitResult, fit
from qml.models import GibbsModel
from qml.optimizers import LBFGS
from qml.principle import draws
from qml.principle.statement import Evidence, Largest, Panel, Series, statement
from qml.states import GibbsState

CLOSE = 1e-3
"""Nats: what the explicit parameters leave of the divergence, against log 2 = 0.69."""
STRENGTH = 1e7
"""Of the couplings that hold the amplitudes together; the fields are about twenty."""
SIGNS = np.array(list(itertools.product([1.0, -1.0], repeat=3)))
STRINGS = tuple("".join("0" if s > 0 else "1" for s in row) for row in SIGNS)


def parity_data(biases: Real) -> Real:
    """q (..., 8): two independent bits with <s_i> = m_i, biases (..., 2), and their parity s_3 = s_1 s_2."""
    m = np.asarray(biases)[..., None, :]
    q = ((1 + SIGNS[:, :2] * m) / 2).prod(axis=-1)
    return np.asarray(np.where(SIGNS.prod(axis=-1) > 0, q, 0.0))


def pairwise(letters: str = "XYZ") -> list[operators.PauliSum]:
    """All strings of these letters on one and on two of three qubits."""
    pairs = [a + b for a in letters for b in letters]
    single = [operators.pauli(a, sites=(i,), n=3) for i in range(3) for a in letters]
    return single + [operators.pauli(ab, sites=ij, n=3) for ij in ((0, 1), (0, 2), (1, 2)) for ab in pairs]


def explicit(biases: Real) -> Complex:
    r"""Generators K (batch, 8, 8) of pairwise terms whose Gibbs states are close to the parity states.

    Flipping two bits keeps the parity, and the ratio of the two amplitudes depends on these two bits alone: projectors
    on pairs leave only the even and the odd state, and fields on Z_3, Z_1 Z_3 and Z_2 Z_3 choose the even one.
    """
    m = np.asarray(biases)
    h = np.arctanh(m) / 2  # amplitudes exp(h_1 s_1 + h_2 s_2), times a constant
    k = np.zeros((len(m), 8, 8), dtype=np.complex128)
    for pair in ((0, 1), (0, 2), (1, 2)):
        s = np.array(list(itertools.product([1.0, -1.0], repeat=2)))
        fields = np.stack([h[:, i] if i < 2 else np.zeros(len(m)) for i in pair], axis=-1)
        amplitude = np.exp(fields @ s.T)  # (batch, 4): up to a factor, on the two bits
        flipped = amplitude[:, ::-1]  # both of them turned over
        norm = np.square(amplitude) + np.square(flipped)
        wrong = np.zeros((len(m), 4, 4))
        for x in range(4):  # 1 - the projector on the right superposition of x and its flip
            wrong[:, x, x] = np.square(flipped[:, x]) / norm[:, x]
            wrong[:, x, 3 - x] = -amplitude[:, x] * flipped[:, x] / norm[:, x]
        k += STRENGTH * np.stack([operators.embed(w, pair, (2, 2, 2)) for w in wrong])
    split = 2 * np.abs(m).sum(axis=-1) + 2 * np.abs(m.prod(axis=-1))
    chosen = np.sign(m[:, :1]) * SIGNS[:, 1] * SIGNS[:, 2] + np.sign(m[:, 1:]) * SIGNS[:, 0] * SIGNS[:, 2]
    chosen = chosen + np.sign(m.prod(axis=-1, keepdims=True)) * SIGNS[:, 2]
    return np.asarray(k - (20 / split)[:, None, None] * (chosen[:, :, None] * np.eye(8)))


def classical(q: Real) -> Real:
    """Populations (batch, 8) of the best pairwise Boltzmann machine, by Newton's method."""
    features = np.column_stack([SIGNS, SIGNS[:, 0] * SIGNS[:, 1], SIGNS[:, 0] * SIGNS[:, 2], SIGNS[:, 1] * SIGNS[:, 2]])
    theta = np.zeros((len(q), features.shape[1]))
    for _ in range(50):
        logits = theta @ features.T
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        gradient = (q - p) @ features
        if np.abs(gradient).max() < 1e-13:
            break
        mean = p @ features
        hessian = np.einsum("bx,xi,xj->bij", p, features, features) - mean[:, :, None] * mean[:, None, :]
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        theta += step / np.maximum(1.0, np.abs(step).max(axis=-1, keepdims=True))
    return np.asarray(p)


@statement(
    22,
    "Kappen's parity experiment",
    "a quantum Boltzmann machine with pairwise terms and no hidden units learns the parity of biased bits, held as "
    "sum sqrt(q) |x>, which a classical one with the same pairs cannot; of unbiased bits neither can: S >= log 2",
    "after Kappen (2018), arXiv:1803.11278; the case without bias is ours",
)
def kappen(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, each = Largest(), draws.per_group(pairs, 3)
    biases = rng.uniform(0.2, 0.8, (each, 2)) * rng.choice([-1.0, 1.0], (each, 2))
    q = parity_data(biases)
    k = explicit(biases)
    three = SIGNS.prod(axis=-1) / 8  # Z Z Z / 8, the only string on three sites that the generators could hide
    worst.add(np.abs(np.einsum("bii,i->b", k, three)) / STRENGTH)
    quantum = losses.cross_entropy(rank_one(q), GibbsState(k, (2, 2, 2)))  # a pure rho: S is the divergence
    worst.add(np.abs(quantum))
    worst.add(quantum - rel_entr(q, classical(q)).sum(axis=-1))
    fair = np.broadcast_to(parity_data(np.zeros(2)), (each, 8)).copy()
    worst.add(np.abs(classical(fair[:1]) - 1 / 8))
    strings = np.stack([operators.as_matrix(g, (2, 2, 2)) for g in pairwise()])
    theta = rng.normal(size=(each, len(strings))) * rng.choice([0.1, 1.0, 10.0], (each, 1))
    random = GibbsState(np.einsum("bg,gij->bij", theta, strings), (2, 2, 2))
    worst.at_least(losses.cross_entropy(rank_one(fair), random), np.full(each, np.log(2)))
    learnt = {m: _learn(m) for m in ((0.3, 0.2), (0.0, 0.0))}
    worst.add(abs(learnt[0.3, 0.2].loss))
    worst.add(np.abs(losses.cross_entropy(rank_one(fair[0]), learnt[0.0, 0.0].state) - np.log(2)))
    return worst.evidence(
        "two biased bits and their parity: S at explicit pairwise couplings, below 0.001 and below the divergence of "
        "the best pairwise classical machine; without bias the classical optimum is uniform, and S >= log 2 for random "
        f"couplings of every size; and two fits from zero: biases 0.3 and 0.2 learnt to {learnt[0.3, 0.2].loss:.1e} "
        f"nats, without bias to {learnt[0.0, 0.0].loss:.4f} = log 2",
        _populations(learnt[0.3, 0.2]),
        _curves(learnt),
        _against_bias(),
        tolerance=CLOSE,
    )


def _learn(biases: tuple[float, float]) -> FitResult:
    """The pairwise quantum machine, fitted from zero to the rank-one state of the data."""
    generators = pairwise()
    return fit(
        GibbsModel(generators),
        rank_one(parity_data(np.array(biases))),
        optimizer=LBFGS(memory=50),
        params0=np.zeros(len(generators)),
        max_iterations=300,
        gradient_tolerance=1e-7,
        progress=False,
    )


def _populations(result: FitResult) -> Panel:
    q = parity_data(np.array([0.3, 0.2]))
    x = np.arange(8.0)
    return Panel(
        "Two biased bits and their parity, learnt with pairwise terms",
        "string: two bits with the biases 0.3 and 0.2, and their parity",
        "probability",
        (
            Series("data q", x, q, "bars", color=6),
            Series("classical Boltzmann machine", x, classical(q[None])[0], color=1),
            Series("quantum Boltzmann machine, rank-one data", x, result.state.probabilities(), color=0),
        ),
        "Neither machine has hidden units. The classical one sees means and pair correlations, and hardly knows of the "
        "parity; the quantum one learns the state sum sqrt(q) |x> and with it every probability.",
        ticks=STRINGS,
    )


def _curves(learnt: dict[tuple[float, float], FitResult]) -> Panel:
    biased, fair = learnt.values()
    q = parity_data(np.array([0.3, 0.2]))
    floor = float(rel_entr(q, classical(q[None])[0]).sum())
    length = max(len(result.history.loss) for result in learnt.values())
    return Panel(
        "Learning parity from the maximally mixed state",
        "iteration of L-BFGS",
        "D(rho || sigma), nats",
        (
            Series(
                "quantum, biases 0.3 and 0.2", np.arange(float(len(biased.history.loss))), _positive(biased), "line"
            ),
            Series("quantum, no bias", np.arange(float(len(fair.history.loss))), _positive(fair), "line"),
            Series("best classical, biases 0.3 and 0.2", np.array([0, length - 1]), np.full(2, floor), "dashed"),
        ),
        "With unbiased bits the even and the odd state have the same one- and two-body expectations, so that no "
        "pairwise machine can prefer one of them: log 2 = 0.69 is left. Any bias tells them apart.",
        log_y=True,
    )


def _against_bias() -> Panel:
    m = np.logspace(-3, np.log10(0.8), 9)
    q = parity_data(np.stack([m, m], axis=-1))
    reached = np.array([max(_learn((b, b)).loss, 1e-12) for b in m])
    return Panel(
        "How much bias it takes: both bits with the same mean m",
        "m = <s_1> = <s_2>",
        "D(rho || sigma), nats",
        (
            Series("quantum, reached in at most 300 iterations", m, reached),
            Series("best classical", m, rel_entr(q, classical(q)).sum(axis=-1), "line"),
            Series("log 2: what m = 0 leaves", m, np.full_like(m, np.log(2)), "dashed", color=6),
        ),
        "The optimum is zero for every m > 0 and log 2 at m = 0: it is not continuous. The couplings it needs grow "
        "as m falls, and an optimizer with a finite tolerance stops on the way.",
        log_x=10,
        log_y=True,
    )


def _positive(result: FitResult) -> Real:
    return np.maximum(np.asarray(result.history.loss), 1e-12)
