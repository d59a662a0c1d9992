"""What a fit leaves: its history, how it ended, and what it was run with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks, losses
from qml._checks import InputError
from qml._descriptions import Described, IfKnown, is_written
from qml._results import FitError as FitError
from qml._results import Outcome, html_table
from qml._typing import Real
from qml.losses import MeasuredReport
from qml.measurement.counts import Counts
from qml.models.base import Model
from qml.models.chain import ChainGibbsModel
from qml.models.conditional import ConditionalModel
from qml.models.gibbs import GibbsModel
from qml.models.thermal import ThermalState
from qml.moments import Moments
from qml.operators import PauliSum
from qml.processes import ProcessFamily
from qml.spectral import EPS
from qml.states import State

LARGEST_DIM_REPORTED = 512
"""Summaries compute no eigenvalues beyond this dimension."""
SHOWN = 8
"""How many iterates of a history a notebook shows."""


def is_compared(target: State) -> bool:
    """Whether a summary tells the fidelity with this target: not where its matrix is what it was learnt without."""
    return not isinstance(target, ThermalState) or target.dim <= LARGEST_DIM_REPORTED


@dataclass(frozen=True, eq=False)
class Iteration:
    """One accepted iterate, as callbacks see it.

    Attributes
    ----------
    iteration : int
        0 is the start.
    restart : int
        Counted from 0.
    params, gradient : array (n_params,), read-only
    loss, floor, gap : float
        gap = loss - floor; D(rho\\|\\|sigma) in nats where the loss is the cross entropy.
    gradient_norm : float
        Its largest entry in absolute value; NaN where the optimizer asks for values only.
    fidelity : float or None
        On request.
    evaluations : int
        Of the loss, in this restart.
    seconds : float
        Since this restart began.
    held_out : float or None
        The loss on the held-out target, without the prior's share, where there is one.

    Examples
    --------
    A callback reads it, and stops the fit by returning True:

    >>> from qml import GibbsModel, fit
    >>> gaps = []
    >>> def enough(it):
    ...     gaps.append(it.gap)
    ...     return it.gap < 1e-3
    >>> fit(GibbsModel(["Z"]), np.diag([0.8, 0.2]), params0=[0.0], callbacks=[enough]).iterations == len(gaps) - 1
    True
    >>> round(gaps[0], 6), gaps[-1] < 1e-3  # from log 2 - S(rho)
    (0.192745, True)
    """

    iteration: int
    restart: int
    params: Real
    gradient: Real
    loss: float
    floor: float
    gradient_norm: float
    fidelity: float | None
    evaluations: int
    seconds: float
    held_out: float | None = None

    @property
    def gap(self) -> float:
        """loss - floor."""
        return self.loss - self.floor


@dataclass(frozen=True, eq=False)
class History(_checks.Record, Described):
    """The accepted iterates of a restart, the start included: one entry each, shape (iterations + 1,).

    Attributes
    ----------
    loss, floor : array
        In nats where the loss is an entropy.
    gradient_norm : array
        The largest entry in absolute value.
    seconds : array
        Since the restart began.
    fidelity : array or None
        F(rho, sigma), of labelled data its mean over the labels; on request.
    held_out : array or None
        The loss on the held-out target, without the prior's share; None where there was none.

    Examples
    --------
    >>> from qml import GibbsModel, fit
    >>> history = fit(GibbsModel(["Z"]), np.diag([0.8, 0.2]), params0=[0.0]).history
    >>> round(float(history.loss[0]), 6), round(float(history.gap[0]), 6)  # log 2, and log 2 - S(rho)
    (0.693147, 0.192745)
    >>> bool(np.all(np.diff(history.loss) <= 0)), list(history.columns())
    (True, ['loss', 'floor', 'gap', 'gradient_norm', 'seconds'])
    """

    loss: Real
    floor: Real
    gradient_norm: Real
    seconds: Real
    fidelity: Real | None = None
    held_out: Real | None = None

    @property
    def gap(self) -> Real:
        """loss - floor: D(rho\\|\\|sigma) for the cross entropy; below about eps * loss it is rounding."""
        return self.loss - self.floor

    def columns(self) -> dict[str, Real]:
        """All arrays by name, the gap included."""
        names = ("loss", "floor", "gap", "gradient_norm", "seconds", "fidelity", "held_out")
        columns = {name: getattr(self, name) for name in names}
        return {name: column for name, column in columns.items() if column is not None}

    def __len__(self) -> int:
        return len(self.loss)

    def _repr_html_(self) -> str:
        """The first and the last iterate, and some between them."""
        columns = self.columns()
        steps = sorted({round(k) for k in np.linspace(0, len(self) - 1, min(len(self), SHOWN))})
        rows = [[str(k), *(f"{column[k]:.6g}" for column in columns.values())] for k in steps]
        return html_table("history", rows, ["iteration", *columns])


@dataclass(frozen=True)
class Restart(Described):
    """How one start ended.

    Attributes
    ----------
    loss : float
        The lowest that it met; in nats where the loss is an entropy.
    iterations, evaluations : int
        Accepted steps, and evaluations of the loss.
    seconds : float
    converged : bool
    status : str
        How it ended, in a sentence.

    Examples
    --------
    >>> from qml import GibbsModel, fit
    >>> result = fit(GibbsModel(["Z"]), np.diag([0.8, 0.2]), seed=0, restarts=2)
    >>> [(restart.converged, round(restart.loss, 6)) for restart in result.restarts]
    [(True, 0.500402), (True, 0.500402)]
    """

    loss: float
    iterations: int
    evaluations: int
    seconds: float
    converged: bool
    status: str


@dataclass(frozen=True, eq=False, repr=False)
class FitResult(Outcome):
    """The best state that a fit found, and how it got there.

    Attributes
    ----------
    params : array (n_params,)
        Where the loss was lowest.
    state : State
        The model's state there.
    target : State, Counts, Moments, PauliSum, or what else the loss accepts
        What was learnt. The last is not written to files, which have its text as ``provenance["target"]``: read from
        there, it is None.
    loss, floor : float
        The loss at `params`, and its least value over all states (S(rho) for the cross entropy).
    history : History
        Of the restart that found it.
    iterations, evaluations : int
        Accepted steps of that restart; evaluations of the loss in all restarts.
    seconds : float
        Of all restarts.
    converged : bool
    status : str
        How it ended, in a sentence.
    seed : int or None
        What reproduces the random starts; None where the caller passed a generator.
    restarts : tuple of Restart
        How each start ended.
    provenance : mapping
        Versions, platform, threads, start time (UTC), and what was fitted how.
    parameter_names : tuple of str
    model : Model, ConditionalModel, ProcessFamily or None
        What was fitted, to go on with: ``result.model.state(result.params)``. One of your own is written to files if
        its constructor's arguments are attributes of the same names. Read from a file without it, or where its class
        is not imported, it is None.

    Examples
    --------
    >>> from qml import GibbsModel, fit
    >>> result = fit(GibbsModel(["Z"]), np.diag([0.8, 0.2]), seed=0)
    >>> result.converged, round(result.loss, 6), abs(result.gap) < 1e-12
    (True, 0.500402, True)
    >>> result.params.round(6), result.state.probabilities().round(6)
    (array([-0.693147]), array([0.8, 0.2]))

    It goes to a file with its model and its target, and comes back the same to the bit:

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     result.save(f"{folder}/fit.npz")
    ...     again = FitResult.load(f"{folder}/fit.npz")
    >>> bool(np.array_equal(again.params, result.params)), again.model.parameter_names
    (True, ('Z',))
    """

    params: Real
    state: State
    target: Any
    loss: float
    floor: float
    history: History
    iterations: int
    evaluations: int
    seconds: float
    converged: bool
    status: str
    seed: int | None
    restarts: tuple[Restart, ...]
    provenance: Mapping[str, Any]
    parameter_names: tuple[str, ...]
    model: Model | ConditionalModel | ProcessFamily | None = None

    def _arguments(self) -> dict[str, Any]:
        kept = isinstance(self.target, State | Counts | Moments | PauliSum | np.ndarray)
        provenance = dict(self.provenance) | ({} if kept else {"target": repr(self.target)})
        target, model = self.target if kept else None, IfKnown(self.model) if is_written(self.model) else None
        return {**super()._arguments(), "target": target, "model": model, "provenance": provenance}

    @property
    def gap(self) -> float:
        """loss - floor: D(rho\\|\\|sigma) in nats where the loss is the cross entropy of a state,
        D(rho_hat\\|\\|sigma) where it is that of the empirical state of counts, D(f\\|\\|p) of the frequencies where
        it is their likelihood; of a free energy D(sigma\\|\\|rho_beta), of an energy what is above the ground state."""
        return self.loss - self.floor

    @cached_property
    def fidelity(self) -> float:
        """F(rho, sigma) of target and state, from 0 to 1, of labelled data its mean over the labels; computed when
        first asked for, O(d^3). A target that is not a state has none, and asking for it is an
        :class:`InputError`."""
        if not isinstance(self.target, State):
            raise InputError(
                f"the fidelity needs a state as the target; this fit learnt {type(self.target).__name__}: use "
                "qml.fidelity(rho, result.state) with the state that you compare with."
            )
        return float(np.mean(losses.fidelity(self.target, self.state)))

    @cached_property
    def covariance(self) -> Real:
        r"""The covariance (n_params, n_params) of the learnt parameters, from that of the target's expectations.

        .. math:: \mathrm{Cov}(\hat\theta) = H^{-1} C H^{-1}

        with C the covariance of the expectations of the generators and H the Bogoliubov-Kubo-Mori metric at the
        optimum, the Hessian of S: to first order in the errors of the expectations, and without what a prior adds. For
        Gibbs models that learnt from :class:`~qml.Moments` with errors; for others an :class:`InputError`. Costs the
        metric.

        Examples
        --------
        >>> from qml import GibbsModel, Moments, fit
        >>> target = Moments(["Z"], [0.6], errors=[0.01])
        >>> result = fit(GibbsModel(["Z"]), target, seed=0)
        >>> result.standard_errors.round(6)  # dtheta / dm = 1 / (1 - m^2)
        array([0.015625])
        """
        model = self.model
        if not isinstance(self.target, Moments) or not isinstance(model, GibbsModel | ChainGibbsModel):
            raise InputError(
                "the covariance of parameters is known where a GibbsModel or a ChainGibbsModel learnt from Moments "
                f"with errors; this is {type(model).__name__}, which learnt from {type(self.target).__name__}."
            )
        generators = model.generators
        operators = list(generators.values() if isinstance(generators, Mapping) else generators.operators)
        for g in operators:
            _checks.instance("each generator", g, PauliSum, "as a matrix is no generator of Moments")
        metric = model.metric(self.params, state=self.state).matrix()
        values, basis = np.linalg.eigh(metric)
        if values[0] <= len(values) * EPS * values[-1]:
            raise InputError("the metric is singular at the learnt parameters: some generators depend on the others.")
        inverse = (basis / values) @ basis.T
        return _checks.kept(inverse @ self.target.covariance_of(operators) @ inverse)

    @property
    def standard_errors(self) -> Real:
        """Of the learnt parameters, (n_params,): the roots of the diagonal of :attr:`covariance`."""
        return np.sqrt(np.diagonal(self.covariance))

    @cached_property
    def measured(self) -> MeasuredReport | None:
        """Of a fit of counts of states: the cross entropy of their empirical state beside their likelihood, for the
        measurement as recorded (readout errors that were learnt are not in it); None where the target is something
        else. O(d^3)."""
        is_of_states = isinstance(self.target, Counts) and self.target.measurement.of_states
        return losses.measured_report(self.target, self.state) if is_of_states else None

    def _rows(self) -> list[tuple[str, str]]:
        size = float(self.history.gradient_norm[int(np.argmin(self.history.loss))])
        rows = [
            ("loss", f"{self.loss:.12g}"),
            ("floor", f"{self.floor:.12g}"),
            ("gap", f"{self.gap:.3e}" + (f", {what}" if (what := self.provenance.get("gap")) else "")),
            *([] if self.history.held_out is None else [("held out", f"{np.nanmin(self.history.held_out):.12g}")]),
            *self._compared(),
            *([] if math.isnan(size) else [("gradient", f"{size:.3e}")]),
            ("parameters", str(len(self.params))),
            ("iterations", f"{self.iterations} ({self.evaluations} evaluations)"),
            ("seconds", f"{self.seconds:.2f}"),
        ]
        if len(self.restarts) > 1:
            spread = ", ".join(f"{r.loss:.6g}" for r in self.restarts)
            rows.append(("restarts", f"{len(self.restarts)} with the losses {spread}"))
        return [*rows, ("status", self.status)]

    def _compared(self) -> list[tuple[str, str]]:
        """The fidelity with a target state, or its mean over labels; what measuring cost where the target is counts."""
        if isinstance(self.target, State):
            if not is_compared(self.target):
                return []
            labels = [("labels", str(m)) for m in self.target.batch_shape]
            return [("mean fidelity" if labels else "fidelity", f"{self.fidelity:.9f}"), *labels]
        if not isinstance(self.target, Counts):
            return []
        rows = [("counts", repr(self.target)[1:-1].removeprefix("Counts: "))]
        report = self.measured if self.state.dim <= LARGEST_DIM_REPORTED else None
        return rows + ([] if report is None else report.rows()[:3])

    def __repr__(self) -> str:
        return f"<FitResult: loss {self.loss:.9g}, gap {self.gap:.3g}, {self.status}>"
