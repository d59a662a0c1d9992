r"""Metrics of conditional models sigma_theta(x): the mean over the inputs of the metric at each.

.. math:: g = \sum_k w_k\, J_k^T\, g(\sigma(x_k))\, J_k, \qquad \sum_k w_k = 1,

where J_k takes a change of theta to one of what the state at x_k depends on. For Gibbs models it is the Hessian of the
mean of S over labelled data, whatever the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from qml._typing import Integer, Numeric, Real
from qml.geometry.metric import Metric, gibbs_weights
from qml.states.gibbs import GibbsState

BLOCK_NUMBERS = 1 << 22
"""Numbers in one block of rotated generators."""


class ConditionalGibbsMetric(Metric):
    r"""The metric of Gibbs states whose fields are linear in features: K(x) = sum_j f_j G_j, f_j = sum_a W_ja x_a.

    .. math:: g_{(ja)(lb)} = \sum_k w_k\, x_{ka} x_{kb}\, g_{jl}(\sigma(x_k))

    Parameters
    ----------
    states : GibbsState
        The batch sigma(x_1), ..., sigma(x_m).
    generators : array (g, d, d), or (g, d) where all are diagonal
        G_j, Hermitian.
    features : array (m, a)
        x_k.
    order : array of int (g a,)
        Which W_ja each parameter is, as j a + a in the order of rows.
    weights : array (m,)
        w_k.
    kind : {"bkm", "bures", "wigner_yanase"}

    Notes
    -----
    The matrix costs O(m g d^3 + m g^2 (d^2 + a^2)), its blocks O(m g (d^3 + a^2)), a product with a vector O(m (d^3 +
    g d^2 + g a)); less where all is diagonal. All work on some inputs at a time, so that the memory they take beside
    the states is bounded, apart from one weight a pair of eigenvectors and input.
    """

    def __init__(
        self,
        states: GibbsState,
        generators: Numeric,
        features: Real,
        order: Integer,
        weights: Real,
        kind: str = "bkm",
    ) -> None:
        super().__init__(kind, len(order))
        self._states, self._generators, self._features = states, generators, features
        self._order, self._weights = order, weights

    def _blocks(self, numbers: int) -> Iterator[slice]:
        """Members after the others, of so many numbers each."""
        size = max(1, BLOCK_NUMBERS // numbers)
        return (slice(start, start + size) for start in range(0, len(self._features), size))

    @cached_property
    def _basis(self) -> tuple[Numeric | None, Numeric]:
        """Eigenvectors (m, d, d), None where all is diagonal, and generators: real where both can be."""
        basis, generators = self._states.spectrum().basis, self._generators
        if basis is None or not (basis.imag.any() or generators.imag.any()):
            return None if basis is None else basis.real, generators.real
        return basis, generators

    def _rows(self) -> Iterator[tuple[slice, Real]]:
        """The centred generators in the eigenbases times the roots of their weights and of w_k, as reals (s, g, .)."""
        basis, generators = self._basis
        logs = self._states.spectrum().log_eigenvalues
        numbers = generators[0].size * (4 if basis is None else 8)
        for part in self._blocks(len(generators) * max(numbers, self._features.shape[1])):
            rows = _weighted(self.kind, logs[part], None if basis is None else basis[part], generators)
            yield part, rows * np.sqrt(self._weights[part, None, None])

    def matrix(self) -> Real:
        g, a = len(self._generators), self._features.shape[1]
        self._fits(16 * (g * a) ** 2)
        full = np.zeros((g, a, g * a))
        for part, rows in self._rows():
            x, members = self._features[part], rows @ rows.swapaxes(1, 2)
            for j in range(g):
                full[j] += x.T @ (members[:, j, :, None] * x[:, None, :]).reshape(len(x), g * a)
        return full.reshape(g * a, g * a)[np.ix_(self._order, self._order)]

    def blocks(self) -> tuple[Integer, Real]:
        """The parameters W_ja of each generator G_j (g, a), and their blocks of the metric (g, a, a)."""
        g, a = len(self._generators), self._features.shape[1]
        found = np.zeros((g, a, a))
        for part, rows in self._rows():
            x, curvatures = self._features[part], np.square(rows).sum(axis=2)
            for j in range(g):
                found[j] += (x * curvatures[:, j, None]).T @ x
        return np.argsort(self._order).reshape(g, a), found

    @cached_property
    def _pairs(self) -> Real:
        """The weights of pairs of eigenvectors (m, d, d), or of levels (m, d), times w_k."""
        logs = self._states.spectrum().log_eigenvalues
        if self._basis[0] is None:
            return np.asarray(np.exp(logs) * self._weights[:, None])
        return gibbs_weights(self.kind, logs[:, :, None], logs[:, None, :]) * self._weights[:, None, None]

    def _product(self, v: Real) -> Real:
        basis, generators = self._basis
        g, d = len(generators), generators.shape[-1]
        p = np.exp(self._states.spectrum().log_eigenvalues)
        w, found = np.empty(self.n_params), np.zeros((g, self._features.shape[1]))
        w[self._order] = v
        flat = generators.reshape(g, -1)
        for part in self._blocks(8 * max(flat.shape[1], self._features.shape[1])):
            x = self._features[part]
            change = (x @ w.reshape(found.shape).T) @ flat
            if basis is None:
                change -= (p[part] * change).sum(axis=1, keepdims=True)
                change *= self._pairs[part]
            else:
                u = basis[part]
                adjoint = u.conj().swapaxes(1, 2)
                rotated = adjoint @ change.reshape(-1, d, d) @ u
                diagonals = np.einsum("mii->mi", rotated)  # a view
                diagonals -= (p[part] * diagonals.real).sum(axis=1, keepdims=True)
                rotated *= self._pairs[part]
                change = (u @ rotated @ adjoint).reshape(-1, d * d)
            found += (change @ flat.conj().T).real.T @ x
        return np.asarray(found.ravel()[self._order])


def _weighted(kind: str, logs: Real, basis: Numeric | None, generators: Numeric) -> Real:
    """The centred generators in the eigenbases of m states times the roots of their weights, as reals (m, g, .)."""
    m, d = logs.shape
    g = len(generators)
    if basis is None:
        levels = generators - (np.exp(logs) @ generators.real.T)[:, :, None]
        return np.asarray(levels.real * np.exp(logs / 2)[:, None, :])
    adjoint = np.ascontiguousarray(basis.conj().swapaxes(1, 2)).reshape(m * d, d)
    left = adjoint @ np.ascontiguousarray(generators.transpose(1, 0, 2)).reshape(d, g * d)
    rows = np.ascontiguousarray(left.reshape(m, d, g, d).swapaxes(1, 2)) @ basis[:, None]
    diagonals = np.einsum("mgii->mgi", rows)  # a view
    diagonals -= (np.exp(logs)[:, None, :] * diagonals.real).sum(axis=2, keepdims=True)
    rows *= np.sqrt(gibbs_weights(kind, logs[:, :, None], logs[:, None, :]))[:, None]
    return rows.reshape(m, g, d * d).view(np.float64)


class MeanMetric(Metric):
    r"""The weighted mean of metrics, each through a Jacobian: sum_k w_k J_k^T g_k J_k.

    Parameters
    ----------
    members : sequence of Metric
        g_k (q, q).
    jacobians : array (m, q, p)
        J_k.
    weights : array (m,)
    """

    def __init__(self, members: Sequence[Metric], jacobians: Real, weights: Real) -> None:
        super().__init__(members[0].kind, jacobians.shape[2])
        self._parts = list(zip(weights.tolist(), members, jacobians, strict=True))

    def matrix(self) -> Real:
        return np.asarray(np.sum([w * j.T @ g.matrix() @ j for w, g, j in self._parts], axis=0))

    def _product(self, v: Real) -> Real:
        return np.asarray(np.sum([w * (g.product(j @ v) @ j) for w, g, j in self._parts], axis=0))
