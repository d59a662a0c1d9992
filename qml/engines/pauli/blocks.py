"""Grouping maps on a few sites into sweeps for the block kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from qml._typing import Real
from qml.engines.compile.steps import as_permutation, is_permutation
from qml.engines.compile.windows import Operation, windows
from qml.engines.pauli import rows
from qml.engines.pauli.rows import RowCompiler, Rows

ACTIVE_SITES = 5
"""Sites of a sweep at most: it works in 64 KiB, which fit into the second cache."""
DIFFERENTIATED_SITES = 4
"""Sites of a sweep at most where the history of a block is kept."""
ALONE_UP_TO = 4
"""Qubits of a register that is one block, though it fills one lane of eight."""
HISTORY_ROOM = 2**14
"""Rows that the history of a block of the whole register may take: 1 MiB. Fewer would mean more vectors to keep."""
WINDOW = 64
"""How many operations ahead are looked at for one that fits into the sweep."""


@dataclass(frozen=True)
class Map:
    """A map on some sites: how it is given to a compiler, with their positions among the active ones; whether it is to
    be computed; whether it is differentiated."""

    sites: tuple[int, ...]
    place: Callable[[RowCompiler, tuple[int, ...]], None]
    computed: bool = True
    free: bool = False


@dataclass
class _Op(Operation):
    """Maps that are applied together, on these sites."""

    maps: list[Map]

    @property
    def computed(self) -> int:
        """How many of its maps are to be computed."""
        return sum(m.computed for m in self.maps)


class SweepBuilder:
    """Collects operations on a few of n qubits in order of application, and groups them into sweeps of at most `most`
    active sites, or of one operation on more, with at most `computed` maps to compute."""

    def __init__(self, n: int, most: int, computed: float = math.inf) -> None:
        self.n, self.most = n, most
        self._computed = computed
        self._ops: list[_Op] = []
        self._last: dict[int, _Op] = {}

    def add(self, sites: tuple[int, ...], maps: Sequence[Map]) -> None:
        """Maps on some of these sites, together."""
        op = _Op(sites, list(maps))
        self._ops.append(op)
        self._last.update(dict.fromkeys(sites, op))

    def end(self, site: int, maps: Sequence[Map]) -> None:
        """Maps on one site after all others: where it was last, so that they cost no sweep of their own."""
        if site in self._last:
            self._last[site].maps.extend(maps)
        else:
            self.add((site,), maps)

    def sweeps(self) -> Iterator[tuple[tuple[int, ...], Rows, bool]]:
        """Everything collected so far, as sweeps in order of application: the active sites, ascending, what is done on
        them, and whether any of it is differentiated."""
        for chosen, sites in windows(self._ops, self.n, self.most, WINDOW, self._computed):
            compiler = RowCompiler(len(sites))
            maps = [m for op in chosen for m in op.maps]
            for m in maps:
                m.place(compiler, tuple(sites.index(site) for site in m.sites))
            yield sites, compiler.finish(), any(m.free for m in maps)
        self._ops, self._last = [], {}


def fixed(site: int, matrix: Real, store: Callable[[Real], int]) -> Map:
    """A 4 x 4 matrix of numbers; `store` says where its coefficients start, if they are needed."""
    diagonal = np.diagonal(matrix).copy()
    rest = matrix - np.diag(diagonal)
    if not rest.any():
        return Map((site,), partial(RowCompiler.scale, diagonal=diagonal), computed=False)
    if is_permutation(matrix):
        return permutation((site,), matrix)
    if np.count_nonzero(rest) == 1 and rest[3, 0] and matrix[0, 0] == 1.0:
        return Map((site,), partial(RowCompiler.translate, diagonal=diagonal, first=store(matrix)))
    affine = np.array_equal(matrix[0], [1.0, 0.0, 0.0, 0.0])
    return one(site, store(matrix), False, affine, affine and not matrix[1:, 0].any())


def one(site: int, first: int, free: bool, affine: bool, unital: bool) -> Map:
    """A 4 x 4 matrix whose coefficients start at `first`; whether it preserves the trace, and maps 1 to 1."""
    kind = rows.UNITAL if unital else rows.AFFINE if affine else rows.GENERAL
    return Map((site,), partial(RowCompiler.site, kind=kind, first=first, free=free), free=free)


def permutation(sites: tuple[int, ...], matrix: Real) -> Map:
    """A fixed matrix, over the sites as listed, with at most one entry in each row and column."""
    places, factors = as_permutation(matrix)
    return Map(sites, partial(RowCompiler.permute, places=places, factors=factors), computed=False)


def dense(sites: tuple[int, ...], first: int, free: bool) -> Map:
    """Any matrix, over the sites as listed, whose coefficients start at `first`."""
    return Map(sites, partial(RowCompiler.dense, first=first, free=free), free=free)


def turn(sites: tuple[int, ...], string: int, first: int, free: bool) -> Map:
    """exp(-i theta P / 2) with a base-4 digit of P for each of the sites; cos and sin start at `first`."""
    return Map(sites, partial(RowCompiler.turn, string=string, first=first, free=free), free=free)
