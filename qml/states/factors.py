r"""Derivatives in a factor A of sigma = A A^dagger: never a d x d matrix.

With the singular values s and left vectors V of A, and l = 2 log s, a Hermitian X with dL = Tr(X dlog sigma) becomes

.. math:: dL = \mathrm{Re}\,\mathrm{Tr}(C^\dagger dA), \qquad
    C = 2 V \left( D \circ V^\dagger X V \right) V^\dagger A

with D the divided differences of log. The logarithm is that on the support of sigma, differentiated along states of
unchanged rank. For X = -rho with rho inside the support nothing is lost: the derivative has the blocks
(support, support), which is the one above, (support, kernel), which meets a block of rho that vanishes, and
(kernel, kernel), which vanishes to first order since the rank stays.
"""

from __future__ import annotations

import math

import numpy as np

from qml import spectral
from qml._typing import Complex, Cotangent
from qml.states.base import State, log_mean


def pull_log(spectrum: spectral.Spectrum, rows: Complex, cotangent: Complex) -> Complex:
    """C (..., d, r) from the Hermitian X (..., d, d) and the rows V^dagger A; costs the product of X with r columns."""
    return _from_rotated(spectrum, rows, spectrum.to_basis(cotangent))


def cross_entropy_and_cotangent(spectrum: spectral.Spectrum, rows: Complex, rho: State) -> tuple[float, Cotangent]:
    """-Tr(rho log sigma) and C, or None at +inf; O(d r (r + k)) where rho is held as a factor of k columns."""
    assert spectrum.basis is not None
    rotated = spectrum.basis.conj().T @ rho.apply(spectrum.basis)
    value = float(-log_mean(spectrum, rho, np.diagonal(rotated).real) + 0.0)
    return value, None if math.isinf(value) else _from_rotated(spectrum, rows, -rotated)


def _from_rotated(spectrum: spectral.Spectrum, rows: Complex, rotated: Complex) -> Complex:
    assert spectrum.basis is not None
    inner = spectral.log_divided_differences(spectrum.log_eigenvalues) * rotated
    return np.asarray(2 * spectrum.basis @ (inner @ rows))
