r"""Targets that are known by a few expectations: all that a Gibbs model ever asks of the data.

For sigma = exp(-K)/Z with K = sum_j theta_j G_j,

.. math:: S(\rho, \sigma) = -\mathrm{Tr}\, \rho \log\sigma = \sum_j \theta_j \langle G_j \rangle_\rho + \log Z,
    \qquad \frac{\partial S}{\partial \theta_j} = \langle G_j \rangle_\rho - \langle G_j \rangle_\sigma .

So the m numbers <G_j>_rho stand for rho, whatever the number of qubits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._saved import Saved
from qml._typing import ArrayLike, Complex, Dims, Real
from qml.operators import GeneratorsLike, PauliLike, PauliSum, as_pauli_sum
from qml.operators.generators import coefficients_of, pauli_sums
from qml.operators.shots import string_estimates
from qml.operators.sites import as_hermitian
from qml.operators.strings import spell
from qml.states import StateLike, one_state

__all__ = ["Moments"]

SPAN = 1e-12
"""Share of an operator's squared norm that may lie outside of a span, as rounding."""
SLACK = 1e-6
"""By which share an entropy may exceed the largest, as rounding."""


class Moments(Saved):
    r"""Expectations <G_j>_rho of a target rho: what a Gibbs model learns from.

    Pass it as the target of ``fit`` with the cross entropy. Its floor, S(rho), is `entropy` where that is known, else
    not a number.

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of them
        The operators G_j, read as by :class:`qml.GibbsModel`: the strings of one sum, or whole operators.
    values : array (m,)
        <G_j>_rho.
    errors : array (m,), optional
        Their standard errors; 0 by default, or what the covariance says.
    entropy : float, optional
        S(rho) in nats, where it is known.
    covariance : array (m, m), optional
        Of the values, as estimates; by default they are independent.

    Raises
    ------
    InputError
        If a generator is not Hermitian or there is none, the numbers of qubits or shapes differ, or a number is not
        finite; if the value of a single Pauli string exceeds one in size by more than five of its standard errors, or
        the entropy is negative or above n log 2.

    Notes
    -----
    A model sees the values of its own generators only, so those must all be there; more do no harm. Whether a state has
    these values shows in a fit: where none has, the loss falls below zero, and the fit ends and says so in its status.
    Source: Jaynes (1957), Phys. Rev. 106, 620; Kappen (2018), arXiv:1803.11278.

    Examples
    --------
    >>> from qml import CrossEntropy, GibbsModel, fit, pauli
    >>> target = Moments([pauli("X"), pauli("Z")], [0.6, 0.0])
    >>> result = fit(GibbsModel([pauli("X"), pauli("Z")]), target, loss=CrossEntropy(), seed=0)
    >>> (result.params + [np.arctanh(0.6), 0.0]).round(6) + 0.0
    array([0., 0.])
    """

    def __init__(
        self,
        generators: GeneratorsLike,
        values: ArrayLike,
        errors: ArrayLike | None = None,
        entropy: float = math.nan,
        covariance: ArrayLike | None = None,
    ) -> None:
        self.generators = tuple(pauli_sums(generators).values())
        m = len(self.generators)
        self.values = _checks.kept(_checks.parameters("values", values, m, "generator"))
        self._covariance = None if covariance is None else _checks.kept(_covariance(covariance, m))
        if self._covariance is not None:
            if errors is not None:
                raise InputError("give either errors or their covariance; found both: the covariance says the errors.")
            errors = np.sqrt(np.diagonal(self._covariance))
        given = np.zeros(m) if errors is None else _checks.parameters("errors", errors, m, "generator")
        if (given < 0).any():
            raise InputError(f"errors must be non-negative; found {given.min():.6g}.")
        self.errors = _checks.kept(given)
        unknown = isinstance(entropy, float) and math.isnan(entropy)
        self.dims: Dims = self.generators[0].dims
        most = len(self.dims) * math.log(2.0) * (1 + SLACK)
        self._entropy = math.nan if unknown else _checks.number("entropy", entropy, 0.0, most, "nats")
        for g, value, error in zip(self.generators, self.values, self.errors, strict=True):
            bound = float(sum(map(abs, g.coefficients)))
            if abs(value) > bound * (1 + _checks.TOLERANCE) + 5 * error:
                raise InputError(f"the value of {g} cannot exceed {bound:.6g} in size; found {value:.6g}.")

    @classmethod
    def of(cls, state: StateLike, generators: GeneratorsLike) -> Moments:
        """The expectations of the generators in a state: exact, or with the error bars of a sampled one.

        Costs 2^n operations for every string, and for the entropy that of ``state.entropy()``.

        Parameters
        ----------
        state : State, array (d, d) or (d,), or Qobj
        generators : PauliSum, or sequence or mapping of them
            On the sites of the state, read as by the class.

        Raises
        ------
        InputError
            If the state is a batch, or the generators are none, or on other sites.

        Examples
        --------
        >>> from qml import ghz
        >>> Moments.of(ghz(3), ["ZZI", "XXX", "XII"]).values.round(12) + 0.0
        array([1., 1., 0.])
        """
        state = one_state(state)
        operators = pauli_sums(generators)
        dims = next(iter(operators.values())).dims
        if state.dims != dims:
            raise InputError(f"state and generators must have equal dims; found {state.dims} and {dims}.")
        values, errors = state._estimates(tuple(operators.values()))
        return cls(operators, values, errors, entropy=max(float(state.entropy()), 0.0))

    @classmethod
    def from_shots(cls, generators: GeneratorsLike, records: Mapping[str, Any]) -> Moments:
        r"""The expectations of Pauli sums as estimated from shots in product bases, of any number of qubits.

        .. math:: \hat m_P = \frac{1}{N_P} \sum_{i} v_i(P)

        for each string P over the N_P shots whose setting agrees with it wherever it is not the identity; v = +-1 is
        the product of the outcomes there.

        Parameters
        ----------
        generators : PauliSum, or sequence or mapping of them
        records : mapping of str to array of int (shots, n), or to mapping of str to int
            By setting, a letter X, Y or Z for each qubit: the bits of each shot (0 for +1), or how often each word of
            bits was seen. A :class:`~qml.Counts` of Pauli settings is such a mapping.

        Returns
        -------
        Moments
            With the covariance of the estimates: those of one shot vary together.

        Raises
        ------
        InputError
            For a setting or an outcome that is not one, or a string that no setting tells.

        Notes
        -----
        O(N m n) for N shots, and O(N m^2) for the covariance. A string that had the same sign in all shots has the
        error 0: more shots would tell. Source: the sample covariance of means over shared shots.

        Examples
        --------
        >>> from qml.states import ghz
        >>> bits = ghz(3).sample(1000, 0)
        >>> found = Moments.from_shots(["ZZI", "IIZ"], {"ZZZ": bits})
        >>> float(found.values[0]), bool(abs(found.values[1]) < 4 * found.errors[1] < 0.2)
        (1.0, True)
        """
        operators = pauli_sums(generators)
        words, weights = coefficients_of(tuple(operators.values()))
        n = next(iter(operators.values())).n_qubits
        there = [k for k, w in enumerate(words) if w != (0, 0)]
        means, covariance = string_estimates([spell(words[k], n) for k in there], records)
        a = weights[:, there]
        shift = np.asarray(weights.sum(axis=1)) - np.asarray(a.sum(axis=1))
        return cls(operators, a @ means + shift, covariance=a @ (a @ covariance).T)

    @property
    def covariance(self) -> Real:
        """Of the values, as estimates, (m, m): what was given, or the squares of the errors on the diagonal."""
        return np.diag(np.square(self.errors)) if self._covariance is None else self._covariance

    def covariance_of(self, generators: Sequence[PauliLike]) -> Real:
        """The covariance (m, m) of the values of some generators, in their order.

        Parameters
        ----------
        generators : sequence of PauliSum, str or mapping of str to float
            Some of those that are held, whole.

        Raises
        ------
        InputError
            For one that is not held.
        """
        places = self._places_of(generators)
        return self.covariance[np.ix_(places, places)]

    def values_of(self, generators: Sequence[PauliLike]) -> Real:
        """The values (m,) of some generators, in their order.

        Parameters
        ----------
        generators : sequence of PauliSum, str or mapping of str to float
            Some of those that are held, whole.

        Raises
        ------
        InputError
            For one that is not held.
        """
        return np.asarray(self.values[self._places_of(generators)])

    def _places_of(self, generators: Sequence[PauliLike]) -> list[int]:
        held = [as_pauli_sum(g, "each generator") for g in _checks.listed("generators", generators, "Pauli sums")]
        for g in held:
            if g not in self._places:
                raise InputError(
                    f"the target must hold the expectation of every generator of the model; that of {g} is missing."
                )
        return [self._places[g] for g in held]

    def expect(self, operator: PauliLike | Complex) -> float:
        """Tr(rho O), in the unit of O, of an operator in the span of the generators and the identity.

        Parameters
        ----------
        operator : PauliSum, str, mapping of str to float, array (d, d) or Qobj
            O, Hermitian.

        Raises
        ------
        InputError
            If it is not Hermitian, acts on other sites, or has a part outside the span, of which nothing is known.

        Examples
        --------
        >>> round(Moments(["X", "Z"], [0.6, 0.1]).expect({"X": 2.0, "I": 3.0}), 12)
        4.2
        """
        words, columns, shifts = self._span
        operator = as_hermitian("the operator", operator, self.dims, _matrices.DIFFERENCE)
        if isinstance(operator, PauliSum):
            largest = max(map(abs, operator.coefficients), default=0.0) or 1.0  # squares of what is scaled by it exist
            held = {w: complex(c) / largest for w, c in zip(operator.words, operator.coefficients, strict=True)}
            wanted = np.array([complex(held.pop(word, 0.0)).real for word in words])
            constant, outside = complex(held.pop((0, 0), 0.0)).real, sum(abs(c) ** 2 for c in held.values())
        else:
            largest = float(np.abs(operator).max()) or 1.0
            scaled, d = operator / largest, len(operator)
            wanted = np.array([p._traces(scaled).real for p in self._strings]) / d
            constant = float(np.trace(scaled).real) / d
            traceless = scaled - constant * np.eye(d)
            outside = float(np.square(np.abs(traceless)).sum()) / d - float(np.square(wanted).sum())
        weights = np.linalg.lstsq(columns, wanted, rcond=None)[0]
        outside += float(np.square(columns @ weights - wanted).sum())
        if outside > SPAN * (float(np.square(wanted).sum()) + max(0.0, outside)):
            raise InputError(
                "the target, known by moments, says nothing of an operator outside the span of their generators: give "
                "the expectation of every generator of the model."
            )
        return largest * (float(weights @ (self.values - shifts)) + constant)

    def representative(self) -> Complex:
        """The least Hermitian matrix (d, d) of trace one with these expectations; in general not positive.

        Raises
        ------
        InputError
            If the generators depend on each other linearly and their values do not.
        """
        return self._representative

    @cached_property
    def _representative(self) -> Complex:
        words, columns, shifts = self._span
        values = self.values - shifts
        weights = np.linalg.lstsq(columns.T, values, rcond=None)[0]
        sizes = np.maximum(np.abs(columns).sum(axis=0), np.abs(values))
        if (np.abs(columns.T @ weights - values) > 1e-8 * sizes).any():
            raise InputError("the generators depend on each other linearly, and their values contradict that.")
        n = self.generators[0].n_qubits
        total = PauliSum(n, ((0, 0), *words), (1.0, *weights.tolist()))
        return _checks.kept(total.matrix() / (1 << n))

    # what S asks of rho: see qml.states.cross_entropy ----------------------------------------------------------------

    _is_state = False

    def _as_state(self) -> NoReturn:
        raise InputError(
            "a target known by its moments needs a Gibbs model (GibbsModel, ChainGibbsModel, LargeGibbsModel), whose "
            "cross entropy asks for no more: use a state as the target."
        )

    def _trace(self) -> Real:
        return np.ones(())

    def _expect(self, operator: PauliSum | Complex) -> Real:
        return np.asarray(self.expect(operator))

    def _estimates(self, operators: Sequence[PauliSum]) -> tuple[Real, Real]:
        places = self._places_of(operators)
        return self.values[places], self.errors[places]

    @cached_property
    def _places(self) -> dict[PauliSum, int]:
        return {g: k for k, g in enumerate(self.generators)}

    @cached_property
    def _span(self) -> tuple[tuple[tuple[int, int], ...], Real, Real]:
        """The strings other than the identity, the coefficients (strings, m), and those of the identity (m,)."""
        words, weights = coefficients_of(self.generators)
        columns, there = weights.toarray().T, [k for k, w in enumerate(words) if w != (0, 0)]
        shifts = columns.sum(axis=0) - columns[there].sum(axis=0)
        return tuple(words[k] for k in there), columns[there], shifts

    @cached_property
    def _strings(self) -> tuple[PauliSum, ...]:
        n = self.generators[0].n_qubits
        return tuple(PauliSum(n, (word,), (1.0,)) for word in self._span[0])

    def _arguments(self) -> dict[str, Any]:
        named = {str(k): g for k, g in enumerate(self.generators)}
        errors = None if self._covariance is not None else self.errors
        values = {"values": self.values, "errors": errors, "entropy": self._entropy, "covariance": self._covariance}
        return {"generators": named, **values}

    def entropy(self) -> float:
        """S(rho) in nats where it is known, else not a number: no moments tell it."""
        return self._entropy

    def __len__(self) -> int:
        return len(self.generators)

    def __repr__(self) -> str:
        error = f", standard errors up to {self.errors.max():.2g}" if self.errors.any() else ""
        qubits = _checks.plural(len(self.dims), "qubit")
        return f"Moments({_checks.plural(len(self), 'expectation')} of {qubits}{error})"


def _covariance(value: ArrayLike, m: int) -> Real:
    found = _checks.reals("covariance", value)
    if found.shape == (m, m):
        _matrices.summable("covariance", found, "give it in the squared units of the values")
    if found.shape != (m, m) or np.abs(found - found.T).max(initial=0.0) > 1e-8 * np.abs(found).max(initial=0.0):
        raise InputError(f"covariance must be a symmetric matrix ({m}, {m}); found shape {found.shape}.")
    if (np.diagonal(found) < 0).any():
        raise InputError(f"a variance must not be negative; found {np.diagonal(found).min():.6g}.")
    return (found + found.T) / 2
