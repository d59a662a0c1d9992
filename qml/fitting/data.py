"""Where data bring inputs of their own: the model at them, and what is then compared with it."""

from __future__ import annotations

from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.losses import Labelled
from qml.measurement import Counts
from qml.models import ConditionalModel, Model
from qml.processes import ProcessFamily


def at_data(model: Model | ConditionalModel | ProcessFamily, target: Any) -> tuple[Model, Any]:
    """A model and its target: of labelled data, the conditional model at their inputs and their states; of a record of
    experiments, what the family of processes predicts for it."""
    if isinstance(target, Labelled) and isinstance(model, ConditionalModel):
        return model.at(target.inputs), target.states
    if isinstance(model, ProcessFamily):
        return model.on(_checks.instance("target", target, Counts, "of Experiments")), target
    if isinstance(target, Labelled) or isinstance(model, ConditionalModel):
        raise InputError(
            "a conditional model learns from labelled data, and nothing else does: pass Labelled(inputs, states) to a "
            f"ConditionalModel; found {type(model).__name__} and {type(target).__name__}."
        )
    return _checks.instance("model", model, Model, "such as CircuitModel or GibbsModel"), target
