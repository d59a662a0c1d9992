"""The metric of any model, from derivatives of its state as matrices; and that of marginals of Gibbs states."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from qml import spectral
from qml._arrays import as_complex, as_real, namespace, on_host
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Numeric, Real
from qml.geometry.generators import Generators
from qml.geometry.metric import Metric, state_weights
from qml.states.base import State
from qml.states.gibbs import GibbsState

BLOCK_NUMBERS = 1 << 20
"""Numbers in one block of rotated generators."""


class StateMetric(Metric):
    r"""The metric at a state, from its forward derivative and, for products, its backward derivative.

    .. math:: g v = \mathrm{pull}\left( V \left( c \circ V^\dagger\, \mathrm{push}(v)\, V \right) V^\dagger \right)

    Parameters
    ----------
    state : State
        sigma.
    push : callable
        v (..., p) -> dsigma (..., d, d).
    pull : callable
        The Hermitian X (d, d) -> Tr(X dsigma/dtheta_j) for all j, shape (p,).
    n_params : int
    kind : {"bkm", "bures", "wigner_yanase"}
    full_rank : bool
        Whether every sigma has full rank: eigenvalues that count as zero are rounding then, and so is what leaves their
        complement.
    """

    def __init__(
        self,
        state: State,
        push: Callable[[ArrayLike], Complex],
        pull: Callable[[Complex], Real],
        n_params: int,
        kind: str = "bkm",
        full_rank: bool = False,
    ) -> None:
        super().__init__(kind, n_params)
        self._push, self._pull, self._full_rank = push, pull, full_rank
        self._spectrum = state.spectrum().completed

    @cached_property
    def _weights(self) -> Real:
        """c (d, d); zero where both eigenvalues count as kernel."""
        logs = self._spectrum.log_eigenvalues
        xp = namespace(logs)
        low = logs <= logs.max() + np.log(spectral.support_cut(np.ones(()), len(logs)))
        with np.errstate(invalid="ignore"):  # of two that are zero
            c = state_weights(self.kind, logs[:, None], logs)
        return as_real(xp.where(low[:, None] & low, 0.0, c))

    def _rotated(self, v: ArrayLike) -> Complex:
        """V^dagger dsigma V; refused where the metric is infinite along it."""
        x = self._spectrum.to_basis(self._push(v))
        infinite = namespace(x).isinf(self._weights)
        if infinite.any() and not self._full_rank:
            leak = float(abs(x[..., infinite]).max(initial=0.0))
            if leak > spectral.weight_cut(len(infinite)) * float(abs(x).max(initial=0.0)):
                rank = int(self._spectrum.support.sum())
                raise InputError(
                    f"the Bogoliubov-Kubo-Mori metric is infinite here: sigma has rank {rank} of {len(infinite)}, and "
                    "a derivative leaves its support: take kind 'bures' or 'wigner_yanase', or give the model full "
                    "rank by a little noise."
                )
        return x

    @cached_property
    def _finite_weights(self) -> Real:
        xp = namespace(self._weights)
        return as_real(xp.where(xp.isinf(self._weights), 0.0, self._weights))

    def matrix(self) -> Real:
        d = len(self._spectrum.log_eigenvalues)
        self._fits(64 * self.n_params * d * d)
        x = self._rotated(np.eye(self.n_params))
        if not on_host(x):
            return np.stack([self._pulled(own) for own in x])
        rows = np.ascontiguousarray(x * np.sqrt(self._finite_weights), dtype=np.complex128)
        flat = rows.reshape(self.n_params, d * d).view(np.float64)
        return np.asarray(flat @ flat.T)

    def _product(self, v: Real) -> Real:
        return self._pulled(self._rotated(v))

    def _pulled(self, x: Complex) -> Real:
        """g v from V^dagger dsigma V."""
        return self._pull(as_complex(self._spectrum.from_basis(self._finite_weights * x)))


class MarginalMetric(StateMetric):
    r"""The metric of what is left of a Gibbs state where sites are discarded, sigma = Tr_h exp(-K)/Z, of full rank.

    .. math:: \langle u| \partial_j \sigma |u'\rangle = -\sum_{h a b} T_{u h, a}\, E_{ab}\,
        (V^\dagger (G_j - m_j) V)_{ab}\, T_{u' h, b}^*, \qquad
        T_{u h, a} = \langle u, h| V |a\rangle, \quad m_j = \mathrm{Tr}\, e^{-K} G_j / Z

    with the eigenvectors u of sigma and V of K, and the divided differences E of exp at the log-eigenvalues of
    exp(-K)/Z.

    Parameters
    ----------
    state : State
        sigma.
    joint : GibbsState
        exp(-K)/Z.
    rows : array (d, d)
        V, its rows in the order \|v, h>.
    generators : Generators
        G_j, m of them.
    push, pull, kind
        As of :class:`StateMetric`.

    Notes
    -----
    The matrix costs 5 m d^3 operations, 3 m d^3 where there are two symmetry sectors, and so on.
    """

    def __init__(
        self,
        state: State,
        joint: GibbsState,
        rows: Complex,
        generators: Generators,
        push: Callable[[Any], Complex],
        pull: Callable[[Complex], Real],
        kind: str,
    ) -> None:
        super().__init__(state, push, pull, len(generators), kind, full_rank=True)
        self._joint, self._rows, self._generators = joint, rows, generators

    def matrix(self) -> Real:
        m, d = self.n_params, len(self._spectrum.log_eigenvalues)
        self._fits(32 * m * (d * d + self._joint.dim) + 64 * max(BLOCK_NUMBERS, m * self._joint.dim))
        flat = (self._changes() * np.sqrt(self._finite_weights)).reshape(m, d * d).view(np.float64)
        return np.asarray(flat @ flat.T)

    def _changes(self) -> Numeric:
        """The derivatives of sigma between its eigenvectors, (m, d_v, d_v), but for their signs."""
        m, d = self.n_params, self._joint.dim
        spectrum, u = self._joint.spectrum(), self._spectrum.columns
        v = spectrum.columns if self._generators.is_real else spectrum.columns.astype(np.complex128, copy=False)
        own = (u.conj().T @ self._rows.reshape(len(u), -1)).reshape(len(u), -1, d)
        labels = self._joint.sector_labels()
        every: list[Any] = [slice(None)]
        sectors = every if labels is None else [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]
        out: Numeric = np.zeros((m, len(u), len(u)), dtype=np.result_type(v, own))
        for places in sectors:
            inside, to = np.ascontiguousarray(v[:, places]), own[:, :, places]
            across = spectral.exp_divided_differences(spectrum.log_eigenvalues[places])
            width = len(across)
            right = np.ascontiguousarray(to.conj().transpose(2, 1, 0)).reshape(width, -1)
            left = np.ascontiguousarray(to.transpose(0, 2, 1))
            size = max(1, min(width, BLOCK_NUMBERS // (m * d)))
            for start in range(0, width, size):
                rows = np.ascontiguousarray(inside[:, start : start + size].conj().T)
                s = len(rows)
                product: Numeric = np.empty((m, s, d), dtype=v.dtype)
                self._generators.left(rows, product)
                x = (product.reshape(m * s, d) @ inside).reshape(m, s, width)
                x *= across[start : start + s]
                half = (x.reshape(m * s, -1) @ right).reshape(m, -1, len(u))
                out += left[:, start : start + s].reshape(len(u), -1) @ half
        diagonals = np.einsum("kaa->ka", out)  # a view, of the sum Tr(e^{-K} G_j) / Z
        diagonals -= diagonals.sum(axis=1, keepdims=True) * self._spectrum.eigenvalues
        return out
