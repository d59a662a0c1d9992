r"""Metrics of exponential families exp(-K)/Z, K = sum_j theta_j G_j, from their generators: no derivative of sigma.

In the eigenbasis of K, with p_a = e^{l_a} and means m_j = Tr(sigma G_j),

.. math:: g_{jk} = \sum_{ab} w_{ab}\, \mathrm{Re}\, (G_j - m_j)_{ab}^* (G_k - m_k)_{ab}, \qquad
    w_{ab} = c(p_a, p_b) \left( \frac{p_a - p_b}{l_a - l_b} \right)^2 \le \max(p_a, p_b)

so that the state's smallest eigenvalues, however small, cost no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from qml import _checks, buffers, spectral
from qml._arrays import as_real, trace_of_product
from qml._typing import Complex, Numeric, Real
from qml.geometry.generators import Generators
from qml.geometry.metric import Metric, gibbs_weights
from qml.states.gibbs import GibbsState

BLOCK_NUMBERS = 1 << 22
"""Numbers in one block of rotated generators."""

BLOCKS = 4
"""Parts that the eigenvectors are rotated in, at least, so that most pairs are worked on once."""
SMALLEST_BLOCK = 32
"""Eigenvectors rotated at a time, at least."""
LEVELS = 1 << 17
"""Numbers in one block of slopes: those stay in the cache."""
STRINGS_FROM, MANY_STRINGS = 1 << 18, 2
"""Bytes of all rotated generators from which the Pauli strings are rotated that they are sums of; and how many strings
a generator are too many for it."""

Rotate: TypeAlias = Callable[[Any, Real, int, int, Any], None]


class GibbsMetric(Metric):
    r"""The metric of the Gibbs states exp(-sum_j theta_j G_j)/Z of some generators, at one of them.

    .. math:: g_{jk} = \sum_{ab} w_{ab}\, \mathrm{Re}\, (G_j - m_j)_{ab}^* (G_k - m_k)_{ab}, \qquad
        m_j = \mathrm{Tr}(\sigma G_j)

    in the eigenbasis of sigma, with weights w_ab that the kind gives. Of kind ``bkm`` it is the Hessian of S(rho,
    sigma) and of log Z.

    Parameters
    ----------
    state : GibbsState
    generators : Generators
    kind : {"bkm", "bures", "wigner_yanase"}
    tolerance : float
        Leave out pairs of eigenvectors that are both among those of least weight, of total weight at most this. What
        is left out is positive semidefinite and at most `tolerance` times the largest squared eigenvalue of a
        centred generator; d^2 r operations for r kept eigenvectors in the place of d^3.

    Raises
    ------
    InputError
        Where the state is not a GibbsState, or the generators are not those of a Gibbs model.

    Examples
    --------
    At the maximally mixed state <Z> changes by -1 where theta changes by 1, and the metric is the variance of Z:

    >>> from qml import GibbsModel
    >>> model = GibbsModel(["X", "Z"])
    >>> metric = GibbsMetric(model.state([0.0, 0.0]), model.generators)
    >>> metric.matrix()
    array([[1., 0.],
           [0., 1.]])
    >>> metric.product([1.0, 2.0])
    array([1., 2.])
    """

    def __init__(self, state: GibbsState, generators: Generators, kind: str = "bkm", *, tolerance: float = 0.0) -> None:
        _checks.instance("state", state, GibbsState)
        tolerance = _checks.number("tolerance", tolerance, low=0.0)
        _checks.instance("generators", generators, Generators, "those of a Gibbs model, model.generators")
        super().__init__(kind, len(generators))
        self._state, self._generators = state, generators
        spectrum = state.spectrum()
        self._logs = spectrum.log_eigenvalues
        self._rank = _kept(spectrum.eigenvalues, tolerance)
        self._basis = spectrum.basis

    @cached_property
    def _cotangent(self) -> Numeric:
        """sigma, whose traces are means."""
        return self._state.matrix()

    @cached_property
    def _means(self) -> Real:
        """Tr(sigma G_j), (m,)."""
        return self._generators.traces(self._cotangent)

    @cached_property
    def _classical(self) -> ClassicalMetric:
        """The metric where all generators are diagonal."""
        held = self._generators
        return ClassicalMetric(
            self._state.probabilities(), held.levels, held.combine, held.traces, self.n_params, self.kind
        )

    @cached_property
    def _v(self) -> Numeric:
        """Eigenvectors by falling weight, real where they can be."""
        assert self._basis is not None
        return self._basis if self._generators.is_real else self._basis.astype(np.complex128, copy=False)

    def matrix(self) -> Real:
        if self._basis is None:
            return self._classical.matrix()
        strings = self._generators.strings if self.n_params * self._v.nbytes >= STRINGS_FROM else None
        if strings is None or strings.weights.shape[1] > MANY_STRINGS * self.n_params:
            return self._contracted(self._means, self._rotated)
        a = strings.weights
        found = self._contracted(strings.traces(self._cotangent), strings.involutions.centred)
        return np.asarray(a @ (a @ found).T)

    def _contracted(self, means: Real, rotate: Rotate) -> Real:
        """The sum over pairs of eigenvectors, block by block, of operators with these means (m,)."""
        labels, every = self._state.sector_labels(), np.arange(len(self._logs))
        sectors = [every] if labels is None else [np.flatnonzero(labels == s) for s in range(labels.max() + 1)]
        m, d = len(means), max(map(len, sectors))
        g = np.zeros((m, m))
        size = max(1, min(max(SMALLEST_BLOCK, d // BLOCKS), BLOCK_NUMBERS // max(1, m * d)))
        self._fits(32 * m * size * d)
        buffer = buffers.scratch(m * size * d, self._v.dtype)
        for own in sectors:  # the generators do not lead out of them
            v, logs = self._v if len(own) == len(every) else np.ascontiguousarray(self._v[:, own]), self._logs[own]
            rank = int(np.searchsorted(own, self._rank))
            for start in range(0, rank, size):
                stop = min(start + size, rank)
                s = stop - start
                rows = buffer[: m * s * (d - start)].reshape(m, s, d - start)
                rotate(v, means, start, stop, rows)
                w = gibbs_weights(self.kind, logs[start:stop, None], logs[start:])
                w[:, s:] *= 2  # the pairs (b, a)
                rows *= np.sqrt(w)
                flat = rows.reshape(m, -1).view(np.float64)
                g += flat @ flat.T
        return g

    def _rotated(self, v: Any, means: Real, start: int, stop: int, out: Any) -> None:
        """(V^dagger (G_j - m_j) V)_ab for a from start to stop and b from start, into `out` (m, s, d - start)."""
        m, s, width = out.shape
        left = buffers.scratch(m * s * len(v), v.dtype).reshape(m, s, len(v))
        self._generators.left(np.ascontiguousarray(v[:, start:stop].conj().T), left)
        np.matmul(left.reshape(m * s, len(v)), v[:, start:], out=out.reshape(m * s, width))
        np.einsum("mii->mi", out[:, :, :s])[...] -= means[:, None]  # a view of the diagonals

    @cached_property
    def _pairs(self) -> Real:
        """w (d, r), doubled where (b, a) stands for (a, b), too."""
        w = gibbs_weights(self.kind, self._logs[:, None], self._logs[: self._rank])
        w[self._rank :] *= 2
        return w

    def _product(self, v: Real) -> Real:
        if self._basis is None:
            return self._classical.product(v)
        dk, mean = self._generators.combine(v), float(v @ self._means)
        basis = self._v
        kept = basis[:, : self._rank]
        x = basis.conj().T @ (dk @ kept)
        x[range(self._rank), range(self._rank)] -= mean
        x *= self._pairs
        total = float(np.trace(x).real)
        return np.asarray(self._generators.traces((basis @ x) @ kept.conj().T) - self._means * total)


def covariance(sigma: GibbsState, operators: Complex) -> Real:
    r"""The Bogoliubov-Kubo-Mori covariance (..., t, t) of operators (..., t, d, d) in Gibbs states (...), written out.

    .. math:: g_{ij} = \int_0^1 \mathrm{Tr}(\sigma^{1-s} G_i \sigma^s G_j)\, ds
        - \langle G_i \rangle \langle G_j \rangle
    """
    spectrum = sigma.spectrum()
    assert spectrum.basis is not None
    basis = spectrum.basis[..., None, :, :]
    rotated = basis.conj().swapaxes(-1, -2) @ operators @ basis
    rows = np.sqrt(spectral.exp_divided_differences(spectrum.log_eigenvalues))[..., None, :, :] * rotated
    flat = np.ascontiguousarray(rows).reshape(*rows.shape[:-2], -1).view(np.float64)
    means = trace_of_product(operators, sigma.matrix()[..., None, :, :])
    return np.asarray(flat @ flat.swapaxes(-1, -2) - means[..., :, None] * means[..., None, :])


def _kept(p: Real, tolerance: float) -> int:
    """How many of the falling p are left when the last, of total weight at most `tolerance`, are dropped."""
    tail = np.cumsum(p[::-1])
    return max(1, len(p) - int(np.count_nonzero(tail <= tolerance)))


class ClassicalMetric(Metric):
    r"""Every metric of classical distributions p = exp(-F)/Z, held as diagonal states: the Fisher information.

    .. math:: p_v = e^{-F(v)} / Z, \qquad g_{jk} = \sum_v p_v (\partial_j F(v) - m_j)(\partial_k F(v) - m_k), \qquad
        m_j = \sum_v p_v\, \partial_j F(v)

    Parameters
    ----------
    probabilities : array (d,)
        p.
    slopes : callable
        (start, stop) -> dF/dtheta_j of the configurations from one to another, (m, stop - start).
    push : callable
        A direction (m,) of theta -> dF (d,).
    pull : callable
        dL/dF (d,) -> dL/dtheta (m,).
    n_params : int
    kind : {"bkm", "bures", "wigner_yanase"}

    Notes
    -----
    The matrix costs O(m^2 d) and memory for (m, m); a product with a vector one push and one pull.
    """

    def __init__(
        self,
        probabilities: Real,
        slopes: Callable[[int, int], Real],
        push: Callable[[Real], Numeric],
        pull: Callable[[Real], Real],
        n_params: int,
        kind: str = "bkm",
    ) -> None:
        super().__init__(kind, n_params)
        self._p, self._slopes, self._push, self._pull = probabilities, slopes, push, pull

    @cached_property
    def _means(self) -> Real:
        return self._pull(self._p)

    def matrix(self) -> Real:
        m, d = self.n_params, len(self._p)
        self._fits(16 * m * m)
        g, size, roots = np.zeros((m, m)), max(1, LEVELS // max(m, 1)), np.sqrt(self._p)
        for start in range(0, d, size):
            stop = min(start + size, d)
            levels = (self._slopes(start, stop) - self._means[:, None]) * roots[start:stop]
            g += levels @ levels.T
        return g

    def _product(self, v: Real) -> Real:
        weighted = self._p * (as_real(self._push(v)) - float(v @ self._means))
        return np.asarray(self._pull(weighted) - self._means * weighted.sum())
