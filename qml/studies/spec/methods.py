"""How a fit learns where it does not descend by an optimizer, and error bars of what was found.

Each is a function: its arguments are the keys, except for those that the study gives, and these say what it needs. One
that asks for `counts` finds the state itself; one that asks for a `model` learns its parameters from a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import Field

from qml import losses, tomography
from qml._checks import InputError
from qml._results import Outcome
from qml._typing import Real
from qml.fitting import fit_deferred
from qml.models import Model, quantum_em
from qml.operators import PauliSum
from qml.optimizers import OPTIMIZERS
from qml.states import State
from qml.studies.spec.signatures import VALUES, Keyed, Made, union
from qml.studies.spec.states import KnownStateSpec, Target
from qml.tomography import TOMOGRAPHIES, ProfileLikelihood, TomographyResult

OptimizerSpec: TypeAlias = Annotated[Made, union(OPTIMIZERS)]
VALUES["Optimizer"] = OptimizerSpec
LIMITS = ("max_iterations", "steps")
"""What the argument is called that says how many iterations a method may take."""


class Method(Keyed):
    """How a fit learns."""

    given: ClassVar[frozenset[str]] = frozenset({"counts", "model", "target", "params0", "seed", "progress"})

    @classmethod
    def asks_for(cls, argument: str) -> bool:
        """Whether it needs this of what the study gives."""
        return argument in signature(cls.maker).parameters

    def learn(self, target: Target, model: Model | None, params0: Real | None, seed: int) -> Outcome:
        """The result; of all that is given it takes what it asks for.

        Raises
        ------
        InputError
            If the target is not what it learns from.
        """
        learnt = target.counts if self.asks_for("counts") else target.as_state
        if learnt is None:
            wants = "counts: a target of the kind counts" if self.asks_for("counts") else "a state as the target"
            raise InputError(f"the method {self.kind} learns from {wants}.")
        found: Outcome = self.make(
            counts=learnt, target=learnt, model=model, params0=params0, seed=seed, progress=False
        )
        return found

    @property
    def limit(self) -> str:
        """The key that says how many iterations it may take."""
        return next(name for name in LIMITS if name in type(self).model_fields)

    def at_most(self, iterations: int) -> Self:
        """The same with fewer iterations."""
        return self.model_copy(update={self.limit: min(iterations, getattr(self, self.limit))})


METHODS: dict[str, Callable[..., Outcome]] = {**TOMOGRAPHIES, "quantum_em": quantum_em, "deferred": fit_deferred}
MethodSpec: TypeAlias = Annotated[Method, union(METHODS, base=Method)]


# error bars ------------------------------------------------------------------------------------------------------

Fidelity: TypeAlias = Literal["fidelity"]
Quantity: TypeAlias = Literal["purity", "entropy", "fidelity"]
if TYPE_CHECKING:
    KnownState: TypeAlias = Target
else:
    KnownState = KnownStateSpec
Level: TypeAlias = Annotated[float, Field(ge=0.5, le=0.9999)]
LEAST = {"bootstrap": 2, "interval": 0}
"""Replicates with which errors are tried before a run."""


class Estimate(NamedTuple):
    """A number read off the state that was found, with its error."""

    quantity: str
    kind: str
    estimate: float
    standard_error: float | None
    low: float
    high: float
    level: float


class Errors(Keyed):
    """Error bars of what a tomography found."""

    given: ClassVar[frozenset[str]] = frozenset({"result", "truth", "seed"})

    def estimates(self, result: Outcome, truth: State | None, seed: int) -> list[Estimate]:
        """One for each quantity."""
        found: list[Estimate] = self.make(result=result, truth=truth, seed=seed)
        return found

    def tried(self, result: Outcome, truth: State | None) -> None:
        """Refuse what it cannot be computed of, at the least cost."""
        self.model_copy(update={"replicates": LEAST.get(self.kind, 2)}).estimates(result, truth, 0)


def bootstrap(
    result: TomographyResult,
    of: Annotated[Sequence[Quantity | PauliSum], Field(min_length=1)] = ("purity", "entropy"),
    state: KnownState | None = None,
    replicates: Annotated[int, Field(ge=2, le=10**6)] = 100,
    resampling: Literal["parametric", "nonparametric"] = "parametric",
    level: Level = 0.95,
    interval: Literal["percentile", "basic"] = "percentile",
    truth: State | None = None,
    seed: int = 0,
) -> list[Estimate]:
    """Repeat the experiment on the computer, and see how far numbers read off the state scatter.

    Parameters
    ----------
    of : list
        purity, entropy, fidelity, and Hamiltonians, of which the expectation is meant.
    state : mapping
        What the fidelity is with; by default the state that was measured, where it is known.
    replicates : int
        Records drawn.
    resampling : {"parametric", "nonparametric"}
        Of the state that was found, or of the frequencies.
    level : float
        Of the intervals.
    interval : {"percentile", "basic"}
        The quantiles themselves, or less the bias.
    """
    functions: dict[str, Callable[[State], Any]] = {}
    for name, wanted in _named(of, state, truth).items():
        functions[name] = getattr(State, wanted) if isinstance(wanted, str) else _value_of(wanted)
    drawn = tomography.bootstrap(result, functions, replicates=replicates, kind=resampling, seed=seed)
    return [
        Estimate(
            name, "bootstrap", value, drawn.standard_error(name), *drawn.interval(name, level, kind=interval), level
        )
        for name, value in drawn.estimates.items()
    ]


def interval(
    result: TomographyResult,
    of: Annotated[Sequence[Fidelity | PauliSum], Field(min_length=1)] = ("fidelity",),
    state: KnownState | None = None,
    replicates: Annotated[int, Field(ge=0, le=10**6)] = 200,
    level: Level = 0.95,
    truth: State | None = None,
    seed: int = 0,
) -> list[Estimate]:
    """The values that the record does not rule out, by the likelihood ratio: right at the boundary of the states too.

    Parameters
    ----------
    of : list
        fidelity (with a pure state), and Hamiltonians, of which the expectation is meant.
    state : mapping
        What the fidelity is with; by default the state that was measured, where it is known.
    replicates : int
        Records drawn for each law; 0 takes chi-square in its place.
    """
    found = []
    for name, wanted in _named(of, state, truth).items():
        profile = ProfileLikelihood(result.counts, wanted)
        ends = profile.interval(level, replicates=replicates, seed=seed)
        found.append(Estimate(name, "interval", profile.estimate, None, *ends, level))
    return found


def _named(of: Sequence[Any], state: Target | None, truth: State | None) -> dict[str, Any]:
    """What is asked for, by the name that tables give it: words as they are, the state of a fidelity, Hamiltonians."""
    other = truth if state is None else state.state
    if "fidelity" in of and other is None:
        raise InputError("the state that was measured is not known: say with which state the fidelity is, in state.")
    if state is not None and "fidelity" not in of:
        raise InputError("state is what the fidelity is with: add fidelity to of, or leave state out.")
    found = {_short(str(wanted)): other if wanted == "fidelity" else wanted for wanted in of}
    if len(found) < len(of):
        raise InputError("a quantity is listed twice: each is computed once.")
    return found


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _value_of(wanted: State | PauliSum) -> Callable[[State], Any]:
    if isinstance(wanted, State):
        return lambda state: losses.fidelity(wanted, state)
    return lambda state: state.expect(wanted)


ErrorSpec: TypeAlias = Annotated[Errors, union({"bootstrap": bootstrap, "interval": interval}, base=Errors)]
