"""Hamiltonians from the likelihood of measured thermal states (Zhao, Hu, Zhang 2022, arXiv:2212.13718).

    python experiments/reproductions/hamiltonian_learning.py --figure hamiltonian_learning.png

The paper moves the Hamiltonian of a model exp(-K)/Z along the quantum likelihood gradient, the operator
R = sum_k (f_k / p_k) M_k of iterative maximum likelihood, and proves that the negative log-likelihood falls along it.
Its figures were not within reach, only its summary: the claim is checked, its optimum is compared with that of L-BFGS,
and the error of the Hamiltonian must fall as one over the root of the shots.

The chain has four qubits and random couplings of all Pauli strings of one site and of neighbors, each of which is
measured by itself, so that R is a sum of these strings. Where finer outcomes are recorded, those of all qubits, R has
other strings, too; without them the direction is no longer one in which the likelihood must grow, and it ends
elsewhere: the fourth line.

Fifty qubits are beyond matrices and were beyond the paper's. There the strings are X and Z of one site, XX and ZZ of
neighbors, and the optimum is where the expectations agree: found by Newton's method on a chain.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qml import ChainGibbsModel, Counts, GibbsModel, Moments, NegativeLogLikelihood, PauliMeasurement, fit, sample
from qml._typing import Real
from qml.measurement import ElementsMeasurement, Measurement
from qml.operators import PauliSum, neighbors, pauli
from qml.states import DensityMatrix

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

N, SEED, STRENGTH = 4, 2, 0.25
SHOTS = (10_000, 100_000, 1_000_000, 10_000_000)  # of each setting
RATE, STEPS, REPETITIONS = 0.2, 3_000, 4
QUBITS, CHAIN_STEPS = 50, 20
WORDS = [(a + b) * (N // 2) for a in "XYZ" for b in "XYZ"]
"""Settings of all qubits in which every string is seen: pairs of letters that alternate along the chain."""


def one_by_one() -> Measurement:
    """Every string of the model by itself: two outcomes, (1 + P)/2 and (1 - P)/2."""
    one, strings = np.eye(2**N), [p.matrix() for p in neighbors(N, weight=2)]
    return ElementsMeasurement([np.stack([one + p, one - p]) / 2 for p in strings], (2,) * N)


def descent(model: GibbsModel, counts: Counts, steps: int) -> Real:
    """The negative log-likelihood in nats a shot along K -= rate R, the strings of the model alone."""
    loss, theta, values = NegativeLogLikelihood(), np.zeros(model.n_params), []
    strings = np.array([p.matrix() for p in neighbors(N, weight=2)])
    for _ in range(steps):
        sigma = DensityMatrix._trusted(model.state(theta).matrix(), model.dims)
        value, minus_r = loss.value_and_cotangent(counts, sigma)  # R, of which a shot has the share of its setting
        values.append(value)
        shares = RATE * len(counts.measurement.settings) / sigma.dim
        theta = theta + shares * np.einsum("ij,pji->p", minus_r, strings).real
    return np.array(values)


def chain_strings(n: int) -> list[PauliSum]:
    """X and Z of every site, XX and ZZ of neighbors."""
    one = [pauli(letter, sites=(i,), n=n) for letter in "XZ" for i in range(n)]
    return one + [pauli(2 * letter, sites=(i, i + 1), n=n) for letter in "XZ" for i in range(n - 1)]


def on_a_chain(n: int, shots: tuple[int, ...], steps: int) -> tuple[Real, list[float]]:
    """The negative log-likelihood along their direction, every string measured by itself, and the relative error of
    the Hamiltonian for numbers of shots."""
    strings, rng = chain_strings(n), np.random.default_rng(SEED)
    model = ChainGibbsModel(strings)
    true = rng.normal(scale=STRENGTH, size=model.n_params)
    exact, errors, start = model.state(true).expectations(), [], np.zeros(model.n_params)
    for number in shots:
        plus = rng.binomial(number, (1 + exact) / 2) / number
        target = Moments(strings, 2 * plus - 1, errors=2 * np.sqrt(plus * (1 - plus) / number))
        found = fit(model, target, optimizer="newton", params0=start, progress=False)
        start = found.params
        errors.append(float(np.linalg.norm(found.params - true) / np.linalg.norm(true)))
    values, theta = [], np.zeros(model.n_params)
    for _ in range(steps):
        p = (1 + model.state(theta).expectations()) / 2
        values.append(-float((plus * np.log(p) + (1 - plus) * np.log(1 - p)).mean()))
        theta -= RATE * (plus / p - (1 - plus) / (1 - p)) / 2
    return np.array(values), errors


def reproduce(
    shots: tuple[int, ...] = SHOTS, steps: int = STEPS, repetitions: int = REPETITIONS, qubits: int = QUBITS
) -> Found:
    """Hamiltonians from the likelihood of measured thermal states (arXiv:2212.13718)."""
    model, rng = GibbsModel(neighbors(N, weight=2)), np.random.default_rng(SEED)
    true = rng.normal(scale=STRENGTH, size=model.n_params)
    rho, start = model.state(true), np.zeros(model.n_params)
    errors = np.zeros((len(shots), repetitions))
    for k, number in enumerate(shots):
        for r in range(repetitions):
            record = sample(rho, one_by_one(), number, rng)
            found = fit(model, record, params0=start, progress=False)
            errors[k, r] = np.linalg.norm(found.params - true) / np.linalg.norm(true)
    falling = descent(model, record, steps)
    finer = sample(rho, PauliMeasurement(WORDS), shots[0], rng)
    elsewhere = descent(model, finer, steps)[-1] - fit(model, finer, params0=start, progress=False).loss
    mean = np.sqrt(np.square(errors).mean(axis=1))
    slope = float(np.polyfit(np.log(shots), np.log(mean), 1)[0])
    ends = shots[0], shots[-1]
    along, far = on_a_chain(qubits, ends, CHAIN_STEPS)
    slope_far = float(np.polyfit(np.log(ends), np.log(far), 1)[0])
    lines = [
        Line("largest rise of the negative log-likelihood in a step", None, float(np.diff(falling).max()), 1e-12),
        Line("its end less that of L-BFGS, nats a shot", None, float(falling[-1] - found.loss), 1e-6),
        Line("power of the shots by which the error of the Hamiltonian falls (statistics)", -0.5, slope, 0.1),
        Line("outcomes of all qubits: the end of L-BFGS less its end (ours)", None, -elsewhere, -1e-7),
        Line(f"largest rise in a step, {qubits} qubits (ours)", None, float(np.diff(along).max()), 1e-12),
        Line(f"power of the shots, {qubits} qubits (ours, statistics)", -0.5, slope_far, 0.1),
    ]
    guide = (mean[0] * np.sqrt(shots[0] / np.array(shots))).tolist()
    curves = [
        Curve("likelihood, Gibbs model", shots, mean.tolist()),
        Curve(f"{qubits} qubits, chain", ends, far),
        Curve("1/sqrt(shots)", shots, guide, dashed=True),
    ]
    return Found(lines, curves, ("shots of each setting", "relative error of the Hamiltonian"), log_x=True)


if __name__ == "__main__":
    command(reproduce)()
