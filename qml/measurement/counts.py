"""Records of measured data: how often each outcome of each setting was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._saved import arrays_of
from qml._typing import ArrayLike, Real
from qml.measurement import display, entries, formats
from qml.measurement.base import Measurement
from qml.measurement.combined import CombinedMeasurement
from qml.measurement.entries import by_label, fits
from qml.measurement.filed import FiledRecord
from qml.states.density_matrix import DensityMatrix


class Counts(FiledRecord, Mapping[str, dict[str, Any]]):
    r"""How often each outcome of a measurement was seen; outcomes that never came are kept as zeros.

    A mapping from the name of each setting to its counts by outcome. Settings may have different numbers of shots,
    none included. The counts are integers (int64); weights, such as exact probabilities that stand for infinitely many
    shots, are made by :meth:`from_weights` and :meth:`from_frequencies`.

    Parameters
    ----------
    measurement : Measurement
    counts : array of int (n_outcomes,) or (settings, outcomes), or one sequence of int a setting
        In the order of the measurement's outcomes.

    Raises
    ------
    InputError
        For a negative, fractional or too large count (the outcome is named), another number of entries than outcomes,
        rows that are not those of the settings, masked entries, or more than 2^63 - 1 shots in all.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> counts = Counts(PauliMeasurement(["XX", "ZZ"]), [[47, 1, 2, 50], [0, 0, 0, 0]])
    >>> counts
    <Counts: 2 settings, 4 of 8 outcomes seen, 100 shots, no shots in 1 setting>
    >>> counts["XX"]
    {'00': 47, '01': 1, '10': 2, '11': 50}
    >>> list(counts)
    ['XX', 'ZZ']
    >>> counts.frequencies()[:4]
    array([0.47, 0.01, 0.02, 0.5 ])
    """

    default_loss: ClassVar[str] = "negative_log_likelihood"
    """The loss that a fit of counts minimises unless asked otherwise."""
    is_measured: ClassVar[bool] = True
    """What losses tell a record of counts by."""

    def __init__(self, measurement: Measurement, counts: ArrayLike | Sequence[ArrayLike]) -> None:
        self._set(measurement, entries.integers(measurement, counts))

    @classmethod
    def from_weights(cls, measurement: Measurement, weights: ArrayLike | Sequence[ArrayLike]) -> Self:
        """A record of non-negative real weights in place of counts.

        Parameters
        ----------
        measurement : Measurement
        weights : array (n_outcomes,) or (settings, outcomes), or one sequence a setting

        Raises
        ------
        InputError
            For a negative weight (the outcome is named), another number of them than outcomes, rows that are not
            those of the settings, or a sum that float64 does not hold.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> Counts.from_weights(PauliMeasurement(["Z"]), [1.5, 0.5]).frequencies()
        array([0.75, 0.25])
        """
        return cls._make(measurement, entries.weights(measurement, weights))

    @classmethod
    def from_frequencies(
        cls, measurement: Measurement, frequencies: ArrayLike | Sequence[ArrayLike], shots: ArrayLike = 1.0
    ) -> Self:
        """A record of frequencies or exact probabilities, which add up to one in each setting.

        Parameters
        ----------
        measurement : Measurement
        frequencies : array (n_outcomes,) or (settings, outcomes), or one sequence a setting
            In the order of the measurement's outcomes.
        shots : float or array (settings,)
            What each setting weighs.

        Raises
        ------
        InputError
            For a frequency below zero or above one (the outcome is named), or a setting whose frequencies do not add up
            to one within 1e-8.

        Examples
        --------
        Infinitely many shots of a state:

        >>> from qml.measurement import PauliMeasurement
        >>> from qml.states import ghz
        >>> z = PauliMeasurement(["ZZ"])
        >>> Counts.from_frequencies(z, z.probabilities(ghz(2))).frequencies().round(6)
        array([0.5, 0. , 0. , 0.5])
        """
        return cls._make(measurement, entries.frequencies(measurement, frequencies, shots))

    @classmethod
    def from_dicts(
        cls, records: Mapping[Any, Any], measurement: Measurement | None = None, source: str = "qml"
    ) -> Self:
        """The counts of dictionaries: ``{setting: {outcome: count}}``.

        Parameters
        ----------
        records : mapping
            One mapping a setting, or the counts themselves where the measurement has one setting. Outcomes and
            settings that are not there count as zero.
        measurement : Measurement, optional
            Without it the settings must be Pauli words ("XZ", qubit 0 leftmost).
        source : {"qml", "qiskit", "cirq", "pennylane", "braket", "ionq"}
            Whose order of bits the keys follow, and whose results and JSON are taken in place of dictionaries; see
            ``qml.measurement.formats``.

        Raises
        ------
        InputError
            For an unknown setting or outcome, a key of the wrong length, or a count that is not an integer of at least
            0; the row is named.

        Examples
        --------
        >>> Counts.from_dicts({"ZZ": {"01": 5}})["ZZ"]
        {'00': 0, '01': 5, '10': 0, '11': 0}
        >>> Counts.from_dicts({"ZZ": {"01": 5}}, source="qiskit")["ZZ"]
        {'00': 0, '01': 0, '10': 5, '11': 0}
        """
        return cls._make(*formats.from_dicts(records, measurement, source))

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
        return _checks.kept(np.add.reduceat(self._counts, self.measurement.offsets[:-1]))

    @cached_property
    def total(self) -> Any:
        """Shots (or weight) of all settings together."""
        return self._counts.sum().item()

    def frequencies(self) -> Real:
        """n_k / N_s, the part of a setting's shots that gave each of its outcomes, shape (n_outcomes,); zeros where a
        setting has no shots."""
        shots = np.repeat(self.shots, self.measurement.sizes).astype(np.float64)
        return np.asarray(np.divide(self._counts, shots, out=np.zeros(len(self._counts)), where=shots > 0))

    def shares(self) -> Real:
        """f_k = n_k / N, the part of all shots that gave each outcome: shape (n_outcomes,).

        Raises
        ------
        InputError
            For a record without shots.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> Counts(PauliMeasurement(["X", "Z"]), [[1, 1], [2, 0]]).shares()
        array([0.25, 0.25, 0.5 , 0.  ])
        """
        return self._shares

    @cached_property
    def _shares(self) -> Real:
        if not self.total > 0:
            raise InputError("the record holds no shots at all: there is nothing to compare with.")
        return _checks.kept(np.asarray(self._counts / float(self.total), dtype=np.float64))

    def empirical_state(self) -> DensityMatrix:
        r"""The empirical density matrix of the paper, in which every outcome stands for its own effect.

        .. math:: \hat\rho = \sum_k f_k \frac{M_k}{\mathrm{Tr} M_k}, \qquad f_k = n_k / N

        It is **not** the measured state, however many shots there are: one basis gives the dephased state, the six
        Pauli states (rho + 1)/3 on a qubit, a 2-design in dimension d (rho + 1)/(d + 1).
        Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887.

        Raises
        ------
        InputError
            For a record without shots or of a process, or an outcome that was counted though its effect is zero.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement, sample
        >>> from qml.states import basis_state
        >>> pauli = PauliMeasurement(1)
        >>> exact = Counts.from_frequencies(pauli, pauli.probabilities(basis_state("0")))
        >>> exact.empirical_state().probabilities().round(6)
        array([0.666667, 0.333333])
        """
        if not self.measurement.of_states:
            raise InputError("these are counts of a process: no state was measured that they could be the image of.")
        shares, traces = self.shares(), self.measurement.traces()
        entries.check_possible(self.measurement, self._counts)
        weights = np.divide(shares, traces, out=np.zeros_like(shares), where=traces > 0)
        diagonal, dims = self.measurement._diagonal_of(weights), self.measurement.dims
        if diagonal is not None:
            return DensityMatrix._make(None, dims, probabilities=diagonal)
        return DensityMatrix._trusted(self.measurement.adjoint(weights), dims)

    def _as_data(self) -> DensityMatrix:
        return self.empirical_state()

    def merge(self, other: Counts) -> Counts:
        """Both records together: counts add where the measurements are the same, else the settings stand side by side.

        Parameters
        ----------
        other : Counts

        Raises
        ------
        InputError
            If the dims differ, or both together hold more than 2^63 - 1 shots, or weights beyond float64.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> z = PauliMeasurement(["Z"])
        >>> Counts(z, [3, 1]).merge(Counts(z, [2, 2]))["Z"]
        {'0': 5, '1': 3}
        """
        other = _checks.instance("other", other, Counts)
        if not (self.is_weighted or other.is_weighted):
            fits(self.total + other.total)
        if is_same(self.measurement, other.measurement):
            with np.errstate(over="ignore"):  # told below
                return Counts._again(measurement=self.measurement, counts=self._counts + other._counts)
        both = CombinedMeasurement([self.measurement, other.measurement])
        return Counts._again(measurement=both, counts=np.concatenate([self._counts, other._counts]))

    def subset(self, settings: Iterable[int | str]) -> Counts:
        """The record of these settings alone, in the order given.

        Parameters
        ----------
        settings : sequence of str or int
            Names or numbers, distinct, at least one.

        Raises
        ------
        InputError
            For a setting that there is not, one that comes twice, or none.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> Counts(PauliMeasurement(1), [[1, 2], [3, 4], [5, 6]]).subset(["Z"])["Z"]
        {'0': 5, '1': 6}
        """
        places = self.measurement._places(settings)
        return Counts._make(self.measurement.select(places), self._counts[self.measurement._outcomes_of(places)])

    def __getitem__(self, setting: str | int) -> dict[str, Any]:
        """The counts of one setting by outcome label."""
        return by_label(self.measurement, self._counts, self.measurement._places([setting])[0])

    def get(self, setting: Any, default: Any = None) -> Any:
        """The counts of one setting, or `default` where the measurement has no such setting.

        Parameters
        ----------
        setting : str or int
            Its name or number.
        default : object

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> counts = Counts(PauliMeasurement(["Z"]), [3, 1])
        >>> counts.get("Z"), counts.get("X", {})
        ({'0': 3, '1': 1}, {})
        """
        try:
            return self[setting]
        except InputError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(self.measurement.settings)

    def __len__(self) -> int:
        return len(self.measurement.settings)

    def __contains__(self, setting: object) -> bool:
        return setting in self.measurement.settings

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        return is_same(self.measurement, other.measurement) and np.array_equal(self._counts, other._counts)

    __hash__ = None  # type: ignore[assignment]  # compared by content

    @classmethod
    def _again(cls, **arguments: Any) -> Self:
        make = cls.from_weights if np.asarray(arguments["counts"]).dtype.kind == "f" else cls
        return make(arguments["measurement"], arguments["counts"])

    def __repr__(self) -> str:
        return f"<Counts: {display.headline(self.measurement, self._counts)}>"

    def __str__(self) -> str:
        return "\n".join([repr(self), *display.text(self.measurement, self._counts)])

    def _repr_html_(self) -> str:
        return display.html(self.measurement, self._counts)


def is_same(a: Measurement, b: Measurement) -> bool:
    """Whether two measurements have the same settings with the same effects, given in the same form."""
    if a is b:
        return True
    if type(a) is not type(b) or a.dims != b.dims or a.settings != b.settings:
        return False
    (one, held), (other, others) = arrays_of(a), arrays_of(b)
    return one == other and all(np.array_equal(held[name], others[name]) for name in held)
