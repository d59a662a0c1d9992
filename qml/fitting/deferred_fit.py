"""fit_deferred: a descent by deferred measurement, as the result of a fit."""

from __future__ import annotations

import math
import time
from typing import Any, Literal

import numpy as np

from qml import _checks
from qml._typing import ParamsLike
from qml.fitting.deferred import DeferredCrossEntropy
from qml.fitting.provenance import provenance
from qml.fitting.result import FitResult, History, Restart
from qml.fitting.run import streams_of
from qml.losses import cross_entropy
from qml.models.evolved import SpectralModel
from qml.models.gibbs import GibbsModel
from qml.optimizers import Optimizer


def fit_deferred(
    model: SpectralModel | GibbsModel,
    target: Any,
    *,
    copies: int,
    steps: int = 100,
    optimizer: Optimizer | None = None,
    schedule: Literal["fresh", "common"] = "fresh",
    average: int = 1,
    params0: ParamsLike | None = None,
    seed: int | None = None,
) -> FitResult:
    r"""Learn a state by deferred measurement: shots in the model's own bases, which move with it.

    .. math:: \theta_{k+1} = \theta_k - \eta_k\, \hat g_k, \qquad
        \mathbb{E}\, \hat g_k = \nabla S(\rho, \sigma_{\theta_k})

    Parameters
    ----------
    model : SpectralModel or GibbsModel
    target : State, matrix (d, d), vector (d,) or Qobj
        rho, of which copies are simulated.
    copies : int
        Of the target, for each step.
    steps : int
    optimizer : Optimizer, optional
        One that compares no values; by default ``Adam(0.1)``.
    schedule : {"fresh", "common"}
        Random numbers of the shots: new ones in each step, or the same.
    average : int
        The parameters kept are the mean of so many of the last iterates; of all where there are fewer.
    params0 : array (n_params,), optional
        The start; by default ``model.init_params``.
    seed : int, optional
        What the start and the shots follow from.

    Returns
    -------
    FitResult
        The loss and its history are S(rho, sigma) itself, in nats, which the descent does not see; the status tells the
        last estimate. The history has no gradients and no times. `converged` is False: the steps asked for are taken.

    Raises
    ------
    InputError
        For another model, other dims, copies fewer than two for each basis, or an optimizer that compares values.

    Notes
    -----
    The descent of :meth:`DeferredCrossEntropy.descend`; a step costs at most one eigen-decomposition, or one circuit,
    for each basis. Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887.

    Examples
    --------
    >>> from qml import GibbsModel, thermal
    >>> from qml.operators import tfim
    >>> rho = thermal(tfim(2, h=0.5), 1.0)
    >>> result = fit_deferred(GibbsModel(tfim(2)), rho, copies=2000, steps=60, average=20, seed=0)
    >>> result.gap < 0.01, result.iterations
    (True, 60)
    """
    average = _checks.integer("average", average, low=1)
    (start, shots), known = streams_of(seed, 2)
    since = time.perf_counter()
    loss = DeferredCrossEntropy(model, target, copies=copies, rng=shots, schedule=schedule)
    run = loss.descend(model.init_params(start) if params0 is None else model.theta(params0), steps, optimizer)
    steps, params = len(run.params) - 1, run.average(min(average, len(run.params)))
    state, floor = model.state(params), float(loss.rho.entropy())
    seconds = time.perf_counter() - since
    value, unknown = cross_entropy(loss.rho, state), np.full(steps + 1, math.nan)
    values = np.array([cross_entropy(loss.rho, model.state(theta)) for theta in run.params])
    status = (
        f"stopped after {_checks.plural(steps, 'step')} and {loss.copies_used} copies; the last estimate of the loss "
        f"is {run.values[-1]:.6g} +- {run.standard_errors[-1]:.2g}."
    )
    about = {"model": repr(model), "loss": "CrossEntropy()", "optimizer": repr(optimizer), "copies": loss.copies}
    return FitResult(
        params=params,
        state=state,
        target=loss.rho,
        loss=value,
        floor=floor,
        history=History(values, np.full(steps + 1, floor), unknown, unknown),
        iterations=steps,
        evaluations=steps + 1,
        seconds=seconds,
        converged=False,
        status=status,
        seed=known,
        restarts=(Restart(value, steps, steps + 1, seconds, False, status),),
        provenance=provenance() | about | {"schedule": schedule},
        parameter_names=model.parameter_names,
        model=model,
    )
