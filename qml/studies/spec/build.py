"""From a study to the objects that it names, all of them before any work is done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from qml._checks import InputError, memory, plural
from qml._results import Outcome
from qml._typing import Real
from qml.fitting import Objective, grow
from qml.fitting.growth import start_of
from qml.fitting.priors import Prior
from qml.losses import (
    CountsLoss,
    CrossEntropy,
    Labelled,
    Loss,
    default_loss,
    of_labels,
    von_neumann_entropy,
)
from qml.measurement import Counts
from qml.models import CircuitModel, ConditionalCircuitModel, ConditionalModel, Conditioned, LargeGibbsModel, Model
from qml.operators import PauliSum
from qml.optimizers import Optimizer
from qml.processes import Design, OutcomesModel, ProcessFamily
from qml.states import State
from qml.studies.files import digest, inside
from qml.studies.spec import config, sweep
from qml.studies.spec.models import FAMILIES, AnyModelSpec, ConditionalSpec, learnt_noise
from qml.studies.spec.schema import Spec, members
from qml.studies.spec.signatures import Kept, shared
from qml.studies.spec.source import Source
from qml.studies.spec.states import Context, Target
from qml.studies.spec.sweep import Point
from qml.studies.spec.targets import files_of_study


@dataclass(frozen=True)
class Job:
    """One fit, ready to start; without a model where its method finds the state itself. What a method finds is measured
    by the default loss of the target."""

    spec: config.Fit
    model: Model | None
    loss: Loss
    optimizer: Optimizer | None = None
    prior: Prior | None = None
    validation: State | Counts | Labelled | PauliSum | None = None

    @property
    def n_params(self) -> int:
        """Of the model and of the loss."""
        return (0 if self.model is None else self.model.n_params) + len(self.loss.parameter_names)

    @property
    def way(self) -> str:
        """What finds the best state: the name of the method, or of the optimizer."""
        if self.spec.method is not None:
            return self.spec.method.kind
        return "the default optimizer of each factor" if self.optimizer is None else self.optimizer.name

    @property
    def most(self) -> int:
        """The most iterations, of each start."""
        method = self.spec.method
        return self.spec.max_iterations if method is None else int(getattr(method, method.limit))

    def start(self, results: Mapping[str, Outcome]) -> Real | None:
        """Where it begins: the parameters of an earlier fit, of those of the study that are done, if it says so."""
        if self.spec.grown_from is None or self.model is None:
            return None
        if self.spec.grown_from not in results:
            raise InputError(f"the fit {self.spec.grown_from!r}, which this one grows from, failed.")
        earlier: Any = results[self.spec.grown_from]
        return grow(earlier, self.model)

    def natural(self, params: Real) -> dict[str, float]:
        """Parameters by name, those with a domain in their own units; behind the model's, those of the loss."""
        if self.model is None:
            return {}
        n = self.model.n_params
        readout = self.loss.readout if isinstance(self.loss, CountsLoss) else None
        own = {} if readout is None else readout.natural(params[n:])
        return {**self.model.natural(params[:n]), **own}

    @property
    def memory(self) -> int:
        """Bytes of a state and its derivative, in the largest dimension that the model passes through."""
        if isinstance(self.model, OutcomesModel):  # which is diagonal
            return 16 * self.largest_dim * (1 + self.model.n_params)
        if self.model is None or isinstance(self.model, LargeGibbsModel):  # whose method, or engine, says what it needs
            return 0
        return 2 * 16 * self.largest_dim**2 * (len(self.model.inputs) if isinstance(self.model, Conditioned) else 1)

    @property
    def largest_dim(self) -> int:
        """The dimension of the largest state that the model passes through."""
        model: Any = self.model.conditional if isinstance(self.model, Conditioned) else self.model
        has_circuit = isinstance(model, CircuitModel | ConditionalCircuitModel)
        return math.prod(model.circuit.dims if has_circuit else model.dims)


@dataclass(frozen=True)
class Plan:
    """A study with everything built, of one with a sweep without what varies, its `points` and the study of each: what
    ``qml validate`` checks and ``qml run`` runs."""

    study: config.Study
    source: Source
    target: Target
    jobs: tuple[Job, ...]
    points: tuple[Point, ...]
    studies: tuple[config.Study, ...]

    @cached_property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of every file that the study, or that of a point, reads, by its path in the study."""
        studies = [self.study.model_dump(), *(point.study.data for point in self.points)]
        paths = sorted({path for study in studies for path in files_of_study(study)})
        found = {path: digest(inside(self.source.home, path)) for path in paths}
        return {path: sha for path, sha in found.items() if sha is not None}


def build(study: config.Study, source: Source) -> Plan:
    """All parts of a study; the points of a sweep are valid studies, but not built.

    Raises
    ------
    InputError
        At the first part that cannot be built, and the first value that no study can have, with its place in the file.
    """
    points = points_of(study, source)
    studies = tuple(config.study_of(point.study) for point in points)
    for point, of_point in zip(points, studies, strict=True):
        for i, fit in enumerate(of_point.fits):
            if fit.errors is not None:
                sentence = "of a sweep only the table is kept: leave errors, or sweep, out."
                raise point.study.error(("fits", i, "errors"), sentence)
    for i, spec in enumerate(study.loggers):
        with source.within("loggers", i):
            spec.maker.check()
    target = build_target(study, source)
    jobs = tuple(build_job(study, i, target, source) for i in range(len(study.fits)))
    for i, job in enumerate(jobs):
        _try(job, i, {before.spec.name: before for before in jobs[:i]}, target, source)
    return Plan(study, source, target, jobs, points, studies)


def points_of(study: config.Study, source: Source) -> tuple[Point, ...]:
    """The points of a study; none without a sweep."""
    if study.sweep is None:
        return ()
    return tuple(sweep.points(study.sweep, study.seed, replace(source, data=study.model_dump(mode="python"))))


def build_target(study: config.Study, source: Source, kept: Kept | None = None) -> Target:
    """What is learnt; what it is made of may be kept, like models."""
    with source.within("target"):
        target = study.target.build(Context(source.home, study.seed, kept=kept))
        if target.truth is not None and not math.isfinite(von_neumann_entropy(target.truth)):
            raise InputError(
                "its entropy is not a number: what it is made of is too large, or too small, to compute with."
            )
        return target


def build_job(study: config.Study, i: int, target: Target, source: Source, kept: Kept | None = None) -> Job:
    """The fit number `i`; its model is taken from what is kept, by what the study says of it, or put there."""
    fit = study.fits[i]
    if fit.model is None:
        assert fit.method is not None
        return Job(fit, None, default_loss(target.fitted))
    with source.within("fits", i, "model"):
        model = _model(fit.model, target, kept)
        if model.dims != target.state.dims:
            raise InputError(f"the model has {sites(model.dims)}, the target {sites(target.state.dims)}.")
        for name in learnt_noise(fit.model):
            if name not in model.parameter_names:
                raise InputError(f"no gate has the noise {name!r}: change its gates or sites, or leave out the rule.")
    with source.within("fits", i, "loss"):
        loss = default_loss(target.fitted) if fit.loss is None else fit.loss.build(dims=model.dims)
        if target.labels is not None:
            of_labels(loss)
        loss.accept(target.learnt, model.dims)
    with source.within("fits", i, "optimizer"):
        optimizer = None if fit.optimizer is None else fit.optimizer.build()
        if optimizer is None and not fit.factorwise:
            optimizer = Objective.of(model, target.learnt, loss).default_optimizer
    with source.within("fits", i, "prior"):
        prior: Prior | None = None if fit.prior is None else fit.prior.build()
    with source.within("fits", i, "validation"):
        validation: Any = None
        if fit.validation == "held_out":
            validation = None if target.labels is None else target.labels.validation
            if validation is None:
                raise InputError("held_out needs a target of labelled data with a validation_fraction.")
        elif isinstance(fit.validation, Spec):
            validation = fit.validation.build(Context(source.home, study.seed, held_out=True)).learnt
            loss.accept(validation, model.dims)
    if fit.factorwise and not (isinstance(loss, CrossEntropy) and target.as_state is not None):
        raise source.error(
            ("fits", i, "loss"), "factorwise needs a state and a loss that adds up: cross_entropy, relative_entropy."
        )
    job = Job(fit, model, loss, optimizer, prior, validation)
    with source.within("fits", i, "model"):
        one = f"a state of dimension {job.largest_dim} and its derivative"
        many = f"the states of all inputs, of dimension {job.largest_dim}, and their derivatives"
        memory(one if target.labels is None else many, job.memory, "use fewer qubits")
    return job


def _try(job: Job, i: int, before: Mapping[str, Job], target: Target, source: Source) -> None:
    """Refuse what a method or its error bars cannot be computed of, by as few iterations as there are."""
    spec, start = job.spec, None
    with source.within("fits", i, "grown_from"):
        if spec.grown_from is not None and job.model is not None:
            earlier = before[spec.grown_from]
            if job.loss.parameter_names or earlier.loss.parameter_names:
                raise InputError("fits whose loss learns parameters of its own grow from none, and into none.")
            assert earlier.model is not None
            start = start_of(dict.fromkeys(earlier.model.parameter_names, 0.0), job.model)
    if spec.method is None:
        return
    with source.within("fits", i, "method"):
        result: Any = spec.method.at_most(0).learn(target, job.model, start, seed=0)
    for k, errors in enumerate(spec.errors or ()):
        with source.within("fits", i, "errors", k):
            errors.estimates(result, target.truth, 0, only_checked=True)


def _model(spec: AnyModelSpec, target: Target, kept: Kept | None) -> Model:
    """The model of a fit; a conditional one at the inputs of the target."""
    if spec.kind in members(ConditionalSpec):
        if target.labels is None:
            raise InputError(f"the model {spec.kind} learns from labelled data: use a target of the kind labelled.")
        inputs = target.labels.train.inputs
        conditional: ConditionalModel = spec.build(n_inputs=inputs.shape[1])
        return conditional.at(inputs)
    if spec.kind in FAMILIES:
        if target.counts is None or not isinstance(target.counts.measurement, Design):
            raise InputError(f"the model {spec.kind} learns from a record of experiments: a target of the kind counts.")
        family: ProcessFamily = spec.build()
        return family.on(target.counts)
    if target.labels is not None:
        raise InputError(
            f"labelled data need a conditional model, {' or '.join(members(ConditionalSpec))}; found {spec.kind}."
        )
    model: Model = shared(spec, kept)
    return model


def sites(dims: tuple[int, ...]) -> str:
    """Dims in words."""
    return plural(len(dims), "qubit") if set(dims) == {2} else f"sites of dimensions {dims}"
