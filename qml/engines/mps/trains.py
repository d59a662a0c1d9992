r"""Matrix-product operators of a chain of qubits, and what is done with them: multiply, add the identity, compress.

An operator on n qubits is held as n tensors (a, 2, 2, b): the bond to the left, row, column, the bond to the right,

.. math:: O_{s_1 \dots s_n, u_1 \dots u_n} = 2^{n/2} e^{l} \sum_{b_1 \dots b_{n-1}}
    T^{(1)}_{1 s_1 u_1 b_1} T^{(2)}_{b_1 s_2 u_2 b_2} \cdots T^{(n)}_{b_{n-1} s_n u_n 1}

with its size in the log domain, l, which is 0 for the identity: that of a root near it is not rounded at the size of
n log 2. Compressing is done in the Frobenius norm, in which an operator is a vector of 4^n
numbers. A product is compressed without being formed: a few random vectors are multiplied from the left, which tells
the space to the right of every bond that the product needs (Camano, Epperly and Tropp 2025, arXiv:2504.06475), and
singular values then say how much of it is kept. The cost is O(n r chi^3) for r random vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from qml import _checks, spectral
from qml._typing import Numeric

IDENTITY = np.eye(2), np.eye(2) / 2
"""Of one qubit, at even and at odd sites: exact, unlike 1 / sqrt(2), and with a product that stays near norm one."""
GROWTH = 1.6
"""How many times the bond dimension that of a product is expected to be."""
SPARE = 8
"""Random vectors beyond the bond dimension that is expected."""
FLOOR = 3e-15
"""The smallest share of an operator that is told from rounding."""


@dataclass(frozen=True, eq=False)
class Train:
    """A matrix-product operator: tensors (a, 2, 2, b), and the logarithm of what multiplies them beside 2^(n/2)."""

    sites: tuple[Numeric, ...]
    log: float = 0.0

    @property
    def bond(self) -> int:
        """The largest bond dimension."""
        return max(int(t.shape[0]) for t in self.sites)

    @property
    def dagger(self) -> Train:
        """The adjoint."""
        return replace(self, sites=tuple(t.conj().transpose(0, 2, 1, 3) for t in self.sites))

    @property
    def mirrored(self) -> Train:
        """The same operator on the qubits in the reverse order."""
        return replace(self, sites=tuple(t.transpose(3, 1, 2, 0) for t in reversed(self.sites)))


def identity(n: int) -> Train:
    """The identity on n qubits."""
    return Train(tuple(IDENTITY[i % 2][None, :, :, None] for i in range(n)), _odd(n))


def plus_identity(train: Train, factor: float) -> Train:
    """1 + factor * train, of a bond dimension larger by one."""
    n = len(train.sites)
    size = factor * math.exp(train.log - _odd(n))
    sites = []
    for i, t in enumerate(train.sites):
        a, b = t.shape[0], t.shape[3]
        out = np.zeros((a + (i > 0), 2, 2, b + (i < n - 1)), dtype=t.dtype)
        out[:a, :, :, :b] = size * t if i == 0 else t
        out[-1, :, :, -1] += IDENTITY[i % 2]
        sites.append(out)
    return Train(tuple(sites), _odd(n))


def _odd(n: int) -> float:
    """The logarithm of 2^floor(n/2) / 2^(n/2)."""
    return -(n % 2) * math.log(2.0) / 2


def compress(train: Train, cut: float, bond: int) -> tuple[Train, float]:
    """The train with bond dimensions at most `bond`, and the share of its norm that was left out, summed over all
    bonds: at each at most `cut`, unless `bond` limits it."""
    sites, log = list(train.sites), train.log
    for i in range(len(sites) - 1, 0, -1):
        a = sites[i].shape[0]
        q, r = np.linalg.qr(sites[i].reshape(a, -1).T)
        size = float(np.linalg.norm(r)) or 1.0
        sites[i] = q.T.reshape(-1, 2, 2, sites[i].shape[3])
        sites[i - 1], log = np.tensordot(sites[i - 1], r.T / size, 1), log + math.log(size)
    return _truncated(sites, log, cut, bond)


def _truncated(sites: list[Numeric], log: float, cut: float, bond: int) -> tuple[Train, float]:
    """`sites` after the first have orthonormal rows: singular values from left to right are then those of the whole."""
    out: list[Numeric] = []
    carried, lost = np.ones((1, 1)), 0.0
    for t in sites[:-1]:
        m = np.tensordot(carried, t, 1)
        u, s, v = spectral.svd(m.reshape(-1, m.shape[3]))
        left_out = np.sqrt(np.cumsum(np.square(s)[::-1])[::-1])
        size = float(left_out[0]) or 1.0
        kept = min(max(1, int((left_out > cut * size).sum())), bond)
        if kept < len(s):
            lost += float(left_out[kept]) / size
        out.append(u[:, :kept].reshape(m.shape[0], 2, 2, kept))
        carried, log = s[:kept, None] * v[:kept] / size, log + math.log(size)
    last = np.tensordot(carried, sites[-1], 1)
    size = float(np.linalg.norm(last)) or 1.0
    return Train((*out, last / size), log + math.log(size)), lost


def product(a: Train, b: Train, cut: float, bond: int, rng: np.random.Generator) -> tuple[Train, float]:
    """a b, compressed as by :func:`compress`, and the share that was left out.

    Raises
    ------
    MemoryRefused
        Where the product of random vectors with both would not fit.
    """
    n, most = len(a.sites), min(a.bond * b.bond, 4 ** (len(a.sites) // 2))
    expected = min(bond, int(GROWTH * max(a.bond, b.bond)))
    while True:
        vectors = min(expected + SPARE, most)
        _checks.memory(
            f"the product of matrix-product operators of bond dimensions {a.bond} and {b.bond} on "
            f"{_checks.plural(n, 'qubit')}",
            16 * vectors * (n + 8) * a.bond * b.bond,
            "allow a larger error (tolerance) or a smaller bond dimension (bond), or take a smaller K",
        )
        sites = _projected(a, b, vectors, rng)
        found, lost = _truncated(sites, a.log + b.log - _odd(n), cut, bond)
        full = any(
            t.shape[0] == s.shape[0] == vectors < min(bond, most) for t, s in zip(found.sites, sites, strict=True)
        )
        if not full:
            return found, lost
        expected = 2 * vectors


def _projected(a: Train, b: Train, vectors: int, rng: np.random.Generator) -> list[Numeric]:
    """The tensors of a b, restricted from the right to the space that random vectors from the left single out; all but
    the first have orthonormal rows. Every second one is doubled: 2^(n/2) times the product of two operators of norm one
    is neither too small for a number nor, if it is the identity's, of another size than one."""
    n = len(a.sites)
    left: list[Numeric] = [np.ones((vectors, 1, 1))]
    for i in range(n - 1):
        s, t = a.sites[i], b.sites[i]
        e = np.tensordot(left[-1], t, 1).transpose(0, 1, 2, 4, 3)  # vector, a, middle, b', column
        weights = rng.standard_normal((vectors, 2, 2))
        e = np.matmul(e.reshape(vectors, -1, 2), weights)  # (vector, (a, middle, b'), row)
        e = e.reshape(vectors, s.shape[0], 2, t.shape[3], 2).transpose(0, 3, 1, 4, 2)
        e = e.reshape(vectors * t.shape[3], -1) @ s.reshape(-1, s.shape[3])
        e = e.reshape(vectors, t.shape[3], s.shape[3]).transpose(0, 2, 1)
        size = np.linalg.norm(e.reshape(vectors, -1), axis=1)
        left.append(e / np.where(size > 0, size, 1.0)[:, None, None])
    out: list[Numeric] = [np.zeros(0)] * n
    right: Numeric = np.ones((1, 1, 1))
    for i in range(n - 1, -1, -1):
        s, t = a.sites[i], b.sites[i]
        y = (1 + i % 2) * np.tensordot(t, right, ((3,), (1,)))  # b, middle, column, a', c
        y = np.tensordot(s, y, ((2, 3), (1, 3))).transpose(0, 2, 1, 3, 4)  # a, b, row, column, c
        c = y.shape[4]
        y = y.reshape(s.shape[0] * t.shape[0], 4 * c)
        if i == 0:
            out[0] = y.reshape(1, 2, 2, c)
            break
        sketch = left[i][: 4 ** min(i, 32) + SPARE].reshape(-1, len(y)) @ y
        q = np.linalg.qr(sketch.conj().T)[0]
        out[i] = q.conj().T.reshape(-1, 2, 2, c)
        right = (y @ q).reshape(s.shape[0], t.shape[0], -1)
    return out
