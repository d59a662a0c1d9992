"""Families of classical distributions over basis states, in the log domain: the spectra of spectral models."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import DimsLike, Real
from qml.models.generators import MatrixGenerators, PauliGenerators
from qml.models.gibbs import ExponentialFamily
from qml.operators import pauli


class Energies(ExponentialFamily, is_kind=False):
    """A family of full-rank classical distributions s_eta over the basis states of some sites: diagonal Gibbs states.

    Attributes
    ----------
    dims : tuple of int
        Site dimensions, with product d.

    Examples
    --------
    >>> family = TableEnergies((2,))
    >>> np.exp(family.log_probabilities(np.array([0.0, 1.0]))).round(6), family.parameter_names
    (array([0.731059, 0.268941]), ('E_0', 'E_1'))
    """

    start_scale = 1.0

    @abstractmethod
    def __init__(self, dims: DimsLike) -> None:
        """Hold the names of the parameters and `generators`, which are diagonal."""

    def log_probabilities(self, eta: Real) -> Real:
        """log s (d,) in nats, finite.

        Parameters
        ----------
        eta : array (n_params,)
        """
        return self.state(eta).spectrum().log_eigenvalues

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dims={self.dims}, {_checks.plural(self.n_params, 'parameter')})"


class ProductEnergies(Energies):
    r"""Independent sites, :math:`s_x = \prod_i \mathrm{softmax}(0, \eta_i)_{x_i}`: log-odds against level 0 of each.

    For a qubit eta_i is the logit of the probability of 1. There are sum_i (d_i - 1) of them, each O(d).

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.

    Raises
    ------
    InputError
        If `dims` holds anything but positive integers.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(ProductEnergies((2, 2)).log_probabilities(np.log([3.0, 1.0]))).round(3)
    array([0.125, 0.125, 0.375, 0.375])
    """

    def __init__(self, dims: DimsLike) -> None:
        self.dims = _checks.dimensions("dims", dims)
        d = math.prod(self.dims)
        _levels_fit(d, sum(self.dims) - len(self.dims))
        places = [(site, level) for site, levels in enumerate(self.dims) for level in range(1, levels)]
        self._names = tuple(f"eta_{site}" if self.dims[site] == 2 else f"eta_{site}_{level}" for site, level in places)
        digits = np.indices(self.dims).reshape(len(self.dims), d)
        odds = np.array([digits[site] == level for site, level in places], dtype=np.float64)
        self.generators = MatrixGenerators(-odds.reshape(-1, d), self.dims)


class TableEnergies(Energies):
    r"""Any spectrum, :math:`s_x = e^{-E_x} / \sum_y e^{-E_y}`: one energy E a basis state.

    Adding one number to all of them changes nothing: that direction (the gauge) is kept, and gradients have no
    component along it.

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.

    Raises
    ------
    InputError
        If `dims` holds anything but positive integers.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(TableEnergies((3,)).log_probabilities(np.log([1.0, 2.0, 4.0]))).round(3)
    array([0.571, 0.286, 0.143])
    """

    def __init__(self, dims: DimsLike) -> None:
        self.dims = _checks.dimensions("dims", dims)
        if not self.dims:
            raise InputError("dims must hold at least one site; found none.")
        d = math.prod(self.dims)
        _checks.memory(f"eigenvectors of dimension {_checks.readable(d)}", 56 * d * d, "use fewer sites")
        separator = "" if max(self.dims) <= 10 else ","
        self._names = tuple("E_" + separator.join(map(str, x)) for x in np.ndindex(*self.dims))
        self.generators = MatrixGenerators(np.eye(d), self.dims)


class IsingEnergies(Energies):
    r"""An Ising model, its 2^n states enumerated: a classical Boltzmann machine.

    .. math:: s_x = e^{-E(x)} / Z, \qquad E(x) = \sum_i h_i z_i + \sum_{e} J_e \prod_{i \in e} z_i, \qquad
        z_i = (-1)^{x_i}

    Without a rotation it is the Gibbs model of the strings Z_i and Z_i Z_j, with the same signs.

    Parameters
    ----------
    dims : int or sequence of int
        The sites, all of them qubits: (2, 2, 2), or their number.
    edges : iterable of sequences of int, optional
        Which sites each coupling joins, two or more; by default all pairs.

    Raises
    ------
    InputError
        If a site is not a qubit, or an edge is repeated, outside, or joins fewer than two sites.

    Notes
    -----
    All energies come from one Walsh-Hadamard transform of the coefficients, and the derivative from another:
    n 2^n additions, whatever the number of couplings. Source: Ackley, Hinton and Sejnowski (1985), Cogn. Sci. 9, 147.

    Examples
    --------
    >>> import numpy as np
    >>> chain = IsingEnergies((2, 2, 2), edges=[(0, 1), (1, 2)])
    >>> chain.parameter_names
    ('h_0', 'h_1', 'h_2', 'J_0_1', 'J_1_2')
    >>> ferromagnet = chain.log_probabilities(np.array([0, 0, 0, -50.0, -50.0]))
    >>> np.exp(ferromagnet).round(3)
    array([0.5, 0. , 0. , 0. , 0. , 0. , 0. , 0.5])
    """

    def __init__(self, dims: DimsLike, edges: Iterable[Sequence[int]] | None = None) -> None:
        self.dims = _checks.dimensions("dims", dims)
        n = len(self.dims)
        if set(self.dims) != {2}:
            raise InputError(f"Ising energies are for qubits; found dims {self.dims}: use product or table energies.")
        _levels_fit(2**n)
        pairs = itertools.combinations(range(n), 2) if edges is None else _checks.listed("edges", edges, "sites")
        joined = [_checks.targets("each edge", edge, n) for edge in pairs]
        self.edges = tuple(tuple(sorted(edge)) for edge in joined)
        for edge in self.edges:
            if len(edge) < 2:
                raise InputError(f"an edge must join at least two sites; found {edge}: every site has its field.")
            if self.edges.count(edge) > 1:
                raise InputError(f"edges must be different; {edge} is there {self.edges.count(edge)} times.")
        terms = [*((site,) for site in range(n)), *self.edges]
        self._names = tuple(("h_" if len(term) == 1 else "J_") + "_".join(map(str, term)) for term in terms)
        self.generators = PauliGenerators([pauli("Z" * len(term), sites=term, n=n) for term in terms])


def _levels_fit(d: int, n_params: int = 0) -> None:
    """Refuse more levels than memory holds: energies, their logarithms and what they are made from."""
    _checks.memory(f"probabilities of dimension {_checks.readable(d)}", 8 * (6 + n_params) * d, "use fewer sites")


ENERGIES: dict[str, type[Energies]] = {"product": ProductEnergies, "table": TableEnergies, "ising": IsingEnergies}
"""Every family by name, made from the dims of the sites."""
