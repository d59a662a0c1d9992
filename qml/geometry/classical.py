r"""Metrics of classical distributions, held as diagonal states: all of them are the Fisher information there.

.. math:: p_v = e^{-F(v)} / Z, \qquad g_{jk} = \sum_v p_v (\partial_j F(v) - m_j)(\partial_k F(v) - m_k), \qquad
    m_j = \sum_v p_v\, \partial_j F(v)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from qml import _checks
from qml._arrays import as_real
from qml._typing import Numeric, Real
from qml.geometry.metric import Metric

LEVELS = 1 << 17
"""Numbers in one block of slopes: those stay in the cache."""


class ClassicalMetric(Metric):
    """The Fisher information of p = exp(-F)/Z.

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
        what = f"the metric of {_checks.plural(m, 'parameter')}"
        _checks.memory(what, 16 * m * m, "use its products with vectors (solver 'cg')")
        g, size, roots = np.zeros((m, m)), max(1, LEVELS // max(m, 1)), np.sqrt(self._p)
        for start in range(0, d, size):
            stop = min(start + size, d)
            levels = (self._slopes(start, stop) - self._means[:, None]) * roots[start:stop]
            g += levels @ levels.T
        return g

    def _product(self, v: Real) -> Real:
        weighted = self._p * (as_real(self._push(v)) - float(v @ self._means))
        return np.asarray(self._pull(weighted) - self._means * weighted.sum())
