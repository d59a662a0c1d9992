"""What a study file may say: one target and the fits that learn it; ``read_study`` checks all of it before any work.

To add something that a study can name:

- a state, measurement, Hamiltonian, set of generators, ansatz, model, loss, optimizer, prior or tomography: nothing
  here. Its name in the registry of the library (``STATES``, ``MEASUREMENTS``, ``HAMILTONIANS``, ``GENERATORS``,
  ``ANSATZE``, ``MODELS``, ``LOSSES``, ``OPTIMIZERS``, ``PRIORS``, ``TOMOGRAPHIES``) is its kind, its arguments are its
  keys; see ``signatures.py``.
- something whose arguments are no plain data, or that a study says in other words: a function that makes it, whose
  arguments are the keys and whose docstring says what they mean, beside the registry. (Where keys limit each other, or
  are needed later: a class with the keys as fields, ``kind: Literal["name"]``, and a method that makes the object.)

``qml list``, ``qml schema`` and the page of the site with all keys follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import yaml
from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from qml._checks import InputError
from qml.fitting.priors import PRIORS
from qml.losses import EVERY_LOSS
from qml.studies.spec.compose import compose, override
from qml.studies.spec.loggers import LoggerSpec
from qml.studies.spec.measurements import CountsLossSpec
from qml.studies.spec.methods import ErrorSpec, MethodSpec
from qml.studies.spec.methods import OptimizerSpec as OptimizerSpec
from qml.studies.spec.models import AnyModelSpec
from qml.studies.spec.schema import Count, Seed, Spec, members, read_as, shown
from qml.studies.spec.signatures import Inside, Made, union
from qml.studies.spec.source import Source
from qml.studies.spec.sweep import Sweep
from qml.studies.spec.targets import TargetSpec

LossSpec: TypeAlias = Annotated[Made, union(EVERY_LOSS, *members(CountsLossSpec).values(), title="losses")]
PriorSpec: TypeAlias = Annotated[Made, union(PRIORS, title="priors")]

NEEDED = {
    "model": ("model", "finds the state itself"),
    "grown_from": ("params0", "starts from no parameters"),
    "errors": ("counts", "is no tomography"),
}
"""What a method must ask for where a fit has the key, and why it is refused where it does not."""
NOT_SAID = ("model", "method", "grown_from", "errors")
"""Keys of a fit that are left out where there are none: resolved studies are what they were before these keys."""


class Fit(Spec):
    """One model and how it is fitted, or a method that finds the state itself.

    Parameters
    ----------
    name : str
        What tables and figures call it.
    model : mapping
        What is fitted; left out where the method finds the state itself.
    method : mapping
        By default descent by the optimizer, with the keys from loss on.
    grown_from : str
        The name of an earlier fit: it starts from the parameters of that one, and from zero in new ones.
    errors : list
        Error bars of what a tomography finds.
    loss : mapping
        By default what the target says: cross_entropy of a state, negative_log_likelihood of counts, mean_cross_entropy
        of labelled data, expectation of a Hamiltonian.
    optimizer : mapping
        By default newton of the cross entropy of Gibbs models of at most 128 parameters, of conditional ones with a
        prior and more examples than inputs of at most 2048, natural_gradient of cholesky ones, natural_lbfgs of those
        with hidden units, else lbfgs.
    restarts : int
        Independent starts; the best is kept.
    max_iterations : int
        Steps of each start.
    gradient_tolerance : float
        Converged: no larger entry in the gradient.
    loss_tolerance : float
        Converged: no larger decrease; 0 turns it off.
    prior : mapping
        Adds -log p(theta) / copies to the loss.
    validation : mapping or "held_out"
        Held-out target: parameters of the lowest loss on it are kept; simulated shots are fresh; held_out: of labelled
        data, what its validation_fraction holds out.
    patience : int
        Steps without a lower loss on validation that end a start.
    factorwise : bool
        Learn every factor of a product model by itself, from its reduced state.
    """

    name: str
    model: AnyModelSpec | None = None
    method: MethodSpec | None = None
    grown_from: str | None = None
    errors: Annotated[list[ErrorSpec] | None, Field(min_length=1)] = None
    loss: LossSpec | None = None
    optimizer: OptimizerSpec | None = None
    restarts: Annotated[int, Field(ge=1, le=1000)] = 1
    max_iterations: Count = 1000
    gradient_tolerance: Annotated[float, Field(ge=0.0)] = 1e-8
    loss_tolerance: Annotated[float, Field(ge=0.0)] = 0.0
    prior: PriorSpec | None = None
    validation: TargetSpec | Literal["held_out"] | None = None
    patience: Count = 10
    factorwise: bool = False

    @model_validator(mode="after")
    def _options(self) -> Self:
        if self.method is None and self.model is None:
            methods: Any = members(MethodSpec)
            alone = ", ".join(kind for kind, method in methods.items() if "model" not in method.asked())
            raise InputError(f"the key 'model' is missing; only a fit whose method is one of {alone} needs none.")
        if self.method is not None:
            self._fits_the_method(self.method)
        elif self.errors is not None:
            raise Inside(("errors",), "errors are those of a tomography: give a method that learns from counts.")
        if self.factorwise and self.model is not None and self.model.kind != "product":
            raise InputError(f"factorwise is for the model product; found {self.model.kind}.")
        if self.factorwise and (self.prior, self.validation, self.grown_from) != (None, None, None):
            raise InputError("factorwise takes no prior, validation or grown_from: leave one of them out.")
        if isinstance(self.validation, Spec) and self.validation.kind == "labelled":
            raise InputError("validation of labelled data is held_out, with a validation_fraction of the target.")
        return self

    @classmethod
    def _of_descent(cls) -> list[str]:
        """The keys of a descent by an optimizer; every other method has keys of its own."""
        return list(cls.model_fields)[list(cls.model_fields).index("loss") :]

    def _fits_the_method(self, method: MethodSpec) -> None:
        """Refuse what the method would ignore, or lacks."""
        for key in self._of_descent():
            if key in self.model_fields_set:
                where = "write it in method" if key in type(method).model_fields else "leave it out"
                raise Inside((key,), f"{key} belongs to descent, and the method is {method.kind}: {where}.")
        for key, (argument, why) in NEEDED.items():
            if getattr(self, key) is not None and argument not in method.asked():
                raise Inside((key,), f"the method {method.kind} {why}: leave {key} out.")
        if "model" in method.asked() and self.model is None:
            raise InputError(f"the key 'model' is missing: the method {method.kind} learns the parameters of one.")

    @model_serializer(mode="wrap")
    def _said(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without keys that are not said, and without those that mean nothing to its method."""
        left_out = {key for key in NOT_SAID if getattr(self, key) is None}
        left_out |= set() if self.method is None else set(self._of_descent())
        return {key: value for key, value in plain(self).items() if key not in left_out}

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if not 1 <= len(name.strip()) <= 80 or not name.isprintable():
            raise InputError(f"a name is 1 to 80 characters on one line; found {shown(name)}.")
        return name


class Study(Spec):
    """A target and the fits that learn it.

    Parameters
    ----------
    title : str
        Stands above tables and figures.
    seed : int
        Every random number follows from it.
    target : mapping
        What is learnt.
    fits : list
        What learns it.
    sweep : mapping
        Many studies in one: what varies.
    loggers : list
        What else follows the fits, besides the folder of the run.
    """

    title: str = ""
    seed: Seed = 0
    target: TargetSpec
    fits: Annotated[list[Fit], Field(min_length=1, max_length=100)]
    sweep: Sweep | None = None
    loggers: Annotated[list[LoggerSpec], Field(max_length=10)] = Field(default=[])

    @field_validator("fits")
    @classmethod
    def _names(cls, fits: list[Fit]) -> list[Fit]:
        names = [fit.name for fit in fits]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"two fits have the name {name!r}: give each its own.")
        for k, fit in enumerate(fits):
            if fit.grown_from is not None and fit.grown_from not in names[:k]:
                before = ", ".join(map(repr, names[:k])) or "none"
                raise Inside((k, "grown_from"), f"there is no earlier fit {fit.grown_from!r}; there is {before}.")
            if fit.grown_from is not None and fits[names.index(fit.grown_from)].model is None:
                raise Inside((k, "grown_from"), f"the fit {fit.grown_from!r} has no parameters to start from.")
        return fits

    def __reduce__(self) -> tuple[Any, ...]:  # classes that are made of signatures have no name to be found by
        return Study.model_validate, (self.model_dump(),)


def read_study(path: str | Path, overrides: Iterable[str] = ()) -> tuple[Study, Source]:
    """The study in a file, with what it extends and with the overrides ``PATH=VALUE``; and its text for messages.

    Raises
    ------
    InputError
        At the first mistake: file, line and key, what was expected and what was found.
    """
    source = override(compose(Path(path)), overrides)
    return study_of(source), source


def with_engine(path: str | Path, engine: str, overrides: Iterable[str] = ()) -> list[str]:
    """The overrides, and before them those with which every fit of a study whose model runs a circuit runs it on this
    engine."""
    study, _ = read_study(path, overrides := list(overrides))
    found = [k for k, fit in enumerate(study.fits) if hasattr(fit.model, "engine")]
    if not found:
        raise InputError(f"--engine {engine}: no fit of this study has a model with a circuit.")
    for name in study.sweep.names() if study.sweep else ():
        if any(part.rstrip().endswith(".engine") for part in name.split(",")):
            raise InputError(f"--engine {engine}: the sweep sets {name} at every point: leave one of the two out.")
    return [*(f"fits[{k}].model.engine={engine}" for k in found), *overrides]


def study_of(source: Source) -> Study:
    """The study that a source describes."""
    return read_as(Study, source)


def to_yaml(study: Study) -> str:
    """The resolved study, every default written out, as YAML that reads back to an equal study."""
    return yaml.dump(
        study.model_dump(mode="python"),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
        width=110,
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = (
        value[:1].isalpha() and value.replace("_", "a").replace(" ", "a").isalnum() and value.lower() not in _RESERVED
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


def fingerprint(text: str, inputs: Mapping[str, str]) -> str:
    """SHA-256 of the resolved study, as YAML, and of every file that it reads, given by its own SHA-256: runs of equal
    fingerprints differ by nothing but where and when they ran."""
    return hashlib.sha256(json.dumps([text, inputs], sort_keys=True).encode()).hexdigest()


_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "inf", "nan"}
_Dumper.add_representer(str, _text)
