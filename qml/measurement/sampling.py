"""Simulated measurement: shots of a state."""

from __future__ import annotations

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Integer, Real
from qml.measurement.base import Measurement
from qml.measurement.counts import Counts
from qml.measurement.entries import MOST
from qml.states.coercion import StateLike, one_state


def sample(state: StateLike, measurement: Measurement, shots: ArrayLike, rng: np.random.Generator) -> Counts:
    """The counts of independent shots on fresh copies of a state: one multinomial draw a setting.

    Parameters
    ----------
    state : State, matrix (d, d), vector (d,) or Qobj
        One state, with the dims of the measurement.
    measurement : Measurement
    shots : int or array of int (settings,)
        Of each setting.
    rng : numpy Generator

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        For a batch of states, other dims, or shots that are not integers of at least 0.

    Notes
    -----
    The counts n_k of a setting s with N_s shots follow the multinomial law with p_k = Tr(M_k sigma).

    Costs the probabilities and one binomial draw an outcome, whatever the number of shots.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.measurement import PauliMeasurement
    >>> from qml.states import ghz
    >>> sample(ghz(2), PauliMeasurement(["ZZ"]), 1000, np.random.default_rng(0))["ZZ"]
    {'00': 479, '01': 0, '10': 0, '11': 521}
    """
    _checks.instance("measurement", measurement, Measurement)
    state = one_state(state, dims=measurement.dims)
    _checks.generator("rng", rng)
    each = shots_of(shots, len(measurement.settings))
    return Counts(measurement, draw(measurement.probabilities(state), measurement, each, rng))


def draw(probabilities: Real, measurement: Measurement, shots: Integer, rng: np.random.Generator) -> Integer:
    """Counts (n_outcomes,) from probabilities (n_outcomes,) with rounding errors, and shots (settings,)."""
    sizes = measurement.sizes
    if (sizes == sizes[0]).all():
        return multinomial(shots, probabilities.reshape(len(sizes), -1), rng).reshape(-1)
    rows = np.split(probabilities, measurement.offsets[1:-1])
    return np.concatenate([multinomial(n, p, rng) for n, p in zip(shots, rows, strict=True)])


def multinomial(shots: Integer | int, probabilities: Real, rng: np.random.Generator) -> Integer:
    """Multinomial draws (..., K) from probabilities (..., K) that may be negative or not normalised by rounding.

    The likeliest outcome is drawn last, since NumPy gives the last one all shots that rounding leaves over.
    """
    p = np.clip(probabilities, 0.0, None)
    p /= p.sum(axis=-1, keepdims=True)
    top = p.argmax(axis=-1)[..., None]
    last = p[..., -1:].copy()
    p[..., -1:] = np.take_along_axis(p, top, -1)
    np.put_along_axis(p, top, last, -1)
    p[..., -1] = np.maximum(1.0 - p[..., :-1].sum(axis=-1), 0.0)
    counts = rng.multinomial(shots, p)
    last_counts = counts[..., -1:].copy()
    counts[..., -1:] = np.take_along_axis(counts, top, -1)
    np.put_along_axis(counts, top, last_counts, -1)
    return np.asarray(counts, dtype=np.int64)


def shots_of(shots: ArrayLike, settings: int) -> Integer:
    """Shots (settings,) of each setting, from one number or one for each."""
    _checks.array("shots", shots)
    n = np.asarray(shots)
    if n.dtype.kind not in "iu" or n.shape not in ((), (settings,)) or (n < 0).any():
        raise InputError(
            f"shots must be an integer of at least 0, or {_checks.plural(settings, 'integer')}, one a setting; "
            f"found {_checks.shown(shots)}."
        )
    if float(n.astype(np.float64).sum()) * (settings if n.ndim == 0 else 1) > 0.999 * MOST:
        raise InputError(f"shots must be fewer than 2^63 in all settings together; found {_checks.shown(shots)}.")
    return np.broadcast_to(n, (settings,)).astype(np.int64)
