"""Models that are made of models: their parameters end to end, and states in the place of members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.engines.register import directions_of
from qml.models.base import Model
from qml.states.base import State
from qml.states.coercion import StateLike, one_state


class Fixed(Model):
    """A state that is held fixed: a model without parameters."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def dims(self) -> Dims:
        return self._state.dims

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ()

    def init_params(self, rng: np.random.Generator) -> Real:
        return np.zeros(0)

    def state(self, params: ParamsLike = ()) -> State:
        self.theta(params)
        return self._state

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        return self.state(params), lambda cotangent: np.zeros(0)

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        d = self._state.dim
        return self.state(params), lambda v: np.zeros((*np.shape(v)[:-1], d, d), dtype=np.complex128)

    def __repr__(self) -> str:
        return repr(self._state)


class Members:
    """Models in a row, and the parts of a joint parameter vector that belong to each.

    Parameters of member k are called ``k.name``; with `prefixed` False, names are kept and must differ.
    """

    def __init__(self, what: str, models: Sequence[Model | StateLike], prefixed: bool = True) -> None:
        held = _checks.listed(f"what {what} is made of", models, "models and states")
        if not held:
            raise InputError(f"{what} needs a list of at least one model; found none.")
        self.models = tuple(
            m if isinstance(m, Model) else Fixed(one_state(m, f"member {k} of {what}")) for k, m in enumerate(held)
        )
        self.names = tuple(
            f"{k}.{name}" if prefixed else name for k, model in enumerate(self.models) for name in model.parameter_names
        )
        for name in self.names:
            if self.names.count(name) > 1:
                raise InputError(f"{what}: two parts call a parameter {name!r}: rename one of them.")
        self._cuts = np.cumsum([model.n_params for model in self.models])[:-1]

    def split(self, theta: Real) -> list[Real]:
        """The part (..., n_k) of each member of vectors (..., n)."""
        return np.split(theta, self._cuts, axis=-1)

    def init_params(self, rng: np.random.Generator) -> Real:
        rng = _checks.generator("rng", rng)
        return np.concatenate([model.init_params(rng) for model in self.models])

    def natural(self, theta: Real) -> dict[str, float]:
        """The members' own readings of their parameters, by joint name."""
        values = [x for m, part in zip(self.models, self.split(theta), strict=True) for x in m.natural(part).values()]
        return dict(zip(self.names, values, strict=True))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        """The joint theta with these natural values."""
        given = [values[name] for name in self.names]
        parts: list[Real] = []
        for model in self.models:
            mine = dict(zip(model.parameter_names, given[: model.n_params], strict=True))
            parts.append(model.unconstrained(mine))
            given = given[model.n_params :]
        return np.concatenate(parts)


def directions(v: ArrayLike, n_params: int) -> tuple[Real, tuple[int, ...]]:
    """Directions (..., n_params) as (b, n_params), and their leading axes."""
    a = directions_of(v, n_params)
    return a.reshape(-1, n_params), a.shape[:-1]
