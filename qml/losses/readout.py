"""Readout error rates as parameters of a loss, learnt beside the model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described
from qml._typing import ArrayLike, Real
from qml.measurement.readout import apply_to_digits
from qml.parameters import Interval

RATES = Interval(0.0, 0.5)
"""Where an error rate lies: beyond one half the two outcomes would change names."""
START = (0.01, 0.05)
"""Error rates at the start of a fit, uniformly at random."""


@dataclass(frozen=True)
class TrainableReadout(Described):
    r"""Independent readout errors of n qubits with rates to be learnt, the same in every setting.

    .. math:: A_i = \begin{pmatrix} 1 - a_i & b_i \\ a_i & 1 - b_i \end{pmatrix}, \qquad
        a_i, b_i = \frac{1/2}{1 + e^{-\phi}}

    in the order A[reported][true]: a is the probability to report 1 where the truth is 0, b that to report 0 where it
    is 1. Every real phi is allowed; rates stay below one half.

    Parameters
    ----------
    n : int
        The number of qubits.

    Raises
    ------
    InputError
        If n is no integer of at least 1.

    Examples
    --------
    >>> readout = TrainableReadout(1)
    >>> readout.parameter_names
    ('readout_0_1_given_0', 'readout_0_0_given_1')
    >>> readout.confusion(readout.unconstrained([[0.1, 0.25]])).round(6)
    array([[[0.9 , 0.25],
            [0.1 , 0.75]]])
    """

    n: int

    def __post_init__(self) -> None:
        _checks.qubit_count("n", self.n)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Two a qubit, the rate of 1 given 0 first."""
        return tuple(f"readout_{i}_{r}_given_{1 - r}" for i in range(self.n) for r in (1, 0))

    def init_params(self, rng: np.random.Generator) -> Real:
        """Rates drawn uniformly from 1 to 5 percent, as phi (2 n,).

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If `rng` is no Generator.
        """
        return self.unconstrained(_checks.generator("rng", rng).uniform(*START, (self.n, 2)))

    def rates(self, params: ArrayLike) -> Real:
        """The error rates (a_i, b_i) of every qubit, from 0 to 1/2, shape (n, 2).

        Parameters
        ----------
        params : array (2 n,)
            phi.

        Raises
        ------
        InputError
            If phi has another shape or is not finite.
        """
        phi = _checks.parameters("the readout parameters", params, 2 * self.n)
        return np.array([RATES.from_real(u) for u in phi.tolist()]).reshape(self.n, 2)

    def unconstrained(self, rates: ArrayLike) -> Real:
        """The phi (2 n,) of error rates: what :meth:`rates` turns back.

        Parameters
        ----------
        rates : array (n, 2)
            (a_i, b_i), each strictly between 0 and 1/2, which are reached only in the limit.

        Raises
        ------
        InputError
            If the shape is another, or a rate lies at an end or beyond.
        """
        values = _checks.reals("rates", rates)
        if values.shape != (self.n, 2):
            raise InputError(f"rates must have shape ({self.n}, 2), two a qubit; found shape {values.shape}.")
        values = values.reshape(-1)
        return np.array([RATES.to_real(v) for v in values.tolist()])

    def confusion(self, params: ArrayLike) -> Real:
        """The matrices A[reported][true] of every qubit, shape (n, 2, 2), whose columns add up to one.

        Parameters
        ----------
        params : array (2 n,)
            phi.

        Raises
        ------
        InputError
            If phi has another shape or is not finite.
        """
        a, b = self.rates(params).T
        return np.stack([np.stack([1 - a, b], axis=-1), np.stack([a, 1 - b], axis=-1)], axis=-2)

    def natural(self, params: ArrayLike) -> Mapping[str, float]:
        """The error rates by name, from 0 to 1/2.

        Parameters
        ----------
        params : array (2 n,)
            phi.

        Raises
        ------
        InputError
            If phi has another shape or is not finite.
        """
        return dict(zip(self.parameter_names, self.rates(params).reshape(-1).tolist(), strict=True))

    def pull(self, params: Real, probabilities: Real, slope: Real) -> Real:
        """dL/dphi, shape (2 n,).

        Parameters
        ----------
        params : array (2 n,)
            phi.
        probabilities : array (n_outcomes,)
            The true ones, of all settings, each of 2^n outcomes.
        slope : array (n_outcomes,)
            dL/d(reported probabilities).
        """
        matrices = self.confusion(params)
        stages = [probabilities]
        for i in range(self.n - 1):
            stages.append(self._on_qubit(i, matrices[i], stages[-1]))
        gradient = np.empty((self.n, 2))
        back = slope
        for i in reversed(range(self.n)):
            shape = (-1, 2, 2 ** (self.n - 1 - i))
            by_entry = np.einsum("arb,atb->rt", back.reshape(shape), stages[i].reshape(shape))
            gradient[i] = by_entry[1, 0] - by_entry[0, 0], by_entry[0, 1] - by_entry[1, 1]
            back = self._on_qubit(i, matrices[i].T, back)
        return np.asarray(gradient.reshape(-1) * np.array([RATES.slope(u) for u in params.tolist()]))

    def _on_qubit(self, i: int, matrix: Real, values: Real) -> Real:
        return np.asarray(np.matmul(matrix, values.reshape(-1, 2, 2 ** (self.n - 1 - i))).reshape(-1))

    def report(self, params: Real, probabilities: Real) -> Real:
        """The probabilities (n_outcomes,) of what is reported: A_1 x ... x A_n on those of each setting.

        Parameters
        ----------
        params : array (2 n,)
            phi.
        probabilities : array (n_outcomes,)
            The true ones, of all settings, each of 2^n outcomes.
        """
        return apply_to_digits(list(self.confusion(params)), probabilities)

    def report_adjoint(self, params: Real, slope: Real) -> Real:
        """dL/d(true probabilities), shape (n_outcomes,).

        Parameters
        ----------
        params : array (2 n,)
            phi.
        slope : array (n_outcomes,)
            dL/d(reported probabilities).
        """
        return apply_to_digits([a.T for a in self.confusion(params)], slope)
