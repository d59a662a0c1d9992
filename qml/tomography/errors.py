"""Error bars from the Fisher information, where the likelihood is quadratic around its maximum."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from qml import _checks, _matrices, spectral
from qml._checks import InputError
from qml._results import Table
from qml._typing import Complex, Real
from qml.losses.measures import fidelity_and_derivative
from qml.operators import OperatorLike, as_matrix
from qml.operators.sets import hermitian_basis
from qml.states.coercion import StateLike, one_state
from qml.tomography.linear import allowed, design
from qml.tomography.result import TomographyResult

KNOWN, LOST = 1e-12, 1e-9
"""As for :class:`qml.tomography.errors.Information`."""
LEAST = 1e-8
"""The root of a diagonal entry below this part of the largest is not scaled to one: it may be rounding."""


class Information:
    """The inverse of a Fisher information or curvature (n, n) on the directions that it determines: those whose
    eigenvalues, its diagonal scaled to one, are above a part `known` of the largest.

    Parameters
    ----------
    matrix : array (n, n)
    known : float
        Above what rounding of the matrix makes of a zero.
    lost : float
        The part of a function's derivative, scaled likewise, that may lie along other directions: rounding, too.

    Attributes
    ----------
    factor : array (n, k)
        F: the covariance is F F^T on the k directions that are determined.
    """

    def __init__(self, matrix: Real, known: float, lost: float) -> None:
        scale = np.sqrt(np.clip(np.diagonal(matrix), 0.0, None))
        self._unit = np.maximum(scale, LEAST * scale.max(initial=0.0) or 1.0)[:, None]
        values, vectors = np.linalg.eigh(matrix / (self._unit * self._unit.T))
        kept = values > known * values.max(initial=0.0)
        self.factor: Real = vectors[:, kept] / np.sqrt(values[kept]) / self._unit
        self._others, self._lost = vectors[:, ~kept], lost

    def errors(self, derivatives: Real) -> Real:
        """The standard errors (m,) of functions with these derivatives (n, m): +inf where one changes along a direction
        that is not determined."""
        scaled = derivatives / self._unit
        lost = np.linalg.norm(self._others.T @ scaled, axis=0) > self._lost * np.linalg.norm(scaled, axis=0)
        return np.where(lost, np.inf, np.linalg.norm(self.factor.T @ derivatives, axis=0))

    def covariance(self) -> Real:
        """Of the parameters (n, n): variances +inf, and covariances zero, where one is not determined."""
        covariance = self.factor @ self.factor.T
        lost = np.isinf(self.errors(np.eye(len(covariance))))
        covariance[lost] = covariance[:, lost] = 0.0
        covariance[lost, lost] = np.inf
        return covariance


class FisherInformation(Table):
    r"""The Fisher information of a record about the state, at the state of maximum likelihood.

    .. math:: J_{ab} = \sum_s N_s \sum_{k \in s} \frac{\mathrm{Tr}(M_k B_a)\, \mathrm{Tr}(M_k B_b)}{p_k}, \qquad
        J^{\mathrm{obs}}_{ab} = \sum_k \frac{n_k}{p_k^2} \mathrm{Tr}(M_k B_a)\, \mathrm{Tr}(M_k B_b)

    in an orthonormal basis B_a of the directions in which the state can move: the traceless Hermitian matrices; where
    the state has the rank r < d, those that keep the rank to first order (``within_rank=True``); of a process, those
    that preserve the trace.

    Parameters
    ----------
    result : TomographyResult
    observed : bool
        J^obs in place of the expected information.
    within_rank : bool
        Allow a state of less than full rank, and treat its rank as known. The errors do not count that the rank was
        chosen by the data: at a boundary the likelihood is not quadratic; ``TomographyResult.interval`` covers there.

    Attributes
    ----------
    matrix : array (m, m)
        J, in 1/(unit of B)^2: m = d^2 - 1 at full rank, 2rd - r^2 - 1 at rank r.

    Raises
    ------
    InputError
        If the state is not of full rank and `within_rank` is not set.
    MemoryRefused
        If the effects written out, outcomes times m numbers, would not fit.

    Notes
    -----
    Costs O(outcomes m^2).

    Examples
    --------
    The Z expectation of a qubit from 100 shots along each axis, by the binomial formula 2 sqrt(p q / 100):

    >>> from qml import tomography
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    >>> fisher = FisherInformation(tomography.maximum_likelihood(counts))
    >>> round(fisher.standard_error([[1, 0], [0, -1]]), 6)
    0.08
    """

    def __init__(self, result: TomographyResult, *, observed: bool = False, within_rank: bool = False) -> None:
        result = _checks.instance("result", result, TomographyResult)
        observed, within_rank = _checks.flag("observed", observed), _checks.flag("within_rank", within_rank)
        if result.rank < result.state.dim and not within_rank:
            raise InputError(
                f"the state has rank {result.rank} of {result.state.dim}: at the boundary the likelihood is not "
                "quadratic; use result.interval, or within_rank=True to treat the rank as known."
            )
        self.result, self.observed, self.within_rank = result, observed, within_rank
        measurement, counts = result.counts.measurement, np.asarray(result.counts.counts, dtype=np.float64)
        self._basis = self._tangents()
        x = design(measurement, self._basis)
        p = measurement.probabilities(result.state)
        scores = np.divide(x, p[:, None], out=np.zeros_like(x), where=p[:, None] > 0)
        shots = np.repeat(np.asarray(result.counts.shots, dtype=np.float64), measurement.sizes)
        left, n = (scores, counts) if observed else (x, shots)
        self.matrix: Real = _checks.kept(left.T @ (n[:, None] * scores))
        self._information = Information(self.matrix, KNOWN, LOST)

    def _tangents(self) -> Complex:
        """The basis (m, d, d) of the directions that keep the rank."""
        d, r = self.result.state.dim, self.result.rank
        i, _ = np.triu_indices(d, 1)
        pairs = d + np.flatnonzero(i < r)
        chosen = np.concatenate([np.arange(1, r), pairs, pairs + len(i)])
        v = np.linalg.eigh(self.result.state.matrix())[1][:, ::-1]
        return allowed(self.result.counts.measurement.fixed, v @ hermitian_basis(d)[chosen] @ v.conj().T)

    def standard_error(self, operator: OperatorLike) -> float:
        r"""The standard error of Tr(O sigma), or of any function of the state whose derivative is Tr(O dsigma).

        .. math:: \sqrt{o^T J^{-1} o}, \qquad o_a = \mathrm{Tr}(O B_a)

        +inf where O depends on a direction that the settings do not determine.

        Parameters
        ----------
        operator : PauliSum, str, mapping of str to float, array (d, d) or Qobj
            O, Hermitian.

        Raises
        ------
        InputError
            If it is not Hermitian, or does not act on these sites.
        """
        matrix = _matrices.hermitian("operator", as_matrix(operator, self.result.state.dims))
        largest = float(np.abs(matrix).max()) or 1.0  # squares of what is scaled by it exist
        o = np.einsum("aij,ji->a", self._basis, matrix / largest).real
        o[np.abs(o) <= spectral.weight_cut(len(matrix))] = 0.0  # of what is constant
        return largest * float(self._information.errors(o[:, None])[0])

    def fidelity(self, target: StateLike) -> tuple[float, float]:
        r"""The fidelity with a state and its standard error, both without a unit.

        .. math:: F(\rho, \sigma) = \left(\mathrm{Tr}\sqrt{\sqrt\rho\, \sigma \sqrt\rho}\right)^2

        At F = 1 the derivative, and with it this error, is zero.

        Parameters
        ----------
        target : State, array (d, d) or (d,), or Qobj

        Raises
        ------
        InputError
            If it is no state, or on other sites.
        """
        state = self.result.state
        value, left = fidelity_and_derivative(one_state(target, "target", state.dims), state)
        return value, self.standard_error(left @ left.conj().T)

    caption: ClassVar[str] = "Fisher information"

    def _rows(self) -> list[tuple[str, str]]:
        rank, dim = self.result.rank, self.result.state.dim
        known = np.linalg.svd(self._information.factor, compute_uv=False)
        errors = f"{known[-1]:.2g} to {known[0]:.2g}" if len(known) else "none"
        return [
            ("directions", f"{len(known)} of {len(self.matrix)} determined"),
            ("standard errors", f"{errors}, of directions of unit length"),
            ("information", "observed" if self.observed else "expected"),
            ("rank", f"{rank} of {dim}" + (", taken as known" if rank < dim else "")),
        ]
