"""Noise models: which channel follows which gate, relaxation of sites at work and at rest, and readout errors."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml._descriptions import Described, Saved
from qml._results import html_table
from qml.instructions import Channel, Operation, PartialTrace, Preparation, Unitary
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
        object.__setattr__(self, "params", _expressions(self.channel, _checks.listed("params", self.params)))

    def __str__(self) -> str:
        return f"{self.channel.name}({', '.join(map(str, self.params))})" if self.params else self.channel.name

    def _where(self) -> str:
        """Where it acts, in words."""
        behind = "every unitary gate" if self.gates is None else ", ".join(self.gates)
        placed = "" if self.at is None else f" on exactly {', '.join(map(str, self.at))}"
        return f"after {behind}{placed}, {_on(self.sites)}"

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
        Where a duration is negative, or numbers are none that relaxation can have (T1, T2 > 0, T2 <= 2 T1, a population
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
            object.__setattr__(self, name, _per_site(getattr(self, name)))
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
            t1, t2, excited = self._at(site)
            if t1.is_constant and t2.is_constant and excited.is_constant:
                channels.ThermalRelaxation.check(np.array([t1.constant, t2.constant, 0.0, excited.constant]))

    def _at(self, site: int) -> list[Affine]:
        """T1, T2 and the excited population of a site."""
        given = (self.t1, self.t2, self.excited_population)
        return [value if isinstance(value, Affine) else value[site] for value in given]

    def __str__(self) -> str:
        times = "; ".join(f"{name} takes {time:.6g}" for name, time in self.durations) or "nothing takes time"
        level = f", excited population {_said(self.excited_population)}" if self.excited_population != Affine() else ""
        return f"T1 = {_said(self.t1)}, T2 = {_said(self.t2)}{level}; {times}"

    def _lasting(self, time: float, site: int) -> Operation:
        """The channel of a site that relaxes for some time."""
        t1, t2, excited = self._at(site)
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


@dataclass(frozen=True)
class NoiseModel(Saved):
    r"""Where noise goes in a circuit: a frozen value, built up rule by rule.

    Behind each operation come, in this order: the channels of its rules in the order in which they were added, then
    thermal relaxation of its sites for its duration. With durations, the circuit runs on a clock that starts at zero:
    every operation, preparation included, starts as soon as all its sites are free, and a site that waits for others
    relaxes for as long as it waits: before each operation, and at the end until the last surviving site is done.
    Readout errors come last, on every surviving site. Traced-out sites get no noise: it could not be seen.

    Parameters may be names of free parameters or expressions, so that noise can be learnt.

    Attributes
    ----------
    rules : tuple of NoiseRule
    relaxation : Relaxation or None
    readout : tuple of NoiseRule

    Examples
    --------
    >>> from qml import Circuit, NoiseModel, channels, gates
    >>> bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
    >>> model = (
    ...     NoiseModel()
    ...     .add(channels.Depolarizing, "p", gates="CNOT")
    ...     .with_relaxation(t1=50.0, t2=70.0, durations={"H": 0.03, "CNOT": 0.3})
    ... )
    >>> for operation in bell.with_noise(model):
    ...     print(operation)
    H 0
    ThermalRelaxation(50, 70, 0.03, 0) 0
    ThermalRelaxation(50, 70, 0.03, 0) 1
    CNOT 0 1
    Depolarizing(p) 0
    Depolarizing(p) 1
    ThermalRelaxation(50, 70, 0.3, 0) 0
    ThermalRelaxation(50, 70, 0.3, 0) 1
    """

    rules: tuple[NoiseRule, ...] = ()
    relaxation: Relaxation | None = None
    readout: tuple[NoiseRule, ...] = ()

    def add(
        self,
        channel: Channel,
        *params: ParameterLike,
        gates: str | Iterable[str] | None = None,
        sites: int | Iterable[int] | None = None,
        at: int | Iterable[int] | None = None,
    ) -> NoiseModel:
        """One more rule: a channel behind gates.

        A channel on one site follows a gate on each of the gate's sites, in the order in which the gate lists them.
        A channel on k sites acts on the sites of a gate on k sites together.

        Parameters
        ----------
        channel : Channel
            Not placed: ``channels.Depolarizing``.
        *params : float, str or Affine
            Its parameters.
        gates : str or iterable of str, optional
            Names of the operations that it follows, as :func:`qml.gates.gate` reads them (``"cx"`` is CNOT),
            ``"initialize"`` included; every unitary gate by default (of a channel on k > 1 sites: every gate on k
            sites).
        sites : int or iterable of int, optional
            Where; everywhere by default. A channel on k > 1 sites needs all of them among these.
        at : int or iterable of int, optional
            Only behind gates on exactly these sites in this order: a device may err differently in CNOT(0, 1) than in
            CNOT(1, 0).

        Raises
        ------
        InputError
            Where `channel` is no channel, or its parameters are too many, too few or outside their domain.
        """
        names = None if gates is None else _names(gates)
        if names is not None and "trace_out" in names:
            raise InputError("a noise rule cannot follow trace_out: nothing is left there; name the gate before it.")
        rule = NoiseRule(channel, _expressions(channel, params), names, _sites(sites), _sites(at))
        return replace(self, rules=(*self.rules, rule))

    def with_relaxation(
        self,
        t1: PerSite,
        t2: PerSite | None = None,
        *,
        durations: Mapping[str, float],
        excited_population: PerSite = 0.0,
    ) -> NoiseModel:
        """The model with thermal relaxation, in place of the one it has.

        Parameters
        ----------
        t1, t2 : float, str, Affine, or a sequence with one for each site
            Relaxation and coherence time, T2 <= 2 T1, in the unit of the durations; T2 = 2 T1 by default, which is
            no dephasing beyond that of the relaxation itself.
        durations : mapping of str to float
            How long each gate takes, by name; gates that are not named take no time.
        excited_population : float, str, Affine, or a sequence with one for each site
            Population of the excited level in equilibrium.

        Raises
        ------
        InputError
            As :class:`Relaxation`; by ``with_noise``, where there is not one value for each site of the circuit.
        """
        t1 = _per_site(t1)
        doubled = 2 * t1 if isinstance(t1, Affine) else tuple(2 * t for t in t1)
        times = tuple(_checks.mapping("durations", durations).items())
        new = Relaxation(t1, doubled if t2 is None else _per_site(t2), times, _per_site(excited_population))
        return replace(self, relaxation=new)

    def with_readout(
        self, *params: ParameterLike, sites: int | Iterable[int] | None = None, channel: Channel = channels.ReadoutError
    ) -> NoiseModel:
        """One more readout rule: a channel on one site, on each surviving site (or those of `sites`) at the end.

        Parameters
        ----------
        *params : float, str or Affine
            Parameters of the channel, by default those of ``channels.ReadoutError``.
        sites : int or iterable of int, optional
            Where; everywhere by default.
        channel : Channel, optional
            On one site, not placed.

        Raises
        ------
        InputError
            Where the channel acts on several sites, or its parameters are too many, too few or outside their domain.
        """
        rule = NoiseRule(channel, _expressions(channel, params), None, _sites(sites))
        if channel.n_sites != 1:
            raise InputError(f"a readout error acts on one site; found {channel.name}, on {channel.n_sites} sites.")
        return replace(self, readout=(*self.readout, rule))

    def _repr_html_(self) -> str:
        rows = [(str(rule), rule._where()) for rule in self.rules]
        if self.relaxation:
            rows.append(("thermal relaxation", str(self.relaxation)))
        rows += [(str(rule), f"at the end, {_on(rule.sites)}") for rule in self.readout]
        return html_table("noise model", rows)

    def _noisy(self, operations: Sequence[Operation], n_sites: int, sites_out: Sequence[int]) -> list[Operation]:
        """The operations of a circuit with the noise put in."""
        if self.relaxation:
            self.relaxation._check(n_sites)
        for site in {site for rule in (*self.rules, *self.readout) for site in (*(rule.sites or ()), *(rule.at or ()))}:
            if site >= n_sites:
                raise InputError(
                    f"the noise model names site {site}, but the circuit has "
                    f"{_checks.plural(n_sites, 'site')}, counted from 0."
                )
        return self._spelled({operation.name: None for operation in operations})._put_in(operations, n_sites, sites_out)

    def _put_in(self, clean: Sequence[Operation], n_sites: int, sites_out: Sequence[int]) -> list[Operation]:
        operations: list[Operation] = []
        durations = dict(self.relaxation.durations) if self.relaxation else {}
        free_at = [0.0] * n_sites
        for operation in clean:
            if isinstance(operation.instruction, PartialTrace):
                operations.append(operation)
                continue
            start = max((free_at[site] for site in operation.sites), default=0.0)
            if not isinstance(operation.instruction, Preparation):
                operations += self._idle(operation.sites, free_at, start)
            operations.append(operation)
            for rule in self.rules:
                operations += rule._after(operation)
            duration = durations.get(operation.name, 0.0)
            if self.relaxation and duration:
                operations += [self.relaxation._lasting(duration, site) for site in operation.sites]
            for site in operation.sites:
                free_at[site] = start + duration
        operations += self._idle(sites_out, free_at, max((free_at[s] for s in sites_out), default=0.0))
        for rule in self.readout:
            operations += rule._on_each(sites_out)
        return operations

    def _idle(self, sites: Iterable[int], free_at: Sequence[float], until: float) -> list[Operation]:
        """Relaxation of sites that wait; differences at the rounding of the clock are none."""
        if self.relaxation is None:
            return []
        tick = 8 * sys.float_info.epsilon * until
        return [self.relaxation._lasting(until - free_at[s], s) for s in sites if until - free_at[s] > tick]

    def _spelled(self, names: Collection[str]) -> NoiseModel:
        """The model with the names that the operations of the circuit have: "cx" is CNOT."""

        def spelled(name: str) -> str:
            if name in names or name == "initialize" or name in channels.CHANNELS:
                return name
            try:
                return gates.gate(name).name
            except InputError:
                raise InputError(
                    f"the noise model names a gate {name!r} that neither qml.gates nor the circuit has"
                    f"{_checks.nearest(name, (*gates.GATES, *names, 'initialize'))}."
                ) from None

        rules = tuple(
            replace(rule, gates=None if rule.gates is None else tuple(map(spelled, rule.gates))) for rule in self.rules
        )
        if self.relaxation is None:
            return replace(self, rules=rules)
        durations = tuple((spelled(name), time) for name, time in self.relaxation.durations)
        return replace(self, rules=rules, relaxation=replace(self.relaxation, durations=durations))


def _expressions(channel: Channel, params: Sequence[ParameterLike]) -> tuple[Affine, ...]:
    if not isinstance(channel, Channel):
        found = channel if isinstance(channel, Operation) else _checks.shown(channel)
        raise InputError(
            "a noise rule needs a channel without its sites, then its parameters, as in "
            f"add(channels.Depolarizing, 0.01); found {found}."
        )
    return channel._expressions(params)


def _names(gates: str | Iterable[str]) -> tuple[str, ...]:
    listed = [gates] if isinstance(gates, str) else _checks.listed("gates", gates, "names")
    return tuple(_checks.text("each gate of a noise rule", name) for name in listed)


def _sites(sites: int | Iterable[int] | None) -> tuple[int, ...] | None:
    if sites is None:
        return None
    listed = [sites] if isinstance(sites, int | np.integer) else _checks.listed("sites", sites, "integers")
    return tuple(_checks.integer("each entry of the sites of a noise rule", site, low=0) for site in listed)


def _on(sites: tuple[int, ...] | None) -> str:
    return "on every site" if sites is None else f"on {', '.join(map(str, sites))}"


def _said(value: Affine | tuple[Affine, ...]) -> str:
    return str(value) if isinstance(value, Affine) else f"({', '.join(map(str, value))})"


def _per_site(value: PerSite) -> Affine | tuple[Affine, ...]:
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return tuple(as_affine(v) for v in _checks.listed("what differs from site to site", value, "parameters"))
    return as_affine(value)
