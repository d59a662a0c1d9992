r"""Maps on a few active sites as lists of the rows that they act on.

A block of a sweep has one row for each of the 4^k components of its k active sites. Nearly every map is a small matrix,
the same for many tuples of rows: a 4 x 4 matrix on one site acts on 4^(k - 1) quadruples, a rotation about a string on
pairs. So a sweep is compiled, once for each program, to *segments*: a matrix, and the tuples of rows that it acts on.
What need not be computed is not:

* a signed permutation of components (a Clifford gate) moves no row: it changes which row holds which component;
* a diagonal map (depolarizing, dephasing, a sign) is a factor that a component waits with until its row is next
  multiplied by a matrix, or until the end: what is common to all components of a tuple waits on, the rest goes into the
  matrix;
* the row of I is left alone by what preserves the trace, and not read by what maps 1 to 1.

For derivatives the input of every matrix is needed again. So there is a second list of rows for each segment, in which
every output is a new row: the *history* of the block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qml._typing import Integer, Real
from qml.engines._llvm.language import LANES
from qml.engines.compile.steps import Joined

UNITAL, AFFINE, GENERAL, TRANSLATION, TURN, DENSE, SPARSE, SCALE = range(8)
"""Kinds of segments; the matrix acts on so many rows, of which it changes the last so many, see :data:`SHAPES`:

* ``UNITAL``, ``AFFINE``, ``GENERAL``: a 4 x 4 matrix on one site, whose coefficients start at FIRST: its rows and
  columns X, Y, Z, its rows X, Y, Z, or all of it;
* ``TRANSLATION``: one of which only the last row is not diagonal, with entries at I and Z; what else is diagonal waits;
* ``TURN``: exp(-i theta P / 2) on components Q, Q' = -i Q P: (cos, sin; -sin, cos), with cos and sin at FIRST;
* ``DENSE``: a 16 x 16 matrix on two sites;
* ``SPARSE``: a matrix on more sites, of which entries that are zero in every lane are left out;
* ``SCALE``: single rows times factors that waited, which start at FACTORS.
"""
SHAPES = ((3, 3), (3, 4), (4, 4), (1, 2), (2, 2), (16, 16), (0, 0), (1, 1))
"""How many rows each kind changes, and on how many it acts; ``SPARSE``: as many as its sites have components."""

KIND, FIRST, FREE, FACTORS, ROWS, COUNT, HISTORY, SUMS, BOUND, CHANGED, SIDE = range(11)
"""Columns of the table of segments: the kind; where its coefficients start; whether they are differentiated (2: and
this is the first segment that has them); where the factors start that wait at its columns; where its tuples of rows
start, and how many they are; where their rows in the history start; where its sums and its bound matrix start among
those of the sweep; how many rows of a tuple it changes, and how many a tuple has."""

SMALLEST = 1e-100
"""Factors below this do not wait on: their inverse may be large."""
MOST_PATTERNS, MOST_ENTRIES = 8, 16**2
"""Different factors waiting before a matrix, at most, and entries of a matrix of which there is more than one for them;
else they are multiplied into the rows first."""


class Rows(NamedTuple):
    """A compiled sweep: the table of segments, the rows and factors that it refers to, and the room it needs.

    `rows` begins with the row of each component at the end, `factors` with the factors that wait there. For derivatives
    the first `needed` segments are run in the history, which has so many rows.
    """

    segments: Integer
    rows: Integer
    factors: Real
    needed: int
    history: int
    sums: int
    bound: int


class RowCompiler:
    """Takes the maps of a sweep on k active sites, in order of application; positions count from the first site."""

    def __init__(self, k: int) -> None:
        self._grid = np.arange(4**k).reshape((4,) * k)
        self._row = np.arange(4**k)  # of each component
        self._history_row = np.arange(4**k)
        self._waiting = np.ones(4**k)
        self._n_history = 4**k
        self._segments: list[list[int]] = []
        self._rows, self._factors = Joined(self._row), Joined(self._waiting)  # which begin with how these end
        self._n_sums = self._n_bound = 0
        self._needed, self._needed_history = 0, 4**k

    def _components(self, *positions: int) -> Integer:
        """The components in tuples (..., 4^m), in which the digits at the m positions count, the first one most."""
        m = len(positions)
        return np.moveaxis(self._grid, positions, range(-m, 0)).reshape(-1, 4**m)

    # nothing to compute ----------------------------------------------------------------------------------------------

    def permute(self, positions: tuple[int, ...], places: Integer, factors: Real) -> None:
        """Component a goes to places[a], times factors[a]."""
        source = self._components(*positions)
        target = source[:, places]
        for held in (self._row, self._history_row, self._waiting):
            held[target] = held[source]
        self._waiting[target] *= factors

    # matrices --------------------------------------------------------------------------------------------------------

    def site(self, positions: tuple[int, ...], kind: int, first: int, free: bool) -> None:
        """A matrix on one site: UNITAL, AFFINE or GENERAL."""
        self._multiply(kind, self._components(*positions)[:, 4 - SHAPES[kind][1] :], first, free)

    def translate(self, positions: tuple[int, ...], diagonal: Real, first: int) -> None:
        """A fixed matrix on one site that is diagonal but for its entry (Z, I)."""
        components = self._components(*positions)
        self._waiting[components[:, 1:3]] *= diagonal[1:3]
        self._multiply(TRANSLATION, components[:, [0, 3]], first, False)

    def turn(self, positions: tuple[int, ...], string: int, first: int, free: bool) -> None:
        """exp(-i theta P / 2); P has one base-4 digit a position in `string`."""
        targets, signs = turned(string, len(positions))
        pairs = np.array([(q, to) for q, (to, sign) in enumerate(zip(targets, signs, strict=True)) if sign > 0])
        components = self._components(*positions)[:, pairs].reshape(-1, 2)
        self._multiply(TURN, components, first, free)

    def dense(self, positions: tuple[int, ...], first: int, free: bool) -> None:
        """A matrix on several sites, over them in the order listed."""
        self._multiply(DENSE if len(positions) == 2 else SPARSE, self._components(*positions), first, free)

    def _multiply(self, kind: int, components: Integer, first: int, free: bool) -> None:
        """A matrix on each tuple of `components` (t, q)."""
        q = components.shape[1]
        p = SHAPES[kind][0] or q
        patterns, which, left = self._patterns(kind, p, components)
        if len(patterns) > (MOST_PATTERNS if p * q <= MOST_ENTRIES else 1):
            self._settle(components)
            patterns, which, left = self._patterns(kind, p, components)
        self._waiting[components[:, q - p :]] = left
        sums, lead = self._n_sums, 2
        if free:
            self._n_sums += 2 if kind == TURN else p * q
            self._needed, self._needed_history = len(self._segments), self._n_history
        for number, pattern in enumerate(patterns):
            self._segment(kind, p, first, lead if free else 0, pattern, components[which == number], sums)
            lead = 1

    def _patterns(self, kind: int, p: int, components: Integer) -> tuple[Real, Integer, Real]:
        """The different factors taken into the matrix (m, ...), which of them by each tuple, and what waits after."""
        waiting = self._waiting[components]
        common = waiting[:, -1:]  # what a whole tuple waits with, waits on
        common = np.where(np.abs(common) > SMALLEST, common, np.where(common < 0, -1.0, 1.0))
        taken, left = waiting / common, np.repeat(common, p, axis=1)
        if kind == TURN:  # so do (s, s) and (s, -s), and the latter changes the sign of the angle
            alike = np.abs(taken[:, 0]) == np.abs(taken[:, 1])
            turning = np.where(alike, np.sign(taken[:, 0]) * np.sign(taken[:, 1]), 1.0)
            left = np.where(alike[:, None], waiting, left)
            taken = np.column_stack([np.where(alike[:, None], 1.0, taken), turning])
        if (taken == taken[0]).all():
            return taken[:1], np.zeros(len(taken), dtype=np.int64), left
        patterns, which = np.unique(taken, axis=0, return_inverse=True)
        return patterns, which.reshape(-1), left

    def _settle(self, components: Integer) -> None:
        """Multiply what waits at these components into their rows."""
        late = np.unique(components[self._waiting[components] != 1.0])
        factors = self._waiting[late]
        self._segment(SCALE, 1, 0, 0, factors, late[:, None], 0)
        self._waiting[late] = 1.0

    def _segment(self, kind: int, p: int, first: int, free: int, factors: Real, components: Integer, sums: int) -> None:
        q = components.shape[1]
        before = self._history_row[components]
        after = self._n_history + np.arange(p * len(components)).reshape(-1, p)
        self._n_history += after.size
        self._history_row[components[:, q - p :]] = after
        rows = self._rows.add(self._row[components].ravel())
        history = self._rows.add(np.concatenate([before, after], axis=1).ravel())
        factor = self._factors.add(factors.ravel())
        own = [kind, first, free, factor, rows, len(components), history, sums, self._n_bound, p, q]
        self._segments.append(own)
        self._n_bound += 0 if kind == SCALE else p * q

    # the end ---------------------------------------------------------------------------------------------------------

    def finish(self) -> Rows:
        """Everything so far."""
        table = np.array(self._segments, dtype=np.int64).reshape(-1, SIDE + 1)
        rows: Integer = (self._rows.array() * LANES).astype(np.uint32)
        return Rows(table, rows, self._factors.array(), self._needed, self._needed_history, self._n_sums, self._n_bound)


def turned(string: int, sites: int) -> tuple[Integer, Real]:
    """(targets, signs): -i Q P = sign * target for strings Q that anticommute with P, the others have the sign 0."""
    letters, phases = np.arange(4**sites), np.zeros(4**sites, dtype=np.int64)
    for site in range(sites):
        phases += _PHASES[(letters >> 2 * site) & 3, (string >> 2 * site) & 3]
    signs = np.select([phases % 4 == 1, phases % 4 == 3], [1.0, -1.0])
    return letters ^ string, signs


_PHASES = np.array([[0, 0, 0, 0], [0, 0, 1, 3], [0, 3, 0, 1], [0, 1, 3, 0]])
"""The e with Q P = i^e (Q xor P) of two letters I, X, Y, Z = 0, 1, 2, 3."""
