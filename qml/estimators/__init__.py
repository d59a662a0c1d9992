"""Estimators with scikit-learn's interface: they work in its pipelines, searches and cross-validation."""

from qml._checks import need

need("sklearn", "data", "qml.estimators")

from qml.estimators.boltzmann import QuantumBoltzmannMachine  # noqa: E402
from qml.estimators.circuit import QuantumCircuitClassifier  # noqa: E402
from qml.estimators.classifier import QuantumCrossEntropyClassifier  # noqa: E402
from qml.estimators.density import DensityEstimator  # noqa: E402

__all__ = ["DensityEstimator", "QuantumBoltzmannMachine", "QuantumCircuitClassifier", "QuantumCrossEntropyClassifier"]
