"""A multi-layer network, trained by backpropagation under any of the likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.optimize
import scipy.special

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.classical.likelihoods import Likelihood

ACTIVATIONS: dict[str, tuple[Callable[[Real], Real], Callable[[Real], Real]]] = {
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda x: np.maximum(x, 0.0), lambda a: np.where(a > 0, 1.0, 0.0)),
    "sigmoid": (scipy.special.expit, lambda a: a * (1 - a)),
    "softplus": (lambda x: np.logaddexp(0.0, x), lambda a: -np.expm1(-a)),
}
"""Each activation f by name, and its derivative as a function of a = f(x)."""


class Network:
    r"""A fully connected network with a linear last layer.

    .. math:: z = W_L a_{L-1} + b_L, \qquad a_l = f(W_l a_{l-1} + b_l), \quad a_0 = x

    theta holds layer after layer, the first one first. Each is the matrix (inputs + 1, outputs) of its weights, written
    row by row: row i has the weights of input i to every output, and the last row the biases.

    The derivative goes back layer by layer, from dL/dz as the likelihood gives it. A dependency on an automatic
    differentiation library would be larger than these few lines.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden layers, outputs: at least two numbers.
    activation : {"tanh", "relu", "sigmoid", "softplus"}
        f of the hidden layers. The derivative of relu at 0, where there is none, is given as 0.

    Raises
    ------
    InputError
        Where a width is no integer of at least 1, there are fewer than two, or the activation is another word.

    Examples
    --------
    XOR, which no linear model can learn:

    >>> from qml.classical.likelihoods import BernoulliLikelihood
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    >>> network = Network([2, 4, 1])
    >>> theta, value = network.train(x, y, BernoulliLikelihood(), np.random.default_rng(0), decay=1e-4)
    >>> (network.outputs(theta, x) > 0).ravel().tolist()
    [False, True, True, False]
    """

    def __init__(self, widths: Sequence[int], activation: str = "tanh") -> None:
        self.activation = _checks.choice("activation", activation, ACTIVATIONS)
        held = _checks.listed("widths", widths, "integers")
        self.widths = tuple(_checks.integer("each width", w, low=1) for w in held)
        if len(self.widths) < 2:
            raise InputError(f"widths must name the inputs and the outputs at least; found {list(widths)}.")
        self._shapes = [(a + 1, b) for a, b in zip(self.widths, self.widths[1:], strict=False)]

    def __repr__(self) -> str:
        return f"Network({self.widths}, {self.activation!r})"

    @property
    def n_params(self) -> int:
        """The number of weights and biases."""
        return sum(a * b for a, b in self._shapes)

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random start (n_params,): normal weights of variance 1/fan-in, biases zero.

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If `rng` is no Generator.
        """
        rng = _checks.generator("rng", rng)
        layers = [rng.normal(0.0, 1.0, shape) / np.sqrt(max(1, shape[0] - 1)) for shape in self._shapes]
        for layer in layers:
            layer[-1] = 0.0
        return np.concatenate([layer.ravel() for layer in layers])

    def outputs(self, params: ArrayLike, inputs: ArrayLike) -> Real:
        """The outputs z (m, widths[-1]).

        Parameters
        ----------
        params : array (n_params,)
            theta.
        inputs : array (m, widths[0])

        Raises
        ------
        InputError
            If a shape is another, or an entry is not finite.
        """
        return self.outputs_vjp(params, inputs)[0]

    def outputs_vjp(self, params: ArrayLike, inputs: ArrayLike) -> tuple[Real, Callable[[Real], Real]]:
        """The outputs, and the way back from a derivative in them.

        Parameters
        ----------
        params, inputs
            As in :meth:`outputs`.

        Returns
        -------
        outputs : array (m, widths[-1])
            z.
        pull : callable
            dL/dz (m, widths[-1]) to dL/dtheta (n_params,).
        """
        theta = _checks.parameters("params", params, self.n_params)
        x = _checks.reals("inputs", inputs)
        if x.ndim != 2 or x.shape[1] != self.widths[0]:
            raise InputError(f"inputs must have shape (m, {self.widths[0]}); found shape {x.shape}.")
        ends = np.cumsum([a * b for a, b in self._shapes])[:-1]
        layers = [part.reshape(shape) for part, shape in zip(np.split(theta, ends), self._shapes, strict=True)]
        f, slope_of = ACTIVATIONS[self.activation]
        activations = [x]
        for layer in layers[:-1]:
            activations.append(f(activations[-1] @ layer[:-1] + layer[-1]))

        def pull(slope: Real) -> Real:
            gradients: list[Real] = []
            for layer, a in zip(reversed(layers), reversed(activations), strict=True):
                gradients.append(np.vstack([a.T @ slope, slope.sum(axis=0)]))
                slope = (slope @ layer[:-1].T) * slope_of(a)
            return np.concatenate([g.ravel() for g in reversed(gradients)])

        return activations[-1] @ layers[-1][:-1] + layers[-1][-1], pull

    def value_and_gradient(
        self, params: ArrayLike, inputs: ArrayLike, targets: ArrayLike, likelihood: Likelihood, *, decay: float = 0.0
    ) -> tuple[float, Real]:
        """The likelihood's loss plus (decay/2) theta^2 in nats a target, and the derivative (n_params,).

        Parameters
        ----------
        params, inputs
            As in :meth:`outputs`.
        targets : array (m, widths[-1]), or what else the likelihood says
        likelihood : Likelihood
        decay : float
            At least 0.

        Raises
        ------
        InputError
            If shapes do not fit, or decay is negative.
        """
        theta, decay = _checks.parameters("params", params, self.n_params), _checks.number("decay", decay, low=0.0)
        _checks.instance("likelihood", likelihood, Likelihood)
        z, pull = self.outputs_vjp(theta, inputs)
        value, slope = likelihood.value_and_gradient(targets, z)
        return value + float((decay / 2 * theta) @ theta), pull(slope) + decay * theta

    def train(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        likelihood: Likelihood,
        rng: np.random.Generator,
        *,
        decay: float = 0.0,
        max_iterations: int = 500,
    ) -> tuple[Real, float]:
        """A local optimum (n_params,) from a random start, by L-BFGS, and the loss there.

        Parameters
        ----------
        inputs, targets, likelihood, decay
            As in :meth:`value_and_gradient`.
        rng : numpy Generator
            Of the start.
        max_iterations : int
            At least 1.

        Raises
        ------
        InputError
            If shapes do not fit, or an argument is out of range.
        """
        decay = _checks.number("decay", decay, low=0.0)

        def f(theta: Real) -> tuple[float, Real]:
            return self.value_and_gradient(theta, inputs, targets, likelihood, decay=decay)

        options = {"maxiter": _checks.integer("max_iterations", max_iterations, low=1)}
        found = scipy.optimize.minimize(f, self.init_params(rng), jac=True, method="L-BFGS-B", options=options)
        return np.asarray(found.x), float(found.fun)
