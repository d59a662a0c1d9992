"""The held-out target of a fit: what its iterates are judged by, beside the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from qml._checks import InputError
from qml._typing import Real
from qml.fitting.objective import Objective
from qml.losses import Labelled, Loss, MeanCrossEntropy
from qml.models import Conditioned, Model


@dataclass(frozen=True)
class Validation:
    """A target that is not learnt from; of labelled data, with a model at its own inputs.

    Attributes
    ----------
    target : State or what else the loss accepts
    loss : Loss
    model : Model or None
        What gives the states to compare with; None: the model of the fit.
    """

    target: Any
    loss: Loss
    model: Model | None = None

    @classmethod
    def of(cls, held_out: Any, model: Model, loss: Loss) -> Self:
        """The held-out target of a fit of `model` with `loss`.

        Raises
        ------
        InputError
            If the loss does not accept it, or it is labelled and the model is not a conditional one.
        """
        if not isinstance(held_out, Labelled):
            return cls(loss.accept(held_out, model.dims), loss)
        if not (isinstance(model, Conditioned) and isinstance(loss, MeanCrossEntropy)):
            raise InputError(
                "validation holds labelled data, which need a conditional model and a loss of labels, such as "
                f"MeanCrossEntropy(); found {type(model).__name__} and {type(loss).__name__}."
            )
        own = type(loss)()
        return cls(own.accept(held_out.states, model.dims), own, model.conditional.at(held_out.inputs))

    def loss_of(self, objective: Objective, params: Real) -> float:
        """The loss on this target, without the prior's share."""
        theta, phi = objective.split(params)
        sigma = objective.state(params) if self.model is None else self.model.state(theta)
        return self.loss.bind(phi).value(self.target, sigma)

    def __repr__(self) -> str:
        return repr(self.target)
