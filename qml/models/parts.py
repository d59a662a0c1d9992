"""Models made of parts: theta holds the parameters of one part after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.engines.register import directions_of
from qml.models.base import Model, Parametrized
from qml.states.base import State
from qml.states.coercion import StateLike, one_state


class Composite(Parametrized, is_kind=False):
    """Made of parts that own the parameters; a subclass lists them with :meth:`_join`, in the order of theta."""

    dims: Dims

    def _join(self, what: str, parts: Sequence[Parametrized], prefixes: Sequence[str] = ()) -> None:
        """The parameters of part k are called as the part calls them, after prefix k; equal names are refused."""
        self._parts = tuple(parts)
        names = [(prefixes[k] if prefixes else "") + name for k, p in enumerate(parts) for name in p.parameter_names]
        for one, other in pairwise(sorted(names)):
            if one == other:
                raise InputError(f"{what}: two parts call a parameter {one!r}: rename one of them.")
        self._names = tuple(names)
        self._spans = list(pairwise(accumulate((part.n_params for part in parts), initial=0)))

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random start: that of every part."""
        rng = _checks.generator("rng", rng)
        return np.concatenate([part.init_params(rng) for part in self._parts])

    def split(self, params: ParamsLike) -> list[Real]:
        """The parameters (n_k,) of each part, in the order of the parts.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            As in :meth:`theta`.

        Raises
        ------
        InputError
            As :meth:`theta`.
        """
        return self._split(self.theta(params))

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        """The parameters as the parts read them, by joint name."""
        read = (part.natural(theta) for part, theta in zip(self._parts, self.split(params), strict=True))
        return dict(zip(self.parameter_names, (x for own in read for x in own.values()), strict=True))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        out = []
        for part, own in zip(self._parts, self._split(super().unconstrained(values)), strict=True):
            out.append(part.unconstrained(dict(zip(part.parameter_names, own.tolist(), strict=True))))
        return np.concatenate(out)

    def _split(self, theta: Real) -> list[Real]:
        """The part (..., n_k) of each part of vectors (..., n)."""
        return [theta[..., start:stop] for start, stop in self._spans]

    def _directions(self, v: ArrayLike) -> list[Real]:
        """Directions (..., n) as those (..., n_k) of each part; refused where derivatives along them would not fit."""
        return self._split(directions_of(v, self.n_params, math.prod(self.dims)))


class Fixed(Model):
    """A state that is held fixed: a model without parameters."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.dims = state.dims
        self._names = ()

    def _arguments(self) -> dict[str, Any]:
        return {"state": self._state}

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


def members_of(what: str, models: Sequence[Model | StateLike]) -> tuple[Model, ...]:
    """At least one model; states are held fixed."""
    held = _checks.listed(f"what {what} is made of", models, "models and states")
    if not held:
        raise InputError(f"{what} needs a list of at least one model; found none.")
    return tuple(as_model(m, f"member {k} of {what}") for k, m in enumerate(held))


def as_model(value: Model | StateLike, name: str) -> Model:
    """A model, or a single state held fixed."""
    return value if isinstance(value, Model) else Fixed(one_state(value, name))
