"""The metric of any model, from derivatives of its state as matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from qml import _checks, spectral
from qml._arrays import as_complex, as_real, namespace, on_host
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Real
from qml.geometry.metric import Metric, state_weights
from qml.states.base import State


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
        kernel = low[:, None] & low
        c = state_weights(self.kind, xp.where(kernel, 0.0, logs[:, None]), xp.where(kernel, 0.0, logs))
        return as_real(xp.where(kernel, 0.0, c))

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
        what = f"the metric of {_checks.plural(self.n_params, 'parameter')} in dimension {d}"
        _checks.memory(what, 64 * self.n_params * d * d, "use its products with vectors (solver 'cg')")
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
