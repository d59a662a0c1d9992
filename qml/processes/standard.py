"""The standard gate set of one qubit, quarter turns about X and Y and an idle, with the words that determine it."""

from __future__ import annotations

import math
from typing import Any

from qml import _checks
from qml.circuits import Circuit
from qml.gates import RX, RY, I
from qml.measurement.elements import POVM
from qml.processes.experiments import Word
from qml.processes.gate_set import GateSetModel

FIDUCIALS: tuple[Word, ...] = (
    (),
    ("Gx",),
    ("Gy",),
    ("Gx", "Gx"),
    ("Gx", "Gx", "Gx"),
    ("Gy", "Gy", "Gy"),
)
"""Words before and after a germ: they prepare, and measure, along all directions."""
GERMS: tuple[Word, ...] = (
    ("Gi",),
    ("Gx",),
    ("Gy",),
    ("Gx", "Gy"),
    ("Gx", "Gx", "Gy"),
    ("Gx", "Gy", "Gy"),
    ("Gx", "Gy", "Gi"),
    ("Gx", "Gi", "Gy"),
    ("Gx", "Gi", "Gi"),
    ("Gy", "Gi", "Gi"),
    ("Gx", "Gy", "Gy", "Gi"),
    ("Gx", "Gx", "Gy", "Gx", "Gy", "Gy"),
)
"""Words whose powers amplify every error of the gates that is no gauge; the first five suffice for small errors."""
LITE = 5


def xyi_words(max_length: int, *, lite: bool = True) -> list[Word]:
    """The words of long-sequence tomography of one qubit: fiducial, power of a germ, fiducial.

    Powers are such that the germ and its repetitions have at most 1, 2, 4, ... gates, up to `max_length`.

    Parameters
    ----------
    max_length : int
        Of the middle, in gates.
    lite : bool
        Five germs in place of twelve.

    Notes
    -----
    Source: Nielsen et al. (2021), Quantum 5, 557, arXiv:2009.07301; germs and fiducials are those of pyGSTi's model
    pack ``smq1Q_XYI``.

    Examples
    --------
    >>> len(xyi_words(1)), len(xyi_words(64)), len(xyi_words(64, lite=False))
    (92, 952, 2122)
    """
    longest = _checks.integer("max_length", max_length, low=1)
    _checks.memory("the words", 6000 * longest, "choose a smaller max_length")
    germs = GERMS[:LITE] if _checks.flag("lite", lite) else GERMS
    found: dict[Word, None] = dict.fromkeys(a + b for a in FIDUCIALS for b in FIDUCIALS)
    length = 1
    while length <= longest:
        for germ in germs:
            power = length // len(germ)
            if power:
                found |= dict.fromkeys(a + germ * power + b for a in FIDUCIALS for b in FIDUCIALS)
        length *= 2
    return list(found)


def xyi_gate_set(kind: str = "tp") -> GateSetModel:
    """The model of the idle "Gi" and of quarter turns "Gx", "Gy" about X and Y, the preparation "rho" of \\|0> and the
    measurement "Z".

    Parameters
    ----------
    kind : {"tp", "cptp", "known"}
        As for :class:`GateSetModel`.

    Examples
    --------
    >>> xyi_gate_set()
    GateSetModel(Gi, Gx, Gy; tp, 43 parameters)
    """
    quarter = math.pi / 2
    gates: dict[str, Any] = {"Gi": I, "Gx": Circuit(1, [RX(quarter, 0)]), "Gy": Circuit(1, [RY(quarter, 0)])}
    ends = {"Z": POVM([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])}
    return GateSetModel(gates, kind=kind, preparations={"rho": [1.0, 0.0]}, measurements=ends)
