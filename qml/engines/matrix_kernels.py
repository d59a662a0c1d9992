r"""Compiled loops between Pauli vectors and density matrices.

Y = i J with J real, so a string with m letters Y is i^m times a real matrix R, symmetric for even m and antisymmetric
for odd m. So the real matrix N = Re rho + Im rho holds all of rho, and

.. math:: r_P = (-1)^{\lfloor m/2 \rfloor} \sum_{xy} R_{xy} N_{xy}, \qquad
    N = 2^{-n} \sum_P (-1)^{\lfloor m/2 \rfloor} r_P R :

one real butterfly a qubit either way, in place. To the matrix, the first qubit is left out of it: with sigma_L on the
others from the part of r with the letter L there,

.. math:: 2 \sigma = \begin{pmatrix} \sigma_I + \sigma_Z & \sigma_X - i \sigma_Y \\
    \sigma_X + i \sigma_Y & \sigma_I - \sigma_Z \end{pmatrix},

so that two of the four parts at a time are worked on, in room for half a vector.

Vectors and matrices are batches; `begin` to `end` are units of the work, which touch other entries than any others do.
Entry (x, y) of a matrix stands at the interleaved index of its bits in a vector. Tiles of 8 x 8 entries lie side by
side in it, three sites deep, so both are read and written in whole lines of the cache. `spread` is 0, 1, ... with the
bits spread to every second place; `counts` are the numbers of letters Y in the indices of the last few sites.
"""

from __future__ import annotations

from numba import njit

from qml._typing import Integer, Real

TILE = 8


@njit(cache=True, inline="always")
def _count_y(index: int) -> int:
    count = 0
    while index:
        count += index & 3 == 2
        index >>= 2
    return count


@njit(
    "void(Array(float64, 2, 'C', readonly=True), int64, int64, float64[:, ::1], int64[::1], int64, int64)",
    cache=True,
    error_model="numpy",
    nogil=True,
)
def load_parts(vectors: Real, first: int, second: int, parts: Real, counts: Integer, begin: int, end: int) -> None:
    """(-1)^floor(m / 2) r_P of the strings with letter `first` (`second`) on qubit 0, to parts 2 b (2 b + 1)."""
    low, size = counts.size, parts.shape[1]
    units = size // low
    for unit in range(begin, end):
        p, high = unit // units, unit % units
        count = _count_y(high)
        start = (second if p & 1 else first) * size + high * low
        x, y = vectors[p >> 1, start : start + low], parts[p, high * low : (high + 1) * low]
        for i in range(low):
            y[i] = -x[i] if ((count + counts[i]) >> 1) & 1 else x[i]


@njit(
    "void(float64[:, ::1], float64[:, ::1], int64[::1], boolean, int64, int64)",
    cache=True,
    error_model="numpy",
    nogil=True,
)
def store_quadrants(parts: Real, matrices: Real, spread: Integer, crossed: bool, begin: int, end: int) -> None:
    """Two quadrants of each matrix, as pairs (re, im): those on the diagonal, from the parts I and Z, or the others,
    from X and Y (`crossed`)."""
    half = spread.size
    d = 2 * half
    side = TILE if half % TILE == 0 else 1
    units = half // side
    scale = 0.5 / d
    upper, lower = (2 * half, 2 * d * half) if crossed else (0, 2 * d * half + 2 * half)
    for unit in range(begin, end):
        b, x = unit // units, side * (unit % units)
        s, t, out = parts[2 * b], parts[2 * b + 1], matrices[b]
        for y in range(0, half, side):
            here, there = 2 * spread[x] + spread[y], 2 * spread[y] + spread[x]
            for i in range(side):
                row = 2 * (d * (x + i) + y)
                for j in range(side):
                    e, f = here + 2 * spread[i] + spread[j], there + 2 * spread[j] + spread[i]
                    re, im = scale * (s[e] + s[f]), scale * (s[e] - s[f])
                    p, q = scale * (t[e] + t[f]), scale * (t[e] - t[f])
                    if crossed:
                        p, q = q, -p
                    k = row + 2 * j
                    out[upper + k], out[upper + k + 1] = re + p, im + q
                    out[lower + k], out[lower + k + 1] = re - p, im - q


@njit(
    "void(Array(float64, 2, 'C', readonly=True), float64[:, ::1], int64[::1], int64, int64)",
    cache=True,
    error_model="numpy",
    nogil=True,
)
def load_matrices(matrices: Real, vectors: Real, spread: Integer, begin: int, end: int) -> None:
    """N, with its entry (x, y) at the interleaved index, from Hermitian matrices as pairs (re, im)."""
    d = spread.size
    side = TILE if d % TILE == 0 else 1
    units = d // side
    for unit in range(begin, end):
        b, x = unit // units, side * (unit % units)
        v, matrix = vectors[b], matrices[b]
        for y in range(0, d, side):
            here = 2 * spread[x] + spread[y]
            for i in range(side):
                row = 2 * (d * (x + i) + y)
                for j in range(side):
                    v[here + 2 * spread[i] + spread[j]] = matrix[row + 2 * j] + matrix[row + 2 * j + 1]


@njit("void(float64[:, ::1], int64[::1], float64, int64, int64)", cache=True, error_model="numpy", nogil=True)
def finish_vectors(vectors: Real, counts: Integer, scale: float, begin: int, end: int) -> None:
    """r_P times scale (-1)^floor(m / 2)."""
    low = counts.size
    units = vectors.shape[1] // low
    for unit in range(begin, end):
        b, high = unit // units, unit % units
        count = _count_y(high)
        x = vectors[b, high * low : (high + 1) * low]
        for i in range(low):
            x[i] = -scale * x[i] if ((count + counts[i]) >> 1) & 1 else scale * x[i]
