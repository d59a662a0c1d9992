"""Why a fit cannot go on, as clauses for its status sentence."""

from __future__ import annotations

import math

import numpy as np

from qml import spectral
from qml._typing import Real
from qml.fitting.objective import Objective
from qml.states import State


def not_a_number(objective: Objective, when: str, params: Real | None = None) -> str:
    """A clause: what is not a number (NaN): one of the parameters that a step led to; or, at the latest evaluation, the
    loss, or which derivative."""
    latest, names = objective.latest, objective.parameter_names
    if params is not None and not np.isfinite(params).all():
        k = int(np.flatnonzero(~np.isfinite(params))[0])
        return f"the step took the parameter {names[k]!r} to {params[k]}, which is not a number, {when}"
    assert latest is not None, "an optimizer ended without an evaluation"
    if not math.isfinite(latest.value):
        about = _about_state(latest.state)
        return f"the loss is not a number (NaN) {when}{about}"
    if latest.gradient is not None:
        bad = np.flatnonzero(~np.isfinite(latest.gradient))
        if len(bad):
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            return f"the derivative along {names[bad[0]]!r}{more} is not a number (NaN) {when}"
    return f"the loss or its gradient is not a number (NaN) {when}"


def infinite(objective: Objective) -> str:
    """Why the loss is +inf at the start, and what cures it."""
    latest = objective.latest
    why = "" if latest is None else objective.loss.why_infinite(objective.target, latest.state)
    where = f": {why}" if why else ""
    return (
        f"{where}. Give the model full rank: add noise to its circuit, use a Gibbs or spectral model, or smooth sigma "
        "with a little of the maximally mixed state (a depolarizing channel)."
    )


def _about_state(state: State) -> str:
    """What is wrong with the state, where that is why."""
    matrix = state.matrix()
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0].tolist()
        return f", because the entry ({row}, {column}) of the state is not"
    lowest = float(spectral.eigh(matrix)[0][0])
    if lowest < -1e-8:
        return f", and the state has the negative eigenvalue {lowest:.3g}"
    return ", though the state is sound"
