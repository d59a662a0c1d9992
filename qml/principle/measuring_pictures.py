"""Pictures of statements 7 to 10, 12 and 13: the same data undisturbed, measured first, and measured late."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._typing import Complex, Real
from qml.measurement import mutually_unbiased_bases
from qml.principle import draws
from qml.principle.statement import Panel, Series
from qml.states import DensityMatrix

SHOTS = 1000


def turned(angle: Real, length: float = 0.9) -> DensityMatrix:
    """Qubits with a Bloch vector of this length at an angle from z towards x."""
    return DensityMatrix._trusted(draws.qubits(_arrow(angle, length)), (2,))


def undisturbed_or_measured(rng: np.random.Generator) -> Panel:
    """Losses of models turned by an angle: undisturbed data, and two records of measured data."""
    true, angle = 0.9, np.linspace(-np.pi, np.pi, 181)
    rho, sigma = turned(np.full_like(angle, true)), turned(angle)
    s = losses.cross_entropy(rho, sigma)
    few = slice(0, None, 9)
    estimate, error = _shots(rng, rho.matrix()[few], sigma.matrix()[few])
    f = rho.probabilities()
    first = draws.of_empirical(f, draws.Z_BASIS, sigma)
    nll = -(f * np.log(sigma.probabilities())).sum(axis=-1)
    return Panel(
        "One qubit, models that differ by an angle: what each kind of data says",
        "angle of the model's Bloch vector from z, radians",
        "nats",
        (
            Series("S(rho, sigma): undisturbed  (7)", angle, s, "line", color=0),
            Series(f"{SHOTS} shots in the model's eigenbasis  (8)", angle[few], estimate, "dots", error, color=0),
            Series("S(rho_hat, sigma): measured in z first  (9)", angle, first, "line"),
            Series("NLL of the record in z  (9)", angle, nll, "line"),
        ),
        "Undisturbed data have their optimum at the true state, and shots in the eigenbasis of each model estimate the "
        "same curve. Measured in z first, S is bounded from below by the NLL, and both have lost the coherence: one "
        "has its optimum at z, the other cannot tell the true angle from its mirror image.",
        marks=(("the true state", true),),
    )


def spread_of_shots(rng: np.random.Generator) -> Panel:
    """The spread of 2000 estimates against the number of shots, and its prediction."""
    n = np.array([1, 3, 10, 30, 100, 300, 1000, 3000, 10_000])
    series = []
    for k, d in enumerate((2, 4)):
        rho, sigma = states.ginibre((d,), rng, batch=1), states.ginibre((d,), rng, batch=1)
        values, vectors = np.linalg.eigh(sigma.matrix())
        p, cost = draws.populations(rho.matrix(), vectors)[0], -np.log(values[0])
        s = float(losses.cross_entropy(rho, sigma)[0])
        deviations = [np.sqrt(np.square(rng.multinomial(m, p / p.sum(), 2000) @ cost / m - s).mean()) for m in n]
        predicted = np.sqrt(((p * np.square(cost)).sum() - s**2) / n)
        series.append(Series(f"2000 estimates, d = {d}", n, np.array(deviations), color=k))
        series.append(Series(f"predicted, d = {d}", n, predicted, "line", color=k))
    return Panel(
        "The error of S estimated from shots in the model's eigenbasis",
        "shots",
        "root mean square error, nats",
        tuple(series),
        "The line is the square root of [Tr rho (log sigma)² - S²]/n: it needs no repetition of the experiment.",
        log_x=10,
        log_y=True,
    )


def cost_against_angle() -> Panel:
    """A qubit with rho = sigma, the basis turned by an angle about y."""
    angle = np.linspace(0, np.pi, 121)
    series = []
    for weight in (0.6, 0.8, 0.95, 0.99):
        sigma = DensityMatrix.from_probabilities([weight, 1 - weight])
        c, s = np.cos(angle / 2), np.sin(angle / 2)
        basis = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2).astype(np.complex128)
        f = draws.populations(sigma.matrix(), basis)
        cost = draws.of_empirical(f, basis, sigma) + (f * np.log(f)).sum(axis=-1)
        series.append(Series(f"largest weight of sigma {weight}", angle, cost, "line"))
    return Panel(
        "What measuring costs: a qubit measured off the eigenbasis of sigma = rho",
        "angle between measured axis and eigenbasis, radians",
        "S(rho_hat, sigma) - NLL, nats",
        tuple(series),
        "Measuring costs nothing in the basis of the model; elsewhere it costs the more the purer the model.",
    )


def povm_bound(rng: np.random.Generator) -> Panel:
    """S of empirical states of random measurements against their NLL, with and without log Tr M."""
    d, batch = 3, 300
    rho, sigma = states.ginibre((d,), rng, batch=batch), states.ginibre((d,), rng, batch=batch)
    effects = draws.povms(rng, d, d + 2, batch)
    empirical, f, term = draws.measured(rng, rho, effects)
    s, nll = losses.cross_entropy(empirical, sigma), draws.nll(f, effects, sigma)
    line = np.array([0.4, 2.4])
    return Panel(
        "300 random measurements with five outcomes (d = 3, 100 shots)",
        "negative log-likelihood of the record, nats",
        "S(rho_hat, sigma), nats",
        (
            Series("against NLL + sum f log Tr M", nll + term, s),
            Series("against NLL alone", nll, s),
            Series("equal", line, line, "dashed", color=7),
        ),
        "With the term log Tr M every record lies above the line, as the statement says; without it "
        f"{int((s < nll).sum())} of {batch} lie below.",
    )


def bias_of_length() -> Panel:
    """Losses of models along the true direction against their length: Pauli-6 at infinite shots."""
    true, length = 0.8, np.linspace(0.0, 0.99, 199)
    sigma = DensityMatrix._trusted(draws.qubits(length[:, None] * _arrow(np.zeros(1), 1.0)), (2,))
    rho = turned(np.zeros(1), true)
    biased = DensityMatrix._trusted((rho.matrix() + np.eye(2)) / 3, (2,))
    bases = mutually_unbiased_bases(2).bases
    p, q = (np.einsum("kia,bij,kja->bka", bases.conj(), x.matrix(), bases).real for x in (rho, sigma))
    curves = {
        "S(rho, sigma): undisturbed": losses.cross_entropy(rho, sigma),
        "NLL of the record": -(p * np.log(q)).sum(axis=(-2, -1)) / 3,
        "S(rho_hat, sigma): measured first": losses.cross_entropy(biased, sigma),
    }
    return Panel(
        "A qubit measured along x, y and z, at infinite shots",
        "length of the model's Bloch vector, along the true direction",
        "loss above its minimum, nats",
        tuple(Series(name, length, curve - curve.min(), "line") for name, curve in curves.items()),
        "The empirical state (rho + 1)/3 has a third of the length, and S(rho_hat, .) has its optimum there; the "
        "likelihood of the same record has it at the truth, only flatter than undisturbed data.",
        marks=(("the true length", true), ("a third of it", true / 3)),
    )


def bias_of_shots(rng: np.random.Generator) -> Panel:
    """Distance from rho of the minimiser of S(rho_hat, .), against the number of shots, Pauli-6 on one qubit."""
    shots = np.unique(np.logspace(1, 6, 21).astype(int))
    rho = DensityMatrix.from_probabilities([0.9, 0.1]).matrix()[None]
    bases = mutually_unbiased_bases(2).bases
    p = np.einsum("kia,bij,kja->ka", bases.conj(), rho, bases).real
    distance, consistent = [], []
    for n in shots:
        f = draws.frequencies(rng, np.broadcast_to(p, (200, *p.shape)), int(n))
        empirical = np.einsum("bka,kia,kja->bij", f, bases, bases.conj()) / 3
        distance.append(np.abs(np.linalg.eigvalsh(empirical - rho)).sum(axis=-1).mean() / 2)
        linear = 3 * empirical - np.eye(2)
        consistent.append(np.abs(np.linalg.eigvalsh(linear - rho)).sum(axis=-1).mean() / 2)
    x = shots.astype(np.float64)
    return Panel(
        "Distance to the true qubit from records along x, y and z (mean of 200)",
        "shots in each basis",
        "trace distance",
        (
            Series("minimiser of S(rho_hat, .): rho_hat itself", x, np.array(distance), "line"),
            Series("3 rho_hat - 1: linear inversion", x, np.array(consistent), "line"),
        ),
        "More shots do not mend the bias of the empirical state; undoing the known map does.",
        log_x=10,
        log_y=True,
    )


def training(seen: Real, shots: int) -> Panel:
    """The cost of measuring in one training run, in a fixed basis and in the model's, and D: `seen` (3, steps)."""
    fixed, own, divergence = seen
    x = np.arange(float(len(fixed)))
    return Panel(
        f"Cost of measuring, S(rho_hat, sigma) - NLL, along a training run (two qubits, {shots} shots a step)",
        "step of gradient descent",
        "nats",
        (
            Series("measured in a fixed basis", x, fixed, "line"),
            Series("deferred: the model's eigenbasis", x, np.maximum(own, 1e-17)),
            Series("D(rho || sigma), what is left to learn", x, divergence, "line"),
        ),
        "Measured late, the data cost nothing at any step, to rounding. Measured first in a fixed basis, they "
        f"cost {fixed[-1] / divergence[-1]:.0f} times what is left to learn at the last step.",
        log_y=True,
    )


def _shots(rng: np.random.Generator, rho: Complex, sigma: Complex) -> tuple[Real, Real]:
    """Estimates of S from SHOTS shots in the eigenbasis of each model, and their standard errors."""
    values, vectors = np.linalg.eigh(sigma)
    f, cost = draws.frequencies(rng, draws.populations(rho, vectors), SHOTS), -np.log(values)
    mean = (f * cost).sum(axis=-1)
    return mean, np.sqrt(((f * np.square(cost)).sum(axis=-1) - np.square(mean)) / SHOTS)


def _arrow(angle: Real, length: float) -> Real:
    return length * np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
