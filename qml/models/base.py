"""The interface of a model: parameters in, a state out, and the way back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._results import html_table
from qml._saved import Saved
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.geometry import Metric
from qml.geometry.tangent import StateMetric
from qml.parameters import REAL_LINE, Interval
from qml.states.base import State

WIDEST = 1e100
"""The largest scale of random starting points."""
SHOWN = 8
"""How many names of parameters a notebook shows."""


def normal_start(rng: np.random.Generator, n_params: int, scale: float) -> Real:
    """Parameters (n_params,) of mean zero and standard deviation `scale`."""
    scale = _checks.number("scale", scale, 0.0, WIDEST)
    return _checks.generator("rng", rng).normal(0.0, scale, n_params)


class Parametrized(Saved, ABC):
    """What models, conditional models and their parts have in common: names of parameters, and theta in R^n_params
    (unconstrained: every real vector is a valid theta)."""

    is_exponential_family: bool = False
    """Whether log sigma_theta = -sum_j theta_j G_j - log Z, so that S is convex and its Hessian the metric; of a
    conditional model, for every input."""

    @property
    def has_full_rank(self) -> bool:
        """Whether every sigma_theta has full rank, so that states without it are limits at infinite parameters."""
        return self.is_exponential_family

    @property
    def suited_optimizer(self) -> str:
        """The name of the optimizer that fits a cross entropy best, up to 128 parameters: L-BFGS, unless a model says
        otherwise."""
        return "lbfgs"

    _names: tuple[str, ...]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """One name a parameter, in the order of theta: `_names`, unless a model says otherwise."""
        return self._names

    @property
    def n_params(self) -> int:
        """The length of theta."""
        return len(self.parameter_names)

    @abstractmethod
    def init_params(self, rng: np.random.Generator) -> Real:
        """A random starting point (n_params,).

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If `rng` is no Generator.
        """

    def theta(self, params: ParamsLike = ()) -> Real:
        """The vector theta (n_params,) of what stands for parameters.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta itself, or the natural value of every parameter by name; may be left out where there are none.

        Raises
        ------
        InputError
            If it has another shape or is not finite, or a name is missing or unknown.
        """
        if type(params) is not np.ndarray and isinstance(params, Mapping):  # asking for a protocol takes long
            return self.unconstrained(params)
        return _checks.parameters("params", params, self.n_params)

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        """The parameters by name, as the physics knows them (probabilities, angles in radians): theta itself, unless a
        model says otherwise.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            As in :meth:`theta`.

        Raises
        ------
        InputError
            As :meth:`theta`.
        """
        theta = self.theta(params)
        return dict(zip(self.parameter_names, theta.tolist(), strict=True))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        """The theta (n_params,) with natural(theta) = values.

        Parameters
        ----------
        values : mapping of str to float
            The natural value of every parameter by name; one with an interval strictly inside of it.

        Raises
        ------
        InputError
            If a name is missing or unknown, or a value is no finite number, or lies at an end of its interval or
            beyond.
        """
        for name in _checks.mapping("values", values):
            if name not in self.parameter_names:
                hint = _checks.nearest(str(name), self.parameter_names)
                raise InputError(f"values: the model has no parameter {name!r}{hint}.")
        for name in self.parameter_names:
            if name not in values:
                raise InputError(f"values must name every parameter of the model; {name!r} is missing.")
        numbers = [_checks.number(f"values[{name!r}]", values[name]) for name in self.parameter_names]
        return np.array(numbers, dtype=np.float64)

    def _repr_html_(self) -> str:
        names = self.parameter_names
        more = f", ... ({len(names)} in all)" if len(names) > SHOWN else ""
        rows = [("parameters", ", ".join(names[:SHOWN]) + more or "none")]
        rows += [("rank", "full, whatever the parameters")] if self.has_full_rank else []
        return html_table(repr(self), rows)


class InIntervals(Parametrized, is_kind=False):
    """What has parameters of which some lie in intervals."""

    def _set_intervals(self, domains: Sequence[Interval]) -> None:
        """One for each parameter, the real line where any number will do."""
        self._slopes = np.ones(len(domains))
        self._bounded = [(k, domain) for k, domain in enumerate(domains) if domain != REAL_LINE]

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        """The parameters in their intervals, by name."""
        values, _ = self._values(self.theta(params))
        return dict(zip(self.parameter_names, values.tolist(), strict=True))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        theta = super().unconstrained(values)
        for k, interval in self._bounded:
            try:
                theta[k] = interval.to_real(float(theta[k]))
            except InputError as error:
                raise InputError(f"{self.parameter_names[k]}: {error}") from None
        return theta

    def _values(self, theta: Real) -> tuple[Real, Real]:
        """v(theta) and dv/dtheta, each (n_params,)."""
        values, slopes = theta.copy(), self._slopes.copy()
        for k, interval in self._bounded:
            values[k], slopes[k] = interval.from_real(float(theta[k])), interval.slope(float(theta[k]))
        return values, slopes


class NormalStart(Parametrized, is_kind=False):
    """Parameters that start at random, each normal of mean zero."""

    start_scale: float = 0.1
    """The standard deviation of random starts: small, near theta = 0, where Gibbs states are maximally mixed."""

    def init_params(self, rng: np.random.Generator, scale: float | None = None) -> Real:
        """A random start (n_params,): normal.

        Parameters
        ----------
        rng : numpy Generator
        scale : float, optional
            The standard deviation, from 0 to 1e100; by default `start_scale`.

        Raises
        ------
        InputError
            If rng is no Generator, or scale is out of range.
        """
        return normal_start(rng, self.n_params, self.start_scale if scale is None else scale)


class Model(Parametrized):
    """A family of states sigma_theta.

    Examples
    --------
    Every model is a map from a real vector, or from natural values by name, to a state, with a way back:

    >>> from qml import GibbsModel
    >>> model = GibbsModel(["Z"])
    >>> model.state({"Z": 0.0}).probabilities(), model.parameter_names
    (array([0.5, 0.5]), ('Z',))
    >>> state, pull = model.state_vjp([0.0])
    >>> pull(state.pull_log(np.diag([0.5, -0.5])))  # of L = Tr(Z log sigma) / 2: log sigma = -theta Z - log Z
    array([-1.])
    """

    dims: Dims
    """Site dimensions of the state."""

    @property
    def matrix_dim(self) -> int:
        """The dimension of the matrices that an evaluation works with: that of the state, unless a model says
        otherwise. Threads follow from it."""
        return math.prod(self.dims)

    def state(self, params: ParamsLike = ()) -> State:
        """The state sigma_theta: that of :meth:`state_vjp`, unless a model has a cheaper way without derivatives.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            As :meth:`theta`.
        OutsideDomain
            Where parameters limit each other and these are not allowed: a fit shortens a step that leads there.
        """
        return self.state_vjp(params)[0]

    @abstractmethod
    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        """sigma_theta, and the way back from a derivative in it.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Returns
        -------
        state : State
        pull : callable
            dL/d(coordinate of the state), as ``state.pull_log`` and ``state.pull_matrix`` give it, to dL/dtheta
            (n_params,). It is linear, and may be called many times.

        Raises
        ------
        InputError
            As :meth:`theta`.
        OutsideDomain
            As :meth:`state`.
        """

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        """sigma_theta, and the way forward from changes of theta.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Returns
        -------
        state : State
        push : callable
            Directions v (..., n_params) to dsigma = sum_j v_j dsigma/dtheta_j (..., d, d), Hermitian and without a
            trace.

        Raises
        ------
        InputError
            As :meth:`theta`, and of a model that has no forward derivative.
        """
        raise InputError(
            f"{type(self).__name__} has no forward derivative (state_jvp), which metrics need: use an optimizer that "
            "works from gradients, such as LBFGS()."
        )

    def _states_vjp(self, rows: Real) -> tuple[State, Callable[[Cotangent], Real]] | None:
        """The states of many theta, the rows (b, n_params), as a batch (b,), and the map from dL/d(its coordinate)
        (b, ...) to dL/dtheta (b, n_params); None where nothing is faster than one after the other."""
        return None

    def metric(
        self,
        params: ParamsLike,
        kind: str = "bkm",
        *,
        tolerance: float = 0.0,
        state: State | None = None,
        weights: Real | None = None,
    ) -> Metric:
        """A monotone metric at theta, assembled or only applied; see :func:`qml.geometry.metric`.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.
        kind : {"bkm", "bures", "wigner_yanase"}
        tolerance : float
            What a model may leave out for speed, relative; only exponential families make use of it.
        state : State, optional
            sigma_theta, where it is at hand.
        weights : array (m,), optional
            Of the members where the state is a batch, which add up to one; equal by default.

        Returns
        -------
        Metric

        Raises
        ------
        InputError
            For a kind that there is not, or a model without forward derivatives.
        """
        return self._metric(params, kind, state, weights, tolerance)

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> Metric:
        """What :meth:`metric` gives: a model that knows more than its derivatives says it here."""
        sigma, push = self.state_jvp(params)
        backward = cache(lambda: self.state_vjp(params))  # once, where products ask for it

        def pull(cotangent: Complex) -> Real:
            again, back = backward()
            return back(again.pull_matrix(cotangent))

        at_hand = sigma if state is None else state
        return StateMetric(at_hand, push, pull, self.n_params, kind, full_rank=self.has_full_rank)
