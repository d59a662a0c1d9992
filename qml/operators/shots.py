"""What shots in product bases say of Pauli strings: estimates, and how these vary together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Integer, Real
from qml.operators.strings import digits_of

AT_ONCE = 1 << 22
"""Signs of strings that are held at a time."""
MOST = 1e290
"""Sums of weights up to this exist."""


def string_estimates(labels: Sequence[str], records: Mapping[str, Any]) -> tuple[Real, Real]:
    r"""The mean sign of each Pauli string over all shots that tell it, (m,), and the covariance of these means (m, m).

    .. math:: \hat m_j = \frac{1}{N_j} \sum_{s \ni j} \sum_{i} v_{ij}, \qquad
        C_{jk} = \frac{1}{N_j N_k} \sum_{s \ni j, k} \sum_i (v_{ij} - \hat m_j)(v_{ik} - \hat m_k)

    over the settings s whose letters agree with those of the string, and their shots i with signs v = +-1.

    Raises
    ------
    InputError
        For a setting or an outcome that is not one, or a string that no setting tells.
    """
    digits = digits_of(labels)
    m, n = digits.shape
    _checks.memory(f"the covariance of {m} expectations", 16 * m * m, "ask for fewer expectations")
    read = [(where, *_outcomes(where, outcomes, n)) for where, outcomes in _checks.mapping("records", records).items()]
    totals, sums = np.zeros(m), np.zeros(m)
    told = [np.flatnonzero(((digits == 0) | (digits == letters)).all(axis=1)) for letters in _settings(read, n)]
    for (_, bits, weights), strings in zip(read, told, strict=True):
        totals[strings] += weights.sum()
        for rows, signs in _signs(bits, digits[strings]):
            sums[strings] += weights[rows] @ signs
    if not totals.all():
        label = labels[int(np.argmin(totals))]
        raise InputError(
            f"no shot tells the string {label}: it takes a setting with the letters of {label} where they are not I."
        )
    means, covariance = sums / totals, np.zeros((m, m))
    for (_, bits, weights), strings in zip(read, told, strict=True):
        for rows, signs in _signs(bits, digits[strings]):
            centred = signs - means[strings]
            covariance[np.ix_(strings, strings)] += (centred * weights[rows, None]).T @ centred
    return means, covariance / totals / totals[:, None]


def _settings(read: Sequence[tuple[str, Integer, Real]], n: int) -> Integer:
    for word, _, _ in read:
        if not isinstance(word, str) or len(word) != n or set(word) - set("XYZ"):
            raise InputError(
                f"a setting must have a letter X, Y or Z for each of the {n} qubits; found {_checks.shown(word)}."
            )
    return digits_of([word for word, _, _ in read])


def _outcomes(setting: Any, outcomes: Any, n: int) -> tuple[Integer, Real]:
    """Bits (shots, n), and how often each row was seen."""
    what = f"the outcomes of {_checks.shown(setting)}"
    if isinstance(outcomes, Mapping):
        words = list(outcomes)
        for word in words:
            if not isinstance(word, str) or len(word) != n or set(word) - set("01"):
                raise InputError(f"{what} must be words of {n} bits; found {_checks.shown(word)}.")
        weights = _checks.reals(what, [outcomes[w] for w in words])
        if (weights < 0).any():
            raise InputError(f"{what} must have counts of at least 0; found {weights.min():.6g}.")
        if weights.max(initial=0.0) > MOST:
            raise InputError(f"{what} must have counts of at most {MOST:.0e}; found {weights.max():.6g}.")
        letters = np.frombuffer("".join(words).encode(), dtype=np.uint8).reshape(len(words), n)
        return letters.astype(np.int64) - ord("0"), weights
    try:
        bits = np.ma.filled(outcomes, -1)
    except ValueError:  # rows of different lengths
        bits = np.empty(0)
    if bits.ndim != 2 or bits.shape[1] != n or bits.dtype.kind not in "biu" or ((bits != 0) & (bits != 1)).any():
        raise InputError(
            f"{what} must be an array of bits 0 and 1, (shots, {n}), or counts by words of {n} bits; found "
            f"{_checks.shown(outcomes)}."
        )
    return bits, np.ones(len(bits))


def _signs(bits: Integer, digits: Integer) -> Any:
    """Slices of the rows, and the signs of the strings in them (rows, strings)."""
    support = (digits != 0).astype(np.float64).T
    step = max(1, AT_ONCE // max(1, len(digits)))
    for first in range(0, len(bits), step):
        rows = slice(first, first + step)
        yield rows, 1.0 - 2.0 * ((bits[rows] @ support) % 2)
