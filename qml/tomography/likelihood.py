"""The likelihood of a record as a function of the state, its derivative, and the certificate of how far the best is."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from qml import _checks, spectral
from qml._typing import Complex, Real
from qml.measurement import Counts
from qml.measurement.entries import check_possible

CHUNK = 1 << 15
"""Outcomes that a line search takes at once: what it touches stays in the cache."""


class Likelihood:
    r"""The log-likelihood of a record and its operator R, per shot.

    .. math:: \ell(\sigma) = \sum_k f_k \log p_k, \qquad R(\sigma) = \sum_k \frac{f_k}{p_k} M_k, \qquad
        p_k = \mathrm{Tr}(M_k \sigma), \quad f_k = n_k / N

    Only outcomes that were seen enter. The multinomial coefficient, which does not depend on sigma, is left out.

    Hedging adds the logarithm of the determinant (Blume-Kohout 2010, arXiv:1001.2029):
    :math:`\ell + (\beta/N) \log\det\sigma` and :math:`R + (\beta/N) \sigma^{-1}`; `mass` is then 1 + beta d / N.

    Attributes
    ----------
    shares : array (seen,)
        f_k of the outcomes that were seen; they add up to one.
    total : float
        N, the shots of all settings.
    sees_all : bool
        Whether Tr(M_k X) of the outcomes that were seen give those of all outcomes of the measured settings, for any
        Hermitian X: so it is where no setting lacks more than one and some setting lacks none, which gives Tr X.
    """

    def __init__(self, counts: Counts, hedging: float = 0.0) -> None:
        m = self.measurement = counts.measurement
        needed = 64 * m.n_outcomes + 8 * 16 * m.dim**2  # about eight numbers an outcome, eight matrices
        _checks.memory(f"the likelihood of {m.n_outcomes} outcomes in dimension {m.dim}", needed, "use fewer settings")
        shares = counts.shares()
        seen = shares > 0
        check_possible(m, counts.counts)
        self._places = None if seen.all() else np.flatnonzero(seen)
        lacking = np.add.reduceat(~seen, self.measurement.offsets[:-1], dtype=np.int64)[np.asarray(counts.shots) > 0]
        self.sees_all = bool(lacking.min() == 0 and lacking.max() <= 1)
        self.shares = shares if self._places is None else shares[self._places]
        self.total = float(counts.total)
        self.hedging = hedging / self.total
        self.dim = self.measurement.dim
        self.mass = 1.0 + self.hedging * self.dim

    def probabilities(self, matrix: Complex) -> Real:
        """p_k (..., seen) of the outcomes that were seen, for any Hermitian matrix (..., d, d)."""
        p = self.measurement.probabilities_of(matrix)
        return p if self._places is None else p.take(self._places, axis=-1)

    def adjoint(self, weights: Real) -> Complex:
        """sum_k w_k M_k over the outcomes that were seen (d, d)."""
        if self._places is None:
            return self.measurement.adjoint(weights)
        full = np.zeros(self.measurement.n_outcomes)
        full[self._places] = weights
        return self.measurement.adjoint(full)

    def operator(self, p: Real, factor: Complex | None = None) -> Complex:
        """R (d, d) where the seen outcomes have the probabilities p; hedging needs a factor A of sigma = A A^dagger."""
        with np.errstate(divide="ignore", over="ignore"):
            r = self.adjoint(self.shares / p)
        if self.hedging:
            assert factor is not None
            inverse = np.linalg.inv(factor)
            r = r + self.hedging * (inverse.conj().T @ inverse)
        return r

    def log_likelihood(self, p: Real) -> float:
        """N sum_k f_k log p_k in nats; -inf where an outcome that was seen has no probability."""
        if not (p > 0).all():
            return -math.inf
        return self.total * float(self.shares @ np.log(p))

    def slope(self, t: float, p0: Real, changes: Real) -> tuple[float, float, Real]:
        """The first two derivatives of -sum_k f_k log p_k at p = p0 + t p1 + t^2 p2 in t, with `changes` p1 and p2
        (2, seen), and p; +inf where a probability is not positive."""
        g, h, p = 0.0, 0.0, np.empty(len(p0))
        values, slopes = np.array([[t, t * t], [1.0, 2 * t]])
        for start in range(0, len(p0), CHUNK):
            part = slice(start, start + CHUNK)
            f, change = self.shares[part], changes[:, part]
            q, d = np.matmul(values, change, out=p[part]), slopes @ change
            q += p0[part]
            if not q.min() > 0:
                return math.inf, math.nan, p
            d /= q
            g -= f @ d
            d *= d
            h += f @ d - 2 * ((f / q) @ change[1])
        return g, h, p

    def curvature(self, p0: Real, changes: Real) -> float:
        """The second derivative of :meth:`slope` at t = 0."""
        x = changes[0] / p0
        x *= x
        return float(self.shares @ x - 2 * ((self.shares / p0) @ changes[1]))

    def gap_bound(self, largest: float) -> float:
        r"""How many nats a log-likelihood lies below the largest at most, from the largest eigenvalue of its R.

        .. math:: L_{\max} - L(\sigma) \le N \log \lambda_{\max}(R)

        with R per shot. For every state rho, by the concavity of the logarithm (Jensen),

        .. math:: \sum_k f_k \log\frac{\mathrm{Tr} M_k \rho}{p_k} \le \log \sum_k \frac{f_k}{p_k} \mathrm{Tr} M_k \rho
            = \log \mathrm{Tr} R \rho \le \log \lambda_{\max}(R)

        and with hedging the same over the `mass`, since log det is the sum of d logarithms.
        """
        excess = (largest - self.mass) / self.mass
        return self.mass * self.total * math.log1p(max(excess, 0.0)) if math.isfinite(excess) else math.inf

    def sensitivity(self, p: Real) -> float:
        r"""C: errors of at most delta Tr M_k in the probabilities p (seen,) change R by at most C delta. C is about
        the share of a setting over the least probability of an outcome that was seen in it.

        .. math:: C = \lambda_{\max} \sum_k \frac{f_k \mathrm{Tr} M_k}{p_k^2} M_k
        """
        return largest_eigenvalue(self.adjoint(self.shares * self._traces / p**2))

    def rounding(self, sensitivity: float) -> float:
        """What rounding of the probabilities leaves uncertain in lambda_max(R): eps C."""
        return spectral.EPS * sensitivity

    @cached_property
    def _traces(self) -> Real:
        traces = self.measurement.traces()
        return traces if self._places is None else traces[self._places]


def certificate(problem: Likelihood, choi: Complex, d: int) -> tuple[float, float, float]:
    """The log-likelihood of a process with an input of dimension d, of a state with d = 1; by how much that of another
    can be larger, and what rounding leaves uncertain of that, all in nats."""
    p = problem.probabilities(choi)
    if not (p > 0).all():
        return -math.inf, math.inf, math.inf
    operator = problem.operator(p)
    d_out = problem.dim // d
    reduced = d * np.einsum("iaja->ij", (operator @ choi).reshape(d, d_out, d, d_out))
    dual = np.kron((reduced + reduced.conj().T) / 2, np.eye(d_out))
    excess = max(largest_eigenvalue(operator - dual), 0.0)
    rounding = problem.total * problem.rounding(problem.sensitivity(p))
    return problem.log_likelihood(p), problem.total * math.log1p(excess), rounding


def agreement(counts: Counts, p: Real) -> tuple[float, float, int]:
    """How well probabilities (n_outcomes,) explain a record: the log-likelihood in nats (-inf where an outcome that was
    seen has none), the deviance, twice what the frequencies have above it, and the outcomes less one of each setting
    that has shots."""
    n, seen = np.asarray(counts.counts, dtype=np.float64), np.asarray(counts.counts) > 0
    possible = bool((p[seen] > 0).all())
    value = float(n[seen] @ np.log(p[seen])) if possible else -math.inf
    return value, float(deviances(counts, p).sum()), free_outcomes(counts)


def free_outcomes(counts: Counts) -> int:
    """The outcomes less one of each setting that has shots."""
    return int((counts.measurement.sizes[np.asarray(counts.shots) > 0] - 1).sum())


def deviances(counts: Counts, p: Real) -> Real:
    """Twice the log-likelihood that the frequencies have above probabilities (n_outcomes,), of each setting
    (settings,): +inf where an outcome that was seen has none."""
    m, shots = counts.measurement, np.asarray(counts.shots, dtype=np.float64)
    with np.errstate(divide="ignore"):
        terms = excess(counts.frequencies(), p)
    return np.asarray(2 * shots * np.add.reduceat(terms, m.offsets[:-1]))


def excess(f: Real, p: Real) -> Real:
    """f log(f/p) - f + p of each outcome, to rounding of its own size also where f and p are close; p where f is 0."""
    seen = f > 0
    ratio = np.divide(p, f, out=np.ones_like(p), where=seen)
    x = np.divide(p - f, f, out=np.zeros_like(p), where=seen)
    logs = np.where(ratio < 0.5, np.log(ratio), np.log1p(np.maximum(x, -0.5)))
    return np.where(seen, f * (x - logs), p)


def largest_eigenvalue(matrix: Complex) -> float:
    """lambda_max of a Hermitian matrix; +inf where an entry is not finite."""
    if not np.isfinite(matrix).all():
        return math.inf
    return float(np.linalg.eigvalsh(matrix)[-1])
