"""The tables that the compiled kernels read: one row an operation, with what the rows refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qml.engines._llvm.language import F1, I1, I2, LANES, U1
from qml.engines.compile.steps import Joined
from qml.engines.pauli import loops, rows
from qml.engines.pauli.rows import RowCompiler

ACTIVE_SITES = 5
"""Sites of a sweep at most: it works in 64 KiB, which fit into the second cache."""
SPACING = (LANES - 1).bit_length()
"""Bits of the index of a wide vector that count the members."""


class Tables(NamedTuple):
    """A program as :mod:`qml.engines.pauli.kernels` reads it: one row an operation and what the rows refer to, how many
    numbers the sums of an operation take at most, and whether it is for eight members side by side."""

    table: I2
    places: I1
    sweeps: I2
    segments: I2
    rows: U1
    factors: F1
    room: int
    wide: bool


@dataclass(frozen=True)
class Map:
    """A map on some sites: how it is given to a compiler, with their positions among the active ones; whether it is to
    be computed."""

    sites: tuple[int, ...]
    place: Callable[[RowCompiler, tuple[int, ...]], None]
    computed: bool = True


class TableBuilder:
    """Rows of the table, with what they refer to: blocks have at most `largest` sites; `wide`: for vectors of eight
    members side by side."""

    def __init__(self, largest: int = ACTIVE_SITES, wide: bool = False) -> None:
        self._wide = wide
        self._spacing = SPACING if wide else 0
        self._table: list[list[int]] = []
        self._places: list[int] = []
        self._offsets: dict[tuple[int, ...], int] = {}
        self._sweeps: list[list[int]] = []
        self._segments = Joined(np.zeros((0, rows.SIDE + 1), dtype=np.int64))
        self._rows = Joined(LANES * np.arange(4**largest, dtype=np.uint32))
        self._factors = Joined(np.ones(4**largest))
        self.n_saved = 0
        self._room = 0

    def shift(self, n: int, site: int) -> int:
        """The bit shift of a site in the index of a vector of n qubits."""
        return self._spacing + 2 * (n - 1 - site)

    def add(self, kind: int, n: int, places: list[int], k: int, start: int = 0, free: bool = False) -> None:
        """One row: `places` as the kind wants them, on `k` sites, coefficients from `start` on."""
        saved = self.n_saved if free else -1
        self._table.append([kind, n, len(self._places), k, start, saved, len(self._sweeps)])
        self._places.extend(places)
        self.n_saved += free
        if kind == loops.ROTATION:
            self._room = max(self._room, 2 * loops.CHUNKS)

    def block(self, n: int, sites: tuple[int, ...], maps: Iterable[Map]) -> None:
        """One row for a sweep of maps on these of n sites, ascending."""
        compiler = RowCompiler(len(sites))
        for m in maps:
            m.place(compiler, tuple(sites.index(site) for site in m.sites))
        own = compiler.finish()
        shifts = [self.shift(n, site) for site in reversed(sites)]  # ascending
        self.add(loops.BLOCK, n, shifts, len(shifts), self._offsets_of(tuple(shifts)), own.sums > 0)
        first, factors = self._rows.add(own.rows), self._factors.add(own.factors)
        segments = own.segments.copy()
        segments[:, [rows.ROWS, rows.HISTORY]] += first
        segments[:, rows.FACTORS] += factors
        room = [own.needed, own.history, own.sums, own.bound]
        self._sweeps.append([self._segments.add(segments), len(segments), first, factors, *room])
        chunks = min(loops.BLOCK_CHUNKS, 4 ** (n - len(shifts)))
        self._room = max(self._room, chunks * LANES * own.sums)

    def _offsets_of(self, shifts: tuple[int, ...]) -> int:
        """Where the index offsets of the components of a block start among the places."""
        if shifts not in self._offsets:
            offsets = np.zeros(1, dtype=np.int64)
            for shift in shifts:  # the first active site counts most, and has the largest shift
                offsets = (np.arange(4)[:, None] << shift) + offsets
                offsets = offsets.ravel()
            self._offsets[shifts] = len(self._places)
            self._places.extend(offsets.tolist())
        return self._offsets[shifts]

    def tables(self) -> Tables:
        """Everything so far, as arrays."""
        table = np.array(self._table, dtype=np.int64).reshape(-1, 7)
        sweeps = np.array(self._sweeps or [[0] * 8], dtype=np.int64)
        joined = self._segments.array(), self._rows.array(), self._factors.array()
        return Tables(table, np.array(self._places, dtype=np.int64), sweeps, *joined, self._room, self._wide)
