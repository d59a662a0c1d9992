"""Losses of a state: the cross entropy, the relative entropy, and distances."""

from __future__ import annotations

import math
from typing import Any

from qml import _checks, spectral, threads
from qml._arrays import as_complex, as_real, namespace, number
from qml._checks import InputError
from qml._typing import Cotangent, Dims, Real
from qml.losses import measures
from qml.losses.base import Loss, is_measured, single_pair
from qml.losses.measured_report import measured_report
from qml.states import as_data, one_state
from qml.states.base import State
from qml.states.cross_entropy import Data, cross_entropy_and_cotangent, log_expectation


class CrossEntropy(Loss):
    r"""S(rho, sigma) = -Tr rho log sigma in nats: the negative log-likelihood per copy. Floor: S(rho).

    .. math:: dS = -\mathrm{Tr}\, \rho\, d\log\sigma

    so the state of the model receives the cotangent -rho of its logarithm. See :func:`cross_entropy`. For Gibbs models
    the target may also be :class:`~qml.moments.Moments`, whose floor is not a number where S(rho) is not known.

    Where the target is :class:`~qml.measurement.Counts`, rho is their empirical state rho_hat. Its minimum over all
    states is that state, which is **biased** however many shots there are: a fit says so in its status. The likelihood
    of the same counts, which is what a fit of counts minimises unless asked for this loss by name, tends to the
    measured state: see :class:`NegativeLogLikelihood`.

    Examples
    --------
    >>> from qml.states import GibbsState, maximally_mixed
    >>> value, cotangent = CrossEntropy().value_and_cotangent(maximally_mixed((2,)), GibbsState([0.0, 0.0]))
    >>> round(value, 6), cotangent
    (0.693147, array([0., 0.]))
    """

    name = "cross_entropy"
    gap_is = "D(rho||sigma)"
    is_cross_entropy = True
    is_additive = True

    def accept(self, target: Any, dims: Dims) -> Data:
        return as_data(target, dims)

    def value(self, target: Data, sigma: State) -> float:
        return number(-log_expectation(*_pair(target, sigma)) + 0.0)

    def value_and_cotangent(self, target: Data, sigma: State) -> tuple[float, Cotangent]:
        target, sigma = _pair(target, sigma)
        with threads.suited_alone(sigma.dim):
            return cross_entropy_and_cotangent(target, sigma)

    def floor(self, target: Any) -> float:
        return float(as_data(target).entropy())

    def gap_of(self, target: Any) -> str:
        return self.gap_is.replace("rho", "rho_hat") if is_measured(target) else self.gap_is

    def caution(self, target: Any, sigma: State) -> str:
        if not is_measured(target):
            return ""
        report = measured_report(target, sigma)
        return (
            "Biased: what was learnt is the empirical state of the counts, which is not the measured state however "
            "many shots there are. The state that would give sigma as its empirical state lies at the trace distance "
            f"{report.displacement:.3g} from sigma, and the likelihood of these counts is {report.excess:.3g} nats a "
            "shot above the entropy of their frequencies. The likelihood is not biased so: leave out loss=, or pass "
            'loss="negative_log_likelihood".'
        )


def _pair(target: Any, sigma: State) -> tuple[Data, State]:
    """Two single states, or known expectations and a state."""
    return single_pair(target, sigma) if getattr(target, "_is_state", True) else (target, one_state(sigma, "sigma"))


class RelativeEntropy(CrossEntropy):
    r"""D(rho\|\|sigma) = S(rho, sigma) - S(rho) in nats: the same derivative as the cross entropy. Floor: 0.

    :class:`~qml.moments.Moments` need to know S(rho).

    Examples
    --------
    >>> from qml import basis_state, maximally_mixed
    >>> round(RelativeEntropy().value(basis_state("0"), maximally_mixed(1)), 6)
    0.693147
    """

    name = "relative_entropy"

    def accept(self, target: Any, dims: Dims) -> Data:
        data = super().accept(target, dims)
        if math.isnan(data.entropy()):
            raise InputError("the relative entropy needs S(rho), which these moments do not tell: use CrossEntropy().")
        return data

    def value(self, target: Data, sigma: State) -> float:
        target, sigma = _pair(target, sigma)
        return super().value(target, sigma) - float(target.entropy())

    def value_and_cotangent(self, target: Data, sigma: State) -> tuple[float, Cotangent]:
        target, sigma = _pair(target, sigma)
        value, cotangent = super().value_and_cotangent(target, sigma)
        return value - float(target.entropy()), cotangent

    def floor(self, target: Data) -> float:
        return 0.0


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
        if target.is_diagonal and sigma.is_diagonal:
            moved = sigma.probabilities() - target.probabilities()
            return number((moved * moved).sum()), sigma._pull_diagonal(2 * moved)
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
        if target.is_diagonal and sigma.is_diagonal:  # s = sqrt(p q), and dF = 2 sqrt(F) sum ds
            s = measures.overlaps_of_diagonals(target, sigma)
            return self.value(target, sigma), sigma._pull_log_of_diagonal(-s.sum() * s)
        value, left = measures.fidelity_and_derivative(target, sigma)
        if sigma.factor is not None:  # M B from the right, without M
            return 1.0 - value, as_complex(-2 * left @ (left.conj().T @ sigma.factor))
        _checks.memory(f"a matrix of dimension {sigma.dim}", 32 * sigma.dim**2, "use fewer sites")
        return 1.0 - value, sigma.pull_matrix(-left @ left.conj().T)


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
        if target.is_diagonal and sigma.is_diagonal:
            values = sigma.probabilities() - target.probabilities()
            return number(abs(values).sum() / 2), sigma._pull_diagonal(_signs(values) / 2)
        values, vectors = spectral.eigh(sigma.matrix() - target.matrix())
        signs = _signs(values)
        cotangent = spectral.Spectrum(signs, vectors).matrix_of(signs / 2)
        return number(abs(values).sum() / 2), sigma.pull_matrix(cotangent)


def _signs(values: Real) -> Real:
    """The signs of the eigenvalues (d,) of a difference of states; 0 where one is rounding."""
    xp = namespace(values)
    return as_real(xp.where(abs(values) > spectral.support_cut(1.0, len(values)), xp.sign(values), 0.0))
