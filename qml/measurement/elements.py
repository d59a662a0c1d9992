"""Measurements given by their effects as matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from qml import _checks, _matrices
from qml._arrays import as_complex, as_real, on_host
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, DimsLike, Real
from qml.measurement.base import Measurement
from qml.states.base import State


class ElementsMeasurement(Measurement):
    r"""Settings whose effects are given as matrices, with any number of outcomes.

    .. math:: p_k = \mathrm{Tr}(M_k \sigma), \qquad M_k \ge 0, \qquad \sum_{k \in s} M_k = 1

    Parameters
    ----------
    elements : sequence of arrays (outcomes of the setting, d, d)
        One array a setting.
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.
    settings : sequence of str, optional
        Their names; by default "0", "1", ...

    Raises
    ------
    InputError
        If an effect is not Hermitian or has an eigenvalue below -1e-10, or the effects of a setting do not add up to
        the identity within 1e-10; the outcome and the violation are in the message.

    Notes
    -----
    Holds 16 K d^2 bytes for K outcomes; probabilities and their adjoint are one product with that array.

    Examples
    --------
    A qubit measured along Z with a detector that misses one state in ten:

    >>> from qml.states import basis_state
    >>> clicks = [[0.9, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.9]], [[0.1, 0.0], [0.0, 0.1]]
    >>> measurement = ElementsMeasurement([clicks])
    >>> measurement.probabilities(basis_state("1"))
    array([0. , 0.9, 0.1])
    """

    _kind = "elements"

    def __init__(
        self,
        elements: Sequence[ArrayLike],
        dims: DimsLike | None = None,
        settings: Sequence[str] | None = None,
    ) -> None:
        held = _checks.listed("elements", elements, "stacks of effects, one a setting")
        if not held:
            raise InputError("elements must hold at least one setting; found none.")
        stacks = [_effects(s, stack) for s, stack in enumerate(held)]
        d = stacks[0].shape[-1]
        for s, stack in enumerate(stacks):
            if stack.shape[-1] != d:
                raise InputError(
                    f"settings must act on one dimension; found {d} (setting 0) and {stack.shape[-1]} ({s})."
                )
        self.dims = _checks.sites(dims, d)
        self.settings = setting_names(settings, len(stacks))
        self.sizes = _checks.kept(np.array([len(stack) for stack in stacks], dtype=np.int64))
        self._effects = _checks.kept(np.concatenate(stacks))
        # Tr(M X) of Hermitian M and X is the scalar product of their entries as real vectors
        self._rows = np.ascontiguousarray(self._effects.reshape(len(self._effects), -1)).view(np.float64)

    def _probabilities_of(self, matrix: Complex) -> Real:
        if not on_host(matrix):
            flat = matrix.reshape(*matrix.shape[:-2], self.dim**2)
            return as_real((flat @ self._effects.reshape(self.n_outcomes, -1).conj().T).real)
        x = np.ascontiguousarray(matrix, dtype=np.complex128)
        return np.asarray(x.reshape(*x.shape[:-2], self.dim**2).view(np.float64) @ self._rows.T)

    def _probabilities(self, state: State) -> Real:
        if state.is_diagonal:
            return as_real(np.diagonal(self._effects, axis1=1, axis2=2).real @ state.probabilities())
        return self.probabilities_of(state.matrix())

    def _adjoint(self, weights: Real) -> Complex:
        d = self.dim
        if not on_host(weights):
            return as_complex((weights @ self._effects.reshape(self.n_outcomes, -1)).reshape(d, d))
        total: Real = np.asarray(weights, dtype=np.float64) @ self._rows
        return np.asarray(total.view(np.complex128).reshape(d, d))

    def traces(self) -> Real:
        return np.asarray(np.trace(self._effects, axis1=1, axis2=2).real)

    def element(self, outcome: int) -> Complex:
        return np.array(self._effects[_checks.integer("outcome", outcome, low=0, high=self.n_outcomes - 1)])

    def _arguments(self) -> dict[str, Any]:
        stacks = np.split(self._effects, self.offsets[1:-1])
        return {"elements": stacks, "dims": list(self.dims), "settings": list(self.settings)}


class POVM(ElementsMeasurement):
    r"""One positive operator-valued measure: effects M_1, ..., M_K with M_k >= 0 and sum_k M_k = 1.

    Parameters
    ----------
    elements : array (K, d, d)
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.

    Raises
    ------
    InputError
        As :class:`ElementsMeasurement`.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.states import maximally_mixed
    >>> trine = [np.outer(v, v) * 2 / 3 for v in ([1, 0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)])]
    >>> POVM(trine).probabilities(maximally_mixed((2,))).round(6)
    array([0.333333, 0.333333, 0.333333])
    """

    _kind = "povm"

    def __init__(self, elements: ArrayLike, dims: DimsLike | None = None) -> None:
        super().__init__([elements], dims, ("POVM",))

    def _arguments(self) -> dict[str, Any]:
        return {"elements": self._effects, "dims": list(self.dims)}


def setting_names(given: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Names of settings, distinct; "0", "1", ... by default."""
    if given is None:
        return tuple(map(str, range(count)))
    names = tuple(_checks.listed("settings", given, "names"))
    if len(names) != count or not all(isinstance(name, str) for name in names) or len(set(names)) != count:
        raise InputError(f"settings must be {_checks.plural(count, 'distinct name')}; found {list(names[:9])}.")
    return names


def _effects(setting: int, stack: ArrayLike) -> Complex:
    """The effects (K, d, d) of one setting, checked."""
    m = _matrices.square(f"the elements of setting {setting}", stack)
    if m.ndim != 3 or not len(m):
        raise InputError(f"the elements of setting {setting} must have shape (outcomes, d, d); found {m.shape}.")
    m = _matrices.hermitian(f"the elements of setting {setting}", m, least=1.0)
    values = np.linalg.eigvalsh(m)
    lowest = values[:, 0]
    k = int(lowest.argmin())
    if lowest[k] < -_checks.TOLERANCE:
        raise InputError(
            f"each element must be positive semidefinite; found the eigenvalue {lowest[k]:.3g} in element {k} of "
            f"setting {setting}, tolerance -{_checks.TOLERANCE}."
        )
    with np.errstate(over="ignore"):
        violation = float(np.abs(m.sum(axis=0) - np.eye(m.shape[-1])).max())
    if violation > _checks.TOLERANCE * max(1.0, math.sqrt(len(m))):
        raise InputError(
            f"the elements of setting {setting} must add up to the identity; found max|sum M_k - 1| = {violation:.3g}, "
            f"tolerance {_checks.TOLERANCE}: add the missing outcome 1 - sum M_k."
        )
    return m
