"""One fit of a study, and its line in the closing table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from qml import losses
from qml._results import Outcome
from qml._typing import Real
from qml.fitting import Checkpoint, Iteration, fit, fit_factors
from qml.fitting.restart import CTRL_C
from qml.fitting.result import LARGEST_DIM_REPORTED, is_compared
from qml.losses import EVERY_LOSS, MeasuredReport, NegativeLogLikelihood, measured_report
from qml.measurement import Counts, ReadoutMeasurement
from qml.models import Conditioned, ProductModel
from qml.states import State
from qml.studies.spec import streams
from qml.studies.spec.build import Job
from qml.studies.spec.models import learnt_noise
from qml.studies.spec.states import Target

OF_RESULT = ("loss", "floor", "gap", "iterations", "evaluations", "seconds", "converged", "status")
"""What a row has of the result of the fit, by the same name."""
OF_DESCENT = ("restarts", "max_iterations", "gradient_tolerance", "loss_tolerance")
"""What a study says of a descent by the names of the arguments of ``fit``."""


@dataclass(frozen=True)
class Row:
    """One line of the closing table. Losses in nats where they are entropies.

    `learnt_noise` reads "gamma = 0.2"; `test_log_likelihood` is Tr(rho_test log sigma), nan where nothing was held out.
    Of counts: their `likelihood` (negative, a shot), the `measuring_cost` by which the cross entropy of their
    empirical state exceeds it, the `bias` of its cross entropy, and the `relative_entropy` D(rho||sigma) of the
    measured state rho; nan where the target is a state, and the last two and the fidelity where rho is not known. Of
    a tomography: `n_params` of a state of its rank. Of labelled data: the `accuracy`, the share of labels that are the
    most probable class, and `test_accuracy` and `test_log_likelihood` (the negative loss, in nats a label) of those
    held out. `evaluations` is None where a method does not count them.
    """

    fit: str
    loss_name: str
    n_params: int
    loss: float
    floor: float
    gap: float
    fidelity: float
    iterations: int
    evaluations: int | None
    seconds: float
    test_log_likelihood: float
    learnt_noise: str
    converged: bool
    status: str
    likelihood: float = math.nan
    measuring_cost: float = math.nan
    bias: float = math.nan
    relative_entropy: float = math.nan
    accuracy: float = math.nan
    test_accuracy: float = math.nan

    @property
    def biased(self) -> bool:
        """Whether it learnt the empirical state of counts, which is not the measured one."""
        return is_biased(self.loss_name, self.likelihood)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C or SIGTERM ended the fit."""
        return CTRL_C in self.status


def run_fit(
    job: Job,
    target: Target,
    seed: int,
    index: int,
    *callbacks: Callable[[Iteration], Any],
    checkpoint: Checkpoint | None = None,
    results: Mapping[str, Outcome] = MappingProxyType({}),
) -> Outcome:
    """The fit number `index` of a study with this seed, continued from its checkpoint where there is one; `results` are
    those of earlier fits, which it may grow from."""
    spec, start = job.spec, job.start(results)
    if spec.method is not None:
        return spec.method.learn(target, job.model, start, streams.fit_seed(seed, index))
    settings: dict[str, Any] = {key: getattr(spec, key) for key in OF_DESCENT}
    settings |= {"loss": job.loss, "optimizer": job.optimizer, "seed": streams.fit_seed(seed, index)}
    assert job.model is not None
    if isinstance(job.model, ProductModel) and spec.factorwise:
        return fit_factors(job.model, target.learnt, **settings)
    return fit(
        job.model,
        target.learnt,
        **settings,
        params0=start,
        callbacks=callbacks,
        progress=False,
        prior=job.prior,
        validation=job.validation,
        patience=spec.patience,
        checkpoint=checkpoint,
        resume=checkpoint is not None,
    )


def params_of(result: Outcome) -> Real:
    """The parameters of a model; none of what has no model."""
    return np.asarray(getattr(result, "params", ()), dtype=np.float64)


def history_of(result: Any) -> dict[str, Any]:
    """The iterates of a result as columns, from `iteration` on; none of a result that keeps none."""
    history = getattr(result, "history", None)
    if history is None:
        return {}
    columns = history.columns() if hasattr(history, "columns") else {"loss": history, "gap": history - result.floor}
    return {"iteration": np.arange(len(history)), **columns}


def continued(result: Outcome) -> dict[str, Any]:
    """What is told of a fit that went on from its checkpoint; nothing of any other."""
    kept = getattr(result, "provenance", {}).get("checkpoint", {})
    return {"continued": {"exact": kept["exact"], "refused": kept["refused"]}} if kept.get("resumed") else {}


def row_of(job: Job, result: Any, target: Target) -> Row:
    """The line of the closing table of one fit."""
    params = params_of(result)
    noise = [] if job.spec.model is None else [*learnt_noise(job.spec.model), *job.loss.parameter_names]
    natural = job.natural(params) if noise else {}
    truth = target.truth
    found = {"evaluations": None} | {name: getattr(result, name) for name in OF_RESULT if hasattr(result, name)}
    if "loss" not in found:
        found["loss"], found["floor"] = job.loss.value(target.learnt, result.state), job.loss.floor(target.learnt)
        found["gap"] = found["loss"] - found["floor"]
    return Row(
        fit=job.spec.name,
        loss_name=job.loss.name,
        n_params=getattr(result, "parameters", len(params)),
        fidelity=float(losses.fidelity(truth, result.state)) if truth is not None and is_compared(truth) else math.nan,
        learnt_noise=", ".join(f"{name} = {natural[name]:.6g}" for name in noise),
        **found,
        **_measured(job, target, result),
        **_held_out(job, target, result),
    )


def _held_out(job: Job, target: Target, result: Any) -> dict[str, Any]:
    """How well it says the labels that were learnt, and what was held out."""
    if target.test is not None:
        return {"test_log_likelihood": -float(losses.cross_entropy(target.test, result.state))}
    if target.labels is None or not isinstance(job.model, Conditioned):
        return {"test_log_likelihood": math.nan}
    test = target.labels.test
    found = {"test_log_likelihood": math.nan, "accuracy": accuracy(target.labels.train.states, result.state)}
    if test is not None:
        sigma = job.model.conditional.states(result.params, test.inputs)
        found["test_accuracy"] = accuracy(test.states, sigma)
        found["test_log_likelihood"] = -type(job.loss)().value(test.states, sigma)
    return found


def accuracy(labels: State, states: State) -> float:
    """The share of labels whose likeliest class is that of the state."""
    return float((labels.probabilities().argmax(axis=-1) == states.probabilities().argmax(axis=-1)).mean())


def is_biased(loss_name: str, likelihood: float | None) -> bool:
    """Whether a fit learnt the empirical state of counts, by its loss and the likelihood that only counts have."""
    is_entropy = loss_name in EVERY_LOSS and EVERY_LOSS[loss_name].is_cross_entropy
    return is_entropy and likelihood is not None and not math.isnan(likelihood)


def report_of(job: Job, target: Target, result: Any) -> MeasuredReport | None:
    """What measuring cost: of counts, where the dimension allows. Readout errors that were learnt are in it."""
    counts = _record(job, target, result)
    if counts is None or not counts.measurement.of_states or result.state.dim > LARGEST_DIM_REPORTED:
        return None
    return measured_report(counts, result.state, target.truth)


def _record(job: Job, target: Target, result: Any) -> Counts | None:
    """The counts that were learnt, with the readout errors that were learnt."""
    counts = target.counts
    if counts is None:
        return None
    readout = job.loss.readout if isinstance(job.loss, losses.CountsLoss) else None
    if readout is not None and job.model is not None:
        confusion = list(readout.confusion(result.params[job.model.n_params :]))
        counts = Counts.from_weights(ReadoutMeasurement(counts.measurement, confusion), counts.counts)
    return counts


def _measured(job: Job, target: Target, result: Any) -> dict[str, Any]:
    counts, report = _record(job, target, result), report_of(job, target, result)
    if report is None:
        return {} if counts is None else {"likelihood": NegativeLogLikelihood().value(counts, result.state)}
    found = {"likelihood": report.likelihood, "measuring_cost": report.cost}
    if target.truth is None or report.bias is None:
        return found
    away = float(losses.relative_entropy(target.truth, result.state))
    return {**found, "bias": report.bias, "relative_entropy": away}
