"""Losses and states as functions that JAX differentiates, compiles and maps, so that Optax, Flax, BlackJAX or a loss of
one's own can be used with every model and every loss of this library.

The work is done by the engines of this library, on the host: JAX calls them (``jax.pure_callback``), and is told their
derivatives, forward and backward. They are first derivatives; second ones are refused. ``jax.vmap`` hands over all
members in one call, which for a :class:`~qml.CircuitModel` is one call of its engine. A circuit whose engine is a
:class:`~qml.engines.JaxEngine` is a function of JAX itself, where ``jax_enable_x64`` is on: nothing goes to the host.

The setting ``jax_enable_x64`` is left alone. Where it is off, theta arrives as float32 and results come out as float32
and complex64, which is too coarse for the last digits of a fit; the work between is float64 all the same. For digits,
call ``jax.config.update("jax_enable_x64", True)`` when the program starts. A theta that is not finite gives NaN.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml.fitting import Objective, Prior
from qml.fitting.functions import ONCE, LossFunction, StateFunction
from qml.losses import Loss
from qml.models import ConditionalModel, Model
from qml.processes import ProcessFamily
from qml.states import State

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
    >>> energy = lambda theta: jnp.trace(sigma(theta) @ z).real
    >>> print(f"{jax.grad(energy)(jnp.array([jnp.pi / 2]))[0]:.4f}")
    -0.8000
    """
    _checks.need("jax", "jax")
    from qml.fitting.traced import matrix_of_vector, on_the_host, traced_vector

    _checks.instance("model", model, Model, "such as CircuitModel or GibbsModel")
    by_host = _state_on_host(StateFunction(on_the_host(model)))
    vector = traced_vector(model)
    if vector is None:
        return by_host
    return _in_double(lambda theta: matrix_of_vector(vector(theta), len(model.dims)), by_host, model.n_params)


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
    >>> print(f"{value:.4f}", [f"{x:.4f}" for x in gradient.tolist()])
    1.3863 ['0.6835', '0.3677', '0.3677']
    """
    _checks.need("jax", "jax")
    from qml.fitting.traced import on_the_host, traced_loss

    if isinstance(target, State):  # what one on a device works out once may be a tracer of JAX
        target = target.numpy()
    objective = Objective.of(model, target, loss, prior)
    native = traced_loss(objective)
    if native is None:
        return _loss_on_host(LossFunction(objective))
    host = Objective(on_the_host(objective.model), objective.target, objective.loss)
    return _in_double(native, _loss_on_host(LossFunction(host)), objective.n_params)


def _in_double(native: Callable[[Any], Any], by_host: Callable[[Any], Any], n_params: int) -> Callable[[Any], Any]:
    """What JAX traces itself where it is set to double precision, else what the host computes."""
    jax = _checks.need("jax", "jax")
    compiled = jax.jit(native)
    return lambda theta: compiled(_parameters(theta, n_params)) if jax.config.jax_enable_x64 else by_host(theta)


def _loss_on_host(function: LossFunction) -> Callable[[Any], Any]:
    """The loss as JAX sees it where the host computes it."""
    jax = _checks.need("jax", "jax")
    from qml.engines.jax.called import called
    from qml.fitting.traced import with_gradient

    def value(theta: Any) -> Any:
        return called(function.value, jax.ShapeDtypeStruct((), theta.dtype), theta)

    def value_and_gradient(theta: Any) -> Any:
        number, like_theta = (jax.ShapeDtypeStruct(shape, theta.dtype) for shape in ((), theta.shape))
        return called(function.value_and_gradient, (number, like_theta), theta)

    compiled = jax.jit(with_gradient(value, value_and_gradient))
    return lambda theta: compiled(_parameters(theta, function.n_params))


def _state_on_host(function: StateFunction) -> Callable[[Any], Any]:
    """The state as JAX sees it where the host computes it."""
    jax = _checks.need("jax", "jax")
    from qml.engines.jax.called import called

    derivative = _derivative()

    def sigma(theta: Any) -> Any:
        return called(function.state, jax.ShapeDtypeStruct(function.shape, _complex(theta)), theta)

    def along(primals: Any, tangents: Any) -> Any:
        (theta,), (v,) = primals, tangents
        return known(theta), derivative.bind(theta, v, function=function, forward=True)

    known = jax.custom_jvp(sigma)
    known.defjvp(along)
    compiled = jax.jit(known)
    return lambda theta: compiled(_parameters(theta, function.n_params))


@cache
def _derivative() -> Any:
    """v to dsigma at theta, or back, as a primitive of JAX: linear in v, and the one is the transpose of the other.

    JAX's own way to declare that, ``linear_call``, has no rule for ``vmap``. Leading axes of both arguments are a
    batch.
    """
    jax = _checks.need("jax", "jax")
    from qml.engines.jax.called import called

    primitive = importlib.import_module("jax.extend.core").Primitive("qml_state_derivative")
    ad, batching, mlir = (importlib.import_module(f"jax.interpreters.{name}") for name in ("ad", "batching", "mlir"))

    def shape(theta: Any, x: Any, *, function: StateFunction, forward: bool) -> Any:
        if forward:
            return jax.core.ShapedArray((*theta.shape[:-1], *function.shape), _complex(theta))
        return jax.core.ShapedArray(theta.shape, theta.dtype)

    def run(theta: Any, x: Any, *, function: StateFunction, forward: bool) -> Any:
        out = shape(theta, x, function=function, forward=forward)
        if forward:
            function.ask_forward()
            return called(function.push, out, theta, x)
        return called(function.pull, out, theta, x.conj())  # JAX pairs cotangents without conjugation

    def turned_around(cotangent: Any, theta: Any, x: Any, *, function: StateFunction, forward: bool) -> Any:
        if isinstance(cotangent, ad.Zero):
            return None, ad.Zero(x.aval)
        return None, primitive.bind(theta, cotangent, function=function, forward=not forward)

    def along(primals: Any, tangents: Any, **how: Any) -> Any:
        (theta, x), (of_theta, of_x) = primals, tangents
        if not isinstance(of_theta, ad.Zero):
            raise InputError(ONCE)
        return primitive.bind(theta, x, **how), primitive.bind(theta, of_x, **how)

    def mapped(arguments: Any, axes: Any, **how: Any) -> Any:
        (size,) = {x.shape[axis] for x, axis in zip(arguments, axes, strict=True) if axis is not None}
        first = [
            jax.numpy.broadcast_to(x, (size, *x.shape)) if axis is None else jax.numpy.moveaxis(x, axis, 0)
            for x, axis in zip(arguments, axes, strict=True)
        ]
        return primitive.bind(*first, **how), 0

    primitive.def_impl(run)
    primitive.def_abstract_eval(shape)
    ad.primitive_jvps[primitive] = along
    ad.primitive_transposes[primitive] = turned_around
    batching.primitive_batchers[primitive] = mapped
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=False))
    return primitive


def _complex(theta: Any) -> Any:
    """The complex numbers of the precision of theta."""
    return np.result_type(theta.dtype, np.complex64)


def _parameters(theta: Any, n_params: int) -> Any:
    """theta (n_params,) in the precision that JAX is set to."""
    jnp = _checks.need("jax.numpy", "jax")
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
