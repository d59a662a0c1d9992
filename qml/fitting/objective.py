"""The function that a fit minimises: parameters in, loss and gradient out, and what else optimizers ask for."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Cotangent, ParamsLike, Real
from qml.fitting.batches import Batches, batches_of
from qml.fitting.curved import Curved
from qml.fitting.data import at_data
from qml.fitting.frequencies import shift_rules
from qml.fitting.priors import Prior
from qml.losses import Labelled, Loss, MeanCrossEntropy, RelativeEntropy, as_loss, default_loss, of_labels
from qml.models import ConditionalModel, Conditioned, Model
from qml.processes import ProcessFamily
from qml.states import DensityMatrix, State


class Evaluation(NamedTuple):
    """What an evaluation of an objective met; the gradient is None where only the value was asked for or is finite."""

    theta: Real
    state: State
    value: float
    gradient: Real | None = None


class Objective(Curved):
    r"""The loss as a function of the model's parameters, with the prior's share.

    .. math:: f(\theta) = c\, L(\rho, \sigma_\theta) - \tfrac1N \log p(\theta)

    Parameters
    ----------
    model : Model
    target : State or what else the loss accepts
        rho, with the dims of the model.
    loss : Loss
    prior : Prior, optional
    scale : float
        c; other than 1 for batches of the data.

    Attributes
    ----------
    evaluations : int
        How many times f, with or without its gradient, has been computed.
    latest : Evaluation or None
        The latest of them.

    Raises
    ------
    OutsideDomain
        By `value` and `value_and_gradient`, where parameters limit each other and the model refuses them.

    Examples
    --------
    >>> from qml import CrossEntropy, GibbsModel, pauli
    >>> from qml.states import basis_state
    >>> objective = Objective(GibbsModel(pauli("Z")), basis_state("0"), CrossEntropy())
    >>> value, gradient = objective.value_and_gradient([0.0])
    >>> round(value, 6), gradient
    (0.693147, array([1.]))
    """

    def __init__(self, model: Model, target: Any, loss: Loss, prior: Prior | None = None, scale: float = 1.0) -> None:
        self.model = _checks.instance("model", model, Model)
        _checks.instance("loss", loss, Loss)
        if prior is not None:
            _checks.instance("prior", prior, Prior, "such as Gaussian()")
        self.target = loss.accept(target, model.dims)
        self.loss = loss
        self.prior = prior
        self.scale = _checks.number("scale", scale)
        self.n_params, self._n_model = len(self.parameter_names), model.n_params
        self.evaluations = 0
        self.latest: Evaluation | None = None
        self._batches: Batches | None = None

    def __repr__(self) -> str:
        prior = "" if self.prior is None else f", {self.prior!r}"
        return f"<Objective: {self.loss!r} of {self.model!r}{prior}, {self.evaluations} evaluations>"

    @classmethod
    def of(
        cls,
        model: Model | ConditionalModel | ProcessFamily,
        target: Any,
        loss: Loss | str | None = None,
        prior: Prior | None = None,
    ) -> Objective:
        """What :func:`~qml.fit` minimises when it is called with these: the default loss is what the target says,
        labelled data are put into a conditional model, and records of experiments into a family of processes.

        Parameters
        ----------
        model, target, loss, prior
            As in :func:`~qml.fit`.

        Raises
        ------
        InputError
            As by ``fit``, for a target that the loss does not accept, or one that does not fit the model.

        Examples
        --------
        >>> from qml import GibbsModel, ghz
        >>> round(Objective.of(GibbsModel.all_paulis(2), ghz(2)).value([0.0] * 15), 6)
        1.386294
        """
        loss = default_loss(target) if loss is None else as_loss(loss)
        return cls(*at_data(model, target), of_labels(loss) if isinstance(target, Labelled) else loss, prior)

    def _fresh(self) -> Objective:
        """The same, of which nothing has been evaluated yet."""
        fresh = copy.copy(self)
        fresh.evaluations, fresh.latest, fresh._batches = 0, None, None
        return fresh

    @cached_property
    def floor(self) -> float:
        """The least value of the loss over all states."""
        return self.loss.floor(self.target)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Those of the model, then those of the loss."""
        return self.model.parameter_names + self.loss.parameter_names

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random starting point (n_params,): that of the model, then that of the loss.

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If it is none.
        """
        start = self.model.init_params(rng)
        return np.concatenate([start, self.loss.init_params(rng)]) if self.loss.parameter_names else start

    def value(self, params: ArrayLike) -> float:
        """The value f, the prior's share included; +inf is a value.

        Parameters
        ----------
        params : array (n_params,)
            Those of the model, then those of the loss.

        Raises
        ------
        InputError
            If params has another shape or is not finite.
        OutsideDomain
            Where parameters limit each other and the model refuses them.
        """
        point = _checks.parameters("params", params, self.n_params).copy()
        theta, phi = self.split(point)
        self.evaluations += 1
        sigma = self.model.state(theta)
        value = self.scale * self.loss.bind(phi).value(self.target, sigma) + self._penalty(theta)
        self.latest = Evaluation(theta, sigma, value)
        return value

    def value_and_gradient(self, params: ArrayLike) -> tuple[float, Real]:
        """f and its gradient (n_params,); where f is +inf or not a number the gradient is all NaN.

        Parameters
        ----------
        params : array (n_params,)
            Those of the model, then those of the loss.

        Raises
        ------
        InputError, OutsideDomain
            As :meth:`value`.
        """
        point = _checks.parameters("params", params, self.n_params).copy()
        theta, _ = self.split(point)
        self.evaluations += 1
        sigma, pullback = self.model.state_vjp(theta)
        loss, value, cotangent = self._compare(point, sigma)
        if not math.isfinite(value):
            self.latest = Evaluation(theta, sigma, value)
            return value, np.full(self.n_params, np.nan)
        gradient = self._gradient(point, loss, sigma, pullback(cotangent))
        self.latest = Evaluation(theta, sigma, value, gradient)
        return value, gradient

    def _values_and_gradients(self, rows: Real) -> tuple[Real, Real]:
        """f (b,) and its gradient (b, n_params) at rows (b, n_params) of parameters: each what it is alone, in one call
        of the engine where the model is a circuit."""
        together = self.model._states_vjp(rows[:, : self._n_model]) if len(rows) > 1 else None
        if together is None:
            found = [self.value_and_gradient(row) for row in rows]
            return np.array([v for v, _ in found]), np.array([g for _, g in found]).reshape(rows.shape)
        self.evaluations += len(rows)
        states, pullback = together
        members = [states[k] for k in range(len(rows))]
        compared = [self._compare(row, sigma) for row, sigma in zip(rows, members, strict=True)]
        values, gradients = np.array([value for _, value, _ in compared]), np.full(rows.shape, np.nan)
        finite = np.flatnonzero(np.isfinite(values))
        if finite.size:
            nothing = np.zeros_like(compared[finite[0]][2])
            pulled = pullback(np.array([np.asarray(c) if math.isfinite(v) else nothing for _, v, c in compared]))
            for k in finite:
                gradients[k] = self._gradient(rows[k], compared[k][0], members[k], pulled[k])
        return values, gradients

    def state(self, params: Real, gradient: bool = True) -> State:
        """The state sigma_theta, equal to the bit to that of an evaluation at theta; the latest one is kept.

        Parameters
        ----------
        params : array (n_params,)
            Those of the model, then those of the loss.
        gradient : bool
            Whether that is an evaluation of the gradient, or of the value alone: they may differ in the last digits.
        """
        theta, _ = self.split(params)
        if self.latest is not None and np.array_equal(theta, self.latest.theta):
            return self.latest.state
        return self.model.state_vjp(theta)[0] if _checks.flag("gradient", gradient) else self.model.state(theta)

    def _held_out(self, target: Any) -> Objective:
        """The loss of a target that is not learnt from, without a prior; labelled data bring inputs of their own.

        Raises
        ------
        InputError
            If the loss does not accept it, or it is labelled and the model is not a conditional one.
        """
        model, loss = self.model, self.loss
        try:
            if isinstance(target, Labelled) and isinstance(model, Conditioned) and isinstance(loss, MeanCrossEntropy):
                return Objective.of(model.conditional, target, type(loss)())
            return Objective.of(model, target, loss)
        except InputError as error:
            raise InputError(f"validation must be data like the target: {error}") from None

    def _value_of(self, held_out: Objective, params: Real) -> float:
        """The value of :meth:`_held_out`; where both have one model, its state is at hand."""
        theta, phi = self.split(params)
        sigma = self.state(params) if held_out.model is self.model else held_out.model.state(theta)
        return held_out.loss.bind(phi).value(held_out.target, sigma)

    def theta(self, params: ParamsLike, name: str = "params") -> Real:
        """Parameters of the model, then those of the loss, as one vector (n_params,).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            A mapping has the natural value of each by name.
        name : str
            What a refusal of an array calls it.

        Raises
        ------
        InputError
            If the shape is another, an entry is not finite, or a name is missing or unknown.
        """
        if isinstance(params, Mapping):
            own = {key: x for key, x in params.items() if key in self.loss.parameter_names}
            theta = self.model.theta({key: x for key, x in params.items() if key not in own})
            return np.concatenate([theta, self.loss.unconstrained(own)])
        return _checks.parameters(name, params, self.n_params)

    def split(self, params: Real) -> tuple[Real, Real]:
        """theta of the model, phi of the loss.

        Parameters
        ----------
        params : array (n_params,)
            Those of the model, then those of the loss.
        """
        n = self._n_model
        return params[:n], params[n:]

    # what some optimizers ask for besides the curvature ---------------------------------------------------------------

    def divergence(self, params: Real) -> Objective:
        """D(sigma_params || sigma_theta) as a function of theta; of conditional models the mean over the inputs, plus
        a constant.

        Parameters
        ----------
        params : array (n_params,)

        Raises
        ------
        InputError
            For a loss with parameters of its own, or a model that is no exponential family.
        """
        self._no_loss_parameters("mirror descent")
        if not self.model.is_exponential_family:
            raise InputError(
                "mirror descent needs an exponential family, such as a GibbsModel; found "
                f"{type(self.model).__name__}: use NaturalGradient() or LBFGS()."
            )
        weights = self.loss.member_weights(self.target)
        distance = RelativeEntropy() if weights is None else MeanCrossEntropy(weights)
        return Objective(self.model, self.state(params), distance)

    def minibatch(self, size: int, seed: int, step: int) -> Objective:
        """The batch of a step, of `size` data at most: its gradients add up to that of all data over an epoch; see
        ``qml.fitting.batches``.

        Parameters
        ----------
        size : int
            At least 1.
        seed : int
            At least 0: what the order of every epoch follows from.
        step : int
            Counted from 0.

        Raises
        ------
        InputError
            For a target that is no ensemble, labels or shots, or a loss whose gradient is not linear in the data.
        """
        size, seed = _checks.integer("size", size, low=1), _checks.integer("seed", seed, low=0)
        step = _checks.integer("step", step, low=0)
        if self._batches is None or (self._batches.asked, self._batches.seed) != (size, seed):
            self._batches = batches_of(self.model, self.target, self.loss, size, seed)
        batch, scale = self._batches.at(step)
        return Objective(batch.model, batch.target, batch.loss, self.prior, scale)

    @cached_property
    def _rules(self) -> list[tuple[Real, Real]]:
        return shift_rules(self.model)

    def shifted_gradient(self, params: Real) -> Real:
        """The gradient of f by parameter shifts of the circuit: exact, at two or more evaluations a parameter.

        Parameters
        ----------
        params : array (n_params,)

        Raises
        ------
        InputError
            For a loss with parameters of its own, or a model that is no circuit of gates with a shift rule.
        """
        self._no_loss_parameters("parameter shifts")
        rules, theta = self._rules, np.array(params, dtype=np.float64)
        matrix = DensityMatrix._trusted(self.state(theta).matrix(), self.model.dims)
        _, cotangent = self.loss.value_and_cotangent(self.target, matrix)
        gradient = np.zeros(self.n_params) if self.prior is None else self.prior.gradient(theta)

        def observed(j: int, by: float) -> float:
            moved = theta.copy()
            moved[j] += by
            self.evaluations += 1
            return float(np.vdot(cotangent, self.model.state(moved).matrix()).real)

        for j, (shifts, coefficients) in enumerate(rules):
            for x, c in zip(shifts.tolist(), coefficients.tolist(), strict=True):
                gradient[j] += c * (observed(j, x) - observed(j, -x))
        return gradient

    def _compare(self, point: Real, sigma: State) -> tuple[Loss, float, Cotangent]:
        """The loss at its parameters, f at a point, and dL/d(coordinate of sigma)."""
        theta, phi = self.split(point)
        loss = self.loss.bind(phi)
        value, cotangent = loss.value_and_cotangent(self.target, sigma)
        return loss, self.scale * value + self._penalty(theta), cotangent

    def _gradient(self, point: Real, loss: Loss, sigma: State, pulled: Real) -> Real:
        """The gradient of f where it is finite, from dL/dtheta of the model."""
        gradient = self.scale * pulled
        if self.prior is not None:
            gradient = gradient + self.prior.gradient(self.split(point)[0])
        if self.loss.parameter_names:
            gradient = np.concatenate([gradient, self.scale * loss.params_gradient(self.target, sigma)])
        return gradient

    def _penalty(self, theta: Real) -> float:
        return 0.0 if self.prior is None else self.prior.value(theta)
