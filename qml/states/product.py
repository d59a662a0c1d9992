"""Product states that keep their factors."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks, spectral
from qml._arrays import namespace, outer
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Real
from qml.operators.sites import kron, reduced_matrix
from qml.states.base import State
from qml.states.coercion import StateLike, one_state
from qml.states.cross_entropy import places
from qml.states.density_matrix import reduced


class ProductState(State):
    r"""A product over subsystems, held as its factors: what needs no joint matrix never forms one.

    .. math:: \sigma = \sigma_1 \otimes \dots \otimes \sigma_m, \qquad
        \mathrm{Tr}\,\rho \log\sigma = \sum_k \mathrm{Tr}\,\rho_k \log\sigma_k, \qquad
        \rho_k = \mathrm{Tr}_{\text{others}}\, \rho

    The second equation holds for a correlated rho too: S(rho, sigma) sees only its reduced states.

    Coordinate: the tuple of the coordinates of the factors; a cotangent is the tuple of theirs.

    Parameters
    ----------
    factors : sequence of State
        Side by side; single states.

    Raises
    ------
    InputError
        If there are no factors, or one is a batch or no state.

    Notes
    -----
    S costs the partial traces of rho, O(d^2) where it is held as a matrix and less where it is itself a product, a
    factor or diagonal, plus S for each factor. Eigenvalues are products (sums of logarithms); the joint eigenvectors
    and the matrix are formed only where they are asked for.

    Examples
    --------
    >>> from qml.states import DensityMatrix, GibbsState, ghz
    >>> bit = DensityMatrix.from_probabilities([0.25, 0.75])
    >>> sigma = ProductState([bit, GibbsState([0.0, 0.0])])
    >>> sigma.dims, sigma.probabilities()
    ((2, 2), array([0.125, 0.125, 0.375, 0.375]))
    >>> round(-float(sigma.log_expectation(ghz(2))), 6)
    1.530135
    """

    def __init__(self, factors: Sequence[StateLike]) -> None:
        held = _checks.listed("factors", factors, "states")
        self.factors = tuple(one_state(factor, f"factor {k} of a product state") for k, factor in enumerate(held))
        if not self.factors:
            raise InputError("a product state needs at least one factor; found none.")
        self.dims = tuple(d for factor in self.factors for d in factor.dims)

    @property
    def is_diagonal(self) -> bool:
        return all(factor.is_diagonal for factor in self.factors)

    def matrix(self) -> Complex:
        self._fits("a density matrix", self.dim**2)
        return functools.reduce(kron, (factor.matrix() for factor in self.factors))

    def probabilities(self) -> Real:
        self._fits("probabilities", self.dim)
        return outer(factor.probabilities() for factor in self.factors)

    def _fits(self, what: str, count: int) -> None:
        """Refuse what has so many entries, where memory does not hold it."""
        _checks.memory(f"{what} of dimension {_checks.readable(self.dim)}", 32 * count, "use the factors")

    def apply(self, columns: Complex) -> Complex:
        before, t = 1, columns  # the dimension of the factors to the left
        for factor in self.factors:
            t = factor.apply(t.reshape(*columns.shape[:-2], before, factor.dim, -1))
            before *= factor.dim
        return t.reshape(columns.shape)

    def _log_eigenvalues(self) -> Real:
        self._fits("eigenvalues", self.dim)
        logs = (factor._spectrum.every_log_eigenvalue() for factor in self.factors)
        found: Real = functools.reduce(lambda a, b: (a[:, None] + b).reshape(-1), logs)
        return found

    def _compute_spectrum(self) -> spectral.Spectrum:
        parts = [factor.spectrum() for factor in self.factors]
        if all(part.basis is None for part in parts):
            return spectral.Spectrum(self._log_eigenvalues(), None)
        columns = math.prod(part.log_eigenvalues.shape[-1] for part in parts)
        self._fits("eigenvectors", self.dim * columns)
        return spectral.Spectrum(self._log_eigenvalues(), functools.reduce(kron, (part.columns for part in parts)))

    def partial_trace(self, keep: Sequence[int]) -> State:
        """The product of the reduced factors; a matrix where sites of one factor are listed apart from each other."""
        kept = _checks.targets("keep", keep, len(self.dims))
        owner = [(k, s) for k, factor in enumerate(self.factors) for s in range(len(factor.dims))]
        runs = [(k, [owner[s][1] for s in run]) for k, run in itertools.groupby(kept, lambda s: owner[s][0])]
        if not runs or len({k for k, _ in runs}) < len(runs):
            return reduced(self, kept)
        parts = [_part(self.factors[k], sites) for k, sites in runs]
        return parts[0] if len(parts) == 1 else ProductState(parts)

    @cached_property
    def _entropy(self) -> Real:
        return np.asarray(sum(factor.entropy() for factor in self.factors))

    def _purity(self) -> Real:
        return np.asarray(math.prod(factor.purity() for factor in self.factors))

    @property
    def parts(self) -> tuple[State, ...]:  # type: ignore[override]
        return self.factors

    def _arrays(self) -> dict[str, Any]:
        parts = enumerate(self.factors)
        return {f"{k}.{name}": a for k, part in parts for name, a in (part._arrays() | {"dims": part.dims}).items()}

    def pull_log(self, cotangent: Complex) -> Cotangent:
        r"""Each factor receives the partial trace of X: log sigma is the sum of the logarithms of the factors.

        Where sigma has a kernel, X must live in its support, as rho does wherever S is finite.
        """
        sites_of = places([factor.dims for factor in self.factors])
        parts = (reduced_matrix(cotangent, sites, self.dims) for sites in sites_of)
        return tuple(factor.pull_log(x) for factor, x in zip(self.factors, parts, strict=True))

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        r"""Factor k receives :math:`\mathrm{Tr}_{\text{others}} [X \bigotimes_{j \ne k} \sigma_j]`."""
        matrices = [factor.matrix() for factor in self.factors]
        sizes = tuple(len(m) for m in matrices)
        out = []
        for k, factor in enumerate(self.factors):
            x = cotangent.reshape(sizes + sizes)
            for j in reversed(range(len(sizes))):
                if j != k:
                    x = namespace(x).tensordot(x, matrices[j], axes=((j, x.ndim // 2 + j), (1, 0)))
            out.append(factor.pull_matrix(x))
        return tuple(out)

    def __repr__(self) -> str:
        return f"ProductState({', '.join(map(repr, self.factors))})"


def _part(rho: State, keep: Sequence[int]) -> State:
    """The reduced state; the state itself where all sites are kept in their order."""
    return rho if list(keep) == list(range(len(rho.dims))) else rho.partial_trace(keep)
