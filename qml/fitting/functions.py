"""A loss, and a state, as plain functions of arrays theta with leading axes: what other frameworks call.

What they return has the precision of theta, which may be float32; the work is done in float64. Where theta is not
finite, all is NaN. Outside the domain of parameters that limit each other a loss is +inf, and a state NaN.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qml import _checks, threads
from qml._arrays import as_complex
from qml._checks import OutsideDomain
from qml._typing import Complex, Real
from qml.fitting.objective import Objective
from qml.models import Model
from qml.models.conditional import Conditioned
from qml.processes import OutputsModel

AT_ONCE = 2**20
"""Numbers in the states that are computed in one call of an engine: about what a cache holds."""
ONCE = (
    "qml gives first derivatives of losses and states, and no second ones: model.metric(params) is the curvature of "
    "the model, which for a cross entropy and a Gibbs model is the Hessian."
)


class LossFunction:
    """f(theta) for theta (..., n_params), and its gradient, which is NaN where f is +inf."""

    def __init__(self, objective: Objective) -> None:
        self._objective, self.n_params = objective, objective.n_params

    def value(self, theta: Any) -> Real:
        """f(theta), shape (...)."""
        given, rows = _rows(theta)
        values = _unknown(rows)

        def work(some: Sequence[int]) -> None:
            values[some] = [self._objective.value(rows[k]) for k in some]

        _run(work, rows, self._objective.model, alone=True)
        return values.reshape(given.shape[:-1]).astype(given.dtype)

    def value_and_gradient(self, theta: Any) -> tuple[Real, Real]:
        """f(theta), shape (...), and its gradient (..., n_params)."""
        given, rows = _rows(theta)
        values, gradients = _unknown(rows), np.full(rows.shape, np.nan)

        def work(some: Sequence[int]) -> None:
            values[some], gradients[some] = self._objective._values_and_gradients(rows[some])

        _run(work, rows, self._objective.model)
        return values.reshape(given.shape[:-1]).astype(given.dtype), gradients.reshape(given.shape).astype(given.dtype)


class StateFunction:
    r"""sigma_theta (..., \*shape) for theta (..., n_params), and its derivative forward and backward.

    .. math:: d\sigma = \sum_k v_k\, \frac{\partial\sigma}{\partial\theta_k}, \qquad
        dL = \mathrm{Re} \sum_{ij} \overline{C_{ij}}\, d\sigma_{ij} = \sum_k g_k\, d\theta_k

    `shape` is (d, d), or (m, d, d) where the state of the model is a batch.
    """

    def __init__(self, model: Model) -> None:
        self._model = _checks.instance("model", model, Model, "such as CircuitModel or GibbsModel")
        d = math.prod(model.dims)
        batch: tuple[int, ...] = (len(model.inputs),) if isinstance(model, Conditioned) else ()
        if isinstance(model, OutputsModel):
            batch = model.inputs.batch_shape
        self.n_params, self.shape = model.n_params, (*batch, d, d)

    def state(self, theta: Any) -> Complex:
        """sigma_theta."""
        given, rows = _rows(theta)
        out = np.full((len(rows), *self.shape), np.nan, dtype=np.complex128)

        def work(some: Sequence[int]) -> None:
            together = self._model._states_vjp(rows[some]) if len(some) > 1 else None
            states = [self._model.state(rows[k]) for k in some] if together is None else [together[0]]
            out[some] = np.concatenate([state.matrix().reshape(-1, *self.shape) for state in states])

        _run(work, rows, self._model)
        return self._shaped(out, given)

    def ask_forward(self) -> None:
        """Raise InputError where the model has no derivative forward."""
        if type(self._model).state_jvp is Model.state_jvp:
            self._model.state_jvp()

    def push(self, theta: Any, directions: Any) -> Complex:
        """dsigma along v (..., n_params)."""
        given, rows = _rows(theta)
        along = _rows(directions)[1]
        out = np.full((len(rows), *self.shape), np.nan, dtype=np.complex128)

        def work(some: Sequence[int]) -> None:
            out[some] = [self._model.state_jvp(rows[k])[1](along[k]) for k in some]

        _run(work, rows, self._model, alone=True)
        return self._shaped(out, given)

    def pull(self, theta: Any, cotangents: Any) -> Real:
        """g (..., n_params) from C (..., *shape)."""
        given, rows = _rows(theta)
        out = np.full(rows.shape, np.nan)
        c = np.asarray(cotangents, dtype=np.complex128).reshape(len(rows), *self.shape)
        hermitian = as_complex((c + c.conj().swapaxes(-1, -2)) / 2)  # as dsigma is: g = Tr(C dsigma)

        def work(some: Sequence[int]) -> None:
            if (together := self._model._states_vjp(rows[some]) if len(some) > 1 else None) is not None:
                states, pullback = together
                out[some] = pullback(states.pull_matrix(hermitian[some]))
                return
            for k in some:
                state, pullback = self._model.state_vjp(rows[k])
                out[k] = pullback(state.pull_matrix(hermitian[k]))

        _run(work, rows, self._model)
        return out.reshape(given.shape).astype(given.dtype)

    def _shaped(self, out: Complex, given: Real) -> Complex:
        return out.reshape(*given.shape[:-1], *self.shape).astype(np.result_type(given.dtype, np.complex64))


def _rows(theta: Any) -> tuple[Real, Real]:
    """theta as it was given (..., n), and its rows (b, n) in float64."""
    given = np.asarray(theta)
    return given, given.astype(np.float64).reshape(math.prod(given.shape[:-1]), given.shape[-1])


def _unknown(rows: Real) -> Real:
    """What a loss is where it is not evaluated."""
    return np.where(np.isfinite(rows).all(axis=1), math.inf, math.nan)


def _run(work: Callable[[Sequence[int]], None], rows: Real, model: Model, alone: bool = False) -> None:
    """Work on the finite rows, by their numbers: as many at once as is good, or one by one; what is outside the domain
    is left out."""
    size = 1 if alone else max(1, AT_ONCE // math.prod(model.dims) ** 2)
    finite = np.flatnonzero(np.isfinite(rows).all(axis=1)).tolist()
    with threads.suited(model.matrix_dim):
        for first in range(0, len(finite), size):
            some = finite[first : first + size]
            try:
                work(some)
            except OutsideDomain:
                for k in some if len(some) > 1 else ():
                    with contextlib.suppress(OutsideDomain):
                        work([k])
