"""Metrics on families of states: the geometry that natural gradients and error bars live in."""

from qml.geometry.gibbs import GibbsMetric
from qml.geometry.metric import KINDS, HasMetric, Metric, metric

__all__ = [
    "KINDS",
    "GibbsMetric",
    "HasMetric",
    "Metric",
    "metric",
]
