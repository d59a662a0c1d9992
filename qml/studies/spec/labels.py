"""Labelled data that a study may name: inputs with classes, as states for a conditional model to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qml.encodings.datasets import load_samples, sklearn_datasets
from qml.encodings.labelled import Samples
from qml.encodings.tables import read_table
from qml.studies.files import inside
from qml.studies.spec.signatures import Made, union


def dataset(
    name: Literal["iris", "wine", "breast_cancer", "digits"],
    classes: Annotated[list[Annotated[int, Field(ge=0)]] | None, Field(min_length=2)] = None,
) -> Samples:
    """A data set that comes with scikit-learn.

    Parameters
    ----------
    classes : list of int
        To keep, by number; all by default.
    """
    return Samples(*load_samples(name, classes))


def two_moons(
    rng: np.random.Generator,
    samples: Annotated[int, Field(ge=2, le=100_000)] = 200,
    noise: Annotated[float, Field(ge=0.0)] = 0.2,
) -> Samples:
    """Two half circles that interlock, drawn by the study's seed.

    Parameters
    ----------
    noise : float
        Standard deviation of both coordinates.
    """
    draw = sklearn_datasets("two moons").make_moons
    inputs, classes = draw(samples, noise=noise, random_state=int(rng.integers(2**31)))
    return Samples(np.asarray(inputs), np.asarray(classes), ("upper", "lower"))


def table(folder: Path, path: Annotated[str, Field(min_length=1)], label: str = "label") -> Samples:
    """A table in a file beside the study: .csv with a head, or .npz with the arrays inputs (m, k) and labels (m,).

    Parameters
    ----------
    path : str
        Relative to the folder of the study.
    label : str
        The column of a .csv that names the class; all others are inputs.
    """
    return read_table(inside(folder, path), label)


DataSpec: TypeAlias = Annotated[Made, union({"dataset": dataset, "two_moons": two_moons, "table": table})]
