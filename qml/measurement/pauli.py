"""Measurements of every qubit along X, Y or Z, applied through the Pauli vector."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from qml import _checks
from qml._arrays import as_real, compiled, namespace, on_host
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Integer, Real
from qml.engines.pauli_state import matrix_of, pauli_vector_of, vector_of
from qml.measurement.base import Measurement
from qml.operators.strings import digits_of, walsh_hadamard
from qml.states.base import State

LETTERS = "XYZ"


class PauliMeasurement(Measurement):
    r"""Every qubit measured along X, Y or Z: a setting is a word such as "XZY", qubit 0 leftmost.

    .. math:: p(b \mid s) = 2^{-n} \sum_{S \subseteq \{1..n\}} (-1)^{\sum_{i \in S} b_i} r_{s|_S}, \qquad
        r_P = \mathrm{Tr}(P \sigma)

    Outcome 0 of a qubit is the +1 eigenstate. The outcomes of a setting are numbered with qubit 0 as the most
    significant bit. Probabilities are read straight off the Pauli vector r: no projector is ever formed.

    Parameters
    ----------
    settings : int or sequence of str
        The words, distinct and of equal length; a number of qubits n stands for all 3^n of them, in alphabetical order.

    Raises
    ------
    InputError
        For a word with other letters than X, Y, Z, of another length, or that is there twice.
    MemoryRefused
        If the 6^n numbers of all settings would not fit.

    Notes
    -----
    All settings cost about 40 6^n operations (10 qubits: 60 million outcomes, 484 MB); S settings of their own cost
    n 2^n additions each.

    Examples
    --------
    >>> from qml.states import ghz
    >>> PauliMeasurement(["XX", "ZZ"]).probabilities(ghz(2)).reshape(2, 4).round(6)
    array([[0.5, 0. , 0. , 0.5],
           [0.5, 0. , 0. , 0.5]])
    >>> PauliMeasurement(2).settings
    ('XX', 'XY', 'XZ', 'YX', 'YY', 'YZ', 'ZX', 'ZY', 'ZZ')
    """

    _kind = "pauli"

    def __init__(self, settings: int | Sequence[str]) -> None:
        if isinstance(settings, int | np.integer):
            n = _checks.qubit_count("the number of qubits", settings)
            what = f"all {_checks.readable(3**n)} Pauli settings of {n} qubits"
            _checks.memory(what, 28 * 6**n, "choose some settings")
            words = tuple(map("".join, itertools.product(LETTERS, repeat=n)))
        else:
            words = _words(settings)
            n = len(words[0])
            what = f"{len(words)} Pauli settings of {n} qubits"
            _checks.memory(what, 40 * len(words) * 2**n, "choose fewer settings")
        self.settings = words
        self.sizes = _checks.kept(np.full(len(words), 2**n, dtype=np.int64))
        self.n = n
        self.dims = (2,) * n
        numbers = [int(word.translate(_DIGITS), 3) for word in words]
        self._is_full = len(words) == 3**n and numbers == list(range(3**n))

    def _probabilities(self, state: State) -> Real:
        if self._reads_off(state):
            return state.probabilities()
        return self.from_vector(pauli_vector_of(state))

    def _reads_off(self, state: State) -> bool:
        """Whether the probabilities are those that the state is held as."""
        return state.is_diagonal and self.settings == ("Z" * self.n,)

    def _probabilities_of(self, matrix: Complex) -> Real:
        return self.from_vector(vector_of(matrix, self.n))

    def _adjoint(self, weights: Real) -> Complex:
        vector = self.to_vector(weights)
        vector *= self.dim
        return matrix_of(vector, self.n)

    def pull(self, weights: Real, state: State) -> Cotangent:
        return super().pull(weights, state) if state.pauli_vector is None else self.to_vector(weights)

    def from_vector(self, vector: Real) -> Real:
        """p (..., n_outcomes), by the equation above.

        Parameters
        ----------
        vector : array (..., 4^n)
            The Pauli vector r; any real vector is allowed.

        Raises
        ------
        InputError
            For another shape.
        """
        vector = _checks.shaped("vector", vector, (..., 4**self.n), "one number for each Pauli string")
        if self._is_full:
            return _all_settings(vector, self.n)
        p = _walsh_hadamard(vector[..., self._strings]) / self.dim
        return as_real(p.reshape(*vector.shape[:-1], self.n_outcomes))

    def to_vector(self, weights: Real) -> Real:
        """The adjoint of :meth:`from_vector`: dL/dr, shape (4^n,).

        Parameters
        ----------
        weights : array (n_outcomes,)
            dL/dp.

        Raises
        ------
        InputError
            For another shape.
        MemoryRefused
            If the vector would not fit.
        """
        weights = self._weights(weights)
        _checks.memory(f"the Pauli vector of {self.n} qubits", 16 * 4**self.n, "use fewer qubits", self.n)
        if self._is_full:
            return _all_settings_adjoint(weights, self.n)
        parts = _walsh_hadamard(np.reshape(weights, (len(self.settings), -1))) / self.dim
        if not on_host(parts):
            xp = namespace(parts)
            strings = xp.asarray(self._strings).reshape(-1)
            return as_real(xp.bincount(strings, weights=parts.reshape(-1), length=4**self.n))
        return np.asarray(np.bincount(self._strings.reshape(-1), parts.reshape(-1), 4**self.n), dtype=np.float64)

    @cached_property
    def _strings(self) -> Integer:
        """Places in the Pauli vector of the strings that each setting determines, (settings, 2^n): those of a subset S
        of qubits at the number whose bits are S."""
        digits = digits_of(self.settings)
        places = np.zeros((len(digits), 1), dtype=np.int64)
        for column in digits.T:
            letters = np.stack([np.zeros_like(column), column], axis=-1)[:, None, :]
            places = (4 * places[:, :, None] + letters).reshape(len(digits), -1)
        return _checks.kept(places)

    def traces(self) -> Real:
        return np.ones(self.n_outcomes)

    def resolution(self, state: State) -> float:
        return 0.0 if self._reads_off(state) else super().resolution(state)

    def _diagonal_of(self, weights: Real) -> Real | None:
        return weights if self.settings == ("Z" * self.n,) else None

    def select(self, settings: Iterable[int | str]) -> PauliMeasurement:
        return PauliMeasurement([self.settings[s] for s in self._places(settings)])

    def _arguments(self) -> dict[str, Any]:
        return {"settings": self.n if self._is_full else list(self.settings)}


_DIGITS = str.maketrans(LETTERS, "012")
_walsh_hadamard = compiled(walsh_hadamard)


def _words(settings: Sequence[str]) -> tuple[str, ...]:
    what = "words such as 'XZ', or a number of qubits"
    words = (settings,) if isinstance(settings, str) else tuple(_checks.listed("settings", settings, what))
    if not words:
        raise InputError("settings must hold at least one word such as 'XZ'; found none.")
    for k, word in enumerate(words):
        if not isinstance(word, str) or not word or set(word) - set(LETTERS):
            raise InputError(f"each setting must be a word over X, Y, Z, one letter a qubit; found {word!r} at {k}.")
        if len(word) != len(words[0]):
            raise InputError(
                f"settings must be of equal length, one letter a qubit; found {words[0]!r} and {word!r} (at {k})."
            )
    if len(set(words)) != len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise InputError(f"settings must be distinct; found {twice!r} more than once: add up its counts.")
    return tuple(map(str, words))


def _groups(n: int) -> list[int]:
    """The qubits that are taken at once, from the last: pairs, and one alone first where n is odd."""
    return [1] * (n % 2) + [2] * (n // 2)


@lru_cache(maxsize=2)
def _group_map(qubits: int) -> Real:
    """The outcomes of one or two qubits (6^k, 4^k), settings before outcomes, from their strings: (r_I +- r_P) / 2."""
    one = np.zeros((3, 2, 4))
    one[:, :, 0] = 0.5
    for axis in range(3):
        one[axis, :, axis + 1] = 0.5, -0.5
    m = one if qubits == 1 else np.einsum("sbi,tcj->stbcij", one, one)
    return np.ascontiguousarray(m.reshape(6**qubits, 4**qubits))


def _all_settings(vector: Real, n: int) -> Real:
    """p(b | s) of all 3^n settings, from the last qubits to the first."""
    x = np.reshape(vector, (-1, 1, 1))  # (members and) strings of the qubits to come, settings, outcomes of those done
    for k in _groups(n):
        _, settings, outcomes = x.shape
        if settings == 1:
            y = x.reshape(-1, 4**k) @ _group_map(k).T
        else:
            y = _group_map(k) @ x.reshape(-1, 4**k, settings * outcomes)
        y = y.reshape(-1, 3**k, 2**k, settings, outcomes).swapaxes(2, 3)
        x = y.reshape(-1, 3**k * settings, 2**k * outcomes)
    return x.reshape(*vector.shape[:-1], 6**n)


def _all_settings_adjoint(weights: Real, n: int) -> Real:
    """The transposed map, from the first qubits to the last."""
    x = np.reshape(weights, (1, 3**n, 2**n))
    for k in reversed(_groups(n)):
        settings, outcomes = x.shape[1] // 3**k, x.shape[2] // 2**k
        y = x.reshape(-1, 3**k, settings, 2**k, outcomes).swapaxes(2, 3)
        if settings == 1:
            x = y.reshape(-1, 6**k) @ _group_map(k)
        else:
            x = _group_map(k).T @ y.reshape(-1, 6**k, settings * outcomes)
        x = x.reshape(-1, settings, outcomes)
    return x.reshape(-1)
