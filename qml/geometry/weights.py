r"""The monotone metrics, each as one weight function of a pair of eigenvalues, evaluated in the log domain.

A monotone metric (one that no quantum channel increases) is, in the eigenbasis of sigma with eigenvalues e^{l_a},

.. math:: g(A, B) = \sum_{ab} c(e^{l_a}, e^{l_b})\; \mathrm{Re}\, A_{ab}^* B_{ab}, \qquad
    c(x, y) = \frac{s(\delta)}{\max(x, y)}, \quad \delta = l_< - l_> \le 0.

All three have s(0) = 1: on commuting families each is the classical Fisher information.
Source: Petz (1996), Linear Algebra Appl. 244, 81.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qml._arrays import as_real, namespace
from qml._typing import Real


def _bkm(gap: Real) -> Real:
    """(log x - log y)/(x - y): s = delta / expm1(delta)."""
    xp = namespace(gap)
    safe = xp.where(gap != 0.0, gap, 1.0)
    return as_real(xp.where(gap != 0.0, safe / xp.expm1(safe), 1.0))


def _bures(gap: Real) -> Real:
    """2/(x + y): s = 2 / (1 + e^delta)."""
    return as_real(2.0 / (1.0 + namespace(gap).exp(gap)))


def _wigner_yanase(gap: Real) -> Real:
    """4/(sqrt x + sqrt y)^2: s = 4 / (1 + e^{delta/2})^2."""
    return as_real(4.0 / (1.0 + namespace(gap).exp(gap / 2)) ** 2)


KINDS: dict[str, Callable[[Real], Real]] = {"bkm": _bkm, "bures": _bures, "wigner_yanase": _wigner_yanase}
"""Each metric's s(delta) by name, smaller metrics last: bures <= wigner_yanase <= bkm."""


def state_weights(kind: str, logs_a: Real, logs_b: Real) -> Real:
    """c(e^{l_a}, e^{l_b}) for finite l_>; broadcasts. With l_< = -inf it is 2/x (Bures), 4/x (Wigner-Yanase), inf."""
    xp = namespace(logs_a, logs_b)
    larger = xp.maximum(logs_a, logs_b)
    gap = xp.minimum(logs_a, logs_b) - larger
    with np.errstate(over="ignore"):
        return as_real(xp.exp(-larger) * KINDS[kind](gap))


def gibbs_weights(kind: str, logs_a: Real, logs_b: Real) -> Real:
    r"""c times the squared slope of exp: what an exponential family puts on pairs of its dK_ab; at most e^{l_>}.

    .. math:: c(e^{l_a}, e^{l_b}) \left( \frac{e^{l_a} - e^{l_b}}{l_a - l_b} \right)^2
        = e^{l_>}\, s(\delta) \left( \frac{e^\delta - 1}{\delta} \right)^2

    For the Bogoliubov-Kubo-Mori metric that is the logarithmic mean of the eigenvalues. Nothing over- or underflows
    that should not, however far apart they are.
    """
    larger = np.maximum(logs_a, logs_b)
    gap = np.minimum(logs_a, logs_b) - larger
    slope = np.divide(np.expm1(gap), gap, out=np.ones_like(gap), where=gap != 0.0)
    out = np.exp(larger) * slope
    return out if kind == "bkm" else np.asarray(out * (KINDS[kind](gap) * slope))
