"""process_tomography: the process under which the data are most likely, certified."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.fitting import FitResult, fit
from qml.fitting.restart import CTRL_C
from qml.measurement import Counts
from qml.optimizers import LBFGS
from qml.processes import KrausModel, Process
from qml.states import DensityMatrix, State
from qml.tomography.face import is_blind, openness
from qml.tomography.likelihood import Likelihood, largest_eigenvalue
from qml.tomography.linear import LARGEST_EXAMINED, determined, record_of
from qml.tomography.result import TomographyHistory, TomographyResult

LEAST = 1e-6
"""Eigenvalues of J up to this are left out where the likelihood allows it."""
LOST = 1e-6
"""How many nats of the likelihood may be lost by that."""
ROUGH, FINE = 1e-10, 1e-12
"""Largest entry of the gradient of a shot: what is certified nearly always, and what is tried where it is not, below
what rounding of the likelihood lets a line search reach."""


def process_tomography(
    counts: Counts,
    *,
    rank: int | None = None,
    gap: float = 1e-2,
    relative_gap: float = 5e-8,
    start: Process | None = None,
    restarts: int = 1,
    seed: int = 0,
    max_iterations: int = 5000,
    progress: bool | None = None,
) -> TomographyResult:
    r"""The process of maximum likelihood, with a bound on how far it is from the largest likelihood.

    .. math:: \hat J = \arg\max \sum_k n_k \log p_k, \qquad p_k = \mathrm{Tr}(M_k J), \qquad J \ge 0, \;
        \mathrm{Tr}_{\text{out}} J = 1/d

    over all completely positive trace-preserving maps, as isometries V into the output and an environment
    (:class:`~qml.processes.KrausModel`): positivity and trace hold whatever the parameters are. The certificate is a
    feasible point of the dual problem,

    .. math:: L_{\max} - L(J) \le N \log\big(1 + \lambda_{\max}(R - Y \otimes 1)\big), \qquad
        R = \sum_k \frac{n_k}{N p_k} M_k, \qquad Y = d\, \mathrm{Tr}_{\text{out}} R J ,

    and holds for every process, whatever led there. Proof: by concavity of the logarithm L(K) - L(J) <= N log Tr RK for
    every process K; with R <= Y' (x) 1, where Y' = Y + lambda_max 1, Tr RK <= Tr Y'/d = 1 + lambda_max.

    Parameters
    ----------
    counts : Counts
        Of a :class:`~qml.processes.ProcessMeasurement`, or of parts or several of them.
    rank : int, optional
        The most Kraus operators. The problem is then not convex, and the certificate still compares with all processes.
    gap, relative_gap : float
        How near to the largest likelihood, in nats and relative to it, is called certified.
    start : Process, optional
        By default a random isometry.
    restarts : int
        Random starts, of which the best is kept: for a small `rank`.
    seed : int
    max_iterations : int
    progress : bool, optional
        As for ``fit``; Ctrl-C keeps the best so far.

    Returns
    -------
    TomographyResult
        Its ``process``; its state is the Choi state. Errors (:class:`~qml.tomography.FisherInformation`), what is
        undetermined, and intervals of the fidelity with a unitary (``result.interval(target)``) know that the trace is
        preserved.

    Raises
    ------
    InputError
        For other counts, or an argument out of range.
    MemoryRefused
        If the Kraus operators or the probabilities would not fit.

    Notes
    -----
    An iteration applies the measurement and its adjoint once, and decomposes V: O(d_out r d^2). The certificate is
    linear in the gradient, so that it is larger than what is really missing, which is quadratic in it. Source: Fiurasek
    and Hradil (2001), arXiv:quant-ph/0101048 (the likelihood equations).

    Examples
    --------
    >>> import numpy as np
    >>> from qml import PauliMeasurement, gates, sample
    >>> from qml.processes import ProcessMeasurement, as_process, average_gate_fidelity
    >>> setup = ProcessMeasurement(1, PauliMeasurement(1))
    >>> counts = sample(as_process(gates.T), setup, 1000, np.random.default_rng(0))
    >>> result = process_tomography(counts)
    >>> result.converged, round(average_gate_fidelity(result.process, gates.T), 2)
    (True, 0.99)
    """
    m = record_of(counts).measurement
    if not m.dims_in:
        raise InputError(
            f"process_tomography needs counts of a ProcessMeasurement; found those of a {type(m).__name__}: for states "
            "use maximum_likelihood."
        )
    gap = _checks.number("gap", gap, low=0.0)
    relative_gap = _checks.number("relative_gap", relative_gap, low=0.0)
    problem = Likelihood(counts)
    model = KrausModel(m.dims_in, m.dims[len(m.dims_in) :], rank=rank)
    params0 = None if start is None else model.params_of(_checks.instance("start", start, Process))
    since = time.perf_counter()

    def learn(model: KrausModel, params0: Real | None, restarts: int, gradient: float = ROUGH) -> FitResult:
        return fit(
            model,
            counts,
            optimizer=LBFGS(),
            params0=params0,
            restarts=restarts,
            seed=seed,
            max_iterations=max_iterations,
            gradient_tolerance=gradient,
            progress=progress,
        )

    found = learn(model, params0, restarts)
    best, iterations, full = _judged(problem, found.state, model), found.iterations, model.rank == m.dim
    latest, params = model, found.params
    stopped = CTRL_C in found.status
    while not stopped and (kept := int(np.count_nonzero(best.state.eigenvalues() > LEAST))) < best.rank:
        smaller = KrausModel(m.dims_in, model.dims_out, rank=kept)
        again = learn(smaller, smaller.params_of(_of_rank(best.state, smaller)), 1)
        iterations, stopped = iterations + again.iterations, CTRL_C in again.status
        less = _judged(problem, again.state, smaller)
        if less.value < best.value - LOST or less.bound > max(gap, best.bound):
            break
        best, latest, params = less, smaller, again.params
    if not stopped and best.bound > max(gap, relative_gap * abs(best.value)) and iterations < max_iterations:
        again = learn(latest, params, 1, FINE)
        iterations += again.iterations
        if (more := _judged(problem, again.state, latest)).bound < best.bound:
            best = more
    value, bound, rounding = best.value, best.bound, best.rounding
    gap = max(gap, relative_gap * abs(value))
    converged = bound <= gap or (not full and found.converged)
    after = f"after {_checks.plural(iterations, 'iteration')}"
    if bound <= gap:
        status = f"certified {after}: the log-likelihood is within {bound:.2g} nats of the largest"
    elif not full and found.converged:
        operators = _checks.plural(model.rank, "Kraus operator")
        status = f"stationary among the processes of {operators} {after}: at most {bound:.2g} nats below all processes"
    else:
        how = f"{CTRL_C} {after}" if stopped else f"stopped {after}"
        status = (
            f"not certified: {how}; the log-likelihood is within {bound:.2g} nats of the largest, {gap:.2g} "
            "were wanted: raise max_iterations"
        )
    unique = _is_unique(problem, best.state.matrix())
    known = determined(counts) if m.dim <= LARGEST_EXAMINED else None
    seconds = time.perf_counter() - since
    return TomographyResult(
        state=best.state,
        counts=counts,
        log_likelihood=value,
        certificate=bound,
        rounding=rounding,
        unique=unique,
        wanted=gap,
        iterations=iterations,
        seconds=seconds,
        converged=converged,
        status=f"{status}{openness(known, unique, 'process')}.",
        method="isometry",
        rank_limit=None if full else model.rank,
        hedging=0.0,
        history=TomographyHistory._of([(iterations, seconds, value, bound)]),
    )


class _Found(NamedTuple):
    """A Choi state of a number of Kraus operators, and what :func:`certificate` says of it."""

    state: DensityMatrix
    rank: int
    value: float
    bound: float
    rounding: float


def _judged(problem: Likelihood, state: State, model: KrausModel) -> _Found:
    assert isinstance(state, DensityMatrix)
    return _Found(state, model.rank, *certificate(problem, state.matrix(), math.prod(model.dims_in)))


def _of_rank(state: State, model: KrausModel) -> Process:
    """The largest Kraus operators of a process, completed to one."""
    values, vectors = np.linalg.eigh(state.matrix())
    d, d_out = math.prod(model.dims_in), math.prod(model.dims_out)
    columns = vectors[:, -model.rank :] * np.sqrt(values[-model.rank :])
    v = columns.T.reshape(-1, d, d_out).transpose(2, 0, 1).reshape(-1, d)
    u, _, w = np.linalg.svd(v, full_matrices=False)
    return Process.from_stinespring(u @ w, model.rank, model.dims_in, model.dims_out)


def certificate(problem: Likelihood, choi: Complex, d: int) -> tuple[float, float, float]:
    """The log-likelihood of a process, by how much that of another can be larger, and what rounding leaves uncertain
    of that, all in nats."""
    p = problem.probabilities(choi)
    if not (p > 0).all():
        return -math.inf, math.inf, math.inf
    operator = problem.operator(p)
    d_out = problem.dim // d
    reduced = d * np.einsum("iaja->ij", (operator @ choi).reshape(d, d_out, d, d_out))
    dual = np.kron((reduced + reduced.conj().T) / 2, np.eye(d_out))
    excess = max(largest_eigenvalue(operator - dual), 0.0)
    rounding = problem.total * problem.rounding(problem.sensitivity(p))
    return problem.log_likelihood(p), problem.total * math.log1p(excess), rounding


def _is_unique(problem: Likelihood, choi: Complex) -> bool | None:
    """Whether one process alone has the largest likelihood: True where the settings determine every process, and the
    outcomes seen the settings; False where a direction within the support of J, along which the trace stays preserved,
    changes no probability of an outcome seen; else None."""
    if problem.dim > 16:
        return None
    values, vectors = np.linalg.eigh(choi)
    everything, weights = np.eye(problem.dim, dtype=np.complex128), np.ones(len(problem.shares))
    if is_blind(problem, vectors[:, values > LEAST], weights):
        return False
    return None if is_blind(problem, everything, weights, unless=True) else True
