"""maximum_likelihood: the state under which the data are most likely, certified."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from qml import _checks, buffers, spectral, threads
from qml._checks import InputError
from qml._typing import Complex, Dims, Real
from qml.measurement import Counts
from qml.measurement.entries import outcome_name
from qml.states import DensityMatrix, nearest_density_matrix
from qml.states.coercion import StateLike, one_state
from qml.tomography.face import face_of, is_unique, known_of, openness
from qml.tomography.likelihood import Likelihood, largest_eigenvalue
from qml.tomography.linear import least_squares, record_of
from qml.tomography.methods import METHODS, Iterate, conjugate_gradients
from qml.tomography.result import TomographyHistory, TomographyResult
from qml.tomography.slices import FINE, Map, best_of

MIXED = 0.02
"""Part of the maximally mixed state in the start; of a start of smaller rank that rules out an outcome that was seen,
part of a random state."""
STALLED = 400
"""Iterations without a better certificate after which a method ends."""
INTERIOR = 16
"""Dimension up to which the interior-point method, whose steps cost d^6, takes over from conjugate gradients there."""
ROUNDED = 100.0
"""A bound up to this many times what rounding leaves uncertain is at the limit of rounding."""
STATIONARY = 100.0
"""Within a rank, N |grad|^2 times this is what a step can still gain in nats, at the smallest curvature."""
POLISH = 200
"""Steps in which a state must win back its certificate when eigenvalues are left out."""


def maximum_likelihood(
    counts: Counts,
    *,
    method: str = "conjugate_gradient",
    rank: int | None = None,
    gap: float = 1e-9,
    relative_gap: float = 1e-12,
    hedging: float = 0.0,
    start: StateLike | None = None,
    max_iterations: int = 20000,
) -> TomographyResult:
    r"""The density matrix of maximum likelihood, with a bound on how far it is from the largest likelihood.

    .. math:: \hat\sigma = \arg\max_{\sigma \ge 0,\, \mathrm{Tr}\sigma = 1} L(\sigma), \qquad
        L(\sigma) = \sum_k n_k \log \mathrm{Tr}(M_k \sigma)

    The run ends when the certificate (see ``qml.tomography.likelihood``)

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
        only). Source: Blume-Kohout (2010), arXiv:1001.2029, who takes beta near 1/2. At most N / eps, with eps the
        rounding of float64: beyond, nothing of the data is left.
    start : State, array (d, d) or Qobj, optional
        Of full rank; by default least squares, projected on the states and mixed with 2 percent of 1/d.
    max_iterations : int

    Returns
    -------
    TomographyResult
        What rounding keeps from being certified, and what the settings leave undetermined, is told in its status and
        not raised (``result.raise_if_failed()`` raises the former).

    Raises
    ------
    InputError
        For a record without shots or of no state, an outcome that was counted though its effect is zero, a start that
        is not of full rank (with `rank`, one whose best state of that rank rules out an outcome that was counted), or
        an argument out of range.
    MemoryRefused
        If the probabilities and matrices would not fit.

    Notes
    -----
    An iteration costs three applications of the measurement and a few products of d x d matrices; the certificate, an
    eigenvalue problem, is computed only where it is expected to end the run. Where few settings leave much open,
    conjugate gradients can become slow: where the certificate has not become smaller in 400 iterations, Newton's method
    for L + beta log det sigma with a falling beta takes over, up to d = 16 and without `rank`.

    The bound N log lambda_max can be brought to, and is right to, what rounding of the probabilities leaves: about
    N eps / p with p the least probability of an outcome that was seen (``result.rounding``; 1e-15 N where all are of
    order one, 1e-9 N where one is 1e-7).

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
    counts = record_of(counts)
    if len(counts.measurement.fixed):
        raise InputError("these are counts of a process, which preserves the trace: use process_tomography(counts).")
    if counts.measurement.learnt_by:
        raise InputError(f"these are no counts of a state: they are learnt by {counts.measurement.learnt_by}.")
    _checks.choice("method", method, METHODS)
    dim = counts.measurement.dim
    columns = dim if rank is None else _checks.integer("rank", rank, low=1, high=dim)
    hedging = _checks.number("hedging", hedging, 0.0, float(counts.total) / spectral.EPS)
    gap = _checks.number("gap", gap, low=0.0)
    relative_gap = _checks.number("relative_gap", relative_gap, low=0.0)
    max_iterations = _checks.integer("max_iterations", max_iterations, low=0)
    if method != "conjugate_gradient" and (columns < dim or hedging):
        raise InputError(f"rank and hedging need the method 'conjugate_gradient'; found {method!r}.")
    if hedging and columns < dim:
        raise InputError("hedging keeps the state of full rank: it excludes a smaller rank.")
    _room = buffers.workspace()  # kept between the steps
    with threads.suited(dim):
        run = _Run(Likelihood(counts, hedging), columns, gap, relative_gap, max_iterations)
        run.go(METHODS[method](run.problem, _start(counts, start, columns)))
        if run.reason == "stalled" and columns == dim <= INTERIOR and method == "conjugate_gradient":
            run.go(conjugate_gradients(run.problem, run.interior(counts)))
        return run.result(counts, method, None if rank is None else columns)


def _start(counts: Counts, start: StateLike | None, columns: int) -> Complex:
    """A factor (d, columns)."""
    m = counts.measurement
    if start is None:
        sigma = nearest_density_matrix(least_squares(counts), m.dims).matrix()
        sigma = (1 - MIXED) * sigma + MIXED * np.eye(m.dim) / m.dim
    else:
        start = one_state(start, "start", m.dims)
        if start.dims != m.dims:
            raise InputError(f"start must be one state of dims {m.dims}; found dims {start.dims}.")
        sigma = start.matrix()
    values, vectors = np.linalg.eigh(sigma)
    if start is not None and columns == m.dim and values[0] <= spectral.support_cut(values[-1], m.dim):
        raise InputError("start must be of full rank: a direction without weight never gains any; mix it with 1/d.")
    factor = np.asarray(vectors[:, -columns:] * np.sqrt(np.clip(values[-columns:], 0.0, None)))
    if columns < m.dim:
        p = m.probabilities_of(factor @ factor.conj().T)
        excluded = (np.asarray(counts.counts) > 0) & (p <= spectral.weight_cut(m.dim))
        if excluded.any() and start is not None:
            raise InputError(
                f"start must give every outcome that was counted a probability above 0 in rank {columns}; "
                f"{outcome_name(m, int(np.argmax(excluded)))} has none: mix it with a random state."
            )
        if excluded.any():
            other = np.random.default_rng(0).normal(size=(2, *factor.shape))
            factor = factor + math.sqrt(MIXED) * (other[0] + 1j * other[1]) / np.linalg.norm(other)
    return factor


class _Found(NamedTuple):
    """A factor (d, r) of unit trace, its p and R, the log-likelihood and the certificate."""

    factor: Complex
    p: Real
    operator: Complex
    value: float
    bound: float

    def state(self, dims: Dims, dim: int) -> DensityMatrix:
        if self.factor.shape[1] < dim:
            return DensityMatrix.from_factor(self.factor, dims)
        return DensityMatrix._trusted(self.factor @ self.factor.conj().T, dims)


class _Run:
    """Follows the iterates, computes the certificate now and then, and says when it is enough."""

    def __init__(self, problem: Likelihood, columns: int, gap: float, relative_gap: float, limit: int) -> None:
        self.problem, self.columns, self.limit = problem, columns, limit
        self.gap, self.relative_gap = gap, relative_gap
        self.since = time.perf_counter()
        self.rows: list[tuple[int, float, float, float]] = []
        self.best: tuple[float, Iterate] | None = None
        self.iterations, self.reason = -1, ""

    def go(self, steps: Iterator[Iterate]) -> None:
        first = following = better = self.iterations + 1
        last: tuple[int, float] | None = None
        self.reason = ""
        for self.iterations, iterate in enumerate(steps, first):
            if self.iterations < following and self.iterations < self.limit:
                continue
            value, bound = self._certificate(iterate)
            self.rows.append((self.iterations, time.perf_counter() - self.since, value, bound))
            wanted = self.wanted(value)
            if self.best is None or bound < 0.99 * self.best[0] or not math.isfinite(self.best[0]):
                better = self.iterations
            if self.best is None or bound <= self.best[0]:
                self.best = bound, iterate
            if bound <= wanted:
                self.reason = "certified"
            elif self._is_stationary(iterate, wanted):
                self.best, self.reason = (bound, iterate), "stationary"
            elif self.iterations >= self.limit:
                self.reason = "limit"
            elif self.iterations - better >= STALLED:
                self.reason = "rounding" if bound <= ROUNDED * self._rounding(iterate) else "stalled"
            if self.reason:
                return
            following = self.iterations + _wait(last, (self.iterations, bound), wanted)
            last = self.iterations, bound

    def interior(self, counts: Counts) -> Complex:
        """A factor of the state that Newton's method finds inside of all states, nearer than what is wanted."""
        assert self.best is not None
        gap = self.wanted(self._certificate(self.best[1])[0])
        shots = np.asarray(counts.counts, dtype=np.float64)[None]
        found = best_of(Map(counts.measurement), 0.0, shots, gap, self.problem.hedging * self.problem.total, FINE)
        values, vectors = np.linalg.eigh(found.states[0])
        return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))

    def _rounding(self, iterate: Iterate) -> float:
        """What rounding of the probabilities leaves uncertain of the certificate, in nats."""
        p = iterate.p / float(np.vdot(iterate.factor, iterate.factor).real)
        return self.problem.total * self.problem.rounding(self.problem.sensitivity(p))

    def wanted(self, value: float) -> float:
        return max(self.gap, self.relative_gap * abs(value)) if math.isfinite(value) else self.gap

    def _certificate(self, iterate: Iterate) -> tuple[float, float]:
        """The log-likelihood of an iterate, and the bound on what is missing."""
        operator = self.problem.operator(iterate.p) if iterate.operator is None else iterate.operator
        scale = float(np.vdot(iterate.factor, iterate.factor).real)  # Tr A A^dagger
        largest = largest_eigenvalue(operator) * scale
        return self.problem.log_likelihood(iterate.p / scale), self.problem.gap_bound(largest)

    def _is_stationary(self, iterate: Iterate, wanted: float) -> bool:
        if self.columns == self.problem.dim or iterate.operator is None:
            return False
        gradient = iterate.operator @ iterate.factor - iterate.factor
        return bool(STATIONARY * self.problem.total * np.square(np.abs(gradient)).sum() <= wanted)

    def result(self, counts: Counts, method: str, rank_limit: int | None) -> TomographyResult:
        assert self.best is not None
        problem, found = self.problem, self._state(self.best[1])
        wanted = self.wanted(found.value)
        converged = self.reason == "stationary" or found.bound <= wanted
        unique, rounding, known = None, math.inf, known_of(counts)
        if math.isfinite(found.bound):
            face = face_of(problem, found.p, found.operator)
            rounding = problem.total * problem.rounding(face.sensitivity)
            unique = is_unique(problem, face, found.factor, found.p, known)
        status = self._status(found.bound, wanted, converged)
        if rounding > wanted:
            status += f", though rounding leaves up to {rounding:.2g} nats of that uncertain"
        return TomographyResult(
            state=found.state(counts.measurement.dims, problem.dim),
            counts=counts,
            log_likelihood=found.value,
            certificate=found.bound,
            rounding=rounding,
            unique=unique,
            wanted=wanted,
            iterations=self.iterations,
            seconds=time.perf_counter() - self.since,
            converged=converged,
            status=f"{status}{openness(known, unique, rest='hedging' if problem.hedging else 'positivity')}.",
            method=method,
            rank_limit=rank_limit,
            hedging=problem.hedging * problem.total,
            history=TomographyHistory._of(self.rows),
        )

    def _state(self, iterate: Iterate) -> _Found:
        """The state and what is proved of it, computed anew; eigenvalues that no state of maximum likelihood needs are
        left out, and those without which the gap that was asked for is kept."""
        problem = self.problem
        u, s, _ = spectral.svd(iterate.factor)
        found = self._judge(u * (s / np.linalg.norm(s)))
        if problem.hedging or not math.isfinite(found.bound):
            return found
        kept = min(face_of(problem, found.p, found.operator).dim, int(np.count_nonzero(s > 0)))
        if kept < len(s):
            found = self._of_rank(found, kept) or found
        while found.bound <= self.wanted(found.value) and found.factor.shape[1] > 1:
            less = self._judge(_first(found.factor, found.factor.shape[1] - 1))
            if less.bound > self.wanted(found.value):
                break
            found = less
        return found

    def _of_rank(self, found: _Found, rank: int) -> _Found | None:
        """A state of this rank with a certificate no worse, a few steps from what is left of the one found."""
        enough = max(found.bound, self.wanted(found.value))
        for iterate in itertools.islice(conjugate_gradients(self.problem, _first(found.factor, rank)), POLISH):
            if self._certificate(iterate)[1] <= enough:
                less = self._judge(iterate.factor / np.linalg.norm(iterate.factor))
                if less.bound <= enough:
                    return less
        return None

    def _judge(self, factor: Complex) -> _Found:
        sigma = factor @ factor.conj().T
        p = self.problem.probabilities(sigma)
        if not (p > 0).all():
            return _Found(factor, p, sigma, -math.inf, math.inf)
        operator = self.problem.operator(p, factor)
        return _Found(factor, p, operator, *self._certificate(Iterate(factor, p, operator)))

    def _status(self, bound: float, wanted: float, converged: bool) -> str:
        after = f"after {_checks.plural(self.iterations, 'iteration')}"
        likelihood = "hedged log-likelihood" if self.problem.hedging else "log-likelihood"
        if self.reason == "stationary":
            return (
                f"stationary among the states of rank {self.columns} or less {after}: "
                f"the {likelihood} is within {bound:.3g} nats of the largest of all states"
            )
        if converged:
            return f"certified {after}: the {likelihood} is within {bound:.2g} nats of the largest"
        why = {
            "limit": "at the iteration limit",
            "stalled": f"where the bound had not become smaller in {STALLED} iterations,",
        }.get(self.reason, "at the limit of rounding")
        return (
            f"not certified: stopped {why} {after}; the {likelihood} is within {bound:.2g} nats of the largest, "
            f"{wanted:.2g} were wanted"
        )


def _first(factor: Complex, rank: int) -> Complex:
    """The largest singular values of a factor, at unit trace."""
    u, s, _ = spectral.svd(factor)
    return np.asarray(u[:, :rank] * (s[:rank] / np.linalg.norm(s[:rank])))


def _wait(last: tuple[int, float] | None, now: tuple[int, float], wanted: float) -> int:
    """Iterations until the certificate is looked at again: where its decay, extended, comes near to what is wanted."""
    if last is None or not (0 < now[1] < last[1] and wanted > 0):
        return 5
    rate = math.log(last[1] / now[1]) / (now[0] - last[0])
    return int(min(max(0.7 * math.log(now[1] / wanted) / rate, 3), 25))
