"""Tomography by gradients of a factor (Gaikwad et al. 2025, arXiv:2503.04526).

    python experiments/reproductions/gradient_tomography.py --figure gradient_tomography.png

The authors' program (github.com/mstorresh/GD-QST) has notebooks, examples/all_GD.ipynb and other_methods.ipynb, whose
printed output is compared: three qubits, exact expectations of all Pauli strings of a random state, 300 steps of Adam
on batches for factors with and without a triangular form, and a convex program. The data of the paper's figures are not
in the copy of that repository that could be read, and neither are the random states.

Here ten random states are reconstructed from exact probabilities of all Pauli settings: by `maximum_likelihood`, whose
conjugate gradients on a factor are preconditioned, and by fits of CholeskyModel by plain L-BFGS, which are slowed down
by small eigenvalues.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qml import CholeskyModel, Counts, PauliMeasurement, State, fidelity, fit, ghz, ginibre
from qml._typing import Real
from qml.optimizers import LBFGS
from qml.tomography import TomographyResult, maximum_likelihood

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

N, STEPS, STATES, SEED = 3, 300, 10, 0
FACTOR, TRIANGULAR, CONVEX = 1 - 0.9999989239228523, 1 - 0.9893849381475228, 1 - 0.9999999999996464
"""1 - F as the notebooks print it."""


def exact(rho: State) -> Counts:
    """The probabilities of all Pauli settings."""
    measurement = PauliMeasurement(len(rho.dims))
    return Counts.from_frequencies(measurement, measurement.probabilities(rho))


def certified(rho: State) -> TomographyResult:
    """The state of largest likelihood."""
    return maximum_likelihood(exact(rho), gap=1e-12)


def fitted(rho: State, rank: int, steps: int, seed: int) -> Real:
    """1 - F after every step of a fit of a Cholesky model by L-BFGS."""
    model, away = CholeskyModel(rho.dims, rank), []
    fit(
        model,
        exact(rho),
        optimizer=LBFGS(memory=50),
        seed=seed,
        max_iterations=steps,
        gradient_tolerance=1e-12,
        callbacks=[lambda at: away.append(1 - fidelity(rho, model.state(at.params)))],
        progress=False,
    )
    return np.array(away)


def reproduce(states: int = STATES, steps: int = STEPS) -> Found:
    """Tomography by gradients of a factor (arXiv:2503.04526)."""
    rng = np.random.default_rng(SEED)
    rhos = [ginibre((2,) * N, rng) for _ in range(states)]
    found = [certified(rho) for rho in rhos]
    worst = max(1 - float(fidelity(rho, f.state)) for rho, f in zip(rhos, found, strict=True))
    runs = [fitted(rho, 2**N, steps, seed) for seed, rho in enumerate(rhos)]
    pure = fitted(ghz(N), 1, steps, SEED)
    lines = [
        Line(
            "1 - F by `maximum_likelihood`, the worst state, against their factor", FACTOR, worst, 1e-12, at_most=True
        ),
        Line("the same, against their triangular factor", TRIANGULAR, worst, 1e-12, at_most=True),
        Line("the same, against their convex program", CONVEX, worst, 1e-12, at_most=True),
        Line(
            f"its most iterations, against their {STEPS} steps",
            STEPS,
            max(f.iterations for f in found),
            0,
            at_most=True,
        ),
        Line("GHZ state: 1 - F by a Cholesky model of rank one", None, float(pure[-1]), 1e-9),
        Line(
            "1 - F by a Cholesky model of full rank, the median state (ours: no better than their factor)",
            None,
            float(np.median([run[-1] for run in runs])),
            0.01,
        ),
    ]
    curves = [
        Curve(f"Cholesky model, state {k + 1}", range(1, len(run) + 1), np.maximum(run, 1e-16).tolist())
        for k, run in enumerate(runs[:4])
    ]
    curves.append(Curve("GHZ state, rank one", range(1, len(pure) + 1), np.maximum(pure, 1e-16).tolist()))
    curves += [
        Curve(name, [1, steps], [y, y], dashed=True)
        for name, y in (("published, factor", FACTOR), ("published, triangular", TRIANGULAR))
    ]
    return Found(lines, curves, ("steps", "1 - F"), log_x=True)


if __name__ == "__main__":
    command(reproduce)()
