"""States that are known through their logarithm: Gibbs states, and spectra carried by known eigenvectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qml import _checks, _matrices, spectral
from qml._arrays import as_complex, as_real, diagonal, frozen, namespace, on_host, per_state, trace_of_product
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, DimsLike, Integer, Numbers, Numeric, Real
from qml.operators.sites import grouped, kept_sites, reduced_matrix
from qml.states.base import State
from qml.states.cross_entropy import Data
from qml.states.density_matrix import reduced
from qml.states.sectors import Sectors

LOWER = "lower beta or the coefficients"
"""What to do where a modular Hamiltonian is too large."""


class GibbsState(State):
    r"""The Gibbs state of a modular Hamiltonian K, whose logarithm is known: nothing underflows.

    .. math:: \sigma = e^{-K} / Z, \qquad Z = \mathrm{Tr}\, e^{-K}, \qquad \log\sigma = -K - \log Z

    Coordinate: K (its diagonal when it is held as one). The cotangents are

    .. math:: dL = \mathrm{Tr}\, X\, d\log\sigma \;\to\; \partial L/\partial K = -X + \mathrm{Tr}(X)\, \sigma

    so that the cross entropy, with X = -rho, has the gradient rho - sigma.

    Parameters
    ----------
    hamiltonian : array (..., d, d) or (..., d)
        Hermitian K, or its diagonal in the computational basis (real). A one-dimensional array is a diagonal.
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.
    diagonal : bool, optional
        Whether `hamiltonian` holds diagonals; needed only for batches of diagonals.

    Raises
    ------
    InputError
        If K is not Hermitian, or so large that a sum of its entries would overflow.

    Notes
    -----
    Costs one eigen-decomposition of K, O(d^3), or O(d) when K is diagonal. E.g. Kappen (2018), arXiv:1803.11278.

    Examples
    --------
    >>> import numpy as np
    >>> frozen = GibbsState(500.0 * np.diag([0.0, 1.0]))
    >>> frozen.spectrum().log_eigenvalues.round(6) + 0.0
    array([   0., -500.])
    """

    def __init__(self, hamiltonian: ArrayLike, dims: DimsLike | None = None, *, diagonal: bool | None = None) -> None:
        k = _checks.array("the modular Hamiltonian", hamiltonian)
        diagonal = k.ndim == 1 if diagonal is None else _checks.flag("diagonal", diagonal)
        if diagonal:
            k = _checks.reals("the diagonal of the modular Hamiltonian", k)
            if k.ndim < 1 or k.shape[-1] == 0:
                raise InputError(f"the diagonal must have shape (..., d); found shape {k.shape}.")
        else:
            k = _matrices.hermitian("the modular Hamiltonian", k, remedy=LOWER, least=1.0)
        sites = _checks.sites(dims, k.shape[-1])
        self._hold(_checks.kept(k), sites, diagonal, None)

    @classmethod
    def _trusted(
        cls, hamiltonian: Numeric, dims: Dims, *, diagonal: bool, sectors: Sectors | None = None
    ) -> GibbsState:
        """The state of an array that is known to be Hermitian and of these dims: only the size of its entries is
        checked."""
        state = cls.__new__(cls)
        state._hold(hamiltonian, dims, diagonal, sectors)
        return state

    def _hold(self, k: Numeric, dims: Dims, diagonal: bool, sectors: Sectors | None) -> None:
        _matrices.summable("the modular Hamiltonian", k, LOWER)
        self._k: Numeric = frozen(k)
        self.dims = dims
        self._diagonal = diagonal
        self._sectors = sectors
        self._labels: Integer | None = None

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self._k.shape[:-1] if self._diagonal else self._k.shape[:-2]

    @property
    def is_diagonal(self) -> bool:
        return self._diagonal

    def _at(self, index: Any) -> GibbsState:
        return GibbsState._trusted(self._k[index], self.dims, diagonal=self._diagonal, sectors=self._sectors)

    def hamiltonian(self) -> Complex:
        """The modular Hamiltonian K, shape (..., d, d)."""
        if self._diagonal:
            return spectral.Spectrum(self._k.real, None).matrix_of(self._k)
        return np.asarray(self._k, dtype=np.complex128) if on_host(self._k) else as_complex(self._k)

    def log_partition(self) -> Numbers:
        """log Z = log Tr exp(-K) in nats; never overflows."""
        return per_state(self._log_partition())

    def _log_partition(self) -> Real:
        spectrum, lowest = self.spectrum(), self._lowest
        return as_real(-lowest - spectrum.log_eigenvalues.max(axis=-1))

    def _compute_spectrum(self) -> spectral.Spectrum:
        if self._diagonal:
            energies, basis = self._k.real, None
        elif self._sectors is not None:
            energies, basis, self._labels = self._sectors.eigh(as_complex(self._k))
        else:
            energies, basis = spectral.eigh(as_complex(self._k))
        self._lowest = energies.min(axis=-1)
        return spectral.Spectrum(spectral.log_softmax(-energies), basis)

    def sector_labels(self) -> Integer | None:
        """The symmetry sector of every eigenvector, (d,); None where none are known."""
        self.spectrum()
        return self._labels

    def probabilities(self) -> Real:
        if self._diagonal:
            return self.spectrum().eigenvalues
        return super().probabilities()

    has_modular_hamiltonian = True

    def _energy(self, rho: Data) -> Real:
        """Tr(rho K): no eigenbasis is needed."""
        if not rho._is_state:
            return rho._expect(self.hamiltonian())
        return trace_of_product(rho.representative(), self.hamiltonian() if self._diagonal else self._k)

    def _pull_energy(self, rho: Data) -> Cotangent:
        return self._centred(rho.representative())

    def _in_eigenbasis(self, rho: State) -> tuple[Real, Callable[[], Cotangent]]:
        if not self._diagonal:
            return super()._in_eigenbasis(rho)
        p = rho.probabilities()
        return p, lambda: self._pull_log_of_diagonal(-p)

    def _arrays(self) -> dict[str, Any]:
        if self._diagonal:
            return {"energies": -self.spectrum().log_eigenvalues}
        return {"hamiltonian": self.hamiltonian()}

    def partial_trace(self, keep: Sequence[int]) -> State:
        """The reduced state; of a diagonal one a diagonal Gibbs state, whose logarithms are sums in the log domain. All
        sites in another order are a Gibbs state."""
        kept = kept_sites(keep, len(self.dims))
        if not self._diagonal:
            if len(kept) < len(self.dims):
                return reduced(self, kept)
            k = reduced_matrix(as_complex(self._k), kept, self.dims)
            return GibbsState._trusted(k, tuple(self.dims[site] for site in kept), diagonal=False)
        logs = as_real(grouped(self.spectrum().log_eigenvalues, kept, self.dims))
        energies = spectral.log_softmax(logs).max(axis=-1) - logs.max(axis=-1)  # -log sum exp
        return GibbsState._trusted(energies, tuple(self.dims[k] for k in kept), diagonal=True)

    def pull_log(self, cotangent: Complex) -> Cotangent:
        return self._centred(-cotangent)

    def _centred(self, x: Complex) -> Numeric:
        """X - sigma Tr X, or its diagonal where that of K is the coordinate."""
        trace = x.trace(axis1=-2, axis2=-1).real
        if self._diagonal:
            return as_real(diagonal(x) - trace[..., None] * self.probabilities())
        return as_complex(x - trace[..., None, None] * self.matrix())

    def _pull_diagonal(self, x: Real) -> Cotangent:
        if not self._diagonal:
            return super()._pull_diagonal(x)
        p = self.probabilities()
        return as_real(p * ((p * x).sum(axis=-1)[..., None] - x))

    def _pull_log_of_diagonal(self, x: Real) -> Cotangent:
        if not self._diagonal:
            return super()._pull_log_of_diagonal(x)
        return as_real(x.sum(axis=-1)[..., None] * self.probabilities() - x)

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        if self._diagonal:
            return self._pull_diagonal(diagonal(cotangent))
        mean = trace_of_product(cotangent, self.matrix())
        return -self.spectrum().exp_pullback(cotangent) + mean[..., None, None] * self.matrix()


class SpectralState(State):
    r"""A state whose eigenvectors and log-eigenvalues are both given: no eigenvalue problem, ever.

    .. math:: \sigma = \sum_x e^{l_x}\, |w_x\rangle\langle w_x|, \qquad W = (w_1, \dots, w_d) \text{ unitary}

    Coordinate: the pair (l, W). A cotangent is a pair (g, C), g (d,) and C (d, d), with
    dL = g . dl + Re Tr(C^dagger dW), valid along unitary W.

    Parameters
    ----------
    log_probabilities : array (d,)
        l_x in nats, with sum_x exp(l_x) = 1; -inf is allowed.
    vectors : array (d, d)
        The unitary W, one eigenvector a column.
    dims : int or sequence of int, optional
        Site dimensions, or a number of qubits; by default qubits where d is a power of two, else one site.

    Raises
    ------
    InputError
        If the shapes differ, the probabilities do not add up to 1, W is not unitary, or dims do not multiply to d.

    Examples
    --------
    >>> import numpy as np
    >>> sigma = SpectralState(np.log([0.75, 0.25]), np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    >>> sigma.matrix().real.round(3)
    array([[0.5 , 0.25],
           [0.25, 0.5 ]])
    """

    def __init__(self, log_probabilities: ArrayLike, vectors: ArrayLike, dims: DimsLike | None = None) -> None:
        w = _matrices.unitary("the eigenvectors", vectors)
        logs = _logarithms(log_probabilities)
        if logs.shape != (w.shape[-1],):
            raise InputError(f"log_probabilities must be {w.shape[-1]} numbers; found shape {logs.shape}.")
        with np.errstate(over="ignore"):
            total = float(np.exp(logs).sum())
        if abs(total - 1) > _checks.TOLERANCE:
            raise InputError(f"exp(log_probabilities) must sum to one; found {total:.12g}: subtract its logarithm.")
        logs = logs - np.log(_matrices.normaliser(np.asarray(total), len(logs)))
        self._hold(logs, _checks.kept(w), _checks.sites(dims, w.shape[-1]))

    @classmethod
    def _trusted(cls, log_probabilities: Real, vectors: Complex, dims: Dims) -> SpectralState:
        """The state of eigenvectors that are known to be orthonormal: nothing is checked or copied. For models."""
        state = cls.__new__(cls)
        state._hold(log_probabilities, vectors, dims)
        return state

    def _hold(self, logs: Real, vectors: Complex, dims: Dims) -> None:
        self._given = spectral.Spectrum(logs, vectors)
        self.dims = dims

    def _compute_spectrum(self) -> spectral.Spectrum:
        return self._given

    def _arrays(self) -> dict[str, Any]:
        return {"log_probabilities": self._given.log_eigenvalues, "vectors": self._given.basis}

    def partial_trace(self, keep: Sequence[int]) -> State:
        """The reduced state; of all sites in another order, with its spectrum."""
        kept = kept_sites(keep, len(self.dims))
        if len(kept) < len(self.dims):
            return reduced(self, kept)
        logs, w = self._given.log_eigenvalues, self._given.columns
        rows = as_complex(grouped(w.swapaxes(-1, -2), kept, self.dims)[..., 0].swapaxes(-1, -2))
        return SpectralState._trusted(logs, rows, tuple(self.dims[site] for site in kept))

    def pull_log(self, cotangent: Complex) -> Cotangent:
        r"""g_x = <w_x|X|w_x>, and C = 2 X W diag(l); rows of the kernel, where X vanishes, count as zero."""
        xp = namespace(self._given.log_eigenvalues)
        logs = xp.where(self._given.support, self._given.log_eigenvalues, 0.0)
        return self._pull(cotangent, logs, xp.ones_like(logs))

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        r"""g_x = e^{l_x} <w_x|X|w_x>, and C = 2 X W diag(e^l)."""
        p = self._given.eigenvalues
        return self._pull(cotangent, p, p)

    def _pull(self, x: Complex, values: Real, slopes: Real) -> tuple[Real, Complex]:
        w = self._given.columns
        xw = x @ w
        xp = namespace(w)
        means = xp.einsum("dj,dj->j", w.conj(), xw).real
        return xp.where(self._given.support, slopes * means, 0.0), 2 * xw * values


def _logarithms(values: ArrayLike) -> Real:
    """Real numbers below +inf; -inf, the logarithm of zero, is one."""
    try:
        a = np.ma.filled(values, np.nan)
    except (ValueError, TypeError):
        a = np.asarray(None)
    if a.dtype.kind not in "biuf" or (a > np.finfo(np.float64).max).any() or np.isnan(a).any():
        raise InputError(
            f"log_probabilities must be an array of real numbers below inf; found {_checks.shown(values)}."
        )
    return np.asarray(a, dtype=np.float64)
