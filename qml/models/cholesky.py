"""Free states: any density matrix, through a triangular factor."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qml import _checks
from qml._typing import ArrayLike, Complex, Cotangent, DimsLike, ParamsLike, Real
from qml.engines.register import directions_of
from qml.models.base import Model, NormalStart
from qml.spectral import STEEPEST
from qml.states import DensityMatrix, State


class CholeskyModel(NormalStart, Model):
    r"""Any state of a given rank, by a complex lower-triangular factor.

    .. math:: \sigma = \frac{L L^\dagger}{\mathrm{Tr}\, L L^\dagger}, \qquad L_{jj} = e^{\theta_j} > 0, \qquad
        L \text{ of shape } (d, r), \quad L_{jk} = 0 \text{ for } k > j

    The diagonal is an exponential, so that every real vector is a state of rank exactly r (a free real diagonal would
    allow L = 0) and, at rank d, each state has one L up to its scale: 2 d r - r^2 parameters, one of which (the scale)
    changes nothing; gradients have no component along it. S(rho, sigma) is finite for every rho where r = d, as long as
    the singular values of L are above d eps of the largest. States of lower rank are reached in the limit.

    Below rank d, S(rho, sigma) is +inf unless rho lies inside the support of sigma, which a random start never meets:
    learn from an infidelity or a Hilbert-Schmidt distance then, or give the model a `smoothing`.

    Parameters
    ----------
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.
    rank : int, optional
        r, from 1 to d; by default d.
    smoothing : float
        Weight p of the maximally mixed state: (1 - p) sigma + p/d, of full rank. From 0 to 1, 1 excluded.

    Raises
    ------
    InputError
        If rank or smoothing is outside its range.
    MemoryRefused
        If the parameters would not fit in memory.

    Notes
    -----
    The state is held as its factor: the spectrum comes from the singular values of L, O(d r^2), and a low rank never
    forms a d x d matrix. At r = d the landscape of S has no other stationary point than the minimum: S is convex in
    sigma, and theta moves sigma in every direction. Below, it may have local minima.
    Source: Hradil et al. (2004), Lect. Notes Phys. 649, 59 (maximum likelihood tomography over such factors).

    Examples
    --------
    >>> model = CholeskyModel((3,), rank=1)
    >>> model.parameter_names
    ('log_0', 're_1_0', 're_2_0', 'im_1_0', 'im_2_0')
    >>> model.state([0.0, 1.0, 0.0, 0.0, 0.0]).matrix().real
    array([[0.5, 0.5, 0. ],
           [0.5, 0.5, 0. ],
           [0. , 0. , 0. ]])
    """

    start_scale = 0.5

    def __init__(self, dims: DimsLike, rank: int | None = None, *, smoothing: float = 0.0) -> None:
        self.dims = _checks.dimensions("dims", dims)
        d = math.prod(self.dims)
        self.rank = d if rank is None else _checks.integer("rank", rank, low=1, high=d)
        self.smoothing = smoothing_weight(smoothing)
        shape = f"({_checks.readable(d)}, {_checks.readable(self.rank)})"
        _checks.memory(f"a factor of shape {shape}", 96 * d * self.rank, "use fewer sites or a lower rank")
        rows, columns = np.tril_indices(d, -1, self.rank)
        self._below = rows, columns
        pairs = [f"{j}_{k}" for j, k in zip(rows.tolist(), columns.tolist(), strict=True)]
        self._names = (
            *(f"log_{j}" for j in range(self.rank)),
            *(f"re_{pair}" for pair in pairs),
            *(f"im_{pair}" for pair in pairs),
        )

    @property
    def has_full_rank(self) -> bool:
        return self.rank == math.prod(self.dims)

    @property
    def suited_optimizer(self) -> str:
        """Of full rank, sigma comes close to any target, where the metric is nearly the Hessian."""
        return "natural_gradient" if self.has_full_rank and not self.smoothing else "lbfgs"

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        lower, norm, scale = self._triangle(params)
        a = lower / norm

        def pull(c: Complex) -> Real:
            c = (c - a * np.vdot(a, c).real) / norm  # along A of unit norm
            below = c[self._below] * scale
            return np.concatenate([(np.diagonal(c) * np.diagonal(lower)).real, below.real, below.imag])

        return DensityMatrix.from_factor(a, self.dims, smoothing=self.smoothing), pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        lower, norm, scale = self._triangle(params)
        a = lower / norm
        diagonal = np.diagonal(lower).real
        r, n_below = self.rank, len(self._below[0])

        def push(v: ArrayLike) -> Complex:
            along = directions_of(v, self.n_params, len(a))
            dl = np.zeros((*along.shape[:-1], *a.shape), dtype=np.complex128)
            dl[..., range(r), range(r)] = along[..., :r] * diagonal
            dl[(..., *self._below)] = scale * (along[..., r : r + n_below] + 1j * along[..., r + n_below :])
            dl -= np.einsum("jk,...jk->...", a.conj(), dl).real[..., None, None] * a
            dl /= norm
            return factor_change(dl, a, self.smoothing)

        return DensityMatrix.from_factor(a, self.dims, smoothing=self.smoothing), push

    def _triangle(self, params: ParamsLike) -> tuple[Complex, float, float]:
        """L times a scale that keeps it within float64, its norm, and that scale, which drops out of sigma."""
        theta = self.theta(params)
        logs, re, im = np.split(theta, [self.rank, self.rank + len(self._below[0])])
        largest = float(np.abs(theta[self.rank :]).max(initial=0.0))
        shift = max(float(logs.max()), math.log(largest) if largest else -math.inf)
        lower = np.zeros((math.prod(self.dims), self.rank), dtype=np.complex128)
        with np.errstate(over="ignore"):
            lower[range(self.rank), range(self.rank)] = np.exp(logs - shift)
        if largest:
            lower[self._below] = (re / largest + 1j * (im / largest)) * math.exp(math.log(largest) - shift)
        return lower, float(np.linalg.norm(lower)), math.exp(min(-shift, STEEPEST))

    def __repr__(self) -> str:
        smoothing = f", smoothing={self.smoothing:g}" if self.smoothing else ""
        return f"CholeskyModel(dims={self.dims}, rank={self.rank}{smoothing})"


def factor_change(da: Complex, a: Complex, smoothing: float) -> Complex:
    """dsigma (..., d, d) of the state (1 - p) A A^dagger + p/d along changes dA (..., d, r) of its factor."""
    product = da @ ((1 - smoothing) * a.conj().T)
    product += product.conj().swapaxes(-1, -2)
    return np.asarray(product)


def smoothing_weight(value: float) -> float:
    """A weight from 0 to 1, 1 excluded: with all of the weight nothing of the model would be left."""
    return _checks.number("smoothing", value, 0.0, math.nextafter(1.0, 0.0))
