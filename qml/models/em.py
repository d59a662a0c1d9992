"""Expectation maximisation for Gibbs models with hidden units."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from qml import _checks, spectral, threads
from qml._checks import InputError
from qml._results import Outcome
from qml._typing import ParamsLike, Real
from qml.models.hidden import HiddenGibbsModel
from qml.states import State, as_single_state
from qml.states.cross_entropy import cross_entropy_and_cotangent

MAX_HALVINGS = 40
MAX_CHANGE = 1.0
"""How far step M may move a parameter where Q is no bound on S, and may have no minimum."""
ROUNDING_GRADIENT = 100 * math.sqrt(spectral.EPS)
"""Where no step lowers S and the gradient is below this times max(1, S), what is left is rounding."""


@dataclass(frozen=True, eq=False, repr=False)
class EMResult(Outcome):
    """What :func:`quantum_em` leaves.

    Attributes
    ----------
    params : array (n_params,)
    state : State
        sigma of the visible sites there.
    loss, floor : float
        S(rho, sigma) and S(rho) in nats.
    history : array (iterations + 1,)
        S(rho, sigma) at every iterate, the start included; it never rises, but for rounding.
    gradient_norm : float
        The largest entry of the gradient of S at the end, in absolute value.
    converged : bool
    status : str
        A sentence.
    parameter_names : tuple of str
    seconds : float
        What it took.

    Examples
    --------
    >>> from qml import HiddenGibbsModel
    >>> result = quantum_em(HiddenGibbsModel(["ZZ", "ZI"]), np.diag([0.8, 0.2]), seed=0)
    >>> result.converged, round(result.loss, 6), abs(result.gap) < 1e-10
    (True, 0.500402, True)
    >>> bool(result.history[-1] == result.loss), len(result.history) == result.iterations + 1
    (True, True)
    >>> result.state.probabilities().round(6)
    array([0.8, 0.2])
    """

    params: Real
    state: State
    loss: float
    floor: float
    history: Real = field(repr=False)
    gradient_norm: float
    converged: bool
    status: str
    parameter_names: tuple[str, ...]
    seconds: float
    caption: ClassVar[str] = "quantum EM"

    @property
    def iterations(self) -> int:
        """Iterates after the start."""
        return len(self.history) - 1

    @property
    def gap(self) -> float:
        r"""D(rho\|\|sigma) = S(rho, sigma) - S(rho) in nats."""
        return self.loss - self.floor

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("loss", f"{self.loss:.12g}"),
            ("floor", f"{self.floor:.12g}"),
            ("gap", f"{self.gap:.3e}"),
            ("gradient", f"{self.gradient_norm:.3e}"),
            ("parameters", str(len(self.params))),
            ("iterations", str(self.iterations)),
            ("status", self.status),
        ]

    def __repr__(self) -> str:
        return f"<EMResult: loss {self.loss:.9g}, gap {self.gap:.3g}, {self.status}>"


def quantum_em(
    model: HiddenGibbsModel,
    target: Any,
    *,
    params0: ParamsLike | None = None,
    seed: int | None = None,
    max_iterations: int = 1000,
    gradient_tolerance: float = 1e-8,
    inner_iterations: int = 10,
) -> EMResult:
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
    EMResult

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
    >>> from qml.models.hidden import semi_quantum_restricted
    >>> result = quantum_em(semi_quantum_restricted(2, 1), np.diag([0.4, 0.1, 0.2, 0.3]), seed=1)
    >>> result.converged, bool(np.diff(result.history).max() < 1e-15), abs(result.gap) < 1e-10
    (True, True, True)
    """
    if not isinstance(model, HiddenGibbsModel):
        raise InputError(
            f"model must be a HiddenGibbsModel, one with hidden units; found {_checks.shown(model)}: fit learns models "
            "of every other kind."
        )
    since = time.perf_counter()
    rho = as_single_state(target, model.dims)
    max_iterations = _checks.integer("max_iterations", max_iterations, low=0)
    inner_iterations = _checks.integer("inner_iterations", inner_iterations, low=1)
    tolerance = _checks.number("gradient_tolerance", gradient_tolerance, low=0.0)
    if params0 is None:
        seed = None if seed is None else _checks.integer("seed", seed, low=0)
        theta = model.init_params(np.random.default_rng(seed))
    else:
        theta = model.theta(params0)
    with threads.suited(math.prod(model.joint.dims)):
        sigma, value, gradient = _evaluate(model, rho, theta)
        history = [value]
        status = ""
        while not status:
            size = float(np.abs(gradient).max(initial=0.0))
            if not np.isfinite(value):
                status = "not started: S is infinite at the start; choose another params0."
            elif size <= tolerance:
                status = f"converged: the largest entry of the gradient, {size:.2e}, is within {tolerance:.2e}."
            elif len(history) > max_iterations:
                status = f"stopped after {_checks.plural(max_iterations, 'iteration')}: raise max_iterations."
            else:
                step, q = _maximised(model, theta, gradient, inner_iterations)
                slack = 4 * spectral.EPS * max(1.0, abs(value))
                for _ in range(MAX_HALVINGS):
                    trial = _evaluate(model, rho, theta + step)
                    if step.any() and trial[1] - value <= q(theta + step) / 2 + slack:
                        break
                    step = step / 2
                else:
                    rounding = size <= ROUNDING_GRADIENT * max(1.0, abs(value))
                    ending = "converged to rounding" if rounding else "stalled"
                    status = f"{ending}: no step lowers S; the largest entry of the gradient is {size:.2e}."
                    continue
                theta = theta + step
                sigma, value, gradient = trial
                history.append(value)
    return EMResult(
        params=theta,
        state=sigma,
        loss=value,
        floor=float(rho.entropy()),
        history=np.array(history),
        gradient_norm=size,
        converged=status.startswith("converged"),
        status=status,
        parameter_names=model.parameter_names,
        seconds=time.perf_counter() - since,
    )


def _evaluate(model: HiddenGibbsModel, rho: State, theta: Real) -> tuple[State, float, Real]:
    """sigma, S(rho, sigma) and its gradient, NaN where S is +inf."""
    sigma, pull = model.state_vjp(theta)
    value, cotangent = cross_entropy_and_cotangent(rho, sigma)
    gradient = pull(cotangent) if np.isfinite(value) else np.full(len(theta), np.nan)
    return sigma, float(value), gradient


def _maximised(
    model: HiddenGibbsModel, theta: Real, gradient: Real, iterations: int
) -> tuple[Real, Callable[[Real], float]]:
    """Step M: theta' - theta, and the function Q - Q(theta), which is at most zero at theta'."""
    import scipy.optimize  # a fifth of a second

    log_z, means = model.log_partition_and_means(theta)
    moments = means + gradient

    def q(params: Real) -> tuple[float, Real]:
        log_z_there, means_there = model.log_partition_and_means(params)
        return float((params - theta) @ moments) + log_z_there - log_z, moments - means_there

    bounds = scipy.optimize.Bounds(theta - MAX_CHANGE, theta + MAX_CHANGE) if model.method == "dense" else None
    options = {"maxiter": iterations, "gtol": 0.0, "ftol": 0.0}
    found = scipy.optimize.minimize(q, theta, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x - theta, dtype=np.float64), lambda params: q(params)[0]
