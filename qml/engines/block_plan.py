"""Grouping maps on one and two sites into sweeps for the block kernels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qml._typing import Integer, Real
from qml.engines import block_kernels as kernels

ACTIVE_SITES = 4
"""Sites of a sweep at most: its buffer, 4^4 * 8 numbers of 8 bytes, is half of a usual L1 cache."""
SMALLEST_REGISTER = 4
"""Qubits from which sweeps are used: below it there are no eight blocks to put side by side."""
WINDOW = 64
"""How many operations ahead are looked at for one that fits into the sweep."""


@dataclass
class _Op:
    """One row of ``ops``, on sites not yet numbered within a sweep; ``high`` < ``low``."""

    kind: int
    high: int
    low: int
    first: int = -1
    second: int = -1
    core: int = 0
    free: int = 0


@dataclass
class Cores:
    """The distinct permutations with factors (or partners with signs) that operations refer to by number."""

    places: list[Integer] = field(default_factory=lambda: [np.arange(16)])
    factors: list[Real] = field(default_factory=lambda: [np.ones(16)])

    def add(self, places: Integer, factors: Real) -> int:
        """The number of a core, an equal one's if there is one."""
        for number, (p, f) in enumerate(zip(self.places, self.factors, strict=True)):
            if np.array_equal(p, places) and np.array_equal(f, factors):
                return number
        self.places.append(places)
        self.factors.append(factors)
        return len(self.places) - 1

    def arrays(self) -> tuple[Integer, Real]:
        """(places, factors), each (number of cores, 16)."""
        return np.array(self.places, dtype=np.int64), np.array(self.factors)


@dataclass(frozen=True)
class Sweep:
    """Active sites, ascending; the table of operations on them; whether any of them is differentiated."""

    sites: tuple[int, ...]
    ops: Integer
    free: bool

    def shifts(self, n: int) -> list[int]:
        """The bit shifts of the active sites in the index of a vector of n qubits, ascending."""
        return [2 * (n - 1 - site) for site in reversed(self.sites)]


class SweepBuilder:
    """Collects maps on one and two of n qubits in order of application, and groups them into sweeps.

    A map on one site waits until one on two sites needs it, so that most cost nothing of their own; a diagonal one that
    follows a permutation on its site is multiplied into the permutation's factors. Pairs of sites are ascending.
    """

    def __init__(self, n: int, cores: Cores) -> None:
        self.n = n
        self.cores = cores
        self._ops: list[_Op] = []
        self._waiting: dict[int, tuple[int, bool]] = {}
        self._last: dict[int, _Op] = {}

    def fold(self, site: int, diagonal: Real) -> bool:
        """Multiply a fixed diagonal map into the last operation on its site, if that is a permutation."""
        op = self._last.get(site)
        if op is None or op.kind != kernels.PAIR or site in self._waiting:
            return False
        places, factors = self.cores.places[op.core], self.cores.factors[op.core]
        digit = places >> 2 if site == op.high else places & 3
        op.core = self.cores.add(places, factors * diagonal[digit])
        return True

    def one(self, site: int, start: int, free: bool) -> None:
        """A 4 x 4 matrix whose coefficients begin at `start`."""
        self._waiting[site] = (start, free)

    def permutation(self, sites: tuple[int, int], matrix: Real) -> None:
        """A fixed matrix (16, 16), over (lower, higher site), with at most one entry in each row and column."""
        places, factors = as_permutation(matrix)
        self._pair(sites, self.cores.add(places, factors))

    def dense(self, sites: tuple[int, int], start: int, free: bool) -> None:
        """Any matrix (16, 16), over (lower, higher site), whose coefficients begin at `start`."""
        self._place(_Op(kernels.DENSE, *sites, first=start, free=int(free)))

    def turn(self, sites: tuple[int, int], string: int, start: int, free: bool) -> None:
        """exp(-i theta P / 2), P given by its two base-4 digits over (lower, higher site); cos and sin at `start`."""
        core = self.cores.add(*turn_table(string))
        self._place(_Op(kernels.TURN, *sites, first=start, core=core, free=int(free)))

    def _place(self, op: _Op) -> None:
        if op.high in self._waiting or op.low in self._waiting:
            self._pair((op.high, op.low), 0)
        self._append(op)

    def _pair(self, sites: tuple[int, int], core: int) -> None:
        high, low = sites
        first, free_first = self._waiting.pop(high, (-1, False))
        second, free_second = self._waiting.pop(low, (-1, False))
        self._append(_Op(kernels.PAIR, high, low, first, second, core, free_first | free_second << 1))

    def _append(self, op: _Op) -> None:
        self._ops.append(op)
        self._last[op.high] = self._last[op.low] = op

    def sweeps(self) -> list[Sweep]:
        """Everything collected so far, as sweeps in order of application."""
        left = sorted(self._waiting)
        if len(left) % 2:
            left.append(left[-1] - 1 if left[-1] else 1)
        for high, low in zip(left[::2], left[1::2], strict=True):
            self._pair((min(high, low), max(high, low)), 0)
        sweeps = []
        todo = self._ops
        while todo:
            chosen, todo, sites = self._choose(todo)
            number = {site: position for position, site in enumerate(sites)}
            rows = [[o.kind, number[o.high], number[o.low], o.first, o.second, o.core, o.free] for o in chosen]
            sweeps.append(Sweep(sites, np.array(rows, dtype=np.int64), any(o.free for o in chosen)))
        self._ops, self._last = [], {}
        return sweeps

    def _choose(self, todo: list[_Op]) -> tuple[list[_Op], list[_Op], tuple[int, ...]]:
        """Operations of one sweep, those left for later, and the active sites."""
        most = min(ACTIVE_SITES, self.n - 2)
        active: set[int] = set()
        blocked: set[int] = set()
        chosen: list[_Op] = []
        left: list[_Op] = []
        for position, op in enumerate(todo):
            if position >= WINDOW or len(blocked) >= self.n - 1:
                left.extend(todo[position:])
                break
            wanted = active | {op.high, op.low}
            if not blocked & {op.high, op.low} and len(wanted) <= most:
                active = wanted
                chosen.append(op)
            else:
                blocked |= {op.high, op.low}
                left.append(op)
        return chosen, left, tuple(sorted(active))


def swap_sites(matrices: Real) -> Real:
    """Matrices (..., 16, 16) over (b, a), from those over (a, b)."""
    return np.moveaxis(matrices.reshape(-1, 4, 4, 4, 4), (1, 3), (2, 4)).reshape(matrices.shape)


def is_permutation(matrix: Real) -> bool:
    """Whether there is at most one entry in each row and column."""
    filled = matrix != 0.0
    return bool((filled.sum(axis=0) <= 1).all() and (filled.sum(axis=1) <= 1).all())


def as_permutation(matrix: Real) -> tuple[Integer, Real]:
    """(places, factors): component b goes to places[b], times factors[b]. Empty columns go where nothing else does."""
    filled = matrix != 0.0
    places = np.where(filled.any(axis=0), filled.argmax(axis=0), -1)
    free = [a for a in range(len(matrix)) if a not in set(places.tolist())]
    for b in np.flatnonzero(places < 0):
        places[b] = b if b in free else free[0]
        free.remove(int(places[b]))
    return places.astype(np.int64), matrix[places, np.arange(len(matrix))].copy()


def turn_table(string: int) -> tuple[Integer, Real]:
    """(partners, signs) of the rotation about a string of two letters: Q turns to sign * Q P where they anticommute."""
    partners = np.arange(16) ^ string
    signs = np.zeros(16)
    for q in range(16):
        e = _phase(q >> 2, string >> 2) + _phase(q & 3, string & 3)
        signs[q] = {1: 1.0, 3: -1.0}.get(e % 4, 0.0)
    return partners.astype(np.int64), signs


def _phase(q: int, p: int) -> int:
    """The e with Q P = i^e (Q xor P) of two letters I, X, Y, Z = 0, 1, 2, 3."""
    return 0 if q == 0 or p == 0 or q == p else (1 if (p - q) % 3 == 1 else 3)
