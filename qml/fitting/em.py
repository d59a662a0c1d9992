"""Expectation maximisation for Gibbs models with hidden units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qml import _checks, spectral
from qml._typing import ParamsLike, Real
from qml.fitting.result import FitResult
from qml.fitting.run import fit
from qml.losses import CrossEntropy
from qml.models import HiddenGibbsModel
from qml.optimizers import Optimizer, OptimizerState, Point, Stalled
from qml.optimizers.base import halved
from qml.states import as_single_state

MAX_CHANGE = 1.0
"""How far step M may move a parameter where Q is no bound on S, and may have no minimum."""


def quantum_em(
    model: HiddenGibbsModel,
    target: Any,
    *,
    params0: ParamsLike | None = None,
    seed: int | None = None,
    max_iterations: int = 1000,
    gradient_tolerance: float = 1e-8,
    inner_iterations: int = 10,
) -> FitResult:
    r"""Learn a target with a Gibbs model with hidden units by expectation maximisation.

    Step E completes rho to all sites, at the current theta; only the expectations of the generators matter,

    .. math:: m_j = \mathrm{Tr}(\tau G_j) = \partial_j S(\rho, \sigma_\theta) + \mathrm{Tr}(e^{-K_\theta} G_j) / Z

    Step M fits the joint Gibbs state to them, which is convex: it lowers
    :math:`Q(\theta') = \sum_j \theta'_j m_j + \log Z_{\theta'}` from theta by a few iterations of L-BFGS.

    Where the generators are diagonal in the visible configurations (``model.method`` not "dense"), tau is the state
    sum_v rho_vv \|v><v\| (x) e^{-K(v)} / Tr e^{-K(v)} and any theta' that lowers Q lowers S(rho, sigma), by the data
    processing inequality: S never rises. Elsewhere tau is Hermitian of unit trace but need not be positive, and no such
    theorem holds; theta' - theta is then a direction along which S falls. Step M moves no parameter by more than 1
    there, and the step is halved until S falls by half of what Q promised.

    Parameters
    ----------
    model : HiddenGibbsModel
    target : State, array (d, d) or (d,), or QuTiP object
        rho, with the dims of the model.
    params0 : array (n_params,), optional
        The start; by default ``model.init_params``.
    seed : int, optional
        Of the random start.
    max_iterations : int
        Pairs of steps E and M.
    gradient_tolerance : float
        Converged when the largest entry of the gradient of S is at most this.
    inner_iterations : int
        The most iterations of step M.

    Returns
    -------
    FitResult
        Its loss is S(rho, sigma) in nats, which never rises from one iterate to the next, but for rounding.

    Raises
    ------
    InputError
        If the model has no hidden units, or the dims differ.

    Notes
    -----
    Each iteration costs one gradient of S and, for step M, about `inner_iterations` of log Z. Convergence is linear,
    the slower the more the hidden units hide: from a close start ``fit`` with L-BFGS takes fewer evaluations.
    Source: Dempster, Laird and Rubin (1977), J. R. Stat. Soc. B 39, 1; Vishnu et al. (2025), arXiv:2507.22786; Kimura,
    Kato and Hayashi (2025), arXiv:2507.21569; for the expectations m, Wilde (2025), arXiv:2512.19819.

    Examples
    --------
    >>> from qml import semi_quantum_restricted
    >>> result = quantum_em(semi_quantum_restricted(2, 1), np.diag([0.4, 0.1, 0.2, 0.3]), seed=1)
    >>> result.converged, bool(np.diff(result.history.loss).max() < 1e-15), abs(result.gap) < 1e-10
    (True, True, True)
    """
    _checks.instance(
        "model", model, HiddenGibbsModel, "one with hidden units, as fit learns models of every other kind"
    )
    drawn = np.random.SeedSequence(None if seed is None else _checks.integer("seed", seed, low=0)).entropy
    assert isinstance(drawn, int)
    return fit(
        model,
        as_single_state(target, model.dims),
        loss=CrossEntropy(),
        optimizer=ExpectationMaximisation(inner_iterations),
        params0=model.init_params(np.random.default_rng(drawn)) if params0 is None else params0,
        seed=drawn,
        max_iterations=max_iterations,
        gradient_tolerance=gradient_tolerance,
        progress=False,
    )


@dataclass(frozen=True)
class ExpectationMaximisation(Optimizer):
    """Steps E and M of :func:`quantum_em`, for the cross entropy of a model with hidden units."""

    name: ClassVar[str] = "expectation_maximisation"
    descends: ClassVar[bool] = True
    inner_iterations: int = 10

    def __post_init__(self) -> None:
        _checks.integer("inner_iterations", self.inner_iterations, low=1)

    def step(self, objective: Any, point: Point, state: OptimizerState) -> tuple[Point, OptimizerState]:
        step, q = _maximised(objective.model, point, self.inner_iterations)
        slack = 4 * spectral.EPS * max(1.0, abs(point.value))
        if not step.any():
            raise Stalled

        def falls(reached: Point) -> bool:
            return reached.value - point.value <= q(reached.params) / 2 + slack

        return halved(objective, point, step, falls), state


def _maximised(model: HiddenGibbsModel, point: Point, iterations: int) -> tuple[Real, Callable[[Real], float]]:
    """Step M: theta' - theta, and the function Q - Q(theta), which is at most zero at theta'."""
    import scipy.optimize  # a fifth of a second

    theta = point.params
    log_z, means = model.log_partition_and_means(theta)
    moments = means + point.gradient

    def q(params: Real) -> tuple[float, Real]:
        log_z_there, means_there = model.log_partition_and_means(params)
        return float((params - theta) @ moments) + log_z_there - log_z, moments - means_there

    bounds = scipy.optimize.Bounds(theta - MAX_CHANGE, theta + MAX_CHANGE) if model.method == "dense" else None
    options = {"maxiter": iterations, "gtol": 0.0, "ftol": 0.0}
    found = scipy.optimize.minimize(q, theta, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x - theta, dtype=np.float64), lambda params: q(params)[0]
