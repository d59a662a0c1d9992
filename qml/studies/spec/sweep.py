"""Sweeps: many studies in one file. What varies is said by the paths of its keys; each point is a whole study."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from qml._checks import InputError
from qml.studies.spec import streams
from qml.studies.spec.compose import assign, parse_path
from qml.studies.spec.schema import Spec
from qml.studies.spec.source import Key, Source

MAX_POINTS = 100_000


class _Interval(Spec):
    """Numbers from `low` to `high`.

    Parameters
    ----------
    low : float
        The least value.
    high : float
        The greatest value.
    scale : {"linear", "log"}
        Evenly spaced numbers, or logarithms.
    integer : bool
        Round to integers; a grid leaves out the repeated ones.
    """

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    integer: bool = False

    @model_validator(mode="after")
    def _ordered_ends(self) -> Self:
        if self.low > self.high:
            raise InputError(f"low must be at most high; found {self.low:g} and {self.high:g}.")
        if not math.isfinite(self.high - self.low):
            raise InputError(f"low and high are too far apart; found {self.low:g} and {self.high:g}.")
        if self.scale == "log" and self.low <= 0:
            raise InputError(f"a logarithmic scale needs low > 0; found {self.low:g}.")
        return self


class Range(_Interval):
    """`count` numbers from `low` to `high`, both included.

    Parameters
    ----------
    count : int
        How many numbers.
    """

    count: Annotated[int, Field(ge=1, le=10_000)]

    def values(self) -> list[Any]:
        """The numbers, in order."""
        space = np.geomspace if self.scale == "log" else np.linspace
        numbers = [float(x) for x in space(self.low, self.high, self.count)]
        return list(dict.fromkeys(map(round, numbers))) if self.integer else numbers


class Interval(_Interval):
    """Random numbers between `low` and `high`, evenly spread on the scale."""

    def draw(self, rng: np.random.Generator) -> float | int:
        """One number."""
        if self.integer and self.scale == "linear":
            return int(rng.integers(round(self.low), round(self.high), endpoint=True))
        if self.scale == "log":
            x = float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
        else:
            x = float(rng.uniform(self.low, self.high))
        return round(x) if self.integer else x


def _which(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"


def _paths(text: str) -> str:
    for part in text.split(","):
        parse_path(part.strip())
    return text


Paths = Annotated[str, AfterValidator(_paths)]
"""One path, or several with commas between them that get the same value."""
Listed = Annotated[list[Any], Field(min_length=1, description="the values")]
Axis = Annotated[Annotated[Listed, Tag("list")] | Annotated[Range, Tag("mapping")], Discriminator(_which)]
Draws = Annotated[Annotated[Listed, Tag("list")] | Annotated[Interval, Tag("mapping")], Discriminator(_which)]


class Random(Spec):
    """`count` points drawn at random; from a list, each value is as likely as any other.

    Parameters
    ----------
    count : int
        How many points.
    over : mapping
        Lists or intervals, by path.
    """

    count: Annotated[int, Field(ge=1, le=MAX_POINTS)]
    over: Annotated[dict[Paths, Draws], Field(min_length=1)]


class Sweep(Spec):
    """Every combination of the grid, the list and the random points that are given, each with every seed.

    Parameters
    ----------
    grid : mapping
        Lists or ranges, by path.
    points : list of mapping
        Values by path, point by point.
    random : mapping
        Points drawn at random.
    seeds : int
        How often each point is repeated, with other seeds.
    common_seeds : bool
        The same seeds at all points, to compare these in pairs.
    """

    grid: dict[Paths, Axis] = Field(default={})
    points: list[dict[Paths, Any]] = Field(default=[])
    random: Random | None = None
    seeds: Annotated[int, Field(ge=1, le=10_000)] = 1
    common_seeds: bool = False

    @model_validator(mode="after")
    def _apart(self) -> Self:
        listed = sorted({name for point in self.points for name in point})
        blocks = [list(self.grid), listed, list(self.random.over) if self.random else []]
        names = [part.strip() for block in blocks for text in block for part in text.split(",")]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{name} is set twice at a point of the sweep: name it in one place.")
            if parse_path(name)[0] in ("sweep", "title", "loggers"):
                raise InputError(f"{name} is not a part of a point: it cannot vary.")
        if "seed" in names and (self.seeds > 1 or self.common_seeds):
            raise InputError("seed is set by the sweep itself: leave out seeds and common_seeds.")
        count = self.seeds * max(1, len(self.points)) * (self.random.count if self.random else 1)
        for axis in self.grid.values():
            count *= axis.count if isinstance(axis, Range) else len(axis)
        if count > MAX_POINTS:
            raise InputError(f"a sweep has at most {MAX_POINTS} points; this one has {count}.")
        return self

    def names(self) -> list[str]:
        """What varies, in the order of the file: the columns of the table."""
        found = [*self.grid, *(name for point in self.points for name in point)]
        return list(dict.fromkeys([*found, *(self.random.over if self.random else ())]))


@dataclass(frozen=True)
class Point:
    """One study of a sweep: its number, what it sets (by the names of the columns), its replicate and its seed."""

    index: int
    values: dict[str, Any]
    replicate: int
    seed: int
    study: Source


def points(sweep: Sweep, seed: int, base: Source) -> list[Point]:
    """All points, seeds fastest; `base` is the resolved study, with its places.

    Raises
    ------
    InputError
        If a path leads nowhere.
    """
    found: list[Point] = []
    for settings, draw in _settings(sweep, seed):
        source, swept = replace(base, data={**base.data, "sweep": None, "loggers": []}), False
        for name, value, place in settings:
            for path in map(str.strip, name.split(",")):
                with base.within(*place):
                    source = assign(source, path, value, base.place(place))
                swept |= path == "seed"
        values = {name: value for name, value, _ in settings}
        for replicate in range(sweep.seeds):
            told = {} if sweep.common_seeds else {**values, **({} if draw is None else {"draw": draw})}
            own = source.data["seed"] if swept else streams.point_seed(seed, replicate, told)
            one = replace(source, data={**source.data, "seed": own})
            found.append(Point(len(found), values, replicate, own, one))
    return found


def _settings(sweep: Sweep, seed: int) -> Iterator[tuple[list[tuple[str, Any, tuple[Key, ...]]], int | None]]:
    """What each point sets, with the place where the file says so; and the number of its draw."""
    axes = [
        [(name, value, ("sweep", "grid", name)) for value in (axis.values() if isinstance(axis, Range) else axis)]
        for name, axis in sweep.grid.items()
    ]
    listed = [
        [(name, value, ("sweep", "points", number, name)) for name, value in point.items()]
        for number, point in enumerate(sweep.points)
    ]
    over = sweep.random.over if sweep.random else {}
    for combination in itertools.product(*axes):
        for listing in listed or [[]]:
            for draw in range(sweep.random.count) if sweep.random else [None]:
                rngs = {name: streams.stream(seed, "draw", draw or 0, *streams.words(name)) for name in over}
                drawn = [
                    (name, _drawn(source, rngs[name]), ("sweep", "random", "over", name))
                    for name, source in over.items()
                ]
                yield [*combination, *listing, *drawn], draw


def _drawn(source: list[Any] | Interval, rng: np.random.Generator) -> Any:
    return source.draw(rng) if isinstance(source, Interval) else source[rng.integers(len(source))]
