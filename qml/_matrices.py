"""What matrices and probabilities must be: the checks of what quantum mechanics asks, each with its message."""

from __future__ import annotations

import sys

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Numeric, Real

DIFFERENCE = 1e-4
"""What the violation of an operator of which an expectation is asked is measured against at least: a difference of two
states may be their rounding, which is below 1e-14."""


def square(name: str, matrix: ArrayLike, dim: int | None = None) -> Complex:
    """A complex array of shape (..., d, d), with d = `dim` when it is given."""
    a = _checks.array(name, matrix)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2] or a.size == 0:
        raise InputError(f"{name} must have shape (..., d, d); found shape {a.shape}.")
    if dim is not None and a.shape[-1] != dim:
        raise InputError(f"{name} must act on dimension {dim}; found a matrix of shape {a.shape}.")
    return a.astype(np.complex128, copy=False)


def hermitian(
    name: str, matrix: ArrayLike, dim: int | None = None, remedy: str = "scale it", least: float = 0.0
) -> Complex:
    """A Hermitian array (..., d, d); the violation max|A - A^dagger| is measured against max|A|, whatever its unit, or
    against `least` where entries have that size and what is small beside it is rounding."""
    a = square(name, matrix, dim)
    limit = _checks.TOLERANCE * max(least, summable(name, a, remedy))
    violation = float(np.abs(a - a.conj().swapaxes(-1, -2)).max(initial=0.0))
    if violation > limit:
        raise InputError(
            f"{name} must be Hermitian; found max|A - A^dagger| = {violation:.3g}, tolerance {limit:.3g}: "
            "pass (A + A.conj().T) / 2 if its Hermitian part is meant."
        )
    return a


def summable(name: str, a: Numeric, remedy: str) -> float:
    """The size of the largest entry (..., d), if sums along rows, and so eigenvalues and their differences, exist."""
    with np.errstate(over="ignore"):  # of a complex number whose parts float64 holds
        sizes = abs(a)
    largest, limit = float(sizes.max(initial=0.0)), sys.float_info.max / (4 * a.shape[-1])
    if not largest <= limit:  # or not a number
        raise InputError(
            f"{name} must have entries of size up to {limit:.3g}, so that sums of them exist; found {largest:.3g}: "
            f"{remedy}."
        )
    return largest


def unitary(name: str, matrix: ArrayLike) -> Complex:
    """A unitary array (..., d, d)."""
    a = square(name, matrix)
    with np.errstate(over="ignore", invalid="ignore"):
        violation = np.abs(a.conj().swapaxes(-1, -2) @ a - np.eye(a.shape[-1])).max(axis=(-2, -1)).ravel()
    worst = int(violation.argmax())
    if not violation[worst] <= _checks.TOLERANCE:
        place = f" at {worst}" if a.ndim > 2 else ""
        raise InputError(
            f"{name} must be unitary; found max|U^dagger U - 1| = {violation[worst]:.3g}{place}, tolerance "
            f"{_checks.TOLERANCE}."
        )
    return a


def normaliser(total: Real, dim: int) -> Real:
    """What an input of this total (...), one within the tolerance, is divided by: the total, or 1 where it is one to
    rounding, within 8 dim eps, so that what is normalised is kept to the bit."""
    return np.where(np.abs(total - 1) <= 8 * dim * np.finfo(np.float64).eps, 1.0, total)


def probabilities(name: str, values: ArrayLike) -> Real:
    """Non-negative real numbers (..., r) that sum to one along the last axis within the tolerance, over their sum."""
    p = _checks.reals(name, values)
    if p.ndim < 1 or p.size == 0:
        raise InputError(f"{name} must have shape (..., r) with r >= 1; found shape {p.shape}.")
    if (p < 0).any():
        at = np.argwhere(p < 0)[0]
        raise InputError(f"{name} must be non-negative; found {p[tuple(at)]:.6g} at index {tuple(map(int, at))}.")
    with np.errstate(over="ignore"):
        total = p.sum(axis=-1)
        worst = float(np.abs(total - 1).max(initial=0.0))
    if worst > _checks.TOLERANCE:
        raise InputError(
            f"{name} must sum to one within {_checks.TOLERANCE}; found one off by {worst:.3g}: divide by the sum."
        )
    return p / normaliser(total, p.shape[-1])[..., None]


def power_of_two(a: Numeric, axis: int = 0) -> Real:
    """A power of two near the largest entry along an axis, by which dividing rounds nothing and squares exist."""
    largest = np.maximum(np.abs(a.real), np.abs(a.imag)).max(axis=axis)
    normal = np.maximum(largest, np.finfo(np.float64).tiny)  # whose inverse exists
    return np.asarray(np.exp2(np.floor(np.log2(np.where(largest > 0, normal, 1.0)))))
