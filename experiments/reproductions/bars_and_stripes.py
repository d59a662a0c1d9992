"""Quantum hidden units against classical ones, on bars and stripes (Demidik et al. 2025, arXiv:2502.17562).

    python experiments/reproductions/bars_and_stripes.py --figure bars_and_stripes.png

The paper proves that a semi-quantum restricted Boltzmann machine whose hidden units carry two or three Pauli fields can
do with m hidden units what a classical one does with two or three times as many. Numbers for bars and stripes of 2 x 2
pixels are those of another implementation, the tests and the notebook of qbmkit (version 0.12.1, tests/reproductions/
test_expressive_equivalence.py), which also state the setting: 500 steps of Adam of learning rate 0.1 from normal
numbers of standard deviation 0.1. The start here is the same, parameter by parameter.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np

from qml import fit, semi_quantum_restricted
from qml._typing import Real
from qml.losses import RelativeEntropy
from qml.models import HiddenGibbsModel
from qml.optimizers import Adam
from qml.states import DensityMatrix

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command, last_digit

VISIBLE, SEED = 4, 0
PUBLISHED = {("XZ", 1): "0.556", ("XZ", 2): "0.0014", ("Z", 1): "0.811", ("Z", 2): "0.463", ("Z", 6): "0.0003"}


def bars_and_stripes(side: int = 2) -> Real:
    """Probabilities of all images: equal ones for every image whose rows, or whose columns, are of one colour."""
    seen = set()
    for colors in itertools.product((0, 1), repeat=side):
        image = np.repeat(np.array(colors)[:, None], side, axis=1)
        seen |= {tuple(image.ravel().tolist()), tuple(image.T.ravel().tolist())}
    p = np.zeros((2,) * side**2)
    for image in seen:
        p[image] = 1 / len(seen)
    return p.ravel()


def start(model: HiddenGibbsModel, hidden: int, letters: str) -> Real:
    """The start of the other implementation, whose couplings run over visible units, hidden units, then letters."""
    drawn = np.random.default_rng(SEED).normal(scale=0.1, size=model.n_params)
    fields = VISIBLE + hidden * len(letters)
    couplings = drawn[fields:].reshape(VISIBLE, hidden, len(letters)).transpose(1, 2, 0)
    return np.concatenate([drawn[:fields], couplings.ravel()])


def trained(hidden: int, letters: str, steps: int) -> Real:
    """D(data||model) in nats after every step."""
    model = semi_quantum_restricted(VISIBLE, hidden, letters)
    target = DensityMatrix.from_probabilities(bars_and_stripes())
    found = fit(
        model,
        target,
        loss=RelativeEntropy(),
        optimizer=Adam(0.1),
        params0=start(model, hidden, letters),
        max_iterations=steps,
        gradient_tolerance=0.0,
        progress=False,
    )
    return found.history.loss


def reproduce(steps: int = 500) -> Found:
    """Quantum hidden units against classical ones, on bars and stripes (arXiv:2502.17562)."""
    lines, curves = [], []
    for (letters, hidden), text in PUBLISHED.items():
        history = trained(hidden, letters, steps)
        kind = "quantum" if letters == "XZ" else "classical"
        units = f"{hidden} {kind} hidden unit{'s' if hidden > 1 else ''}"
        lines.append(Line(f"D(data‖model), {units}", float(text), float(history[-1]), last_digit(text)))
        curves.append(Curve(units, range(len(history)), history.tolist()))
    return Found(lines, curves, ("steps of Adam", "D(data‖model) in nats"))


if __name__ == "__main__":
    command(reproduce)()
