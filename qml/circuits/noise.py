"""Noise models: rules that put channels and relaxation into a circuit, and readout errors at its end."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qml import _checks, channels, gates
from qml._checks import InputError
from qml._results import html_table
from qml._saved import Saved
from qml.circuits.noise_rules import NoiseRule, PerSite, Relaxation, expressions, on_sites, per_site
from qml.instructions import Channel, Operation, PartialTrace, Preparation
from qml.parameters import Affine, ParameterLike


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
        A channel on k sites acts on the sites of a gate on k sites together. A circuit without such a gate gets no such
        noise, so that one model of a device serves all circuits; a name that stands for no gate at all is refused by
        ``with_noise``.

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
        rule = NoiseRule(channel, expressions(channel, params), names, _sites(sites), _sites(at))
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
        t1 = per_site(t1)
        doubled = 2 * t1 if isinstance(t1, Affine) else tuple(2 * t for t in t1)
        times = tuple(_checks.mapping("durations", durations).items())
        new = Relaxation(t1, doubled if t2 is None else per_site(t2), times, per_site(excited_population))
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
        rule = NoiseRule(channel, expressions(channel, params), None, _sites(sites))
        if channel.n_sites != 1:
            raise InputError(f"a readout error acts on one site; found {channel.name}, on {channel.n_sites} sites.")
        return replace(self, readout=(*self.readout, rule))

    def _repr_html_(self) -> str:
        rows = [(str(rule), rule._where()) for rule in self.rules]
        if self.relaxation:
            rows.append(("thermal relaxation", str(self.relaxation)))
        rows += [(str(rule), f"at the end, {on_sites(rule.sites)}") for rule in self.readout]
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
        if len(dict(durations)) < len(durations):
            found = _checks.told(name for name, _ in self.relaxation.durations)
            raise InputError(f"durations of the noise model must name each gate once; found {found}.")
        return replace(self, rules=rules, relaxation=replace(self.relaxation, durations=durations))


def _names(gates: str | Iterable[str]) -> tuple[str, ...]:
    listed = [gates] if isinstance(gates, str) else _checks.listed("gates", gates, "names")
    return tuple(_checks.text("each gate of a noise rule", name) for name in listed)


def _sites(sites: int | Iterable[int] | None) -> tuple[int, ...] | None:
    if sites is None:
        return None
    listed = [sites] if isinstance(sites, int | np.integer) else _checks.listed("sites", sites, "integers")
    return tuple(_checks.integer("each entry of the sites of a noise rule", site, low=0) for site in listed)
