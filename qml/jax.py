"""Losses and states as functions that JAX differentiates, compiles and maps, so that Optax, Flax, BlackJAX or a loss of
one's own can be used with every model and every loss of this library.

The work is done by the engines of this library, on the host: JAX calls them (``jax.pure_callback``), and is told their
derivatives, forward and backward. They are first derivatives; second ones are refused. ``jax.vmap`` hands over all
members in one call, which for a :class:`~qml.CircuitModel` is one call of its engine.

The setting ``jax_enable_x64`` is left alone. Where it is off, theta arrives as float32 and results come out as float32
and complex64, which is too coarse for the last digits of a fit; the work between is float64 all the same. For digits,
call ``jax.config.update("jax_enable_x64", True)`` when the program starts. A theta that is not finite gives NaN.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.fitting import Objective, Prior
from qml.fitting.functions import ONCE, LossFunction, StateFunction
from qml.io.extras import need
from qml.losses import Loss
from qml.models import ConditionalModel, Model
from qml.processes import ProcessFamily

__all__ = ["loss", "state"]


def state(model: Model) -> Callable[[Any], Any]:
    r"""The density matrix of a model as a function of JAX.

    .. math:: \theta \mapsto \sigma_\theta

    Parameters
    ----------
    model : Model
        A conditional model on given inputs, ``model.at(inputs)``, gives a batch of matrices (m, d, d).

    Returns
    -------
    callable
        theta (n_params,) to sigma (d, d), complex128, or complex64 where ``jax_enable_x64`` is off. NaN outside the
        domain of parameters that limit each other.

    Raises
    ------
    InputError
        If `model` is no model, or JAX is not installed. By the function that is returned: if theta has another shape or
        is complex, and where second derivatives are asked for.

    Notes
    -----
    Backward it costs one ``state_vjp`` of the model, whatever the number of parameters; forward one ``state_jvp``.
    Make the function once: JAX compiles every new one again.

    Examples
    --------
    A loss of one's own, here the energy of a noisy qubit:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from qml import Circuit, CircuitModel, channels, gates
    >>> sigma = state(CircuitModel(Circuit(1, [gates.RY("a", 0), channels.Depolarizing(0.2, 0)])))
    >>> z = jnp.array([[1.0, 0.0], [0.0, -1.0]])
    >>> value, gradient = jax.value_and_grad(lambda theta: jnp.trace(sigma(theta) @ z).real)(jnp.array([jnp.pi / 2]))
    >>> gradient.round(4)
    Array([-0.8], dtype=float32)
    """
    return _state_on_host(StateFunction(model))


def loss(
    model: Model | ConditionalModel | ProcessFamily,
    target: Any,
    loss: Loss | str | None = None,
    *,
    prior: Prior | None = None,
) -> Callable[[Any], Any]:
    r"""What :func:`qml.fit` minimises when it is called with the same arguments, as a function of JAX.

    .. math:: \theta \mapsto L(\rho, \sigma_\theta) - \tfrac1N \log p(\theta)

    Parameters
    ----------
    model, target, loss, prior
        As for :func:`qml.fit`.

    Returns
    -------
    callable
        theta (n_params,) to the loss, a number: float64, or float32 where ``jax_enable_x64`` is off. Parameters of the
        loss itself come after the model's. +inf is a value, with a gradient of NaN; so it is outside the domain of
        parameters that limit each other.

    Raises
    ------
    InputError
        As :func:`qml.fit`, or if JAX is not installed. By the function that is returned: if theta has another shape or
        is complex, and where second derivatives are asked for.

    Notes
    -----
    The value costs one ``state`` of the model, the value and its whole gradient one ``state_vjp``.
    Make the function once: JAX compiles every new one again.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from qml import GibbsModel, thermal
    >>> from qml.operators import tfim
    >>> s = loss(GibbsModel(tfim(2)), thermal(tfim(2, h=0.5), 1.0))
    >>> value, gradient = jax.jit(jax.value_and_grad(s))(jnp.zeros(3))
    >>> value.round(4), gradient.round(4)
    (Array(1.3863, dtype=float32), Array([0.6834, 0.3653, 0.3653], dtype=float32))
    """
    return _loss_on_host(LossFunction(Objective.of(model, target, loss, prior)))


def _loss_on_host(function: LossFunction) -> Callable[[Any], Any]:
    """The loss as JAX sees it where the host computes it."""
    jax = need("jax", "jax")

    @jax.custom_jvp
    def value(theta: Any) -> Any:
        number = jax.ShapeDtypeStruct((), theta.dtype)
        return jax.pure_callback(function.value, number, theta, vmap_method="expand_dims")

    @jax.custom_jvp
    def both(theta: Any) -> Any:
        number, like_theta = (jax.ShapeDtypeStruct(shape, theta.dtype) for shape in ((), theta.shape))
        shapes = (number, like_theta)
        return jax.pure_callback(function.value_and_gradient, shapes, theta, vmap_method="expand_dims")

    @value.defjvp
    def along(primals: Any, tangents: Any) -> Any:
        found, gradient = both(*primals)
        return found, (gradient * tangents[0]).sum()

    both.defjvp(_refuse)
    return lambda theta: value(_parameters(theta, function.n_params))


def _state_on_host(function: StateFunction) -> Callable[[Any], Any]:
    """The state as JAX sees it where the host computes it."""
    jax = need("jax", "jax")
    derivative = _derivative()

    @jax.custom_jvp
    def sigma(theta: Any) -> Any:
        shape = jax.ShapeDtypeStruct(function.shape, jax.numpy.result_type(theta.dtype, jax.numpy.complex64))
        return jax.pure_callback(function.state, shape, theta, vmap_method="expand_dims")

    @sigma.defjvp
    def along(primals: Any, tangents: Any) -> Any:
        (theta,), (v,) = primals, tangents
        return sigma(theta), derivative.bind(theta, v, function=function, forward=True)

    return lambda theta: sigma(_parameters(theta, function.n_params))


@cache
def _derivative() -> Any:
    """v to dsigma at theta, or back, as a primitive of JAX: linear in v, and the one way is the transpose of the other.

    JAX's own way to declare that, ``linear_call``, has no rule for ``vmap``. Leading axes of both arguments are a batch.
    """
    jax = need("jax", "jax")
    primitive = importlib.import_module("jax.extend.core").Primitive("qml_state_derivative")
    ad, batching, mlir = (importlib.import_module(f"jax.interpreters.{name}") for name in ("ad", "batching", "mlir"))

    def shape(theta: Any, function: StateFunction, forward: bool) -> tuple[tuple[int, ...], Any]:
        if forward:
            return (*theta.shape[:-1], *function.shape), jax.numpy.result_type(theta.dtype, jax.numpy.complex64)
        return theta.shape, theta.dtype

    @primitive.def_impl
    def run(theta: Any, x: Any, *, function: StateFunction, forward: bool) -> Any:
        out = jax.ShapeDtypeStruct(*shape(theta, function, forward))
        if forward:
            return jax.pure_callback(function.push, out, theta, x)
        return jax.pure_callback(function.pull, out, theta, x.conj())  # JAX's cotangent is paired without conjugation

    @primitive.def_abstract_eval
    def abstract(theta: Any, x: Any, *, function: StateFunction, forward: bool) -> Any:
        return jax.core.ShapedArray(*shape(theta, function, forward))

    def turned_around(cotangent: Any, theta: Any, x: Any, *, function: StateFunction, forward: bool) -> Any:
        if isinstance(cotangent, ad.Zero):
            return None, ad.Zero(x.aval)
        return None, primitive.bind(theta, cotangent, function=function, forward=not forward)

    def along(primals: Any, tangents: Any, **how: Any) -> Any:
        (theta, x), (of_theta, of_x) = primals, tangents
        if not isinstance(of_theta, ad.Zero):
            _refuse()
        return primitive.bind(theta, x, **how), primitive.bind(theta, of_x, **how)

    def mapped(arguments: Any, axes: Any, **how: Any) -> Any:
        (size,) = {x.shape[axis] for x, axis in zip(arguments, axes, strict=True) if axis is not None}
        first = [
            jax.numpy.broadcast_to(x, (size, *x.shape)) if axis is None else jax.numpy.moveaxis(x, axis, 0)
            for x, axis in zip(arguments, axes, strict=True)
        ]
        return primitive.bind(*first, **how), 0

    ad.primitive_jvps[primitive] = along
    ad.primitive_transposes[primitive] = turned_around
    batching.primitive_batchers[primitive] = mapped
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=False))
    return primitive


def _refuse(*_: Any) -> Any:
    raise InputError(ONCE)


def _parameters(theta: Any, n_params: int) -> Any:
    """theta (n_params,) in the precision that JAX is set to."""
    jnp = need("jax.numpy", "jax")
    try:
        found = jnp.asarray(theta)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"theta must be an array of real numbers; found {_checks.shown(theta)}.") from None
    if jnp.issubdtype(found.dtype, jnp.complexfloating):
        raise InputError("theta must be real; found a complex array: take its real part if that is meant.")
    if found.shape != (n_params,):
        raise InputError(
            f"theta must have shape ({n_params},), one number a parameter; found shape {found.shape}: for many theta "
            "at once use jax.vmap."
        )
    return found.astype(jnp.result_type(float))
