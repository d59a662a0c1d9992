r"""Unitary gates with analytic derivatives: the usual names, Pauli rotations of any weight, and gates of your own.

A gate is called with its parameters, then its sites: ``RX("theta", 0)``, ``CNOT(0, 1)``. Angles are in radians,
controls come first, and every matrix is over \|first listed site, second, ...>.
"""

from qml._descriptions import constants as known_by_name
from qml.gates import constants, named
from qml.gates.constants import *  # noqa: F403 - the names that its __all__ lists
from qml.gates.control import Controlled, controlled
from qml.gates.named import *  # noqa: F403 - the names that its __all__ lists
from qml.gates.parametric import ParametricGate
from qml.gates.rotations import PauliRotation
from qml.gates.unitary import UnitaryGate
from qml.instructions import Unitary
from qml.instructions.names import defined_in, find

__all__ = [
    "ALIASES",
    "GATES",
    "Controlled",
    "ParametricGate",
    "PauliRotation",
    "UnitaryGate",
    "controlled",
    "gate",
]
__all__ += constants.__all__
__all__ += named.__all__

GATES: dict[str, Unitary] = defined_in(Unitary, constants, named)
"""Every gate that ``constants.py`` and ``named.py`` define, by its name."""
known_by_name("gate", GATES)

ALIASES: dict[str, str] = {
    "CX": "CNOT",
    "CCX": "Toffoli",
    "CCNOT": "Toffoli",
    "CSWAP": "Fredkin",
    "id": "I",
    "Identity": "I",
    "PauliX": "X",
    "PauliY": "Y",
    "PauliZ": "Z",
    "Hadamard": "H",
    "U": "U3",
    "phase": "P",
    "PhaseShift": "P",
    "u1": "P",
    "cphase": "CP",
    "cu1": "CP",
    "ControlledPhaseShift": "CP",
    "IsingXX": "RXX",
    "IsingYY": "RYY",
    "IsingZZ": "RZZ",
}
"""What Qiskit, OpenQASM and PennyLane call some of them; capitals make no difference."""


def gate(name: str) -> Unitary:
    """The gate of this name, as an object that places itself on sites.

    Parameters
    ----------
    name : str
        Capitals make no difference, and :data:`ALIASES` has the names that other libraries use.

    Returns
    -------
    Unitary

    Raises
    ------
    InputError
        Where there is no such gate, with the nearest name.

    Examples
    --------
    >>> gate("cx"), gate("iSWAP"), gate("phase"), gate("sxdg")
    (CNOT, ISWAP, P, SXdg)
    """
    return find("a gate's name", name, GATES, ALIASES)
