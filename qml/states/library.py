"""Named states and random ensembles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from qml import _checks, _matrices, operators
from qml._checks import InputError
from qml._random import complex_normal, haar_unitaries
from qml._typing import Complex, DimsLike
from qml.operators import OperatorLike
from qml.states.base import State
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState


def maximally_mixed(dims: DimsLike) -> DensityMatrix:
    """The state 1/d on sites of the given dims; an int is a number of qubits.

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.

    Raises
    ------
    InputError
        If `dims` holds anything but positive integers.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> maximally_mixed((2, 2)).probabilities()
    array([0.25, 0.25, 0.25, 0.25])
    """
    sites = _checks.dimensions("dims", dims)
    d = math.prod(sites)
    _vector_fits(d)
    return DensityMatrix.from_probabilities(np.full(d, 1 / d), sites)


def basis_state(bits: str | Sequence[int], dims: DimsLike | None = None) -> DensityMatrix:
    r"""The computational basis state \|bits>; qubits unless `dims` says otherwise.

    Parameters
    ----------
    bits : str or sequence of int
        The level of each site, "010" or (0, 2, 1).
    dims : int or sequence of int, optional
        Site dimensions; by default every site is a qubit.

    Raises
    ------
    InputError
        If a level is outside its site, or the numbers of levels and sites differ.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> basis_state("10").probabilities()
    array([0., 0., 1., 0.])
    """
    given = bits if isinstance(bits, str) else _checks.listed("bits", bits, "levels, one a site")
    levels = [int(b) if isinstance(b, str) and b.isdecimal() else b for b in given]
    sites = (2,) * len(levels) if dims is None else _checks.dimensions("dims", dims)
    if len(levels) != len(sites) or not sites:
        raise InputError(f"bits must name one level a site; found {_checks.shown(bits)} for {len(sites)} sites.")
    for k, (level, d) in enumerate(zip(levels, sites, strict=True)):
        _checks.integer(f"level {k} of bits", level, low=0, high=d - 1)
    _vector_fits(math.prod(sites))
    p = np.zeros(math.prod(sites))
    p[np.ravel_multi_index(tuple(int(x) for x in levels), sites)] = 1.0
    return DensityMatrix.from_probabilities(p, sites)


def ghz(n: int) -> DensityMatrix:
    r"""The Greenberger-Horne-Zeilinger state (\|0...0> + \|1...1>)/sqrt 2 of n qubits.

    Parameters
    ----------
    n : int
        Number of qubits.

    Raises
    ------
    InputError
        If n is no integer of at least 1.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> ghz(2).matrix().real[0]
    array([0.5, 0. , 0. , 0.5])
    """
    dims = _checks.qubits("n", n)
    _vector_fits(2 ** len(dims))
    psi = np.zeros(2 ** len(dims))
    psi[[0, -1]] = math.sqrt(0.5)
    return DensityMatrix.from_vector(psi, dims)


def w_state(n: int) -> DensityMatrix:
    r"""The W state (\|10...0> + \|01...0> + ... + \|0...01>)/sqrt n of n qubits.

    Parameters
    ----------
    n : int
        Number of qubits.

    Raises
    ------
    InputError
        If n is no integer of at least 1.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> w_state(3).probabilities().round(3)
    array([0.   , 0.333, 0.333, 0.   , 0.333, 0.   , 0.   , 0.   ])
    """
    dims = _checks.qubits("n", n)
    _vector_fits(2 ** len(dims))
    psi = np.zeros(2 ** len(dims))
    psi[2 ** np.arange(len(dims))] = 1 / math.sqrt(len(dims))
    return DensityMatrix.from_vector(psi, dims)


def werner(p: float, d: int = 2) -> DensityMatrix:
    r"""The Werner state of two d-level systems with weight p on the antisymmetric subspace.

    .. math:: \rho = p\, \frac{1 - F}{d(d-1)} + (1 - p)\, \frac{1 + F}{d(d+1)}, \qquad F = \text{swap}

    Entangled for p > 1/2; p = 1 with d = 2 is the singlet. Source: Werner (1989), Phys. Rev. A 40, 4277.

    Parameters
    ----------
    p : float
        From 0 to 1.
    d : int
        Levels of each of the two systems, at least 2.

    Raises
    ------
    InputError
        If p or d is outside its range.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> round(float(werner(1.0).purity()), 12)
    1.0
    """
    p = _checks.number("p", p, 0.0, 1.0)
    d = _checks.integer("d", d, low=2)
    _checks.memory(f"a state of dimension {_checks.readable(d * d)}", 64 * d**4, "use a smaller d")
    swap = np.eye(d * d).reshape(d, d, d, d).swapaxes(2, 3).reshape(d * d, d * d)
    one = np.eye(d * d)
    rho = p * (one - swap) / (d * (d - 1)) + (1 - p) * (one + swap) / (d * (d + 1))
    return DensityMatrix._trusted(rho.astype(np.complex128), (d, d))


def thermal(hamiltonian: OperatorLike, beta: float, dims: DimsLike | None = None) -> GibbsState:
    r"""The thermal state exp(-beta H) / Z, as a :class:`GibbsState` with K = beta H: exact at any beta.

    Parameters
    ----------
    hamiltonian : PauliSum, array (d, d) or Qobj
        Hermitian H.
    beta : float
        Inverse temperature, in units of 1/H; may be negative.
    dims : int or sequence of int, optional
        Site dimensions, where H is an array; qubits if d is a power of two by default.

    Raises
    ------
    InputError
        If H is not Hermitian, beta H is not finite, or the dims do not fit.

    Examples
    --------
    >>> from qml.operators import tfim
    >>> sigma = thermal(tfim(3), beta=500.0)
    >>> round(float(sigma.purity()), 6)
    1.0
    """
    beta = _checks.number("beta", beta)
    found = operators.dims_of(hamiltonian)
    sites = found if dims is None else _checks.dimensions("dims", dims, math.prod(found))
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is refused by the state
        k = beta * _matrices.hermitian("the Hamiltonian", operators.as_matrix(hamiltonian, sites))
    return GibbsState._trusted(k, sites, diagonal=False)


def haar_pure(dims: DimsLike, rng: np.random.Generator, batch: int | None = None) -> DensityMatrix:
    """A pure state drawn from the unitarily invariant (Haar) measure.

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.
    rng : numpy Generator
    batch : int, optional
        How many; by default one state that is no batch.

    Raises
    ------
    InputError
        As for :func:`ginibre`.

    Examples
    --------
    >>> import numpy as np
    >>> psi = haar_pure((2, 3), np.random.default_rng(0))
    >>> psi.dims, round(float(psi.purity()), 12)
    ((2, 3), 1.0)
    """
    return ginibre(dims, rng, rank=1, batch=batch)


def ginibre(
    dims: DimsLike, rng: np.random.Generator, rank: int | None = None, batch: int | None = None
) -> DensityMatrix:
    r"""A random state G G^dagger / Tr with G (d, rank) of independent complex normal entries.

    With rank = d, the Hilbert-Schmidt ensemble; smaller ranks are exactly rank-deficient.
    Source: Zyczkowski and Sommers (2001), J. Phys. A 34, 7111, arXiv:quant-ph/0012101.

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.
    rng : numpy Generator
    rank : int, optional
        Columns of G; by default d.
    batch : int, optional
        How many; by default one state that is no batch.

    Raises
    ------
    InputError
        If rank or batch is below 1.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> import numpy as np
    >>> int(ginibre((2, 2), np.random.default_rng(0), rank=2).rank())
    2
    """
    sites = _checks.dimensions("dims", dims)
    d = math.prod(sites)
    r = d if rank is None else _checks.integer("rank", rank, low=1)
    lead = () if batch is None else (_checks.integer("batch", batch, low=1),)
    count = math.prod(lead)
    numbers = 5 * d * r if r < d else 3 * d * max(r, d)  # the factor is kept, or the matrix
    what = f"a random state of dimension {_checks.readable(d)}"
    _checks.memory(what, 16 * count * numbers, "use fewer sites, a lower rank or a smaller batch")
    g = complex_normal(rng, (*lead, d, r))
    a: Complex = g / np.sqrt(np.square(np.abs(g)).sum(axis=(-2, -1), keepdims=True))
    if r < d:
        return DensityMatrix.from_factor(a, sites)
    return DensityMatrix._trusted(a @ a.conj().swapaxes(-1, -2), sites)


def bures(dims: DimsLike, rng: np.random.Generator) -> DensityMatrix:
    r"""A random state of the Bures ensemble, (1 + U) G G^dagger (1 + U^dagger) / Tr with U Haar and G Ginibre.

    Source: Al Osipov, Sommers, Zyczkowski (2010), J. Phys. A 43, 055302, arXiv:0909.5094.

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.
    rng : numpy Generator

    Raises
    ------
    InputError
        If `dims` holds anything but positive integers.
    MemoryRefused
        If the state would not fit in memory.

    Examples
    --------
    >>> import numpy as np
    >>> bures((2, 2), np.random.default_rng(0)).dim
    4
    """
    sites = _checks.dimensions("dims", dims)
    d = math.prod(sites)
    _checks.memory(f"a random state of dimension {_checks.readable(d)}", 6 * 16 * d * d, "use fewer sites")
    a = (np.eye(d) + haar_unitaries(rng, (d, d))) @ complex_normal(rng, (d, d))
    a /= np.linalg.norm(a)
    return DensityMatrix._trusted(a @ a.conj().T, sites)


def _vector_fits(d: int) -> None:
    """Refuse a state of more entries than memory holds; the checks of a state make copies."""
    _checks.memory(f"a state vector of dimension {_checks.readable(d)}", 64 * d, "use fewer sites")


STATES: dict[str, Callable[..., State]] = {
    "thermal": thermal,
    "ghz": ghz,
    "w": w_state,
    "werner": werner,
    "basis": basis_state,
    "haar_pure": haar_pure,
    "ginibre": ginibre,
    "bures": bures,
    "maximally_mixed": maximally_mixed,
}
"""Every family of states by name; a study says their arguments."""
