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


def by_label(measurement: Measurement, values: Any, setting: int) -> dict[str, Any]:
    """Of values (n_outcomes,) those of one setting, by the labels of its outcomes."""
    start, end = measurement.offsets[setting : setting + 2]
    return dict(zip(measurement.outcome_labels(setting), values[start:end].tolist(), strict=True))


def flat(values: Any) -> Any:
    """One flat array from a flat one, a rectangular one, or one sequence a setting."""
    try:
        return np.asarray(values).reshape(-1)
    except ValueError:
        return np.concatenate([np.asarray(row).reshape(-1) for row in values])


def one_an_outcome(measurement: Measurement, values: Any) -> None:
    """Refuse values that are not one number for each outcome."""
    if not isinstance(measurement, Measurement):
        raise InputError(f"measurement must be a Measurement; found {type(measurement).__name__}.")
    if values.shape != (measurement.n_outcomes,):
        raise InputError(
            f"there must be one number for each of the {measurement.n_outcomes} outcomes of the measurement, zeros "
            f"included; found {values.size}."
        )


def integers(measurement: Measurement, values: Any) -> Integer:
    """Counts as int64 (n_outcomes,), each one checked."""
    one_an_outcome(measurement, values)
    if values.dtype.kind not in "iu":
        for k, value in enumerate(values.tolist()):
            check_count(value, outcome_name(measurement, k))
    else:
        bad = (values < 0) | (values > MOST)
        if bad.any():
            k = int(np.argmax(bad))
            check_count(int(values[k]), outcome_name(measurement, k))
    counts = values.astype(np.int64)
    if counts.astype(np.float64).sum() > 0.999 * MOST:
        fits(sum(counts.tolist()))
    return np.asarray(counts)


def weights(measurement: Measurement, values: Any) -> Real:
    """Non-negative weights (n_outcomes,), each one checked."""
    w = _checks.reals("weights", flat(values))
    one_an_outcome(measurement, w)
    _refuse(measurement, w, w < 0, "a weight must not be negative")
    return _of_finite_sum("weights", w)


def frequencies(measurement: Measurement, values: Any, shots: ArrayLike) -> Real:
    """Frequencies (n_outcomes,) that add up to one in each setting, times the shots of their settings."""
    f = _checks.reals("frequencies", flat(values))
    one_an_outcome(measurement, f)
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
        advice = (
            ": use Counts.from_weights if it is a weight"
            if isinstance(value, float) or (is_integer and value > 0)
            else ""
        )
        raise InputError(f"a count must be an integer from 0 to 2^63 - 1; found {value!r} for {where}{advice}.")
    return int(value)


def fits(total: int) -> None:
    """Refuse totals that an integer of 64 bits cannot hold."""
    if total > MOST:
        raise InputError(f"a record holds at most 2^63 - 1 shots in all; found {total}: use Counts.from_weights.")
