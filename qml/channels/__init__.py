"""Quantum channels with parameters that can be trained, and channels of your own from Kraus operators.

A channel is called with its parameters, then its sites: ``Depolarizing(0.01, 0)``, ``AmplitudeDamping("gamma", 2)``.
Every parameter has a declared domain; superoperators and their derivatives are right on all of it, ends included.
"""

from qml._descriptions import constants as known_by_name
from qml.channels import damping, kraus, lindblad, mixtures
from qml.channels.damping import *  # noqa: F403 - the names that its __all__ lists
from qml.channels.kraus import *  # noqa: F403 - the names that its __all__ lists
from qml.channels.lindblad import *  # noqa: F403 - the names that its __all__ lists
from qml.channels.mixtures import *  # noqa: F403 - the names that its __all__ lists
from qml.instructions import Channel
from qml.instructions.names import defined_in, find

__all__ = ["CHANNELS", "channel"]
__all__ += kraus.__all__
__all__ += lindblad.__all__
__all__ += mixtures.__all__
__all__ += damping.__all__

CHANNELS: dict[str, Channel] = defined_in(Channel, mixtures, damping, kraus)
"""Every channel that these files define, by its name."""
known_by_name("channel", CHANNELS)


def channel(name: str) -> Channel:
    """The channel of this name, as an object that places itself on sites.

    Parameters
    ----------
    name : str
        Capitals and underscores make no difference.

    Returns
    -------
    Channel

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
