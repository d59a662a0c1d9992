"""Learning a product model factor by factor, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np

from qml import _checks
from qml._arrays import as_real
from qml._checks import InputError
from qml._machine import processors
from qml._typing import ParamsLike, Real
from qml.fitting.endings import NO_OPTIMUM
from qml.fitting.provenance import provenance
from qml.fitting.result import FitResult, History, Restart
from qml.fitting.run import fit, streams_of
from qml.losses import CrossEntropy, Loss, as_loss
from qml.models.product import ProductModel
from qml.optimizers import Optimizer
from qml.states import State, as_single_state


def fit_factors(
    model: ProductModel,
    target: Any,
    *,
    loss: Loss | str | None = None,
    optimizer: Optimizer | str | None = None,
    params0: ParamsLike | None = None,
    seed: int | np.random.Generator | None = None,
    executor: Executor | None = None,
    **options: Any,
) -> FitResult:
    r"""Learn a target with a product model, every factor by itself from its reduced state, in parallel.

    .. math:: S(\rho, \sigma_1 \otimes \dots \otimes \sigma_m) = \sum_k S(\rho_k, \sigma_k), \qquad
        \rho_k = \mathrm{Tr}_{\text{others}}\, \rho

    holds for a correlated rho too, so the optimum is that of the joint fit: each factor meets only its own part, at
    the cost of its own dimension and with a step length of its own.

    Parameters
    ----------
    model : ProductModel
    target : State, array (d, d) or (d,), or QuTiP object
        rho, with the dims of the model.
    loss : CrossEntropy or RelativeEntropy, optional
        By default the cross entropy; only these add up over factors.
    optimizer, params0, seed
        As in :func:`fit`; the random streams of the factors are children of the seed.
    executor : concurrent.futures.Executor, optional
        What runs the fits, such as a ``ProcessPoolExecutor``; by default a thread for each factor, up to the number of
        cores. The result does not depend on it.
    **options
        Of :func:`fit`, for every factor: restarts, max_iterations, gradient_tolerance, loss_tolerance.

    Returns
    -------
    FitResult
        Of the product. ``history`` adds the factors up iteration by iteration, a factor that is done keeping its last
        value; ``restarts`` has one entry a factor; it has converged where every factor has.

    Raises
    ------
    InputError
        If the model is not a product, the loss does not add up over factors, or dims differ.

    Examples
    --------
    >>> from qml import GibbsModel, ghz, pauli
    >>> from qml.models.product import ProductModel
    >>> one = GibbsModel([pauli("X"), pauli("Z")])
    >>> result = fit_factors(ProductModel([one, one]), ghz(2), seed=0)
    >>> result.converged, round(result.loss, 6)
    (True, 1.386294)
    """
    _checks.instance("model", model, ProductModel, "as fit learns models of every other kind")
    if executor is not None:
        _checks.instance("executor", executor, Executor)
    loss = CrossEntropy() if loss is None else as_loss(loss)
    if not isinstance(loss, CrossEntropy):
        raise InputError(
            f"loss must add up over factors: CrossEntropy() or RelativeEntropy(); found {loss!r}: use fit."
        )
    for name in ("callbacks", "progress", "track_fidelity"):
        if name in options:
            raise InputError(f"fit_factors takes no {name}; use fit, which runs the factors together.")
    options |= {"loss": loss, "optimizer": optimizer, "progress": False}
    rho: State = as_single_state(target, model.dims)
    starts: Sequence[Real | None] = [None] * len(model.factors) if params0 is None else model.split(params0)
    streams, seed = streams_of(seed, len(model.factors))
    marginals = model.marginals(rho)
    since = time.perf_counter()
    pool = ThreadPoolExecutor(min(len(model.factors), processors())) if executor is None else executor
    try:
        futures = [
            pool.submit(fit, factor, part, params0=start, seed=stream, **options)
            for factor, part, start, stream in zip(model.factors, marginals, starts, streams, strict=True)
        ]
        results = [future.result() for future in futures]
    finally:
        if executor is None:
            pool.shutdown(cancel_futures=True)
    params = np.concatenate([r.params for r in results])
    state = model.state(params)
    floor = loss.floor(rho)
    at_infinity = [str(k) for k, r in enumerate(results) if NO_OPTIMUM in r.status]
    beyond = f" {NO_OPTIMUM} of {', '.join(at_infinity)}: see restarts." if at_infinity else ""
    unfinished = [f"factor {k}: {r.status}" for k, r in enumerate(results) if not r.converged]
    return FitResult(
        params=params,
        state=state,
        target=rho,
        loss=loss.value(rho, state),
        floor=floor,
        history=_together([r.history for r in results], loss.value(rho, state) - sum(r.loss for r in results), floor),
        iterations=max(r.iterations for r in results),
        evaluations=sum(r.evaluations for r in results),
        seconds=time.perf_counter() - since,
        converged=not unfinished,
        status=" ".join(unfinished) or f"converged: all of {_checks.plural(len(results), 'factor')}.{beyond}",
        seed=seed,
        restarts=tuple(Restart(r.loss, r.iterations, r.evaluations, r.seconds, r.converged, r.status) for r in results),
        provenance={**provenance(), **results[0].provenance, "model": repr(model)},
        parameter_names=model.parameter_names,
        model=model,
    )


def _together(parts: Sequence[History], offset: float, floor: float) -> History:
    """The sum over factors, iteration by iteration; `offset` is what the joint loss has beside the sum."""
    length = max(map(len, parts))

    def padded(a: Real) -> Real:
        return np.pad(a, (0, length - len(a)), mode="edge")

    return History(
        loss=np.sum([padded(h.loss) for h in parts], axis=0) + offset,
        floor=np.full(length, floor),
        gradient_norm=as_real(np.max([padded(h.gradient_norm) for h in parts], axis=0)),
        seconds=as_real(np.max([padded(h.seconds) for h in parts], axis=0)),
    )
