r"""Losses: functions of two states, and the derivative that each hands to the state of the model.

The loss of the house is the quantum cross entropy S(rho, sigma) = -Tr rho log sigma. rho is the data, sigma the model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from qml import spectral
from qml._typing import Complex, Cotangent, Dims, Real
from qml.states import as_single_state
from qml.states.base import State, kernel_weight
from qml.states.density_matrix import DensityMatrix, dims_match


def von_neumann_entropy(rho: State) -> Real:
    r"""The von Neumann entropy in nats.

    .. math:: S(\rho) = -\mathrm{Tr}\, \rho \log \rho, \qquad 0 \log 0 = 0

    Parameters
    ----------
    rho : State (...)

    Returns
    -------
    array (...)
        From 0 (pure) to log d (maximally mixed).

    Notes
    -----
    Costs one eigen-decomposition, O(d^3), unless the state knows its spectrum. Source: von Neumann (1927).

    Examples
    --------
    >>> from qml.states import maximally_mixed
    >>> round(float(von_neumann_entropy(maximally_mixed(4))), 6)
    1.386294
    """
    return rho.entropy()


def purity(rho: State) -> Real:
    r"""The purity :math:`\mathrm{Tr}\, \rho^2`, from 1/d to 1.

    Examples
    --------
    >>> from qml.states import ghz
    >>> round(float(purity(ghz(3))), 12)
    1.0
    """
    return rho.purity()


def cross_entropy(rho: State, sigma: State) -> Real:
    r"""The quantum cross entropy of data rho and model sigma, in nats.

    .. math:: S(\rho, \sigma) = -\mathrm{Tr}\, \rho \log \sigma

    Finite iff the support of rho lies inside that of sigma; otherwise it is +inf, which is a value and not an error.
    S(rho, sigma) >= S(rho), with equality iff sigma = rho.

    Parameters
    ----------
    rho, sigma : State (...)
        Equal dims; leading axes broadcast.

    Returns
    -------
    array (...)

    Raises
    ------
    InputError
        If the dims differ.

    Notes
    -----
    Costs one eigen-decomposition of sigma, O(d^3), unless sigma knows its logarithm (Gibbs and spectral states).
    Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887; Kappen (2018), arXiv:1803.11278.

    Examples
    --------
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix.from_probabilities([0.5, 0.5]), DensityMatrix.from_probabilities([0.25, 0.75])
    >>> round(float(cross_entropy(rho, sigma)), 6)
    0.836988
    >>> float(cross_entropy(rho, DensityMatrix.from_probabilities([1.0, 0.0])))
    inf
    """
    dims_match(rho, sigma)
    return -sigma.log_expectation(rho) + 0.0


def relative_entropy(rho: State, sigma: State) -> Real:
    r"""The quantum relative entropy in nats.

    .. math:: D(\rho \Vert \sigma) = \mathrm{Tr}\, \rho (\log\rho - \log\sigma) = S(\rho, \sigma) - S(\rho) \ge 0

    +inf iff the support of rho is not inside that of sigma.

    Notes
    -----
    Costs two eigen-decompositions. The difference of two rounded numbers, so its absolute error is about
    eps S(rho, sigma): values below that are zero to rounding, and may come out as a negative of that size.
    Source: Umegaki (1962), Kodai Math. Sem. Rep. 14, 59.

    Examples
    --------
    >>> from qml.states import DensityMatrix
    >>> rho, sigma = DensityMatrix.from_probabilities([0.5, 0.5]), DensityMatrix.from_probabilities([0.25, 0.75])
    >>> round(float(relative_entropy(rho, sigma)), 6)
    0.143841
    """
    return cross_entropy(rho, sigma) - rho.entropy()


def fidelity(rho: State, sigma: State) -> Real:
    r"""The (squared) Uhlmann fidelity, from 0 (orthogonal supports) to 1 (equal states).

    .. math:: F(\rho, \sigma) = \left( \mathrm{Tr} \left| \sqrt\rho \sqrt\sigma \right| \right)^2

    For a pure rho it is <psi\|sigma\|psi>.

    Notes
    -----
    Computed from the singular values of A^dagger B with rho = A A^dagger, sigma = B B^dagger; square roots of the
    eigenvalues of a product would lose half of the digits on nearly pure states. O(d^3).
    Source: Uhlmann (1976), Rep. Math. Phys. 9, 273; Jozsa (1994), J. Mod. Opt. 41, 2315.

    Examples
    --------
    >>> from qml.states import ghz, maximally_mixed
    >>> round(float(fidelity(ghz(2), maximally_mixed((2, 2)))), 12)
    0.25
    """
    dims_match(rho, sigma)
    if rho.is_diagonal and sigma.is_diagonal:
        return np.asarray(np.square(np.sqrt(rho.probabilities() * sigma.probabilities()).sum(axis=-1)))
    a, b = _factor(rho), _factor(sigma)
    singular = np.linalg.svd(a.conj().swapaxes(-1, -2) @ b, compute_uv=False)
    return np.asarray(np.square(singular.sum(axis=-1)))


def trace_distance(rho: State, sigma: State) -> Real:
    r"""The trace distance, from 0 to 1 (orthogonal supports).

    .. math:: T(\rho, \sigma) = \tfrac12 \lVert \rho - \sigma \rVert_1

    Examples
    --------
    >>> from qml.states import basis_state
    >>> float(trace_distance(basis_state("0"), basis_state("1")))
    1.0
    """
    dims_match(rho, sigma)
    if rho.is_diagonal and sigma.is_diagonal:
        return np.asarray(np.abs(rho.probabilities() - sigma.probabilities()).sum(axis=-1) / 2)
    return np.asarray(np.abs(np.linalg.eigvalsh(rho.matrix() - sigma.matrix())).sum(axis=-1) / 2)


def hilbert_schmidt_distance(rho: State, sigma: State) -> Real:
    r"""The Hilbert-Schmidt distance :math:`\lVert \rho - \sigma \rVert_2 = \sqrt{\mathrm{Tr}(\rho - \sigma)^2}`.

    Examples
    --------
    >>> from qml.states import basis_state
    >>> round(float(hilbert_schmidt_distance(basis_state("0"), basis_state("1"))), 6)
    1.414214
    """
    dims_match(rho, sigma)
    if rho.is_diagonal and sigma.is_diagonal:
        return np.asarray(np.linalg.norm(rho.probabilities() - sigma.probabilities(), axis=-1))
    return np.asarray(np.sqrt(np.square(np.abs(rho.matrix() - sigma.matrix())).sum(axis=(-2, -1))))


def weight_outside_support(rho: State, sigma: State) -> Real:
    r"""The weight Tr(rho P) of rho on the kernel of sigma; S(rho, sigma) is +inf where it exceeds the cut 8 d eps.

    Examples
    --------
    >>> from qml.states import basis_state, maximally_mixed
    >>> float(weight_outside_support(maximally_mixed(2), basis_state("0", dims=2)))
    0.5
    """
    dims_match(rho, sigma)
    spectrum = sigma.spectrum()
    return kernel_weight(spectrum, rho.populations(spectrum.basis))


def _factor(rho: State) -> Complex:
    """A factor A (..., d, r) with rho = A A^dagger."""
    if isinstance(rho, DensityMatrix) and rho.factor is not None:
        return rho.factor
    spectrum = rho.spectrum()
    half = np.exp(spectrum.log_eigenvalues / 2)
    if spectrum.basis is None:
        return spectral.Spectrum(half, None).matrix_of(half)
    return np.asarray(spectrum.basis * half[..., None, :])


class Loss(ABC):
    """What a fit minimises: a number from the target and the model's state sigma, and its derivative in sigma.

    A subclass sets `name`; `accept` says what a target may be (by default a state rho); `floor(target)` is the least
    value over all states, which a fit is compared with. A loss may own parameters phi of its own, such as those of the
    readout: a fit learns them beside the model's.
    """

    name: str

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """One name a parameter of the loss itself, in the order of phi; most losses have none."""
        return ()

    def init_params(self, rng: np.random.Generator) -> Real:
        """A starting point for phi, shape (number of parameters of the loss,)."""
        return np.zeros(len(self.parameter_names))

    def bind(self, params: Real) -> Loss:
        """The loss at phi; itself where it has no parameters."""
        return self

    def params_gradient(self, target: Any, sigma: State) -> Real:
        """dL/dphi of a bound loss, where it is finite."""
        return np.zeros(len(self.parameter_names))

    def accept(self, target: Any, dims: Dims) -> Any:
        """The target as this loss reads it, for a model on sites `dims`; InputError if it can't be one."""
        return as_single_state(target, dims)

    @abstractmethod
    def value(self, target: Any, sigma: State) -> float:
        """The loss; +inf is a value."""

    @abstractmethod
    def value_and_cotangent(self, target: Any, sigma: State) -> tuple[float, Cotangent]:
        """The loss, and its derivative in the coordinate of sigma. Where the loss is +inf the derivative is undefined:
        None."""

    @abstractmethod
    def floor(self, target: Any) -> float:
        """The least value over all states."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class CrossEntropy(Loss):
    r"""S(rho, sigma) = -Tr rho log sigma in nats: the negative log-likelihood per copy. Floor: S(rho).

    .. math:: dS = -\mathrm{Tr}\, \rho\, d\log\sigma

    so the state of the model receives the cotangent -rho of its logarithm. See :func:`cross_entropy`.

    Examples
    --------
    >>> from qml.states import GibbsState, maximally_mixed
    >>> value, cotangent = CrossEntropy().value_and_cotangent(maximally_mixed(2), GibbsState([0.0, 0.0], dims=2))
    >>> round(value, 6), cotangent
    (0.693147, array([0., 0.]))
    """

    name = "cross_entropy"

    def value(self, target: State, sigma: State) -> float:
        return float(cross_entropy(target, sigma))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        dims_match(target, sigma)
        value, cotangent = sigma.cross_entropy_and_cotangent(target)
        return float(value), cotangent

    def floor(self, target: State) -> float:
        return float(target.entropy())


class RelativeEntropy(CrossEntropy):
    r"""D(rho\|\|sigma) = S(rho, sigma) - S(rho) in nats: the same derivative as the cross entropy. Floor: 0."""

    name = "relative_entropy"

    def value(self, target: State, sigma: State) -> float:
        return float(relative_entropy(target, sigma))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        value, cotangent = super().value_and_cotangent(target, sigma)
        return value - float(target.entropy()), cotangent

    def floor(self, target: State) -> float:
        return 0.0


class HilbertSchmidt(Loss):
    r"""The squared Hilbert-Schmidt distance Tr(rho - sigma)^2; derivative 2 (sigma - rho). Floor: 0."""

    name = "hilbert_schmidt"

    def value(self, target: State, sigma: State) -> float:
        return float(hilbert_schmidt_distance(target, sigma)) ** 2

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        dims_match(target, sigma)
        difference = sigma.matrix() - target.matrix()
        return float(np.square(np.abs(difference)).sum()), sigma.pull_matrix(2 * difference)

    def floor(self, target: State) -> float:
        return 0.0


class Infidelity(Loss):
    r"""1 - F(rho, sigma). Floor: 0.

    With rho = A A^dagger, sigma = B B^dagger and the singular value decomposition A^dagger B = U s V^dagger,

    .. math:: dF = \sqrt F\; \mathrm{Tr}(M\, d\sigma), \qquad
        M = A U s^{-1} U^\dagger A^\dagger

    restricted to the support of A^dagger B. Where the rank of sqrt(rho) sigma sqrt(rho) is about to change F has no
    derivative; the one given there is that along states of unchanged rank. Source: Uhlmann (1976); Hubner (1992).
    """

    name = "infidelity"

    def value(self, target: State, sigma: State) -> float:
        return 1.0 - float(fidelity(target, sigma))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        dims_match(target, sigma)
        a = _factor(target)
        u, s, _ = np.linalg.svd(a.conj().T @ _factor(sigma), full_matrices=False)
        kept = s > a.shape[0] * spectral.EPS * s[0]
        au = a @ u[:, kept]
        root = float(s.sum())
        m = root * (au / s[kept]) @ au.conj().T
        return 1.0 - root**2, sigma.pull_matrix(-m)

    def floor(self, target: State) -> float:
        return 0.0


class TraceDistance(Loss):
    r"""The trace distance \|\|rho - sigma\|\|_1 / 2. Floor: 0.

    Derivative sign(sigma - rho)/2; not differentiable where an eigenvalue of rho - sigma crosses zero (sigma = rho
    among them), where the subgradient with sign(0) = 0 is given.
    """

    name = "trace_distance"

    def value(self, target: State, sigma: State) -> float:
        return float(trace_distance(target, sigma))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        dims_match(target, sigma)
        values, vectors = spectral.eigh(sigma.matrix() - target.matrix())
        sign = np.where(np.abs(values) > spectral.support_cut(np.ones(()), len(values)), np.sign(values), 0.0)
        cotangent = spectral.Spectrum(sign, vectors).matrix_of(sign / 2)
        return float(np.abs(values).sum() / 2), sigma.pull_matrix(cotangent)

    def floor(self, target: State) -> float:
        return 0.0


LOSSES: dict[str, type[Loss]] = {
    loss.name: loss for loss in (CrossEntropy, RelativeEntropy, Infidelity, HilbertSchmidt, TraceDistance)
}
"""Every loss by name; configs, the command line and the contract tests read this list."""
