r"""Metrics of conditional models sigma_theta(x): the mean over the inputs of the metric at each.

.. math:: g = \sum_k w_k\, J_k^T\, g(\sigma(x_k))\, J_k, \qquad \sum_k w_k = 1,

where J_k takes a change of theta to one of what the state at x_k depends on. For Gibbs models it is the Hessian of the
mean of S over labelled data, whatever the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from qml import _checks
from qml._typing import Integer, Numeric, Real
from qml.geometry.metric import Metric
from qml.geometry.weights import gibbs_weights
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
    The metrics of all members cost O(m g d^3 + m g^2 d^2), once; the matrix then O(m g^2 a^2), a product with a vector
    O(m g (g + a)).
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

    def _blocks(self) -> Iterator[tuple[slice, Real]]:
        """w_k g_jl(sigma(x_k)), shape (s, g, g), of some members after the others."""
        m, g = len(self._features), len(self._generators)
        spectrum = self._states.spectrum()
        numbers = self._generators[0].size * (4 if spectrum.basis is None else 8) * g
        size = max(1, BLOCK_NUMBERS // max(numbers, g * self._features.shape[1]))
        for start in range(0, m, size):
            part = slice(start, start + size)
            logs = spectrum.log_eigenvalues[part]
            basis = None if spectrum.basis is None else spectrum.basis[part]
            rows = _weighted(self.kind, logs, basis, self._generators)
            yield part, (rows @ rows.swapaxes(1, 2)) * self._weights[part, None, None]

    @cached_property
    def _members(self) -> Real:
        """The same of all, shape (m, g, g)."""
        m, g = len(self._features), len(self._generators)
        _checks.memory(f"the metrics of {m} states and {g} generators", 16 * m * g * g, "use LBFGS()")
        return np.concatenate([members for _, members in self._blocks()])

    def matrix(self) -> Real:
        g, a = len(self._generators), self._features.shape[1]
        what = f"the metric of {_checks.plural(self.n_params, 'parameter')}"
        _checks.memory(what, 8 * 2 * (g * a) ** 2, "use its products with vectors (solver 'cg')")
        full = np.zeros((g, a, g * a))
        for part, members in self._blocks():
            x = self._features[part]
            for j in range(g):
                full[j] += x.T @ (members[:, j, :, None] * x[:, None, :]).reshape(len(x), g * a)
        return full.reshape(g * a, g * a)[np.ix_(self._order, self._order)]

    def _product(self, v: Real) -> Real:
        x, members = self._features, self._members
        w = np.empty(self.n_params)
        w[self._order] = v
        fields = x @ w.reshape(-1, x.shape[1]).T
        pulled = (members @ fields[:, :, None])[:, :, 0]
        return np.asarray((pulled.T @ x).ravel()[self._order])


def _weighted(kind: str, logs: Real, basis: Numeric | None, generators: Numeric) -> Real:
    """The centred generators in the eigenbases of m states times the roots of their weights, as reals (m, g, .)."""
    m, d = logs.shape
    g = len(generators)
    if basis is None:
        levels = generators - (np.exp(logs) @ generators.real.T)[:, :, None]
        return np.asarray(levels.real * np.exp(logs / 2)[:, None, :])
    if not (basis.imag.any() or generators.imag.any()):
        basis, generators = basis.real, generators.real
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
