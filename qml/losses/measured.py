"""The measured relative entropy: the most that any one measurement tells two states apart."""

from __future__ import annotations

import math

import numpy as np

from qml import spectral
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.losses.measures import weight_outside_support
from qml.states.base import State
from qml.states.density_matrix import dims_match

GRADIENT = 1e-10
LOG_FLOOR = 1e-8
"""Share of the maximally mixed state in the first guess, so that its logarithm exists."""


def measured_relative_entropy(rho: State, sigma: State, *, max_iterations: int = 2000) -> float:
    r"""The largest classical relative entropy of the outcomes of one measurement of rho and of sigma, in nats.

    .. math:: D_M(\rho \Vert \sigma) = \max_{\{M_k\}} \sum_k p_k \log\frac{p_k}{q_k}
        = \sup_{\omega > 0} \mathrm{Tr}\,\rho\log\omega + 1 - \mathrm{Tr}\,\sigma\omega

    with p_k = Tr(M_k rho) and q_k = Tr(M_k sigma). It is at most D(rho||sigma), with equality iff the states commute;
    +inf iff the support of rho is not inside that of sigma.

    Parameters
    ----------
    rho, sigma : State
        Single states of equal dims.
    max_iterations : int
        Of the optimizer.

    Returns
    -------
    float
        The relative entropy of the outcomes in the best basis that was found: a lower bound to rounding, whose
        distance from the supremum is of second order in the gradient that is left.

    Raises
    ------
    InputError
        For batches, or unequal dims.

    Notes
    -----
    The supremum is concave in omega = exp(H). H is unconstrained and every stationary point is the maximum, so L-BFGS
    finds it; each step costs an eigen-decomposition, O(d^3). Source: Berta, Fawzi, Tomamichel (2017),
    arXiv:1512.02615; Huang and Wilde (2024), arXiv:2406.19060.

    Examples
    --------
    >>> from qml.losses import relative_entropy
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix([[0.75, 0.25], [0.25, 0.25]]), DensityMatrix([[0.5, 0.0], [0.0, 0.5]])
    >>> round(measured_relative_entropy(rho, sigma) - float(relative_entropy(rho, sigma)), 9) + 0.0
    0.0
    """
    dims_match(rho, sigma)
    if rho.batch_shape or sigma.batch_shape:
        raise InputError("the measured relative entropy takes single states: index the batch first.")
    if weight_outside_support(rho, sigma) > spectral.weight_cut(sigma.dim):
        return math.inf
    spectrum = sigma.spectrum()
    basis = np.eye(sigma.dim, dtype=np.complex128) if spectrum.basis is None else spectrum.basis
    basis = basis[:, spectrum.support]
    q = np.diag(spectrum.eigenvalues[spectrum.support]).astype(np.complex128)
    p = basis.conj().T @ rho.matrix() @ basis
    return _supremum(p, q, max_iterations)


def _supremum(rho: Complex, sigma: Complex, max_iterations: int) -> float:
    import scipy.optimize

    d = len(rho)
    rows, columns = np.tril_indices(d, -1)
    best = -math.inf

    def matrix(x: Real) -> Complex:
        h = np.zeros((d, d), dtype=np.complex128)
        h[rows, columns] = x[d : d + len(rows)] + 1j * x[d + len(rows) :]
        h += h.conj().T
        h[np.arange(d), np.arange(d)] = x[:d]
        return h

    def coordinates(g: Complex) -> Real:
        return np.concatenate([np.diagonal(g).real, 2 * g[rows, columns].real, 2 * g[rows, columns].imag])

    def negative(x: Real) -> tuple[float, Real]:
        nonlocal best
        h = matrix(x)
        values, vectors = np.linalg.eigh(h)
        best = max(best, _in_basis(rho, sigma, vectors))
        known = spectral.Spectrum(np.minimum(values, 700.0), vectors)
        value = np.vdot(rho, h).real + 1 - np.vdot(sigma, known.matrix_of(known.eigenvalues)).real
        return -float(value), -coordinates(rho - known.exp_pullback(sigma))

    mixed = np.eye(d) / d
    start = _log((1 - LOG_FLOOR) * rho + LOG_FLOOR * mixed) - _log((1 - LOG_FLOOR) * sigma + LOG_FLOOR * mixed)
    x0 = coordinates(start)
    x0[d:] /= 2
    options = {"maxiter": max_iterations, "maxfun": 2 * max_iterations, "ftol": 0.0, "gtol": GRADIENT, "maxcor": 30}
    scipy.optimize.minimize(negative, x0, jac=True, method="L-BFGS-B", options=options)
    return best


def _in_basis(rho: Complex, sigma: Complex, vectors: Complex) -> float:
    """The classical relative entropy of the outcomes in a basis, given in columns."""
    p = np.einsum("ij,ij->j", vectors.conj(), rho @ vectors).real
    q = np.einsum("ij,ij->j", vectors.conj(), sigma @ vectors).real
    seen = (p > spectral.weight_cut(len(p))) & (q > 0)
    return float(p[seen] @ np.log(p[seen] / q[seen]))


def _log(matrix: Complex) -> Complex:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.log(np.maximum(values, spectral.EPS))) @ vectors.conj().T)
