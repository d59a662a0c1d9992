"""The function that a fit minimises: parameters in, loss and gradient out."""

from __future__ import annotations

import math

import numpy as np

from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.losses import Loss
from qml.models import Model
from qml.states import State, as_state


class Objective:
    r"""The loss as a function of the model's parameters.

    .. math:: f(\theta) = L(\rho, \sigma_\theta)

    Parameters
    ----------
    model : Model
    target : State
        rho, with the dims of the model.
    loss : Loss

    Attributes
    ----------
    evaluations : int
        How many times f, with or without its gradient, has been computed.

    Examples
    --------
    >>> from qml import CrossEntropy, GibbsModel, pauli
    >>> from qml.states import basis_state
    >>> objective = Objective(GibbsModel(pauli("Z")), basis_state("0"), CrossEntropy())
    >>> value, gradient = objective.value_and_gradient([0.0])
    >>> round(value, 6), gradient
    (0.693147, array([1.]))
    """

    def __init__(self, model: Model, target: State, loss: Loss) -> None:
        self.model = model
        self.target = target
        self.loss = loss
        self.evaluations = 0
        self._latest: tuple[Real, State] | None = None

    def value(self, params: ArrayLike) -> float:
        """f(theta)."""
        self.evaluations += 1
        return self.loss.value(self.target, self.model.state(params))

    def value_and_gradient(self, params: ArrayLike) -> tuple[float, Real]:
        """f and its gradient (n_params,); where f is +inf or not a number the gradient is all NaN."""
        self.evaluations += 1
        theta = np.array(params, dtype=np.float64)
        sigma, pullback = self.model.state_vjp(theta)
        value, cotangent = self.loss.value_and_cotangent(self.target, sigma)
        self._latest = theta, sigma
        if not math.isfinite(value):
            return value, np.full(self.model.n_params, np.nan)
        return value, pullback(cotangent)

    def state(self, params: Real) -> State:
        """sigma_theta; the one of the latest gradient is at hand."""
        if self._latest is not None and np.array_equal(params, self._latest[0]):
            return self._latest[1]
        return self.model.state(params)


def as_target(target: State | ArrayLike, model: Model) -> State:
    """rho as a single State with the dims of the model, from a state, a density matrix, a state vector or a Qobj."""
    if isinstance(target, State) or hasattr(target, "isket"):
        rho = as_state(target)
    else:
        d = math.prod(model.dims)
        shape = np.shape(target)
        if shape not in ((d,), (d, d)):
            raise InputError(
                f"target must be a state of dimension {d}, as a State, a Qobj, a matrix ({d}, {d}) or a vector ({d},); "
                f"found {type(target).__name__} of shape {shape}."
            )
        rho = as_state(target, model.dims)
    if rho.dims != model.dims:
        raise InputError(f"target and model must have equal dims; found {rho.dims} (target) and {model.dims} (model).")
    if rho.batch_shape:
        raise InputError(f"target must be one state; found a batch of shape {rho.batch_shape}: use their mixture.")
    return rho
