"""The rules of a noise model: which channel follows which gate, and relaxation of sites at work and at rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from qml import _checks, channels
from qml._checks import InputError
from qml._descriptions import Described
from qml.instructions import Channel, Operation, Unitary
from qml.parameters import Affine, ParameterLike, as_affine

PerSite: TypeAlias = "ParameterLike | Sequence[ParameterLike]"
"""One number (or free parameter) for all sites, or a sequence with one for each."""


@dataclass(frozen=True)
class NoiseRule(Described):
    """A channel with its parameters, the gates that it follows and the sites that it acts on.

    Attributes
    ----------
    channel : Channel
    params : tuple of Affine
    gates : tuple of str or None
        Names of operations; None is every unitary gate.
    sites : tuple of int or None
        None is everywhere.
    at : tuple of int or None
        Only behind operations on exactly these sites in this order; None is anywhere.

    Raises
    ------
    InputError
        Where the parameters are too many or too few, or numbers outside their domain.

    Examples
    --------
    >>> from qml import channels
    >>> rule = NoiseRule(channels.BitFlip, (0.1,), gates=("X",))
    >>> print(*rule.params, rule.sites)
    0.1 None
    """

    channel: Channel
    params: tuple[Affine, ...] = ()
    gates: tuple[str, ...] | None = None
    sites: tuple[int, ...] | None = None
    at: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", expressions(self.channel, _checks.listed("params", self.params)))

    def __str__(self) -> str:
        return f"{self.channel.name}({', '.join(map(str, self.params))})" if self.params else self.channel.name

    def _where(self) -> str:
        """Where it acts, in words."""
        behind = "every unitary gate" if self.gates is None else ", ".join(self.gates)
        placed = "" if self.at is None else f" on exactly {', '.join(map(str, self.at))}"
        return f"after {behind}{placed}, {on_sites(self.sites)}"

    def _follows(self, operation: Operation) -> bool:
        """Whether the rule speaks of this operation."""
        if self.at is not None and operation.sites != self.at:
            return False
        if self.gates is not None:
            return operation.name in self.gates
        fits = self.channel.n_sites in (1, len(operation.sites))
        return isinstance(operation.instruction, Unitary) and fits

    def _after(self, operation: Operation) -> list[Operation]:
        """The channels that it puts behind an operation."""
        if not self._follows(operation):
            return []
        if self.channel.n_sites == 1:
            return self._on_each(operation.sites)
        if len(operation.sites) != self.channel.n_sites:
            raise InputError(
                f"{self.channel.name} acts on {self.channel.n_sites} sites, but a rule lets it follow {operation}: "
                f"name gates on {self.channel.n_sites} sites, or use a channel on one site."
            )
        inside = self.sites is None or set(operation.sites) <= set(self.sites)
        return [Operation(self.channel, operation.sites, self.params)] if inside else []

    def _on_each(self, sites: Iterable[int]) -> list[Operation]:
        """The one-site channel on each of the sites that the rule covers."""
        return [Operation(self.channel, (s,), self.params) for s in sites if self.sites is None or s in self.sites]


@dataclass(frozen=True)
class Relaxation(Described):
    """Thermal relaxation during gates and while waiting: times T1 and T2, and how long each gate takes.

    Attributes
    ----------
    t1, t2 : Affine, or tuple of Affine with one for each site
        In the unit of the durations.
    durations : tuple of (str, float)
        Gate name and duration; gates that are not named take no time.
    excited_population : Affine, or tuple of Affine with one for each site
        Population of the excited level that a site relaxes to.

    Raises
    ------
    InputError
        Where a duration is negative, or a number is not possible (T1, T2 > 0, T2 <= 2 T1, a population
        from 0 to 1).

    Examples
    --------
    >>> from qml import NoiseModel
    >>> print(NoiseModel().with_relaxation(50.0, durations={"CNOT": 0.3}).relaxation.t2)
    100
    """

    t1: Affine | tuple[Affine, ...]
    t2: Affine | tuple[Affine, ...]
    durations: tuple[tuple[str, float], ...]
    excited_population: Affine | tuple[Affine, ...] = field(default_factory=Affine)

    def __post_init__(self) -> None:
        for name in ("t1", "t2", "excited_population"):
            object.__setattr__(self, name, per_site(getattr(self, name)))
        pairs = [_checks.listed("each of durations", pair) for pair in _checks.listed("durations", self.durations)]
        if any(len(pair) != 2 for pair in pairs):
            raise InputError(
                f"durations must be pairs of a gate's name and a time; found {_checks.shown(self.durations)}."
            )
        times = tuple(
            (_checks.text("each gate of durations", name), _checks.number(f"the duration of {name}", t, low=0.0))
            for name, t in pairs
        )
        object.__setattr__(self, "durations", times)
        given = (self.t1, self.t2, self.excited_population)
        for site in range(min((len(value) for value in given if isinstance(value, tuple)), default=1)):
            self._lasting(0.0, site)  # which refuses numbers that are not possible

    def __str__(self) -> str:
        times = "; ".join(f"{name} takes {time:.6g}" for name, time in self.durations) or "nothing takes time"
        level = f", excited population {_said(self.excited_population)}" if self.excited_population != Affine() else ""
        return f"T1 = {_said(self.t1)}, T2 = {_said(self.t2)}{level}; {times}"

    def _lasting(self, time: float, site: int) -> Operation:
        """The channel of a site that relaxes for some time."""
        given = (self.t1, self.t2, self.excited_population)
        t1, t2, excited = (value if isinstance(value, Affine) else value[site] for value in given)
        return Operation(channels.ThermalRelaxation, (site,), (t1, t2, as_affine(time), excited))

    def _check(self, n_sites: int) -> None:
        """Refuse lists that do not have one entry for each site."""
        for name in ("t1", "t2", "excited_population"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != n_sites:
                raise InputError(
                    f"{name} of the noise model must be one value, or one for each of the "
                    f"{_checks.plural(n_sites, 'site')} of the circuit; found {len(value)} values."
                )


def expressions(channel: Channel, params: Sequence[ParameterLike]) -> tuple[Affine, ...]:
    """The parameters of a channel that is not placed, as expressions."""
    if not isinstance(channel, Channel):
        found = channel if isinstance(channel, Operation) else _checks.shown(channel)
        raise InputError(
            "a noise rule needs a channel without its sites, then its parameters, as in "
            f"add(channels.Depolarizing, 0.01); found {found}."
        )
    return channel._expressions(params)


def on_sites(sites: tuple[int, ...] | None) -> str:
    """Where a rule acts, in words."""
    return "on every site" if sites is None else f"on {', '.join(map(str, sites))}"


def _said(value: Affine | tuple[Affine, ...]) -> str:
    return str(value) if isinstance(value, Affine) else f"({', '.join(map(str, value))})"


def per_site(value: PerSite) -> Affine | tuple[Affine, ...]:
    """One expression for all sites, or one for each."""
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return tuple(as_affine(v) for v in _checks.listed("what differs from site to site", value, "parameters"))
    return as_affine(value)
