r"""Traces of exp(-K) for a Pauli sum K, from random vectors and the Lanczos method: nothing of size 4^n.

With r uniform on the unit sphere, :math:`\mathbb{E}\, r^T A r = 2^{-n}\, \mathrm{Tr} A`. The Krylov space of r, with
an orthonormal basis V and the tridiagonal T = V^T K V = Q diag(t) Q^T, gives

.. math:: z_r = r^T e^{-K} r = \sum_i q_i^2 e^{-t_i}, \qquad q_i = Q_{1i},

and the derivative of that very number along K -> K + x G,

.. math:: -\frac{dz_r}{dx} = \int_0^1 r^T e^{-sK} G\, e^{-(1-s)K} r\; ds = \mathrm{Tr}(G\, V M V^T), \qquad
    M = Q \Big( \frac{e^{-t_i} - e^{-t_j}}{t_j - t_i}\, q_i q_j \Big) Q^T .

So sums of z_r and their gradients fit each other to rounding: an optimizer meets a smooth function. M has some ten
eigenvalues that matter; its eigenvectors, gathered from the basis, are the vectors whose expectations are taken.

The expectation of the right-hand side over r is 2^-n Tr(G exp(-K)): traces are cyclic. The Krylov dimension grows until
what M has on the last basis vector, times the coupling to the next one, is below the tolerance; a vector is never
reorthogonalised, as functions of K do not need it. Sources: Druskin and Knizhnerman (1989), USSR Comput. Math. Math.
Phys. 29(6), 112; Saad (1992), SIAM J. Numer. Anal. 29, 209; Jaklic and Prelovsek (1994), Phys. Rev. B 49, 5065;
Sugiura and Shimizu (2013), arXiv:1302.3138.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from qml import _checks, spectral
from qml._typing import Real
from qml.engines import krylov_kernels as kernels
from qml.engines._llvm.language import LANES
from qml.engines._llvm.teams import shared, summed
from qml.operators.strings import Word

STRIDE = 8
"""Lanczos steps from one look at the error to the next."""
CHUNKS = 16
SHARED_FROM = 2**13
"""Rows from which a pass is worth sharing between threads."""
TOLERANCE = 1e-10
"""The estimated relative error of a Krylov space that is large enough."""
DROPPED = 1e-11
"""Share of the eigenvalues of M that may be left out."""


class Samples(NamedTuple):
    r"""What every random vector says.

    log_weights : array (samples,)
        log z_r; log Z = n log 2 + log mean z_r.
    means : array (samples, words)
        Tr(P V M V^T) / z_r of every string asked for.
    dimension : int
        The largest Krylov dimension.
    truncation : float
        The estimate of the relative error that it leaves.
    """

    log_weights: Real
    means: Real
    dimension: int
    truncation: float


def is_real(words: Sequence[Word]) -> bool:
    """Whether all strings are real matrices: an even number of Y in each."""
    return all((x & z).bit_count() % 2 == 0 for x, z in words)


def sample(
    n: int,
    words: Sequence[Word],
    coefficients: Real,
    observed: Sequence[Word],
    *,
    samples: int,
    seed: int,
    limit: int,
) -> Samples:
    """z_r, and the expectations of the strings `observed`, for K = sum of coefficients times strings on n qubits.

    A string with an odd number of Y is imaginary. Where K has one, its real representation [[Re, -Im], [Im, Re]] takes
    its place: a Pauli sum again, on one qubit more, in which P becomes I P where it is real and -Y P where it is not.
    Where K has none, such an observable vanishes.
    """
    real = is_real(words)
    kept = [t for t, word in enumerate(observed) if not real or is_real([word])]
    room = _Room(n if real else n + 1, keep=bool(kept))
    k = _terms(words, coefficients, n, real)
    asked = _terms([observed[t] for t in kept], np.ones(len(kept)), n, real)
    streams = np.random.SeedSequence(seed).spawn(samples)
    logs, means = np.empty(samples), np.zeros((samples, len(observed)))
    dimension, truncation = 0, 0.0
    for first in range(0, samples, LANES):
        mine = streams[first : first + LANES]
        run = _Lanczos(room, k, mine, dimension, limit)  # no smaller than the last one
        span = slice(first, first + len(mine))
        logs[span] = run.log_weights[: len(mine)]
        means[span, kept] = run.expectations(asked)[:, : len(mine)].T if kept else 0.0
        dimension, truncation = max(dimension, run.dimension), max(truncation, run.truncation)
    return Samples(logs, means, dimension, truncation)


def _terms(words: Sequence[Word], coefficients: Real, n: int, real: bool) -> kernels.Terms:
    top = 1 << n
    masks = np.array(words, dtype=np.int64).reshape(-1, 2)
    c = np.array(coefficients, dtype=np.float64)
    ys = np.bitwise_count(masks[:, 0] & masks[:, 1])
    if not real:
        imaginary = ys % 2 == 1
        masks = masks + top * imaginary[:, None]
        c, ys = np.where(imaginary, -c, c), ys + imaginary
    order = np.argsort(masks[:, 0], kind="stable")
    flips, starts = np.unique(masks[order, 0], return_index=True)
    ends = np.append(starts, len(masks)).astype(np.int64)
    factors = np.where(ys % 4 == 0, c, -c)[order]
    ordered = np.ascontiguousarray(masks[order, 1])
    return kernels.Terms(ends, flips.astype(np.int64), ordered, factors, kernels.SIGNS, order)


def _fill(start: Real, streams: Sequence[np.random.SeedSequence]) -> None:
    """Unit vectors, uniform on the sphere, one a stream; the last column is repeated where there are fewer than 8."""
    x = start.reshape(-1, LANES)
    for c, stream in enumerate(streams):
        v = np.random.default_rng(stream).standard_normal(len(x))
        x[:, c] = v / math.sqrt(np.square(v).sum())
    x[:, len(streams) :] = x[:, len(streams) - 1 : len(streams)]


class _Room:
    """Memory for the vectors of a block, used again by the next one: fresh pages cost as much as the work on them."""

    def __init__(self, n: int, keep: bool) -> None:
        self.what = f"the Krylov basis of {LANES} vectors of {_checks.plural(n, 'qubit')}"
        self.keep, self.size = keep, LANES << n
        self.held: list[Real] = []
        self._ritz = np.zeros(0)
        self._check()

    def _check(self) -> int:
        """How many Lanczos vectors are made at a time, which must fit."""
        count = STRIDE if self.keep else 3
        remedy = "use fewer qubits, or a smaller K, which takes fewer steps"
        _checks.memory(self.what, 8 * self.size * count, remedy)
        return count

    def vector(self, k: int) -> Real:
        """The place of Lanczos vector k; without `keep`, of the last three."""
        if not self.keep:
            k %= 3
        while k >= STRIDE * len(self.held):
            self.held.append(np.empty((self._check(), self.size)))
        found: Real = self.held[k // STRIDE][k % STRIDE]
        return found

    def ritz(self, count: int) -> Real:
        """So many vectors of zeros."""
        if self._ritz.size < count * self.size:
            _checks.memory(f"{count} Ritz vectors beside {self.what}", 8 * count * self.size, "use fewer qubits")
            self._ritz = np.empty(count * self.size)
        out = self._ritz[: count * self.size]
        out.fill(0.0)
        return out


class _Lanczos:
    """Eight vectors side by side, each with a Krylov space of its own, all of the same dimension."""

    def __init__(
        self, room: _Room, k: kernels.Terms, streams: Sequence[np.random.SeedSequence], least: int, limit: int
    ) -> None:
        self._rows, self._room = room.size // LANES, room
        self._alphas: list[Real] = []
        self._betas: list[Real] = []
        _fill(room.vector(0), streams)
        scale = np.zeros(LANES)
        while True:
            for _ in range(STRIDE):
                scale = self._step(k, scale)
            self.dimension = len(self._alphas)
            if self.dimension < least:
                continue
            self._read()
            if self.truncation <= TOLERANCE or self.dimension >= limit:
                return

    def _step(self, k: kernels.Terms, scale: Real) -> Real:
        """One step for all columns; one whose space is exhausted goes on as zero. `scale` is about the norm of K."""
        step = len(self._alphas)
        previous, x, y = (self._room.vector(max(0, i)) for i in (step - 1, step, step + 1))
        beta = self._betas[-1] if self._betas else np.zeros(LANES)
        alpha = self._total(LANES, partial(kernels.apply, x, previous, beta, y, k))
        square = self._total(LANES, partial(kernels.subtract, y, x, alpha))
        beta_next = np.sqrt(square)
        scale = np.maximum(scale, np.maximum(np.abs(alpha), beta_next))
        ends = beta_next <= spectral.EPS * scale
        factor = np.divide(1.0, beta_next, out=np.zeros(LANES), where=~ends)
        self._each(partial(kernels.scale, y, factor))
        if self._betas:  # a column of zeros: any number between the eigenvalues serves, as it has no weight
            alpha = np.where(beta == 0.0, self._alphas[0], alpha)
        self._alphas.append(alpha)
        self._betas.append(np.where(ends, 0.0, beta_next))
        return scale

    def _read(self) -> None:
        """log z_r, M / z_r, and the estimate of the error."""
        m = self.dimension
        t = np.zeros((LANES, m, m))
        i = np.arange(m)
        t[:, i, i] = np.array(self._alphas).T
        t[:, i[1:], i[:-1]] = np.array(self._betas[:-1]).T
        values, q = np.linalg.eigh(t)  # of the lower triangle
        lowest = values[:, :1]
        first = q[:, 0, :]
        weights = np.square(first) * np.exp(lowest - values)
        z = weights.sum(axis=1)
        self.log_weights = np.log(z) - lowest[:, 0]
        differences = spectral.exp_divided_differences(lowest - values) * first[:, :, None] * first[:, None, :]
        self._m = q @ (differences / z[:, None, None]) @ q.swapaxes(1, 2)
        self.truncation = float((2 * self._betas[-1] * np.linalg.norm(self._m[:, -1], axis=1)).max())

    def expectations(self, asked: kernels.Terms) -> Real:
        """Tr(P V M V^T) / z_r, shape (strings in the order given, 8)."""
        values, vectors = np.linalg.eigh(self._m)
        order = np.argsort(-np.abs(values), axis=1)
        values = np.take_along_axis(values, order, axis=1)
        vectors = np.take_along_axis(vectors, order[:, None, :], axis=2)
        left_out = np.abs(values).sum(axis=1, keepdims=True) - np.cumsum(np.abs(values), axis=1)
        count = int((left_out > DROPPED).sum(axis=1).max()) + 1
        count = -(-count // kernels.TOGETHER) * kernels.TOGETHER
        coefficients, weights = np.zeros((self.dimension, count, LANES)), np.zeros((count, LANES))
        coefficients[:, : self.dimension] = vectors[:, :, :count].transpose(1, 2, 0)
        weights[: self.dimension] = values[:, :count].T
        gathered = self._room.ritz(count)
        for k in range(0, self.dimension, STRIDE):
            part, basis = coefficients[k : k + STRIDE], self._room.held[k // STRIDE]
            self._each(partial(kernels.gather, basis, part.reshape(len(part), -1), gathered))
        flat = weights.reshape(-1)
        sums = self._total(asked.masks.size * LANES, partial(kernels.expect, gathered, flat, asked)).reshape(-1, LANES)
        out = np.empty_like(sums)
        out[asked.order] = sums
        return out

    def _each(self, task: Callable[[int, int], None]) -> None:
        """task(first, last) over all rows."""
        group = kernels.GROUP if self._rows % kernels.GROUP == 0 else 1
        shared(self._rows // group, self._rows >= SHARED_FROM, lambda i, j: task(group * i, group * j))

    def _total(self, size: int, task: Callable[[int, int, Real], None]) -> Real:
        """The sum of what task(first, last, sums) leaves in `sums` (size,) over all rows."""
        chunks = CHUNKS if self._rows >= CHUNKS * kernels.GROUP else 1
        return summed(self._rows, chunks, size, self._rows >= SHARED_FROM, task)
