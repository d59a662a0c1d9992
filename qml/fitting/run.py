"""fit: move a model's parameters until its state is as close to the target as it gets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qml import _checks, losses, spectral
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.fitting.objective import Objective
from qml.fitting.progress import Progress
from qml.fitting.provenance import provenance
from qml.fitting.result import FitResult, History, Iteration, Restart
from qml.losses import CrossEntropy, Loss
from qml.models import Model
from qml.optimizers import LBFGS, Ending, Optimizer, Point, evaluate

Callback: TypeAlias = Callable[[Iteration], object]
"""Called with every accepted iterate, the start included; returning True stops the fit."""

ROUNDING_GRADIENT = 100 * math.sqrt(spectral.EPS)
"""A stalled fit has converged when its gradient is below this times max(1, |loss|): what is left is rounding."""


def fit(
    model: Model,
    target: Any,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
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
) -> FitResult:
    r"""Learn a target state: minimise the loss over the model's parameters.

    .. math:: \theta^* = \arg\min_\theta S(\rho, \sigma_\theta), \qquad
        S(\rho, \sigma) = -\mathrm{Tr}\,\rho\log\sigma \ge S(\rho)

    Parameters
    ----------
    model : Model
        The family sigma_theta.
    target : State, array (d, d) or (d,), or QuTiP object
        rho, with the dims of the model.
    loss : Loss, optional
        By default the quantum cross entropy.
    optimizer : Optimizer, optional
        By default ``LBFGS()``.
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
    halved until the loss is finite, whatever the optimizer. The same seed on the same machine with the same number of
    threads gives the same result to the bit.

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
    loss = CrossEntropy() if loss is None else loss
    if not isinstance(loss, Loss):
        raise InputError(f"loss must be a Loss, such as CrossEntropy(); found {loss!r}.")
    optimizer = LBFGS() if optimizer is None else optimizer
    if not isinstance(optimizer, Optimizer):
        raise InputError(f"optimizer must be an Optimizer, such as LBFGS(); found {optimizer!r}.")
    rho = loss.accept(target, model.dims)
    n_params = model.n_params + len(loss.parameter_names)
    rules = _Rules(
        _checks.integer("max_iterations", max_iterations, low=0),
        _checks.number("gradient_tolerance", gradient_tolerance, low=0.0),
        _checks.number("loss_tolerance", loss_tolerance, low=0.0),
        tuple(callbacks),
        track_fidelity,
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
    }
    floor, since = loss.floor(rho), time.perf_counter()
    runs: list[_Run] = []
    with Progress(progress, rules.max_iterations, restarts) as bar:
        for k, stream in enumerate(streams):
            run = _Run(Objective(model, rho, loss), rules, k, floor, bar)
            params = start if k == 0 and start is not None else run.objective.init_params(stream)
            try:
                run.go(optimizer, params)
            except KeyboardInterrupt:
                run.cut = f"interrupted (Ctrl-C) after {run.count}"
            runs.append(run)
            if run.cut:
                break
    started = [run for run in runs if run.entries]
    if not started:
        raise KeyboardInterrupt
    best = min(started, key=lambda run: (math.isnan(run.best.value), run.best.value))
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


@dataclass(frozen=True)
class _Rules:
    """When a restart ends, and who is told of its iterates."""

    max_iterations: int
    gradient_tolerance: float
    loss_tolerance: float
    callbacks: tuple[Callback, ...]
    track_fidelity: bool


class _Run:
    """One restart: keeps its history, decides when it is over, and says why."""

    def __init__(self, objective: Objective, rules: _Rules, index: int, floor: float, progress: Progress) -> None:
        self.objective = objective
        self.rules = rules
        self.index = index
        self.floor = floor
        self.progress = progress
        self.entries: list[tuple[float, float, float, float | None]] = []
        self.converged = False
        self.cut = ""
        self._why = ""
        self._since = time.perf_counter()

    best: Point

    @property
    def iterations(self) -> int:
        return max(0, len(self.entries) - 1)

    @property
    def count(self) -> str:
        return _checks.plural(self.iterations, "iteration")

    @property
    def status(self) -> str:
        return f"{self.cut}; this is the best so far." if self.cut and not self.converged else self._why

    def go(self, optimizer: Optimizer, params: Real) -> None:
        point = evaluate(self.objective, params)
        if not math.isfinite(point.value) or not point.is_number:
            self._keep(point)
            self._why = self._no_start(point)
        elif not self.record(point):
            ending = optimizer.minimize(self.objective, point, self.record)
            if ending is Ending.STALLED:
                self._stalled()
            elif ending is Ending.NOT_A_NUMBER:
                self._why = (
                    f"stopped after {self.count}: the next loss or its gradient is not a number (NaN), so the model or "
                    "the loss breaks down there; this is the best so far."
                )

    def record(self, point: Point) -> bool:
        """Keep an accepted iterate, tell the callbacks; True when the restart is over."""
        previous = self.entries[-1][0] if self.entries else math.inf
        iteration = self._keep(point)
        self.progress.update(iteration)
        answers = [callback(iteration) for callback in self.rules.callbacks]
        size, decrease = point.gradient_norm, previous - point.value
        if size <= self.rules.gradient_tolerance:
            self.converged = True
            self._why = (
                f"converged: the largest entry of the gradient, {size:.2e}, is within the tolerance "
                f"{self.rules.gradient_tolerance:.2e}."
            )
        elif self.rules.loss_tolerance > 0 and 0 <= decrease <= self.rules.loss_tolerance:
            self.converged = True
            self._why = (
                f"converged: the last step lowered the loss by {decrease:.2e}, within the tolerance "
                f"{self.rules.loss_tolerance:.2e}."
            )
        elif self.iterations >= self.rules.max_iterations:
            self._why = (
                f"stopped after {self.count}, the most allowed, with {size:.2e} as the largest entry of the gradient: "
                "raise max_iterations."
            )
        if any(answer is True for answer in answers):
            self.cut = f"stopped by a callback after {self.count}"
        return bool(self._why or self.cut)

    def _keep(self, point: Point) -> Iteration:
        fidelity = None
        if self.rules.track_fidelity:
            fidelity = float(losses.fidelity(self.objective.target, self.objective.state(point.params)))
        seconds = time.perf_counter() - self._since
        point = Point(_read_only(point.params), point.value, _read_only(point.gradient))
        if not self.entries or point.value < self.best.value:
            self.best = point
        self.entries.append((point.value, point.gradient_norm, seconds, fidelity))
        return Iteration(
            iteration=self.iterations,
            restart=self.index,
            params=point.params,
            gradient=point.gradient,
            loss=point.value,
            floor=self.floor,
            gradient_norm=point.gradient_norm,
            fidelity=fidelity,
            evaluations=self.objective.evaluations,
            seconds=seconds,
        )

    def _no_start(self, point: Point) -> str:
        if point.value != math.inf:
            return "not started: the loss or its gradient is not a number (NaN) at the start; choose another params0."
        weight = float(losses.weight_outside_support(self.objective.target, self.objective.state(point.params)))
        where = f": {weight:.3g} of the weight of rho lies outside the support of sigma" if weight > 0 else ""
        return (
            f"not started: the loss is infinite at the start{where}. Give the model full rank: add noise to its "
            "circuit, use a Gibbs or spectral model, or smooth sigma with a little of the maximally mixed state (a "
            "depolarizing channel)."
        )

    def _stalled(self) -> None:
        size = self.best.gradient_norm
        self.converged = size <= ROUNDING_GRADIENT * max(1.0, abs(self.best.value))
        if self.converged:
            self._why = (
                "converged to rounding: no step lowers the loss any further in float64; the largest entry of the "
                f"gradient is {size:.2e}."
            )
        else:
            self._why = (
                f"line search failed after {self.count}: no step lowers the loss, though the largest entry of the "
                f"gradient is {size:.2e}; the loss may have a kink or an infinite wall here, or the gradient be wrong "
                "(see check_gradient)."
            )

    def history(self) -> History:
        loss, gradient_norm, seconds, fidelity = zip(*self.entries, strict=True)
        return History(
            loss=np.array(loss),
            floor=np.full(len(loss), self.floor),
            gradient_norm=np.array(gradient_norm),
            seconds=np.array(seconds),
            fidelity=np.array(fidelity, dtype=np.float64) if self.rules.track_fidelity else None,
        )

    def summary(self) -> Restart:
        evaluations, seconds = self.objective.evaluations, self.entries[-1][2]
        return Restart(self.best.value, self.iterations, evaluations, seconds, self.converged, self.status)


def _read_only(a: Real) -> Real:
    copy = np.array(a, dtype=np.float64)
    copy.flags.writeable = False
    return copy
