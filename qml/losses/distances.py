"""Distances of two states as losses."""

from __future__ import annotations

from qml import spectral
from qml._arrays import namespace, number
from qml._typing import Cotangent
from qml.losses import measures
from qml.losses.base import Loss, single_pair
from qml.states.base import State


class HilbertSchmidt(Loss):
    r"""The squared Hilbert-Schmidt distance Tr(rho - sigma)^2; derivative 2 (sigma - rho). Floor: 0.

    Of two states held as Pauli vectors it is 2^-n sum_P (r_P - s_P)^2, without their matrices: an engine holds a target
    so, ``engine.hold(rho)``.

    Examples
    --------
    >>> from qml import basis_state, maximally_mixed
    >>> round(HilbertSchmidt().value(basis_state("0"), maximally_mixed(1)), 6)
    0.5
    """

    name = "hilbert_schmidt"
    is_additive = True

    def value(self, target: State, sigma: State) -> float:
        return number(measures.hilbert_schmidt_distance(*single_pair(target, sigma))) ** 2

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        target, sigma = single_pair(target, sigma)
        if sigma.pauli_vector is not None and target.pauli_vector is not None:
            moved = sigma.pauli_vector - target.pauli_vector
            return number((moved * moved).sum() / sigma.dim), 2 / sigma.dim * moved
        difference = sigma.matrix() - target.matrix()
        xp = namespace(difference)
        return number(xp.square(xp.abs(difference)).sum()), sigma.pull_matrix(2 * difference)


class Infidelity(Loss):
    r"""1 - F(rho, sigma). Floor: 0.

    With rho = A A^dagger, sigma = B B^dagger and the singular value decomposition A^dagger B = U s V^dagger,

    .. math:: dF = \sqrt F\; \mathrm{Tr}(M\, d\sigma), \qquad
        M = A U s^{-1} U^\dagger A^\dagger

    restricted to the support of A^dagger B. Where the rank of sqrt(rho) sigma sqrt(rho) is about to change F has no
    derivative; the one given there is that along states of unchanged rank. Source: Uhlmann (1976); Hubner (1992).

    Examples
    --------
    >>> from qml import basis_state, maximally_mixed
    >>> round(Infidelity().value(basis_state("0"), maximally_mixed(1)), 6)
    0.5
    """

    name = "infidelity"

    def value(self, target: State, sigma: State) -> float:
        return 1.0 - number(measures.fidelity(*single_pair(target, sigma)))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        target, sigma = single_pair(target, sigma)
        value, m = measures.fidelity_and_derivative(target, sigma)
        return 1.0 - value, sigma.pull_matrix(-m)


class TraceDistance(Loss):
    r"""The trace distance \|\|rho - sigma\|\|_1 / 2. Floor: 0.

    Derivative sign(sigma - rho)/2; not differentiable where an eigenvalue of rho - sigma crosses zero (sigma = rho
    among them), where the subgradient with sign(0) = 0 is given.

    Examples
    --------
    >>> from qml import basis_state, maximally_mixed
    >>> round(TraceDistance().value(basis_state("0"), maximally_mixed(1)), 6)
    0.5
    """

    name = "trace_distance"

    def value(self, target: State, sigma: State) -> float:
        return number(measures.trace_distance(*single_pair(target, sigma)))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        target, sigma = single_pair(target, sigma)
        values, vectors = spectral.eigh(sigma.matrix() - target.matrix())
        xp = namespace(values)
        sign = xp.where(xp.abs(values) > spectral.support_cut(1.0, len(values)), xp.sign(values), 0.0)
        cotangent = spectral.Spectrum(sign, vectors).matrix_of(sign / 2)
        return number(xp.abs(values).sum() / 2), sigma.pull_matrix(cotangent)
