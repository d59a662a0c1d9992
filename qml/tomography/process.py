"""process_tomography: the process under which the data are most likely, certified."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
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
from qml.tomography.excess import Excess
from qml.tomography.face import is_blind, openness
from qml.tomography.likelihood import Likelihood, certificate
from qml.tomography.linear import LARGEST_EXAMINED, determined, record_of
from qml.tomography.result import TomographyHistory, TomographyResult

LEAST = 1e-6
"""Eigenvalues of J up to this are left out where the likelihood allows it."""
LOST = 1e-6
"""How many nats of the likelihood may be lost by that."""
WEAK = 1e-2
"""The weight, about, of the Kraus operators that a start lacks."""
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
        By default a random isometry. Kraus operators that it lacks begin small and random, since the likelihood has no
        slope where they are zero.
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
        For other counts, an argument out of range, or a start of as many Kraus operators as `rank` allows that
        excludes an outcome which was seen.
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
    params0 = None if start is None else _begun(model, start, counts)
    since = time.perf_counter()

    def learn(model: KrausModel, params0: Real | None, restarts: int = 1, gradient: float = ROUGH) -> _Found:
        found = fit(
            model,
            counts,
            loss=Excess(),
            optimizer=LBFGS(),
            params0=params0,
            restarts=restarts,
            seed=seed,
            max_iterations=max_iterations,
            gradient_tolerance=gradient,
            progress=progress,
        )
        assert isinstance(found.state, DensityMatrix)
        return _Found(model, found, found.state, *certificate(problem, found.state.matrix(), math.prod(model.dims_in)))

    best, tries = _fewest_operators(learn, learn(model, params0, restarts), gap)
    iterations = sum(t.fit.iterations for t in tries)
    if (
        not tries[-1].is_stopped
        and best.bound > max(gap, relative_gap * abs(best.value))
        and iterations < max_iterations
    ):
        tries.append(learn(best.model, best.fit.params, gradient=FINE))
        iterations += tries[-1].fit.iterations
        best = min(best, tries[-1], key=lambda t: t.bound)
    gap = max(gap, relative_gap * abs(best.value))
    is_full = model.rank == m.dim
    unique = _is_unique(problem, best.state.matrix())
    known = determined(counts) if m.dim <= LARGEST_EXAMINED else None
    seconds = time.perf_counter() - since
    return TomographyResult(
        state=best.state,
        counts=counts,
        log_likelihood=best.value,
        certificate=best.bound,
        rounding=best.rounding,
        unique=unique,
        wanted=gap,
        iterations=iterations,
        seconds=seconds,
        converged=best.bound <= gap or (not is_full and tries[0].fit.converged),
        status=f"{_status(tries, best, gap, is_full)}{openness(known, unique, 'process')}.",
        method="isometry",
        rank_limit=None if is_full else model.rank,
        hedging=0.0,
        history=TomographyHistory._of([(iterations, seconds, best.value, best.bound)]),
    )


def _begun(model: KrausModel, start: Process, counts: Counts) -> Real:
    """theta to start from, near to a process, where the likelihood has a slope."""
    params = model.params_of(_checks.instance("start", start, Process))
    if start.rank < model.rank:
        scale = math.sqrt(WEAK * start.dim_in / len(params))
        params = params + model.init_params(np.random.default_rng(0), scale)
    if why := Excess().why_infinite(counts, model.state(params)):
        raise InputError(f"start must give a probability to every outcome that was seen; found {why}.")
    return params


class _Found(NamedTuple):
    """A fit of some number of Kraus operators, and what :func:`certificate` says of its Choi state."""

    model: KrausModel
    fit: FitResult
    state: DensityMatrix
    value: float
    bound: float
    rounding: float

    @property
    def is_stopped(self) -> bool:
        return CTRL_C in self.fit.status


def _fewest_operators(learn: Callable[..., _Found], first: _Found, gap: float) -> tuple[_Found, list[_Found]]:
    """A fit again with those Kraus operators alone that weigh something, as long as the likelihood allows it: the best,
    and all that were tried."""
    best, tries = first, [first]
    while not tries[-1].is_stopped:
        kept = int(np.count_nonzero(best.state.eigenvalues() > LEAST))
        if kept >= best.model.rank:
            break
        smaller = KrausModel(best.model.dims_in, best.model.dims_out, rank=kept)
        tries.append(learn(smaller, _largest(best.state, smaller)))
        if tries[-1].value < best.value - LOST or tries[-1].bound > max(gap, best.bound):
            break
        best = tries[-1]
    return best, tries


def _status(tries: list[_Found], best: _Found, gap: float, is_full: bool) -> str:
    """How the search ended, in words."""
    after = f"after {_checks.plural(sum(t.fit.iterations for t in tries), 'iteration')}"
    if best.bound <= gap:
        return f"certified {after}: the log-likelihood is within {best.bound:.2g} nats of the largest"
    if not is_full and tries[0].fit.converged:
        operators = _checks.plural(tries[0].model.rank, "Kraus operator")
        return (
            f"stationary among the processes of {operators} {after}: the log-likelihood is within {best.bound:.3g} "
            "nats of the largest of all processes"
        )
    is_stopped = tries[-1].is_stopped
    how = f"{CTRL_C} {after}" if is_stopped else f"stopped {after}"
    cause = next((t.fit.status for t in tries if not t.fit.converged), tries[-1].fit.status).removesuffix(".")
    return (
        f"not certified: {how}; the log-likelihood is within {best.bound:.2g} nats of the largest, {gap:.2g} "
        f"were wanted{'' if is_stopped else f': {cause}'}"
    )


def _largest(state: State, model: KrausModel) -> Real:
    """theta of the largest Kraus operators of a process, which the model completes to one."""
    values, vectors = np.linalg.eigh(state.matrix())
    d, d_out = math.prod(model.dims_in), math.prod(model.dims_out)
    columns = vectors[:, -model.rank :] * np.sqrt(values[-model.rank :])
    v = columns.T.reshape(-1, d, d_out).transpose(2, 0, 1).reshape(-1)
    return np.concatenate([v.real, v.imag])


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
