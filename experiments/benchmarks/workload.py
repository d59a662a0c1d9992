"""What a workload is: one problem, and everybody who solves it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Task(NamedTuple):
    """A problem that is set up: `run()` is timed; `fingerprint(run())` are the numbers on which all must agree.

    `parts(run())` are the seconds of a call by part, where it is known what they are spent on.
    """

    run: Callable[[], Any]
    fingerprint: Callable[[Any], np.ndarray]
    parts: Callable[[Any], dict[str, float]] | None = None


@dataclass(frozen=True)
class Implementation:
    """One way to solve a workload: `build(n, variant)` imports what it needs, sets the problem up, returns a Task."""

    name: str
    build: Callable[[int, str], Task]
    modules: tuple[str, ...]
    variants: tuple[str, ...]


@dataclass
class Workload:
    """A workload; its module holds it as ``WORKLOAD`` and adds the implementations, `qml` among them.

    `floor(n, variant)` returns a function that measures, when called, the seconds that no implementation of the same
    method on this machine can beat. `tolerance` is how far fingerprints may lie apart, relative where they exceed 1.
    `defaults`: everyone chooses its own number of threads, on all cores, as for a user who sets nothing. `sizes_of`
    has the sizes of variants for which a size is something else.
    """

    title: str
    quantity: str
    sizes: tuple[int, ...]
    variants: tuple[str, ...] = ("default",)
    tolerance: float = 1e-8
    floor: Callable[[int, str], Callable[[], float]] | None = None
    defaults: bool = False
    sizes_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    implementations: dict[str, Implementation] = field(default_factory=dict)

    def by(self, *modules: str, variants: Sequence[str] = ()) -> Callable[..., Callable[[int, str], Task]]:
        """Decorator: the function solves this workload and needs `modules`; by default in all variants."""

        def add(build: Callable[[int, str], Task]) -> Callable[[int, str], Task]:
            name = build.__name__
            self.implementations[name] = Implementation(name, build, modules, tuple(variants) or self.variants)
            return build

        return add


def load(path: Path) -> Workload:
    """The workload that the Python file at `path` declares."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    found = importlib.import_module(path.stem).WORKLOAD
    assert isinstance(found, Workload)
    return found
