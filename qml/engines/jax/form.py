"""What of a program is compiled: the places where matrices act, without their numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar, NamedTuple


@dataclass(frozen=True)
class Window:
    """A matrix on sites, ascending: number `index` of its `batch`."""

    sites: tuple[int, ...]
    batch: int
    index: int


@dataclass(frozen=True)
class Turn:
    """A rotation about a string on more sites than a window takes: number `index` of those of the plan, which come
    after all batches."""

    index: int
    sites: ClassVar[tuple[int, ...]] = ()
    batch: ClassVar[int] = -1


@dataclass(frozen=True)
class Change:
    """Sites that come into the register in the state zero, at these places of the new one, or leave it."""

    sites: tuple[int, ...]
    comes: bool

    def after(self, n: int) -> int:
        """The number of sites after it, of n."""
        return n + len(self.sites) * (1 if self.comes else -1)


Item = Window | Turn | Change


@dataclass(frozen=True)
class Form:
    """What is compiled: the places of a plan, without its numbers.

    Attributes
    ----------
    levels : int
        Numbers that a site holds.
    n_in, n_out, n_max : int
        Sites before, after, and at most.
    items : tuple of Item
    batches : tuple of (int, tuple of int)
        Of each batch the sites of its windows, and for each column of `members` the place that all share, or -1.
    sizes : tuple of int
        On how many sites the matrices are of which windows are made.
    """

    levels: int
    n_in: int
    n_out: int
    n_max: int
    items: tuple[Item, ...]
    batches: tuple[tuple[int, tuple[int, ...]], ...]
    sizes: tuple[int, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Computed once: every call of what is compiled asks for it, and the items may be many."""
        return hash(tuple(getattr(self, one.name) for one in fields(self)))


class Runs(NamedTuple):
    """Items from `start` on that come `times` times, `length` of them each."""

    start: int
    length: int
    times: int

    @property
    def stop(self) -> int:
        """Where the next ones begin."""
        return self.start + self.length * self.times

    @property
    def is_mixed(self) -> bool:
        """Whether its items do not repeat, and are too many to be written out."""
        return self.times == 1 and self.length > UNROLLED


UNROLLED = 16
"""Items of a stretch that are written out one by one; where more do not repeat, one loop holds them all."""
LOOPED = 5
"""Sites of a matrix that such a loop holds; a larger one stands alone."""


def sections(items: Sequence[Item]) -> list[Runs]:
    """The items cut into stretches that repeat, or do not; the largest matrices and changes of the register one by
    one."""
    found: list[Runs] = []
    begin = 0
    for alone, group in itertools.groupby(items, lambda item: isinstance(item, Change) or len(item.sites) > LOOPED):
        same = list(group)
        if alone:
            found.extend(Runs(begin + place, 1, 1) for place in range(len(same)))
        else:
            found.extend(_repeats([item.sites for item in same], begin))
        begin += len(same)
    return found


def _repeats(keys: Sequence[tuple[int, ...]], offset: int) -> list[Runs]:
    """The longest stretch of keys that repeats with some period, and what stands before and after it."""
    best, saved = Runs(0, len(keys), 1), 0
    for period in range(1, len(keys) // 2 + 1):
        start = 0
        while start + period < len(keys):
            end = start + period
            while end < len(keys) and keys[end] == keys[end - period]:
                end += 1
            times = (end - start) // period
            if times > 1 and period * (times - 1) > saved:
                best, saved = Runs(start, period, times), period * (times - 1)
            start = max(end - period + 1, start + 1)
    if len(keys) - saved > UNROLLED:
        return [Runs(offset, len(keys), 1)]
    before, after = Runs(0, best.start, 1), Runs(best.stop, len(keys) - best.stop, 1)
    return [part._replace(start=offset + part.start) for part in (before, best, after) if part.length]


def memory(form: Form, columns: int = 1) -> int:
    """Bytes of so many vectors at their largest."""
    return int((8 if form.levels == 4 else 16) * columns * form.levels**form.n_max)


def chunk_of(form: Form, columns: int, checkpoint_bytes: int) -> int:
    """Items between two kept vectors: 0 where all fit into `checkpoint_bytes`, else about the root of their number."""
    count = len(form.items)
    if count * memory(form, columns) <= checkpoint_bytes:
        return 0
    return math.isqrt(max(count - 1, 0)) + 1


def n_kept(form: Form, chunk: int) -> int:
    """How many vectors the way back keeps at a time."""
    return chunk + -(-len(form.items) // chunk) if chunk else len(form.items)
