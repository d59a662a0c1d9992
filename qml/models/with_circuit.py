"""What models with a circuit have in common: its parameters, and the engine that runs it."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.models.base import WIDEST, InIntervals, Model
from qml.models.parts import Composite
from qml.parameters import Interval

BOUNDED_START = (0.05, 0.25)
"""Bounded parameters start in this part of their interval: weak noise, since strong noise hides other gradients."""


class CircuitParameters(InIntervals):
    r"""The free parameters of a circuit, as every real vector theta gives them.

    A parameter without a domain (an angle, in radians) is its own coordinate: v = theta. One with a domain, such as the
    probability of a trainable channel, is v = low + (high - low) / (1 + exp(-theta)).

    Parameters
    ----------
    circuit : Circuit
    narrower : mapping of str to Interval, optional
        Narrower intervals than the circuit's own, by parameter name.
    data : collection of str
        Parameters that hold data, and are not learnt.

    Attributes
    ----------
    places : array of int (n_params,)
        Where they stand among all parameters of the circuit.
    """

    def __init__(
        self, circuit: Circuit, narrower: Mapping[str, Interval] | None = None, data: Collection[str] = ()
    ) -> None:
        self.narrower = {} if narrower is None else dict(_checks.mapping("domains", narrower))
        self.domains = _narrowed(circuit.domains, self.narrower)
        names = circuit.compile().parameters
        self.places = np.array([k for k, name in enumerate(names) if name not in data], dtype=np.int64)
        self._of_all = len(names)
        self._names = tuple(names[k] for k in self.places)
        self._set_intervals([self.domains[name] for name in self._names])

    def init_params(self, rng: np.random.Generator, scale: float = np.pi) -> Real:
        """A random start: angles uniform in [-scale, scale] radians; bounded parameters uniform in the lower part of
        their interval, from 5 to 25 percent (half-bounded ones: theta uniform in [-1, 1])."""
        scale = _checks.number("scale", scale, 0.0, WIDEST)
        theta = _checks.generator("rng", rng).uniform(-scale, scale, self._of_all)[self.places]
        for k, interval in self._bounded:
            if np.isfinite(interval.low) and np.isfinite(interval.high):
                theta[k] = interval.to_real(interval.low + (interval.high - interval.low) * rng.uniform(*BOUNDED_START))
            else:
                theta[k] = rng.uniform(-1.0, 1.0)
        return theta


class WithCircuit(Composite, Model):
    """A model with a circuit, whose parameters come last in theta; a subclass calls ``__init__`` and joins its parts.

    Parameters
    ----------
    circuit : Circuit
    engine : Engine or str, optional
        By default ``PauliEngine()`` where all sites are qubits, else ``ReferenceEngine()``.
    domains : mapping of str to Interval, optional
        As for ``CircuitParameters``.

    Raises
    ------
    InputError
        If `circuit` is no Circuit, or not unitary where it must be.
    """

    _what: str
    """What the model is called in refusals."""
    _needs_unitary = True
    """Whether the circuit must be one of unitary gates."""

    def __init__(
        self, circuit: Circuit, engine: Engine | str | None, domains: Mapping[str, Interval] | None = None
    ) -> None:
        self.circuit = self._checked(circuit)
        if isinstance(engine, str):
            from qml.engines.registry import ENGINES

            engine = ENGINES[_checks.choice("engine", engine, ENGINES)]()
        self._given_engine = engine
        self._program = circuit.compile()
        self._angles = CircuitParameters(circuit, domains)

    def init_params(self, rng: np.random.Generator, scale: float = np.pi) -> Real:
        """A random start: that of every part, angles uniform in [-scale, scale] radians.

        Parameters
        ----------
        rng : numpy Generator
        scale : float
            At least 0, at most 1e100.

        Raises
        ------
        InputError
            If rng is no Generator, or scale is out of range.
        """
        others = [part.init_params(rng) for part in self._parts[:-1]]
        return np.concatenate([*others, self._angles.init_params(rng, scale)])

    def _arguments(self) -> dict[str, Any]:
        asked = inspect.signature(type(self)).parameters
        given = {"engine": self._given_engine, "domains": self._angles.narrower}
        return {name: given[name] if name in given else getattr(self, name) for name in asked}

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self.circuit._repr_html_()

    def _checked(self, circuit: Circuit) -> Circuit:
        if not isinstance(circuit, Circuit):
            raise InputError(f"circuit must be a Circuit; found {type(circuit).__name__}.")
        if self._needs_unitary and not circuit.is_unitary:
            raise InputError(f"{self._what} needs a circuit of unitary gates; this one holds another operation.")
        return circuit

    @cached_property
    def engine(self) -> Engine:
        """What runs the circuit; the default one is made when it is first needed."""
        if self._given_engine is not None:
            return self._given_engine
        if set(self.circuit.dims) == {2}:
            from qml.engines.pauli.engine import PauliEngine

            return PauliEngine()
        from qml.engines.reference import ReferenceEngine

        return ReferenceEngine()


def _narrowed(domains: Mapping[str, Interval], narrower: Mapping[str, Interval]) -> dict[str, Interval]:
    for name, interval in narrower.items():
        if name not in domains:
            raise InputError(f"domains: the circuit has no parameter {name!r}{_checks.nearest(str(name), domains)}.")
        _checks.instance(f"domains[{name!r}]", interval, Interval)
        if not (domains[name].low <= interval.low and interval.high <= domains[name].high):
            raise InputError(
                f"domains[{name!r}] must lie within what the circuit allows, {domains[name]}; found {interval}."
            )
    return {**domains, **narrower}
