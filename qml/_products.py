"""Products of Hermitian matrices with columns: blocks where these save operations, and memory that is kept."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from qml import buffers, threads
from qml._arrays import as_complex, as_real, on_host
from qml._typing import Complex, Numeric, Real

SCIPY_FROM = 1024
"""Dimension from which, for complex matrices, SciPy's evr and triangular product are measured to be faster than NumPy's
evd and full product; of real matrices evd is the faster one at every dimension.

NumPy and SciPy each bring a BLAS with threads of its own, which wait actively for a while after a call: switching from
one to the other costs more, on few cores, than the better algorithm saves in smaller dimensions."""

BLOCKS_FROM, BLOCKS = 512, 8
"""Dimension from which only the upper blocks of a Hermitian product are computed, and how many a side."""
HALVES_FROM, HALVES = 256, 4
"""Dimension from which only the upper blocks of a Hermitian matrix are multiplied by columns, and how many a side."""


@threads.suited_to_matrix
def quadratic_forms(matrix: Complex, columns: Complex) -> Real:
    r"""<v_j|H|v_j> of a Hermitian H (..., d, d) for columns v_j (..., d, r), shape (..., r).

    With the upper triangle T of H, its diagonal halved, H = T + T^dagger and <v|H|v> = 2 Re <v|T|v>: half of the
    operations of H v, where H is large.

    Examples
    --------
    >>> import numpy as np
    >>> quadratic_forms(np.array([[1.0, 2j], [-2j, 3.0]]), np.eye(2, dtype=complex))
    array([1., 3.])
    """
    d = matrix.shape[-1]
    if not (on_host(matrix) and on_host(columns)):
        return as_real((columns.conj() * (matrix @ columns)).real.sum(axis=-2))
    if matrix.ndim > 2 or columns.ndim > 2:
        return np.asarray(np.einsum("...dj,...dj->...j", columns.conj(), matrix @ columns).real)
    if d >= SCIPY_FROM:
        triangle = np.array(matrix.T, order="F")  # its lower triangle is the transpose of the upper one of H
        np.fill_diagonal(triangle, np.diagonal(triangle) / 2)
        image = scipy.linalg.blas.ztrmm(1.0, triangle, columns.T, side=1, lower=1).T
    elif d >= HALVES_FROM:
        image, rows = buffers.empty_complex(columns.shape), -(-d // HALVES)
        for i in range(0, d, rows):
            upper = matrix[i : i + rows, i:].copy()
            upper[:, :rows] *= 0.5
            np.matmul(upper, columns[i:], out=image[i : i + rows])
    else:
        image = _multiplied(matrix, columns)
    parts = np.ascontiguousarray(image, dtype=np.complex128).view(np.float64)
    parts *= np.ascontiguousarray(columns, dtype=np.complex128).view(np.float64)
    return np.asarray((1.0 if d < HALVES_FROM else 2.0) * parts.sum(axis=0).reshape(-1, 2).sum(axis=1))


def adjoint(columns: Complex) -> Complex:
    """A^dagger (..., r, d)."""
    if not on_host(columns) or not np.iscomplexobj(columns) or columns.nbytes < buffers.SMALLEST:
        return columns.conj().swapaxes(-1, -2)
    return np.conjugate(columns, out=buffers.empty_complex(columns.shape)).swapaxes(-1, -2)


def times(factors: Numeric, matrix: Complex) -> Complex:
    """The product entry by entry; the shapes broadcast."""
    if matrix.ndim > 2 or factors.ndim > 2 or not on_host(matrix) or matrix.nbytes < buffers.SMALLEST:
        return as_complex(factors * matrix)
    return np.multiply(factors, matrix, out=_room(matrix.shape, factors, matrix))


def _room(shape: tuple[int, ...], *arrays: Numeric) -> Complex:
    """Memory that is kept, for what is made of these arrays."""
    return buffers.empty_complex(shape) if any(map(np.iscomplexobj, arrays)) else as_complex(buffers.empty(shape))


@threads.suited_to_matrix
def product(a: Complex, b: Complex) -> Complex:
    """a @ b; one of matrices, if it is large, in memory that is kept."""
    return _multiplied(a, b)


def _multiplied(a: Complex, b: Complex) -> Complex:
    if a.ndim > 2 or b.ndim > 2 or not (on_host(a) and on_host(b)) or a.nbytes < buffers.SMALLEST:
        return as_complex(a @ b)
    return np.matmul(a, b, out=_room((a.shape[0], b.shape[1]), a, b))


@threads.suited_to_matrix
def sandwich(left: Complex, matrix: Complex, right: Complex) -> Complex:
    """A^dagger H A of a Hermitian H (..., d, d), from A^dagger and A, shape (..., r, r): in real arithmetic where both
    are real, large complex ones by upper blocks."""
    if on_host(matrix) and not np.iscomplexobj(right):
        matrix = np.ascontiguousarray(real_if_real(matrix))
        if not np.iscomplexobj(matrix):
            return _multiplied(left, _multiplied(matrix, right))
    if matrix.ndim > 2 or right.ndim > 2 or matrix.shape[-1] < BLOCKS_FROM:
        return _multiplied(left, _multiplied(matrix, right))
    image, r = _multiplied(matrix, right), right.shape[1]
    out, block = buffers.empty_complex((r, r)), -(-r // BLOCKS)
    for i in range(0, r, block):
        j = i + block
        np.matmul(left[i:j], image[:, i:], out=out[i:j, i:])
        out[j:, i:j] = out[i:j, j:].conj().T
    return out


def real_if_real(matrix: Complex) -> Complex:
    """The real part of a matrix whose imaginary part is zero; the first row tells of most that are complex."""
    if not np.iscomplexobj(matrix) or (matrix.ndim == 2 and matrix[0, -1].imag):
        return matrix
    return matrix if matrix[..., :1, :].imag.any() or matrix.imag.any() else as_complex(matrix.real)
