"""The interface of a measurement: settings with outcomes, Born probabilities, and their adjoint."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks, spectral
from qml._arrays import as_real, namespace, on_host
from qml._checks import InputError
from qml._descriptions import Described
from qml._typing import Complex, Cotangent, Dims, Integer, Real
from qml.operators.sets import hermitian_basis
from qml.states.base import State
from qml.states.coercion import StateLike, as_state


class Measurement(Described, ABC):
    r"""One or more settings; each is a positive operator-valued measure (POVM) applied to fresh copies of a state.

    .. math:: p_k = \mathrm{Tr}(M_k \sigma), \qquad M_k \ge 0, \qquad \sum_{k \in s} M_k = 1

    The outcomes of all settings stand in one flat list, setting after setting: outcome k of setting s is entry
    ``offsets[s] + k``, with the effect M_k. In each setting the effects add up to the identity.

    Attributes
    ----------
    dims : tuple of int
        Of the sites that are measured.
    settings : tuple of str
        Their names, distinct.
    sizes : array of int (settings,)
        How many outcomes each setting has.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> z = PauliMeasurement(["X", "Z"])
    >>> z.settings, z.sizes, z.offsets
    (('X', 'Z'), array([2, 2]), array([0, 2, 4]))
    """

    settings: tuple[str, ...]
    sizes: Integer
    dims: Dims
    dims_in: Dims = ()
    """Of the first sites, where these are the input of a process and the others its output; see
    :class:`qml.processes.ProcessMeasurement`."""

    @property
    def dim(self) -> int:
        """The dimension d = prod(dims)."""
        return math.prod(self.dims)

    @cached_property
    def n_outcomes(self) -> int:
        """Outcomes of all settings together."""
        return int(self.sizes.sum())

    @cached_property
    def offsets(self) -> Integer:
        """Where each setting starts in the flat list, and its end: shape (settings + 1,)."""
        return _checks.kept(np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64))

    @property
    def learnt_by(self) -> str:
        """Which models learn from its counts, where it is not one of states."""
        return "models of processes, such as ProcessModel or KrausModel" if self.dims_in else ""

    @property
    def of_states(self) -> bool:
        """Whether states are measured: the effects of a setting add up to the identity."""
        return not self.learnt_by

    @cached_property
    def fixed(self) -> Complex:
        r"""Hermitian operators (c, d, d), traceless and independent, whose expectations are zero in everything that is
        measured: none, where that is states; of processes X (x) 1 for all traceless X of the input, since
        Tr[(X (x) 1) J] = Tr X / d_in as the trace is preserved."""
        if not self.dims_in:
            return np.zeros((0, self.dim, self.dim), dtype=np.complex128)
        d = math.prod(self.dims_in)
        return _checks.kept(np.kron(hermitian_basis(d)[1:], np.eye(self.dim // d)).astype(np.complex128))

    def probabilities(self, state: StateLike) -> Real:
        """The Born probabilities Tr(M_k sigma) of every outcome: they add up to one in each setting. What is
        rounding, at or below :meth:`resolution`, is zero.

        Parameters
        ----------
        state : State, array (..., d, d) or (d,), or Qobj
            One state or a batch, on the sites of the measurement.

        Returns
        -------
        array (..., n_outcomes)

        Raises
        ------
        InputError
            If the state is on other sites, or is none.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> from qml.states import basis_state
        >>> PauliMeasurement(["X", "Z"]).probabilities(basis_state("0"))
        array([0.5, 0.5, 1. , 0. ])
        """
        state = as_state(state, self.dims)
        if state.dims != self.dims:
            raise InputError(f"the measurement acts on sites of dims {self.dims}; found a state of dims {state.dims}.")
        p = self.probabilities_of(state.matrix()) if state.batch_shape else self._probabilities(state)
        rounding = self.resolution(state)
        return as_real(namespace(p).where(p > rounding, p, 0.0)) if rounding else p

    def _probabilities(self, state: State) -> Real:
        """Of one state; a measurement that reads other forms than the matrix says so."""
        return self.probabilities_of(state.matrix())

    def probabilities_of(self, matrix: Complex) -> Real:
        """Tr(M_k X), shape (..., n_outcomes): linear in X, and what :meth:`adjoint` is the adjoint of.

        Parameters
        ----------
        matrix : array (..., d, d)
            X, Hermitian; it need not be a state.

        Raises
        ------
        InputError
            For another shape.
        """
        x = _checks.shaped("matrix", matrix, (..., self.dim, self.dim), "one or more matrices")
        return self._probabilities_of(x)

    @abstractmethod
    def _probabilities_of(self, matrix: Complex) -> Real:
        """What :meth:`probabilities_of` says, of an array of that shape."""

    def adjoint(self, weights: Real) -> Complex:
        """sum_k w_k M_k, a Hermitian matrix (d, d).

        It is the adjoint of :meth:`probabilities_of`: sum_k w_k Tr(M_k X) = Tr(adjoint(w) X) for all Hermitian X.

        Parameters
        ----------
        weights : array (n_outcomes,)
            w_k, real, one an outcome.

        Raises
        ------
        InputError
            For another shape.
        """
        return self._adjoint(self._weights(weights))

    @abstractmethod
    def _adjoint(self, weights: Real) -> Complex:
        """What :meth:`adjoint` says, of an array of that shape."""

    def _weights(self, weights: Real) -> Real:
        return _checks.shaped("weights", weights, (self.n_outcomes,), "one number for each outcome")

    @abstractmethod
    def traces(self) -> Real:
        """Tr M_k, shape (n_outcomes,)."""

    def element(self, outcome: int) -> Complex:
        """The effect M_k (d, d).

        Parameters
        ----------
        outcome : int
            Its place in the flat list of the outcomes of all settings, from 0.

        Raises
        ------
        InputError
            If there is no such place.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> PauliMeasurement(["Z"]).element(1).real + 0.0
        array([[0., 0.],
               [0., 1.]])
        """
        place = _checks.integer("outcome", outcome, low=0, high=self.n_outcomes - 1)
        weights = np.zeros(self.n_outcomes)
        weights[place] = 1.0
        return self.adjoint(weights)

    def pull(self, weights: Real, state: State) -> Cotangent:
        """The derivative of L in the coordinate that the state is held in: that of dL = Tr(sum_k w_k M_k dsigma).

        Parameters
        ----------
        weights : array (n_outcomes,)
            w_k = dL/dp_k.
        state : State
            sigma.
        """
        entries = self._diagonal_of(self._weights(weights)) if state.is_diagonal and on_host(weights) else None
        return state.pull_matrix(self.adjoint(weights)) if entries is None else state._pull_diagonal(entries)

    def resolution(self, state: State) -> float:
        """What is rounding: the probability of an outcome at or below it counts as zero. 8 d eps where probabilities
        are computed, 0 where they are read off those of the state.

        Parameters
        ----------
        state : State
            On the sites of the measurement.
        """
        return spectral.weight_cut(self.dim)

    def _diagonal_of(self, weights: Real) -> Real | None:
        """The diagonal (d,) of sum_k w_k M_k, where every M_k is a projector on a vector of the computational basis;
        None where one is not."""
        return None

    def outcome_shape(self, setting: int | str) -> tuple[int, ...]:
        """How many values each digit of an outcome's label has: the dims where the setting has d outcomes, else one
        digit.

        Parameters
        ----------
        setting : str or int
            Its name or number.

        Raises
        ------
        InputError
            If there is no such setting.
        """
        return self._outcome_shape(self._places([setting])[0])

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        size = int(self.sizes[setting])
        return self.dims if size == self.dim and self.dims else (size,)

    def outcome_labels(self, setting: int | str) -> list[str]:
        """The labels of the outcomes of a setting: one digit a site, the first site leftmost ("01"); digits are set
        apart by commas where one can exceed 9.

        Parameters
        ----------
        setting : str or int
            Its name or number.

        Raises
        ------
        InputError
            If there is no such setting.

        Examples
        --------
        >>> from qml.measurement import PauliMeasurement
        >>> PauliMeasurement(["XZ"]).outcome_labels("XZ")
        ['00', '01', '10', '11']
        """
        shape = self.outcome_shape(setting)
        separator = "" if max(shape) <= 10 else ","
        return [separator.join(map(str, digits)) for digits in np.ndindex(*shape)]

    def _setting_index(self, name: str, where: str = "") -> int:
        """Where the setting of that name stands; `where` is the row that a refusal names."""
        if _checks.text("each setting", name) not in self._setting_places:
            hint = _checks.nearest(str(name), self.settings) if len(self.settings) <= 1000 else ""
            row = f"{where}: " if where else ""
            there = ", ".join(map(repr, self.settings[:6]))
            more = f", ... ({len(self.settings)} in all)" if len(self.settings) > 6 else ""
            raise InputError(f"{row}the measurement has no setting {name!r}{hint}; it has {there}{more}.")
        return self._setting_places[name]

    @cached_property
    def _setting_places(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.settings)}

    def select(self, settings: Iterable[int | str]) -> Measurement:
        """The measurement with these settings alone, in the order given.

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
        >>> PauliMeasurement(2).select(["ZZ", 0]).settings
        ('ZZ', 'XX')
        """
        return Selection(self, self._places(settings))

    def _places(self, settings: Iterable[int | str]) -> list[int]:
        """The numbers of settings that are given by name or number; distinct, at least one."""
        found = [
            self._setting_index(s)
            if isinstance(s, str)
            else _checks.integer("each setting", s, low=0, high=len(self.settings) - 1)
            for s in _checks.listed("settings", settings, "names or numbers of settings")
        ]
        if not found or len(set(found)) != len(found):
            raise InputError(
                f"settings must be one or more distinct settings; found {_checks.plural(len(found), 'one')}."
            )
        return found

    def _outcomes_of(self, places: list[int]) -> Integer:
        """The places in the flat list of all outcomes of these settings."""
        return np.concatenate([np.arange(self.offsets[s], self.offsets[s + 1]) for s in places])

    def __repr__(self) -> str:
        settings = _checks.plural(len(self.settings), "setting")
        return f"{type(self).__name__}(dims={self.dims}, {settings}, {_checks.plural(self.n_outcomes, 'outcome')})"


def checked_measurements(name: str, values: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """One or more measurements."""
    found = tuple(_checks.listed(name, values, "measurements"))
    for k, value in enumerate(found):
        if not isinstance(value, Measurement):
            raise InputError(f"{name} must be measurements; found {type(value).__name__} at {k}.")
    if not found:
        raise InputError(f"{name} must hold at least one measurement; found none.")
    return found


def of_states(name: str, value: Measurement) -> Measurement:
    """A measurement of states; those of processes are refused."""
    if not value.of_states:
        raise InputError(f"{name} must be of states; found a {type(value).__name__}, which is one of a process.")
    return value


class Selection(Measurement):
    """Some settings of another measurement."""

    _kind = "selection"

    def __init__(self, measurement: Measurement, settings: Iterable[int | str]) -> None:
        self._whole = measurement
        self._chosen = measurement._places(settings)
        self._kept = measurement._outcomes_of(self._chosen)
        self.dims, self.dims_in = measurement.dims, measurement.dims_in
        self.settings = tuple(measurement.settings[s] for s in self._chosen)
        self.sizes = _checks.kept(measurement.sizes[self._chosen])

    def _probabilities(self, state: State) -> Real:
        return self._whole.probabilities(state)[self._kept]

    def _probabilities_of(self, matrix: Complex) -> Real:
        return self._whole.probabilities_of(matrix)[..., self._kept]

    def _adjoint(self, weights: Real) -> Complex:
        full = np.zeros(self._whole.n_outcomes)
        full[self._kept] = weights
        return self._whole.adjoint(full)

    def traces(self) -> Real:
        return self._whole.traces()[self._kept]

    def resolution(self, state: State) -> float:
        return self._whole.resolution(state)

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        return self._whole.outcome_shape(self._chosen[setting])

    def _arguments(self) -> dict[str, Any]:
        return {"measurement": self._whole, "settings": self._chosen}
