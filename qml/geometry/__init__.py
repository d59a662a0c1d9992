"""Metrics on families of states: the geometry that natural gradients and error bars live in."""

from qml.geometry.gibbs import GibbsMetric
from qml.geometry.metric import HasMetric, Metric, metric
from qml.geometry.weights import KINDS

__all__ = [
    "KINDS",
    "GibbsMetric",
    "HasMetric",
    "Metric",
    "metric",
]
