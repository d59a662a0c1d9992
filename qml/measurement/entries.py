"""The entries of a record: one integer or weight an outcome, and how sentences name an outcome."""

from __future__ import annotations

from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Integer, Real
from qml.measurement.base import Measurement

MOST = 2**63 - 1
"""Shots that one record can hold."""


def outcome_label(shape: tuple[int, ...], outcome: int) -> str:
    """The label of one outcome of a setting of that shape."""
    return ("" if max(shape) <= 10 else ",").join(map(str, np.unravel_index(outcome, shape)))


def outcome_name(measurement: Measurement, place: int) -> str:
    """An outcome by its place in the flat list, as sentences name it."""
    s = int(np.searchsorted(measurement.offsets, place, side="right")) - 1
    label = outcome_label(measurement.outcome_shape(s), place - int(measurement.offsets[s]))
    return f"outcome {label!r} of setting {measurement.settings[s]!r} (entry {place})"


def check_possible(measurement: Measurement, counts: Any) -> None:
    """Refuse counts (n_outcomes,) of an outcome whose effect is zero."""
    impossible = (counts > 0) & (measurement.traces() <= 0)
    if impossible.any():
        name = outcome_name(measurement, int(np.argmax(impossible)))
        raise InputError(f"{name} can't occur, as its effect is zero, but was counted.")


def by_label(measurement: Measurement, values: Any, setting: int) -> dict[str, Any]:
    """Of values (n_outcomes,) those of one setting, by the labels of its outcomes."""
    start, end = measurement.offsets[setting : setting + 2]
    return dict(zip(measurement.outcome_labels(setting), values[start:end].tolist(), strict=True))


def flat(measurement: Measurement, values: Any) -> Any:
    """One number an outcome (n_outcomes,), of a flat array, a rectangular one, or one sequence a setting."""
    _checks.instance("measurement", measurement, Measurement)
    if np.ma.is_masked(values):
        raise InputError("a record of counts must have no masked entries: fill them.")
    try:
        a = np.atleast_1d(np.asarray(values))
        rows = list(a) if a.ndim > 1 and len(a) else [a]
    except ValueError:  # of different lengths
        rows = [np.asarray(row) for row in values]
    found, sizes = np.concatenate([row.reshape(-1) for row in rows]), measurement.sizes.tolist()
    if found.size != sum(sizes):
        raise InputError(
            f"there must be one number for each of the {sum(sizes)} outcomes of the measurement, zeros "
            f"included; found {found.size}."
        )
    if len(rows) > 1 and [row.size for row in rows] != sizes:
        raise InputError(
            f"rows must be the settings of the measurement, with {_checks.short(str(sizes))} outcomes; found rows of "
            f"{_checks.short(str([row.size for row in rows]))}."
        )
    return found


def integers(measurement: Measurement, values: Any) -> Integer:
    """Counts as int64 (n_outcomes,), each one checked."""
    values = flat(measurement, values)
    listed = values.tolist()
    doubtful = (values < 0) | (values > MOST) if values.dtype.kind in "iu" else np.ones(len(values), dtype=bool)
    for k in np.flatnonzero(doubtful).tolist():
        check_count(listed[k], outcome_name(measurement, k))
    counts = values.astype(np.int64)
    if counts.astype(np.float64).sum() > 0.999 * MOST:
        fits(sum(counts.tolist()))
    return np.asarray(counts)


def weights(measurement: Measurement, values: Any) -> Real:
    """Non-negative weights (n_outcomes,), each one checked."""
    w = _checks.reals("weights", flat(measurement, values))
    _refuse(measurement, w, w < 0, "a weight must not be negative")
    return _of_finite_sum("weights", w)


def frequencies(measurement: Measurement, values: Any, shots: ArrayLike) -> Real:
    """Frequencies (n_outcomes,) that add up to one in each setting, times the shots of their settings."""
    f = _checks.reals("frequencies", flat(measurement, values))
    f = np.where((f < 0) & (f >= -_checks.TOLERANCE), 0.0, f)
    _refuse(measurement, f, f < 0, "a frequency must not be negative")
    _refuse(measurement, f, f > 1 + _checks.TOLERANCE, "a frequency must not exceed one")
    totals = np.add.reduceat(f, measurement.offsets[:-1])
    s = int(np.abs(totals - 1).argmax())
    if abs(totals[s] - 1) > 1e-8:
        raise InputError(
            f"the frequencies of each setting must add up to one; found {totals[s]:.9g} in setting "
            f"{measurement.settings[s]!r}: use from_weights if they are weights."
        )
    weight = _checks.reals("shots", shots)
    if weight.shape not in ((), (len(totals),)) or (weight < 0).any():
        found = _checks.shown(shots)
        raise InputError(f"shots must be one number of at least 0, or one a setting; found {found}.")
    return _of_finite_sum("shots", f * np.repeat(np.broadcast_to(weight, totals.shape), measurement.sizes))


def _of_finite_sum(name: str, values: Real) -> Real:
    """Non-negative values (n_outcomes,) with a sum that float64 holds."""
    with np.errstate(over="ignore"):
        if not np.isfinite(values.sum()):
            raise InputError(f"{name} must add up to a number that float64 holds; they exceed 1.8e308: rescale them.")
    return values


def _refuse(measurement: Measurement, values: Real, is_wrong: np.ndarray, rule: str) -> None:
    """Refuse values (n_outcomes,) of which some are wrong."""
    if is_wrong.any():
        k = int(np.argmax(is_wrong))
        raise InputError(f"{rule}; found {values[k]:.6g} for {outcome_name(measurement, k)}.")


def check_count(value: Any, where: str) -> int:
    """A count from 0 to 2^63 - 1; `where` names the row."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or not 0 <= value <= MOST:
        may_be_weight = isinstance(value, float) or (is_integer and value > 0)
        advice = ": use Counts.from_weights if it is a weight" if may_be_weight else ""
        raise InputError(f"a count must be an integer from 0 to 2^63 - 1; found {value!r} for {where}{advice}.")
    return int(value)


def fits(total: int) -> None:
    """Refuse totals that an integer of 64 bits cannot hold."""
    if total > MOST:
        raise InputError(f"a record holds at most 2^63 - 1 shots in all; found {total}: use Counts.from_weights.")
