r"""The largest likelihood among the states with Tr(O sigma) = t, for many records at once, by an interior-point method.

The states of a slice are tau_0 + sum_j y_j C_j, with tau_0 a state of full rank at the given t and C_j a basis of the
traceless Hermitian matrices orthogonal to O. Newton's method maximises

.. math:: L(\sigma) + \beta \log\det\sigma

for a beta that falls from N/10 to where beta d, by which the optimum of a fixed beta lies below the largest likelihood
at most, is the gap that was asked for. Likelihood and logarithm are concave, so that the path leads to the maximum;
and Newton steps of many small records are a few products of stacked arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qml import _checks, spectral
from qml._typing import Complex, Real
from qml.measurement import Measurement
from qml.operators.sets import hermitian_basis
from qml.tomography.linear import allowed, design

SHRINK = 0.05
"""From one beta to the next."""
ENOUGH, FINE = 0.1, 1e-12
"""Newton's method ends where the decrement, twice what a step can still gain, is below this part of beta: of the last
one, below the latter where one state is asked for with its certificate."""
MOST_STEPS = 60
"""Of Newton, for one beta; five are usual."""
RIDGE = 1e-14
"""Of a Hessian whose diagonal is scaled to one."""
CHUNK = 1 << 25
"""Bytes of stacked matrices that a step forms at once."""


class Map:
    """Probabilities of the states on the span of V, along O and across it.

    Attributes
    ----------
    levels, vectors : arrays (g,), (g, g)
        Eigenvalues, ascending, and eigenvectors of O on the span.
    across : array (m, g, g)
        C_j, an orthonormal basis of the traceless matrices orthogonal to O.
    rows : array (outcomes, m)
        Tr(M_k C_j); zero where M_k vanishes on the span.
    dim : int
        d, of the states themselves.
    """

    def __init__(self, measurement: Measurement, frame: Complex | None = None, operator: Complex | None = None) -> None:
        frame = np.eye(measurement.dim, dtype=np.complex128) if frame is None else frame
        g, d2, outcomes = frame.shape[1], measurement.dim**2, measurement.n_outcomes
        what = f"intervals of {outcomes} outcomes in dimension {measurement.dim}"
        _checks.memory(what, 24 * outcomes * d2 + 64 * d2 * d2 + 4 * CHUNK, "use fewer sites")
        self._measurement, self._frame, self.dim = measurement, frame, measurement.dim
        fixed = frame.conj().T @ measurement.fixed @ frame
        self.levels, self.vectors = np.zeros(g), np.eye(g, dtype=np.complex128)
        if operator is not None:
            self.levels, self.vectors = np.linalg.eigh(frame.conj().T @ operator @ frame)
        basis = allowed(fixed, self.vectors @ hermitian_basis(g)[1:] @ self.vectors.conj().T)
        if operator is not None:
            along = np.einsum("aij,ji->a", basis, frame.conj().T @ operator @ frame).real
            q = np.linalg.qr(along[:, None], mode="complete")[0]
            basis = np.einsum("ab,aij->bij", q[:, 1:], basis)
        self.across = basis
        self.rows = design(measurement, frame @ basis @ frame.conj().T)

    def probabilities(self, tau: Complex) -> Real:
        """Of one state on the span (g, g)."""
        return self._measurement.probabilities_of(self._frame @ tau @ self._frame.conj().T)

    def start(self, value: float) -> Complex:
        """The state of largest determinant with Tr(O tau) = value, which lies between the extreme levels: its weights
        on the levels o are 1/(g + s (o - value)). It is a process, too, where O is the Choi state of a unitary:
        t O + (1 - t)(1 - O)/(g - 1)."""
        o, g = self.levels, self.levels.size
        if o[0] == o[-1]:
            return np.eye(g, dtype=np.complex128) / g
        from scipy.optimize import brentq  # a fifth of a second

        u = (o - value) / (o[-1] - o[0])
        s = brentq(lambda s: float((u / (g + s * u)).sum()), -(g - 1) / u[-1], -(g - 1) / u[0], xtol=1e-14)
        w = 1 / (g + s * u)
        return np.asarray((self.vectors * (w / w.sum())) @ self.vectors.conj().T)


@dataclass(frozen=True, eq=False)
class Best:
    """Of each record: the state on the span (B, g, g), its log-likelihood (B,) in nats, and its probabilities
    (B, outcomes)."""

    states: Complex
    values: Real
    probabilities: Real


def best_of(space: Map, value: float, counts: Real, gap: float, hedging: float = 0.0, enough: float = ENOUGH) -> Best:
    """The most likely states of one slice for records (B, outcomes), within `gap` nats, or where the likelihood is
    hedged those of the last beta; -inf where every state of the slice excludes an outcome that was seen."""
    g, m = space.levels.size, len(space.across)
    size = max(1, CHUNK // max(1, 32 * m * g * g, 8 * counts.shape[1] * m))
    last = hedging or gap / (2 * g)
    parts = [_ascend(space, value, counts[k : k + size], last, enough) for k in range(0, len(counts), size)]
    return Best(*(np.concatenate(p) for p in zip(*parts, strict=True)))


def _ascend(space: Map, value: float, n: Real, last: float, enough: float) -> tuple[Complex, Real, Real]:
    tau0 = space.start(value)
    g, batch = len(tau0), len(n)
    p0 = space.probabilities(tau0)
    excluded = p0 <= spectral.weight_cut(space.dim)  # by every state of the slice
    out = (n[:, excluded] > 0).any(axis=1)
    n = np.where(excluded, 0.0, n)
    tau = np.broadcast_to(tau0, (batch, g, g)).copy()
    p = np.broadcast_to(np.where(excluded, 1.0, p0), n.shape).copy()
    beta = np.maximum(n.sum(axis=1) / 10, last)
    while len(space.across):
        _newton(space, tau, p, n, beta, np.where(beta <= last, enough, ENOUGH) * beta)
        if (beta <= last).all():
            break
        beta = np.maximum(SHRINK * beta, last)
    values = np.where(out, -np.inf, (n * np.log(np.where(n > 0, p, 1.0))).sum(axis=1))
    return tau, values, np.where(excluded, 0.0, p)


def _newton(space: Map, tau: Complex, p: Real, n: Real, beta: Real, enough: Real) -> None:
    """Maximise L + beta log det in place: damped steps of the records that are not there yet."""
    rows, going = space.rows, np.arange(len(n))
    for _ in range(MOST_STEPS):
        now, q, shots, b = tau[going], p[going], n[going], beta[going]
        inverse = np.linalg.inv(np.linalg.cholesky(now))
        white = inverse[:, None] @ space.across @ inverse.conj().swapaxes(-1, -2)[:, None]
        flat = white.reshape(*white.shape[:2], -1).view(np.float64)
        u = shots / q
        gradient = u @ rows + b[:, None] * np.einsum("bjii->bj", white).real
        hessian = (rows.T * (u / q)[:, None, :]) @ rows + b[:, None, None] * (flat @ flat.swapaxes(1, 2))
        scale = np.sqrt(np.einsum("bjj->bj", hessian))  # near an end of O curvatures differ by more than float64 holds
        scaled = hessian / (scale[:, :, None] * scale[:, None]) + RIDGE * np.eye(rows.shape[1])
        step = np.linalg.solve(scaled, (gradient / scale)[..., None])[..., 0] / scale
        decrement = (step * gradient).sum(axis=1)
        left = decrement > enough[going]
        if not left.any():
            return
        going, step, dp, q, shots, b = going[left], step[left], step[left] @ rows.T, q[left], shots[left], b[left]
        gammas = np.linalg.eigvalsh(np.einsum("bj,bjik->bik", step, white[left]))
        t = _length(shots, q, dp, gammas, b, decrement[left])
        tau[going] += t[:, None, None] * np.tensordot(step, space.across, axes=1)
        p[going] += t[:, None] * dp


def _length(n: Real, p: Real, dp: Real, gammas: Real, beta: Real, decrement: Real) -> Real:
    """Step lengths (B,) that keep every eigenvalue positive and raise the function by a part of what is expected."""
    lowest = np.minimum(gammas[:, 0], -spectral.TINY)
    t = np.minimum(1.0, 0.95 / -lowest)
    ratio = np.where(n > 0, dp / p, 0.0)
    for _ in range(60):
        with np.errstate(divide="ignore", invalid="ignore"):
            rise = (n * np.log1p(t[:, None] * ratio)).sum(axis=1) + beta * np.log1p(t[:, None] * gammas).sum(axis=1)
        short = ~(rise >= 0.1 * t * decrement - 1e-12 * n.sum(axis=1))
        if not short.any():
            break
        t = np.where(short, t / 2, t)
    return np.asarray(t)
