"""Experiments on unknown processes: what was prepared, which circuit or time followed, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.engines.pauli_state import vector_of
from qml.measurement.base import Measurement
from qml.measurement.elements import ElementsMeasurement, setting_names
from qml.processes.design import Design
from qml.processes.measurement import prepared
from qml.states.coercion import StateLike

Word = tuple[str, ...]
"""The names of gates, the first to act leftmost."""


class Setting(NamedTuple):
    """One experiment: names of a preparation and of a measurement, and between them a word of gates or a time."""

    preparation: str
    circuit: Word | float
    measurement: str


class Experiments(Design):
    r"""Settings of (preparation, circuit, measurement): what counts of many circuits are a record of.

    .. math:: p_{sk} = \mathrm{Tr}\big( M_{m(s) k}\, E_{c(s)}(\rho_{j(s)}) \big)

    A circuit is a word, a sequence of names of gates that act from left to right, or a time. What it does is for a
    model to say (:class:`GateSetModel`, :class:`LindbladModel`), and so are preparations and measurements that the
    model learns; those given here are what the model does not learn. ``fit(model, Counts(experiments, counts))`` is
    maximum likelihood.

    Parameters
    ----------
    settings : sequence of (str, sequence of str or float, str)
        Preparation, circuit (a word such as ("Gx", "Gy"), or a time >= 0), measurement; distinct.
    preparations : mapping of str to State, or int
        As for :class:`ProcessMeasurement`; of qubits.
    measurements : Measurement, or mapping of str to Measurement or effects (K, d, d)
        By name. The settings of a measurement are names of their own.
    preparation_names : sequence of str, optional
        Of the preparations of a batch.

    Raises
    ------
    InputError
        For a name that is not there, a setting that comes twice, a time below zero, words and times in one record.
    MemoryRefused
        If the probabilities would not fit.

    Examples
    --------
    >>> from qml import PauliMeasurement
    >>> from qml.states import basis_state
    >>> settings = [("rho", ("Gx",), "Z"), ("rho", ("Gx", "Gx"), "Z")]
    >>> made = Experiments(settings, {"rho": basis_state("0")}, PauliMeasurement(["Z"]))
    >>> made.settings
    ('rho|Gx|Z', 'rho|Gx Gx|Z')
    """

    def __init__(
        self,
        settings: Sequence[tuple[str, Sequence[str] | float, str]],
        preparations: int | Mapping[str, StateLike] | StateLike,
        measurements: Measurement | Mapping[str, Measurement | ArrayLike],
        *,
        preparation_names: Sequence[str] | None = None,
    ) -> None:
        self.preparations, self.preparation_names = prepared(preparations, preparation_names)
        self.sites = self.preparations.dims
        if set(self.sites) != {2}:
            raise InputError(f"experiments are on qubits; found preparations on sites of dimensions {self.sites}.")
        self.measurements = _measurements(measurements, self.preparations.dim)
        rows = _checks.listed("settings", settings, "triples")
        if not rows:
            raise InputError("settings must hold at least one experiment; found none.")
        self.rows = tuple(_setting(row, k, self.preparation_names, self.measurements) for k, row in enumerate(rows))
        timed = [isinstance(row.circuit, float) for row in self.rows]
        if any(timed) and not all(timed):
            raise InputError("settings must be words of gates or times, not both: make two records.")
        self.is_timed = all(timed)
        self.settings = setting_names([_name(row) for row in self.rows], len(self.rows))
        known = dict.fromkeys(row.circuit for row in self.rows)
        self.circuits: tuple[Any, ...] = tuple(known)
        """The distinct words or times, in order of appearance."""
        numbered = {c: k for k, c in enumerate(self.circuits)}
        places = {name: k for k, name in enumerate(self.preparation_names)}
        ends = {name: k for k, name in enumerate(self.measurements)}
        self.starts = _checks.kept(np.array([places[row.preparation] for row in self.rows]))
        self.through = _checks.kept(np.array([numbered[row.circuit] for row in self.rows]))
        self.ends = _checks.kept(np.array([ends[row.measurement] for row in self.rows]))
        lengths = np.array([m.n_outcomes for m in self.measurements.values()])
        self._set(lengths[self.ends])
        self.is_there = _checks.kept(np.arange(lengths.max()) < self.sizes[:, None])
        """Which of the entries of `effects` (settings, outcomes, ...) a setting has."""

    @classmethod
    def product(
        cls,
        circuits: Sequence[Sequence[str] | float],
        preparations: int | Mapping[str, StateLike] | StateLike,
        measurements: Measurement | Mapping[str, Measurement | ArrayLike],
    ) -> Experiments:
        """Every preparation with every circuit and every measurement.

        Parameters
        ----------
        circuits : sequence of (sequence of str), or of float
            Words of gates, or times of at least 0.
        preparations, measurements
            As of the class.

        Raises
        ------
        InputError
            As of the class.

        Examples
        --------
        >>> from qml import PauliMeasurement
        >>> len(Experiments.product([0.0, 0.5, 1.0], 1, PauliMeasurement(1)).settings)
        36
        """
        states, names = prepared(preparations)
        ends = _measurements(measurements, states.dim)
        held = _checks.listed("circuits", circuits, "words or times")
        rows = [(p, c, m) for c in held for p in names for m in ends]
        return cls(rows, states, ends, preparation_names=names)

    def _arguments(self) -> dict[str, Any]:
        return {
            "settings": [[row.preparation, row.circuit, row.measurement] for row in self.rows],
            "preparations": self.preparations,
            "measurements": dict(self.measurements),
            "preparation_names": list(self.preparation_names),
        }

    @cached_property
    def inputs(self) -> Real:
        """Pauli vectors Tr(P rho) (preparations, 4^n)."""
        return _checks.kept(vector_of(self.preparations.matrix(), len(self.sites)))

    @cached_property
    def effects(self) -> Real:
        """Tr(P M_k) / 2^n (measurements, outcomes, 4^n), zero behind the outcomes of a measurement that has fewer."""
        n, held = len(self.sites), list(self.measurements.values())
        found = np.zeros((len(held), max(m.n_outcomes for m in held), 4**n))
        for own, m in zip(found, held, strict=True):
            own[: m.n_outcomes] = vector_of(np.array([m.element(k) for k in range(m.n_outcomes)]), n) / 2**n
        return _checks.kept(found)

    def select(self, settings: Iterable[int | str]) -> Experiments:
        rows = [self.rows[k] for k in self._places(settings)]
        return Experiments(rows, self.preparations, self.measurements, preparation_names=self.preparation_names)

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        measurement = list(self.measurements.values())[int(self.ends[setting])]
        return measurement._outcome_shape(0)

    def __repr__(self) -> str:
        kind = "times" if self.is_timed else "words"
        return f"Experiments({_checks.plural(len(self.rows), 'setting')}, {len(self.circuits)} {kind})"


def parse_word(text: str) -> Word:
    """The word of names that are set apart by spaces."""
    return tuple(_checks.text("a word", text).split())


def _setting(row: Any, k: int, starts: Collection[str], ends: Collection[str]) -> Setting:
    parts = _checks.listed(f"setting {k}", row, "a preparation, a circuit and a measurement")
    if len(parts) != 3:
        raise InputError(
            f"setting {k} must be a preparation, a circuit and a measurement; found {_checks.told(parts)}."
        )
    for what, name, known in (("preparation", parts[0], starts), ("measurement", parts[2], ends)):
        if _checks.text(f"the {what} of setting {k}", name) not in known:
            hint = _checks.nearest(name, known)
            raise InputError(f"setting {k}: there is no {what} {name!r}{hint}; there are {_checks.told(known)}.")
    circuit = parts[1]
    if isinstance(circuit, int | float | np.number) and not isinstance(circuit, bool):
        return Setting(parts[0], _checks.number(f"the time of setting {k}", circuit, low=0.0), parts[2])
    names = parse_word(circuit) if isinstance(circuit, str) else _checks.listed(f"the word of setting {k}", circuit)
    word = tuple(_checks.text(f"each gate of setting {k}", name) for name in names)
    if any(not name or any(c.isspace() or c in "|," for c in name) for name in word):
        raise InputError(
            f"setting {k}: names of gates must not be empty nor hold spaces, commas or bars; found {word}."
        )
    return Setting(parts[0], word, parts[2])


def _name(row: Setting) -> str:
    circuit = repr(row.circuit) if isinstance(row.circuit, float) else " ".join(row.circuit)
    return f"{row.preparation}|{circuit}|{row.measurement}"


def _measurements(value: Any, dim: int) -> dict[str, Measurement]:
    """Measurements with one setting each, by name."""
    if isinstance(value, Measurement):
        names = value.settings
        found = {name: value.select([name]) if len(names) > 1 else value for name in names}
    else:
        found = {}
        for name, given in _checks.mapping("measurements", value).items():
            label = _checks.text("the name of a measurement", name)
            held = given if isinstance(given, Measurement) else ElementsMeasurement([given], settings=(label,))
            if len(held.settings) != 1:
                raise InputError(
                    f"measurement {label!r} must have one setting; found {len(held.settings)}: select one."
                )
            found[label] = held
    if not found:
        raise InputError("measurements must name at least one measurement; found none.")
    for name, held in found.items():
        if held.dim != dim:
            raise InputError(f"measurement {name!r} must be of dimension {dim}; found {held.dim}.")
        if "|" in name:
            raise InputError(f"names of measurements must not hold bars; found {name!r}.")
    _checks.memory("the effects", 64 * sum(m.n_outcomes for m in found.values()) * math.prod((dim, dim)), "use fewer")
    return found
