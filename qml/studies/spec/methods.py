"""How a fit learns where it does not descend by an optimizer, and error bars of what was found.

Each is a function: its arguments are the keys, except for those that the study gives, and these say what it needs. One
that asks for `counts` finds the state itself; one that asks for a `model` learns its parameters from a state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Field

from qml._checks import InputError, short
from qml._results import Outcome
from qml._typing import Real
from qml.fitting import fit_deferred, quantum_em
from qml.models import Model
from qml.optimizers import OPTIMIZERS
from qml.states import State
from qml.studies.spec.parts import Hamiltonian
from qml.studies.spec.signatures import VALUES, Keyed, Made, built, union
from qml.studies.spec.states import KnownStateSpec, Target
from qml.tomography import TOMOGRAPHIES
from qml.tomography.error_bars import ERROR_BARS, Estimate

OptimizerSpec: TypeAlias = Annotated[Made, union(OPTIMIZERS, title="optimizers")]
VALUES["Optimizer"] = OptimizerSpec
LIMITS = ("max_iterations", "steps")
"""What the argument is called that says how many iterations a method may take."""


class Method(Keyed):
    """How a fit learns."""

    given: ClassVar[frozenset[str]] = frozenset({"counts", "model", "target", "params0", "seed", "progress"})

    def learn(self, target: Target, model: Model | None, params0: Real | None, seed: int) -> Outcome:
        """The result; of all that is given it takes what it asks for.

        Raises
        ------
        InputError
            If the target is not what it learns from.
        """
        from_counts = "counts" in self.asked()
        learnt = target.counts if from_counts else target.as_state
        if learnt is None:
            wanted = "counts: use a target of the kind counts" if from_counts else "a state: use a target that is one"
            raise InputError(f"the method {self.kind} learns from {wanted}.")
        what = {"counts": learnt, "target": learnt, "model": model}
        found: Outcome = self.make(**what, params0=params0, seed=seed, progress=False)
        return found

    @property
    def limit(self) -> str:
        """The key that says how many iterations it may take."""
        return next(name for name in LIMITS if name in type(self).model_fields)

    def at_most(self, iterations: int) -> Self:
        """The same with fewer iterations."""
        return self.model_copy(update={self.limit: min(iterations, getattr(self, self.limit))})


METHODS: dict[str, Callable[..., Outcome]] = {**TOMOGRAPHIES, "quantum_em": quantum_em, "deferred": fit_deferred}
MethodSpec: TypeAlias = Annotated[Method, union(METHODS, base=Method, title="methods")]


# error bars ------------------------------------------------------------------------------------------------------


class Errors(Keyed):
    """Error bars of what a tomography found.

    Parameters
    ----------
    of : list
        purity, entropy, fidelity, and Hamiltonians, of which the expectation is meant.
    state : mapping
        What the fidelity is with; by default the state that was measured, where it is known.
    level : float
        Of the intervals.
    """

    of: Annotated[list[Literal["purity", "entropy", "fidelity"] | Hamiltonian], Field(min_length=1)]
    state: KnownStateSpec | None = None
    level: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.95
    given: ClassVar[frozenset[str]] = frozenset({"result", "quantities", "seed", "only_checked"})

    def estimates(self, result: Outcome, truth: State | None, seed: int, only_checked: bool = False) -> list[Estimate]:
        """One for each quantity; or what cannot be computed is refused, and nothing computed that takes long.

        Raises
        ------
        InputError
            If the state that a fidelity is with is not known, or a quantity is none that this kind of error has.
        """
        state = truth if self.state is None else self.state.build().state
        if ("fidelity" in self.of) < (self.state is not None):
            raise InputError("state is what the fidelity is with: add fidelity to of, or leave state out.")
        if "fidelity" in self.of and state is None:
            raise InputError("the state that was measured is not known: say in state with which one the fidelity is.")
        fidelity = "fidelity" if self.state is None else f"fidelity with {self.state.kind}"
        quantities: dict[str, Any] = {}
        for said, one in zip(self.of, built(self, "of"), strict=True):
            name = fidelity if said == "fidelity" else short(str(one), 40)
            if name in quantities:
                raise InputError(f"{name} is listed twice in of: each quantity is computed once.")
            quantities[name] = state if said == "fidelity" else one
        given = {"result": result, "quantities": quantities, "seed": seed, "only_checked": only_checked}
        found: list[Estimate] = self.make(**given)
        return found


ErrorSpec: TypeAlias = Annotated[Errors, union(ERROR_BARS, base=Errors, title="errors")]
