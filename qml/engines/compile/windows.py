"""Operations in windows of a few sites, which are applied together while their part of the register is in the cache."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar


@dataclass
class Operation:
    """One operation of a program on some sites: those that share one keep their order."""

    sites: tuple[int, ...]

    @property
    def active(self) -> tuple[int, ...]:
        """The sites that must be in its window."""
        return self.sites

    @property
    def computed(self) -> int:
        """How much of the budget of a window it takes."""
        return 0


T = TypeVar("T", bound=Operation)


def windows(
    operations: Sequence[T], n: int, most: int, ahead: int, budget: float = math.inf
) -> Iterator[tuple[list[T], tuple[int, ...]]]:
    """The operations of each window in turn, in order, and its active sites, ascending.

    A window takes greedily, of the next `ahead` operations on n sites, all that commute with what it leaves for later
    because they share no site with it, as long as it has at most `most` active sites and stays within the budget; its
    first operation always fits.
    """
    todo = deque(operations)
    while todo:
        limit, spent = max(most, len(todo[0].active)), 0
        active: set[int] = set()
        blocked: set[int] = set()
        chosen: list[T] = []
        left: list[T] = []
        for _ in range(ahead):
            if not todo or len(blocked) >= n:
                break
            op = todo.popleft()
            wanted = active.union(op.active)
            fits = len(wanted) <= limit and (not chosen or spent + op.computed <= budget)
            if fits and not blocked.intersection(op.sites):
                active, spent = wanted, spent + op.computed
                chosen.append(op)
            else:
                blocked.update(op.sites)
                left.append(op)
        todo.extendleft(reversed(left))
        yield chosen, tuple(sorted(active))
