r"""Standard Hamiltonians as Pauli sums, with Pauli matrices X, Y, Z (not spins S = X/2, ...) and energies in any unit.

Bonds are unordered pairs <i, j>, each counted once. On a chain of n sites they join neighbors; with `periodic` also
the two ends. One site has no bonds, and a ring of two sites has a single one, the same as the open chain. `edges` lists
the bonds of any other lattice, such as :func:`grid_edges`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml.operators.pauli_sum import PauliSum
from qml.operators.sites import pairs_of_sites
from qml.operators.strings import placed

Edges: TypeAlias = Sequence[tuple[int, int]]


def tfim(n: int, J: float = 1.0, h: float = 1.0, periodic: bool = False, edges: Edges | None = None) -> PauliSum:
    r"""The transverse-field Ising model.

    .. math:: H = -J \sum_{\langle i,j \rangle} Z_i Z_j - h \sum_i X_i

    Ferromagnetic for J > 0; the chain is critical at \|h\| = \|J\|. Source: Pfeuty (1970).

    Parameters
    ----------
    n : int
        Number of qubits.
    J, h : float
        Coupling and transverse field, in units of energy.
    periodic : bool
        Close the chain to a ring (see the module for n = 1 and 2).
    edges : sequence of (int, int), optional
        The bonds, instead of those of the chain.

    Returns
    -------
    PauliSum
        Of at most n (n - 1) / 2 + n terms.

    Raises
    ------
    InputError
        Where a number is not finite or a bond is repeated, outside, or of a site with itself.

    Examples
    --------
    >>> print(tfim(3, J=1.0, h=0.5))
    -ZZI - IZZ - 0.5*XII - 0.5*IXI - 0.5*IIX
    """
    n = _checks.qubit_count("n", n)
    J, h = _checks.number("J", J), _checks.number("h", h)
    return _total(n, ("ZZ", -J, _bonds(n, periodic, edges)), ("X", -h, zip(range(n))))


def xxz(
    n: int, J: float = 1.0, delta: float = 1.0, h: float = 0.0, periodic: bool = False, edges: Edges | None = None
) -> PauliSum:
    r"""The XXZ model in a longitudinal field.

    .. math:: H = J \sum_{\langle i,j \rangle} (X_i X_j + Y_i Y_j + \Delta Z_i Z_j) - h \sum_i Z_i

    Antiferromagnetic for J > 0; total Z is conserved. Source: Yang and Yang (1966).

    Parameters
    ----------
    n : int
        Number of qubits.
    J, h : float
        Coupling and longitudinal field, in units of energy.
    delta : float
        The anisotropy Delta, without unit.
    periodic : bool
        Close the chain to a ring (see the module for n = 1 and 2).
    edges : sequence of (int, int), optional
        The bonds, instead of those of the chain.

    Returns
    -------
    PauliSum

    Raises
    ------
    InputError
        Where a number is not finite or a bond is repeated, outside, or of a site with itself.

    Examples
    --------
    >>> print(xxz(2, delta=0.5, h=0.25))
    XX + YY + 0.5*ZZ - 0.25*ZI - 0.25*IZ
    """
    J, delta = _checks.number("J", J), _checks.number("delta", delta)
    return heisenberg(n, (J, J, J * delta), h, periodic, edges)


def heisenberg(
    n: int,
    J: float | Sequence[float] = 1.0,
    h: float = 0.0,
    periodic: bool = False,
    edges: Edges | None = None,
) -> PauliSum:
    r"""The Heisenberg model, with one coupling or three (XYZ), in a longitudinal field.

    .. math:: H = \sum_{\langle i,j \rangle} (J_x X_i X_j + J_y Y_i Y_j + J_z Z_i Z_j) - h \sum_i Z_i

    Antiferromagnetic for J > 0. Source: Heisenberg (1928).

    Parameters
    ----------
    n : int
        Number of qubits.
    J : float or (float, float, float)
        One coupling, or (Jx, Jy, Jz), in units of energy.
    h : float
        Longitudinal field, in units of energy.
    periodic : bool
        Close the chain to a ring (see the module for n = 1 and 2).
    edges : sequence of (int, int), optional
        The bonds, instead of those of the chain.

    Returns
    -------
    PauliSum

    Raises
    ------
    InputError
        Where a number is not finite or a bond is repeated, outside, or of a site with itself.

    Examples
    --------
    >>> print(heisenberg(2, J=(1.0, 2.0, 3.0), h=0.5))
    XX + 2*YY + 3*ZZ - 0.5*ZI - 0.5*IZ
    >>> len(heisenberg(4, edges=grid_edges(2, 2)).terms)
    12
    """
    n = _checks.qubit_count("n", n)
    given = _checks.reals("J", J)
    if given.shape not in ((), (3,)):
        raise InputError(f"J must be one number or three, (Jx, Jy, Jz); found {_checks.shown(J)}.")
    couplings = [float(c) for c in np.broadcast_to(given, (3,))]
    h, bonds = _checks.number("h", h), _bonds(n, periodic, edges)
    exchange = ((2 * p, c, bonds) for p, c in zip("XYZ", couplings, strict=True))
    return _total(n, *exchange, ("Z", -h, zip(range(n))))


def j1j2(n: int, J1: float = 1.0, J2: float = 0.5, periodic: bool = False) -> PauliSum:
    r"""The Heisenberg chain with couplings to nearest and next-nearest neighbors.

    .. math:: H = \sum_{P \in \{X,Y,Z\}} \Big( J_1 \sum_{|i-j|=1} P_i P_j + J_2 \sum_{|i-j|=2} P_i P_j \Big)

    At J2 = J1/2 > 0 the ground states of an even ring are products of singlets, with energy -3 n J1 / 2. Source:
    Majumdar and Ghosh (1969). On a ring \|i - j\| is the shorter way around, and each pair counts once: a ring of
    three sites has no next-nearest neighbors, one of four has two such pairs.

    Parameters
    ----------
    n : int
        Number of qubits.
    J1, J2 : float
        Couplings at distance one and two, in units of energy.
    periodic : bool
        Close the chain to a ring.

    Returns
    -------
    PauliSum

    Raises
    ------
    InputError
        Where a number is not finite.

    Examples
    --------
    >>> print(j1j2(3, J1=1.0, J2=0.5))
    XXI + IXX + YYI + IYY + ZZI + IZZ + 0.5*XIX + 0.5*YIY + 0.5*ZIZ
    """
    n = _checks.qubit_count("n", n)
    J1, J2, periodic = _checks.number("J1", J1), _checks.number("J2", J2), _checks.flag("periodic", periodic)
    shells = ((J1, _chain(n, 1, periodic)), (J2, _chain(n, 2, periodic)))
    return _total(n, *((2 * p, c, bonds) for c, bonds in shells for p in "XYZ"))


def hubbard(
    n_sites: int,
    t: float = 1.0,
    U: float = 4.0,
    mu: float = 0.0,
    periodic: bool = False,
    edges: Edges | None = None,
) -> PauliSum:
    r"""The Fermi-Hubbard model on 2 n_sites qubits by the Jordan-Wigner transformation.

    .. math::
        H = -t \sum_{\langle i,j \rangle, s} (c_{is}^\dagger c_{js} + c_{js}^\dagger c_{is})
            + U \sum_i n_{i\uparrow} n_{i\downarrow} - \mu \sum_{i, s} n_{is},
        \qquad c_q = Z_0 \cdots Z_{q-1} \tfrac{1}{2} (X_q + i Y_q)

    Spin orbitals are ordered all up, then all down: (site i, up) is qubit q = i, (site i, down) is q = n_sites + i. The
    state \|1> is an occupied orbital. The constant term is kept, so that energies are those of the fermions.
    Sources: Jordan and Wigner (1928); Hubbard (1963).

    Parameters
    ----------
    n_sites : int
        Number of lattice sites; two qubits each.
    t, U, mu : float
        Hopping, on-site repulsion and chemical potential, in units of energy.
    periodic : bool
        Close the chain to a ring (two sites keep their single bond).
    edges : sequence of (int, int), optional
        The bonds between lattice sites, instead of those of the chain.

    Returns
    -------
    PauliSum
        On 2 n_sites qubits.

    Raises
    ------
    InputError
        Where a number is not finite or a bond is repeated, outside, or of a site with itself.

    Examples
    --------
    >>> print(hubbard(1, U=4.0))
    II - IZ - ZI + ZZ
    >>> print(hubbard(2, t=1.0, U=0.0))
    -0.5*YYII - 0.5*XXII - 0.5*IIYY - 0.5*IIXX
    """
    n_sites = _checks.integer("n_sites", n_sites, low=1)
    n = _checks.qubit_count("2 n_sites", 2 * n_sites)
    t, U, mu = _checks.number("t", t), _checks.number("U", U), _checks.number("mu", mu)
    c = [_annihilator(q, n) for q in range(n)]
    number = [c[q].adjoint() @ c[q] for q in range(n)]
    terms: list[PauliSum] = []
    for spin in (0, n_sites):
        for i, j in _bonds(n_sites, periodic, edges):
            hop = c[spin + i].adjoint() @ c[spin + j]
            terms.append(-t * (hop + hop.adjoint()))
    terms += [U * (number[i] @ number[n_sites + i]) for i in range(n_sites)]
    terms += [-mu * number[q] for q in range(n)]
    return PauliSum.from_terms([term for part in terms for term in part.terms], n_qubits=n)


HAMILTONIANS: dict[str, Callable[..., PauliSum]] = {
    "tfim": tfim,
    "xxz": xxz,
    "heisenberg": heisenberg,
    "j1j2": j1j2,
    "hubbard": hubbard,
}
"""Every Hamiltonian by name; a study says their arguments."""


def grid_edges(rows: int, columns: int, periodic: bool = False) -> tuple[tuple[int, int], ...]:
    """The bonds of a rectangular lattice, site (r, c) being r * columns + c.

    Parameters
    ----------
    rows, columns : int
    periodic : bool
        Close the lattice to a torus; a side of length 1 or 2 gains no bond by it: no pair counts twice.

    Returns
    -------
    tuple of (int, int)
        For the argument `edges` of the Hamiltonians.

    Raises
    ------
    InputError
        Where a side is no integer of at least 1.
    MemoryRefused
        Where the bonds would not fit in memory.

    Examples
    --------
    >>> grid_edges(2, 2)
    ((0, 1), (2, 3), (0, 2), (1, 3))
    """
    rows, columns = _checks.integer("rows", rows, low=1), _checks.integer("columns", columns, low=1)
    periodic = _checks.flag("periodic", periodic)
    what = f"the bonds of a lattice of {_checks.readable(rows * columns)} sites"
    _checks.memory(what, 400 * rows * columns, "use fewer sites")
    along = [(r * columns + i, r * columns + j) for r in range(rows) for i, j in _chain(columns, 1, periodic)]
    down = [(i * columns + c, j * columns + c) for i, j in _chain(rows, 1, periodic) for c in range(columns)]
    return (*along, *down)


def _chain(n: int, distance: int, periodic: bool) -> tuple[tuple[int, int], ...]:
    """Pairs i < j of a chain or ring at this distance (the shorter way around), each once."""
    if periodic and 2 * distance > n:
        return ()
    open_pairs = [(i, i + distance) for i in range(n - distance)]
    across = [(i, i + n - distance) for i in range(distance)] if periodic and n > 2 * distance else []
    return (*open_pairs, *across)


def _bonds(n: int, periodic: bool, edges: Edges | None) -> Edges:
    """The listed edges, checked, or else those of the chain."""
    periodic = _checks.flag("periodic", periodic)
    if edges is None:
        return _chain(n, 1, periodic)
    if periodic:
        raise InputError("periodic closes the chain, which edges replaces: list the closing bonds among the edges.")
    bonds = pairs_of_sites("edges", edges, n)
    seen: set[frozenset[int]] = set()
    for bond in bonds:
        if frozenset(bond) in seen:
            raise InputError(f"edges must list each bond once; found {bond} again.")
        seen.add(frozenset(bond))
    return bonds


def _total(n: int, *parts: tuple[str, float, Iterable[Sequence[int]]]) -> PauliSum:
    """The sum over parts of c P, with the letters of P on each of some places."""
    return PauliSum.from_terms([(placed(p, at, n), c) for p, c, places in parts for at in places], n_qubits=n)


def _annihilator(q: int, n: int) -> PauliSum:
    """c_q = Z_0 ... Z_{q-1} (X_q + i Y_q) / 2."""
    before, after = "Z" * q, "I" * (n - q - 1)
    return PauliSum.from_terms({f"{before}X{after}": 0.5, f"{before}Y{after}": 0.5j})
