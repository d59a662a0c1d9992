"""States of circuits on a :class:`~qml.engines.JaxEngine`, and their losses, as functions that JAX itself traces.

In double precision, so where ``jax_enable_x64`` is on. A loss is a function of the Pauli vector with the derivative
that the loss gives; where its code asks for numbers before they are there, the host computes it from the vector.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qml._arrays import as_real, number
from qml.engines import JaxEngine, PauliEngine, PauliState
from qml.engines.jax.arrays import Array, bare
from qml.engines.jax.called import called
from qml.engines.jax.traced import once, traced
from qml.engines.pauli_state import matrix_of
from qml.fitting.functions import ONCE
from qml.fitting.objective import Objective
from qml.models import CircuitModel, Model
from qml.parameters import Interval


def traced_vector(model: Model) -> Callable[[Any], Any] | None:
    """theta (n_params,) to the Pauli vector (4^n,); None where the model is no circuit on a JaxEngine, or starts from a
    model or from a batch."""
    if not (isinstance(model, CircuitModel) and isinstance(model.engine, JaxEngine)):
        return None
    if isinstance(model.initial, Model) or (model.initial is not None and model.initial.batch_shape):
        return None
    state = traced(model._program, model.initial, model.engine._on)
    bounded = model._angles._bounded

    def vector(theta: Any) -> Any:
        values = theta
        for k, interval in bounded:
            values = values.at[k].set(_point(interval, theta[k]))
        return bare(state(values).pauli_vector)

    return vector


def matrix_of_vector(r: Any, n: int) -> Any:
    """sigma (2^n, 2^n) of a Pauli vector."""
    return bare(matrix_of(as_real(Array(r)), n))


def traced_loss(objective: Objective) -> Callable[[Any], Any] | None:
    """theta (n_params,) to the loss; None where the model is none of these, or a prior or the loss has a share."""
    vector = traced_vector(objective.model)
    if vector is None or objective.prior is not None or objective.loss.parameter_names or objective.scale != 1.0:
        return None
    n = len(objective.model.dims)
    of_vector = _of_vector(objective, n)

    def value(theta: Any) -> Any:
        finite = jnp.isfinite(theta).all()
        found = of_vector(vector(jnp.where(finite, theta, 0.0)))
        return (
            found + jnp.where(finite, 0.0, jnp.nan) * theta.sum()
        )  # so NaN, with its gradient, where theta is not finite

    return value


def on_the_host(model: Model) -> Model:
    """A model whose circuit runs on the host: JAX must not be called from what JAX calls."""
    if not isinstance(getattr(model, "_given_engine", None), JaxEngine):
        return model
    there = copy.copy(model)
    vars(there).pop("_start", None)
    vars(there).update(_given_engine=PauliEngine(), engine=PauliEngine())
    return there


def _of_vector(objective: Objective, n: int) -> Callable[[Any], Any]:
    """The loss as a function of the Pauli vector, with its derivative."""

    def both(r: Any, array: Callable[[Any], Any]) -> tuple[Any, Any]:
        value, cotangent = objective.loss.value_and_cotangent(objective.target, PauliState._trusted(array(r), n))
        if cotangent is None:
            return value, jnp.full_like(r, jnp.nan) if array is Array else np.full(r.shape, np.nan)
        return value, cotangent

    def on_device(r: Any) -> tuple[Any, Any]:
        value, cotangent = both(r, Array)
        value = jnp.asarray(bare(value), r.dtype)
        return value, jnp.where(jnp.isfinite(value), bare(cotangent), jnp.nan)

    def by_the_host(r: Any) -> Any:
        def work(r: Any) -> tuple[Any, Any]:
            value, cotangent = both(np.asarray(r), np.asarray)
            return np.float64(number(value)), np.asarray(cotangent, dtype=np.float64)

        shapes = jax.ShapeDtypeStruct((), r.dtype), jax.ShapeDtypeStruct(r.shape, r.dtype)
        return called(work, shapes, r, one_by_one=True)

    try:
        with jax.enable_x64(True):
            jax.eval_shape(on_device, jax.ShapeDtypeStruct((4**n,), np.float64))
        value_and_slope = on_device
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
        value_and_slope = by_the_host

    return with_gradient(lambda r: value_and_slope(r)[0], value_and_slope)


def with_gradient(value: Callable[[Any], Any], value_and_gradient: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of JAX of one array to a number, with the gradient that it is said to have, and no second one."""
    both, known = once(value_and_gradient, ONCE), jax.custom_jvp(value)

    def along(primals: Any, tangents: Any) -> Any:
        found, gradient = both(*primals)
        return found, (gradient * tangents[0]).sum()

    known.defjvp(along)
    made: Callable[[Any], Any] = known
    return made


def _point(interval: Interval, u: Any) -> Any:
    """The point of an interval, as :meth:`Interval.from_real` has it."""
    if math.isfinite(interval.low) and math.isfinite(interval.high):
        return interval.low + (interval.high - interval.low) * jax.nn.sigmoid(u)
    if math.isfinite(interval.low):
        return interval.low + jnp.logaddexp(0.0, u)
    return interval.high - jnp.logaddexp(0.0, -u) if math.isfinite(interval.high) else u
