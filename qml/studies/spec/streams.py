"""Every random number of a run follows from one seed, through a stream for each use that no other use shares.

A stream is a child of ``numpy.random.SeedSequence(seed)`` whose spawn key is the place of its name in :data:`STREAMS`
and whatever tells its uses apart. So a further name, fit or point of a sweep shifts no other.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

STREAMS = ("target", "split", "fit", "point", "draw", "bases", "shots", "flips", "errors")
"""Names of the streams; append only: the place of a name is part of its numbers."""


def stream(seed: int, name: str, *uses: int) -> np.random.Generator:
    """The generator of one use of a seed.

    Examples
    --------
    >>> bool(stream(7, "target").random() == stream(7, "target").random())
    True
    >>> bool(stream(7, "target").random() == stream(7, "split").random())
    False
    """
    return np.random.default_rng(_sequence(seed, name, uses or (0,)))


def fit_seed(seed: int, index: int) -> int:
    """The seed of a fit: adding fits at the end of a study leaves those of the others as they are."""
    return _number(_sequence(seed, "fit", (index,)), 64)


def error_seed(seed: int, index: int, number: int) -> int:
    """The seed of the error bars of a fit that stand at this place in its list."""
    return _number(_sequence(seed, "errors", (index, number)), 63)


def point_seed(seed: int, replicate: int, values: Any) -> int:
    """The seed of a point of a sweep, from what it sets (JSON-like) and the number of its replicate.

    Neither the other points nor their order count: a sweep that is made finer keeps the seeds that it had.
    """
    return _number(_sequence(seed, "point", (replicate, *words(values))), 63)


def words(value: Any) -> tuple[int, ...]:
    """A JSON-like value as four words of 32 bits (SHA-256), for spawn keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))


def _sequence(seed: int, name: str, uses: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(STREAMS.index(name), *uses))


def _number(sequence: np.random.SeedSequence, bits: int) -> int:
    return int(sequence.generate_state(1, np.uint64)[0]) >> (64 - bits)
