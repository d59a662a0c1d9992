"""The priors on parameters that a study may name: their keys are the arguments of the classes."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from qml.fitting.priors import Gaussian, Laplace, Prior
from qml.studies.spec.signatures import Made, union

PRIORS: dict[str, type[Prior]] = {"gaussian": Gaussian, "laplace": Laplace}
"""Every prior by name."""

PriorSpec: TypeAlias = Annotated[Made, union(PRIORS)]
