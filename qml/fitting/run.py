"""fit: move a model's parameters until its state is as close to the target as it gets."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike
from qml.fitting.objective import Objective
from qml.fitting.priors import Prior
from qml.fitting.progress import Progress
from qml.fitting.provenance import provenance
from qml.fitting.restart import Callback, Rules, Run
from qml.fitting.result import FitResult
from qml.losses import COUNT_LOSSES, LOSSES, CrossEntropy, Loss
from qml.models import Model
from qml.optimizers import LBFGS, OPTIMIZERS, Optimizer
from qml.states import State

T = TypeVar("T")


def fit(
    model: Model,
    target: Any,
    *,
    loss: Loss | str | None = None,
    optimizer: Optimizer | str | None = None,
    params0: ArrayLike | None = None,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
    restarts: int = 1,
    max_iterations: int = 1000,
    gradient_tolerance: float = 1e-8,
    loss_tolerance: float = 0.0,
    callbacks: Iterable[Callback] = (),
    progress: bool | None = None,
    track_fidelity: bool = False,
    prior: Prior | None = None,
    validation: Any = None,
    patience: int = 10,
) -> FitResult:
    r"""Learn a target state: minimise the loss over the model's parameters.

    .. math:: \theta^* = \arg\min_\theta S(\rho, \sigma_\theta), \qquad
        S(\rho, \sigma) = -\mathrm{Tr}\,\rho\log\sigma \ge S(\rho)

    Parameters
    ----------
    model : Model
        The family sigma_theta.
    target : State, array (d, d) or (d,), or QuTiP object
        rho, with the dims of the model; or what else the loss accepts.
    loss : Loss or str, optional
        By default the quantum cross entropy; a name stands for the loss with its default arguments.
    optimizer : Optimizer or str, optional
        By default ``LBFGS()``; likewise ``"newton"``, ``"natural_gradient"``, ...
    params0 : array (n_params,), optional
        Where the first restart begins; by default all begin at ``model.init_params`` of their own random stream.
    seed : int, optional
        What the random streams follow from; by default fresh entropy, which the result records. More restarts do not
        change the earlier ones.
    rng : numpy Generator, optional
        Instead of `seed`: its children are the streams.
    restarts : int
        Independent starts, one after the other; the best is kept.
    max_iterations : int
        Accepted steps of each restart.
    gradient_tolerance : float
        A restart has converged when the largest entry of the gradient is at most this (in nats a radian, say).
    loss_tolerance : float
        A restart has converged when a step lowers the loss by no more than this; 0 turns it off.
    callbacks : iterable of callable
        Each is called with every :class:`Iteration`, the start (number 0) included. One that returns True stops the
        fit, the remaining restarts included; what one raises is raised.
    progress : bool, optional
        Live progress on standard error, once the fit has taken two seconds; by default in a terminal or a notebook.
    track_fidelity : bool
        Record F(rho, sigma) at every iterate: O(d^3) each.
    prior : Prior, optional
        Adds its share, -log p(theta) / N, to the loss: see :class:`~qml.fitting.priors.Prior`. It is contained in all
        losses that are reported.
    validation : optional
        A held-out target. The parameters kept are those with the lowest loss on it, and a restart ends when that
        loss has not fallen for `patience` iterations.
    patience : int
        At least 1; matters with `validation` only.

    Returns
    -------
    FitResult
        Of the lowest loss that was met, with a status sentence. A loss that is +inf at the start, a loss that becomes
        NaN, and Ctrl-C are told there, with the best so far, and not raised (``result.raise_if_failed()`` raises).

    Raises
    ------
    InputError
        If dims of model and target differ, or an argument is out of range.
    KeyboardInterrupt
        If Ctrl-C comes before the loss has been evaluated once.

    Notes
    -----
    Every evaluation costs one ``state_vjp`` of the model and one derivative of the loss. Steps that reach +inf are
    halved until the loss is finite, whatever the optimizer; so are steps to parameters that the model refuses because
    they limit each other (T2 <= 2 T1), and random starts there are drawn again. The same seed on the same machine with
    the same number of threads gives the same result to the bit.

    Examples
    --------
    >>> from qml import GibbsModel, thermal
    >>> from qml.operators import tfim
    >>> rho = thermal(tfim(2, h=0.5), beta=1.0)
    >>> result = fit(GibbsModel(tfim(2)), rho, seed=1)
    >>> result.converged, result.gap < 1e-12
    (True, True)
    >>> {name: round(value, 6) for name, value in zip(result.parameter_names, result.params.tolist())}
    {'ZZ': -1.0, 'XI': -0.5, 'IX': -0.5}
    """
    if not isinstance(model, Model):
        raise InputError(f"model must be a Model, such as CircuitModel or GibbsModel; found {type(model).__name__}.")
    loss = CrossEntropy() if loss is None else _named("loss", loss, LOSSES | COUNT_LOSSES)
    if not isinstance(loss, Loss):
        raise InputError(f"loss must be a Loss, such as CrossEntropy(), or the name of one; found {loss!r}.")
    optimizer = LBFGS() if optimizer is None else _named("optimizer", optimizer, OPTIMIZERS)
    if not isinstance(optimizer, Optimizer):
        raise InputError(f"optimizer must be an Optimizer, such as LBFGS(), or the name of one; found {optimizer!r}.")
    if prior is not None and not isinstance(prior, Prior):
        raise InputError(f"prior must be a Prior, such as Gaussian(); found {prior!r}.")
    rho = loss.accept(target, model.dims)
    if track_fidelity and not isinstance(rho, State):
        raise InputError(f"track_fidelity needs a target that is a state; found {type(rho).__name__}: leave it out.")
    n_params = model.n_params + len(loss.parameter_names)
    rules = Rules(
        _checks.integer("max_iterations", max_iterations, low=0),
        _checks.number("gradient_tolerance", gradient_tolerance, low=0.0),
        _checks.number("loss_tolerance", loss_tolerance, low=0.0),
        tuple(callbacks),
        track_fidelity,
        None if validation is None else loss.accept(validation, model.dims),
        _checks.integer("patience", patience, low=1),
    )
    start = None if params0 is None else _checks.parameters("params0", params0, n_params)
    streams, seed = _streams(seed, rng, _checks.integer("restarts", restarts, low=1))
    made_with = {
        **provenance(),
        "model": repr(model),
        "loss": repr(loss),
        "optimizer": repr(optimizer),
        "max_iterations": rules.max_iterations,
        "gradient_tolerance": rules.gradient_tolerance,
        "loss_tolerance": rules.loss_tolerance,
        **({} if prior is None else {"prior": repr(prior)}),
        **({} if validation is None else {"validation": repr(rules.validation), "patience": rules.patience}),
    }
    floor, since = loss.floor(rho), time.perf_counter()
    runs: list[Run] = []
    with Progress(progress, rules.max_iterations, restarts) as bar:
        for k, stream in enumerate(streams):
            run = Run(Objective(model, rho, loss, prior), rules, k, floor, bar)
            draw = partial(run.objective.init_params, stream)
            try:
                run.go(optimizer, start if k == 0 else None, draw)
            except KeyboardInterrupt:
                run.cut = f"interrupted (Ctrl-C) after {run.count}"
            runs.append(run)
            if run.cut:
                break
    started = [run for run in runs if run.entries]
    if not started:
        raise KeyboardInterrupt
    best = min(started, key=lambda run: (math.isnan(run.score), run.score))
    status = best.status
    if runs[-1].cut and best is not runs[-1]:
        status += f" Restart {len(runs)} of {restarts} was {runs[-1].cut}; this is the best so far."
    return FitResult(
        params=best.best.params,
        state=best.objective.state(best.best.params),
        target=rho,
        loss=best.best.value,
        floor=floor,
        history=best.history(),
        iterations=best.iterations,
        evaluations=sum(run.objective.evaluations for run in started),
        seconds=time.perf_counter() - since,
        converged=best.converged,
        status=status,
        seed=seed,
        restarts=tuple(run.summary() for run in started),
        provenance=made_with,
        parameter_names=best.objective.parameter_names,
    )


def _streams(
    seed: int | None, rng: np.random.Generator | None, count: int
) -> tuple[list[np.random.Generator], int | None]:
    """One generator a restart, and the seed that they follow from."""
    if rng is not None:
        if seed is not None:
            raise InputError("seed and rng exclude each other: pass one of them.")
        if not isinstance(rng, np.random.Generator):
            raise InputError(f"rng must be a numpy Generator; found {rng!r}: pass an integer as seed.")
        return rng.spawn(count), None
    root = np.random.SeedSequence(None if seed is None else _checks.integer("seed", seed, low=0))
    assert isinstance(root.entropy, int)
    return [np.random.default_rng(child) for child in root.spawn(count)], root.entropy


def _named(what: str, value: T | str, registry: Mapping[str, type[T]]) -> T:
    """What a name of the registry stands for; other things as they are."""
    return registry[_checks.choice(what, value, registry)]() if isinstance(value, str) else value
