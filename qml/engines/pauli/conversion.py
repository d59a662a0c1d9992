"""Pauli vectors to density matrices and back, in batches: fast transforms, shared between threads where they are large.

To the matrix the room beside vector and matrix is half a vector; from the matrix none is needed.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

from qml import buffers
from qml._typing import Complex, Integer, Real
from qml.engines._llvm.language import LANES
from qml.engines._llvm.teams import shared
from qml.engines.pauli import conversion_kernels as kernels
from qml.engines.pauli import rows
from qml.engines.pauli.rows import RowCompiler
from qml.engines.pauli.run import sweep
from qml.engines.pauli.tables import ACTIVE_SITES, Map, TableBuilder, Tables

_TO_MATRIX = np.array([[1.0, 0, 0, 1], [0, 1, -1, 0], [0, 1, 1, 0], [1, 0, 0, -1]])
"""From the components I, X, Y / i, Z of a site to its entries 00, 01, 10, 11."""
_BUTTERFLY, _BUTTERFLY_BACK = (np.repeat(matrix.ravel(), LANES)[None] for matrix in (_TO_MATRIX, _TO_MATRIX.T))
SHARED_FROM = 8
"""Qubits from which a step of the conversion is worth sharing between threads."""
COUNTED = 4
"""Qubits whose letters Y are counted in advance."""
BLOCK_SITES = (kernels.BLOCK.bit_length() - 1) // 2
SMALL = 8
"""Qubits up to which a matrix is converted by one call, in plain loops."""


def matrix_of(vectors: Real, n: int) -> Complex:
    """sigma (..., 2^n, 2^n) from Pauli vectors (..., 4^n), O(n 4^n) each."""
    shape = vectors.shape[:-1]
    members = math.prod(shape)
    flat = np.ascontiguousarray(vectors).reshape(members, 4**n)
    buffers.check(
        f"{'the density matrix' if members == 1 else f'density matrices, {members} of them,'} of {n} qubits",
        20 * 4**n * members,
        "ask for expectations or probabilities instead",
        n,
    )
    entries = buffers.empty((members, 2 * 4**n))
    out = entries.view(np.complex128).reshape(*shape, 1 << n, 1 << n)
    if n == 0:
        out[...] = vectors[..., None]
        return out
    quarter = 4 ** (n - 1)
    numbers, counts = _tables(n - 1)
    parts = buffers.empty((2 * members, quarter))
    if n <= SMALL:
        kernels.small_matrices(flat, entries, parts, numbers, counts)
        return out
    for first, second, crossed in ((0, 3, False), (1, 2, True)):
        shared(
            2 * members * (quarter // kernels.BLOCK),
            _is_large(parts),
            partial(kernels.load_parts, flat, first, second, parts, counts),
        )
        sweep(parts, _butterfly(n - 1), _BUTTERFLY)
        shared(
            members * (len(numbers) // kernels.TILE),
            _is_large(parts),
            partial(kernels.store_quadrants, parts, entries, numbers, crossed),
        )
    return out


def vector_of(matrices: Complex, n: int, scale: float = 1.0) -> Real:
    """scale Tr(P X) for each P, shape (..., 4^n), of Hermitian X (..., 2^n, 2^n), O(n 4^n) each."""
    x = np.ascontiguousarray(matrices, dtype=np.complex128)
    entries = x.reshape(math.prod(x.shape[:-2]), 4**n).view(np.float64)
    out = buffers.empty((len(entries), 4**n))
    numbers, counts = _tables(n)
    if n <= SMALL:
        kernels.small_vectors(entries, out, numbers, counts, scale)
        return out.reshape(*x.shape[:-2], 4**n)
    tiles = len(out) * (len(numbers) // kernels.TILE)
    shared(tiles, _is_large(out), partial(kernels.load_matrices, entries, out, numbers))
    sweep(out, _butterfly(n), _BUTTERFLY_BACK)
    shared(out.size // kernels.BLOCK, _is_large(out), partial(kernels.finish_vectors, out, counts, scale))
    return out.reshape(*x.shape[:-2], 4**n)


def _is_large(array: Real) -> bool:
    """Whether a step on it is worth sharing between threads."""
    return bool(array.size >= 4**SHARED_FROM)


@lru_cache(maxsize=32)
def _tables(n: int) -> tuple[Integer, Integer]:
    """0, 1, ..., 2^n - 1 with the bits spread, and the numbers of letters Y in strings on the last few qubits."""
    spread_bits = np.zeros(1, dtype=np.int64)
    for bit in range(n):
        spread_bits = np.concatenate([spread_bits, spread_bits + (1 << 2 * bit)])
    counts = np.zeros(1, dtype=np.int64)
    for _ in range(min(n, COUNTED)):
        counts = np.concatenate([counts, counts, counts + 1, counts])
    return spread_bits, counts


@lru_cache(maxsize=32)
def _butterfly(n: int) -> Tables:
    """The same 4 x 4 matrix on every site but the last ones, which are taken in blocks."""
    sites = tuple(range(n - BLOCK_SITES))
    sweeps = -(-len(sites) // ACTIVE_SITES)
    builder = TableBuilder()
    for k in range(sweeps):
        own = sites[k * len(sites) // sweeps : (k + 1) * len(sites) // sweeps]
        place = partial(RowCompiler.site, kind=rows.GENERAL, first=0, free=False)
        builder.block(n, own, [Map((site,), place) for site in own])
    return builder.tables()
