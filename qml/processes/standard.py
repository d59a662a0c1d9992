"""The standard gate set of one qubit, quarter turns about X and Y and an idle, with the words that determine it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml.circuits import Circuit
from qml.gates import RX, RY, I
from qml.measurement.elements import POVM
from qml.processes.experiments import Word, parse_word
from qml.processes.gate_set import GateSetModel

FIDUCIALS: tuple[Word, ...] = tuple(map(parse_word, ("", "Gx", "Gy", "Gx Gx", "Gx Gx Gx", "Gy Gy Gy")))
"""Words before and after a germ: they prepare, and measure, along all directions."""
GERMS: tuple[Word, ...] = (
    *map(parse_word, ("Gi", "Gx", "Gy", "Gx Gy", "Gx Gx Gy", "Gx Gy Gy", "Gx Gy Gi", "Gx Gi Gy", "Gx Gi Gi")),
    *map(parse_word, ("Gy Gi Gi", "Gx Gy Gy Gi", "Gx Gx Gy Gx Gy Gy")),
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

    Raises
    ------
    InputError
        If max_length is no integer of at least 1.

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
    germs = GERMS[:LITE] if _checks.flag("lite", lite) else GERMS
    return germ_words(germs, FIDUCIALS, longest)


def germ_words(
    germs: Sequence[Sequence[str]],
    fiducials: Sequence[Sequence[str]],
    max_length: int,
    measured: Sequence[Sequence[str]] | None = None,
) -> list[Word]:
    """The words fiducial, power of a germ, fiducial, each once; powers have at most 1, 2, 4, ... gates.

    Parameters
    ----------
    germs : sequence of sequences of str
        Words whose powers amplify errors; names of gates, the first to act first.
    fiducials : sequence of sequences of str
        Words before a germ; the empty one is ().
    max_length : int
        Of the power, in gates.
    measured : sequence of sequences of str, optional
        Words after a germ; the fiducials by default.

    Raises
    ------
    InputError
        If max_length is below 1, or a word is no sequence of names.

    Examples
    --------
    >>> germ_words([("Gx",)], [(), ("Gy",)], 2)[-1]
    ('Gy', 'Gx', 'Gx', 'Gy')
    """
    longest = _checks.integer("max_length", max_length, low=1)
    before, middle = _words("fiducials", fiducials), [germ for germ in _words("germs", germs) if germ]
    after = before if measured is None else _words("measured", measured)
    pairs = len(before) * len(after)
    steps = longest.bit_length() * max(1, len(middle))
    _checks.memory("the words", 32 * pairs * (steps + longest * len(middle)), "choose a smaller max_length")
    found: dict[Word, None] = dict.fromkeys(a + b for a in before for b in after)
    length = 1
    while length <= longest:
        for germ in middle:
            if power := length // len(germ):
                found |= dict.fromkeys(a + germ * power + b for a in before for b in after)
        length *= 2
    return list(found)


def _words(name: str, words: Sequence[Sequence[str]]) -> list[Word]:
    held = [tuple(_checks.listed(f"each of {name}", word)) for word in _checks.listed(name, words, "words")]
    if not held:
        raise InputError(f"{name} must hold at least one word; found none.")
    return [tuple(_checks.text("the name of a gate", letter) for letter in word) for word in held]


def xyi_gate_set(kind: str = "tp") -> GateSetModel:
    """The model of the idle "Gi" and of quarter turns "Gx", "Gy" about X and Y, the preparation "rho" of \\|0> and the
    measurement "Z".

    Parameters
    ----------
    kind : {"tp", "cptp", "known"}
        As for :class:`GateSetModel`.

    Raises
    ------
    InputError
        For another kind.

    Examples
    --------
    >>> xyi_gate_set()
    GateSetModel(Gi, Gx, Gy; tp, 43 parameters)
    """
    quarter = math.pi / 2
    gates: dict[str, Any] = {"Gi": I, "Gx": Circuit(1, [RX(quarter, 0)]), "Gy": Circuit(1, [RY(quarter, 0)])}
    ends = {"Z": POVM([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])}
    return GateSetModel(gates, kind=kind, preparations={"rho": [1.0, 0.0]}, measurements=ends)
