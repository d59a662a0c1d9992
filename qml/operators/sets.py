"""Sets of operators that are often learnt together: the generators of Gibbs models."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from qml import _checks
from qml._typing import Complex
from qml.operators.generators import GeneratorsLike
from qml.operators.pauli_sum import PauliSum, pauli


def neighbors(n: int, weight: int = 2, periodic: bool = False) -> list[PauliSum]:
    """All Pauli strings on one to `weight` consecutive qubits of a chain, shorter ones first.

    Parameters
    ----------
    n : int
        Number of qubits.
    weight : int
        The most qubits that a string spans; those between its ends may be left out.
    periodic : bool
        Whether the chain is closed to a ring.

    Returns
    -------
    list of PauliSum

    Raises
    ------
    InputError
        If `n` or `weight` is no positive integer, or so many strings would not fit in memory.

    Examples
    --------
    >>> [g.labels[0] for g in neighbors(2)]
    ['XI', 'YI', 'ZI', 'IX', 'IY', 'IZ', 'XX', 'XY', 'XZ', 'YX', 'YY', 'YZ', 'ZX', 'ZY', 'ZZ']
    >>> len(neighbors(5)), len(neighbors(5, periodic=True))
    (51, 60)
    """
    n, weight = _checks.qubit_count("n", n), _checks.integer("weight", weight, low=1)
    periodic = _checks.flag("periodic", periodic)
    _fits(n, n * 4 ** min(weight, n))
    labels: dict[str, None] = {}
    for length in range(1, min(weight, n) + 1):
        for start in range(n if periodic else n - length + 1):
            window = [(start + k) % n for k in range(length)]
            for letters in itertools.product("IXYZ", repeat=length):
                at = dict(zip(window, letters, strict=True))
                labels["".join(at.get(q, "I") for q in range(n))] = None
    return [pauli(label) for label in labels if label != "I" * n]


def up_to_weight(n: int, weight: int = 2) -> list[PauliSum]:
    """All Pauli strings that act on one to `weight` of n qubits, wherever they are, fewer first.

    Parameters
    ----------
    n : int
        Number of qubits.
    weight : int
        The most qubits that a string acts on.

    Returns
    -------
    list of PauliSum

    Raises
    ------
    InputError
        If `n` or `weight` is no positive integer, or so many strings would not fit in memory.

    Examples
    --------
    >>> [g.labels[0] for g in up_to_weight(2, 1)]
    ['XI', 'YI', 'ZI', 'IX', 'IY', 'IZ']
    >>> len(up_to_weight(3, 3))
    63
    """
    n = _checks.qubit_count("n", n)
    weight = min(n, _checks.integer("weight", weight, low=1))
    _fits(n, sum(math.comb(n, k) * 3**k for k in range(1, weight + 1)))
    return [
        pauli("".join(letters), sites=sites, n=n)
        for k in range(1, weight + 1)
        for sites in itertools.combinations(range(n), k)
        for letters in itertools.product("XYZ", repeat=k)
    ]


def projectors(levels: int) -> dict[str, Complex]:
    r"""The projectors \|c><c| on the levels: with them, conditional Gibbs models are softmax regression.

    Parameters
    ----------
    levels : int

    Returns
    -------
    mapping of str to array (levels, levels)

    Raises
    ------
    InputError
        If levels is no integer of at least 2.

    Examples
    --------
    >>> {name: p.real.tolist() for name, p in projectors(2).items()}
    {'0': [[1.0, 0.0], [0.0, 0.0]], '1': [[0.0, 0.0], [0.0, 1.0]]}
    """
    levels = _checks.integer("levels", levels, low=2)
    _checks.memory(f"projectors on {levels} levels", 16 * levels**3, "use fewer levels")
    return {f"{c}": np.diag(np.eye(levels, dtype=np.complex128)[c]) for c in range(levels)}


def hermitian(levels: int) -> dict[str, Complex]:
    r"""A basis of all Hermitian operators on the levels: projectors, then real and imaginary parts of \|a><b|.

    Parameters
    ----------
    levels : int

    Returns
    -------
    mapping of str to array (levels, levels)
        ``re(a,b)`` is (\|a><b| + \|b><a|)/2, ``im(a,b)`` i(\|a><b| - \|b><a|)/2.

    Raises
    ------
    InputError
        If levels is no integer of at least 2.

    Examples
    --------
    >>> list(hermitian(2)), hermitian(2)["im(0,1)"].imag.tolist()
    (['0', '1', 're(0,1)', 'im(0,1)'], [[0.0, 0.5], [-0.5, 0.0]])
    """
    levels = _checks.integer("levels", levels, low=2)
    _checks.memory(f"all Hermitian operators on {levels} levels", 16 * levels**4, "use fewer levels")
    found = projectors(levels)
    for a, b in itertools.combinations(range(levels), 2):
        unit = np.zeros((levels, levels), dtype=np.complex128)
        unit[a, b] = 0.5
        found[f"re({a},{b})"] = unit + unit.conj().T
        found[f"im({a},{b})"] = 1j * unit + (1j * unit).conj().T
    return found


def hermitian_basis(dim: int) -> Complex:
    """An orthonormal basis (d^2, d, d) of the Hermitian matrices; the first is 1/sqrt d, the others are traceless."""
    _checks.memory(f"a basis of the matrices of dimension {dim}", 16 * dim**4, "use fewer sites")
    basis = np.zeros((dim**2, dim, dim), dtype=np.complex128)
    i, j = np.triu_indices(dim, 1)
    k = np.arange(len(i))
    basis[0] = np.eye(dim) / np.sqrt(dim)
    for level in range(1, dim):
        basis[level, range(level), range(level)] = 1 / np.sqrt(level * (level + 1))
        basis[level, level, level] = -np.sqrt(level / (level + 1))
    for first, value in ((dim, 1.0), (dim + len(i), 1j)):
        basis[first + k, i, j] = value / np.sqrt(2)
        basis[first + k, j, i] = np.conj(value) / np.sqrt(2)
    return basis


GENERATORS: dict[str, Callable[..., GeneratorsLike]] = {
    "neighbors": neighbors,
    "up_to_weight": up_to_weight,
    "projectors": projectors,
    "hermitian": hermitian,
}
"""Every set of generators by name; a study says their arguments."""


def _fits(n: int, count: int) -> None:
    what = f"a list of {_checks.readable(count)} Pauli strings"
    _checks.memory(what, (2000 + 10 * n) * count, "use a smaller weight")
