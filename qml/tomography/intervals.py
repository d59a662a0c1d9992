r"""Intervals that cover at the boundary of the states, too: the likelihood ratio, its law drawn and not assumed.

For an expectation t = Tr(O sigma), a fidelity with a pure state among them, the statistic of a value t is

.. math:: \Lambda(t) = 2 \Big(\max_\sigma L(\sigma) - \max_{\mathrm{Tr}\,O\sigma = t} L(\sigma)\Big)

Inside the states it follows chi-square with one degree of freedom where t is the truth (Wilks 1938). At the boundary it
does not: where the truth is a pure state and t = 1 its fidelity with itself, one state alone has this t, and Lambda
counts all directions in which noise moves the estimate. So the law is drawn: records of the most likely state with this
t, each with its own Lambda(t) (Feldman and Cousins 1998, arXiv:physics/9711021, with the other directions at their most
likely values, as Cranmer describes in arXiv:physics/0511028).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.special import chdtri

from qml import _checks, _matrices, spectral
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.measurement import Counts
from qml.measurement.sampling import draw
from qml.operators import OperatorLike, as_matrix
from qml.states import State
from qml.states.coercion import one_state
from qml.tomography.linear import expectations, record_of
from qml.tomography.slices import Best, Map, best_of

GAP = 1e-3
"""Nats, of the likelihoods of the data."""
DRAWN_GAP = 2e-2
"""Nats, of those of the records drawn."""
TIED = 2 * (GAP + DRAWN_GAP)
"""Statistics that differ by less are equal, as those of few shots are."""
LARGEST = 16
MOST = 10**6
MOST_SHOTS = 1e9
ROUNDED = 1e-9
"""Eigenvalues of O nearer than this part of their range, and rounding, are one; so are a value and an end."""
ROUNDS = 4
"""An end is moved to the law drawn there at most this often."""
STEADY = 0.03
"""It is not moved again where the square root of its threshold changed by less than this part."""


class ProfileLikelihood:
    r"""What a record says about one expectation t = Tr(O sigma), over all states.

    .. math:: \Lambda(t) = 2 \left(\max_\sigma L(\sigma) - \max_{\mathrm{Tr}\,O\sigma = t} L(\sigma)\right)

    Parameters
    ----------
    counts : Counts
    operator : PauliSum, array (d, d), Qobj or State
        O, Hermitian; for a pure state the fidelity with it.

    Attributes
    ----------
    low, high : float
        The extreme eigenvalues of O, between which t lies.
    estimate : float
        t of the most likely state.

    Raises
    ------
    InputError
        For weights in place of counts, more than 1e9 of them, a dimension above 16, an operator that is not Hermitian,
        or a mixed state (the fidelity with it is not an expectation).

    Notes
    -----
    A value costs two largest likelihoods a record drawn, by Newton's method for all of them at once (see
    ``qml.tomography.slices``): for all Pauli settings 0.5 ms each on two qubits, 10 ms on three. An interval takes
    three to eight values: a second or two for two qubits, half a minute for three; give few replicates on four.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.measurement import PauliMeasurement, sample
    >>> from qml.states import ghz
    >>> counts = sample(ghz(2), PauliMeasurement(2), 200, np.random.default_rng(1))
    >>> fidelity = ProfileLikelihood(counts, ghz(2))
    >>> fidelity.p_value(1.0, replicates=50) > 0.05, fidelity.p_value(0.95, replicates=50) > 0.05
    (True, False)
    >>> low, high = fidelity.interval(replicates=50)
    >>> 0.95 < low < high == 1.0
    True
    """

    def __init__(self, counts: Counts, operator: OperatorLike | State) -> None:
        m = record_of(counts).measurement
        if m.dim > LARGEST or counts.is_weighted or counts.total > MOST_SHOTS:
            raise InputError(
                f"an interval needs integer counts, up to {MOST_SHOTS:.0e} in all, and a dimension up to {LARGEST}; "
                f"found {'weights' if counts.is_weighted else f'{counts.total:.3g} counts'} in dimension {m.dim}."
            )
        self._counts, self._n = counts, np.asarray(counts.counts, dtype=np.float64)[None]
        self._operator = _hermitian(operator, m.dims)
        values, vectors = np.linalg.eigh(self._operator)
        if hasattr(operator, "_as_state"):
            values = np.round(values)  # zeros and a one
        if len(m.fixed) and not _is_unitary(self._operator, m.fixed):
            raise InputError("of a process, the fidelity with a unitary has an interval: give its Choi state.")
        self.low, self.high = float(values[0]), float(values[-1])
        rounding = 8 * len(values) * spectral.EPS * max(abs(self.low), abs(self.high))
        self._width = ROUNDED * (self.high - self.low) + rounding
        self._ends = {
            self.low: vectors[:, values <= self.low + self._width],
            self.high: vectors[:, values >= self.high - self._width],
        }
        self._free = Map(m)
        best = best_of(self._free, 0.0, self._n, GAP)
        self._largest = float(best.values[0])
        self.estimate = float(np.clip(np.vdot(self._operator, best.states[0]).real, self.low, self.high))

    def __repr__(self) -> str:
        return f"<ProfileLikelihood: estimate {self.estimate:.6g}, of values from {self.low:.6g} to {self.high:.6g}>"

    @cached_property
    def _sliced(self) -> Map:
        return Map(self._counts.measurement, operator=self._operator)

    def _best(self, value: float, counts: Real, gap: float) -> Best:
        """Of the states with this t; at an end of the spectrum, up to rounding, those on its eigenspace."""
        for end, frame in self._ends.items():
            if abs(value - end) <= self._width:
                return best_of(Map(self._counts.measurement, frame), 0.0, counts, gap)
        return best_of(self._sliced, value, counts, gap)

    def statistic(self, value: float) -> float:
        """Lambda(t), without a unit; +inf where every state with this t excludes an outcome that was seen.

        Parameters
        ----------
        value : float
            t, from `low` to `high`, in the unit of the operator.

        Raises
        ------
        InputError
            If no state has this value.
        """
        return self._lack(self._checked(value))[0]

    def p_value(self, value: float, *, replicates: int = 200, seed: int = 0) -> float:
        """The part of the records, the data among them, whose Lambda(t) is at least that of the data.

        Parameters
        ----------
        value : float
            t, between `low` and `high`.
        replicates : int
            The other records: drawn from the most likely state with this t.
        seed : int

        Raises
        ------
        InputError
            For a value outside, or no replicates.
        """
        t = self._checked(value)
        replicates = _checks.integer("replicates", replicates, low=1, high=MOST)
        statistic, p = self._lack(t)
        if math.isinf(statistic):
            return 1 / (1 + replicates)
        return float((1 + np.count_nonzero(self._law(t, p, replicates, seed) >= statistic - TIED)) / (1 + replicates))

    def interval(self, level: float = 0.95, *, replicates: int = 200, seed: int = 0) -> tuple[float, float]:
        """The least interval that holds the values whose p-value is above 1 - level, to the accuracy of the draws.

        Parameters
        ----------
        level : float
            From 0.5 to 0.9999.
        replicates : int
            Records drawn for each law, 1/(1 - level) at least; 0 takes the law of chi-square in its place, which holds
            inside the states only.
        seed : int

        Raises
        ------
        InputError
            For a level out of range, or too few replicates for it.
        """
        level, replicates = checked_level(level, replicates)
        low, high = (self._end(end, level, replicates, seed) for end in (self.low, self.high))
        return low, high

    def _checked(self, value: float) -> float:
        """The value; an end where it is beyond one by rounding."""
        value = _checks.number("value", value)
        inside = min(max(value, self.low), self.high)
        return inside if abs(value - inside) <= self._width else _checks.number("value", value, self.low, self.high)

    def _lack(self, t: float) -> tuple[float, Real]:
        best = self._best(t, self._n, GAP)
        return 2 * max(0.0, self._largest - float(best.values[0])), best.probabilities[0]

    def _law(self, t: float, p: Real, replicates: int, seed: int) -> Real:
        """Statistics of t over records drawn from the probabilities p."""
        rng = np.random.default_rng(_checks.integer("seed", seed, low=0))
        m, shots = self._counts.measurement, np.asarray(self._counts.shots)
        drawn = np.array([draw(p, m, shots, rng) for _ in range(replicates)], dtype=np.float64)
        free, sliced = best_of(self._free, 0.0, drawn, DRAWN_GAP), self._best(t, drawn, DRAWN_GAP)
        return np.asarray(2 * np.maximum(free.values - sliced.values, 0.0))

    def _threshold(self, t: float, p: Real, level: float, replicates: int, seed: int) -> float:
        if not replicates:
            return float(chdtri(1, 1 - level))
        law = np.sort(self._law(t, p, replicates, seed))
        return float(law[min(replicates, math.ceil(level * (replicates + 1))) - 1]) + TIED

    def _end(self, end: float, level: float, replicates: int, seed: int) -> float:
        """Where the p-value falls to 1 - level, between the estimate and an end of the spectrum."""
        statistic, p = self._lack(end)
        if math.isfinite(statistic) and statistic <= self._threshold(end, p, level, replicates, seed):
            return end
        threshold = float(chdtri(1, 1 - level))
        t = self.estimate
        for _ in range(ROUNDS):
            if statistic <= threshold:
                return end
            t = _crossing(lambda x: self._lack(x)[0], self.estimate, end, threshold)
            new = self._threshold(t, self._lack(t)[1], level, replicates, seed)
            steady = abs(math.sqrt(new) - math.sqrt(threshold)) < STEADY * math.sqrt(threshold)
            threshold = new
            if steady:
                break
        return t


def checked_level(level: float, replicates: int) -> tuple[float, int]:
    """The level of an interval and the records drawn for it, which must be enough."""
    level = _checks.number("level", level, 0.5, 0.9999)
    replicates = _checks.integer("replicates", replicates, low=0, high=MOST)
    if 0 < replicates < 1 / (1 - level) - 1e-6:
        raise InputError(
            f"replicates must be at least {math.ceil(1 / (1 - level) - 1e-6)} for the level {level}, or 0; found "
            f"{replicates}."
        )
    return level, replicates


def _crossing(f: Callable[[float], float], inside: float, outside: float, level: float) -> float:
    """Where f, which is zero at `inside` and above `level` at `outside`, reaches the level: f grows like a square."""
    near, far, low = inside, outside, 0.0
    high = f(outside)
    for k in range(40):
        if abs(far - near) <= 1e-4 * abs(near - inside) + 1e-12 * abs(outside - inside):
            break
        a, b, c = math.sqrt(low), math.sqrt(high), math.sqrt(level)
        part = 0.5 if k % 3 == 2 or not math.isfinite(b) else min(max((c - a) / (b - a), 0.02), 0.98)
        t = near + part * (far - near)
        value = f(t)
        if value <= level:
            near, low = t, value
        else:
            far, high = t, value
        if abs(value - level) <= 1e-3 * level:
            return t
    return near


def _is_unitary(operator: Complex, fixed: Complex) -> bool:
    """Whether it is the projector on a pure state with the expectations that every process has."""
    is_projector = abs(np.trace(operator) - 1) + np.abs(operator @ operator - operator).max() < 1e-10
    return bool(is_projector and np.abs(expectations(fixed, operator[None])).max() < 1e-10)


def _hermitian(operator: OperatorLike | State, dims: tuple[int, ...]) -> Complex:
    operator = operator._as_state() if hasattr(operator, "_as_state") else operator
    if not isinstance(operator, State):
        matrix = _matrices.hermitian("operator", as_matrix(operator, dims))
        _matrices.summable("operator", matrix, "rescale it")
        return matrix
    state = one_state(operator, "the state", dims)
    if state.dims != dims:
        raise InputError(f"the state must be one of dims {dims}; found dims {state.dims}.")
    if int(state.rank()) > 1:
        raise InputError(
            "the fidelity with a mixed state is not an expectation, and its likelihood no concave problem; give a "
            "pure state or an operator, or use bootstrap."
        )
    return state.matrix()
