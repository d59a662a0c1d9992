"""A Gibbs model that is turned by a unitary reaches what a plain one cannot (Minervini et al. 2025, arXiv:2501.03367).

    python experiments/reproductions/evolved.py --figure evolved.png

The paper defines evolved quantum Boltzmann machines, exp(-iH) exp(-G) exp(iH) / Z. The numbers are those of another
implementation, the tests of qbmkit (version 0.12.1, tests/reproductions/test_evolved_expressivity.py): a target of the
evolved family, three qubits, G with the fields X, Z and the couplings ZZ, H with the fields X, drawn as there; D of a
plain and of an evolved model after 400 steps of Adam of learning rate 0.1. L-BFGS says that the plain one's is a floor.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qml import Circuit, EvolvedGibbsModel, GibbsModel, Parameter, State, fit, gates
from qml._typing import Real
from qml.losses import RelativeEntropy
from qml.models import Model
from qml.optimizers import LBFGS, Adam, Optimizer

sys.path.insert(0, str(Path(__file__).parent))
from natural_gradients import generators
from published import Curve, Found, Line, command, last_digit

N = 3


def evolved() -> EvolvedGibbsModel:
    """exp(-i sum_q phi_q X_q) after the Gibbs state."""
    turns = [gates.RX(2 * Parameter(f"phi{q}"), q) for q in range(N)]
    return EvolvedGibbsModel(generators(N), Circuit(N, turns))


def target() -> State:
    """The evolved state that is learnt."""
    model, rng = evolved(), np.random.default_rng(3)
    turns = N
    strengths = rng.normal(scale=0.5, size=model.n_params - turns)
    return model.state(np.concatenate([strengths, rng.normal(scale=0.6, size=turns)]))


def learnt(model: Model, start: Real, optimizer: Optimizer, steps: int) -> Real:
    """D(target||model) after every step."""
    found = fit(
        model,
        target(),
        loss=RelativeEntropy(),
        optimizer=optimizer,
        params0=start,
        max_iterations=steps,
        gradient_tolerance=1e-10,
        progress=False,
    )
    return found.history.loss


def reproduce(steps: int = 400) -> Found:
    """A Gibbs model that is turned by a unitary reaches what a plain one cannot (arXiv:2501.03367)."""
    plain, turned = GibbsModel(generators(N)), evolved()
    of_plain = np.random.default_rng(3).normal(scale=0.1, size=plain.n_params)
    of_turned = np.random.default_rng(4).normal(scale=0.1, size=turned.n_params)
    d = {
        "plain": learnt(plain, of_plain, Adam(0.1), steps),
        "evolved": learnt(turned, of_turned, Adam(0.1), steps),
        "plain, L-BFGS": learnt(plain, of_plain, LBFGS(), steps),
    }
    lines = [
        Line("D(target‖plain), Adam", 0.22, d["plain"][-1], last_digit("0.22")),
        Line("D(target‖evolved), Adam", 1e-15, d["evolved"][-1], 1e-12, at_most=True),
        Line("D(target‖plain) by L-BFGS, a floor", 0.22, d["plain, L-BFGS"][-1], last_digit("0.22")),
    ]
    curves = [Curve(name, range(len(y)), np.maximum(y, 1e-16).tolist()) for name, y in d.items()]
    return Found(lines, curves, ("steps", "D(target‖model) in nats"))


if __name__ == "__main__":
    command(reproduce)()
