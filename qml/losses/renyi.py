"""Renyi relative entropies, sandwiched and Petz, and the loss."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from qml import _checks, spectral
from qml._arrays import as_complex, as_real, namespace, per_state
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Numbers, Real
from qml.losses.base import Loss, single_pair
from qml.losses.measures import factor_of, relative_entropy, singular_cut
from qml.states.base import State
from qml.states.coercion import StateLike, as_pair
from qml.states.cross_entropy import weight_cut

VARIANTS = ("sandwiched", "petz")
NEAREST = 1e-6
"""An order other than 1 is at least so far from it: log Q / (alpha - 1) loses digits as 1/|alpha - 1|."""


def renyi_relative_entropy(rho: StateLike, sigma: StateLike, alpha: float, variant: str = "sandwiched") -> Numbers:
    r"""The Renyi relative entropy of order alpha in nats, sandwiched or Petz.

    .. math:: \tilde D_\alpha = \frac{1}{\alpha - 1} \log \mathrm{Tr} \left( \sigma^{\frac{1-\alpha}{2\alpha}} \rho\,
        \sigma^{\frac{1-\alpha}{2\alpha}} \right)^{\!\alpha}, \qquad
        \bar D_\alpha = \frac{1}{\alpha - 1} \log \mathrm{Tr}\, \rho^\alpha \sigma^{1-\alpha}

    Both grow with alpha, are zero iff rho = sigma, and become the relative entropy D as alpha tends to 1, which is
    their value there. Sandwiched at alpha = 1/2: -log F. They fall under channels (data processing) for the orders
    that are accepted.

    Parameters
    ----------
    rho, sigma : State (...), matrix (..., d, d), vector (d,) or Qobj
        Equal dims; leading axes broadcast. An array takes the dims of the other.
    alpha : float
        Sandwiched: from 1/2. Petz: above 0, at most 2. 1, or off it by at least 1e-6.
    variant : {"sandwiched", "petz"}

    Returns
    -------
    float, or array (...) of a batch
        For alpha >= 1 it is +inf iff the support of rho is not inside that of sigma, as S(rho, sigma) is; for alpha < 1
        iff the supports are orthogonal.

    Raises
    ------
    InputError
        If the dims differ, or for an order out of range.

    Notes
    -----
    Costs two eigen-decompositions, O(d^3), and for the sandwiched one a singular value decomposition. The absolute
    error is about eps / \|alpha - 1\|, and where an eigenvalue of sigma was computed and is small, that of its power.
    For alpha > 1 the rounding of eigenvectors decides where a weight q of sigma is so small that q^(alpha - 1) is below
    eps^2; not where both states are diagonal, of which logarithms are taken.
    Sources: Petz (1986), Rep. Math. Phys. 23, 57; Muller-Lennert et al. (2013), arXiv:1306.3142; Wilde, Winter, Yang
    (2014), arXiv:1306.1586.

    Examples
    --------
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix.from_probabilities([0.5, 0.5]), DensityMatrix.from_probabilities([0.25, 0.75])
    >>> round(float(renyi_relative_entropy(rho, sigma, 2.0)), 6)  # log(0.25/0.25 + 0.25/0.75)
    0.287682
    """
    alpha, variant = _order(alpha, variant)
    rho, sigma = as_pair(rho, sigma)
    if alpha == 1:
        return relative_entropy(rho, sigma)
    commute = rho.is_diagonal and sigma.is_diagonal  # both variants are one there, and logarithms are all it takes
    log_q = (_log_petz if variant == "petz" or commute else _log_sandwiched)(rho, sigma, alpha)
    return per_state(namespace(log_q).where(_infinite(rho, sigma, alpha), math.inf, log_q / (alpha - 1)))


class Renyi(Loss):
    r"""The Renyi relative entropy of order alpha in nats, sandwiched or Petz. Floor: 0.

    See :func:`renyi_relative_entropy`. With Q the trace in its logarithm, sigma = V diag(exp l) V^dagger, the divided
    differences E of exp at the points t l, and A a factor of rho = A A^dagger, the derivative in log sigma is

    .. math:: X = - \frac{1}{Q} V \left( E \circ V^\dagger Z V \right) V^\dagger, \qquad
        Z = \rho^\alpha,\; t = 1 - \alpha \;\text{(Petz)}, \qquad
        Z = A \left( A^\dagger \sigma^t A \right)^{\alpha - 1} A^\dagger,\; t = \tfrac{1-\alpha}{\alpha}
        \;\text{(sandwiched)}

    exact at degenerate spectra; -rho at alpha = 1. Where alpha < 1 and sigma has a kernel, the value is finite with rho
    partly outside the support, and the derivative is the one along states of unchanged rank; there is no other.

    Parameters
    ----------
    alpha : float
        The order; by default 2, the collision relative entropy. Orders above 1 punish what the model makes rare more
        than D does, orders below 1 less.
    variant : {"sandwiched", "petz"}
        Sandwiched: alpha from 1/2. Petz: 0 < alpha <= 2.

    Raises
    ------
    InputError
        For an order out of range, or another variant.

    Notes
    -----
    Sources: as there; Kieferova, Carlos, Wiebe (2021), arXiv:2106.09567, who train generative models with them.

    Examples
    --------
    >>> from qml import fidelity, ghz, thermal
    >>> from qml.operators import tfim
    >>> rho, sigma = ghz(2), thermal(tfim(2), 1.0)
    >>> loss = Renyi(0.5)
    >>> loss, round(loss.value(rho, sigma) + float(np.log(fidelity(rho, sigma))), 12)
    (Renyi(alpha=0.5), 0.0)
    """

    name = "renyi"
    gap_is = "D_alpha(rho||sigma)"

    def __init__(self, alpha: float = 2.0, variant: Literal["sandwiched", "petz"] = "sandwiched") -> None:
        self.alpha, self.variant = _order(alpha, variant)

    def value(self, target: State, sigma: State) -> float:
        return float(renyi_relative_entropy(*single_pair(target, sigma), self.alpha, self.variant))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        target, sigma = single_pair(target, sigma)
        value = self.value(target, sigma)
        if not math.isfinite(value):
            return value, None
        if self.alpha == 1:
            return value, sigma.pull_log(-target.matrix())
        spectrum = sigma.spectrum()
        if target.is_diagonal and sigma.is_diagonal:  # X = -p^alpha q^(1-alpha) / Q, both of which may be too small
            p, q = target.spectrum().log_eigenvalues, spectrum.log_eigenvalues
            q = namespace(q).where(spectrum.support, q, 0.0)
            powers = namespace(q).exp(self.alpha * p + (1 - self.alpha) * (q + value))
            return value, sigma._pull_log_of_diagonal(-namespace(q).where(spectrum.support, powers, 0.0))
        _checks.memory(f"matrices of dimension {sigma.dim}", 64 * sigma.dim**2, "use fewer sites")
        kept, with_kernel = spectrum.support, False
        if self.alpha < 1 and spectrum.has_kernel:
            normal = spectrum.eigenvalues >= spectral.TINY  # whose inverses exist
            with_kernel = target.populations(spectrum.basis)[normal].sum() > weight_cut(spectrum, target)
            kept = normal if with_kernel else kept
        logs = spectrum.log_eigenvalues[kept]
        v = spectrum.columns[:, kept]
        t, z, scaled = self._power(target, v, logs, singular_cut(sigma))
        powers = spectral.exp_divided_differences(scaled)
        if not with_kernel:
            inside = v.conj().T @ z @ v
            return value, sigma.pull_log(-(v @ (powers * inside) @ v.conj().T))
        return value, sigma.pull_matrix(-_of_matrix(powers, logs, scaled, t, v, z))

    def _power(self, target: State, v: Complex, logs: Real, cut: float) -> tuple[float, Complex, Real]:
        """t, Z (d, d) divided by Q, and t l, where sigma^t is divided by its largest eigenvalue that rho has weight on:
        neither E nor Q overflows."""
        alpha = self.alpha
        if self.variant == "petz":
            t = 1 - alpha
            mine = target.spectrum()
            z = mine.matrix_of(namespace(mine.log_eigenvalues).exp(alpha * mine.log_eigenvalues))
            weights = namespace(v, z).einsum("dj,dj->j", v.conj(), z @ v).real
            scaled = _scaled(t * logs, weights)
            return t, z / float((weights * namespace(logs).exp(scaled)).sum()), scaled
        t = (1 - alpha) / alpha
        a = factor_of(target)
        rows = v.conj().T @ a
        scaled = _scaled(t * logs, as_real(abs(rows).max(axis=-1)))
        b = namespace(logs).exp(scaled / 2)[:, None] * rows
        _, s, wh = spectral.svd(b)
        seen = s > cut * s[0]
        ratios = s[seen] / s[0]
        aw = a @ wh[seen].conj().T
        weights = ratios ** (2 * alpha - 2) / (s[0] * s[0] * (ratios ** (2 * alpha)).sum())
        return t, as_complex((aw * weights) @ aw.conj().T), scaled

    def why_infinite(self, target: Any, sigma: State) -> str:
        if self.alpha < 1:
            return "the supports of rho and sigma are orthogonal"
        return super().why_infinite(target, sigma)


def _order(alpha: float, variant: str) -> tuple[float, str]:
    variant = _checks.choice("variant", variant, VARIANTS)
    low, high = (0.5, 1e9) if variant == "sandwiched" else (0.0, 2.0)
    alpha = _checks.positive("alpha", _checks.number("alpha", alpha, low=low, high=high))
    if 0 < abs(alpha - 1) < (1 - 1e-9) * NEAREST:  # 1.000001 is off by a little less
        raise InputError(
            f"alpha must be 1 or differ from it by at least {NEAREST:g}; found 1 {alpha - 1:+.3g}: take 1, the "
            "relative entropy."
        )
    return alpha, variant


def _infinite(rho: State, sigma: State, alpha: float) -> Any:
    """Where the support of rho is not inside that of sigma (alpha > 1), or does not meet it (alpha < 1)."""
    if alpha > 1:
        return np.isinf(sigma.log_expectation(rho))
    spectrum = sigma.spectrum()
    populations = rho.populations(spectrum.basis)
    inside = namespace(populations, spectrum.support).where(spectrum.support, populations, 0.0)
    return inside.sum(axis=-1) <= weight_cut(spectrum, rho)


def _log_petz(rho: State, sigma: State, alpha: float) -> Real:
    """log sum_ij p_i^alpha q_j^(1-alpha) |<i|j>|^2 over both supports; one sum where both have the same basis."""
    mine, model = rho.spectrum(), sigma.spectrum()
    a, b = mine.log_eigenvalues, model.log_eigenvalues
    xp, overlap = namespace(a, b), np.ones(())
    axes: tuple[int, ...] = (-1,)
    if mine.basis is not None or model.basis is not None:
        a, b, axes = a[..., :, None], b[..., None, :], (-2, -1)
        overlap = xp.abs(_overlap(mine.basis, model.basis))
    both = xp.isfinite(a) & xp.isfinite(b) & (overlap > 0)
    powers = alpha * xp.where(xp.isfinite(a), a, 0.0) + (1 - alpha) * xp.where(xp.isfinite(b), b, 0.0)
    powers = xp.where(both, powers, -math.inf)
    top = powers.max(axis=axes, keepdims=True, initial=-math.inf)
    top = xp.where(xp.isfinite(top), top, 0.0)
    total = xp.where(both, overlap * overlap * xp.exp(powers - top), 0.0).sum(axis=axes)
    log_sum = xp.log(xp.where(total > 0, total, 1.0)) + top.reshape(total.shape)
    return as_real(xp.where(total > 0, log_sum, -math.inf))


def _overlap(mine: Complex | None, model: Complex | None) -> Complex:
    """The inner products <i|j> of two sets of columns, of which one may be None: the computational basis."""
    if mine is None:
        assert model is not None
        return model
    rows = mine.conj().swapaxes(-1, -2)
    return rows if model is None else as_complex(rows @ model)


def _log_sandwiched(rho: State, sigma: State, alpha: float) -> Real:
    """log sum_k s_k^(2 alpha), s the singular values of sigma^(t/2) A, t = (1 - alpha)/alpha, rho = A A^dagger."""
    spectrum, a = sigma.spectrum(), factor_of(rho)
    xp = namespace(spectrum.log_eigenvalues, a)
    half = (1 - alpha) / (2 * alpha) * xp.where(spectrum.support, spectrum.log_eigenvalues, 0.0)
    columns = a if spectrum.basis is None else spectrum.basis.conj().swapaxes(-1, -2) @ a
    seen = spectrum.support & (xp.abs(columns).max(axis=-1) > 0)
    top = xp.where(seen, half, -math.inf).max(axis=-1, initial=-math.inf)
    top = xp.where(xp.isfinite(top), top, 0.0)
    scale = xp.exp(xp.where(seen, half - top[..., None], -math.inf))
    s = xp.linalg.svd(scale[..., :, None] * columns, compute_uv=False)
    largest = s.max(axis=-1, initial=0.0)
    there = largest > 0
    safe = xp.where(there, largest, 1.0)
    log_sum = xp.log(safe) * (2 * alpha) + xp.log(xp.where(there, ((s / safe[..., None]) ** (2 * alpha)).sum(-1), 1.0))
    return as_real(xp.where(there, log_sum + 2 * alpha * top, -math.inf))


def _scaled(powers: Real, weights: Real) -> Real:
    """Logarithms of powers, less the largest of those with weight; what has none, and contributes nothing, up to 0."""
    return as_real(namespace(powers).minimum(powers - powers[weights > 0].max(), 0.0))


def _of_matrix(powers: Real, logs: Real, scaled: Real, t: float, v: Complex, z: Complex) -> Complex:
    r"""dL/dsigma for 0 < t < 1 at a sigma with a kernel, times -1: its block inside the support, and those beside it.

    The divided difference of x^t at e^l and at 0 is e^{(t-1) l}: turning the support costs something, leaving it has
    no derivative.
    """
    zv = z @ v
    inside = v.conj().T @ zv
    beside = (zv - v @ inside) * (namespace(logs).exp(scaled - logs) / t)
    half = v @ (powers * spectral.log_divided_differences(logs) * inside / 2) + beside
    return as_complex(half @ v.conj().T + v @ half.conj().T)
