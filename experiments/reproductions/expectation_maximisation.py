"""Expectation maximisation for Gibbs models with hidden units, and their gradients.

    python experiments/reproductions/expectation_maximisation.py --figure expectation_maximisation.png

Vishnu et al. (2025), arXiv:2507.22786, prove that expectation maximisation never lowers the likelihood for a broad
class of models; Kimura, Kato and Hayashi (2025), arXiv:2507.21569, find that a like algorithm outperforms gradient
descent on semi-quantum restricted Boltzmann machines; arXiv:2512.19819 gives gradients with hidden units (as cited by
qbmkit, whose code takes the Frechet derivative of the logarithm). Their numbers were not within reach, only these
claims: they are checked on bars and stripes with two quantum hidden units, and on a quantum state with a hidden qubit
where every string is allowed, so that nothing commutes. A round has a step M of at most ten iterations of L-BFGS, so
that gradient descent is given ten times as many steps.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qml import CrossEntropy, HiddenGibbsModel, check_gradient, fit, ginibre, quantum_em, semi_quantum_restricted
from qml.optimizers import GradientDescent
from qml.states import DensityMatrix

sys.path.insert(0, str(Path(__file__).parent))
from bars_and_stripes import VISIBLE, bars_and_stripes
from published import Curve, Found, Line, command

SEEDS, RATE, STEPS = (0, 1, 2, 3, 4), 0.5, 10


def reproduce(rounds: int = 100) -> Found:
    """Expectation maximisation never lowers the likelihood, and outruns gradient descent (arXiv:2507.22786)."""
    target, model = DensityMatrix.from_probabilities(bars_and_stripes()), semi_quantum_restricted(VISIBLE, 2, "XZ")
    rises, ahead, curves = [], [], []
    for seed in SEEDS:
        start = np.random.default_rng(seed).normal(scale=0.1, size=model.n_params)
        maximised = quantum_em(model, target, params0=start, max_iterations=rounds, gradient_tolerance=1e-9)
        descent = fit(
            model,
            target,
            optimizer=GradientDescent(RATE),
            params0=start,
            max_iterations=STEPS * rounds,
            gradient_tolerance=1e-9,
            progress=False,
        )
        rises.append(float(np.diff(maximised.history.loss).max()))
        ahead.append(maximised.gap - descent.gap)
        if seed == SEEDS[0]:
            gaps = maximised.history.gap.tolist()
            curves = [
                Curve("expectation maximisation", [STEPS * k for k in range(len(gaps))], gaps),
                Curve("gradient descent", range(len(descent.history)), descent.history.gap.tolist()),
            ]
    rng = np.random.default_rng(0)
    dense = HiddenGibbsModel.all_paulis(3)
    rho = ginibre((2,) * len(dense.dims), rng)
    derivative = check_gradient(dense, rho, CrossEntropy(), rng.normal(scale=0.5, size=dense.n_params))
    off = float(np.abs(derivative.analytic - derivative.numeric).max() / np.abs(derivative.numeric).max())
    noncommuting = quantum_em(dense, rho, seed=0, max_iterations=rounds)
    rise = float(np.diff(noncommuting.history.loss).max())
    lines = [
        Line(f"largest rise of S in a round, {len(SEEDS)} starts", None, max(rises), 1e-12),
        Line(
            f"D after {rounds} rounds less that of gradient descent after {STEPS * rounds} steps, the worst start",
            None,
            max(ahead),
            0.0,
        ),
        Line("largest rise of S, nothing commutes (halved steps, ours)", None, rise, 1e-12),
        Line("gradient with a hidden qubit against differences", None, off, 1e-6),
    ]
    return Found(lines, curves, ("steps; ten in a round", "D(rho‖sigma) in nats"))


if __name__ == "__main__":
    command(reproduce)()
