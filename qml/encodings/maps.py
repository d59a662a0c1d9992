"""Classical data as quantum states, one a row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from qml import _checks, _matrices
from qml._arrays import as_complex
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Integer, Real
from qml.operators.sites import pairs_of_sites
from qml.operators.strings import walsh_hadamard
from qml.states import DensityMatrix

AXES = ("X", "Y", "Z")
MOST_REPETITIONS = 10**4


def basis_encoding(bits: ArrayLike) -> DensityMatrix:
    r"""Bit strings as basis states, a batch (m,) of n qubits.

    .. math:: x \mapsto |x_1 \dots x_n\rangle\langle x_1 \dots x_n|

    Parameters
    ----------
    bits : array (m, n) of 0 and 1

    Returns
    -------
    DensityMatrix (m,)
        Held as probabilities; costs m 2^n numbers.

    Raises
    ------
    InputError
        Where an entry is neither 0 nor 1, or the shape is another.
    MemoryRefused
        Where the probabilities would not fit in memory.

    Examples
    --------
    >>> basis_encoding([[1, 0]]).probabilities()
    array([[0., 0., 1., 0.]])
    """
    b = _bits(bits)
    _room(b.shape, 8)
    p = np.zeros((len(b), 1 << b.shape[1]))
    p[np.arange(len(b)), binary_index(b)] = 1.0
    return DensityMatrix.from_probabilities(p, (2,) * b.shape[1])


def angle_encoding(angles: ArrayLike, axis: str = "Y") -> DensityMatrix:
    r"""Angles (m, n) in radians as product states of n qubits: one rotation each.

    .. math:: |\phi(x)\rangle = \bigotimes_i e^{-i x_i P / 2} |0\rangle

    Parameters
    ----------
    angles : array (m, n)
    axis : {"X", "Y", "Z"}
        P. About Z, the rotation acts on (\|0> + \|1>)/sqrt 2 in place of \|0>, which it would not change.

    Returns
    -------
    DensityMatrix (m,)
        Held as vectors; costs m 2^n numbers.

    Raises
    ------
    InputError
        Where `angles` is no array (m, n) of finite numbers, or `axis` another letter.
    MemoryRefused
        Where the vectors would not fit in memory.

    Examples
    --------
    >>> import numpy as np
    >>> angle_encoding([[0.0, np.pi / 2]]).probabilities().round(6)
    array([[0.5, 0.5, 0. , 0. ]])
    """
    x = _rows("angles", angles)
    _room(x.shape, 16)
    _checks.choice("axis", axis, AXES)
    half = x / 2
    if axis == "Z":
        one = as_complex(np.exp(1j * half) * math.sqrt(0.5))
        zero = one.conj()
    else:
        zero, one = np.cos(half) + 0j, as_complex((1.0 if axis == "Y" else -1j) * np.sin(half))
    return _product(np.stack([zero, one], axis=-1), 2)


def amplitude_encoding(vectors: ArrayLike) -> DensityMatrix:
    r"""Real or complex vectors as pure states; qubits where d is a power of two, else one site.

    .. math:: |\phi(x)\rangle = x / \lVert x \rVert

    The norm is lost: keep it as a feature where it matters.

    Parameters
    ----------
    vectors : array (m, d)

    Returns
    -------
    DensityMatrix (m,)
        Held as vectors.

    Raises
    ------
    InputError
        Where a vector is zero, which has no direction, or the shape is another.

    Examples
    --------
    >>> amplitude_encoding([[3.0, 4.0]]).probabilities().round(6)
    array([[0.36, 0.64]])
    """
    v = _checks.array("vectors", vectors)
    if v.ndim != 2 or 0 in v.shape:
        raise InputError(f"vectors must have shape (m, d), one row a state; found shape {v.shape}.")
    if not v.any(axis=1).all():
        raise InputError(f"vectors must not be zero; found one in row {int(np.argmin(v.any(axis=1)))}.")
    v = v / _matrices.power_of_two(v, 1)[:, None]
    return DensityMatrix.from_vector(v / np.linalg.norm(v, axis=1, keepdims=True))


def iqp_encoding(
    inputs: ArrayLike, repetitions: int = 2, pairs: Sequence[tuple[int, int]] | None = None
) -> DensityMatrix:
    r"""Inputs (m, n) as states of n qubits, by commuting rotations between layers of Hadamard gates.

    .. math:: |\phi(x)\rangle = \left( D(x) H^{\otimes n} \right)^{r} |0\rangle, \qquad
        D(x) = \exp\Big( -\tfrac i2 \Big[ \sum_i x_i Z_i + \sum_{(i,j)} x_i x_j Z_i Z_j \Big] \Big)

    Parameters
    ----------
    inputs : array (m, n)
        In radians; products of two are angles too.
    repetitions : int
        r >= 1; with one, all populations are equal.
    pairs : sequence of (int, int), optional
        By default all.

    Returns
    -------
    DensityMatrix (m,)
        Held as vectors.

    Raises
    ------
    InputError
        Where `inputs` is no array (m, n) of numbers whose products are finite, `repetitions` no integer from 1 to 10^4,
        or a pair names a site that is not there.
    MemoryRefused
        Where the vectors would not fit in memory.

    Notes
    -----
    O(m r n 2^n). Source: Havlicek et al. (2019), Nature 567, 209, arXiv:1804.11326.

    Examples
    --------
    >>> iqp_encoding([[0.0, 0.0]], repetitions=2).probabilities().round(6)
    array([[1., 0., 0., 0.]])
    """
    x = _rows("inputs", inputs)
    r = _checks.integer("repetitions", repetitions, low=1, high=MOST_REPETITIONS)
    _room(x.shape, 64)
    m, n = x.shape
    chosen = list(itertools.combinations(range(n), 2)) if pairs is None else pairs_of_sites("pairs", pairs, n)
    signs = 1.0 - 2.0 * ((np.arange(1 << n)[:, None] >> np.arange(n)[::-1]) & 1)  # (2^n, n)
    with np.errstate(over="ignore", invalid="ignore"):
        phase = x @ signs.T
        for i, j in chosen:
            phase += (x[:, i] * x[:, j])[:, None] * (signs[:, i] * signs[:, j])
    if not np.isfinite(phase).all():
        largest = float(np.abs(x).max())
        raise InputError(f"inputs must be angles whose products float64 holds; found {largest:.3g}: scale them.")
    diagonal = np.exp(-0.5j * phase)
    psi = np.zeros((m, 1 << n), dtype=np.complex128)
    psi[:, 0] = 1.0
    for _ in range(r):
        psi = diagonal * (walsh_hadamard(psi) / math.sqrt(1 << n))
    return DensityMatrix.from_vector(psi, (2,) * n)


def fourier_encoding(angles: ArrayLike, levels: int) -> DensityMatrix:
    r"""Angles (m, n) in radians as product states of n sites of L levels each, periodic in 2 pi.

    .. math:: |\phi(x)\rangle = \bigotimes_i \frac{1}{\sqrt L} \sum_{k=0}^{L-1} e^{i k x_i} |k\rangle, \qquad
        \int_0^{2\pi} \frac{dx_i}{2\pi}\, L\, |\phi\rangle\langle\phi| = 1

    Parameters
    ----------
    angles : array (m, n)
    levels : int
        L, at least 2.

    Returns
    -------
    DensityMatrix (m,)
        Held as vectors; costs m L^n numbers.

    Raises
    ------
    InputError
        Where `angles` is no array (m, n) of finite numbers, or there are fewer than two levels.
    MemoryRefused
        Where the vectors would not fit in memory.

    Examples
    --------
    >>> fourier_encoding([[0.0]], 4).matrix().real[0, 0]
    array([0.25, 0.25, 0.25, 0.25])
    """
    x = _rows("angles", angles)
    levels = _checks.integer("levels", levels, low=2)
    m, n = x.shape
    _checks.memory(f"{m} states of {n} sites", 16 * m * levels**n, "use fewer features or levels")
    turned = np.angle(np.exp(1j * x))  # whose multiples keep their digits
    return _product(as_complex(np.exp(1j * turned[..., None] * np.arange(levels)) / math.sqrt(levels)), levels)


def rank_one(probabilities: ArrayLike) -> DensityMatrix:
    r"""Distributions as the pure states of which they are the populations.

    .. math:: |\psi\rangle = \sum_x \sqrt{q(x)}\, |x\rangle

    Source: Kappen (2018), arXiv:1803.11278.

    Parameters
    ----------
    probabilities : array (..., d)
        q, along the last axis.

    Returns
    -------
    DensityMatrix (...)
        Held as vectors; qubits where d is a power of two, else one site.

    Raises
    ------
    InputError
        Where a distribution is negative somewhere or does not sum to one.

    Examples
    --------
    >>> rank_one([0.36, 0.64]).matrix().real.round(2)
    array([[0.36, 0.48],
           [0.48, 0.64]])
    """
    return DensityMatrix.from_vector(np.sqrt(_matrices.probabilities("probabilities", probabilities)))


def binary_frequencies(bits: ArrayLike) -> Real:
    r"""How often each bit string occurs among the rows of `bits`, as shares that sum to one.

    .. math:: q(x) = \frac1m \sum_k [x_k = x]

    Parameters
    ----------
    bits : array (m, n) of 0 and 1

    Returns
    -------
    array (2^n,)
        The leftmost bit of a string is the most significant of its index.

    Raises
    ------
    InputError
        Where an entry is neither 0 nor 1, or the shape is another.
    MemoryRefused
        Where 2^n numbers would not fit in memory.

    Examples
    --------
    >>> binary_frequencies([[0, 1], [0, 1], [1, 1], [0, 0]])
    array([0.25, 0.5 , 0.  , 0.25])
    """
    b = _bits(bits)
    _room((1, b.shape[1]), 8)
    return np.bincount(binary_index(b), minlength=1 << b.shape[1]) / len(b)


def _product(factors: Complex, levels: int) -> DensityMatrix:
    """The product vectors of factors (m, n, levels)."""
    m, n, _ = factors.shape
    psi = np.ones((m, 1), dtype=np.complex128)
    for i in range(n):
        psi = (psi[:, :, None] * factors[:, i, None, :]).reshape(m, -1)
    return DensityMatrix.from_vector(psi, (levels,) * n)


def _rows(name: str, values: ArrayLike) -> Real:
    x = _checks.reals(name, values)
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"{name} must have shape (m, n), one row a state; found shape {x.shape}.")
    return x


def _bits(bits: ArrayLike) -> Integer:
    b = _rows("bits", bits)
    if not np.isin(b, (0, 1)).all():
        raise InputError("bits must be 0 or 1: use (x > threshold).astype(int).")
    return b.astype(np.int64)


def binary_index(bits: Integer) -> Integer:
    """The number whose binary digits are each row of bits (m, n), the leftmost the largest: (m,)."""
    return np.asarray(bits @ (1 << np.arange(bits.shape[1])[::-1]))


def _room(shape: tuple[int, ...], size: int) -> None:
    m, n = shape
    _checks.memory(f"{m} states of {n} qubits", size * m << n, "encode fewer features, or smaller batches")
