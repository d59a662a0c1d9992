"""What a statement is, and what checking it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qml import _checks
from qml._typing import ArrayLike, Real
from qml.principle.pages import section

PAPER = "Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887: abstract"
COMMENT = "Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887: comment to version 3"
ROUNDING = 1e-10
"""Tolerance of quantities relative to 1 + |S|, which allows for the condition numbers of random states."""


@dataclass(frozen=True, eq=False)
class Series(_checks.Record):
    """Points (x, y) of a panel.

    Attributes
    ----------
    label : str
        In the legend; "" for none.
    x, y : array
    style : {"dots", "line", "dashed", "bars"}
    error : array, optional
        Standard errors of y, drawn as bars.
    color : int, optional
        Series of one panel that belong together share a number; 6 is grey, of what others are compared with.

    Examples
    --------
    >>> from qml.principle import check
    >>> series = check(2, pairs=50, seed=1).evidence.panels[0].series[0]
    >>> series.style, series.x.shape == series.y.shape
    ('line', True)
    """

    label: str
    x: Real
    y: Real
    style: str = "dots"
    error: Real | None = None
    color: int | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of the evidence: axes with their labels, what is drawn on them, and what there is to see.

    Attributes
    ----------
    title, xlabel, ylabel : str
    series : tuple of Series
    caption : str
        One or two sentences below the picture.
    log_x : int
        The base of a logarithmic axis; 0 for a linear one.
    log_y : bool
    ticks : tuple of str
        Names of x = 0, 1, ..., in place of numbers.
    marks : tuple of (str, float)
        Vertical lines with their names.

    Examples
    --------
    >>> from qml.principle import check
    >>> panel = check(2, pairs=50, seed=1).evidence.panels[0]
    >>> panel.title, panel.ylabel
    ('Models on two segments that meet in rho (d = 3)', 'nats')
    """

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    caption: str = ""
    log_x: int = 0
    log_y: bool = False
    ticks: tuple[str, ...] = ()
    marks: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Counterexample:
    """An instance that breaks a false law, in numbers that can be checked by hand.

    Attributes
    ----------
    law : str
        What does not hold, as left >= right.
    instance : str
        The states, printed to a few digits; both sides are evaluated at the printed ones.
    left, right : float
        In nats.
    share : float
        Of the random instances, those that break the law.
    """

    law: str
    instance: str
    left: float
    right: float
    share: float

    @property
    def broken_by(self) -> float:
        """right - left, nats: positive where the law is broken."""
        return self.right - self.left

    def __str__(self) -> str:
        return (
            f"not a law: {self.law}; broken by {self.broken_by:.3f} nats ({self.left:.3f} < {self.right:.3f}) at "
            f"{self.instance}"
        )


class Largest:
    """The largest of many violations, and how many there were: what is not a number is the largest of all.

    Every statement is reduced by this one class. An instance counts against a statement unless its numbers are there
    and agree: NaN never passes, and neither does an infinity where a finite number was expected.

    Examples
    --------
    >>> worst = Largest()
    >>> worst.equal([1.0, np.inf], [1.0, np.inf], infinite=True)
    >>> worst.value, worst.samples
    (0.0, 2)
    >>> worst.at_least([np.nan], [0.0])
    >>> worst.value
    inf
    """

    def __init__(self) -> None:
        self.value = -np.inf
        self.samples = 0

    def add(self, violations: ArrayLike) -> None:
        """Violations as they are, any shape: positive where a statement is broken."""
        found = np.asarray(violations, dtype=np.float64)
        self.value = max(self.value, float(np.where(np.isnan(found), np.inf, found).max(initial=-np.inf)))
        self.samples += found.size

    def equal(
        self, found: ArrayLike, expected: ArrayLike, scale: ArrayLike | None = None, *, infinite: bool = False
    ) -> None:
        r"""\|found - expected\| in units of `scale`, by default 1 + \|expected\|.

        Both must be finite; `infinite`: two equal infinities are expected, and agree.
        """
        a, b = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (found, expected)))
        with np.errstate(invalid="ignore"):
            off = np.abs(a - b) / (1 + np.abs(b) if scale is None else np.asarray(scale, dtype=np.float64))
        off = np.where(np.isfinite(a) & np.isfinite(b), off, np.inf)
        self.add(np.where(infinite & np.isinf(b) & (a == b), 0.0, off))

    def at_least(self, found: ArrayLike, bound: ArrayLike) -> None:
        r"""(bound - found) / (1 + \|found\|) of numbers that must both be finite."""
        a, b = (np.asarray(x, dtype=np.float64) for x in (found, bound))
        with np.errstate(invalid="ignore"):
            self.add(np.where(np.isfinite(a) & np.isfinite(b), (b - a) / (1 + np.abs(a)), np.inf))

    def evidence(self, computed: str, *panels: Panel, tolerance: float = ROUNDING) -> Evidence:
        """What was found, with what was `computed` in words."""
        return Evidence(computed, self.samples, self.value, tolerance, panels)

    def require(self, conditions: ArrayLike) -> None:
        """An infinite violation where a condition fails; adds no samples."""
        if not np.all(conditions):
            self.value = np.inf


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
    counterexamples : tuple of Counterexample
        Where the statement says that something is *not* a law.

    Examples
    --------
    >>> from qml.principle import check
    >>> evidence = check(2, pairs=50, seed=1).evidence
    >>> evidence.violation <= evidence.tolerance, evidence.holds, len(evidence.panels)
    (True, True, 1)
    """

    computed: str
    samples: int
    violation: float
    tolerance: float
    panels: tuple[Panel, ...] = ()
    counterexamples: tuple[Counterexample, ...] = ()

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
        1 to 19 are the principle; those after them are results about it.
    title : str
    claim : str
        The inequality or equality, entropies in nats.
    source : str
        Author, year, and arXiv number or journal.
    look : callable
        (rng, pairs) -> Evidence, from about that many random instances.

    Examples
    --------
    >>> from qml.principle import check
    >>> statement = check(2, pairs=50, seed=1).statement
    >>> statement.number, statement.claim
    (2, 'S(rho, sigma) = S(rho) + D(rho || sigma)')
    """

    number: int
    title: str
    claim: str
    source: str
    look: Callable[[np.random.Generator, int], Evidence]


def statement(
    number: int, title: str, claim: str, source: str
) -> Callable[[Callable[[np.random.Generator, int], Evidence]], Statement]:
    """A decorator: the function, which looks for violations, becomes the :class:`Statement`."""
    return lambda look: Statement(number, title, claim, source, look)


@dataclass(frozen=True, eq=False, repr=False)
class Verdict:
    """A statement, the evidence for it, and how long the check took.

    In a notebook it shows itself with its figures.

    Attributes
    ----------
    statement : Statement
    evidence : Evidence
    seconds : float

    Examples
    --------
    >>> from qml.principle import check
    >>> verdict = check(2, pairs=200, seed=1)
    >>> verdict.statement.claim, verdict.holds
    ('S(rho, sigma) = S(rho) + D(rho || sigma)', True)
    """

    statement: Statement
    evidence: Evidence
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether no instance broke the statement by more than its tolerance."""
        return self.evidence.holds

    def __str__(self) -> str:
        word = "holds" if self.holds else "VIOLATED"
        e = self.evidence
        return (
            f"{self.statement.number:>2} {word:<8} largest violation {e.violation:.1e} (tolerance {e.tolerance:.0e}, "
            f"{e.samples} samples)  {self.statement.title}"
        )

    def __repr__(self) -> str:
        return f"<Verdict: {str(self).strip()}>"

    def _repr_html_(self) -> str:
        return section(self)
