"""Compression with a code made for the wrong state (Zhou Shangnan 2021, arXiv:2106.13823).

    python experiments/reproductions/schumacher.py --figure schumacher.png

The paper: blocks of n copies of rho, compressed by a code that was made for sigma, take S(rho, sigma)/log 2 qubits a
copy. The code gives every product of eigenvectors of sigma, of probability s, a word of ceil(-log2 s) bits, keeps the
words of up to n R bits and projects on them; all of these fit into n R + 1 qubits. It is carried out here: on matrices
for 8 copies (Kraus operators of compression and back, which put one fixed word for those that are too long), and for up
to 32768 copies by counting, as only the number of ones in a word matters. It works or fails sharply about one rate.

The same subspace read as a code of fixed size is smaller than its longest words, where the longest words are not its
most numerous: then fewer qubits carry it, the entropy of the state s^t / Tr s^t whose cross entropy with sigma is
S(rho, sigma). That is no contradiction: the paper's rate is the one of the words.
"""

from __future__ import annotations

import math
import sys
from functools import reduce
from pathlib import Path

import numpy as np
from scipy import optimize, stats

from qml import DensityMatrix, cross_entropy, von_neumann_entropy
from qml._typing import Complex, Real

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

RHO = DensityMatrix([[0.85, 0.15], [0.15, 0.15]])
SIGMA = DensityMatrix([[0.7, -0.2], [-0.2, 0.3]])
SMALL, LARGE = 8, 32768
WITHIN = 0.01  # bits a copy: the width at which a code of 32768 copies works or fails
BITS = 1 / math.log(2)


def channel(n: int, sigma: DensityMatrix, rate: float) -> list[Complex]:
    """Kraus operators (2^n, 2^n) of compressing n copies to words of up to n R bits, and back: the projection, and for
    each word that is too long, one that puts the shortest word in its place."""
    values, vectors = np.linalg.eigh(sigma.matrix())
    basis = reduce(np.kron, [vectors] * n)
    lengths = np.ceil(-np.log2(reduce(np.kron, [values] * n)))
    kept = lengths <= n * rate
    shortest = basis[:, lengths.argmin()]
    projection = basis[:, kept] @ basis[:, kept].conj().T
    return [projection, *(np.outer(shortest, basis[:, j].conj()) for j in np.flatnonzero(~kept))]


def entanglement_fidelity(rho: Complex, kraus: list[Complex]) -> float:
    """sum_k |Tr(A_k rho)|^2: how well a purification of rho survives the channel."""
    return sum(abs((a.T * rho).sum()) ** 2 for a in kraus)


def words(n: int, rho: DensityMatrix, sigma: DensityMatrix) -> tuple[Real, Real]:
    """Weights in rho^(x n) of the words with k ones, and their lengths in bits, k = 0, ..., n."""
    values, vectors = np.linalg.eigh(sigma.matrix())
    ones = float((vectors[:, 0].conj() @ rho.matrix() @ vectors[:, 0]).real)  # of the rarer eigenvector
    k = np.arange(n + 1)
    lengths = np.ceil(-(k * np.log2(values[0]) + (n - k) * np.log2(values[1])))
    return stats.binom.pmf(k, n, ones), lengths


def fidelities(n: int, rho: DensityMatrix, sigma: DensityMatrix, rates: Real) -> Real:
    """The weight on kept words, squared: the entanglement fidelity, but for what the fixed word adds."""
    weights, lengths = words(n, rho, sigma)
    return np.array([float(weights[lengths <= n * rate].sum()) ** 2 for rate in rates])


def threshold(n: int, rho: DensityMatrix, sigma: DensityMatrix) -> float:
    """The rate in bits a copy at which the fidelity passes 1/2."""
    weights, lengths = words(n, rho, sigma)
    order = np.argsort(lengths, kind="stable")
    return float(lengths[order][np.searchsorted(np.cumsum(weights[order]), math.sqrt(0.5))] / n)


def mean_length(n: int, rho: DensityMatrix, sigma: DensityMatrix) -> float:
    """Mean bits a copy of the words of all lengths."""
    weights, lengths = words(n, rho, sigma)
    return float(weights @ lengths) / n


def fixed_rate(rho: DensityMatrix, sigma: DensityMatrix) -> float:
    """Bits a copy of a code of fixed size: the entropy of the power of sigma with the cross entropy S(rho, sigma)."""
    s, wanted = np.linalg.eigvalsh(sigma.matrix()), float(cross_entropy(rho, sigma))

    def power(t: float) -> Real:
        return np.asarray(s**t / (s**t).sum())

    t = optimize.brentq(lambda t: float(-power(t) @ np.log(s)) - wanted, -20, 20)
    return float(-power(t) @ np.log(power(t))) * BITS


def fixed_size(n: int, rho: DensityMatrix, sigma: DensityMatrix) -> float:
    """log2 of the number of words that are no longer than the threshold, a copy."""
    _, lengths = words(n, rho, sigma)
    k = np.arange(n + 1)[lengths <= n * threshold(n, rho, sigma)]
    logs = np.array([math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) for j in k])
    return float(logs.max() + np.log(np.exp(logs - logs.max()).sum())) * BITS / n


def reproduce(small: int = SMALL, large: int = LARGE) -> Found:
    """Compression with a code made for the wrong state (arXiv:2106.13823)."""
    right, wrong = float(von_neumann_entropy(RHO)) * BITS, float(cross_entropy(RHO, SIGMA)) * BITS
    copies = reduce(np.kron, [RHO.matrix()] * small)
    rates = np.linspace(0.2, 2.2, 81)
    done = np.array([entanglement_fidelity(copies, channel(small, SIGMA, rate)) for rate in rates[::8]])
    counted = fidelities(small, RHO, SIGMA, rates[::8])
    lines = [
        Line("rate of a code made for rho, S(rho)/log 2", right, threshold(large, RHO, RHO), WITHIN),
        Line("rate of a code made for sigma, S(rho, sigma)/log 2", wrong, threshold(large, RHO, SIGMA), WITHIN),
        Line("mean length of its words", wrong, mean_length(large, RHO, SIGMA), WITHIN),
        Line(
            f"fidelity by matrices of {small} copies less that by counting: what the fixed word adds",
            None,
            float(np.abs(done - counted).max()),
            0.05,
        ),
        Line(
            "a code of fixed size for the same words: its rate less the entropy of the power of sigma (ours)",
            None,
            abs(fixed_size(large, RHO, SIGMA) - fixed_rate(RHO, SIGMA)),
            WITHIN,
        ),
    ]
    curves = [
        Curve(f"code for sigma, {n} copies", rates.tolist(), fidelities(n, RHO, SIGMA, rates).tolist())
        for n in (small, 128, large)
    ]
    curves.append(Curve(f"code for rho, {large} copies", rates.tolist(), fidelities(large, RHO, RHO, rates).tolist()))
    curves.append(Curve("matrices, 8 copies", rates[::8].tolist(), done.tolist(), dots=True))
    curves += [
        Curve(name, [x, x], [0.0, 1.0], dashed=True) for name, x in (("S(rho)", right), ("S(rho, sigma)", wrong))
    ]
    return Found(lines, curves, ("rate, qubits a copy", "entanglement fidelity"), log_y=False)


if __name__ == "__main__":
    command(reproduce)()
