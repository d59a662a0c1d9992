"""Quantum channels with parameters that can be trained, and channels of your own from Kraus operators.

A channel is called with its parameters, then its sites: ``Depolarizing(0.01, 0)``, ``AmplitudeDamping("gamma", 2)``.
Every parameter has a declared domain; superoperators and their derivatives are right on all of it, ends included.
"""

from qml.channels.kraus import KrausChannel, ReadoutError, Reset
from qml.channels.mixtures import (
    BitFlip,
    BitPhaseFlip,
    Depolarizing,
    Depolarizing2,
    PauliChannel,
    PauliError,
    PauliError2,
    PauliMixture,
    PhaseFlip,
)
from qml.channels.relaxation import (
    AmplitudeDamping,
    GeneralizedAmplitudeDamping,
    PhaseDamping,
    Relaxation,
    ThermalRelaxation,
)
from qml.operations import Channel, find

CHANNELS: dict[str, Channel] = {
    c.name: c
    for c in (
        *(BitFlip, PhaseFlip, BitPhaseFlip, Depolarizing, Depolarizing2, PauliError, PauliError2, PauliChannel),
        *(AmplitudeDamping, GeneralizedAmplitudeDamping, PhaseDamping, ThermalRelaxation, Reset, ReadoutError),
    )
}
"""Every named channel by its name."""


def channel(name: str) -> Channel:
    """The named channel; capitals and underscores make no difference.

    Raises
    ------
    InputError
        Where there is no such channel, with the nearest name.

    Examples
    --------
    >>> channel("amplitude_damping"), channel("Depolarizing")
    (AmplitudeDamping, Depolarizing)
    """
    return find("a channel's name", name, CHANNELS)


__all__ = [
    "CHANNELS",
    "AmplitudeDamping",
    "BitFlip",
    "BitPhaseFlip",
    "Depolarizing",
    "Depolarizing2",
    "GeneralizedAmplitudeDamping",
    "KrausChannel",
    "PauliChannel",
    "PauliError",
    "PauliError2",
    "PauliMixture",
    "PhaseDamping",
    "PhaseFlip",
    "ReadoutError",
    "Relaxation",
    "Reset",
    "ThermalRelaxation",
    "channel",
]
