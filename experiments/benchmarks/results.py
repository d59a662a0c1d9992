"""What was measured of every implementation, and how implementations compare."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from worker import FLOOR

OURS, COLD, BY_HAND = "qml", "qml without cache", "qml, threads:"
MOST_OVER_BY_HAND = 1.1
"""How much longer `qml` may take by default than with the best number of threads set by hand."""


@dataclass
class Cell:
    """What was measured of one implementation at one size; seconds, and MiB."""

    variant: str
    size: int
    implementation: str
    status: str = "ok"
    setup_s: float | None = None
    first_s: float | None = None
    memory_mib: float | None = None
    peak_mib: float | None = None
    turns_s: list[list[float]] = field(default_factory=list)
    parts_s: list[dict[str, float]] = field(default_factory=list)
    fingerprint: list[float] | None = None
    difference: float | None = None
    agrees: bool | None = None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def medians(self) -> list[float]:
        """The median call of each turn; where no turn fitted into the cap, the first call."""
        if self.turns_s:
            return [statistics.median(calls) for calls in self.turns_s]
        return [] if self.first_s is None else [self.first_s]

    @property
    def spread(self) -> Spread | None:
        return Spread.of(self.medians)


@dataclass(frozen=True)
class Spread:
    """A median with the lowest and highest of what it is the median of."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread | None:
        return cls(statistics.median(numbers), min(numbers), max(numbers)) if numbers else None


def ratio(of: Cell, to: Cell) -> Spread | None:
    """Time of `of` over time of `to`, turn by turn where both had one."""
    return Spread.of([a / b for a, b in zip(of.medians, to.medians, strict=False)])


def agree(cells: Sequence[Cell], tolerance: float) -> None:
    """Compare each fingerprint with the median of all of them, number by number, relative where it exceeds 1."""
    if len(cells) < 2:
        return
    found = [np.array(cell.fingerprint) for cell in cells]
    usual = statistics.mode(f.size for f in found)
    usable = [f for f in found if f.size == usual and np.isfinite(f).all()]
    middle = np.median(usable, axis=0) if usable else np.full(usual, np.nan)
    for cell, f in zip(cells, found, strict=True):
        distance = np.abs(f - middle) / np.maximum(1.0, np.abs(middle)) if f.size == usual else np.array([np.inf])
        cell.difference = float(distance.max())
        cell.agrees = bool(cell.difference <= tolerance)


def ratios(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """For each (variant, size): the fastest peer that agrees, its time over qml's, and qml's over the floor."""
    found = []
    for variant, size in dict.fromkeys((c.variant, c.size) for c in cells):
        here = {c.implementation: c for c in cells if (c.variant, c.size) == (variant, size) and c.spread}
        if OURS not in here:
            continue
        ours = here[OURS]
        others = [c for name, c in here.items() if name != FLOOR and not name.startswith(OURS)]
        peers = [c for c in others if c.agrees and c.status == "ok"]
        fastest = min(peers, key=lambda c: c.spread.median, default=None)
        entry: dict[str, Any] = {"variant": variant, "size": size, "qml_s": asdict(ours.spread)}
        if fastest is not None:
            entry |= {"fastest_peer": fastest.implementation, "fastest_peer_s": asdict(fastest.spread)}
            entry["fastest_peer_over_qml"] = asdict(ratio(fastest, ours))
        if FLOOR in here:
            entry |= {"floor_s": asdict(here[FLOOR].spread), "qml_over_floor": asdict(ratio(ours, here[FLOOR]))}
        found.append(entry)
    return found


def over_by_hand(cells: Sequence[Cell]) -> list[tuple[Cell, Cell, Spread]]:
    """For each (variant, size): qml by default, qml with the best number of threads set by hand, and the time of the
    one over that of the other."""
    found = []
    for variant, size in dict.fromkeys((c.variant, c.size) for c in cells):
        here = [c for c in cells if (c.variant, c.size) == (variant, size) and c.spread]
        default = next((c for c in here if c.implementation == OURS), None)
        by_hand = [c for c in here if c.implementation.startswith(BY_HAND)]
        if default is not None and by_hand:
            best = min(by_hand, key=lambda c: statistics.median(c.medians))
            over = ratio(default, best)
            assert over is not None
            found.append((default, best, over))
    return found


def cells_of(recorded: dict[str, Any]) -> list[Cell]:
    """The cells of a record."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in recorded["cells"]]
    return [Cell(**row) for row in rows]
