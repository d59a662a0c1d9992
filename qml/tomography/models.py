"""What the data say about the parameters of a physical model: errors, goodness of fit, and a criterion to compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._results import Table
from qml._typing import Real
from qml.fitting.objective import Objective
from qml.fitting.result import FitResult
from qml.fitting.run import fit
from qml.losses import NegativeLogLikelihood, TrainableReadout
from qml.losses.readout import RATES
from qml.measurement import Counts
from qml.measurement.readout import apply_to_digits
from qml.measurement.sampling import draw
from qml.models import Model
from qml.processes import OutcomesModel, ProcessFamily
from qml.tomography.errors import Information
from qml.tomography.likelihood import agreement

LIKELIHOODS = ("NegativeLogLikelihood(", "ClassicalCrossEntropy(")
"""How the losses begin that are the likelihood of counts."""
STEP = 1e-5
"""Of central differences of the gradient, and of the natural parameters."""
FLAT, NEAR = 1e-2, 4.6
"""A parameter whose natural value has a smaller slope is near an end of its interval: fits begin at this theta too, a
hundredth from the end."""
KNOWN, LOST = 1e-10, 1e-4
"""As for :class:`qml.tomography.errors.Information`; of such differences."""


@dataclass(frozen=True, eq=False, repr=False)
class ModelErrors(Table):
    r"""Errors of the parameters of a model that was fitted to counts.

    Attributes
    ----------
    names : tuple of str
        Parameters of the model, then those of the readout.
    params : array (n,)
    fisher, sandwich : array (n, n)
        Covariances of theta: J^-1 of the expected Fisher information, right where the model is; and H^-1 V H^-1 from
        the observed curvature H and the scatter V of the scores, right where it is not (White 1982). Variances of
        parameters that the data do not determine are +inf.
    natural : mapping of str to (float, float)
        The parameters as the physics knows them (probabilities, angles in radians), with the standard errors that
        follow from `fisher` to first order.
    log_likelihood : float
        In nats, without the multinomial coefficient.
    deviance : float
        2 (log-likelihood of the frequencies - log_likelihood).
    total : float
        Shots, of all settings.
    degrees : int
        Outcomes of the measured settings, less one a setting, less the parameters: what the deviance is near to where
        the model is right and no expected count is small.

    Examples
    --------
    >>> from qml import Circuit, CircuitModel, PauliMeasurement, fit, gates
    >>> model = CircuitModel(Circuit(1, [gates.RY("angle", 0)]))
    >>> found = fit(model, Counts(PauliMeasurement(["Z"]), [800, 200]), params0=[1.0])
    >>> errors = model_errors(model, found)
    >>> value, error = errors.natural["angle"]  # radians
    >>> round(value, 4), round(error, 4)
    (0.9273, 0.0316)
    >>> round(errors.aic, 3)
    1002.805
    """

    names: tuple[str, ...]
    params: Real
    fisher: Real
    sandwich: Real
    natural: Mapping[str, tuple[float, float]]
    log_likelihood: float
    deviance: float
    total: float
    degrees: int

    @property
    def standard_errors(self) -> Real:
        """Square roots of the diagonal of `fisher`, (n,)."""
        return np.sqrt(np.diagonal(self.fisher))

    @property
    def robust_errors(self) -> Real:
        """Square roots of the diagonal of `sandwich`, (n,)."""
        return np.sqrt(np.diagonal(self.sandwich))

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 n - 2 log-likelihood: the smaller the better."""
        return 2 * len(self.params) - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """The Bayesian criterion, n log N - 2 log-likelihood, N all shots (Schwarz 1978): the smaller the better."""
        return len(self.params) * math.log(self.total) - 2 * self.log_likelihood

    caption: ClassVar[str] = "errors of a model"

    def _rows(self) -> list[tuple[str, str]]:
        return [
            *((name, f"{value:.6g} +- {error:.2g}") for name, (value, error) in self.natural.items()),
            ("log-likelihood", f"{self.log_likelihood:.12g} nats"),
            ("deviance", f"{self.deviance:.6g} for about {self.degrees} degrees of freedom"),
            ("AIC", f"{self.aic:.6f}"),
            ("BIC", f"{self.bic:.6f}"),
        ]


def model_errors(
    model: Model | ProcessFamily, result: FitResult, *, loss: NegativeLogLikelihood | None = None
) -> ModelErrors:
    r"""Standard errors of theta after ``fit(model, counts, loss=NegativeLogLikelihood())``.

    .. math:: J = \sum_k \frac{N_{s(k)}}{p_k} \nabla p_k \nabla p_k^T, \qquad
        C = H^{-1} V H^{-1}, \quad V = \sum_s N_s \mathrm{Cov}_{k \sim f_s}(\nabla \log p_k)

    with H the Hessian of the negative log-likelihood, by central differences of its gradient.

    Parameters
    ----------
    model : Model or ProcessFamily
        What was fitted; it needs ``state_jvp``.
    result : FitResult
        Its target is the record.
    loss : NegativeLogLikelihood, optional
        What was minimised, with its readout where that was learnt too.

    Returns
    -------
    ModelErrors

    Raises
    ------
    InputError
        If the target is not a record of counts, the fit was not of its likelihood, the parameters do not fit, or the
        model has no forward derivative.

    Notes
    -----
    The theory is that of an interior optimum: for a rate that the fit drove to the end of its interval, whose theta
    goes to infinity, neither covariance means anything; it shows as a huge or infinite variance.

    Source: White (1982), Econometrica 50, 1.

    Examples
    --------
    The angle of RY from 1000 shots, whose error is 1/sqrt(1000) whatever the angle:

    >>> from qml import Circuit, CircuitModel, fit, gates
    >>> from qml.measurement import PauliMeasurement
    >>> model = CircuitModel(Circuit(1, [gates.RY("angle", 0)]))
    >>> counts = Counts(PauliMeasurement(["Z"]), [800, 200])
    >>> found = fit(model, counts, loss=NegativeLogLikelihood(), params0=[1.0], progress=False)
    >>> model_errors(model, found).standard_errors.round(4)
    array([0.0316])
    """
    model, counts, loss = _checked(model, result, loss)
    objective = Objective(model, counts, loss)
    names = objective.parameter_names
    params = _checks.parameters("result.params", result.params, len(names))
    p, jacobian = _probabilities(model, counts, params, loss.readout)
    shots = np.repeat(np.asarray(counts.shots, dtype=np.float64), counts.measurement.sizes)
    scores = np.divide(jacobian, p[:, None], out=np.zeros_like(jacobian), where=p[:, None] > 0)
    fisher = jacobian.T @ (shots[:, None] * scores)
    hessian = counts.total * _slopes(lambda theta: objective.value_and_gradient(theta)[1], params)
    information = Information(fisher, KNOWN, LOST)
    inverse = Information((hessian + hessian.T) / 2, KNOWN, LOST).covariance()
    scatter = _scatter(counts, scores)
    with np.errstate(invalid="ignore"):
        sandwich = inverse @ scatter @ inverse
    sandwich = np.where(np.isfinite(sandwich), sandwich, np.inf)
    value, deviance, free = agreement(counts, p)
    return ModelErrors(
        names,
        params,
        information.covariance(),
        sandwich,
        _natural(model, loss.readout, params, information),
        value,
        deviance,
        float(counts.total),
        free - len(params),
    )


@dataclass(frozen=True, eq=False, repr=False)
class GoodnessOfFit(Table):
    r"""Whether records drawn from the fitted model are as far from their own fits as the data are.

    .. math:: G = 2 \sum_k n_k \log\frac{n_k}{N_{s(k)}\, p_k}

    is the deviance, without a unit.

    Attributes
    ----------
    deviance : float
        Of the data.
    simulated : array (replicates,)
        Of the records drawn.
    params : array (replicates, n)
        What was fitted to them: their scatter is that of the estimate.

    Examples
    --------
    >>> from qml import Circuit, CircuitModel, PauliMeasurement, fit, gates
    >>> model = CircuitModel(Circuit(1, [gates.RY("angle", 0)]))
    >>> found = fit(model, Counts(PauliMeasurement(["X", "Z"]), [[90, 10], [90, 10]]), params0=[0.7])
    >>> test = goodness_of_fit(model, found, replicates=9, seed=0)
    >>> round(test.deviance, 2), test.simulated.shape, test.params.shape
    (3.82, (9,), (9, 1))
    >>> test.p_value  # no record drawn is as far from its own fit: no angle explains the counts
    0.1
    """

    deviance: float
    simulated: Real
    params: Real

    @property
    def p_value(self) -> float:
        """The part of the records, the data among them, whose deviance is at least that of the data."""
        return float((1 + np.count_nonzero(self.simulated >= self.deviance)) / (1 + len(self.simulated)))

    caption: ClassVar[str] = "goodness of fit"

    def _rows(self) -> list[tuple[str, str]]:
        low, high = self.simulated.min(), self.simulated.max()
        return [
            ("deviance", f"{self.deviance:.6g}"),
            ("of records drawn", f"{self.simulated.mean():.6g} on average, {low:.6g} to {high:.6g}"),
            ("p-value", f"{self.p_value:.3g} from {len(self.simulated)} records"),
        ]


def goodness_of_fit(
    model: Model | ProcessFamily,
    result: FitResult,
    *,
    loss: NegativeLogLikelihood | None = None,
    replicates: int = 100,
    seed: int | None = None,
    max_iterations: int = 1000,
) -> GoodnessOfFit:
    """The deviance of the data against that of records which the fitted model itself produced, each fitted anew.

    Unlike the chi-square law it holds for small counts too. Each replicate is one fit, started at the parameters found;
    where some of these are near the end of an interval, which no slope leads away from, the better of two, the other
    one started a little inside.

    Parameters
    ----------
    model, result, loss
        As in :func:`model_errors`.
    replicates : int
    seed : int, optional
    max_iterations : int
        Of each fit.

    Returns
    -------
    GoodnessOfFit

    Raises
    ------
    InputError
        If the target of the fit is no record of integer counts, the fit was not of its likelihood or had a prior, or
        an argument is out of range.

    Examples
    --------
    >>> from qml import Circuit, CircuitModel, fit, gates
    >>> from qml.measurement import PauliMeasurement
    >>> model = CircuitModel(Circuit(1, [gates.RY("angle", 0)]))
    >>> counts = Counts(PauliMeasurement(["X", "Z"]), [[800, 200], [800, 200]])  # a state has <X>^2 + <Z>^2 <= 1
    >>> found = fit(model, counts, params0=[0.7], progress=False)
    >>> goodness_of_fit(model, found, replicates=20, seed=0).p_value < 0.5
    True
    """
    model, counts, loss = _checked(model, result, loss)
    if counts.is_weighted:
        raise InputError("goodness_of_fit needs integer counts; found a record of weights.")
    if "prior" in result.provenance:
        raise InputError("goodness_of_fit needs a fit without a prior, which its loss would hold a share of.")
    replicates = _checks.integer("replicates", replicates, low=1, high=10**6)
    p, _ = _probabilities(model, counts, np.asarray(result.params), loss.readout)
    found_at = np.asarray(result.params)
    inside = _inside(model, loss.readout, found_at)
    starts = [found_at] if np.array_equal(inside, found_at) else [found_at, inside]
    deviances, found = np.empty(replicates), np.empty((replicates, len(result.params)))
    for k, stream in enumerate(
        np.random.SeedSequence(None if seed is None else _checks.integer("seed", seed, low=0)).spawn(replicates)
    ):
        drawn = draw(p, counts.measurement, np.asarray(counts.shots), np.random.default_rng(stream))
        record = Counts(counts.measurement, drawn)
        fits = [
            fit(model, record, loss=loss, params0=start, max_iterations=max_iterations, seed=0, progress=False)
            for start in starts
        ]
        again = min(fits, key=lambda one: one.loss)
        deviances[k], found[k] = 2 * counts.total * (again.loss - again.floor), again.params
    return GoodnessOfFit(2 * counts.total * (result.loss - result.floor), deviances, found)


def _checked(
    model: Model | ProcessFamily, result: FitResult, loss: NegativeLogLikelihood | None
) -> tuple[Model, Counts, NegativeLogLikelihood]:
    """The model of the record that was fitted, the record, and its loss."""
    counts = _checks.instance("result", result, FitResult).target
    if not isinstance(counts, Counts):
        raise InputError(f"the fit must be one to counts; found the target {type(counts).__name__}.")
    minimised = result.provenance.get("loss")
    if minimised is not None and not str(minimised).startswith(LIKELIHOODS):
        raise InputError(f"the fit must be one of the likelihood of the counts: leave out loss=; found {minimised}.")
    held = model.on(counts) if isinstance(model, ProcessFamily) else _checks.instance("model", model, Model)
    loss = NegativeLogLikelihood() if loss is None else _checks.instance("loss", loss, NegativeLogLikelihood)
    return held, counts, loss


def _probabilities(model: Model, counts: Counts, params: Real, readout: TrainableReadout | None) -> tuple[Real, Real]:
    """The reported probabilities (n_outcomes,) and their derivatives (n_outcomes, n)."""
    m, theta, phi = counts.measurement, params[: model.n_params], params[model.n_params :]
    if isinstance(model, OutcomesModel):
        true, derivatives = model.outcome_derivatives(theta)
        moved = derivatives.T
    else:
        state, push = model.state_jvp(theta)
        true = m.probabilities(state)
        moved = m.probabilities_of(push(np.eye(len(theta))))
    if readout is None:
        return true, moved.T
    matrices = list(readout.confusion(phi))
    columns = list(apply_to_digits(matrices, moved))
    for i in range(readout.n):
        for truth in (0, 1):
            slope = np.array([[-1.0, 1.0], [1.0, -1.0]]) * (np.arange(2) == truth)
            changed = [*matrices[:i], slope * RATES.slope(float(phi[2 * i + truth])), *matrices[i + 1 :]]
            columns.append(apply_to_digits(changed, true))
    return apply_to_digits(matrices, true), np.stack(columns, axis=1)


def _slopes(f: Callable[[Real], Real], params: Real) -> Real:
    """The derivatives (n, m) of m numbers in the parameters, by central differences."""
    steps = STEP * np.maximum(1.0, np.abs(params))
    rows = [(f(params + step) - f(params - step)) / (2 * step.sum()) for step in np.diag(steps)]
    return np.reshape(rows, (len(params), -1 if len(params) else 0))


def _scatter(counts: Counts, scores: Real) -> Real:
    """sum_s N_s Cov(score) over the outcomes seen in each setting."""
    n = np.asarray(counts.counts, dtype=np.float64)
    starts = counts.measurement.offsets[:-1]
    sums = np.add.reduceat(n[:, None] * scores, starts, axis=0)
    shots = np.asarray(counts.shots, dtype=np.float64)
    used = shots > 0
    return np.asarray(scores.T @ (n[:, None] * scores) - (sums[used] / shots[used, None]).T @ sums[used])


def _natural(
    model: Model, readout: TrainableReadout | None, params: Real, information: Information
) -> dict[str, tuple[float, float]]:
    """Natural parameters and errors, to first order: +inf where one changes with what is not determined, and where one
    that is at the end of its interval changes with nothing."""
    here, slopes = _natural_slopes(model, readout, params)
    errors = np.where(slopes.any(axis=0), information.errors(slopes), np.inf)
    return {name: (x, error) for (name, x), error in zip(here.items(), errors.tolist(), strict=True)}


def _inside(model: Model, readout: TrainableReadout | None, params: Real) -> Real:
    """The parameters, those at the ends of intervals moved a little inside."""
    _, slopes = _natural_slopes(model, readout, params)
    return np.where(np.abs(slopes).max(axis=1, initial=0.0) < FLAT, np.clip(params, -NEAR, NEAR), params)


def _natural_slopes(model: Model, readout: TrainableReadout | None, params: Real) -> tuple[dict[str, float], Real]:
    """Natural parameters of the model and of the readout, and their derivatives (n, m)."""
    cut = model.n_params

    def values(at: Real) -> dict[str, float]:
        found = dict(model.natural(at[:cut]))
        return found if readout is None else {**found, **readout.natural(at[cut:])}

    return values(params), _slopes(lambda at: np.array(list(values(at).values())), params)
