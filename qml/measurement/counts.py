"""Records of measured data: how often each outcome of each setting was seen."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Integer, Real
from qml.measurement.base import Measurement
from qml.states.density_matrix import DensityMatrix

MOST = 2**63 - 1
"""Shots that one record can hold."""
SETTINGS_SHOWN = 8
OUTCOMES_SHOWN = 8


class Counts:
    r"""How often each outcome of a measurement was seen; outcomes that never came are kept as zeros.

    Settings may have different numbers of shots, none included. The counts are integers (int64); weights, such as exact
    probabilities that stand for infinitely many shots, are made by :meth:`from_weights` and :meth:`from_frequencies`.

    Parameters
    ----------
    measurement : Measurement
    counts : array of int (n_outcomes,) or (settings, outcomes), or one sequence of int a setting
        In the order of the measurement's outcomes.

    Raises
    ------
    InputError
        For a negative, fractional or too large count (the outcome is named), another number of entries than outcomes,
        or more than 2^63 - 1 shots in all.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> counts = Counts(PauliMeasurement(["XX", "ZZ"]), [[47, 1, 2, 50], [0, 0, 0, 0]])
    >>> counts
    <Counts: 2 settings, 8 outcomes, 100 shots, no shots in 1 setting>
    >>> counts["XX"]
    {'00': 47, '01': 1, '10': 2, '11': 50}
    >>> counts.frequencies()[:4]
    array([0.47, 0.01, 0.02, 0.5 ])
    """

    def __init__(self, measurement: Measurement, counts: ArrayLike | Sequence[ArrayLike]) -> None:
        self._set(measurement, _integers(measurement, _flat(counts)))

    def _set(self, measurement: Measurement, counts: Any) -> None:
        self.measurement = measurement
        self._counts = counts.view()
        self._counts.flags.writeable = False

    @classmethod
    def _make(cls, measurement: Measurement, counts: Any) -> Self:
        made = cls.__new__(cls)
        made._set(measurement, counts)
        return made

    @classmethod
    def from_weights(cls, measurement: Measurement, weights: ArrayLike | Sequence[ArrayLike]) -> Self:
        """A record of non-negative real weights in place of counts, one an outcome."""
        w = np.asarray(_checks.array("weights", _flat(weights), allow_complex=False), dtype=np.float64)
        _one_an_outcome(measurement, w)
        if (w < 0).any():
            k = int(np.argmax(w < 0))
            raise InputError(f"a weight must not be negative; found {w[k]:.6g} for {outcome_name(measurement, k)}.")
        return cls._make(measurement, w)

    @classmethod
    def from_frequencies(
        cls, measurement: Measurement, frequencies: ArrayLike | Sequence[ArrayLike], shots: ArrayLike = 1.0
    ) -> Self:
        """A record of frequencies or exact probabilities, which add up to one in each setting.

        Parameters
        ----------
        frequencies : array (n_outcomes,) or (settings, outcomes), or one sequence a setting
        shots : float or array (settings,)
            What each setting weighs.

        Examples
        --------
        Infinitely many shots of a state:

        >>> from qml.measurement import PauliMeasurement
        >>> from qml.states import ghz
        >>> z = PauliMeasurement(["ZZ"])
        >>> Counts.from_frequencies(z, z.probabilities(ghz(2))).frequencies().round(6)
        array([0.5, 0. , 0. , 0.5])
        """
        f = np.asarray(_checks.array("frequencies", _flat(frequencies), allow_complex=False), dtype=np.float64)
        _one_an_outcome(measurement, f)
        f = np.where((f < 0) & (f >= -_checks.TOLERANCE), 0.0, f)
        for is_wrong, rule in ((f < 0, "must not be negative"), (f > 1 + _checks.TOLERANCE, "must not exceed one")):
            if is_wrong.any():
                k = int(np.argmax(is_wrong))
                raise InputError(f"a frequency {rule}; found {f[k]:.6g} for {outcome_name(measurement, k)}.")
        totals = np.add.reduceat(f, measurement.offsets[:-1])
        s = int(np.abs(totals - 1).argmax())
        if abs(totals[s] - 1) > 1e-8:
            raise InputError(
                f"the frequencies of each setting must add up to one; found {totals[s]:.9g} in setting "
                f"{measurement.settings[s]!r}: use from_weights if they are weights."
            )
        weight = np.asarray(_checks.array("shots", shots, allow_complex=False), dtype=np.float64)
        if weight.shape not in ((), (len(totals),)) or (weight < 0).any():
            raise InputError(f"shots must be one number of at least 0, or one a setting; found shape {weight.shape}.")
        return cls._make(measurement, f * np.repeat(np.broadcast_to(weight, totals.shape), measurement.sizes))

    @classmethod
    def from_dicts(
        cls, records: Mapping[Any, Any], measurement: Measurement | None = None, source: str = "qml"
    ) -> Self:
        """The counts of dictionaries, one a setting; see :func:`qml.measurement.formats.from_dicts`."""
        from qml.measurement.formats import from_dicts

        return cls._make(*from_dicts(records, measurement, source))

    @property
    def counts(self) -> Any:
        """The counts n_k as an array (n_outcomes,), read-only: int64, or float64 for a record of weights."""
        return self._counts

    @property
    def is_weighted(self) -> bool:
        """Whether the record holds real weights in place of integer counts."""
        return bool(self._counts.dtype.kind == "f")

    @cached_property
    def shots(self) -> Any:
        """Shots (or weight) of each setting, shape (settings,)."""
        return np.add.reduceat(self._counts, self.measurement.offsets[:-1])

    @cached_property
    def total(self) -> Any:
        """Shots (or weight) of all settings together."""
        return self._counts.sum().item()

    def frequencies(self) -> Real:
        """n_k / (shots of its setting), shape (n_outcomes,); zeros where a setting has no shots."""
        shots = np.repeat(self.shots, self.measurement.sizes).astype(np.float64)
        return np.asarray(np.divide(self._counts, shots, out=np.zeros(len(self._counts)), where=shots > 0))

    def shares(self) -> Real:
        """f_k = n_k / (all shots), shape (n_outcomes,): they add up to one over all settings together."""
        if not self.total > 0:
            raise InputError("the record holds no shots at all: there is nothing to compare with.")
        return self._shares

    @cached_property
    def _shares(self) -> Real:
        shares = np.asarray(self._counts / float(self.total), dtype=np.float64)
        shares.flags.writeable = False
        return shares

    def empirical_state(self) -> DensityMatrix:
        r"""The empirical density matrix of the paper, in which every outcome stands for its own effect.

        .. math:: \hat\rho = \sum_k f_k \frac{M_k}{\mathrm{Tr} M_k}, \qquad f_k = n_k / N

        It is **not** the measured state, however many shots there are: one basis gives the dephased state, the six
        Pauli states (rho + 1)/3 on a qubit, a 2-design in dimension d (rho + 1)/(d + 1).
        Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement, sample
        >>> from qml.states import basis_state
        >>> pauli = PauliMeasurement(1)
        >>> exact = Counts.from_frequencies(pauli, pauli.probabilities(basis_state("0")))
        >>> exact.empirical_state().probabilities().round(6)
        array([0.666667, 0.333333])
        """
        shares, traces = self.shares(), self.measurement.traces()
        if (shares[traces <= 0] > 0).any():
            k = int(np.argmax((shares > 0) & (traces <= 0)))
            raise InputError(
                f"{outcome_name(self.measurement, k)} can't occur, as its effect is zero, but was counted."
            )
        weights = np.divide(shares, traces, out=np.zeros_like(shares), where=traces > 0)
        return DensityMatrix.trusted(self.measurement.adjoint(weights), self.measurement.dims)

    def merge(self, other: Counts) -> Counts:
        """Both records together: counts add where the measurements are the same, else the settings stand side by side.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> z = PauliMeasurement(["Z"])
        >>> Counts(z, [3, 1]).merge(Counts(z, [2, 2]))["Z"]
        {'0': 5, '1': 3}
        """
        from qml.measurement.combined import CombinedMeasurement
        from qml.measurement.storage import is_same

        if is_same(self.measurement, other.measurement):
            if self.is_weighted or other.is_weighted:
                return Counts._make(self.measurement, self._counts + other._counts.astype(np.float64))
            _fits(self.total + other.total)
            return Counts._make(self.measurement, self._counts + other._counts)
        both = CombinedMeasurement([self.measurement, other.measurement])
        if not (self.is_weighted or other.is_weighted):
            _fits(self.total + other.total)
        return Counts._make(both, np.concatenate([self._counts, other._counts]))

    def subset(self, settings: Iterable[int | str]) -> Counts:
        """The record of these settings alone, by name or number.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> Counts(PauliMeasurement(1), [[1, 2], [3, 4], [5, 6]]).subset(["Z"])["Z"]
        {'0': 5, '1': 6}
        """
        places = self.measurement.places(settings)
        return Counts._make(self.measurement.select(places), self._counts[self.measurement.outcomes_of(places)])

    def __getitem__(self, setting: str | int) -> dict[str, Any]:
        """The counts of one setting by outcome label."""
        s = self.measurement.places([setting])[0]
        start, end = self.measurement.offsets[s : s + 2]
        labels = self.measurement.outcome_labels(s)
        return dict(zip(labels, self._counts[start:end].tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        from qml.measurement.storage import is_same

        if not isinstance(other, Counts):
            return NotImplemented
        return is_same(self.measurement, other.measurement) and np.array_equal(self._counts, other._counts)

    __hash__ = None  # type: ignore[assignment]  # compared by content

    def arrays(self) -> dict[str, Any]:
        """The record as plain arrays, for ``.npz`` files."""
        from qml.measurement.storage import arrays_of

        return {"counts": self._counts, **arrays_of(self.measurement)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Counts:
        """The record of :meth:`arrays`; validated like any other input."""
        from qml.measurement.storage import measurement_of

        if "counts" not in arrays:
            raise InputError(f"a record needs the array 'counts'; found {sorted(arrays)}.")
        make = Counts.from_weights if arrays["counts"].dtype.kind == "f" else Counts
        return make(measurement_of(arrays), arrays["counts"])

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write the record and its measurement to one ``.npz`` file: plain arrays, never a pickle."""
        from qml.measurement.storage import write_npz

        write_npz(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Counts:
        """Read what :meth:`save` wrote."""
        from qml._files import read_arrays

        return cls.from_arrays(read_arrays(path, "counts"))

    def write_json(self, path: str | Path) -> None:
        """Write the record as JSON text; see :mod:`qml.measurement.formats`."""
        from qml.measurement.formats import write_json

        write_json(self, path)

    @classmethod
    def read_json(cls, path: str | Path, measurement: Measurement | None = None) -> Counts:
        """Read a record from JSON text; see :func:`qml.measurement.formats.read_json`."""
        from qml.measurement.formats import read_json

        return read_json(path, measurement)

    def write_csv(self, path: str | Path) -> None:
        """Write a table with the columns setting, outcome, count; zero counts too."""
        from qml.measurement.formats import write_csv

        write_csv(self, path)

    @classmethod
    def read_csv(cls, path: str | Path, measurement: Measurement | None = None) -> Counts:
        """Read a table with the columns setting, outcome, count; see :func:`qml.measurement.formats.read_csv`."""
        from qml.measurement.formats import read_csv

        return read_csv(path, measurement)

    def _headline(self) -> list[str]:
        m = self.measurement
        what = f"weight {self.total:.6g}" if self.is_weighted else _checks.plural(self.total, "shot")
        lines = [_checks.plural(len(m.settings), "setting"), _checks.plural(m.n_outcomes, "outcome"), what]
        unused = int((self.shots == 0).sum())
        return lines + ([f"no shots in {_checks.plural(unused, 'setting')}"] if unused else [])

    def __repr__(self) -> str:
        return f"<Counts: {', '.join(self._headline())}>"

    def _table(self) -> list[tuple[str, str, str]]:
        """Setting, shots, and its most frequent outcomes."""
        rows = []
        for s, name in enumerate(self.measurement.settings[:SETTINGS_SHOWN]):
            start, end = self.measurement.offsets[s : s + 2]
            values = self._counts[start:end]
            order = np.argsort(-values, kind="stable")[:OUTCOMES_SHOWN]
            shape = self.measurement.outcome_shape(s)
            shown = ", ".join(f"{outcome_label(shape, int(k))}: {values[k]:.6g}" for k in order)
            rows.append((name, f"{self.shots[s]:.6g}", shown + (", ..." if len(values) > len(order) else "")))
        return rows

    def __str__(self) -> str:
        rows = self._table()
        widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
        body = [f"{name:<{widths[0]}}  {shots:>{widths[1]}}  {shown}" for name, shots, shown in rows]
        more = len(self.measurement.settings) - len(rows)
        return "\n".join([repr(self), *body, *([f"... and {_checks.plural(more, 'more setting')}"] if more else [])])

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>" + "".join(f'<td style="text-align: left">{html.escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self._table()
        )
        head = "<tr><th>setting</th><th>shots</th><th>most frequent outcomes</th></tr>"
        more = len(self.measurement.settings) - SETTINGS_SHOWN
        tail = f"<br>... and {_checks.plural(more, 'more setting')}" if more > 0 else ""
        return f"<div><b>Counts</b>: {', '.join(self._headline())}<table>{head}{rows}</table>{tail}</div>"


def outcome_label(shape: tuple[int, ...], outcome: int) -> str:
    """The label of one outcome of a setting of that shape."""
    return ("" if max(shape) <= 10 else ",").join(map(str, np.unravel_index(outcome, shape)))


def outcome_name(measurement: Measurement, place: int) -> str:
    """An outcome by its place in the flat list, as sentences name it."""
    s = int(np.searchsorted(measurement.offsets, place, side="right")) - 1
    label = outcome_label(measurement.outcome_shape(s), place - int(measurement.offsets[s]))
    return f"outcome {label!r} of setting {measurement.settings[s]!r} (entry {place})"


def _flat(values: Any) -> Any:
    """One flat array from a flat one, a rectangular one, or one sequence a setting."""
    try:
        return np.asarray(values).reshape(-1)
    except ValueError:
        return np.concatenate([np.asarray(row).reshape(-1) for row in values])


def _one_an_outcome(measurement: Measurement, values: Any) -> None:
    if not isinstance(measurement, Measurement):
        raise InputError(f"measurement must be a Measurement; found {type(measurement).__name__}.")
    if values.shape != (measurement.n_outcomes,):
        raise InputError(
            f"there must be one number for each of the {measurement.n_outcomes} outcomes of the measurement, zeros "
            f"included; found {values.size}."
        )


def _integers(measurement: Measurement, values: Any) -> Integer:
    """Counts as int64 (n_outcomes,), each one checked."""
    _one_an_outcome(measurement, values)
    if values.dtype.kind not in "iu":
        for k, value in enumerate(values.tolist()):
            check_count(value, outcome_name(measurement, k))
    else:
        bad = (values < 0) | (values > MOST)
        if bad.any():
            k = int(np.argmax(bad))
            check_count(int(values[k]), outcome_name(measurement, k))
    counts = values.astype(np.int64)
    if counts.astype(np.float64).sum() > 0.999 * MOST:
        _fits(sum(counts.tolist()))
    return np.asarray(counts)


def check_count(value: Any, where: str) -> int:
    """A count from 0 to 2^63 - 1; `where` names the row."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or not 0 <= value <= MOST:
        advice = (
            ": use Counts.from_weights if it is a weight"
            if isinstance(value, float) or (is_integer and value > 0)
            else ""
        )
        raise InputError(f"a count must be an integer from 0 to 2^63 - 1; found {value!r} for {where}{advice}.")
    return int(value)


def _fits(total: int) -> None:
    if total > MOST:
        raise InputError(f"a record holds at most 2^63 - 1 shots in all; found {total}: use Counts.from_weights.")
