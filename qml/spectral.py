r"""Spectra in the log domain, the support policy, and Frechet derivatives by divided differences.

The support policy, used everywhere and nowhere else defined: an eigenvalue that was *computed* from a matrix counts as
zero when it is at most ``4 d eps lambda_max``; spectra known in the log domain, as probabilities or as factors are cut
at exact zero. Weight of rho on the kernel of sigma counts when it exceeds ``8 d eps`` and the weight that sigma itself
was cut of; a weight that was read off a probability vector rather than computed counts when it exceeds zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from qml import _checks, _products, buffers, threads
from qml._arrays import as_complex, as_real, compiled, frozen, is_traced, namespace, on_host, surely
from qml._typing import Complex, Numeric, Real

EPS, TINY, LARGEST = (float(x) for x in (np.finfo(float).eps, np.finfo(float).tiny, np.finfo(float).max))
STEEPEST = 700.0
"""The logarithm of the largest 1/e^l in derivatives, near the end of float64."""
SMALL = threads.SPLIT_FROM**2
"""Numbers below which a matrix is multiplied as it is: the calls around a product would take longer than it."""


def support_cut(largest: Any, dim: int) -> Any:
    """Computed eigenvalues at or below this are zero: 4 d eps lambda_max."""
    return 4 * dim * EPS * largest


def weight_cut(dim: int) -> float:
    """Computed weight on a kernel at or below this is zero: 8 d eps."""
    return 8 * dim * EPS


@dataclass(frozen=True, eq=False)
class Spectrum:
    r"""Eigen-decomposition of a state in the log domain: sigma = sum_j exp(l_j) \|v_j><v_j\|.

    Attributes
    ----------
    log_eigenvalues : array (..., r)
        l_j in nats; -inf on the kernel.
    basis : array (..., d, r) or None
        Orthonormal columns v_j, of float64 where the state is real; None stands for the computational basis, in which
        case r = d.
    cut : array (...) or float
        The weight that this state itself had on what was cut: the positive eigenvalues taken for zero.
    log_outside : float
        The logarithm of the one eigenvalue on the orthogonal complement of the columns; -inf where that is the kernel.
    """

    log_eigenvalues: Real
    basis: Complex | None
    cut: Real | float = 0.0
    log_outside: float = -math.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_eigenvalues", frozen(self.log_eigenvalues))
        object.__setattr__(self, "basis", frozen(self.basis))

    @property
    def eigenvalues(self) -> Real:
        """exp(l_j), shape (..., r)."""
        values: Real = namespace(self.log_eigenvalues).exp(self.log_eigenvalues)
        return values

    @property
    def dim(self) -> int:
        """The dimension d of the space."""
        return int(self.log_eigenvalues.shape[-1] if self.basis is None else self.basis.shape[-2])

    @property
    def columns(self) -> Complex:
        """The basis as a matrix (..., d, r), also where it is the computational one."""
        if self.basis is not None:
            return self.basis
        _checks.memory(f"a matrix of dimension {self.dim}", 32 * self.dim**2, "use fewer sites")
        unit: Complex = namespace(self.log_eigenvalues).eye(self.dim, dtype=np.complex128)
        return unit

    @property
    def is_complete(self) -> bool:
        """Whether the columns span the space (r = d)."""
        return self.basis is None or self.basis.shape[-1] == self.basis.shape[-2]

    @property
    def support(self) -> np.ndarray:
        """Boolean (..., r): which columns carry weight."""
        kept: np.ndarray = namespace(self.log_eigenvalues).isfinite(self.log_eigenvalues)
        return kept

    @property
    def has_kernel(self) -> bool:
        """Whether there is a vector of eigenvalue zero, in any state of a batch."""
        outside_is_kernel = self.log_outside == -math.inf and not self.is_complete
        lowest = self.log_eigenvalues.min(initial=0.0)
        return outside_is_kernel or is_traced(lowest) or float(lowest) == -math.inf

    def every_log_eigenvalue(self) -> Real:
        """The log-eigenvalues with those of the complement where it carries weight, shape (..., r) or (..., d)."""
        return self.log_eigenvalues if self.log_outside == -math.inf else self._with_outside()

    def _with_outside(self) -> Real:
        logs, xp = self.log_eigenvalues, namespace(self.log_eigenvalues)
        outside = xp.full((*logs.shape[:-1], self.dim - logs.shape[-1]), self.log_outside)
        every: Real = xp.concat([logs, outside], axis=-1)
        return every

    @cached_property
    def completed(self) -> Spectrum:
        """The spectrum with columns for the complement, too; itself where there is none."""
        if self.is_complete:
            return self
        assert self.basis is not None
        _checks.memory(f"eigenvectors of dimension {self.dim}", 48 * self.dim**2, "use fewer sites")
        xp = namespace(self.basis)
        d, r = self.basis.shape[-2:]
        if on_host(self.basis):
            rest = np.linalg.qr(self.basis, mode="complete")[0][..., r:]
        else:  # the array API has no complete QR: what a reduced one makes of the columns and of the rest of a basis
            rest = xp.linalg.qr(xp.concat([self.basis, xp.eye(d, dtype=self.basis.dtype)], axis=-1))[0][..., r:]
        return Spectrum(self._with_outside(), xp.concat([self.basis, rest], axis=-1), self.cut)

    def matrix_of(self, values: Numeric) -> Complex:
        """sum_j values_j |v_j><v_j|, shape (..., d, d), of float64 where values and basis are."""
        if self.basis is None:
            xp, d = namespace(values), int(values.shape[-1])
            _checks.memory(f"a matrix of dimension {d}", 32 * d * d, "ask for probabilities or expectations instead")
            diagonal: Complex = xp.where(xp.eye(values.shape[-1], dtype=bool), values[..., None] + 0j, 0.0)
            return diagonal
        if self.basis.size < SMALL or not on_host(self.basis):
            return as_complex((values[..., None, :] * self.basis) @ self.basis.conj().swapaxes(-1, -2))
        return _products.product(_products.times(values[..., None, :], self.basis), _products.adjoint(self.basis))

    def to_basis(self, operator: Complex) -> Complex:
        """V^dagger X V of a Hermitian X (..., d, d), shape (..., r, r)."""
        if self.basis is None:
            return operator
        if self.basis.size < SMALL or not on_host(self.basis):
            return as_complex(_to_basis(self.basis, operator))
        return _products.sandwich(_products.adjoint(self.basis), operator, self.basis)

    def from_basis(self, operator: Complex) -> Complex:
        """V X V^dagger of a Hermitian X (..., r, r), shape (..., d, d)."""
        if self.basis is None:
            return operator
        if self.basis.size < SMALL or not on_host(self.basis):
            return as_complex(_from_basis(self.basis, operator))
        return _products.sandwich(self.basis, operator, _products.adjoint(self.basis))

    def log_pullback(self, cotangent: Complex) -> Complex:
        r"""dL/dsigma from the Hermitian X with dL = Tr(X dlog sigma), restricted to the support.

        .. math:: G = V \left( D \circ V^\dagger X V \right) V^\dagger, \qquad
            D_{ij} = \frac{l_i - l_j}{e^{l_i} - e^{l_j}}, \quad D_{ii} = e^{-l_i}

        Source: Daleckii and Krein (1965); exact at degenerate spectra. Costs two products of d x d matrices each way.
        """
        return self.log_pullback_in_basis(self.to_basis(cotangent))

    def log_pullback_in_basis(self, rotated: Complex) -> Complex:
        """The same, from V^dagger X V."""
        return self.from_basis(_products.times(log_divided_differences(self.log_eigenvalues), rotated))

    def log_pullback_to_factor(self, columns: Complex, rotated: Complex, rows: Complex) -> Complex:
        r"""C (..., d, r) with dL = Re Tr(C^dagger dA) for sigma = A A^dagger or that mixed with white noise.

        From X V, V^dagger X V and the rows V^dagger A. A vector of the complement has its eigenvalue, exp(log_outside),
        and the divided differences D_j0 with it; where it is zero, X must vanish there, as rho does where S is finite.
        """
        assert self.basis is not None
        if self.log_outside == -math.inf:
            return as_complex(2 * self.basis @ ((log_divided_differences(self.log_eigenvalues) * rotated) @ rows))
        xp = namespace(self.log_eigenvalues)
        outside = xp.full((*self.log_eigenvalues.shape[:-1], 1), self.log_outside)
        differences = log_divided_differences(xp.concat([self.log_eigenvalues, outside], axis=-1))
        inside = self.basis @ (differences[..., :-1, :-1] * rotated)
        beside = (columns - self.basis @ rotated) * differences[..., -1:, :-1]
        return as_complex(2 * (inside + beside) @ rows)

    def exp_pullback(self, cotangent: Complex) -> Complex:
        r"""dL/dA from the Hermitian X with dL = Tr(X d exp A), where A has the eigenvalues l_j in this basis."""
        return self.from_basis(_products.times(exp_divided_differences(self.log_eigenvalues), self.to_basis(cotangent)))


@compiled
def _to_basis(basis: Complex, operator: Complex) -> Any:
    return basis.conj().swapaxes(-1, -2) @ (operator @ basis)


@compiled
def _from_basis(basis: Complex, operator: Complex) -> Any:
    return basis @ (operator @ basis.conj().swapaxes(-1, -2))


def _pairs(log_values: Real) -> tuple[Real, Real, np.ndarray | None]:
    """(l with 0 for -inf, -|l_i - l_j|, and where both are finite (None: everywhere)); the latter two (..., r, r).

    The smallest float64s stand for zero: there quotients of gap and expm1(gap) are 1, as their limits are.
    """
    xp = namespace(log_values)
    everywhere = surely(log_values.min(initial=0.0) > -math.inf)
    finite = None if everywhere else xp.isfinite(log_values)
    safe = log_values if finite is None else xp.where(finite, log_values, 0.0)
    gap = xp.subtract(safe[..., :, None], safe[..., None, :], **_room(safe))
    place = _into(gap)
    gap = xp.minimum(xp.copysign(gap, -1.0, **place), -TINY, **place)
    return safe, gap, None if finite is None else finite[..., :, None] & finite[..., None, :]


def _room(values: Real) -> dict[str, Real]:
    """Where NumPy writes one number for each pair of values (..., r): memory that is kept, if it is much."""
    if values.size < threads.SPLIT_FROM or not on_host(values):
        return {}
    return {"out": buffers.empty((*values.shape, values.shape[-1]))}


def _into(array: Numeric) -> dict[str, Numeric]:
    """NumPy writes over this array; others make a new one."""
    return {"out": array} if on_host(array) else {}


@compiled
def log_divided_differences(log_values: Real) -> Real:
    r"""Divided differences of log at the points e^l: (l_i - l_j) / (e^{l_i} - e^{l_j}), shape (..., r, r).

    Evaluated as e^{-l_>} delta / expm1(delta), with delta = l_< - l_> <= 0: accurate to rounding at every pair,
    equal ones included. Entries of the kernel (l = -inf) are zero.

    Examples
    --------
    >>> import numpy as np
    >>> log_divided_differences(np.log(np.array([0.5, 0.5])))
    array([[2., 2.],
           [2., 2.]])
    """
    xp = namespace(log_values)
    safe, ratio, both = _pairs(log_values)
    other = xp.expm1(ratio, **_room(safe))
    ratio /= other
    inverse = xp.exp(xp.minimum(-safe, STEEPEST))  # beyond, what it multiplies is zero
    ratio *= xp.minimum(inverse[..., :, None], inverse[..., None, :], **_into(other))
    return ratio if both is None else as_real(xp.where(both, ratio, 0.0))


@compiled
def exp_divided_differences(log_values: Real) -> Real:
    r"""Divided differences of exp at the points l: (e^{l_i} - e^{l_j}) / (l_i - l_j), shape (..., r, r).

    Evaluated as e^{l_>} expm1(delta) / delta, with delta = l_< - l_> <= 0.
    """
    xp = namespace(log_values)
    safe, gap, both = _pairs(log_values)
    ratio = xp.expm1(gap, **_room(safe))
    ratio /= gap
    values = xp.exp(safe)
    ratio *= xp.maximum(values[..., :, None], values[..., None, :], **_into(gap))
    return ratio if both is None else as_real(xp.where(both, ratio, 0.0))


@threads.suited_to_matrix
def eigh(matrix: Complex) -> tuple[Real, Complex]:
    """Eigenvalues (..., d), ascending, and eigenvectors (..., d, d), real where the numbers of `matrix` are.

    Costs about 25 d^3 operations for a complex matrix and a third of that for a real one.
    """
    if not on_host(matrix):
        found = matrix.__array_namespace__().linalg.eigh(matrix)
        return found[0], found[1]
    a = _products.real_if_real(matrix)
    if a.ndim == 2 and a.shape[-1] >= _products.SCIPY_FROM and np.iscomplexobj(a):
        values, vectors = scipy.linalg.eigh(a, driver="evr", check_finite=False)
    else:
        values, vectors = np.linalg.eigh(a)
    return values, vectors


def svd(matrix: Any, full_matrices: bool = False) -> tuple[Any, Real, Any]:
    """U (..., d, k), s (..., k) falling and W^dagger (..., k, r) of A = U s W^dagger.

    LAPACK's divide and conquer gives up on some matrix out of thousands, that its QR iterations decompose.
    """
    xp = namespace(matrix)
    try:
        found = xp.linalg.svd(matrix, full_matrices=full_matrices)
    except np.linalg.LinAlgError:
        if not np.isfinite(matrix).all():
            raise
        every = [
            scipy.linalg.svd(a, full_matrices, lapack_driver="gesvd") for a in matrix.reshape(-1, *matrix.shape[-2:])
        ]
        found = [np.reshape(part, (*matrix.shape[:-2], *part[0].shape)) for part in zip(*every, strict=True)]
    return found[0], found[1], found[2]


def spectrum_of_matrix(matrix: Complex) -> Spectrum:
    """The spectrum of a density matrix (..., d, d), cut by the support policy."""
    values, vectors = eigh(matrix)
    logs, weight = _logs_and_weight_cut(values)
    return Spectrum(logs, vectors, weight)


@compiled
def _logs_and_weight_cut(values: Real) -> tuple[Real, Real | float]:
    """log of ascending eigenvalues (..., d), -inf where they are cut, and the weight (...) of those."""
    xp, cut = namespace(values), support_cut(values[..., -1:], values.shape[-1])
    if surely((values[..., :1] > cut).all()):
        return xp.log(values), 0.0
    logs = _log_above(values, cut)
    return logs, xp.where(xp.isfinite(logs), 0.0, values).clip(0.0).sum(axis=-1)


@threads.suited_to_matrix
def log_eigenvalues_of_matrix(matrix: Complex) -> Real:
    """The log-eigenvalues (..., d) of a density matrix, cut like its spectrum; a quarter of the cost."""
    if on_host(matrix):  # faster than from the lower triangle
        values = np.asarray(np.linalg.eigvalsh(_products.real_if_real(matrix), UPLO="U"), dtype=np.float64)
    else:
        values = namespace(matrix).linalg.eigvalsh(matrix)
    return _log_above(values, support_cut(values[..., -1:], matrix.shape[-1]))


@threads.suited_to_matrix
def decompose_factor(factor: Complex, smoothing: float = 0.0) -> tuple[Spectrum, Complex]:
    """The spectrum of (1 - p) A A^dagger + p/d from the singular values of A (..., d, r), and V^dagger A in its basis.

    Singular values are cut at d eps s_max. V^dagger A = s W^dagger is read off the decomposition: a product of the two
    would bury its small rows in rounding.
    """
    xp = namespace(factor)
    u, s, wh = svd(_products.real_if_real(factor) if on_host(factor) else factor)
    found, s = spectrum_of_singular_vectors(u, s)
    rows = s[..., None] * wh
    if not smoothing:
        return found, rows
    logs, d = found.log_eigenvalues, factor.shape[-2]
    outside = math.log(smoothing) - math.log(d)  # smoothing / d may be too small for float64
    inside = math.log1p(-smoothing) if smoothing < 1 else -math.inf
    return Spectrum(xp.logaddexp(logs + inside, outside), u, log_outside=outside), rows


def spectrum_of_singular_vectors(vectors: Complex, values: Real) -> tuple[Spectrum, Real]:
    """The spectrum of A A^dagger from the left singular vectors (..., d, r) of A and its singular values (..., r), and
    the latter with zeros where they are cut."""
    kept = namespace(values).where(values > vectors.shape[-2] * EPS * values[..., :1], values, 0.0)
    return Spectrum(2 * log_probabilities(kept), vectors), kept


def log_probabilities(probabilities: Real) -> Real:
    """log p with -inf at exact zeros."""
    return _log_above(probabilities, np.zeros(()))


def _log_above(values: Real, cut: Real) -> Real:
    kept, xp = values > cut, namespace(values)
    if surely(kept.all()):
        return as_real(xp.log(values))
    return as_real(xp.where(kept, xp.log(xp.where(kept, values, 1.0)), -np.inf))


def log_softmax(scores: Real) -> Real:
    """scores - log sum exp(scores) along the last axis; the largest entry to full relative accuracy."""
    xp = namespace(scores)
    shifted = scores - scores.max(axis=-1, keepdims=True)
    first = xp.arange(scores.shape[-1]) == shifted.argmax(axis=-1)[..., None]
    rest = xp.where(first, 0.0, xp.exp(shifted))
    return as_real(shifted - xp.log1p(rest.sum(axis=-1, keepdims=True)))


def entropy(log_eigenvalues: Real) -> Real:
    """-sum_j p_j log p_j in nats (...), with p = exp(l) / sum exp(l): never negative, and 0 for one eigenvalue."""
    logs, xp = log_softmax(log_eigenvalues), namespace(log_eigenvalues)
    return as_real(-(xp.exp(logs) * xp.where(xp.isfinite(logs), logs, 0.0)).sum(axis=-1) + 0.0)
