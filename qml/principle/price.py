"""Statement 12: the price of measuring, and the consistency of the likelihood."""

from __future__ import annotations

import numpy as np

from qml import losses, states
from qml._random import haar_unitaries
from qml._typing import Complex
from qml.measurement import PauliMeasurement, mutually_unbiased_bases, sample
from qml.operators import partial_trace_matrix
from qml.operators.sites import kron
from qml.principle import draws
from qml.principle.measuring import CHANCE
from qml.principle.statement import ROUNDING, Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix
from qml.tomography import maximum_likelihood

SHOTS = (10**4, 10**8)
"""In each setting, of the records whose likelihood is maximised."""


@statement(
    12,
    "The price of measuring",
    "argmin S(rho_hat, .) is rho_hat, biased at infinite shots: (rho + 1)/(d + 1) for a 2-design; the likelihood "
    "of an informationally complete measurement is consistent",
    "derived: from statement 3",
)
def price_of_measuring(rng: np.random.Generator, pairs: int) -> Evidence:
    worst, sampled, each = Largest(), Largest(), draws.per_group(pairs, 4)
    for d in (2, 3, 5):  # the d + 1 mutually unbiased bases of a prime dimension are a 2-design
        rho = states.ginibre((d,), rng, batch=each)
        empirical = _empirical(rho.matrix(), mutually_unbiased_bases(d).bases)
        expected = (rho.matrix() + np.eye(d)) / (d + 1)
        worst.add(np.abs(empirical - expected).max(axis=(-2, -1)))
        basis = haar_unitaries(rng, (1, d, d))  # one basis: the twirl by its clock operators is the dephased state
        clock = np.exp(2j * np.pi * np.outer(np.arange(d), np.arange(d)) / d)
        turns = (basis * clock[:, None, :]) @ draws.dagger(basis)
        twirled = np.einsum("kij,bjl,kml->bim", turns, rho.matrix(), turns.conj()) / d
        worst.add(np.abs(_empirical(rho.matrix(), basis) - twirled).max(axis=(-2, -1)))
    pauli = mutually_unbiased_bases(2).bases
    joint = states.ginibre((2, 2), rng, batch=each).matrix()
    twice = np.einsum("aij,bkl->abikjl", pauli, pauli).reshape(9, 4, 4)
    first, second = (partial_trace_matrix(joint, [k], 2) for k in (0, 1))
    marginals = [kron(first, draws.Z_BASIS), kron(draws.Z_BASIS, second)]
    worst.add(np.abs(_empirical(joint, twice) - (joint + sum(marginals) + np.eye(4)) / 9).max(axis=(-2, -1)))
    for d in draws.DIMS:  # the empirical state, not rho, is the best model of S; the likelihood is best at rho alone
        rho, other = states.ginibre((d,), rng, batch=each), states.ginibre((d,), rng, batch=each)
        biased = DensityMatrix._trusted((rho.matrix() + np.eye(d)) / (d + 1), (d,))
        near, _, _ = draws.nearly_singular(rng, d, each)
        least = losses.cross_entropy(biased, biased)
        worst.equal(least, biased.entropy())
        for model in (other, near):
            worst.at_least(losses.cross_entropy(biased, model), least)
        part = 10 ** rng.uniform(-4, 0, (each, 1, 1))
        other = DensityMatrix._trusted((1 - part) * rho.matrix() + part * other.matrix(), (d,))
        bases = haar_unitaries(rng, (2 * d + 1, d, d))
        p, q = (np.einsum("kia,bij,kja->bka", bases.conj(), x.matrix(), bases).real for x in (rho, other))
        lost = (p * np.log(p / q)).sum(axis=-1)
        worst.add((-lost).max(axis=-1))
        worst.require(lost.sum(axis=-1) > 0)
    _consistency(rng, worst, sampled)
    return Evidence(
        "the empirical state at infinite shots: dephased from one basis, (rho + 1)/(d + 1) from mutually unbiased "
        "bases (d = 2, 3, 5; Pauli-6 is d = 2), its tensor power for two qubits; it minimises S(rho_hat, .), while the "
        "expected likelihood of every basis is largest at rho, and of an informationally complete set at rho alone "
        f"(tolerance {ROUNDING:.0e}); and the states of maximum likelihood of records of 10^4 and 10^8 shots a "
        "setting of one and two qubits: their likelihood exceeds that of rho as that of a regular estimate does "
        f"(tolerance {CHANCE:g} standard errors), and their distance from rho falls below 10^-3 and a tenth of that "
        "of rho_hat. The largest violation is in units of these tolerances",
        worst.samples,
        max(worst.value / ROUNDING, sampled.value / CHANCE),
        1.0,
        (_bias_of_length(), _bias_of_shots(rng)),
    )


def _consistency(rng: np.random.Generator, worst: Largest, sampled: Largest) -> None:
    """States of maximum likelihood of interior states: 2 (L_max - L(rho)) is chi-squared with d^2 - 1 degrees."""
    for n, count in ((1, 8), (2, 4)):
        d, total = 2**n, 0.0
        for _ in range(count):
            matrix = (states.ginibre((2,) * n, rng).matrix() + np.eye(d) / d) / 2
            rho = DensityMatrix(matrix, (2,) * n)
            for shots in SHOTS:
                counts = sample(rho, PauliMeasurement(n), shots, rng)
                found = maximum_likelihood(counts, gap=1e-3).state
                likelihood = losses.NegativeLogLikelihood()
                gain = likelihood.value(counts, rho) - likelihood.value(counts, found)
                total += 2 * counts.total * gain
            distance, biased = (float(losses.trace_distance(rho, x)) for x in (found, counts.empirical_state()))
            worst.require(distance < min(1e-3, biased / 10))
        degrees = (d * d - 1) * count * len(SHOTS)
        sampled.add(np.abs(total - degrees) / np.sqrt(2 * degrees))


def _empirical(matrix: Complex, bases: Complex) -> Complex:
    """The empirical state at infinite shots, all bases measured equally often: (batch, d, d)."""
    p = np.einsum("kia,bij,kja->bka", bases.conj(), matrix, bases).real
    return np.asarray(np.einsum("bka,kia,kja->bij", p, bases, bases.conj()) / len(bases))


def _bias_of_length() -> Panel:
    """Losses of models along the true direction against their length: Pauli-6 at infinite shots."""
    true, length = 0.8, np.linspace(0.0, 0.99, 199)
    up = np.array([0.0, 0.0, 1.0])
    rho, sigma = (DensityMatrix._trusted(draws.qubits(x * up), (2,)) for x in (np.array([[true]]), length[:, None]))
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


def _bias_of_shots(rng: np.random.Generator) -> Panel:
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
