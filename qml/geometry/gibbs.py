r"""Metrics of exponential families exp(-K)/Z, K = sum_j theta_j G_j, from their generators: no derivative of sigma.

In the eigenbasis of K, with p_a = e^{l_a} and means m_j = Tr(sigma G_j),

.. math:: g_{jk} = \sum_{ab} w_{ab}\, \mathrm{Re}\, (G_j - m_j)_{ab}^* (G_k - m_k)_{ab}, \qquad
    w_{ab} = c(p_a, p_b) \left( \frac{p_a - p_b}{l_a - l_b} \right)^2 \le \max(p_a, p_b)

so that the state's smallest eigenvalues, however small, cost no digits.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from qml import _checks
from qml._typing import ArrayLike, Numeric, Real
from qml.geometry.metric import Metric
from qml.geometry.weights import gibbs_weights
from qml.states.gibbs import GibbsState

BLOCK_NUMBERS = 1 << 22
"""Numbers in one block of rotated generators."""


SMALLEST_BLOCK = 16
"""Eigenvectors rotated at a time, at least."""


class GeneratorsLike(Protocol):
    """Hermitian operators G_1, ..., G_m, as models hold them."""

    is_diagonal: bool

    @property
    def is_real(self) -> bool:
        """Whether all matrices are real."""

    def combine(self, theta: Real) -> Numeric:
        """sum_j theta_j G_j, or its diagonal."""

    def traces(self, cotangent: Numeric) -> Real:
        """Re Tr(C G_j) for all j."""

    def left(self, rows: Numeric, out: Numeric) -> None:
        """Row vectors (s, d) times each G_j, into `out` (m, s, d)."""


class GibbsMetric(Metric):
    r"""The metric of the Gibbs states of some generators; of kind ``bkm`` it is the Hessian of S(rho, sigma) and log Z.

    Parameters
    ----------
    state : GibbsState
    generators : Generators
    kind : {"bkm", "bures", "wigner_yanase"}
    tolerance : float
        Leave out pairs of eigenvectors that are both among those of least weight, of total weight at most this. What
        is left out is positive semidefinite and at most `tolerance` times the largest squared eigenvalue of a
        centred generator; d^2 r operations for r kept eigenvectors in the place of d^3.
    """

    def __init__(
        self, state: GibbsState, generators: GeneratorsLike, kind: str = "bkm", *, tolerance: float = 0.0
    ) -> None:
        cotangent = state.probabilities() if generators.is_diagonal else state.matrix()
        self._means = generators.traces(cotangent)
        super().__init__(kind, len(self._means))
        self._generators = generators
        spectrum = state.spectrum()
        self._logs = spectrum.log_eigenvalues
        self._rank = _kept(spectrum.eigenvalues, tolerance)
        self._basis = spectrum.basis

    @cached_property
    def _v(self) -> Numeric:
        """Eigenvectors by falling weight, real where they can be."""
        assert self._basis is not None
        return np.ascontiguousarray(self._basis.real) if self._generators.is_real else self._basis

    def matrix(self) -> Real:
        m = self.n_params
        if self._basis is None:
            levels = np.array([self._generators.combine(e) for e in np.eye(m)]).reshape(m, len(self._logs))
            levels = (levels - self._means[:, None]) * np.exp(self._logs / 2)
            return np.asarray(levels @ levels.T)
        v: Any = self._v
        d, g = len(self._logs), np.zeros((m, m))
        size = max(1, min(max(SMALLEST_BLOCK, d // 8), BLOCK_NUMBERS // max(1, m * d)))
        _checks.memory(
            f"the metric of {m} generators", 32 * m * size * d, "use its products with vectors (solver 'cg')"
        )
        adjoint = np.ascontiguousarray(v.conj().T)
        left, rotated = np.empty(m * size * d, v.dtype), np.empty(m * size * d, v.dtype)
        for start in range(0, self._rank, size):
            stop = min(start + size, self._rank)
            s = stop - start
            products = left[: m * s * d].reshape(m, s, d)
            self._generators.left(adjoint[start:stop], products)
            rows = rotated[: m * s * (d - start)].reshape(m, s, d - start)
            np.matmul(products.reshape(m * s, d), v[:, start:], out=rows.reshape(m * s, d - start))
            np.einsum("mii->mi", rows[:, :, :s])[...] -= self._means[:, None]  # a view of the diagonals
            w = gibbs_weights(self.kind, self._logs[start:stop, None], self._logs[start:])
            w[:, s:] *= 2  # the pairs (b, a)
            rows *= np.sqrt(w)
            flat = rows.reshape(m, -1).view(np.float64)
            g += flat @ flat.T
        return g

    @cached_property
    def _pairs(self) -> Real:
        """w (d, r), doubled where (b, a) stands for (a, b), too."""
        w = gibbs_weights(self.kind, self._logs[:, None], self._logs[: self._rank])
        w[self._rank :] *= 2
        return w

    def product(self, vector: ArrayLike) -> Real:
        direction = np.asarray(vector, dtype=np.float64)
        dk, mean = self._generators.combine(direction), float(direction @ self._means)
        if self._basis is None:
            weighted = np.exp(self._logs) * (dk - mean)
            return np.asarray(self._generators.traces(weighted) - self._means * weighted.sum())
        v = self._v
        kept = v[:, : self._rank]
        dk = dk.real if self._generators.is_real else dk
        x = v.conj().T @ (dk @ kept)
        x[range(self._rank), range(self._rank)] -= mean
        x *= self._pairs
        total = float(np.trace(x).real)
        return np.asarray(self._generators.traces((v @ x) @ kept.conj().T) - self._means * total)


def _kept(p: Real, tolerance: float) -> int:
    """How many of the falling p are left when the last, of total weight at most `tolerance`, are dropped."""
    tail = np.cumsum(p[::-1])
    return max(1, len(p) - int(np.count_nonzero(tail <= tolerance)))
