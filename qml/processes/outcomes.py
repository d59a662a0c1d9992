"""Families of processes, and the models of what experiments on them show."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from qml import _checks
from qml._checks import InputError, OutsideDomain
from qml._typing import Cotangent, Dims, ParamsLike, Real
from qml.geometry import Metric
from qml.measurement import Counts
from qml.models.base import InIntervals, Model, Parametrized
from qml.models.parts import Composite
from qml.processes.design import Design
from qml.states import State

FAR = 1e3
"""Of theta: the end of an interval, in float64."""
ROUNDING = 1e-12
"""A negative probability above minus this is zero."""
IMPOSSIBLE = 1e-14
"""What is predicted with a probability at or below this can't occur: words of gates round probabilities by so much."""


class Prediction(NamedTuple):
    """Probabilities (n_outcomes,) of experiments; the map from dL/dp to dL/dtheta (n_params,); dp/dtheta
    (n_outcomes, n_params)."""

    probabilities: Real
    pull: Callable[[Real], Real]
    jacobian: Callable[[], Real]


class ProcessFamily(Parametrized):
    """Processes E_c(theta) for every circuit c, a word of gates or a time: what experiments are predicted from.

    It is learnt by ``fit(family, counts)`` from counts of :class:`Experiments`; ``family.on(experiments)`` is the model
    whose state is the classical state of settings and outcomes, so that S is the likelihood.

    Examples
    --------
    >>> from qml import PauliMeasurement
    >>> from qml.processes import Experiments, LindbladModel
    >>> family = LindbladModel({"w": "Z"}, {"decay": [[0, 1], [0, 0]]})
    >>> setup = Experiments.product([0.0, 1.0], {"1": [0.0, 1.0]}, PauliMeasurement(["Z"]))
    >>> family.predict({"w": 0.7, "decay": 0.2}, setup).round(4)  # of 0 and 1, at once and after the time 1
    array([0.    , 1.    , 0.1813, 0.8187])
    """

    @property
    @abstractmethod
    def sites(self) -> Dims:
        """What the processes act on."""

    @abstractmethod
    def _predict(self, theta: Real, experiments: Any) -> Prediction:
        """What the experiments show; they are checked."""

    @abstractmethod
    def _check(self, experiments: Any) -> None:
        """Refuse experiments that the family knows nothing of."""

    def predict(self, params: ParamsLike, experiments: Design) -> Real:
        """The probabilities (n_outcomes,) of the outcomes of experiments, one setting after the other.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name. By name a rate may be zero, too.
        experiments : Design
            Such as :class:`Experiments`.

        Raises
        ------
        InputError
            For parameters that do not fit, or circuits that the family does not know.
        OutsideDomain
            Where a probability is negative, which a model that is not completely positive allows.
        """
        return self.on(experiments)._at(self._anywhere(params)).probabilities

    def _anywhere(self, params: ParamsLike) -> Real:
        """theta where nothing is to be differentiated."""
        return self.theta(params)

    def on(self, data: Design | Counts) -> OutcomesModel:
        """The model of what experiments show, one classical state.

        Parameters
        ----------
        data : Design or Counts
            A record gives the shares of its settings as their weights.

        Raises
        ------
        InputError
            If they are on other sites, or hold circuits that the family does not know.
        """
        return OutcomesModel(self, data)


class IntervalFamily(InIntervals, ProcessFamily, is_kind=False):
    """A family whose parameters, coefficients and rates, lie in intervals."""

    def _anywhere(self, params: ParamsLike) -> Real:
        """Values at the ends of intervals, such as a rate of zero, are allowed by name, too."""
        if not isinstance(params, Mapping):
            return self.theta(params)
        held = {name: _checks.number(f"values[{name!r}]", x) for name, x in params.items()}
        ends = {}
        for k, domain in self._bounded:
            if (value := held.get(self.parameter_names[k])) in (domain.low, domain.high):
                ends[k] = FAR if value == domain.high else -FAR
        inside = {self.parameter_names[k]: 0.5 for k in ends}
        theta = self.unconstrained(held | inside)
        theta[list(ends)] = list(ends.values())
        return theta


class OutcomesModel(Composite, Model):
    r"""What a family of processes predicts for given experiments, as one classical state.

    .. math:: \sigma_\theta = \bigoplus_{sk} \frac{p_{sk}(\theta)}{S}, \qquad
        g_{ij} = \sum_s w_s \sum_k \frac{\partial_i p_{sk}\, \partial_j p_{sk}}{p_{sk}}

    All monotone metrics agree: g is the Fisher information of a shot, so that natural gradients are Fisher's scoring.

    Parameters
    ----------
    family : ProcessFamily
    data : Design or Counts
        A record gives the shares w_s of its settings; they are equal otherwise.

    Raises
    ------
    InputError
        If the experiments are on other sites, or hold circuits that the family does not know.

    Examples
    --------
    >>> from qml import PauliMeasurement
    >>> from qml.processes import Experiments, LindbladModel
    >>> setup = Experiments.product([0.0, 1.0], {"1": [0.0, 1.0]}, PauliMeasurement(["Z"]))
    >>> model = OutcomesModel(LindbladModel(jumps={"decay": [[0, 1], [0, 0]]}), setup)
    >>> p, slopes = model.outcome_derivatives({"decay": 0.2})
    >>> p.shape, slopes.shape, model.metric({"decay": 0.2}).matrix().shape
    ((4,), (4, 1), (1, 1))
    """

    def __init__(self, family: ProcessFamily, data: Design | Counts) -> None:
        self.family = _checks.instance("family", family, ProcessFamily)
        self._join("a model of outcomes", [family])
        self.data = data
        held = data.measurement if isinstance(data, Counts) else data
        self.experiments = _checks.instance("data", held, Design, "such as Experiments, or Counts of one")
        if self.experiments.sites != family.sites:
            raise InputError(
                f"experiments and model must be on the same sites; found {self.experiments.sites} and {family.sites}."
            )
        family._check(self.experiments)
        self.dims = self.experiments.dims
        settings = len(self.experiments.settings)
        shots = np.asarray(data.shots, dtype=np.float64) if isinstance(data, Counts) else np.ones(settings)
        self._latest: tuple[Real, Prediction] | None = None
        self._weights = np.repeat(shots / max(shots.sum(), 1e-300), self.experiments.sizes)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_latest": None}  # whose functions no other process can be sent

    @property
    def matrix_dim(self) -> int:
        return math.prod(self.experiments.sites) ** 2 if len(self.experiments.sites) < 8 else 1

    def _at(self, theta: Real) -> Prediction:
        """The prediction; the latest is at hand, as a gradient and a metric are asked for one after the other."""
        if self._latest is None or not np.array_equal(self._latest[0], theta):
            self._latest = theta.copy(), self._new(theta)
        return self._latest[1]

    def _new(self, theta: Real) -> Prediction:
        found = self.family._predict(theta, self.experiments)
        p = found.probabilities
        lowest = float(p.min())
        if not lowest > -ROUNDING:
            raise OutsideDomain(f"the model gives an outcome the probability {lowest:.3g}.")
        p = np.where(p > IMPOSSIBLE, p, 0.0)
        totals = np.add.reduceat(p, self.experiments.offsets[:-1])
        return found._replace(probabilities=p / np.repeat(totals, self.experiments.sizes))

    def state(self, params: ParamsLike = ()) -> State:
        return self.experiments._outcomes(self._at(self.theta(params)).probabilities)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        found, settings = self._at(self.theta(params)), len(self.experiments.settings)
        state = self.experiments._outcomes(found.probabilities)
        return state, lambda cotangent: found.pull(np.asarray(cotangent) / settings)

    def outcome_derivatives(self, params: ParamsLike) -> tuple[Real, Real]:
        """The probabilities (n_outcomes,) and their derivatives (n_outcomes, n_params).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        found = self._at(self.theta(params))
        return found.probabilities, found.jacobian()

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> FisherMetric:
        p, jacobian = self.outcome_derivatives(params)
        return FisherMetric(p, jacobian, self._weights, kind)

    def __repr__(self) -> str:
        return f"{self.family!r}.on({self.experiments!r})"


class FisherMetric(Metric):
    """The Fisher information of probabilities p (n,) with weights (n,) and derivatives (n, p): J^T diag(w / p) J."""

    def __init__(self, probabilities: Real, jacobian: Real, weights: Real, kind: str = "bkm") -> None:
        super().__init__(kind, jacobian.shape[1])
        scale = np.sqrt(np.divide(weights, probabilities, out=np.zeros_like(probabilities), where=probabilities > 0))
        self._rows = scale[:, None] * jacobian

    def matrix(self) -> Real:
        return np.asarray(self._rows.T @ self._rows)

    def _product(self, v: Real) -> Real:
        return np.asarray((self._rows @ v) @ self._rows)
