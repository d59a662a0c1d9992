"""Every statement by number, and the functions that check them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from qml import _checks
from qml.principle import bounds, channels, derivatives, friends, measuring, neighbors, parity, price, structure
from qml.principle.statement import Statement, Verdict

_MODULES = (bounds, channels, derivatives, friends, measuring, neighbors, parity, price, structure)
_ALL = [found for module in _MODULES for found in vars(module).values() if isinstance(found, Statement)]

STATEMENTS: dict[int, Statement] = {found.number: found for found in sorted(_ALL, key=lambda found: found.number)}
"""Every statement by number: 1 to 19 are the principle, those after it its neighbors."""
BYTES = 10_000
"""Of an instance, at most."""


def check(number: int, *, pairs: int = 10_000, seed: int = 0) -> Verdict:
    """Look for violations of one statement among random instances.

    Most draw states of dimension d = 2, 3, 4 and 6, of every rank, nearly singular ones among them; the cost grows as
    pairs d^3.

    Parameters
    ----------
    number : int
        Of :data:`STATEMENTS`.
    pairs : int
        At least how many random instances.
    seed : int
        Each statement draws from its own stream of this seed.

    Raises
    ------
    InputError
        For an unknown number, a bad seed, or other than 1 to 10^7 pairs.
    MemoryRefused
        If so many would not fit: they take up to 10 kB each.

    Examples
    --------
    >>> verdict = check(3, pairs=300)
    >>> verdict.holds, verdict.evidence.samples > 300
    (True, True)
    """
    number = _numbered(number)
    pairs = _checks.integer("pairs", pairs, low=1, high=10**7)
    _checks.memory(f"a batch of {pairs} random instances", BYTES * pairs, "check fewer pairs")
    sequence = np.random.SeedSequence(_checks.integer("seed", seed, low=0), spawn_key=(number,))
    statement, since = STATEMENTS[number], time.perf_counter()
    evidence = statement.look(np.random.default_rng(sequence), pairs)
    return Verdict(statement, evidence, time.perf_counter() - since)


def check_all(numbers: Sequence[int] | None = None, *, pairs: int = 10_000, seed: int = 0) -> Iterator[Verdict]:
    """:func:`check` for each of `numbers`, one after the other.

    Parameters
    ----------
    numbers : sequence of int, optional
        Of :data:`STATEMENTS`; by default all of them.
    pairs, seed : int
        As in :func:`check`; a statement finds the same, whichever others are checked.

    Returns
    -------
    iterator of Verdict
        Each is checked as it is asked for.

    Raises
    ------
    InputError
        At once if a number is not that of a statement, and by the first check if `pairs` or `seed` is no such integer.

    Examples
    --------
    >>> [verdict.holds for verdict in check_all([3, 4], pairs=100)]
    [True, True]
    """
    given = STATEMENTS if numbers is None else _checks.listed("numbers", numbers, "numbers of statements")
    chosen = [_numbered(number) for number in given]
    return (check(number, pairs=pairs, seed=seed) for number in chosen)


def _numbered(number: int) -> int:
    return _checks.integer("number", number, low=1, high=len(STATEMENTS))
