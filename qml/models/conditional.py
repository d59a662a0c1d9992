r"""Conditional models: a state sigma_theta(x) for every input x, with the same parameters for all of them.

``model.at(inputs)`` is a :class:`Model` whose state is the batch sigma_theta(x_1), ..., sigma_theta(x_m), so that
learning with labels is an ordinary fit with the loss :class:`qml.losses.MeanCrossEntropy`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Cotangent, Dims, DimsLike, Integer, Numeric, ParamsLike, Real
from qml.geometry import Metric
from qml.geometry.conditional import ConditionalGibbsMetric
from qml.models.base import Model, NormalStart, Parametrized
from qml.models.gibbs import GibbsModel
from qml.models.parts import Composite
from qml.operators import GeneratorsLike
from qml.states.base import State
from qml.states.gibbs import GibbsState


class ConditionalModel(Parametrized):
    """A family of maps x -> sigma_theta(x) from real inputs x (n_inputs,) to states.

    Examples
    --------
    >>> from qml import ConditionalGibbsModel
    >>> model = ConditionalGibbsModel(["Z"], n_inputs=1, bias=False)
    >>> model.states([np.log(3) / 2], [[-1.0], [0.0], [1.0]]).probabilities().round(6)
    array([[0.75, 0.25],
           [0.5 , 0.5 ],
           [0.25, 0.75]])
    >>> model.at([[1.0]]).state([0.0]).batch_shape  # with its inputs, a model like any other
    (1,)
    """

    n_inputs: int
    dims: Dims
    """Site dimensions of the states."""

    def states(self, params: ParamsLike, inputs: ArrayLike) -> State:
        """The states sigma_theta(x) of the inputs, a batch (m,): those of :meth:`states_vjp`, unless a model has a
        cheaper way without derivatives.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.
        inputs : array (m, n_inputs)
            One row an input x.

        Raises
        ------
        InputError
            As :meth:`theta` and :meth:`checked`.
        MemoryRefused
            If the states of so many inputs would not fit.
        """
        return self.states_vjp(params, inputs)[0]

    @abstractmethod
    def states_vjp(self, params: ParamsLike, inputs: ArrayLike) -> tuple[State, Callable[[Cotangent], Real]]:
        """The same batch, and the way back from a derivative in it.

        Parameters
        ----------
        params, inputs
            As in :meth:`states`.

        Returns
        -------
        states : State
        pull : callable
            dL/d(coordinate of the batch) (m, ...) to dL/dtheta (n_params,), summed over the inputs.
        """

    def metric(
        self,
        params: ParamsLike,
        inputs: ArrayLike,
        kind: str = "bkm",
        *,
        states: State | None = None,
        weights: Real | None = None,
    ) -> Metric:
        """The mean over the inputs of a metric of the states; see :func:`qml.geometry.metric`.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.
        inputs : array (m, n_inputs)
            One row an input x.
        kind : {"bkm", "bures", "wigner_yanase"}
        states : State, optional
            The batch of :meth:`states`, where it is at hand.
        weights : array (m,), optional
            Of the inputs, which add up to one; equal by default.

        Returns
        -------
        Metric
        """
        x = self.checked(inputs)
        return self._metric(params, x, kind, states, np.full(len(x), 1 / len(x)) if weights is None else weights)

    def _metric(self, params: ParamsLike, x: Real, kind: str, states: State | None, w: Real) -> Metric:
        raise InputError(f"{type(self).__name__} has no metric: use an optimizer that works from gradients: LBFGS().")

    def at(self, inputs: ArrayLike) -> Conditioned:
        """The model with the inputs given: its state is the batch of theirs.

        Parameters
        ----------
        inputs : array (m, n_inputs)
            One row an input, at least one.

        Raises
        ------
        InputError
            As :meth:`checked`.
        """
        return Conditioned(self, self.checked(inputs))

    def checked(self, inputs: ArrayLike) -> Real:
        """The inputs as float64 (m, n_inputs).

        Parameters
        ----------
        inputs : array (m, n_inputs)
            One row an input, at least one.

        Raises
        ------
        InputError
            If the shape is another, or an entry is complex or not finite.
        """
        x = _checks.reals("inputs", inputs)
        if x.ndim != 2 or x.shape[1] != self.n_inputs or x.shape[0] == 0:
            raise InputError(f"inputs must have shape (m, {self.n_inputs}), one row an input; found shape {x.shape}.")
        return x


class Conditioned(Composite, Model):
    """A conditional model on fixed inputs (m, n_inputs): its state is the batch of the states that they give.

    Parameters
    ----------
    model : ConditionalModel
    inputs : array (m, n_inputs)

    Raises
    ------
    InputError
        If the inputs have another shape or are not finite.

    Examples
    --------
    >>> from qml import pauli
    >>> from qml.models import ConditionalGibbsModel
    >>> model = ConditionalGibbsModel([pauli("Z")], n_inputs=1)
    >>> model.at([[0.0], [1.0]]).state([0.0, 0.0]).batch_shape
    (2,)
    """

    def __init__(self, model: ConditionalModel, inputs: ArrayLike) -> None:
        self.conditional = _checks.instance("model", model, ConditionalModel)
        self.inputs = _checks.kept(model.checked(inputs))
        self.is_exponential_family = model.is_exponential_family
        self.dims = model.dims
        self._join("a conditional model", [model])

    def _arguments(self) -> dict[str, Any]:
        return {"model": self.conditional, "inputs": self.inputs}

    def state(self, params: ParamsLike = ()) -> State:
        return self.conditional.states(params, self.inputs)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        return self.conditional.states_vjp(params, self.inputs)

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> Metric:
        return self.conditional.metric(params, self.inputs, kind, states=state, weights=weights)

    def part(self, members: Integer) -> Conditioned:
        """The model at some of the inputs.

        Parameters
        ----------
        members : array of int (k,)
            Their numbers, counted from 0.
        """
        return Conditioned(self.conditional, self.inputs[members])

    def __repr__(self) -> str:
        return f"{self.conditional!r}.at({len(self.inputs)} inputs)"


class ConditionalGibbsModel(NormalStart, ConditionalModel):
    r"""Gibbs states whose parameters depend linearly on an input.

    .. math:: \sigma_\theta(x) = \frac{e^{-K(x)}}{\mathrm{Tr}\, e^{-K(x)}}, \qquad
        K(x) = \sum_j \Big( b_j + \sum_a W_{ja} x_a \Big) G_j

    With diagonal generators \|c><c\| and data \|y><y\| this *is* softmax regression, with logits -K (logistic
    regression for one generator Z on a qubit); with generators that do not commute it is its quantum generalisation.
    The mean of S over labelled data is convex in theta = (b, W), with a Hessian that is known
    (``qml.geometry.conditional``): Newton's method converges in about ten steps.

    Parameters
    ----------
    generators : as for :class:`GibbsModel`
    n_inputs : int
        The length of x.
    dims : int or sequence of int, optional
        As for :class:`GibbsModel`.
    bias : bool
        Whether the biases b are there.

    Raises
    ------
    InputError
        As :class:`GibbsModel`; if `n_inputs` is negative, or 0 without biases.

    Notes
    -----
    One eigen-decomposition an input, O(m d^3), none for diagonal generators; O(m d^2) numbers of memory. Parameters:
    b_j first (if any), then W row by row. Source: Wiersema and Kappen (2019), Phys. Rev. A 100, 020301,
    arXiv:1905.06728 (one qubit, the quantum perceptron).

    Examples
    --------
    >>> import numpy as np
    >>> from qml import pauli
    >>> model = ConditionalGibbsModel([pauli("Z")], n_inputs=2)
    >>> model.parameter_names
    ('b[Z]', 'W[Z,0]', 'W[Z,1]')
    >>> model.states([0.0, -1.0, 0.5], np.array([[0.0, 0.0], [1.0, 2.0]])).probabilities().round(3)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    is_exponential_family = True

    def __init__(
        self, generators: GeneratorsLike, n_inputs: int, *, dims: DimsLike | None = None, bias: bool = True
    ) -> None:
        self._gibbs = GibbsModel(generators, dims)
        self.n_inputs = _checks.integer("n_inputs", n_inputs, low=0 if _checks.flag("bias", bias) else 1)
        self.bias = bias
        self.dims = self._gibbs.dims

    def _arguments(self) -> dict[str, Any]:
        return {**self._gibbs._arguments(), "n_inputs": self.n_inputs, "bias": self.bias}

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        names = self._gibbs.parameter_names
        biases = tuple(f"b[{g}]" for g in names) if self.bias else ()
        return biases + tuple(f"W[{g},{a}]" for g in names for a in range(self.n_inputs))

    @property
    def generator_names(self) -> tuple[str, ...]:
        """One name a generator."""
        return self._gibbs.parameter_names

    def fields(self, params: ParamsLike, inputs: ArrayLike) -> Real:
        """The coefficients b_j + sum_a W_ja x_a of the generators, shape (m, generators).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.
        inputs : array (m, n_inputs)
            One row an input x.

        Raises
        ------
        InputError
            As :meth:`theta` and :meth:`checked`.
        """
        return self._fields(params, self._features(inputs))

    def _features(self, inputs: ArrayLike) -> Real:
        """What the fields are linear in (m, .): (1, x) where there are biases, else x."""
        x = self.checked(inputs)
        return np.concatenate([np.ones((len(x), 1)), x], axis=1) if self.bias else x

    def _fields(self, params: ParamsLike, features: Real) -> Real:
        w = np.empty(len(self._order))
        w[self._order] = self.theta(params)
        return np.asarray(features @ w.reshape(-1, features.shape[1]).T)

    def states_vjp(self, params: ParamsLike, inputs: ArrayLike) -> tuple[GibbsState, Callable[[Cotangent], Real]]:
        x, stack = self._features(inputs), self._stack
        rows, d = stack.reshape(len(stack), -1), stack.shape[-1]
        size = len(x) * (stack[0].size + (2 * d * d if stack.ndim == 3 else 0))
        _checks.memory(f"{len(x)} conditional states of dimension {d}", 16 * size, "use smaller batches of inputs")
        k = (self._fields(params, x) @ rows).reshape(len(x), *stack.shape[1:])

        def pull(cotangent: Cotangent) -> Real:
            of_fields = (np.asarray(cotangent).reshape(len(x), -1) @ rows.conj().T).real  # Tr(C G_j), G Hermitian
            return np.asarray((of_fields.T @ x).ravel()[self._order])

        return GibbsState._trusted(k, self.dims, diagonal=stack.ndim == 2), pull

    def _metric(self, params: ParamsLike, x: Real, kind: str, states: State | None, w: Real) -> ConditionalGibbsMetric:
        found = states if isinstance(states, GibbsState) else self.states_vjp(params, x)[0]
        return ConditionalGibbsMetric(found, self._stack, self._features(x), self._order, w, kind)

    @cached_property
    def _order(self) -> Integer:
        """Where each parameter stands in (b, W), or in W, row after row."""
        places = np.arange(self.n_params).reshape(self._gibbs.n_params, -1)
        return np.concatenate([places[:, 0], places[:, 1:].ravel()]) if self.bias else places.ravel()

    @cached_property
    def _stack(self) -> Numeric:
        """The generators (g, d, d), or their diagonals (g, d)."""
        names = self._gibbs.parameter_names
        generators, d = self._gibbs.generators, math.prod(self.dims)
        size = 8 * d if generators.is_diagonal else 16 * d * d
        _checks.memory(f"{len(names)} generators of dimension {d}", size * len(names), "use fewer of them")
        parts: list[Any] = [generators.combine(row) for row in np.eye(len(names))]
        return np.stack(parts)

    def __repr__(self) -> str:
        count = _checks.plural(self._gibbs.n_params, "generator")
        return f"ConditionalGibbsModel(dims={self.dims}, {count}, n_inputs={self.n_inputs})"
