r"""The open transverse-field Ising chain at any temperature, exactly and at any size.

With the Majorana operators a_i = X_0 ... X_{i-1} Z_i and b_i = X_0 ... X_{i-1} Y_i,

.. math:: X_i = i a_i b_i, \qquad Z_i Z_{i+1} = i b_i a_{i+1}, \qquad
    H = -J \sum_i Z_i Z_{i+1} - h \sum_i X_i = -i \sum_{ij} a_i M_{ij} b_j ,

and the singular values s_k of M = U diag(s) V^T are those of independent modes: log Z = sum_k log(2 cosh(beta s_k)) and
<i a_i b_j> = sum_k U_ik V_jk tanh(beta s_k). Source: Pfeuty (1970), Ann. Phys. 57, 79.
"""

from __future__ import annotations

import numpy as np

from qml.moments import Moments
from qml.operators import tfim


def ising_log_partition(n: int, beta: float, J: float = 1.0, h: float = 1.0) -> float:
    """log Z in nats."""
    s = np.linalg.svd(_couplings(n, J, h), compute_uv=False)
    return float(np.logaddexp(beta * s, -beta * s).sum())


def ising_moments(n: int, beta: float, J: float = 1.0, h: float = 1.0) -> Moments:
    """<Z_i Z_{i+1}> and <X_i>, in the order of the strings of ``tfim(n, J, h)``, and the entropy."""
    u, s, vt = np.linalg.svd(_couplings(n, J, h))
    c = (u * np.tanh(beta * s)) @ vt
    values = np.concatenate([-np.diagonal(c, -1), np.diagonal(c)])
    energy = -J * values[: n - 1].sum() - h * values[n - 1 :].sum()
    return Moments(tfim(n, J, h), values, entropy=beta * energy + ising_log_partition(n, beta, J, h))


def _couplings(n: int, J: float, h: float) -> np.ndarray:
    return h * np.eye(n) - J * np.eye(n, k=-1)
