"""Natural gradients of Gibbs models against plain ones (Patel and Wilde 2024, arXiv:2410.24058).

    python experiments/reproductions/natural_gradients.py --figure natural_gradients.png

The paper gives the Kubo-Mori and Fisher-Bures metrics of Gibbs states and no experiment. The numbers are those of
another implementation, the tests of qbmkit (version 0.12.1, tests/reproductions/test_natural_gradient_speedup.py): the
energy above the ground state of the Ising chain of four spins, J = 1, field 1.5, after 200 steps, of a Gibbs model of
the fields X, Z and the couplings ZZ of neighbors. Its natural gradient has a fixed ridge; that is written out here with
the metric of the library. `NaturalGradient()` of the library, whose ridge follows from what a step did, is beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qml import GibbsModel, fit
from qml._typing import Real
from qml.fitting import Objective
from qml.losses import Expectation
from qml.operators import PauliSum, pauli, tfim
from qml.optimizers import GradientDescent, NaturalGradient, Optimizer

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command, last_digit

N, SEED = 4, 0
HAMILTONIAN = tfim(N, J=1.0, h=1.5)
RATE, RIDGE = 0.2, 1e-3
"""Of the natural gradient with a fixed ridge."""


def generators(n: int) -> list[PauliSum]:
    """Z and X on every site, ZZ on every bond."""
    fields = [pauli(p, sites=[i], n=n) for p in "ZX" for i in range(n)]
    return fields + [pauli("ZZ", sites=[i, i + 1], n=n) for i in range(n - 1)]


def ridge(model: GibbsModel, theta: Real, steps: int) -> Real:
    """Energies along theta - rate (g + ridge)^-1 gradient, with g the Kubo-Mori metric."""
    objective, energies = Objective(model, HAMILTONIAN, Expectation()), []
    for _ in range(steps):
        value, gradient = objective.value_and_gradient(theta)
        energies.append(value)
        g = objective.metric(theta, "bkm").matrix()
        theta = theta - RATE * np.linalg.solve(g + RIDGE * np.eye(len(theta)), gradient)
    return np.array([*energies, objective.value(theta)])


def fitted(model: GibbsModel, theta: Real, steps: int, optimizer: Optimizer) -> Real:
    """Energies along a fit."""
    found = fit(
        model,
        HAMILTONIAN,
        optimizer=optimizer,
        params0=theta,
        max_iterations=steps,
        gradient_tolerance=0.0,
        progress=False,
    )
    return found.history.loss


def reproduce(steps: int = 200) -> Found:
    """Natural gradients of Gibbs models against plain ones (arXiv:2410.24058)."""
    model = GibbsModel(generators(N))
    theta = np.random.default_rng(SEED).normal(scale=0.05, size=model.n_params)
    ground = Expectation().floor(HAMILTONIAN)
    above = {
        "gradient descent": fitted(model, theta, steps, GradientDescent(0.05)) - ground,
        "natural gradient, fixed ridge": ridge(model, theta, steps) - ground,
        "NaturalGradient()": fitted(model, theta, steps, NaturalGradient()) - ground,
    }
    lines = [
        Line("E - E_0 by gradient descent", 0.199, above["gradient descent"][-1], last_digit("0.199")),
        Line(
            "E - E_0 by Kubo-Mori, fixed ridge",
            1.5e-4,
            above["natural gradient, fixed ridge"][-1],
            last_digit("1.5e-4"),
        ),
        Line(
            "E - E_0 by `NaturalGradient()`", 1.5e-4, above["NaturalGradient()"][-1], last_digit("1.5e-4"), at_most=True
        ),
    ]
    curves = [Curve(name, range(len(y)), y.tolist()) for name, y in above.items()]
    return Found(lines, curves, ("steps", "energy above the ground state"))


if __name__ == "__main__":
    command(reproduce)()
