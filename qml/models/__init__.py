"""Models: families of states sigma_theta, and how a derivative in the state goes back to theta."""

from qml._checks import OutsideDomain
from qml.models.base import Model
from qml.models.chain import ChainGibbsModel, ChainState
from qml.models.cholesky import CholeskyModel
from qml.models.circuit import CircuitModel
from qml.models.conditional import ConditionalGibbsModel, ConditionalModel, Conditioned
from qml.models.conditional_circuit import ConditionalCircuitModel
from qml.models.energies import Energies, IsingEnergies, ProductEnergies, TableEnergies
from qml.models.evolved import EvolvedGibbsModel
from qml.models.gibbs import GibbsModel
from qml.models.hidden import HiddenGibbsModel, semi_quantum_restricted
from qml.models.mixture import MixtureModel
from qml.models.noisy import NoisyModel
from qml.models.product import ProductModel
from qml.models.purified import PurifiedCircuitModel
from qml.models.spectral import SpectralModel
from qml.models.thermal import LargeGibbsModel, ThermalState

MODELS: dict[str, type[Model]] = {
    "cholesky": CholeskyModel,
    "circuit": CircuitModel,
    "evolved": EvolvedGibbsModel,
    "gibbs": GibbsModel,
    "hidden": HiddenGibbsModel,
    "mixture": MixtureModel,
    "noisy": NoisyModel,
    "product": ProductModel,
    "purified": PurifiedCircuitModel,
    "spectral": SpectralModel,
}
"""Every model by name: what the contract tests differentiate, fit, save and load. Studies have specs of their own."""

__all__ = [
    "MODELS",
    "ChainGibbsModel",
    "ChainState",
    "CholeskyModel",
    "CircuitModel",
    "ConditionalCircuitModel",
    "ConditionalGibbsModel",
    "ConditionalModel",
    "Conditioned",
    "Energies",
    "EvolvedGibbsModel",
    "GibbsModel",
    "HiddenGibbsModel",
    "IsingEnergies",
    "LargeGibbsModel",
    "MixtureModel",
    "Model",
    "NoisyModel",
    "OutsideDomain",
    "ProductEnergies",
    "ProductModel",
    "PurifiedCircuitModel",
    "SpectralModel",
    "TableEnergies",
    "ThermalState",
    "semi_quantum_restricted",
]
