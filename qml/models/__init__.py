"""Models: families of states sigma_theta, and how a derivative in the state goes back to theta."""

from qml.models.base import Model
from qml.models.circuit import CircuitModel
from qml.models.gibbs import GibbsModel
from qml.models.spectral import SpectralModel

MODELS: dict[str, type[Model]] = {"circuit": CircuitModel, "gibbs": GibbsModel, "spectral": SpectralModel}
"""Every model by name; configs and the command line read this list."""

__all__ = ["MODELS", "CircuitModel", "GibbsModel", "Model", "SpectralModel"]
