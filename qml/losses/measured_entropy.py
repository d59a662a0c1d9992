"""The measured relative entropy: the most that any one measurement tells two states apart."""

from __future__ import annotations

import contextlib
import math
from typing import NamedTuple

import numpy as np

from qml import _checks, spectral, threads
from qml._checks import InputError
from qml._results import FitError
from qml._typing import Complex, Real
from qml.losses.measures import factor_of
from qml.states.coercion import StateLike, as_pair

SMALLEST = 1e-100
"""Eigenvalues of sigma below this are too small to divide by."""
SHRINK = 0.1
"""By which the weight of the barrier falls from one stage to the next."""
CENTRED = 1e-2
"""A stage is over when the squared Newton decrement is below this times the weight of the barrier."""
MIXED = (0.0, 1e-14, 1e-12, 1e-11, 1e-10, 1e-9)
"""Shares of the identity that omega is mixed with for the bound from above: its least eigenvalues are rounded."""


def measured_relative_entropy(
    rho: StateLike, sigma: StateLike, *, gap: float = 1e-8, max_iterations: int = 1000
) -> float:
    r"""The largest classical relative entropy of the outcomes of one measurement of rho and of sigma, in nats.

    .. math:: D_M(\rho \Vert \sigma) = \max_{\{M_k\}} \sum_k p_k \log\frac{p_k}{q_k}
        = \sup_{\omega > 0} \mathrm{Tr}\,\rho\log\omega + 1 - \mathrm{Tr}\,\sigma\omega

    with p_k = Tr(M_k rho) and q_k = Tr(M_k sigma). It is at most D(rho||sigma), with equality iff the states commute;
    +inf iff the support of rho is not inside that of sigma.

    Parameters
    ----------
    rho, sigma : State
        Single states of equal dims.
    gap : float
        In nats, above 0: how far the value may be below the supremum.
    max_iterations : int
        Newton steps.

    Returns
    -------
    float
        The relative entropy of the outcomes in the best basis that was found, so a lower bound to rounding, which is
        certified to be within `gap` of the supremum.

    Raises
    ------
    InputError
        For batches, or unequal dims.
    MemoryRefused
        If the d^3 numbers of its second derivatives would not fit.
    FitError
        If the gap is not reached; the sentence tells both bounds.

    Notes
    -----
    The certificate: the supremum is that of a concave function, so for every omega with Tr(sigma omega) = 1

    .. math:: D_M \le \mathrm{Tr}\,\rho\log\omega - 1 + \lambda_{\max}\!\left(\sigma^{-1/2}\,
        D\log_\omega[\rho]\, \sigma^{-1/2}\right)

    Newton's method follows the maxima of the function plus mu log det omega, where this bound is within mu d, to small
    mu; its linear equations are solved by conjugate gradients, O(d^3) a step. Dimension 8 takes some hundredths of a
    second, 32 some seconds. Source: Berta, Fawzi, Tomamichel (2017), arXiv:1512.02615; Huang and Wilde (2024),
    arXiv:2406.19060; barriers: Fawzi and Saunderson (2023), arXiv:2205.04581.

    Examples
    --------
    >>> from qml.losses import relative_entropy
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix([[0.75, 0.25], [0.25, 0.25]]), DensityMatrix([[0.5, 0.0], [0.0, 0.5]])
    >>> round(measured_relative_entropy(rho, sigma) - float(relative_entropy(rho, sigma)), 9) + 0.0
    0.0
    """
    rho, sigma = as_pair(rho, sigma)
    if rho.batch_shape or sigma.batch_shape:
        raise InputError("the measured relative entropy takes single states: index the batch first.")
    gap = _checks.positive("gap", gap)
    steps = _checks.integer("max_iterations", max_iterations, low=1)
    _checks.memory(f"second derivatives in dimension {sigma.dim}", 128 * sigma.dim**3, "use fewer sites")
    if math.isinf(sigma.log_expectation(rho)):
        return math.inf
    spectrum = sigma.spectrum()
    a, q = spectrum.columns.conj().T @ factor_of(rho), spectrum.eigenvalues
    if (np.square(np.abs(a)).sum(axis=1)[spectrum.support & (q < SMALLEST)] > spectral.weight_cut(sigma.dim)).any():
        raise InputError(f"rho has weight where sigma has eigenvalues below {SMALLEST:g}, too small to divide by.")
    found = _between(a[q >= SMALLEST], q[q >= SMALLEST], gap, steps)
    if not found.upper - found.lower <= gap:
        raise FitError(
            f"the measured relative entropy lies between {found.lower:.9g} and {found.upper:.9g} nats after "
            f"{_checks.plural(found.steps, 'Newton step')}: the gap {gap:.2e} is not reached; raise gap or "
            "max_iterations."
        )
    return max(found.lower, 0.0)


class Bounds(NamedTuple):
    """What the supremum lies between, in nats, to rounding."""

    lower: float
    upper: float
    steps: int


class Omega(NamedTuple):
    """omega = V w V^dagger as V (d, d) and the square roots of w (d,), which keep the digits of small eigenvalues."""

    basis: Complex
    root: Real


@threads.suited_to_matrix
def _between(a: Complex, q: Real, gap: float, max_steps: int) -> Bounds:
    """Bounds for rho = a a^dagger and sigma = diag(q)."""
    d = len(q)
    omega, lower, upper, steps, mu = Omega(np.eye(d, dtype=np.complex128), np.ones(d)), 0.0, math.inf, 0, 1.0
    with np.errstate(all="ignore"), contextlib.suppress(np.linalg.LinAlgError):  # omega of too wide a spectrum
        while upper - lower > gap and steps < max_steps and mu * d > spectral.EPS:
            centred = False
            while not centred and steps < max_steps:
                omega, centred = _newton_step(omega, a, q, mu)
                steps += 1
            lower, upper = max(lower, _in_basis(omega, a, q)), min(upper, _certificate(omega, a, q))
            mu *= SHRINK
    return Bounds(lower, upper, steps)


def _newton_step(omega: Omega, a: Complex, q: Real, mu: float) -> tuple[Omega, bool]:
    """A damped Newton step down Tr sigma omega - Tr rho log omega - mu log det omega, and whether it was a small one.

    In the local coordinate F of d omega = omega^(1/2) F omega^(1/2), in the eigenbasis of omega, the derivative is
    sigma' - rho' - mu, where primes scale entry ij by sqrt(w_i w_j) (and rho by divided differences of log), and
    the second derivative of -Tr rho log omega is, with the second divided differences f_ijk of log,

        (H F)_ik = -sqrt(w_i w_k) sum_j f_ijk (rho_ij sqrt(w_j w_k) F_jk + sqrt(w_i w_j) F_ij rho_jk).
    """
    import scipy.sparse.linalg

    v, root = omega
    d, w = len(root), np.square(root)
    seen, weighed = v.conj().T @ a, np.sqrt(q)[:, None] * v
    rho, sigma = seen @ seen.conj().T, weighed.conj().T @ weighed
    scale = root[:, None] * root
    gradient = scale * (sigma - spectral.log_divided_differences(np.log(w)) * rho) - mu * np.eye(d)
    f = -_second_differences(w)  # [i, j, k]
    left = np.ascontiguousarray((f * scale[:, :, None] * w * rho[:, :, None]).transpose(2, 0, 1))  # [k, i, j]
    right = np.ascontiguousarray((f * w[:, None, None] * scale * rho).transpose(0, 2, 1))  # [i, k, j]
    each = np.arange(d)
    diagonal = (left[:, each, each].T.real + right[:, each, each].real + mu).reshape(-1)

    def hessian(x: Complex) -> Complex:
        y = x.reshape(d, d)
        out = np.matmul(left, y.T[:, :, None])[:, :, 0].T + np.matmul(right, y[:, :, None])[:, :, 0] + mu * y
        return np.asarray(out.reshape(-1))

    def preconditioned(x: Complex) -> Complex:
        return x / diagonal

    operator, inverse = (
        scipy.sparse.linalg.LinearOperator((d * d, d * d), matvec=apply, dtype=np.complex128)
        for apply in (hessian, preconditioned)
    )
    solved, _ = scipy.sparse.linalg.cg(operator, -gradient.reshape(-1), rtol=1e-4, maxiter=4 * d * d, M=inverse)
    step = solved.reshape(d, d)
    step = (step + step.conj().T) / 2
    decrement = -float(np.vdot(gradient, step).real) / mu
    values, vectors = np.linalg.eigh(step)
    length = 1.0 if decrement < 0.06 else 1 / (1 + math.sqrt(decrement))
    if values[0] < 0:
        length = min(length, -0.95 / float(values[0]))
    new, root, _ = spectral.svd((v * omega.root) @ (vectors * np.sqrt(1 + length * values)))
    return Omega(new, root), decrement < CENTRED


def _second_differences(w: Real) -> Real:
    """f_ijk (d, d, d): the second divided differences of log at the positive numbers w (d,)."""
    low, middle, high = np.sort(np.stack(np.broadcast_arrays(w[:, None, None], w[:, None], w)), axis=0)
    near = high - low <= 1e-4 * high  # there -1/2x^2 at the mean, to eight digits
    apart = (_first_differences(middle, high) - _first_differences(low, middle)) / np.where(near, 1.0, high - low)
    return np.where(near, -0.5 / np.square((low + middle + high) / 3), apart)


def _first_differences(x: Real, y: Real) -> Real:
    """(log y - log x)/(y - x) for 0 < x <= y."""
    r = (y - x) / x
    return np.divide(np.log1p(r), r, out=np.ones_like(r), where=r != 0) / x


def _certificate(omega: Omega, a: Complex, q: Real) -> float:
    """The least upper bound on the supremum that omega gives, mixed with a little of the identity."""
    v = omega.basis
    w = np.square(omega.root)
    w = w / float((np.square(np.abs(v)) * q[:, None] * w).sum())
    seen, unweighed = v.conj().T @ a, v / np.sqrt(q)[:, None]
    rho, found = seen @ seen.conj().T, []
    for share in MIXED:
        logs = np.log((1 - share) * w + share)
        scaled = unweighed @ (spectral.log_divided_differences(logs) * rho) @ unweighed.conj().T
        found.append(float(np.diagonal(rho).real @ logs - 1 + np.linalg.eigvalsh(scaled)[-1]))
    return min(found)


def _in_basis(omega: Omega, a: Complex, q: Real) -> float:
    """The classical relative entropy of the outcomes in the eigenbasis of omega."""
    p = np.square(np.abs(omega.basis.conj().T @ a)).sum(axis=1)
    model = np.square(np.abs(omega.basis)).T @ q
    return float(p[p > 0] @ np.log(p[p > 0] / model[p > 0]))
