"""Losses of a Hamiltonian: ground states by the energy, thermal states by the free energy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qml import _checks, operators
from qml._arrays import as_real, namespace, number
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Dims, Real
from qml.losses.base import Loss
from qml.operators import PauliSum
from qml.operators.sites import as_hermitian, diagonal_entries, dims_of
from qml.states.base import State
from qml.states.coercion import one_state

LARGEST_DIM = 1 << 10
"""Beyond this dimension a Hamiltonian is not diagonalised: the floor is not a number."""


class Expectation(Loss):
    r"""The energy Tr(H sigma), in the unit of H: the target is the Hamiltonian H, what is learnt its ground state.

    .. math:: \mathrm{Tr}(H \sigma) \ge E_0, \qquad dL = \mathrm{Tr}(H\, d\sigma)

    Floor: the least eigenvalue E_0 of H; not a number above dimension 1024. The target of ``fit`` may be a PauliSum, a
    string or mapping that stands for one, a Hermitian matrix or a Qobj. A PauliSum is learnt by this loss, unless
    another one is asked for.

    A model whose states all have full rank, such as a Gibbs model, only tends to the ground state as its parameters
    grow; pure circuits, and models that hold a factor, reach it.

    Notes
    -----
    A Pauli sum costs O(d) a term on states held as vectors or factors, and no matrix. Source: Peruzzo et al. (2014),
    arXiv:1304.3061.

    Examples
    --------
    >>> from qml import CircuitModel, circuits, fit
    >>> from qml.operators import tfim
    >>> result = fit(CircuitModel(circuits.hardware_efficient(2, 2)), tfim(2), seed=0)
    >>> round(result.loss, 6), result.gap < 1e-9
    (-2.236068, True)
    """

    name = "expectation"

    def accept(self, target: Any, dims: Dims) -> PauliSum | Complex:
        return _hamiltonian(target, dims)

    def value(self, target: Any, sigma: State) -> float:
        sigma = one_state(sigma, "sigma")
        return number(sigma._expect(_hamiltonian(target, sigma.dims)))

    def value_and_cotangent(self, target: Any, sigma: State) -> tuple[float, Cotangent]:
        sigma = one_state(sigma, "sigma")
        h = _hamiltonian(target, sigma.dims)
        return number(sigma._expect(h)), sigma._pull_expect(h)

    def floor(self, target: Any) -> float:
        energies = _energies(target)
        return math.nan if energies is None else float(energies[0])


class FreeEnergy(Expectation):
    r"""The free energy of a Hamiltonian H in units of the temperature, in nats: what is learnt is the thermal state.

    .. math:: L = \beta\, \mathrm{Tr}(H \sigma) - S(\sigma) = D(\sigma \Vert \rho_\beta) - \log Z \ge -\log Z, \qquad
        \rho_\beta = e^{-\beta H} / Z

    The target is H, as for :class:`Expectation`. Floor: -log Z, which the thermal state alone reaches; not a number
    above dimension 1024. The free energy in the unit of H is F = L / beta. L is in nats, and its gap is the relative
    entropy of the model's state from rho_beta, at every temperature; at beta = 0, where F is not defined, L is
    -S(sigma). No copy of rho_beta is needed, as it is for the cross entropy S(rho_beta, sigma).

    .. math:: dL = \mathrm{Tr}(X\, d\sigma), \qquad X = \beta H + \log\sigma

    Parameters
    ----------
    beta : float
        The inverse temperature, in the inverse unit of H. 1 by default: H is then the modular Hamiltonian.

    Raises
    ------
    InputError
        If beta is negative or not finite.

    Notes
    -----
    Where sigma has a kernel the loss is finite, since 0 log 0 = 0, and log sigma counts as zero there: X is then the
    derivative along states of unchanged rank. Where a step puts the weight eps on the kernel the loss falls by about
    eps log(1/eps), infinitely steeply: there is no derivative in that direction. States held as a factor A, sigma =
    A A^dagger, do have one in A, and it is zero in such a direction: rank that is missing at the start is not gained by
    following gradients, so start from full rank.

    Costs one eigen-decomposition, O(d^3). Sources: the variational principle of Gibbs, for density matrices e.g. Kappen
    (2018), arXiv:1803.11278; as a loss beta <H> - S: Verdon et al. (2019), arXiv:1910.02071.

    Examples
    --------
    >>> from qml import GibbsModel, fit
    >>> from qml.operators import tfim
    >>> result = fit(GibbsModel(tfim(2)), tfim(2), loss=FreeEnergy(beta=0.5), seed=0)
    >>> result.gap < 1e-12, (result.params / 0.5).round(6)
    (True, array([-1., -1., -1.]))
    """

    name = "free_energy"
    gap_is = "D(sigma||rho_beta)"

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = _checks.number("beta", beta, low=0.0)

    def value(self, target: Any, sigma: State) -> float:
        sigma = one_state(sigma, "sigma")
        return self.beta * super().value(target, sigma) - number(sigma.entropy())

    def value_and_cotangent(self, target: Any, sigma: State) -> tuple[float, Cotangent]:
        sigma = one_state(sigma, "sigma")
        h = _hamiltonian(target, sigma.dims)
        value = self.beta * number(sigma._expect(h)) - number(sigma.entropy())
        if sigma.is_diagonal:
            spectrum = sigma.spectrum()
            own = namespace(spectrum.log_eigenvalues).where(spectrum.support, spectrum.log_eigenvalues, 0.0)
            return value, sigma._pull_diagonal(own + self.beta * diagonal_entries(h))
        logs = sigma._log_on_support()
        slope: PauliSum | Complex
        if isinstance(logs, PauliSum) and isinstance(h, PauliSum):
            slope = logs + self.beta * h
        else:
            held = logs.matrix() if isinstance(logs, PauliSum) else logs
            slope = held + self.beta * operators.as_matrix(h, sigma.dims)
        return value, sigma._pull_expect(slope)

    def floor(self, target: Any) -> float:
        energies = _energies(target)
        if energies is None:
            return math.nan
        above = self.beta * (energies - energies[0])
        return self.beta * float(energies[0]) - math.log(float(np.exp(-above).sum()))


def _hamiltonian(target: Any, dims: Dims) -> PauliSum | Complex:
    """A Hermitian operator on sites `dims`: a Pauli sum as it is, anything else as a matrix (d, d)."""
    if isinstance(target, State) or getattr(target, "is_measured", False):
        raise InputError(
            "the target of an energy must be a Hamiltonian, such as a PauliSum or a Hermitian matrix; found "
            f"{type(target).__name__}: use CrossEntropy() to learn a state, NegativeLogLikelihood() for counts."
        )
    return as_hermitian("the Hamiltonian", target, dims)


def _energies(target: Any) -> Real | None:
    """The eigenvalues (d,) of a Hamiltonian, ascending; None where the matrix is too large."""
    dims = dims_of(target)
    if math.prod(dims) > LARGEST_DIM:
        return None
    return as_real(np.linalg.eigvalsh(operators.as_matrix(_hamiltonian(target, dims), dims)))
