"""Imported before the estimators, whose base classes are of scikit-learn: its absence is told in a sentence."""

from qml import _checks

_checks.need("sklearn", "data", "qml.estimators")
