"""Quantum iterative scaling, and how it is accelerated (Gao, Ji, Wei 2024, arXiv:2407.11473).

    python experiments/reproductions/iterative_scaling.py --figure iterative_scaling.png

The paper learns the Hamiltonian of a Gibbs state from its expectations by iterative scaling (QIS) and by gradient
descent (GD), proves that both converge linearly, QIS with the Jacobian 1 - P^-1 L (L the metric, P the diagonal of the
expectations), and reports that quasi-Newton methods, Anderson mixing for QIS and L-BFGS for GD, save orders of
magnitude. No table of numbers was within reach: the bounds below were fixed as "at least ten times".

The chain has four qubits and the 39 Pauli strings of one site and of neighbors; QIS wants positive operators that add
up to at most one, F_j = (1 + P_j)/(2m). Its update lambda_j += log <F_j>_rho - log <F_j>_sigma is written out here, and
so is Anderson mixing; gradient descent, L-BFGS and Newton's method are those of the library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qml import CrossEntropy, GibbsModel, fit
from qml._typing import Real
from qml.fitting import Objective
from qml.operators import neighbors
from qml.optimizers import LBFGS, GradientDescent, Newton, Optimizer
from qml.states import GibbsState

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

N, SEED, STRENGTH = 4, 1, 0.25
TOLERANCE = 1e-6  # largest difference of the expectations of a string
DEPTH, MOST = 10, 10_000  # of Anderson mixing; iterations
AT_LEAST = 10.0  # times fewer iterations: one order of magnitude


def scaling(model: GibbsModel, rho: GibbsState) -> Callable[[Real], tuple[Real, float]]:
    """A step of iterative scaling, from theta to theta, and the largest difference of expectations before it.

    sigma = exp(sum_j lambda_j F_j)/Z with F_j = (1 + P_j)/(2m), so that theta_j = -lambda_j/(2m).
    """
    objective, m = Objective(model, rho, CrossEntropy()), model.n_params
    wanted = np.array([float(rho.expect(name)) for name in model.parameter_names])

    def step(theta: Real) -> tuple[Real, float]:
        _, difference = objective.value_and_gradient(theta)  # <P>_rho - <P>_sigma
        found = wanted - difference
        return theta - (np.log1p(wanted) - np.log1p(found)) / (2 * m), float(np.abs(difference).max())

    return step


def iterated(step: Callable[[Real], tuple[Real, float]], theta: Real) -> list[float]:
    """Errors along theta = step(theta), until the tolerance."""
    errors: list[float] = []
    while len(errors) < MOST and (not errors or errors[-1] > TOLERANCE):
        theta, error = step(theta)
        errors.append(error)
    return errors


def mixed(step: Callable[[Real], tuple[Real, float]], theta: Real) -> list[float]:
    """Errors of Anderson mixing: the combination of the latest points whose residuals add up to the least."""
    errors: list[float] = []
    points: list[Real] = []
    residuals: list[Real] = []
    while len(errors) < MOST and (not errors or errors[-1] > TOLERANCE):
        image, error = step(theta)
        errors.append(error)
        points, residuals = [*points, image][-DEPTH:], [*residuals, image - theta][-DEPTH:]
        theta = image
        if len(points) > 1:
            turns = np.array([r - residuals[-1] for r in residuals[:-1]]).T
            weights = np.linalg.lstsq(turns, -residuals[-1], rcond=1e-12)[0]
            theta = image + np.array([p - points[-1] for p in points[:-1]]).T @ weights
    return errors


def fitted(model: GibbsModel, rho: GibbsState, optimizer: Optimizer) -> list[float]:
    """Errors along a fit from the maximally mixed state."""
    found = fit(
        model,
        rho,
        optimizer=optimizer,
        params0=np.zeros(model.n_params),
        max_iterations=MOST,
        gradient_tolerance=TOLERANCE,
        progress=False,
    )
    return found.history.gradient_norm.tolist()


def reproduce(n: int = N) -> Found:
    """Quantum iterative scaling, and how it is accelerated (arXiv:2407.11473)."""
    model = GibbsModel(neighbors(n, weight=2))
    rho = model.state(np.random.default_rng(SEED).normal(scale=STRENGTH, size=model.n_params))
    step, origin = scaling(model, rho), np.zeros(model.n_params)
    errors = {
        "iterative scaling": iterated(step, origin),
        "iterative scaling, Anderson mixing": mixed(step, origin),
        "gradient descent": fitted(model, rho, GradientDescent(1 / model.n_params)),
        "L-BFGS": fitted(model, rho, LBFGS()),
        "Newton": fitted(model, rho, Newton()),
    }
    count = {name: len(e) for name, e in errors.items()}
    anderson = count["iterative scaling, Anderson mixing"] / count["iterative scaling"]
    lines = [
        Line(
            f"iterations, Anderson mixing by plain scaling ({count['iterative scaling']})", None, anderson, 1 / AT_LEAST
        ),
        Line(
            f"iterations, L-BFGS by gradient descent ({count['gradient descent']})",
            None,
            count["L-BFGS"] / count["gradient descent"],
            1 / AT_LEAST,
        ),
        Line("iterations of Newton's method (ours)", None, count["Newton"], 15.0),
        Line("largest error of any at the end", None, max(e[-1] for e in errors.values()), TOLERANCE),
    ]
    curves = [Curve(f"{name}: {len(e)}", range(1, len(e) + 1), e) for name, e in errors.items()]
    return Found(lines, curves, ("iterations", "largest difference of an expectation"), log_x=True)


if __name__ == "__main__":
    command(reproduce)()
