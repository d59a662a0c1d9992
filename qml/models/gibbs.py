"""Gibbs models, also called quantum Boltzmann machines without hidden units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qml import _checks, spectral, threads
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, DimsLike, Integer, Numeric, ParamsLike, Real
from qml.engines.register import directions_of
from qml.geometry import GibbsMetric
from qml.geometry.generators import Generators
from qml.models.base import Model, NormalStart
from qml.models.generators import PauliGenerators, matrix_generators
from qml.operators import GeneratorsLike, PauliSum, named_operators, up_to_weight
from qml.operators.generators import check_sums
from qml.states.base import State
from qml.states.gibbs import GibbsState

TOGETHER = 2**14
"""Numbers in the derivatives of a state that are worked out together: they stay in the cache."""


class ExponentialFamily(NormalStart, Model, is_kind=False):
    """The Gibbs states of sums of some generators G_1, ..., G_m, which a subclass holds."""

    is_exponential_family = True
    generators: Generators

    def state(self, params: ParamsLike = ()) -> GibbsState:
        held = self.generators
        k = held.combine(self.theta(params))
        return GibbsState._trusted(k, self.dims, diagonal=held.is_diagonal, sectors=held.sectors)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[GibbsState, Callable[[Cotangent], Real]]:
        r"""The state, and G_K -> dL/dtheta_j = Tr(G_K G_j)."""
        return self.state(params), self.generators.traces

    def state_jvp(self, params: ParamsLike = ()) -> tuple[GibbsState, Callable[[ArrayLike], Complex]]:
        r"""The state, and v -> dsigma = -V (E \circ V^\dagger dK V) V^\dagger + Tr(sigma dK) sigma, dK = sum_j v_j G_j.

        E holds the divided differences of exp at the log-eigenvalues of sigma. Two products of d x d matrices for each
        direction, and two back.
        """
        sigma = self.state(params)
        return sigma, lambda v: derivatives(sigma, v, self.n_params, self.generators.combine)

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> GibbsMetric:
        """From the generators; `tolerance` as in :class:`~qml.geometry.GibbsMetric`."""
        sigma = state if isinstance(state, GibbsState) else self.state(params)
        return GibbsMetric(sigma, self.generators, kind, tolerance=tolerance)


class GibbsModel(ExponentialFamily):
    r"""The exponential family of some Hermitian generators.

    .. math:: \sigma_\theta = e^{-K_\theta} / Z, \qquad K_\theta = \sum_j \theta_j G_j

    Of full rank for every theta, so that S(rho, sigma) is always finite; and convex in theta, so that a fit has one
    optimum, where the expectations agree: Tr(rho G_j) = Tr(sigma G_j). With commuting generators it is the classical
    exponential family (a Boltzmann machine).

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum or of arrays (d, d)
        A PauliSum: one parameter a term, named by its label, the coefficient of that string in K; the coefficients of
        the sum itself do not matter, and its identity term, which changes no state, is left out. A sequence: one
        parameter for each whole operator, named by its label where it is a single string, else ``G0``, ``G1``, ...
        A mapping gives the names.
    dims : int or sequence of int, optional
        Site dimensions for matrices, or a number of qubits; by default qubits where d is a power of two, else one site.

    Raises
    ------
    InputError
        If there is no generator, one is not Hermitian, their dimensions differ, or names repeat.

    Notes
    -----
    A state costs the eigen-decomposition of K, O(d^3), or O(d) where all generators are diagonal; the gradient adds
    n 2^n operations for each distinct X pattern of Pauli generators, or m d^2 for m matrices. Where the generators
    conserve k commuting Pauli strings (parities, the flip of all spins), there are 2^k eigenproblems of dimension
    d/2^k, and the metric has pairs inside of these sectors only: this is found out, from 6 qubits on.
    Source: Amin et al. (2018), arXiv:1601.02036; Kappen (2018), arXiv:1803.11278.

    Examples
    --------
    >>> from qml.operators import pauli, tfim
    >>> model = GibbsModel(tfim(2))
    >>> model.parameter_names
    ('ZZ', 'XI', 'IX')
    >>> round(float(model.state([0.0, 1.0, 0.0]).expect(pauli("XI"))), 6)
    -0.761594
    """

    def __init__(self, generators: GeneratorsLike, dims: DimsLike | None = None) -> None:
        named = named_operators(generators)
        self._names = tuple(named)
        self.generators = _structured(list(named.values()), dims)
        """G_1, ..., G_m."""
        self.dims = self.generators.dims

    def _arguments(self) -> dict[str, Any]:
        return {"generators": dict(zip(self._names, self.generators.operators, strict=True)), "dims": self.dims}

    @classmethod
    def all_paulis(cls, n: int, weight: int | None = None) -> GibbsModel:
        """The Gibbs model of all Pauli strings that act on one to `weight` of `n` qubits, fewer first.

        Parameters
        ----------
        n : int
            The number of qubits.
        weight : int, optional
            From 1 to n; 2 by default, or 1 of one qubit.

        Raises
        ------
        InputError
            If one of them is out of range.
        MemoryRefused
            If a state of so many qubits would not fit in memory.

        Examples
        --------
        >>> GibbsModel.all_paulis(2, weight=1).parameter_names
        ('XI', 'YI', 'ZI', 'IX', 'IY', 'IZ')
        """
        n = _checks.qubit_count("n", n)
        _checks.memory(f"a Gibbs state of {n} qubits", 16 * 4**n, "use LargeGibbsModel or ChainGibbsModel", qubits=n)
        return cls(up_to_weight(n, min(2, n) if weight is None else _checks.integer("weight", weight, low=1, high=n)))

    def __repr__(self) -> str:
        return f"GibbsModel(dims={self.dims}, {_checks.plural(self.n_params, 'generator')})"


def derivatives(
    sigma: GibbsState, v: ArrayLike, n_params: int, changed: Callable[[Real], Numeric], order: Integer | None = None
) -> Complex:
    """dsigma (..., d, d) along directions (..., n_params); `changed` gives dK (d, d) along one, or its diagonal.

    Or Tr_h dsigma (..., d_v, d_v), where `order` (d_v, d_h) has the indices of the basis states \\|v, h>.
    """
    d = sigma.dim if order is None else len(order)
    along = directions_of(v, n_params, d)
    flat = along.reshape(-1, n_params)
    if sigma.is_diagonal:
        p, matrix_of = sigma.probabilities(), sigma.spectrum().matrix_of
        levels = [changed(direction) for direction in flat]
        out = np.array([matrix_of(p * (p @ dk - dk)) for dk in levels], dtype=np.complex128)
    else:
        out = _by_divided_differences(sigma, flat, changed, order)
    return out.reshape(*along.shape[:-1], d, d)


def _by_divided_differences(
    sigma: GibbsState, v: Real, changed: Callable[[Real], Numeric], order: Integer | None
) -> Complex:
    r"""With E the divided differences of exp at the log-eigenvalues, and several directions at a time,

    .. math:: \langle v| \mathrm{Tr}_h\, d\sigma |v'\rangle = \sum_{h a b} V_{v h, a}
        \left( p_a \delta_{ab} \mathrm{Tr}(\sigma\, dK) - E_{ab} (V^\dagger dK\, V)_{ab} \right) V_{v' h, b}^*
    """
    spectrum, d = sigma.spectrum(), sigma.dim
    basis, p = spectrum.basis, spectrum.eigenvalues
    assert basis is not None
    weights = -spectral.exp_divided_differences(spectrum.log_eigenvalues)
    rows = basis if order is None else basis[order].reshape(len(order), -1)
    out = np.empty((len(v), len(rows), len(rows)), dtype=np.complex128)
    size = max(1, TOGETHER // d**2)
    with threads.suited(d):
        for start in range(0, len(v), size):
            dk = np.array([changed(direction) for direction in v[start : start + size]])
            x = basis.conj().T @ (dk @ basis)
            x *= weights
            diagonals = np.einsum("kaa->ka", x)  # a view
            diagonals -= diagonals.sum(axis=1, keepdims=True) * p
            half = (rows.reshape(-1, d) @ x).reshape(-1, rows.shape[1])
            out[start : start + size] = (half @ rows.conj().T).reshape(-1, len(rows), len(rows))
    return out


def _structured(operators: list[PauliSum | ArrayLike], dims: DimsLike | None) -> Generators:
    sums = [g for g in operators if isinstance(g, PauliSum)]
    if not sums:
        return matrix_generators(operators, dims)  # type: ignore[arg-type]
    if len(sums) < len(operators):
        raise InputError("generators must be all Pauli sums or all matrices; found both: use .matrix() of the sums.")
    check_sums(sums)
    found = PauliGenerators(sums)
    if dims is not None and _checks.dimensions("dims", dims, 1 << found.n) != found.dims:
        raise InputError(f"dims must be {found.dims} for these Pauli sums; found {dims}: leave it out.")
    return found
