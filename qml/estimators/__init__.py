"""Estimators with scikit-learn's interface: they work in its pipelines, searches and cross-validation."""

from qml.estimators import _needs as _needs
from qml.estimators.boltzmann import QuantumBoltzmannMachine
from qml.estimators.circuit import QuantumCircuitClassifier
from qml.estimators.classifier import QuantumCrossEntropyClassifier
from qml.estimators.density import DensityEstimator

__all__ = ["DensityEstimator", "QuantumBoltzmannMachine", "QuantumCircuitClassifier", "QuantumCrossEntropyClassifier"]
