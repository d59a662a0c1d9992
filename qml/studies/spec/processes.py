"""Processes in a study: what a circuit does to its input, as a target and as a model, gate sets, and jump operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qml import Circuit
from qml._checks import InputError
from qml._typing import Complex
from qml.operators import embed
from qml.parameters import Interval
from qml.processes import (
    GateSetModel,
    LindbladModel,
    PauliLindbladModel,
    ProcessFamily,
    ProcessModel,
    xyi_gate_set,
)
from qml.studies.spec.parts import EngineName, NoiseRule, noise_model, pauli
from qml.studies.spec.schema import members
from qml.studies.spec.signatures import NOTHING, VALUES, Made, union

Ends: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
Domains: TypeAlias = Annotated[
    Mapping[str, Ends], Field(description="narrower intervals [low, high] of parameters with a domain, by name")
]


def intervals(domains: Domains) -> dict[str, Interval]:
    """The intervals of parameters, by name."""
    return {name: Interval(*ends) for name, ends in domains.items()}


def process(
    ansatz: Circuit, noise: Sequence[NoiseRule] = (), engine: EngineName = "pauli", domains: Domains = NOTHING
) -> ProcessModel:
    """What a circuit does to its input, noise learnt with it: a model of Choi states.

    Parameters
    ----------
    noise : list
        Channels behind gates.
    """
    return ProcessModel(ansatz.with_noise(noise_model(noise, ())), engine=engine, domains=intervals(domains))


def gate_set(
    standard: Literal["xyi"] | None = None,
    parametrization: Literal["tp", "cptp", "known"] = "tp",
    gates: Annotated[dict[str, Circuit] | None, Field(min_length=1)] = None,
) -> ProcessFamily:
    """Gates that are learnt together from words of gates: a standard set, or circuits whose noise is learnt.

    Parameters
    ----------
    standard : "xyi"
        One qubit: Gi, Gx, Gy, preparation rho, measurement Z; or gates.
    parametrization : {"tp", "cptp", "known"}
        Of gates without free parameters of their own.
    gates : mapping
        A circuit for each name; or standard.
    """
    if standard is None and gates is not None:
        return GateSetModel(gates, kind=parametrization)
    if standard is None or gates is not None:
        raise InputError(f"give either standard or gates; found {'neither' if gates is None else 'both'}.")
    return xyi_gate_set(parametrization)


def lowering(n: int, site: Annotated[int, Field(ge=0)] = 0) -> Complex:
    r"""The operator \|0><1| of one qubit: decay."""
    if site >= n:
        raise InputError(f"site must be below n = {n}; found {site}.")
    return embed(np.array([[0, 1], [0, 0]], dtype=np.complex128), [site], (2,) * n)


def raising(n: int, site: Annotated[int, Field(ge=0)] = 0) -> Complex:
    r"""The operator \|1><0| of one qubit: excitation."""
    return np.ascontiguousarray(lowering(n, site).conj().T)


JumpSpec: TypeAlias = Annotated[Made, union({"lowering": lowering, "raising": raising, "pauli": pauli}, title="jumps")]
VALUES["JumpLike"] = JumpSpec
FamilySpec: TypeAlias = Annotated[
    Made, union({"gate_set": gate_set, "lindblad": LindbladModel, "pauli_lindblad": PauliLindbladModel})
]
VALUES["ProcessFamily"] = FamilySpec
FAMILIES = members(FamilySpec)
"""Kinds of models that are learnt from records of many circuits."""
