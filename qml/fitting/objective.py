"""The function that a fit minimises: parameters in, loss and gradient out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qml._typing import ArrayLike, Real
from qml.losses import Loss
from qml.models import Model
from qml.states import State


class Objective:
    r"""The loss as a function of the model's parameters.

    .. math:: f(\theta) = L(\rho, \sigma_\theta)

    Parameters
    ----------
    model : Model
    target : State or what else the loss accepts
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

    def __init__(self, model: Model, target: Any, loss: Loss) -> None:
        self.model = model
        self.target = loss.accept(target, model.dims)
        self.loss = loss
        self.evaluations = 0
        self._latest: tuple[Real, State] | None = None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Those of the model, then those of the loss."""
        return self.model.parameter_names + self.loss.parameter_names

    @property
    def n_params(self) -> int:
        return len(self.parameter_names)

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random starting point (n_params,)."""
        start = self.model.init_params(rng)
        return np.concatenate([start, self.loss.init_params(rng)]) if self.loss.parameter_names else start

    def value(self, params: ArrayLike) -> float:
        """f(theta)."""
        self.evaluations += 1
        theta, phi = self._split(np.asarray(params, dtype=np.float64))
        return self.loss.bind(phi).value(self.target, self.model.state(theta))

    def value_and_gradient(self, params: ArrayLike) -> tuple[float, Real]:
        """f and its gradient (n_params,); where f is +inf or not a number the gradient is all NaN."""
        self.evaluations += 1
        theta, phi = self._split(np.array(params, dtype=np.float64))
        sigma, pullback = self.model.state_vjp(theta)
        loss = self.loss.bind(phi)
        value, cotangent = loss.value_and_cotangent(self.target, sigma)
        self._latest = theta, sigma
        if not math.isfinite(value):
            return value, np.full(self.n_params, np.nan)
        gradient = pullback(cotangent)
        if self.loss.parameter_names:
            gradient = np.concatenate([gradient, loss.params_gradient(self.target, sigma)])
        return value, gradient

    def state(self, params: Real) -> State:
        """sigma_theta; the one of the latest gradient is at hand."""
        theta, _ = self._split(params)
        if self._latest is not None and np.array_equal(theta, self._latest[0]):
            return self._latest[1]
        return self.model.state(theta)

    def _split(self, params: Real) -> tuple[Real, Real]:
        """theta of the model, phi of the loss."""
        n = self.model.n_params
        return (params[:n], params[n:]) if self.loss.parameter_names else (params, params[:0])
