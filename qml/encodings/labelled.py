"""Inputs with classes, in parts for training, validation and testing, and their labels as states."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import write_arrays
from qml._typing import Integer, Real
from qml.losses import Labelled, label_states
from qml.states import DensityMatrix


@dataclass(frozen=True)
class Samples:
    """Inputs (m, k) and classes (m,), numbered from 0, with the names of the classes."""

    inputs: Real
    classes: Integer
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inputs)

    def part(self, members: Integer) -> Samples:
        """Some of them, by number."""
        return Samples(self.inputs[members], self.classes[members], self.names)


@dataclass(frozen=True)
class Labels:
    """Labelled data in parts (None: nothing was held out for it), and the names of the classes."""

    train: Labelled
    validation: Labelled | None
    test: Labelled | None
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        samples: Samples,
        levels: int | None,
        noise: float,
        share_flipped: float,
        fractions: tuple[float, float],
        rngs: tuple[np.random.Generator, np.random.Generator],
        scaled: bool = True,
    ) -> Labels:
        """Samples in parts, the fractions for validation and testing drawn by the first of `rngs`; inputs are scaled by
        the training part, and labels of it flipped by the second.

        Raises
        ------
        InputError
            If a part is empty, or there are fewer `levels` than classes.
        """
        levels = len(samples.names) if levels is None else levels
        if levels < len(samples.names):
            raise InputError(f"levels must be at least {len(samples.names)}, one a class; found {levels}.")
        parts = split(samples, fractions, rngs[0])
        if scaled:
            parts = standardized(parts)
        parts[0] = flipped(parts[0], share_flipped, rngs[1])
        train, validation, test = (as_labelled(part, levels, noise) if len(part) else None for part in parts)
        assert train is not None
        return cls(train, validation, test, samples.names)

    def save(self, path: Path) -> None:
        """Write inputs and probabilities of the classes of every part, and the names, as plain arrays."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        arrays = {f"{name}.inputs": part.inputs for name, part in parts.items() if part is not None}
        arrays |= {f"{name}.labels": part.states.probabilities() for name, part in parts.items() if part is not None}
        write_arrays(path, {"names": np.array(self.names), **arrays})


def split(samples: Samples, fractions: tuple[float, float], rng: np.random.Generator) -> list[Samples]:
    """Three parts, drawn class by class: what is left, and the two fractions, which may be 0."""
    parts: list[list[Integer]] = [[], [], []]
    order = rng.permutation(len(samples))
    for c in range(len(samples.names)):
        members = order[samples.classes[order] == c]
        first = round(fractions[0] * len(members))
        second = first + round(fractions[1] * len(members))
        for part, chosen in zip(parts, (members[second:], members[:first], members[first:second]), strict=True):
            part.append(np.asarray(chosen))
    found = [samples.part(np.sort(np.concatenate(part))) for part in parts]
    for fraction, held in zip((1.0, *fractions), found, strict=True):
        if fraction > 0 and not len(held):
            raise InputError(f"{len(samples)} samples leave a part empty at these fractions: choose others.")
    return found


def standardized(parts: list[Samples]) -> list[Samples]:
    """Inputs less the mean of those of the first part, by their standard deviation (where it is not zero)."""
    first = parts[0].inputs[0]
    x = parts[0].inputs - first  # exactly zero where all are equal
    center, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return [Samples((part.inputs - first - center) / scale, part.classes, part.names) for part in parts]


def flipped(samples: Samples, share: float, rng: np.random.Generator) -> Samples:
    """Each label replaced by another class with the probability `share`."""
    wrong = rng.random(len(samples)) < share
    shift = rng.integers(1, len(samples.names), len(samples))
    classes = np.where(wrong, (samples.classes + shift) % len(samples.names), samples.classes)
    return Samples(samples.inputs, classes, samples.names)


def as_labelled(samples: Samples, levels: int, noise: float) -> Labelled:
    """Classes as diagonal states (1 - noise) |y><y| + noise/classes on the first of `levels` levels."""
    count = len(samples.names)
    p = np.zeros((len(samples), levels))
    p[:, :count] = label_states(samples.classes, count, noise=noise).probabilities()
    return Labelled(samples.inputs, DensityMatrix.from_probabilities(p, _checks.qubit_dims(levels)))
