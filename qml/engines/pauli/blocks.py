"""Grouping maps on a few sites into sweeps for the block kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from qml._typing import Real
from qml.engines._llvm.language import LANES
from qml.engines.compile.steps import as_permutation, is_permutation
from qml.engines.compile.windows import windows
from qml.engines.pauli import rows
from qml.engines.pauli.rows import RowCompiler, Rows

ACTIVE_SITES = 5
"""Sites of a sweep at most: it works in 64 KiB, which fit into the second cache."""
DIFFERENTIATED_SITES = 4
"""Sites of a sweep at most where the history of a block is kept."""
SMALLEST_REGISTER = 4
"""Qubits from which sweeps are used on a single vector: below it there are no eight blocks to put side by side."""
HISTORY_ROOM = 2**14
"""Rows that the history of a block of members in lanes may take: 1 MiB. Fewer would mean more vectors to keep."""
WINDOW = 64
"""How many operations ahead are looked at for one that fits into the sweep."""

Placement: TypeAlias = Callable[[RowCompiler, dict[int, int]], None]
"""Gives a map to a compiler, with the position of each site among the active ones."""


@dataclass
class _Op:
    """Maps that are applied together, on these sites; how many are to be computed; whether one is differentiated."""

    sites: tuple[int, ...]
    maps: list[Placement]
    computed: int = 0
    free: bool = False

    @property
    def active(self) -> tuple[int, ...]:
        """All of its sites."""
        return self.sites

    def take(self, other: _Op) -> None:
        """The maps of another operation, after its own."""
        self.maps += other.maps
        self.computed += other.computed
        self.free |= other.free


@dataclass(frozen=True)
class Sweep:
    """Active sites, ascending; what is done on them; whether any of it is differentiated."""

    sites: tuple[int, ...]
    rows: Rows
    free: bool


class SweepBuilder:
    """Collects maps on a few of n qubits in order of application, and groups them into sweeps.

    Maps on one site wait until one on several sites needs them, so that they cost no sweep of their own; what is left
    at the end goes where its site was last. Unless `general`, the rows of I are left out where a map allows it: then
    the coefficients of a differentiated map must be those of a map that preserves the trace.

    A sweep has at most `most` active sites, and computes at most `computed` maps.
    """

    def __init__(self, n: int, most: int, general: bool = False, computed: int | None = None) -> None:
        self.n, self.most = n, most
        self._general = general
        self._computed = math.inf if computed is None else computed
        self._ops: list[_Op] = []
        self._waiting: dict[int, _Op] = {}
        self._last: dict[int, _Op] = {}

    def fixed(self, site: int, matrix: Real, store: Callable[[Real], int]) -> None:
        """A 4 x 4 matrix of numbers; `store` says where its coefficients start, if they are needed."""
        diagonal = np.diagonal(matrix).copy()
        rest = matrix - np.diag(diagonal)
        if not rest.any():
            self._wait(site, lambda c, at: c.scale(at[site], diagonal))
        elif is_permutation(matrix):
            places, factors = as_permutation(matrix)
            self._wait(site, lambda c, at: c.permute((at[site],), places, factors))
        elif np.count_nonzero(rest) == 1 and rest[3, 0] and matrix[0, 0] == 1.0:
            first = store(matrix)
            self._wait(site, lambda c, at: c.translate(at[site], diagonal, first), computed=1)
        else:
            affine = np.array_equal(matrix[0], [1.0, 0.0, 0.0, 0.0])
            self.one(site, store(matrix), False, affine, affine and not matrix[1:, 0].any())

    def one(self, site: int, first: int, free: bool, affine: bool = False, unital: bool = False) -> None:
        """A 4 x 4 matrix whose coefficients start at `first`; whether it preserves the trace, and maps 1 to 1."""
        kind = rows.UNITAL if unital else rows.AFFINE if affine else rows.GENERAL
        kind = rows.GENERAL if self._general else kind
        self._wait(site, lambda c, at: c.site(kind, at[site], first, free), free, computed=1)

    def turn_one(self, site: int, letter: int, first: int, free: bool) -> None:
        """A rotation of one site; cos and sin start at `first`."""
        self._wait(site, lambda c, at: c.turn((at[site],), letter, first, free), free, computed=1)

    def permutation(self, sites: tuple[int, ...], matrix: Real) -> None:
        """A fixed matrix (16, 16), over (first, second site), with at most one entry in each row and column."""
        places, factors = as_permutation(matrix)
        self._append(sites, lambda c, at: c.permute(_at(sites, at), places, factors))

    def dense(self, sites: tuple[int, ...], first: int, free: bool) -> None:
        """Any matrix (16, 16), over (first, second site), whose coefficients start at `first`."""
        self._append(sites, lambda c, at: c.dense(_at(sites, at), first, free), free, computed=1)

    def turn(self, sites: tuple[int, ...], string: int, first: int, free: bool) -> None:
        """exp(-i theta P / 2) with a base-4 digit of P for each of the sites; cos and sin start at `first`."""
        self._append(sites, lambda c, at: c.turn(_at(sites, at), string, first, free), free, computed=1)

    def _wait(self, site: int, placement: Placement, free: bool = False, computed: int = 0) -> None:
        self._waiting.setdefault(site, _Op((site,), [])).take(_Op((site,), [placement], computed, free))

    def _append(self, sites: tuple[int, ...], placement: Placement, free: bool = False, computed: int = 0) -> None:
        op = _Op(sites, [])
        for site in sites:
            if site in self._waiting:
                op.take(self._waiting.pop(site))
        op.take(_Op(sites, [placement], computed, free))
        self._ops.append(op)
        self._last.update(dict.fromkeys(sites, op))

    def sweeps(self) -> list[Sweep]:
        """Everything collected so far, as sweeps in order of application."""
        for site, op in self._waiting.items():
            if site in self._last:
                self._last[site].take(op)
            else:
                self._ops.append(op)
        sweeps = []
        for chosen, sites in windows(self._ops, self.n, self.most, WINDOW, self._computed):
            compiler = RowCompiler(len(sites), LANES)
            at = {site: position for position, site in enumerate(sites)}
            for op in chosen:
                for placement in op.maps:
                    placement(compiler, at)
            sweeps.append(Sweep(sites, compiler.finish(), any(op.free for op in chosen)))
        self._ops, self._waiting, self._last = [], {}, {}
        return sweeps


def _at(sites: tuple[int, ...], at: dict[int, int]) -> tuple[int, ...]:
    return tuple(at[site] for site in sites)
