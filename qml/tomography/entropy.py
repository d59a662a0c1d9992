"""maximum_entropy: among the states of maximum likelihood, the one that assumes least."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex
from qml.fitting import fit
from qml.measurement import Counts
from qml.models import GibbsModel
from qml.operators.sets import hermitian_basis
from qml.optimizers import Newton
from qml.states import DensityMatrix
from qml.tomography.face import known_of, openness
from qml.tomography.likelihood import Likelihood, certificate
from qml.tomography.linear import LARGEST_EXAMINED, design, record_of
from qml.tomography.mle import maximum_likelihood
from qml.tomography.result import TomographyHistory, TomographyResult


def maximum_entropy(counts: Counts, *, gap: float = 1e-2, max_iterations: int = 200) -> TomographyResult:
    r"""The state of largest entropy among those whose likelihood is the largest, up to `gap` nats.

    Where the settings do not determine the state, many states share the largest likelihood; they agree on the
    probabilities of all outcomes that were seen. Of these the one of largest entropy is

    .. math:: \sigma = e^{\sum_j \theta_j B_j} / Z, \qquad \mathrm{Tr}(B_j \sigma) = b_j

    with B_j a basis of the span of the effects that were seen. So that it exists, the probabilities are mixed with a
    part epsilon = gap / 2N of those of 1/d, which costs no more than about N epsilon nats of log-likelihood.

    Parameters
    ----------
    counts : Counts
        Dimension 32 at most.
    gap : float
        In nats, at most 2N, where epsilon is one; the certificate is the bound of :func:`maximum_likelihood` at the
        state returned.
    max_iterations : int
        Steps of Newton's method.

    Raises
    ------
    InputError
        For dimensions above 32, a gap that is not above zero or is above 2N, or a record without shots.

    Notes
    -----
    Newton's method on the convex dual function log Z - theta b; a step costs O(m^2 d^2) for m directions determined.
    Source: Teo, Zhu, Englert, Rehacek, Hradil (2011), arXiv:1102.2662, who reach the same state by an entropy term of
    small weight.

    Examples
    --------
    One basis tells nothing about the coherences; the state of largest entropy has none:

    >>> from qml.measurement import Counts, PauliMeasurement
    >>> result = maximum_entropy(Counts(PauliMeasurement(["Z"]), [75, 25]))
    >>> result.state.matrix().real.round(3) + 0.0
    array([[0.75, 0.  ],
           [0.  , 0.25]])
    """
    record = record_of(counts)
    shots, m = record.total, record.measurement
    problem = Likelihood(counts)
    gap = _checks.number("gap", gap, 0.0, 2.0 * shots)
    if not gap:
        raise InputError("gap must be above zero: at zero the state of largest entropy may not exist as exp(K).")
    max_iterations = _checks.integer("max_iterations", max_iterations, low=0)
    if m.dim > LARGEST_EXAMINED:
        raise InputError(f"maximum_entropy is for dimensions up to {LARGEST_EXAMINED}; found {m.dim}.")
    since = time.perf_counter()
    start = maximum_likelihood(counts, gap=gap / 100, relative_gap=0.0)
    epsilon = gap / (2 * problem.total)
    mixed = (1 - epsilon) * start.state.matrix() + epsilon * np.eye(m.dim) / m.dim
    basis = _seen_directions(counts)
    sigma, steps = np.eye(m.dim, dtype=np.complex128) / m.dim, 0
    if len(basis):
        found = fit(
            GibbsModel(list(basis), m.dims),
            DensityMatrix._trusted(mixed, m.dims),
            optimizer=Newton(),
            params0=np.zeros(len(basis)),
            max_iterations=max_iterations,
            gradient_tolerance=1e-3 * epsilon,
            progress=False,
        )
        sigma, steps = found.state.matrix(), found.iterations
    value, bound, rounding = certificate(problem, sigma, 1)
    converged = bound <= gap
    iterations, seconds = start.iterations + steps, time.perf_counter() - since
    return replace(
        start,
        state=DensityMatrix._trusted(sigma, m.dims),
        log_likelihood=value,
        certificate=bound,
        rounding=rounding,
        wanted=gap,
        iterations=iterations,
        seconds=seconds,
        converged=converged,
        status=(
            f"{'certified' if converged else 'not certified'}: largest entropy within {bound:.2g} nats of the largest "
            f"log-likelihood{openness(known_of(counts), start.unique)}."
        ),
        method="maximum_entropy",
        history=TomographyHistory._of([(iterations, seconds, value, bound)]),
    )


def _seen_directions(counts: Counts) -> Complex:
    """An orthonormal basis (m, d, d) of the traceless part of the span of the effects that were seen."""
    basis = hermitian_basis(counts.measurement.dim)[1:]
    x = design(counts.measurement, basis)[np.asarray(counts.counts) > 0]
    values, vectors = np.linalg.eigh(x.T @ x)
    kept = vectors[:, values > 1e-12 * values.max(initial=1e-300)]
    return np.asarray(np.einsum("ka,kij->aij", kept, basis))
