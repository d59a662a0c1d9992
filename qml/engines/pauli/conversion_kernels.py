r"""Compiled loops between Pauli vectors and density matrices.

Y = i J with J real, so a string with m letters Y is i^m times a real matrix R, symmetric for even m and antisymmetric
for odd m. So the real matrix N = Re rho + Im rho holds all of rho, and

.. math:: r_P = (-1)^{\lfloor m/2 \rfloor} \sum_{xy} R_{xy} N_{xy}, \qquad
    N = 2^{-n} \sum_P (-1)^{\lfloor m/2 \rfloor} r_P R :

one real butterfly a qubit either way, in place. To the matrix, the first qubit is left out of it: with sigma_L on the
others from the part of r with the letter L there,

.. math:: 2 \sigma = \begin{pmatrix} \sigma_I + \sigma_Z & \sigma_X - i \sigma_Y \\
    \sigma_X + i \sigma_Y & \sigma_I - \sigma_Z \end{pmatrix},

so that two of the four parts at a time are worked on, in room for half a vector. The butterflies of the last sites are
done as parts are loaded, or vectors finished, block by block; those of the others, in between, are sweeps.

Vectors and matrices are batches; `begin` to `end` are units of the work, which touch other entries than any others do.
Entry (x, y) of a matrix stands at the interleaved index of its bits in a vector. Tiles of 8 x 8 entries lie side by
side in it, three sites deep, so both are read and written in whole lines of the cache. `spread` is 0, 1, ... with the
bits spread to every second place; `counts` are the numbers of letters Y in the indices of the last few sites.
"""

from __future__ import annotations

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, I1, subroutine

TILE = 8
BLOCK = 4**8
"""Numbers of a block in which the butterflies of the last eight sites are done, 512 KiB."""


@subroutine
def count_y(index: int) -> int:
    count = 0
    while index:
        count += index & 3 == 2
        index >>= 2
    return count


@subroutine
def signed(x: F1, y: F1, counts: I1, scale: float, first: int) -> None:
    """y_P = scale (-1)^floor(m / 2) x_P for a part of the strings; their indices start with `first`."""
    for high in range(x.size // counts.size):
        count, start = count_y(high) + count_y(first), high * counts.size
        for i in range(counts.size):
            y[start + i] = -scale * x[start + i] if ((count + counts[i]) >> 1) & 1 else scale * x[start + i]


@subroutine
def butterfly(x: F1, back: bool) -> None:
    """Components I, X, Y, Z of every site to its entries 00, 01, 10, 11 of N, or what is transposed to that."""
    stride = 1
    while stride < x.size:
        for start in range(0, x.size, 4 * stride):
            a, b = x[start : start + stride], x[start + stride : start + 2 * stride]
            c, d = x[start + 2 * stride : start + 3 * stride], x[start + 3 * stride : start + 4 * stride]
            for i in range(stride):
                p, q, r, s = a[i], b[i], c[i], d[i]
                a[i], d[i] = p + s, p - s
                if back:
                    b[i], c[i] = q + r, r - q
                else:
                    b[i], c[i] = q - r, q + r
        stride *= 4


@kernel
def load_parts(vectors: F2, first: int, second: int, parts: F2, counts: I1, begin: int, end: int) -> None:
    """(-1)^floor(m / 2) r_P of the strings with letter `first` (`second`) on qubit 0, to parts 2 b (2 b + 1), with the
    butterflies of the last sites."""
    size = parts.shape[1]
    block = min(size, BLOCK)
    for unit in range(begin, end):
        p, high = unit // (size // block), unit % (size // block)
        start = (second if p & 1 else first) * size + high * block
        y = parts[p, high * block : (high + 1) * block]
        signed(vectors[p >> 1, start : start + block], y, counts, 1.0, high)
        butterfly(y, False)


@kernel
def store_quadrants(parts: F2, matrices: F2, spread: I1, crossed: bool, begin: int, end: int) -> None:
    """Two quadrants of each matrix, as pairs (re, im): those on the diagonal, from the parts I and Z, or the others,
    from X and Y (`crossed`)."""
    half = spread.size
    d = 2 * half
    side = min(TILE, half)
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


@kernel
def load_matrices(matrices: F2, vectors: F2, spread: I1, begin: int, end: int) -> None:
    """N, with its entry (x, y) at the interleaved index, from Hermitian matrices as pairs (re, im)."""
    d = spread.size
    side = min(TILE, d)
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


@kernel
def finish_vectors(vectors: F2, counts: I1, scale: float, begin: int, end: int) -> None:
    """The butterflies of the last sites, and r_P times scale (-1)^floor(m / 2)."""
    size = vectors.shape[1]
    block = min(size, BLOCK)
    for unit in range(begin, end):
        b, high = unit // (size // block), unit % (size // block)
        x = vectors[b, high * block : (high + 1) * block]
        butterfly(x, True)
        signed(x, x, counts, scale, high)


@kernel
def small_matrices(vectors: F2, matrices: F2, parts: F2, spread: I1, counts: I1) -> None:
    """Matrices as pairs (re, im) from Pauli vectors whose parts are no larger than a block."""
    tiles = vectors.shape[0] * (spread.size // min(TILE, spread.size))
    for pair in range(2):
        load_parts(vectors, pair, 3 - pair, parts, counts, 0, parts.shape[0])
        store_quadrants(parts, matrices, spread, pair == 1, 0, tiles)


@kernel
def small_vectors(matrices: F2, vectors: F2, spread: I1, counts: I1, scale: float) -> None:
    """scale Tr(P X), no larger than a block, from Hermitian matrices as pairs (re, im)."""
    load_matrices(matrices, vectors, spread, 0, vectors.shape[0] * (spread.size // min(TILE, spread.size)))
    finish_vectors(vectors, counts, scale, 0, vectors.shape[0])
