"""Parity without hidden units (Kappen 2018, arXiv:1803.11278).

    python experiments/reproductions/parity.py --figure parity.png

The paper learns distributions as states sum sqrt(q) |x> with a quantum Boltzmann machine, and finds that, of three bits
of which the third is the parity of two biased ones, a machine with pairwise terms and no hidden units learns what a
classical one with pairwise couplings cannot. It was read in its summary and in talks on it; what is compared is that
claim, with the bound of statement 22 of the principle (`qml run experiments/principle`), whose functions are used here:
a thousandth of a nat. That no bias leaves log 2 to every pairwise machine is ours.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

from qml import GibbsModel, fit
from qml.encodings import rank_one
from qml.fitting import FitResult
from qml.losses import cross_entropy
from qml.optimizers import LBFGS
from qml.principle.parity import CLOSE, classical, pairwise, parity_data

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

BIASES = (0.3, 0.2)


def learnt(biases: tuple[float, float], iterations: int) -> FitResult:
    """The state of the data, by a Gibbs model of all strings of one and two qubits, from the maximally mixed state."""
    model = GibbsModel(pairwise())
    return fit(
        model,
        rank_one(parity_data(np.array(biases))),
        optimizer=LBFGS(memory=50),
        params0=np.zeros(model.n_params),
        max_iterations=iterations,
        gradient_tolerance=1e-7,
        progress=False,
    )


def reproduce(iterations: int = 300) -> Found:
    """Parity without hidden units (arXiv:1803.11278)."""
    q = parity_data(np.array(BIASES))
    quantum, fair = learnt(BIASES, iterations), learnt((0.0, 0.0), iterations)
    p = classical(q[None])[0]
    best = float((q[q > 0] * np.log(q[q > 0] / p[q > 0])).sum())
    none = float(cross_entropy(rank_one(parity_data(np.zeros(2))), fair.state))
    difference = float(np.abs(quantum.state.probabilities() - q).max())
    lines = [
        Line("D(rho‖sigma), pairwise quantum machine, biases 0.3 and 0.2", None, quantum.loss, CLOSE),
        Line("its probabilities, largest difference from the data", None, difference, CLOSE),
        Line("minus D(q‖p) of the best classical machine", None, -best, -0.1),
        Line("no bias: D(rho‖sigma) of the quantum machine (ours: log 2)", math.log(2), none, CLOSE),
    ]
    curves = [
        Curve(
            "quantum, biases 0.3 and 0.2", range(len(quantum.history)), np.maximum(quantum.history.loss, 1e-12).tolist()
        ),
        Curve("quantum, no bias", range(len(fair.history)), fair.history.loss.tolist()),
        Curve("best classical, biases 0.3 and 0.2", [0, len(quantum.history)], [best, best], dashed=True),
    ]
    return Found(lines, curves, ("iterations of L-BFGS", "D in nats"))


if __name__ == "__main__":
    command(reproduce)()
