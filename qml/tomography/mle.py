"""maximum_likelihood: the state under which the data are most likely, certified."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex
from qml.measurement import Counts
from qml.states import DensityMatrix, State, nearest_density_matrix
from qml.tomography import matrices
from qml.tomography.factors import STEPS_PER_BASIS, Iterate, conjugate_gradients
from qml.tomography.likelihood import Likelihood, largest_eigenvalue, room
from qml.tomography.linear import least_squares
from qml.tomography.result import Log, TomographyResult

METHODS = ("conjugate_gradient", "accelerated", "rrr", "diluted")
MIXED = 0.05
"""Part of the maximally mixed state in the start."""
PATIENCE = 400
"""Iterations without a better certificate after which rounding is said to be reached."""
STATIONARY = 100.0
"""Within a rank, N |grad|^2 times this is what a step can still gain in nats, at the smallest curvature."""


def maximum_likelihood(
    counts: Counts,
    *,
    method: str = "conjugate_gradient",
    rank: int | None = None,
    gap: float = 1e-9,
    relative_gap: float = 1e-12,
    hedging: float = 0.0,
    start: State | None = None,
    max_iterations: int = 20000,
) -> TomographyResult:
    r"""The density matrix of maximum likelihood, with a bound on how far it is from the largest likelihood.

    .. math:: \hat\sigma = \arg\max_{\sigma \ge 0,\, \mathrm{Tr}\sigma = 1} L(\sigma), \qquad
        L(\sigma) = \sum_k n_k \log \mathrm{Tr}(M_k \sigma)

    The run ends when the certificate (see :meth:`qml.tomography.likelihood.Likelihood.gap_bound`)

    .. math:: L_{\max} - L(\sigma) \le N \log\lambda_{\max}(R), \qquad R = \sum_k \frac{n_k}{N p_k} M_k

    is at most max(gap, relative_gap \|L\|) nats. It holds for every state, whatever led there.

    Parameters
    ----------
    counts : Counts
    method : {"conjugate_gradient", "accelerated", "rrr", "diluted"}
        Preconditioned conjugate gradients on the factor A of sigma = A A^dagger, without projections; accelerated
        projected gradient after a few such steps (Shang, Zhang, Ng 2017, arXiv:1609.07881); R rho R (Hradil 1997);
        diluted R rho R (Rehacek et al. 2007). The last two are there for comparison.
    rank : int, optional
        The largest rank of the state ("conjugate_gradient" only). The problem is then not convex: the run ends at a
        stationary point, and the certificate still compares with all states.
    gap, relative_gap : float
        How near to the largest likelihood, in nats and relative to \|L\|.
    hedging : float
        beta of the hedged likelihood L + beta log det sigma, which keeps the state of full rank ("conjugate_gradient"
        only). Source: Blume-Kohout (2010), arXiv:1001.2029, who takes beta near 1/2.
    start : State, optional
        Of full rank; by default least squares, projected on the states and mixed with 5 percent of 1/d.
    max_iterations : int

    Returns
    -------
    TomographyResult
        What rounding keeps from being certified, and what the settings leave undetermined, is told in its status and
        not raised (``result.raise_if_failed()`` raises the former).

    Raises
    ------
    InputError
        For a record without shots, an outcome that was counted though its effect is zero, or an argument out of range.
    MemoryRefused
        If the probabilities and matrices would not fit.

    Notes
    -----
    An iteration costs three applications of the measurement and a few products of d x d matrices; the certificate, an
    eigenvalue problem, is computed only where it is expected to end the run. In float64 the bound N log lambda_max can
    be brought to about 1e-13 N; where outcomes were seen whose probability is below 1e-6, to less.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.measurement import PauliMeasurement, sample
    >>> from qml.states import ghz
    >>> counts = sample(ghz(2), PauliMeasurement(2), 1000, np.random.default_rng(1))
    >>> result = maximum_likelihood(counts)
    >>> result.converged, result.certificate <= 1e-8
    (True, True)
    >>> round(float(ghz(2).expect(result.state.matrix())), 2)
    1.0
    """
    if not isinstance(counts, Counts):
        raise InputError(f"counts must be a Counts record; found {type(counts).__name__}: use Counts.from_dicts.")
    _checks.choice("method", method, METHODS)
    dim = counts.measurement.dim
    columns = dim if rank is None else _checks.integer("rank", rank, low=1, high=dim)
    hedging = _checks.number("hedging", hedging, low=0.0)
    gap = _checks.number("gap", gap, low=0.0)
    relative_gap = _checks.number("relative_gap", relative_gap, low=0.0)
    max_iterations = _checks.integer("max_iterations", max_iterations, low=0)
    if method != "conjugate_gradient" and (columns < dim or hedging):
        raise InputError(f"rank and hedging need the method 'conjugate_gradient'; found {method!r}.")
    if hedging and columns < dim:
        raise InputError("hedging keeps the state of full rank: it excludes a smaller rank.")
    room(counts)
    run = _Run(Likelihood(counts, hedging), columns, gap, relative_gap, max_iterations)
    factor = _start(counts, start, columns)
    run.go(_steps(run.problem, method, factor))
    return run.result(counts, method, None if rank is None else columns)


def _start(counts: Counts, start: State | None, columns: int) -> Complex:
    """A factor (d, columns)."""
    m = counts.measurement
    if start is None:
        sigma = nearest_density_matrix(least_squares(counts), m.dims).matrix()
        sigma = (1 - MIXED) * sigma + MIXED * np.eye(m.dim) / m.dim
    else:
        if start.dims != m.dims or start.batch_shape:
            raise InputError(f"start must be one state of dims {m.dims}; found dims {start.dims}.")
        sigma = start.matrix()
    values, vectors = np.linalg.eigh(sigma)
    if start is not None and columns == m.dim and values[0] <= 0:
        raise InputError("start must be of full rank: a direction without weight never gains any; mix it with 1/d.")
    return np.asarray(vectors[:, -columns:] * np.sqrt(np.clip(values[-columns:], 0.0, None)))


def _steps(problem: Likelihood, method: str, factor: Complex) -> Iterator[Iterate]:
    if method == "conjugate_gradient":
        yield from conjugate_gradients(problem, factor)
    elif method == "accelerated":
        for count, iterate in enumerate(conjugate_gradients(problem, factor)):
            yield iterate
            if count == STEPS_PER_BASIS - 1:
                break
        yield from matrices.accelerated_projected_gradient(problem, iterate.sigma())
    else:
        sigma = factor @ factor.conj().T
        yield from (matrices.r_rho_r if method == "rrr" else matrices.diluted)(problem, sigma)


class _Run:
    """Follows the iterates, computes the certificate now and then, and says when it is enough."""

    def __init__(self, problem: Likelihood, columns: int, gap: float, relative_gap: float, limit: int) -> None:
        self.problem, self.columns, self.limit = problem, columns, limit
        self.gap, self.relative_gap = gap, relative_gap
        self.log, self.since = Log(), time.perf_counter()
        self.best: tuple[float, Iterate] | None = None
        self.iterations, self.converged, self.reason = 0, False, ""

    def go(self, steps: Iterator[Iterate]) -> None:
        following, better = 0, 0
        last: tuple[int, float] | None = None
        for self.iterations, iterate in enumerate(steps):
            if self.iterations < following and self.iterations < self.limit:
                continue
            value, bound = self._certificate(iterate)
            self.log.add(self.iterations, time.perf_counter() - self.since, value, bound)
            wanted = self.wanted(value)
            if self.best is None or bound < 0.99 * self.best[0] or not math.isfinite(self.best[0]):
                better = self.iterations
            if self.best is None or bound <= self.best[0]:
                self.best = bound, iterate
            if bound <= wanted:
                self.converged, self.reason = True, "certified"
            elif self._is_stationary(iterate, wanted):
                self.best, self.converged, self.reason = (bound, iterate), True, "stationary"
            elif self.iterations >= self.limit:
                self.reason = "limit"
            elif self.iterations - better >= PATIENCE:
                self.reason = "rounding"
            if self.reason:
                return
            following = self.iterations + _wait(last, (self.iterations, bound), wanted)
            last = self.iterations, bound

    def wanted(self, value: float) -> float:
        return max(self.gap, self.relative_gap * abs(value))

    def _certificate(self, iterate: Iterate) -> tuple[float, float]:
        """The log-likelihood of an iterate, and the bound on what is missing."""
        operator = self.problem.operator(iterate.p) if iterate.operator is None else iterate.operator
        scale = iterate.scale()
        largest = largest_eigenvalue(operator) * scale
        return self.problem.log_likelihood(iterate.p / scale), self.problem.gap_bound(largest)

    def _is_stationary(self, iterate: Iterate, wanted: float) -> bool:
        if self.columns == self.problem.dim or iterate.factor is None or iterate.operator is None:
            return False
        gradient = iterate.operator @ iterate.factor - iterate.factor
        return bool(STATIONARY * self.problem.total * np.square(np.abs(gradient)).sum() <= wanted)

    def result(self, counts: Counts, method: str, rank_limit: int | None) -> TomographyResult:
        assert self.best is not None
        state, value, bound = self._state(self.best[1])
        wanted = self.wanted(value)
        converged = self.converged and (self.reason == "stationary" or bound <= wanted)
        return TomographyResult(
            state=state,
            counts=counts,
            log_likelihood=value,
            certificate=bound,
            wanted=wanted,
            iterations=self.iterations,
            seconds=time.perf_counter() - self.since,
            converged=converged,
            status=self._status(counts, bound, wanted, converged),
            method=method,
            rank_limit=rank_limit,
            hedging=self.problem.hedging * self.problem.total,
            history=self.log.history(),
        )

    def _state(self, iterate: Iterate) -> tuple[DensityMatrix, float, float]:
        """The state, its log-likelihood and certificate, computed anew. Eigenvalues that are not needed for the gap
        that was asked for are left out."""
        problem, dims = self.problem, self.problem.measurement.dims
        if iterate.factor is None:
            sigma = iterate.sigma()
            return DensityMatrix.trusted(sigma, dims), *self._judge(sigma, None)
        u, s, _ = np.linalg.svd(iterate.factor, full_matrices=False)
        whole = u * (s / np.linalg.norm(s))
        value, bound = self._judge(whole @ whole.conj().T, whole)
        if problem.hedging:
            return DensityMatrix.trusted(whole @ whole.conj().T, dims), value, bound
        operator = problem.operator(iterate.p) if iterate.operator is None else iterate.operator
        lacks = 1 - np.einsum("ij,ij->j", u.conj(), operator @ u).real * iterate.scale()
        costs = np.square(np.linalg.norm(whole, axis=0)) * np.clip(lacks, 0.0, None)
        loss = problem.total * np.cumsum(costs[::-1])[::-1]
        kept = max(1, int(np.count_nonzero(loss > self.wanted(value) / 4)))
        if kept < len(s):
            part = u[:, :kept] * (s[:kept] / np.linalg.norm(s[:kept]))
            less, new = self._judge(part @ part.conj().T, None)
            if new <= max(bound, self.wanted(value)):
                return DensityMatrix.from_factor(part, dims), less, new
        return DensityMatrix.trusted(whole @ whole.conj().T, dims), value, bound

    def _judge(self, sigma: Complex, factor: Complex | None) -> tuple[float, float]:
        p = self.problem.probabilities(sigma)
        if not (p > 0).all():
            return -math.inf, math.inf
        return self._certificate(Iterate(None, sigma, p, self.problem.operator(p, factor)))

    def _status(self, counts: Counts, bound: float, wanted: float, converged: bool) -> str:
        after = f"after {_checks.plural(self.iterations, 'iteration')}"
        likelihood = "hedged log-likelihood" if self.problem.hedging else "log-likelihood"
        if self.reason == "stationary":
            text = (
                f"stationary among the states of rank {self.columns} or less {after}: "
                f"at most {bound:.2g} nats below all states"
            )
        elif converged:
            text = f"certified {after}: the {likelihood} is within {bound:.2g} nats of the largest"
        else:
            why = "the iteration limit" if self.reason == "limit" else "the limit of rounding"
            text = (
                f"not certified: stopped at {why} {after}; the {likelihood} is within {bound:.2g} nats of the largest, "
                f"{wanted:.2g} were wanted"
            )
        return f"{text}{undetermined(counts)}."


def undetermined(counts: Counts) -> str:
    """What the settings leave open, where it is known at little cost."""
    from qml.measurement import PauliMeasurement
    from qml.tomography.linear import determined

    if not isinstance(counts.measurement, PauliMeasurement) and counts.measurement.dim > 16:
        return ""
    sentence = determined(counts).sentence()
    return f"; not unique: {sentence}" if sentence else ""


def _wait(last: tuple[int, float] | None, now: tuple[int, float], wanted: float) -> int:
    """Iterations until the certificate is looked at again: where its decay, extended, comes near to what is wanted."""
    if last is None or not (0 < now[1] < last[1] and wanted > 0):
        return 5
    rate = math.log(last[1] / now[1]) / (now[0] - last[0])
    return int(min(max(0.7 * math.log(now[1] / wanted) / rate, 3), 25))
