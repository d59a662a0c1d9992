r"""The cross entropy of two states, computed here and nowhere else, from what the model's state supplies.

.. math:: S(\rho, \sigma) = -\mathrm{Tr}\, \rho \log\sigma

log sigma is known in one of three forms:

a spectrum
    :math:`\mathrm{Tr}\,\rho\log\sigma = \sum_j \langle j|\rho|j\rangle\, l_j`, under the support policy.
a modular Hamiltonian
    :math:`\sigma = e^{-K}/Z` gives :math:`S = \mathrm{Tr}\,\rho K + \log Z`, always finite.
factors on separate sites
    :math:`S = \sum_k S(\rho_k, \sigma_k)` with the reduced states rho_k, also of a correlated rho.

rho is a state, or what else answers the same questions, as :class:`~qml.moments.Moments` do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from qml import spectral
from qml._arrays import as_real, compiled, namespace, number, surely
from qml._checks import InputError
from qml._typing import Complex, Cotangent, Dims, Numbers, Real

if TYPE_CHECKING:
    from qml.operators import PauliSum
    from qml.states.base import State


class Data(Protocol):
    """What S asks of rho: of a state everything, of known expectations what they tell."""

    dims: Dims
    _is_state: bool

    def _as_state(self) -> State:
        """Itself; InputError where rho is not known as a state."""

    def representative(self) -> Complex:
        """rho (d, d), or the least Hermitian matrix with all that is known of its expectations."""

    def entropy(self) -> Numbers:
        """S(rho) in nats; not a number where it is not known."""

    def _trace(self) -> Real:
        """Tr rho."""

    def _expect(self, operator: PauliSum | Complex) -> Real:
        """Tr(rho O)."""

    def _estimates(self, operators: Sequence[PauliSum]) -> tuple[Real, Real]:
        """Tr(rho G) of some Pauli sums, and standard errors."""


def log_expectation(rho: Data, sigma: State) -> Real:
    r"""Tr(rho log sigma) in nats, leading axes broadcast; -inf where rho leaves the support of sigma."""
    _same_sites(rho, sigma)
    if sigma.parts:
        return as_real(sum(log_expectation(part, factor) for part, factor in _pairs(rho._as_state(), sigma.parts)))
    if _by_energy(rho, sigma):
        return as_real(-sigma._energy(rho) - rho._trace() * sigma._log_partition())
    state, spectrum = rho._as_state(), sigma._spectrum
    return _mean(spectrum, state, state.populations(spectrum.basis))


def cross_entropy_and_cotangent(rho: Data, sigma: State) -> tuple[float, Cotangent]:
    """S(rho, sigma) of single states, and its derivative in the coordinate of sigma (None at +inf)."""
    _same_sites(rho, sigma)
    if sigma.parts:
        pairs = _pairs(rho._as_state(), sigma.parts)
        found = [cross_entropy_and_cotangent(part, factor) for part, factor in pairs]
        value = sum(s for s, _ in found)
        return value, None if value == math.inf else tuple(cotangent for _, cotangent in found)
    if _by_energy(rho, sigma):
        cotangent = sigma._pull_energy(rho)
        return number(sigma._energy(rho) + rho._trace() * sigma._log_partition()), cotangent
    state = rho._as_state()
    populations, pull = sigma._in_eigenbasis(state)
    value = -number(_mean(sigma._spectrum, state, populations)) + 0.0
    return value, None if surely(value == math.inf) else pull()


def _same_sites(rho: Data, sigma: State) -> None:
    if rho.dims != sigma.dims:
        raise InputError(f"the two states must have equal dims; found {rho.dims} (rho) and {sigma.dims} (sigma).")


def _by_energy(rho: Data, sigma: State) -> bool:
    """Whether log sigma = -K - log Z is used: where sigma is diagonal the difference would lose the digits of log p
    for p near one, so that there populations are better, if rho has them."""
    return sigma.has_modular_hamiltonian and not (sigma.is_diagonal and rho._is_state)


def _mean(spectrum: spectral.Spectrum, rho: State, populations: Real) -> Real:
    """sum_j p_j l_j with p_j = <j|rho|j>, and the same for what lies outside the columns; -inf where the weight of rho
    on the kernel counts."""
    logs = spectrum.log_eigenvalues
    if spectrum.log_outside > -math.inf:
        outside = spectrum.log_outside
        return as_real((populations * (logs - outside)).sum(axis=-1) + rho._trace() * outside)
    if not spectrum.has_kernel:
        return as_real(_sum_of_products(populations, logs))
    kept, xp = spectrum.support, namespace(logs, populations)
    inside = xp.where(kept, populations * xp.where(kept, logs, 0.0), 0.0).sum(axis=-1)
    return as_real(xp.where(kernel_weight(spectrum, rho, populations) > weight_cut(spectrum, rho), -math.inf, inside))


@compiled
def _sum_of_products(populations: Real, logs: Real) -> Any:
    return (populations * logs).sum(axis=-1)


def weight_cut(spectrum: spectral.Spectrum, rho: State) -> Real | float:
    """Weight of rho on some vectors of the basis of a spectrum that is rounding: none where it is read off rho."""
    read_off = spectrum.basis is None and rho.is_diagonal
    return 0.0 if read_off else spectral.weight_cut(spectrum.dim) + spectrum.cut


def kernel_weight(spectrum: spectral.Spectrum, rho: State, populations: Real) -> Real:
    """Weight of rho on the kernel of a spectrum, given p_j = <j|rho|j> in its basis; shape of the batch."""
    kept, xp = spectrum.support, namespace(spectrum.log_eigenvalues, populations)
    if spectrum.is_complete or spectrum.log_outside > -math.inf:
        return as_real(xp.where(kept, 0.0, populations).sum(axis=-1))
    return as_real(rho._trace() - xp.where(kept, populations, 0.0).sum(axis=-1))


def _pairs(rho: State, parts: Sequence[State]) -> Iterable[tuple[State, State]]:
    return zip(marginals(rho, [part.dims for part in parts]), parts, strict=True)


def marginals(rho: State, parts: Sequence[Dims]) -> list[State]:
    """The reduced states of rho on consecutive subsystems with these dims; those of a product state are its factors.

    Examples
    --------
    >>> from qml.states import ghz
    >>> [part.probabilities() for part in marginals(ghz(2), [(2,), (2,)])]
    [array([0.5, 0.5]), array([0.5, 0.5])]
    """
    return [rho] if len(parts) == 1 else [rho.partial_trace(sites) for sites in places(parts)]


def places(parts: Sequence[Dims]) -> list[tuple[int, ...]]:
    """The sites of each of consecutive subsystems."""
    ends = list(itertools.accumulate(map(len, parts)))
    return [tuple(range(end - len(dims), end)) for dims, end in zip(parts, ends, strict=True)]
