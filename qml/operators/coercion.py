"""What stands for a Pauli sum: itself, one string, or a mapping of strings to coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from qml import _checks
from qml._checks import InputError
from qml.operators.pauli_sum import PauliSum, pauli

PauliLike: TypeAlias = PauliSum | str | Mapping[str, complex]
"""A Pauli sum: itself, one string, or a mapping of strings to coefficients."""


def as_pauli_sum(value: PauliLike, name: str = "the operator") -> PauliSum:
    """A Pauli sum, from one, from a string ("XX"), or from a mapping of strings to coefficients.

    Parameters
    ----------
    value : PauliSum, str or mapping of str to complex
    name : str
        What the error calls it.

    Returns
    -------
    PauliSum

    Raises
    ------
    InputError
        If `value` is of another kind.

    Examples
    --------
    >>> as_pauli_sum("XX") == pauli("XX")
    True
    >>> print(as_pauli_sum({"ZZ": 1.0, "XI": 0.5}))
    ZZ + 0.5*XI
    """
    if isinstance(value, PauliSum):
        return value
    if isinstance(value, str):
        return pauli(value)
    if isinstance(value, Mapping):
        return PauliSum.from_terms(value)
    raise InputError(
        f"{name} must be a PauliSum, a string such as 'XX' or a mapping such as {{'XX': 0.5}}; found "
        f"{_checks.shown(value)}."
    )
