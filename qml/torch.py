"""Losses and states as functions and layers of PyTorch, so that a network and a circuit are trained together, with
every model and every loss of this library.

The work is done by the engines of this library, on the host, in float64: theta, a tensor of any float dtype on any
device, is copied there, and results come back to its device as float64 and complex128; its gradient has its own dtype.
Leading axes of theta are a batch, which for a :class:`~qml.CircuitModel` is one call of its engine. Derivatives are
first ones, backward (``torch.autograd``); second ones are refused. The transforms of ``torch.func`` do not look inside,
and PyTorch refuses them: for these, and for derivatives forward, take :mod:`qml.jax`. A theta that is not finite gives
NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.fitting import Objective, Prior
from qml.fitting.functions import ONCE, LossFunction, StateFunction
from qml.losses import Loss
from qml.models import ConditionalModel, Model
from qml.processes import ProcessFamily

__all__ = ["StateLayer", "loss"]


def StateLayer(model: Model) -> Any:  # noqa: N802 - it makes a module, which PyTorch spells so
    r"""The density matrix of a model as a layer, a ``torch.nn.Module``.

    .. math:: \theta \mapsto \sigma_\theta

    It has no weights of its own: theta comes from the layer before it, or is a ``torch.nn.Parameter`` of yours.

    Parameters
    ----------
    model : Model
        A conditional model on given inputs, ``model.at(inputs)``, gives a batch of matrices (m, d, d).

    Returns
    -------
    torch.nn.Module
        theta (..., n_params) to sigma (..., d, d), complex128. NaN outside the domain of parameters that limit each
        other.

    Raises
    ------
    InputError
        If `model` is no model, or PyTorch is not installed. By the layer: if theta has another shape or is not a tensor
        of real numbers, and where second derivatives are asked for.

    Notes
    -----
    Backward it costs one ``state_vjp`` of the model, whatever the number of parameters.

    Examples
    --------
    ``net = torch.nn.Sequential(torch.nn.Linear(2, model.n_params), qml.torch.StateLayer(model))``.
    """
    return _pieces()[1](model)


def loss(
    model: Model | ConditionalModel | ProcessFamily,
    target: Any,
    loss: Loss | str | None = None,
    *,
    prior: Prior | None = None,
) -> Callable[[Any], Any]:
    r"""What :func:`qml.fit` minimises when it is called with the same arguments, as a function of PyTorch.

    .. math:: \theta \mapsto L(\rho, \sigma_\theta) - \tfrac1N \log p(\theta)

    Parameters
    ----------
    model, target, loss, prior
        As for :func:`qml.fit`.

    Returns
    -------
    callable
        theta (..., n_params) to the loss (...), float64: a number for each theta. Parameters of the loss itself come
        after the model's. +inf is a value, with a gradient of NaN; so it is outside the domain of parameters that limit
        each other.

    Raises
    ------
    InputError
        As :func:`qml.fit`, or if PyTorch is not installed. By the function that is returned: if theta has another shape
        or is not a tensor of real numbers, and where second derivatives are asked for.

    Notes
    -----
    The value costs one ``state`` of the model, the value and its whole gradient one ``state_vjp``.

    Examples
    --------
    ``qml.torch.loss(model, rho)(theta).backward()``.
    """
    function = LossFunction(Objective.of(model, target, loss, prior))
    of_loss = _pieces()[0]

    def of_theta(theta: Any) -> Any:
        return of_loss(function, _parameters(theta, function.n_params))

    alone = _checks.need("torch.compiler", "torch").disable(of_theta)
    return lambda theta: alone(theta)  # torch.compile would take off the outermost mark


@cache
def _pieces() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The loss of a function and theta, and the class of the layer: both need PyTorch to be defined."""
    torch, make = _checks.need("torch", "torch"), StateLayer

    def on_host(tensor: Any) -> Any:
        kind = torch.complex128 if tensor.is_complex() else torch.float64
        return tensor.detach().resolve_conj().resolve_neg().to("cpu", kind).numpy()

    def beside(theta: Any, array: Any) -> Any:
        return torch.from_numpy(array).to(theta.device)

    class Once(torch.autograd.Function):  # type: ignore[name-defined, misc]
        """What was found from theta and other tensors; to differentiate it would be a second derivative."""

        @staticmethod
        def forward(ctx: Any, found: Any, *others: Any) -> Any:
            return found.clone()

        @staticmethod
        def backward(ctx: Any, *outer: Any) -> Any:
            raise InputError(ONCE)

    class Backward(torch.autograd.Function):  # type: ignore[name-defined, misc]
        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            raise InputError("qml.torch has derivatives backward, and none forward: qml.jax has both.")

    class OfLoss(Backward):
        @staticmethod
        def forward(ctx: Any, function: LossFunction, theta: Any, slopes: bool) -> Any:
            if not slopes:
                return beside(theta, function.value(on_host(theta)))
            values, gradients = function.value_and_gradient(on_host(theta))
            ctx.save_for_backward(theta, beside(theta, gradients))
            return beside(theta, values)

        @staticmethod
        def backward(ctx: Any, outer: Any) -> Any:
            theta, gradients = ctx.saved_tensors
            return None, outer[..., None] * Once.apply(gradients, theta), None

    class OfState(Backward):
        @staticmethod
        def forward(ctx: Any, function: StateFunction, theta: Any) -> Any:
            ctx.function = function
            ctx.save_for_backward(theta)
            return beside(theta, function.state(on_host(theta)))

        @staticmethod
        def backward(ctx: Any, outer: Any) -> Any:
            (theta,) = ctx.saved_tensors
            pulled = beside(theta, ctx.function.pull(on_host(theta), on_host(outer)))
            return None, Once.apply(pulled, theta, outer)

    def of_loss(function: LossFunction, theta: Any) -> Any:
        return OfLoss.apply(function, theta, theta.requires_grad and torch.is_grad_enabled())

    class Layer(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, model: Model) -> None:
            super().__init__()
            self.model, self._function = model, StateFunction(model)

        @torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
        def forward(self, theta: Any) -> Any:
            return OfState.apply(self._function, _parameters(theta, self._function.n_params))

        def _get_name(self) -> str:
            return "StateLayer"

        def extra_repr(self) -> str:
            return repr(self.model)

        def __reduce__(self) -> Any:
            return make, (self.model,), {name: x for name, x in vars(self).items() if name != "_function"}

    return of_loss, Layer


def _parameters(theta: Any, n_params: int) -> Any:
    """theta (..., n_params), if it is a tensor of real numbers."""
    torch = _checks.need("torch", "torch")
    if not isinstance(theta, torch.Tensor) or theta.is_complex():
        raise InputError(f"theta must be a tensor of real numbers; found {_checks.shown(theta)}.")
    if theta.ndim < 1 or theta.shape[-1] != n_params:
        raise InputError(
            f"theta must have shape (..., {n_params}), one number a parameter; found shape {tuple(theta.shape)}."
        )
    return theta
