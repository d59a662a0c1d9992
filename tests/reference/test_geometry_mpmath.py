"""Metrics of Gibbs models against 50 digits and more: second derivatives of log Z, fidelity and roots of states."""

import mpmath as mp
import numpy as np
import pytest
from helpers.cases import every

from qml import GibbsModel
from qml.geometry import metric

X, Y, Z = ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])
GENERATORS = [np.kron(X, X), np.kron(Z, np.eye(2)), np.kron(np.eye(2), Y) + 0.5 * np.kron(Z, Z)]
CASES = {
    "ordinary": [0.4, -0.7, 0.3],
    "degenerate": [0.0, 0.0, 0.0],
    "nearly degenerate": [1e-9, 1e-10, -2e-9],
    "partly degenerate": [0.8, 0.0, 0.0],
    "cold": [30.0, 12.0, -25.0],
    "hot": [1e-4, 2e-4, 1e-4],
}
DIGITS = 150
"""Of the working precision: squared eigenvalues of the cold state reach 1e-110."""
STEP = mp.mpf(10) ** -12


def eigen(k):
    with mp.workdps(DIGITS):
        values, vectors = mp.eighe(k)
        return [values[i] for i in range(len(values))], vectors


def of_eigen(values, vectors, function):
    d = len(values)
    return vectors * mp.diag([function(values[i]) for i in range(d)]) * vectors.transpose_conj()


def hamiltonian(theta):
    k = mp.zeros(4)
    for t, g in zip(theta, GENERATORS, strict=True):
        k += t * mp.matrix(np.asarray(g, dtype=complex).tolist())
    return k


def gibbs(theta):
    values, vectors = eigen(hamiltonian(theta))
    z = mp.fsum(mp.exp(-v) for v in values)
    return z, [mp.exp(-v) / z for v in values], vectors


def apart(kind, theta, other):
    """What has the metric as its second order, times 2."""
    z, p, v = gibbs(theta)
    z2, p2, v2 = gibbs(other)
    if kind == "bkm":
        difference = hamiltonian(other) - hamiltonian(theta)
        sigma = of_eigen(p, v, lambda x: x)
        mean = mp.re(mp.fsum((sigma * difference)[i, i] for i in range(4)))
        return 2 * (mean + mp.log(z2) - mp.log(z))
    a, b = of_eigen(p, v, mp.sqrt), of_eigen(p2, v2, mp.sqrt)
    if kind == "bures":
        m = a * b
        squares, _ = eigen(m.transpose_conj() * m)
        return 4 * (1 - mp.fsum(mp.sqrt(abs(s)) for s in squares) ** 2)
    return 4 * mp.fsum(abs(x) ** 2 for x in (a - b))


def along(kind, theta, u):
    """u.g.u by second-order differences: their error relative to the square of the step is far below 1e-11."""
    both = (apart(kind, theta, [t + s * STEP * x for t, x in zip(theta, u, strict=True)]) for s in (1, -1))
    return float(mp.fsum(both) / (2 * STEP**2))


@every("case", CASES)
@every("kind", ["bkm", "bures", "wigner_yanase"])
def test_gibbs_metrics(case, kind):
    found = metric(GibbsModel(GENERATORS), CASES[case], kind)
    for u in ([1, -2, 1], [0, 1, 3]):
        with mp.workdps(DIGITS):
            expected = along(kind, [mp.mpf(t) for t in CASES[case]], u)
        assert expected > 1e-6
        assert u @ found @ u == pytest.approx(expected, rel=1e-11)
