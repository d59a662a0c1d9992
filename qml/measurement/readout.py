"""Readout errors: outcomes that are misreported, folded into the measurement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Real
from qml.measurement.base import Measurement
from qml.states.base import State


class ReadoutMeasurement(Measurement):
    r"""A measurement whose outcomes are misreported with known probabilities, the same in every setting.

    .. math:: M'_r = \sum_t A_{rt} M_t, \qquad A = A_1 \otimes \dots \otimes A_n

    Parameters
    ----------
    measurement : Measurement
        Every setting with the same number of outcomes.
    confusion : sequence of arrays, or one array
        A[reported][true], columns adding up to one: one matrix for each digit of the outcome labels (each qubit), or
        one (K, K) for the K outcomes of a setting together.

    Raises
    ------
    InputError
        If a matrix is not column-stochastic within 1e-10, or sizes do not fit.

    Examples
    --------
    A detector that reads 1 as 0 in a tenth of the shots:

    >>> from qml.measurement import PauliMeasurement
    >>> from qml.states import basis_state
    >>> faulty = ReadoutMeasurement(PauliMeasurement(["Z"]), [[[1.0, 0.1], [0.0, 0.9]]])
    >>> faulty.probabilities(basis_state("1"))
    array([0.1, 0.9])
    """

    _kind = "readout"

    def __init__(self, measurement: Measurement, confusion: ArrayLike | Sequence[ArrayLike]) -> None:
        self.measurement = _checks.instance("measurement", measurement, Measurement)
        self.dims, self.dims_in = measurement.dims, measurement.dims_in
        self.settings, self.sizes = measurement.settings, measurement.sizes
        self.confusion = tuple(_checks.kept(a) for a in _stochastic(confusion, common_shape(measurement)))
        self._backward = [a.T for a in self.confusion]

    def _probabilities(self, state: State) -> Real:
        return apply_to_digits(self.confusion, self.measurement.probabilities(state))

    def _probabilities_of(self, matrix: Complex) -> Real:
        return apply_to_digits(self.confusion, self.measurement.probabilities_of(matrix))

    def _adjoint(self, weights: Real) -> Complex:
        return self.measurement.adjoint(apply_to_digits(self._backward, np.asarray(weights)))

    def pull(self, weights: Real, state: State) -> Cotangent:
        return self.measurement.pull(apply_to_digits(self._backward, np.asarray(weights)), state)

    def traces(self) -> Real:
        return apply_to_digits(self.confusion, self.measurement.traces())

    def resolution(self, state: State) -> float:
        return self.measurement.resolution(state)

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        return self.measurement.outcome_shape(setting)

    def select(self, settings: Any) -> Measurement:
        return ReadoutMeasurement(self.measurement.select(settings), self.confusion)


def common_shape(measurement: Measurement) -> tuple[int, ...]:
    """The shape of the outcomes, which must be the same in every setting."""
    shape = measurement.outcome_shape(0)
    sizes = measurement.sizes
    if (sizes != sizes[0]).any():
        other = int(np.argmax(sizes != sizes[0]))
        raise InputError(
            f"readout errors need equally many outcomes in every setting; found {sizes[0]} in setting "
            f"{measurement.settings[0]!r} and {sizes[other]} in {measurement.settings[other]!r}."
        )
    return shape


def apply_to_digits(matrices: Sequence[Real], values: Real) -> Real:
    """(A_1 x ... x A_n) applied to the outcomes of every setting; `values` (..., n_outcomes), setting after setting."""
    after = math.prod(a.shape[1] for a in matrices)
    x = values
    for a in matrices:
        after //= a.shape[1]
        x = np.matmul(a, x.reshape(-1, a.shape[1], after))
    return x.reshape(values.shape)


def _stochastic(confusion: Any, shape: tuple[int, ...]) -> list[Real]:
    given = confusion if isinstance(confusion, list | tuple) else list(np.atleast_1d(np.asarray(confusion)))
    matrices = [_checks.reals(f"confusion[{k}]", a) for k, a in enumerate(given)]
    if matrices and all(a.ndim == 1 for a in matrices):  # the rows of one
        matrices = [_checks.reals("confusion", given)]
    expected = list(shape) if len(matrices) == len(shape) else [math.prod(shape)]
    if len(matrices) != len(expected):
        raise InputError(
            f"confusion must hold one matrix for each of the {len(shape)} digits of an outcome, or one for all; found "
            f"{len(matrices)}."
        )
    for k, (a, size) in enumerate(zip(matrices, expected, strict=True)):
        if a.shape != (size, size):
            raise InputError(f"confusion[{k}] must have shape ({size}, {size}); found {a.shape}.")
        with np.errstate(over="ignore"):
            worst = float(np.abs(a.sum(axis=0) - 1).max())
        if (a < 0).any() or worst > _checks.TOLERANCE:
            raise InputError(
                f"confusion[{k}] must hold probabilities A[reported][true] whose columns add up to one; found an entry "
                f"{a.min():.3g} and a column off by {worst:.3g}: transpose it if it is A[true][reported]."
            )
    return matrices
