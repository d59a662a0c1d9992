"""What an information matrix determines: standard errors there, and +inf elsewhere."""

from __future__ import annotations

import numpy as np

from qml._typing import Real

LEAST = 1e-8
"""The root of a diagonal entry below this part of the largest is not scaled to one: it may be rounding."""


class Information:
    """The inverse of a Fisher information or curvature (n, n) on the directions that it determines: those whose
    eigenvalues, its diagonal scaled to one, are above a part `known` of the largest.

    Parameters
    ----------
    matrix : array (n, n)
    known : float
        Above what rounding of the matrix makes of a zero.
    lost : float
        The part of a function's derivative, scaled likewise, that may lie along other directions: rounding, too.

    Attributes
    ----------
    factor : array (n, k)
        F: the covariance is F F^T on the k directions that are determined.
    """

    def __init__(self, matrix: Real, known: float, lost: float) -> None:
        scale = np.sqrt(np.clip(np.diagonal(matrix), 0.0, None))
        self._unit = np.maximum(scale, LEAST * scale.max(initial=0.0) or 1.0)[:, None]
        values, vectors = np.linalg.eigh(matrix / (self._unit * self._unit.T))
        kept = values > known * values.max(initial=0.0)
        self.factor: Real = vectors[:, kept] / np.sqrt(values[kept]) / self._unit
        self._others, self._lost = vectors[:, ~kept], lost

    def errors(self, derivatives: Real) -> Real:
        """The standard errors (m,) of functions with these derivatives (n, m): +inf where one changes along a direction
        that is not determined."""
        scaled = derivatives / self._unit
        lost = np.linalg.norm(self._others.T @ scaled, axis=0) > self._lost * np.linalg.norm(scaled, axis=0)
        return np.where(lost, np.inf, np.linalg.norm(self.factor.T @ derivatives, axis=0))

    def covariance(self) -> Real:
        """Of the parameters (n, n): variances +inf, and covariances zero, where one is not determined."""
        covariance = self.factor @ self.factor.T
        lost = np.isinf(self.errors(np.eye(len(covariance))))
        covariance[lost] = covariance[:, lost] = 0.0
        covariance[lost, lost] = np.inf
        return covariance
