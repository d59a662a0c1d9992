"""The engine of thermal states of chains: exp(-K) as a matrix-product operator, with its own error estimates."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from qml import _checks
from qml._typing import Integer, Real
from qml.engines.mps.correlations import Weigh, covariances
from qml.engines.mps.exponential import roots
from qml.engines.mps.hamiltonian import phases_of, train_of
from qml.engines.mps.pairs import Pair, word_of
from qml.engines.mps.trains import identity
from qml.engines.thermal import ThermalEngine, ThermalEstimate, hermitian_sums, without_constant
from qml.operators import PauliLike, PauliSum
from qml.operators.generators import coefficients_of
from qml.operators.strings import Word, digits_of, spell

NEIGHBORHOOD = 4.0
"""Couplings of a site, in temperatures, from which on errors are relative to their sum."""
LEAST = 1e-14
"""What is left out at every bond at least."""
SHARE = 0.15
"""Of the tolerance: what is left out at all bonds together at first."""


class ThermalChain:
    r"""exp(-K)/Z of a chain, its roots held as matrix-product operators.

    .. math:: \sigma = \frac{M M^\dagger}{\mathrm{Tr}\, M M^\dagger}, \qquad M = e^{-K/2}

    Parameters
    ----------
    hamiltonian : PauliSum
        K.
    cut : float
        The share of the norm of exp(-K/2) that is left out at every bond.
    bond : int
        The largest bond dimension.
    """

    def __init__(self, hamiltonian: PauliSum, cut: float, bond: int) -> None:
        self.k, constant, self.size = without_constant(hamiltonian)
        n = self.n = hamiltonian.n_qubits
        self.bond_limit = bond
        self._on_site = np.abs(np.array(self.k.coefficients)) @ (self._digits(self.k.words) != 0)
        self.strength = max(1.0, float(self._on_site.max(initial=0.0)) / NEIGHBORHOOD)
        k = train_of(self.k) if self.size else identity(n)
        self.roots, self.error = roots(k, self.size, self.strength, cut, bond)
        self.log_partition = n * math.log(2.0) + 2 * self.roots[0].log - constant
        self._known: dict[Word, float] = {(0, 0): 1.0}

    @property
    def bond(self) -> int:
        """The largest bond dimension of exp(-K/2)."""
        return self.roots[0].bond

    @cached_property
    def _pair(self) -> Pair:
        return Pair(self.roots[0].dagger, self.roots[0])

    def _values(self, words: Sequence[Word]) -> Real:
        """The expectations of Pauli strings."""
        missing = tuple(w for w in words if w not in self._known)
        if missing:
            digits = self._digits(missing)
            found = (phases_of(digits) * self._pair.traces([word_of(row) for row in digits])).real
            self._known |= dict(zip(missing, found.tolist(), strict=True))
        return np.array([self._known[w] for w in words])

    def estimate(self, operators: Sequence[PauliSum] = ()) -> ThermalEstimate:
        """log Z, and Tr(sigma O) of every operator, with their estimated errors."""
        words, weights = coefficients_of(operators)
        sizes = abs(weights) @ np.array([1.0 if any(w) else 0.0 for w in words])
        values = weights @ self._values(words)
        return ThermalEstimate(self.log_partition, self.error, values, self.error * sizes, self.bond, self.error)

    def covariances(self, operators: Sequence[PauliSum], wanted: Weigh) -> Real:
        """The covariances (operators, operators) that put wanted(l_a, l_b) on a pair of eigenvectors of K with
        log-eigenvalues l_a and l_b: a metric of the family exp(-sum_j theta_j O_j)/Z."""
        words, weights = coefficients_of(operators)
        there = [k for k, w in enumerate(words) if w != (0, 0)]
        digits = self._digits([words[k] for k in there])
        found = covariances(self.roots, digits, wanted, self._largest_change(digits), self.bond_limit)
        a = weights[:, there]
        return np.asarray(a @ (a @ found).T)

    def _largest_change(self, digits: Integer) -> float:
        """A bound on how much one of these strings changes K: twice the couplings that act on its sites."""
        return 2 * min(self.size, float(((digits != 0) @ self._on_site).max(initial=0.0)))

    def _digits(self, words: Sequence[Word]) -> Integer:
        return digits_of([spell(w, self.n) for w in words]).reshape(len(words), self.n)


class ChainEngine(ThermalEngine):
    r"""Thermal states of chains of qubits: exp(-K/2) as a matrix-product operator, by a series and squares.

    .. math:: e^{-K/2} = \left( e^{-K/2^{k+1}} \right)^{2^k}, \qquad
        Z = \mathrm{Tr}\, e^{-K/2} (e^{-K/2})^\dagger

    No time step is split, so that there is no Trotter error; the series of exp(-K / 2^(k+1)) is exact to 1e-14. What
    is left is that operators are compressed after every product. The error that is stated is four times the sum of the
    shares of the norm that were left out at all bonds, each as often as it is squared afterwards: of log Z, and of the
    expectation of every Pauli string. The errors that are known were below two thirds of it.

    Parameters
    ----------
    tolerance : float
        What the estimated error of log Z (in nats) and of the expectation of every Pauli string is to stay below; where
        the couplings of a site add up to more than four temperatures, in quarters of that sum.
    bond : int
        The largest bond dimension chi. A warning says what is left where it is too small for the tolerance.

    Raises
    ------
    InputError
        For numbers out of range.
    MemoryRefused
        Where a product of matrix-product operators would not fit.

    Notes
    -----
    O(n chi^4) for log Z, O(n chi^3) for every expectation; what chi has to be grows with beta and the range of the
    couplings, not with n. Couplings between distant qubits are not refused, but chi grows exponentially with the number
    of them across a bond. Real arithmetic where every string of K has an even number of Ys. Sources: Chen, Chen, Chen,
    Li and Weichselbaum (2018), Phys. Rev. X 8, 031082, arXiv:1801.00142 (squares); Camano, Epperly and Tropp (2025),
    arXiv:2504.06475 (compressed products).

    Examples
    --------
    >>> from qml.operators import pauli, tfim
    >>> found = ChainEngine().thermal(tfim(50), [pauli("ZZ", sites=(24, 25), n=50)])
    >>> found.values.round(8), bool(found.errors.max() < 1e-8), found.dimension < 24
    (array([0.55897092]), True, True)
    """

    _kind = "chain"

    def __init__(self, tolerance: float = 1e-8, bond: int = 128) -> None:
        self.tolerance = _checks.number("tolerance", tolerance, 1e-12, 1e-1)
        self.bond = _checks.integer("bond", bond, low=1, high=4096)

    def chain(self, hamiltonian: PauliLike) -> ThermalChain:
        """exp(-K)/Z to the tolerance, as matrix-product operators.

        Parameters
        ----------
        hamiltonian : PauliSum, str or mapping of str to float
            K = beta H, Hermitian and without a unit.

        Returns
        -------
        ThermalChain

        Raises
        ------
        InputError
            If K is not Hermitian.

        Warns
        -----
        UserWarning
            Where the bond dimension that is allowed does not reach the tolerance; the errors say how far it is.
        """
        hamiltonian, _ = hermitian_sums(hamiltonian, ())
        cut, before = SHARE * self.tolerance / hamiltonian.n_qubits, math.inf
        while True:
            found = ThermalChain(hamiltonian, cut, self.bond)
            allowed = self.tolerance * found.strength
            if found.error <= allowed:
                return found
            if found.bond >= self.bond or cut <= LEAST or found.error > before / 2:  # the rest is rounding
                break
            before = found.error
            cut /= min(100.0, 2 * found.error / allowed)
        remedy = "allow a larger bond dimension (bond)" if found.bond >= self.bond else "allow a larger tolerance"
        warnings.warn(
            f"the errors of a chain of {_checks.plural(found.n, 'qubit')} with bond dimension {found.bond} are "
            f"estimated as up to {found.error:.2g}, above the tolerance {allowed:.2g}: {remedy}.",
            stacklevel=2,
        )
        return found

    def thermal(self, hamiltonian: PauliLike, observables: Sequence[PauliLike] = ()) -> ThermalEstimate:
        k, held = hermitian_sums(hamiltonian, observables)
        return self.chain(k).estimate(held)

    def __repr__(self) -> str:
        return f"ChainEngine(tolerance={self.tolerance:.6g}, bond={self.bond})"
