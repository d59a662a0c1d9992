"""What the JAX engine works out once for each program: which matrices there are, and on which sites they act.

A program is a list of items: windows of a few sites, each one matrix made of all that happens there (one on more sites
is a window of its own); rotations about strings that no window holds; and changes of the register. What a site holds is
four Pauli components or two amplitudes; the plan is the same for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from qml._typing import Integer, Numeric, Real
from qml.circuits.program import Program, Step
from qml.engines.compile.kinds import Kind
from qml.engines.compile.planner import Planner
from qml.engines.compile.steps import check_qubits, fused, kept
from qml.engines.compile.windows import Operation
from qml.engines.jax.form import Change, Form, Item, Turn, Window
from qml.engines.jax.kinds import Source, SourceTables, ascending
from qml.gates import PauliRotation
from qml.instructions import Preparation


@dataclass
class Pair(Operation):
    """An operation on one or two sites, ascending, with the chains that come before it on each."""

    matrix: int
    chains: tuple[int, ...]


class BatchTables(NamedTuple):
    """Of all windows of so many sites, what is where.

    Attributes
    ----------
    pairs : array (p, 1 + sites of a pair)
        Of each operation the matrix on its sites, and the chain on each.
    starts : array (w,)
        Of each window the matrix on all its sites that comes first.
    members, places : array (w, f)
        Of each window its operations in order, and where in the window they act; operation 0 does nothing.
    """

    pairs: Integer
    starts: Integer
    members: Integer
    places: Integer


class TurnTables(NamedTuple):
    """Of each rotation about a long string: the digits of an index that its letters X and Y flip, and those that its
    letters Y and Z give a sign, as bits (t,), and the slots of their angles (t,)."""

    flips: Integer
    signs: Integer
    slots: Integer


class Tables(NamedTuple):
    """The numbers of a plan: programs with other gates and numbers at the same places differ in these alone."""

    sources: tuple[SourceTables, ...]
    chains: Integer
    batches: tuple[BatchTables, ...]
    turns: TurnTables


@dataclass
class _Open:
    """A batch that grows."""

    pairs: list[tuple[int, ...]]
    starts: list[int] = field(default_factory=list)
    windows: list[list[tuple[int, int]]] = field(default_factory=list)


class Plan(Planner[Pair]):
    """The plan of a program, with windows of so many sites."""

    def __init__(self, program: Program, kind: Kind, most: int) -> None:
        check_qubits(program, "JaxEngine")
        super().__init__(program, kind)
        self._most = most
        self.sources = {sites: Source(kind, sites, identity=True) for sites in range(1, most + 1)}
        self.chains: list[tuple[int, ...]] = [()]
        self.items: list[Item] = []
        self._turns: list[tuple[int, int, int]] = []
        self._open: dict[int, _Open] = {}
        self.take(program)
        longest = max(1, *map(len, self.chains))
        chains = np.array([c + (0,) * (longest - len(c)) for c in self.chains], dtype=np.int64)
        batches = tuple(map(_closed, self._open.values()))
        masks = np.array(self._turns, dtype=np.uint64).reshape(-1, 3).T
        turns = TurnTables(masks[0], masks[1], masks[2].astype(np.int64))
        sources = tuple(source.tables() for source in self.sources.values())
        self.tables = Tables(sources, chains, batches, turns)
        shared = [tuple(int(p[0]) if (p == p[0]).all() else -1 for p in batch.places.T) for batch in batches]
        self.form = Form(
            kind.levels,
            self.n_in,
            self.n,
            self.n_max,
            tuple(self.items),
            tuple(zip(self._open, map(tuple, shared), strict=True)),
            tuple(self.sources),
        )

    @property
    def most(self) -> int:
        return min(self._most, self.n)

    def change(self, step: Step) -> None:
        self.items.append(Change(step.sites, isinstance(step.instruction, Preparation)))

    def several(self, step: Step) -> None:
        sites, instruction = step.sites, step.instruction
        if len(sites) == 2:
            matrix = self._number(step)
            ascending_sites = (min(sites), max(sites))
            self.operations.append(Pair(ascending_sites, matrix, tuple(map(self._chain, ascending_sites))))
            return
        self.flush()
        if isinstance(instruction, PauliRotation):
            self.items.append(Turn(len(self._turns)))
            bits = 2 if self.kind.levels == 4 else 1
            self._turns.append((*_masks(sites, instruction.label, self.n, bits), step.start))
        else:
            self._window(tuple(sorted(sites)), self._number(step), [])

    def _number(self, step: Step) -> int:
        """The number of the matrix of a step, among those of its size."""
        source = self.sources.setdefault(len(step.sites), Source(self.kind, len(step.sites)))
        return (
            source.add_step(step)
            if self.is_free(step)
            else source.add_fixed(ascending(self.fixed_matrix(step), step.sites))
        )

    def _chain(self, site: int) -> int:
        """What waits on a site, as a product of matrices; 0 where nothing does."""
        ones = self.sources[1]
        members = tuple(
            ones.add_step(factor) if isinstance(factor, Step) else ones.add_fixed(factor)
            for factor in fused(self.taken(site))
        )
        if not any(members):
            return 0
        self.chains.append(members)
        return len(self.chains) - 1

    def rest(self) -> None:
        """By twos, neighbours."""
        left, width = self.waiting(), min(2, self.n)
        while left:
            site = left[0]
            sites = tuple(range(site, site + width)) if site + width <= self.n else (site - 1, site)
            self.operations.append(Pair(sites, 0, tuple(self._chain(s) for s in sites)))
            left = [s for s in left if s not in sites]

    def sweep(self, chosen: list[Pair], active: tuple[int, ...]) -> None:
        self._window(_filled(active, self.n, self.most), 0, chosen)

    def _window(self, sites: tuple[int, ...], start: int, chosen: Sequence[Pair]) -> None:
        """One more window: a matrix on all its sites, then operations."""
        batch = self._open.setdefault(len(sites), _Open([(0,) * (1 + min(2, len(sites)))]))
        self.items.append(Window(sites, list(self._open).index(len(sites)), len(batch.windows)))
        members = []
        for pair in chosen:
            batch.pairs.append((pair.matrix, *pair.chains))
            within = tuple(map(sites.index, pair.sites))
            members.append((len(batch.pairs) - 1, placements(len(sites)).index(within)))
        batch.starts.append(start)
        batch.windows.append(members)

    def values(self, slots: Real) -> tuple[Numeric, ...]:
        """The matrices that the host makes at slot values (..., n_slots): of each size those that are no rotations."""
        return tuple(source.values(slots) for source in self.sources.values())

    def pull(self, slots: Real, cotangents: Sequence[Numeric]) -> Real:
        """dL/dslots (..., n_slots) from the derivatives in these matrices; zero where a slot changes none of them."""
        out = np.zeros(slots.shape)
        for source, own in zip(self.sources.values(), cotangents, strict=True):
            source.pull(slots, own, out)
        return out

    def push(self, slots: Real, directions: Real) -> tuple[Numeric, ...]:
        """Changes of these matrices along directions (b, n_slots)."""
        return tuple(source.push(slots, directions) for source in self.sources.values())

    @property
    def given_slots(self) -> list[int]:
        """The slots that change the matrices that the host makes."""
        steps = [step for source in self.sources.values() for step in source.given]
        return [slot for step in steps for slot in range(step.start, step.stop)]


def plan_of(program: Program, kind: Kind, most: int) -> Plan:
    """The plan of a program of qubits, made once and kept as long as the program lives."""
    return kept(program, ("jax", kind, most), lambda: Plan(program, kind, most))


def _masks(sites: Sequence[int], letters: str, n: int, bits: int) -> tuple[int, int]:
    """Where a string has X or Y, and where it has Y or Z, as the lowest of the bits that an index has for each site."""
    units = [(1 << bits * (n - 1 - site), letter) for site, letter in zip(sites, letters, strict=True)]
    return sum(u for u, letter in units if letter in "XY"), sum(u for u, letter in units if letter in "YZ")


def _filled(active: tuple[int, ...], n: int, most: int) -> tuple[int, ...]:
    """`most` sites with the active ones among them: neighbours where that can be, so that they lie together."""
    sites = set(active)
    while len(sites) < most:
        gaps = [s for s in range(min(sites), max(sites)) if s not in sites] if max(sites) - min(sites) < most else []
        beside = [s for s in (max(sites) + 1, min(sites) - 1) if 0 <= s < n]
        near = [s for a in sorted(sites) for s in (a + 1, a - 1) if 0 <= s < n and s not in sites]
        sites.add((gaps or (beside if max(sites) - min(sites) < most else []) or near)[0])
    return tuple(sorted(sites))


@lru_cache(maxsize=8)
def placements(sites: int) -> list[tuple[int, ...]]:
    """The places of an operation in a window of so many sites."""
    return list(itertools.combinations(range(sites), min(2, sites)))


def _closed(batch: _Open) -> BatchTables:
    longest = max(map(len, batch.windows))
    padded = [w + [(0, 0)] * (longest - len(w)) for w in batch.windows]
    table = np.array(padded, dtype=np.int64).reshape(len(padded), longest, 2)
    return BatchTables(np.array(batch.pairs), np.array(batch.starts), table[..., 0], table[..., 1])
