"""What a statement is, and what checking it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qml._typing import Real


@dataclass(frozen=True, eq=False)
class Series:
    """Points (x, y) of a panel, drawn as dots or, with `line`, joined."""

    label: str
    x: Real
    y: Real
    line: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of the evidence: axes with their labels, and what is drawn on them."""

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    log_y: bool = False


@dataclass(frozen=True, eq=False)
class Evidence:
    """What checking a statement found.

    Attributes
    ----------
    computed : str
        In words.
    samples : int
        Random instances that were checked.
    violation : float
        The largest amount by which an instance broke the statement; at most 0 where none did. Of an equality, the
        largest deviation. Of a statistical statement, the largest deviation in standard errors.
    tolerance : float
        What rounding or chance explains.
    panels : tuple of Panel
    counterexample : str
        Printed where the statement says that something is *not* a law.
    """

    computed: str
    samples: int
    violation: float
    tolerance: float
    panels: tuple[Panel, ...] = ()
    counterexample: str = ""

    @property
    def holds(self) -> bool:
        """Whether the largest violation is within the tolerance."""
        return bool(self.violation <= self.tolerance)


@dataclass(frozen=True)
class Statement:
    """A claim of the principle, and the function that looks for violations of it.

    Attributes
    ----------
    number : int
        1 to 19; the neighbors of the principle follow.
    title, claim, source : str
    look : callable
        (rng, pairs) -> Evidence, from about that many random instances.
    """

    number: int
    title: str
    claim: str
    source: str
    look: Callable[[np.random.Generator, int], Evidence]


@dataclass(frozen=True, eq=False)
class Verdict:
    """A statement, the evidence for it, and what it took."""

    statement: Statement
    evidence: Evidence
    seconds: float

    @property
    def holds(self) -> bool:
        return self.evidence.holds

    def __str__(self) -> str:
        word = "holds" if self.holds else "VIOLATED"
        e = self.evidence
        return (
            f"{self.statement.number:>2} {word:<8} largest violation {e.violation:.1e} (tolerance {e.tolerance:.0e}, "
            f"{e.samples} samples)  {self.statement.title}"
        )
