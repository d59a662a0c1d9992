"""fit: move a model's parameters until its state is as close to the target as it gets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from qml import _checks, buffers, threads
from qml._checks import InputError
from qml._typing import ParamsLike, Real
from qml.fitting.checkpoint import Checkpoint, Keeper
from qml.fitting.endings import no_optimum
from qml.fitting.objective import Objective
from qml.fitting.parallel import side_by_side
from qml.fitting.priors import Prior
from qml.fitting.progress import Progress
from qml.fitting.provenance import provenance
from qml.fitting.restart import SAME_FIT, Callback, Rules, Run
from qml.fitting.result import FitResult
from qml.losses import Loss
from qml.measurement.counts import Counts
from qml.models import ConditionalModel, Model
from qml.optimizers import Optimizer, as_optimizer
from qml.processes import ProcessFamily
from qml.states import State


def fit(
    model: Model | ConditionalModel | ProcessFamily,
    target: Any,
    *,
    loss: Loss | str | None = None,
    optimizer: Optimizer | str | None = None,
    params0: ParamsLike | None = None,
    seed: int | np.random.Generator | None = None,
    restarts: int = 1,
    workers: int = 1,
    max_iterations: int = 1000,
    gradient_tolerance: float = 1e-8,
    loss_tolerance: float = 0.0,
    callbacks: Iterable[Callback] = (),
    progress: bool | None = None,
    track_fidelity: bool = False,
    prior: Prior | None = None,
    validation: Any = None,
    patience: int = 10,
    checkpoint: Checkpoint | str | Path | None = None,
    resume: bool = False,
) -> FitResult:
    r"""Learn a target state: minimise the loss over the model's parameters.

    .. math:: \theta^* = \arg\min_\theta S(\rho, \sigma_\theta), \qquad
        S(\rho, \sigma) = -\mathrm{Tr}\,\rho\log\sigma \ge S(\rho)

    Parameters
    ----------
    model : Model, ConditionalModel or ProcessFamily
        The family sigma_theta; a conditional model, sigma_theta(x), where the target is labelled.
    target : State, array (d, d) or (d,), QuTiP object, Counts, Labelled, or PauliSum
        rho, with the dims of the model; or what else the loss accepts, such as Counts. A Hamiltonian learns its ground
        state, and its thermal states with ``FreeEnergy(beta)``.
    loss : Loss or str, optional
        By default what the target says: the quantum cross entropy of a state, its mean of labelled data, the negative
        log-likelihood of counts, the energy of a Pauli sum. A name stands for the loss with its default arguments.
        Counts and ``"cross_entropy"`` learn the empirical state, which is biased: the status says by how much.
    optimizer : Optimizer or str, optional
        By default ``Newton()`` of the cross entropy of Gibbs models of few parameters, mostly ``LBFGS()`` else: see
        :attr:`~qml.fitting.Objective.default_optimizer`. Likewise ``"lbfgs"``, ``"natural_gradient"``, ...
    params0 : array (n_params,) or mapping of str to float, optional
        Where the first restart begins; by default all begin at ``model.init_params`` of their own random stream.
        A mapping has the natural value of every parameter by name.
    seed : int or numpy Generator, optional
        What the random streams follow from; by default fresh entropy, which the result records. Those of a generator
        are its children. More restarts do not change the earlier ones.
    restarts : int
        Independent starts; the best is kept.
    workers : int
        How many of them run at the same time, each in a process of its own on as many threads as this one has: the
        result is the same to the bit. Worth it from about a second a restart. `callbacks` and `checkpoint` need 1,
        where restarts follow one after the other.
    max_iterations : int
        Accepted steps of each restart.
    gradient_tolerance : float
        A restart has converged when the largest entry of the gradient is at most this (in nats a radian, say).
    loss_tolerance : float
        A restart has converged when a step lowers the loss by no more than this; 0 turns it off.
    callbacks : iterable of callable
        Each is called with every :class:`Iteration`, the start (number 0) included. One that returns True stops the
        fit, the remaining restarts included; what one raises is raised. One that has a method `flush` is asked to
        write down what it holds before each checkpoint and at the end; :mod:`qml.loggers` has some.
    progress : bool, optional
        Live progress on standard error, once the fit has taken two seconds; by default in a terminal or a notebook.
    track_fidelity : bool
        Record F(rho, sigma) at every iterate, of labelled data its mean over the labels: O(d^3) each.
    prior : Prior, optional
        Adds its share, -log p(theta) / N, to the loss: see :class:`~qml.fitting.priors.Prior`. It is contained in all
        losses that are reported.
    validation : optional
        A held-out target. The parameters kept are those with the lowest loss on it, and a restart ends when that
        loss has not fallen for `patience` iterations; ``result.history.held_out`` has it at every iterate. Labelled
        data for a conditional model are :class:`~qml.losses.Labelled`, with inputs of their own.
    patience : int
        At least 1; matters with `validation` only.
    checkpoint : path or Checkpoint, optional
        A file from which the fit can be continued after Ctrl-C or a crash; the one before it is kept beside it. It is
        written every 30 seconds; :class:`~qml.fitting.Checkpoint` says other times. Disk errors during the fit do not
        end it: ``provenance["checkpoint"]`` has them.
    resume : bool
        Continue from the checkpoint, or begin where there is none. The result, seconds aside, is that of a fit without
        a break, to the bit; callbacks are told of the iterates since. Call it with the same arguments: a checkpoint
        that is damaged, or of another fit, is refused, and the one before it used.

    Returns
    -------
    FitResult
        Of the lowest loss that was met (of losses that differ by rounding alone, the one with the smallest gradient),
        with a status sentence. A loss that is +inf at the start, a loss that becomes
        NaN, and Ctrl-C are told there, with the best so far, and not raised (``result.raise_if_failed()`` raises). It
        tells, too, of a loss that falls towards an infimum at infinite parameters (a pure target and a Gibbs model,
        labels that can be separated): then `converged` is True of the loss and the state, not of the parameters.

    Raises
    ------
    InputError
        If dims of model and target differ, or an argument is out of range; if the checkpoint exists and `resume` is
        False, none of those that exist can be used, or the folder cannot be written.
    KeyboardInterrupt
        If Ctrl-C comes before the loss has been evaluated once.

    Notes
    -----
    Every evaluation costs one ``state_vjp`` of the model and one derivative of the loss. Steps that reach +inf are
    halved until the loss is finite, whatever the optimizer; so are steps out of the domain of parameters that limit
    each other (T2 <= 2 T1, :class:`qml.models.OutsideDomain`), and random starts there are drawn again. Any other error
    of the model or the loss is raised. The same seed on the same machine with the same number of threads gives the same
    result to the bit.

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
    objective = Objective.of(model, target, loss, prior)
    optimizer = objective.default_optimizer if optimizer is None else as_optimizer(optimizer)
    held_out = None if validation is None else objective._held_out(validation)
    told = _checks.functions("callbacks", callbacks)
    rules = Rules(max_iterations, gradient_tolerance, loss_tolerance, told, track_fidelity, held_out, patience)
    start = None if params0 is None else np.array(objective.theta(params0, "params0"))
    learnt = target if isinstance(target, Counts) else objective.target
    _check(rules, learnt, workers, checkpoint)
    about = _about(objective, optimizer, rules)
    keeper = Keeper(checkpoint, about | _identity(objective, rules, start, seed, restarts))
    _room = buffers.workspace()  # kept between the steps
    with threads.suited(objective.model.matrix_dim), Progress(progress, max_iterations, restarts) as bar:
        made_with = provenance() | {name: said for name, said in about.items() if said is not None}
        floor = objective.floor  # once for all restarts
        runs = Restarts(objective, rules, restarts, seed, bar, keeper, resume)
        runs.go(optimizer, start, workers)
        best, found = runs.best, runs.best.standing
        state = best.state()
        at_infinity = no_optimum(best.objective, found.best) if found.converged else ""
    return FitResult(
        params=found.best.params,
        state=state,
        target=learnt,
        loss=found.best.value,
        floor=floor,
        history=best.history(),
        iterations=best.iterations,
        evaluations=sum(run.standing.evaluations for run in runs.started),
        seconds=keeper.seconds,
        converged=found.converged,
        status=" ".join(filter(None, (runs.status, at_infinity, objective.loss.caution(target, state)))),
        seed=runs.seed,
        restarts=tuple(run.summary() for run in runs.started),
        provenance={**made_with, "gap": objective.loss.gap_of(target) if prior is None else "", **keeper.told()},
        parameter_names=objective.parameter_names,
        model=model,
    )


def _check(rules: Rules, learnt: object, workers: int, checkpoint: object) -> None:
    """Refuse arguments of fit that exclude each other."""
    if rules.track_fidelity and not isinstance(learnt, State):
        raise InputError(f"track_fidelity needs a target that is a state; found {type(learnt).__name__}: leave it out.")
    if _checks.integer("workers", workers, low=1) > 1 and (rules.callbacks or checkpoint is not None):
        what = "callbacks see" if rules.callbacks else "a checkpoint continues"
        raise InputError(f"workers must be 1 here, since {what} one restart after the other; found {workers}.")


def _about(objective: Objective, optimizer: Optimizer, rules: Rules) -> dict[str, Any]:
    """What the provenance of a result says of its fit; None: left out."""
    return {
        "model": repr(objective.model),
        "loss": repr(objective.loss),
        "optimizer": repr(optimizer),
        "prior": None if objective.prior is None else repr(objective.prior),
        **rules.about(),
    }


def _identity(
    objective: Objective, rules: Rules, start: Real | None, seed: int | np.random.Generator | None, restarts: int
) -> dict[str, Any]:
    """What else tells a fit from another one, so that a checkpoint is continued by its own."""
    return {
        "target": repr(objective.target),
        "parameters": objective.parameter_names,
        "params0": None if start is None else start.tolist(),
        "seed": repr(seed.bit_generator.state) if isinstance(seed, np.random.Generator) else seed,
        "restarts": restarts,
        "track_fidelity": rules.track_fidelity,
    }


class Restarts:
    """The restarts of a fit, continued from its checkpoint where there is one.

    Parameters
    ----------
    objective : Objective
    rules : Rules
    count : int
    seed : int, numpy Generator or None
    progress : Progress
    keeper : Keeper
        Reads and writes the checkpoint.
    resume : bool

    Attributes
    ----------
    seed : int or None
        What the streams follow from; None where they are children of a generator.
    """

    def __init__(
        self,
        objective: Objective,
        rules: Rules,
        count: int,
        seed: int | np.random.Generator | None,
        progress: Progress,
        keeper: Keeper,
        resume: bool,
    ) -> None:
        count = _checks.integer("restarts", count, low=1)
        _checks.memory(f"{_checks.readable(count)} restarts", 4096 * count, "ask for fewer of them")
        self._runs = [Run(objective._fresh(), rules, k, progress, keeper.iterate) for k in range(count)]
        self._flush, self._keeper = rules.flush, keeper
        self._streams, self.seed = streams_of(seed, count)
        keeper.open(resume, self._continue, self._held)
        self._starts = [stream.bit_generator.state for stream in self._streams]

    def go(self, optimizer: Optimizer, start: Real | None, workers: int) -> None:
        """Run each, the first from `start`, in so many processes; a callback or Ctrl-C ends them all, and so does what
        is raised. What they have reached is written down, whatever ends them."""
        in_turn = workers == 1 or len(self._runs) == 1
        try:
            if in_turn:
                self._go_in_turn(optimizer, start)
            else:
                side_by_side(self._runs, optimizer, start, self._streams, workers)
        except BaseException:
            self._keeper.save()
            raise
        finally:
            self._flush()
        if self._cut:
            self._keeper.save()
        if not self.started:
            raise KeyboardInterrupt

    def _go_in_turn(self, optimizer: Optimizer, start: Real | None) -> None:
        for k, (run, stream) in enumerate(zip(self._runs, self._streams, strict=True)):
            if run.over:
                continue
            try:
                run.go(optimizer, start if k == 0 else None, partial(run.objective.init_params, stream))
            except KeyboardInterrupt:
                run.interrupt()
            if run.cut:
                break
            self._keeper.restart_over()

    @property
    def started(self) -> list[Run]:
        """Those of which something is known."""
        return [run for run in self._runs if run.now is not None]

    @property
    def best(self) -> Run:
        """The one with the lowest loss; of the held-out target, where there is one."""
        return min(self.started, key=lambda run: (math.isnan(run.standing.score), run.standing.score))

    @property
    def status(self) -> str:
        """Why the best one ended, and whether others were cut short."""
        best, cut = self.best, self._cut
        status = best.status
        for run in cut[:1] if best not in cut else ():
            status += f" Restart {run.index + 1} of {len(self._streams)} was {run.cut}; this is the best so far."
        return status + self._keeper.hint() if cut else status

    @property
    def _cut(self) -> list[Run]:
        return [run for run in self._runs if run.cut]

    def _continue(self, held: dict[str, Any]) -> str:
        """Go on from what a checkpoint holds; a clause if its numbers are not those of this fit."""
        for run, part in zip_longest(self._runs, held["restarts"]):
            run.restore(part)
        away = self.started[-1].check()
        self._keeper.exact = away == 0
        if not away <= SAME_FIT:
            return "loss and gradient at its parameters are others here"
        self.seed = held["seed"]
        for stream, state in zip(self._streams, held["streams"], strict=True):
            stream.bit_generator.state = state
        return ""

    def _held(self) -> dict[str, Any]:
        self._flush()
        parts = [part for run in self._runs if (part := run.held()) is not None]
        return {"seed": self.seed, "streams": self._starts, "restarts": parts}


def streams_of(seed: int | np.random.Generator | None, count: int) -> tuple[list[np.random.Generator], int | None]:
    """One generator a restart, and the seed that they follow from: None where they are children of a generator."""
    if isinstance(seed, np.random.Generator):
        return seed.spawn(count), None
    root = np.random.SeedSequence(None if seed is None else _checks.integer("seed", seed, low=0))
    assert isinstance(root.entropy, int)
    return [np.random.default_rng(child) for child in root.spawn(count)], root.entropy
