"""Named measurements: Pauli-6, SIC and mutually unbiased bases, random bases."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._random import haar_unitaries
from qml._typing import Complex, DimsLike
from qml.measurement.base import Measurement
from qml.measurement.elements import ElementsMeasurement
from qml.measurement.product import ProductMeasurement
from qml.measurement.projective import ProjectiveMeasurement
from qml.operators import PauliSum
from qml.operators.strings import Word, spell

X_BASIS = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
Y_BASIS = np.array([[1, 1], [1j, -1j]]) / math.sqrt(2)


def pauli_six(n: int = 1) -> Measurement:
    r"""The six-outcome measurement of each of n qubits: effects \|v><v\|/3 with v the eigenstates of X, Y, Z.

    Outcomes of a qubit: 0, 1 for +X, -X; 2, 3 for +Y, -Y; 4, 5 for +Z, -Z. It is what measuring a random Pauli basis
    and remembering which amounts to.

    Parameters
    ----------
    n : int
        Qubits: 6^n outcomes of one setting.

    Raises
    ------
    InputError
        If n is no integer of at least 1.
    MemoryRefused
        If the 6^n probabilities would not fit.

    Examples
    --------
    >>> from qml.states import basis_state
    >>> pauli_six().probabilities(basis_state("0")).round(6)
    array([0.166667, 0.166667, 0.166667, 0.166667, 0.333333, 0.      ])
    """
    n = _checks.qubit_count("n", n)
    columns = np.concatenate([X_BASIS, Y_BASIS, np.eye(2)], axis=1)
    one = _rank_one(columns, 1 / 3, "Pauli-6")
    return one if n == 1 else ProductMeasurement([one] * n)


def sic(d: int = 2) -> ElementsMeasurement:
    r"""A symmetric informationally complete measurement in dimension 2 or 3: d^2 effects \|v><v\|/d of equal overlaps.

    .. math:: |\langle v_j | v_k \rangle|^2 = \frac{1}{d + 1}, \qquad j \ne k

    The orbit of a fiducial vector under shifts and phases. For a qubit the tetrahedron that has the corner
    (1, 1, 1)/sqrt 3, for a qutrit the orbit of (0, 1, -1)/sqrt 2 (Hesse).
    Source: Renes, Blume-Kohout, Scott, Caves (2004), arXiv:quant-ph/0310075.

    Parameters
    ----------
    d : {2, 3}
        The dimension.

    Raises
    ------
    InputError
        For other dimensions.

    Examples
    --------
    >>> sic(2).n_outcomes, sic(3).n_outcomes
    (4, 9)
    """
    d = _checks.integer("d", d, low=2, high=3)
    if d == 2:
        half = math.acos(1 / math.sqrt(3)) / 2
        fiducial = np.array([math.cos(half), np.exp(0.25j * np.pi) * math.sin(half)])
    else:
        fiducial = np.array([0, 1, -1]) / math.sqrt(2)
    omega = np.exp(2j * np.pi / d)
    clock = omega ** (np.arange(d)[:, None] * np.arange(d))  # clock[q] holds the phases omega^(q j)
    orbit = np.array([np.roll(phases * fiducial, shift) for shift in range(d) for phases in clock])
    return _rank_one(orbit.T, 1 / d, "SIC")


def mutually_unbiased_bases(d: int) -> ProjectiveMeasurement:
    r"""The d + 1 mutually unbiased bases of a prime dimension d, one setting each.

    .. math:: |\langle u_j | v_k \rangle|^2 = 1/d

    for vectors of different bases: the computational basis "Z", and for an odd prime the bases k = 0, ..., d - 1 of
    vectors with entries :math:`\omega^{k x^2 + j x} / \sqrt d`. For a qubit: Z, X, Y.
    Source: Wootters and Fields (1989), Ann. Phys. 191, 363.

    Parameters
    ----------
    d : int
        The dimension, a prime.

    Raises
    ------
    InputError
        If d is not prime.
    MemoryRefused
        If the d (d + 1) vectors would not fit.

    Examples
    --------
    >>> mutually_unbiased_bases(3).settings
    ('Z', '0', '1', '2')
    """
    d = _checks.integer("d", d, low=2)
    _checks.memory(f"the bases of dimension {_checks.readable(d)}", 32 * (d + 1) * d * d, "use a smaller prime")
    if any(d % k == 0 for k in range(2, math.isqrt(d) + 1)):
        raise InputError(f"d must be a prime number for these bases; found {d}: take tensor products of prime factors.")
    if d == 2:
        return ProjectiveMeasurement([np.eye(2), X_BASIS, Y_BASIS], (2,), ("Z", "X", "Y"))
    x = np.arange(d)
    exponent = (x[:, None, None] * np.square(x)[:, None] + x[:, None] * x) % d  # [basis, entry, vector]
    bases = np.exp(2j * np.pi * exponent / d) / math.sqrt(d)
    return ProjectiveMeasurement(np.concatenate([np.eye(d)[None], bases]), (d,), ("Z", *map(str, range(d))))


def haar_bases(dims: DimsLike, count: int, rng: np.random.Generator) -> ProjectiveMeasurement:
    """Random bases of all sites together, from the unitarily invariant (Haar) distribution.

    Source: Mezzadri (2007), arXiv:math-ph/0609050.

    Parameters
    ----------
    dims : int or sequence of int
        A number of qubits, or the dimensions of the sites.
    count : int
        How many bases: the settings "0", "1", ...
    rng : numpy Generator

    Raises
    ------
    InputError
        For a count below 1, `dims` that are not positive integers, or no generator.
    MemoryRefused
        If the bases would not fit.

    Notes
    -----
    Costs O(count d^3).

    Examples
    --------
    >>> import numpy as np
    >>> haar_bases((2, 2), 3, np.random.default_rng(0))
    ProjectiveMeasurement(dims=(2, 2), 3 settings, 12 outcomes)
    """
    _checks.generator("rng", rng)
    sites = _checks.dimensions("dims", dims)
    d = math.prod(sites)
    count = _checks.integer("count", count, low=1)
    what = f"{_checks.readable(count)} bases of dimension {_checks.readable(d)}"
    _checks.memory(what, 64 * count * d * d, "ask for fewer bases")
    return ProjectiveMeasurement(haar_unitaries(rng, (count, d, d)), sites)


def clifford_bases(n: int, count: int, rng: np.random.Generator) -> ProjectiveMeasurement:
    """Random bases of n qubits that Clifford circuits reach, all equally likely: the joint eigenbases of n commuting
    independent Pauli strings drawn at random.

    Outcome bit i of a vector is the sign of the i-th string of its basis. O(n d^3) each.

    Parameters
    ----------
    n : int
        Qubits.
    count : int
        How many bases: the settings "0", "1", ...
    rng : numpy Generator

    Raises
    ------
    InputError
        For n or a count below 1, or no generator.
    MemoryRefused
        If the bases would not fit.

    Examples
    --------
    >>> import numpy as np
    >>> clifford_bases(2, 5, np.random.default_rng(0))
    ProjectiveMeasurement(dims=(2, 2), 5 settings, 20 outcomes)
    """
    _checks.generator("rng", rng)
    n = _checks.qubit_count("n", n)
    count = _checks.integer("count", count, low=1)
    _checks.memory(f"{_checks.readable(count)} bases of {n} qubits", 64 * count * 4**n, "ask for fewer bases", n)
    return ProjectiveMeasurement(np.array([_stabilizer_basis(_commuting(n, rng), n) for _ in range(count)]))


MEASUREMENTS: dict[str, Callable[..., Measurement]] = {
    "pauli_six": pauli_six,
    "sic": sic,
    "mub": mutually_unbiased_bases,
    "haar": haar_bases,
    "clifford": clifford_bases,
}
"""Every family of measurements by name: of dims, of n qubits, or of one site of dimension d. A study gives these, and
says the other arguments."""


def _rank_one(columns: Complex, weight: float, name: str) -> ElementsMeasurement:
    effects = np.einsum("ik,jk->kij", columns, columns.conj()) * weight
    return ElementsMeasurement([effects], settings=(name,))


def _commuting(n: int, rng: np.random.Generator) -> list[Word]:
    """n independent commuting Pauli strings, as masks; the group that they make is uniformly distributed."""
    words: list[Word] = []
    span = {(0, 0)}
    while len(words) < n:
        x, z = (int(v) for v in rng.integers(0, 1 << n, size=2))
        commutes = all(((x & b).bit_count() + (z & a).bit_count()) % 2 == 0 for a, b in words)
        if commutes and (x, z) not in span:
            words.append((x, z))
            span |= {(x ^ a, z ^ b) for a, b in span}
    return words


def _stabilizer_basis(words: list[Word], n: int) -> Complex:
    """The joint eigenvectors, in columns: those of sum_i 2^i P_i, whose eigenvalues are all different."""
    total = PauliSum.from_terms([(spell(word, n), 2.0 ** (n - 1 - i)) for i, word in enumerate(words)])
    _, vectors = np.linalg.eigh(total.matrix())
    return np.asarray(vectors[:, ::-1], dtype=np.complex128)
