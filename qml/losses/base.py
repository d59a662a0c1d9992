"""The interface of a loss."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described
from qml._typing import Cotangent, Dims, Real
from qml.losses.measures import weight_outside_support
from qml.states import as_pair, as_single_state
from qml.states.base import State
from qml.states.coercion import StateLike, one_state
from qml.states.cross_entropy import marginals

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from qml.measurement.counts import Counts


class Loss(Described, ABC):
    """What a fit minimises: a number from the target and the model's state sigma, and its derivative in sigma.

    A subclass sets `name`; `accept` says what a target may be (by default a state rho); `floor(target)` is the least
    value over all states, which a fit is compared with. A loss may own parameters phi of its own, such as those of the
    readout: a fit learns them beside the model's.

    Examples
    --------
    A loss of one's own, the mean square of the difference of the matrices, takes two methods. In the coordinate of a
    state, whatever that is, a derivative comes by ``sigma.pull_matrix``:

    >>> class MeanSquare(Loss):
    ...     name = "mean_square"
    ...
    ...     def value(self, target, sigma):
    ...         return float(np.mean(np.abs(sigma.matrix() - target.matrix()) ** 2))
    ...
    ...     def value_and_cotangent(self, target, sigma):
    ...         slope = 2 * (sigma.matrix() - target.matrix()) / sigma.dim**2
    ...         return self.value(target, sigma), sigma.pull_matrix(slope)
    >>> from qml import CholeskyModel, check_gradient, ghz
    >>> check_gradient(CholeskyModel(2), ghz(2), MeanSquare()).ok
    True
    """

    name: str
    is_cross_entropy: ClassVar[bool] = False
    """Whether it is -sum_k w_k Tr(rho_k log sigma_k), but for a constant: linear in the logarithms, so that its Hessian
    in an exponential family is the metric."""

    gap_is: ClassVar[str] = ""
    """Which divergence of the model from the data the gap, loss - floor, is; empty where it has no name."""

    is_additive: ClassVar[bool] = False
    """Whether its gradient is linear in the data: over parts of them it adds up by their weights, as batches need."""

    def member_weights(self, target: Any) -> Real | None:
        """The weights w_k (m,), which add up to one, of a target that is a batch of m states; None: it is single.

        Parameters
        ----------
        target : object
            What :meth:`accept` returned.
        """
        return None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """One name a parameter of the loss itself, in the order of phi; most losses have none."""
        return ()

    def init_params(self, rng: np.random.Generator) -> Real:
        """A starting point for phi, shape (number of parameters of the loss,): zeros, unless a loss says otherwise.

        Parameters
        ----------
        rng : numpy Generator
        """
        return np.zeros(len(self.parameter_names))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        """The phi of these natural values; phi itself, unless a loss says otherwise.

        Parameters
        ----------
        values : mapping of str to float
            One for each of :attr:`parameter_names`; others are left alone.

        Raises
        ------
        InputError
            Where one is missing, or is no finite number.
        """
        for name in self.parameter_names:
            if name not in values:
                raise InputError(f"values must name every parameter of the loss; {name!r} is missing.")
        return np.array([_checks.number(f"values[{name!r}]", values[name]) for name in self.parameter_names])

    def bind(self, params: Real) -> Loss:
        """The loss at phi, whose values are then functions of target and sigma alone; itself where it has no
        parameters.

        Parameters
        ----------
        params : array (number of parameters of the loss,)
            phi.
        """
        return self

    def params_gradient(self, target: Any, sigma: State) -> Real:
        """dL/dphi of a loss that :meth:`bind` returned, shape (number of parameters of the loss,); asked for only
        where L is finite.

        Parameters
        ----------
        target : object
            What :meth:`accept` returned.
        sigma : State
        """
        return np.zeros(len(self.parameter_names))

    def accept(self, target: Any, dims: Dims) -> Any:
        """The target as this loss reads it: by default one state rho.

        Parameters
        ----------
        target : object
            As the user gave it.
        dims : tuple of int
            The sites of the model.

        Returns
        -------
        object
            What all other methods are given.

        Raises
        ------
        InputError
            If it can't be a target of this loss, or is on other sites.
        """
        return as_single_state(target, dims)

    @abstractmethod
    def value(self, target: Any, sigma: State) -> float:
        """The loss, in nats where it is an entropy; +inf is a value.

        Parameters
        ----------
        target : object
            What :meth:`accept` returned.
        sigma : State
            The model's state, on the sites of the target.
        """

    @abstractmethod
    def value_and_cotangent(self, target: Any, sigma: State) -> tuple[float, Cotangent]:
        """The loss, and its derivative in the coordinate of sigma (the numbers that it is held as).

        Parameters
        ----------
        target, sigma
            As in :meth:`value`.

        Returns
        -------
        value : float
        cotangent : Cotangent or None
            What ``sigma.pull_log`` or ``sigma.pull_matrix`` gives; None where the loss is +inf, as no derivative is
            defined there.
        """

    def floor(self, target: Any) -> float:
        """The least value over all states, or a lower bound on it; zero, unless a loss says otherwise.

        Parameters
        ----------
        target : object
            What :meth:`accept` returned.
        """
        return 0.0

    def gap_of(self, target: Any) -> str:
        """:attr:`gap_is`, for this target.

        Parameters
        ----------
        target : object
            As the user gave it.
        """
        return self.gap_is

    def caution(self, target: Any, sigma: State) -> str:
        """What to know before the result of a fit of this target is trusted, as sentences; mostly empty.

        Parameters
        ----------
        target : object
            As the user gave it.
        sigma : State
            What was learnt.
        """
        return ""

    def why_infinite(self, target: Any, sigma: State) -> str:
        """What makes the loss +inf there, as the end of a sentence; empty where nothing more is known.

        Parameters
        ----------
        target : object
            What :meth:`accept` returned.
        sigma : State
        """
        if not getattr(target, "_is_state", False):
            return ""
        parts = sigma.parts or (sigma,)  # of a product the least that the reduced states say: no joint eigenvectors
        reduced = marginals(target, [part.dims for part in parts])
        outside = [np.atleast_1d(weight_outside_support(*pair)) for pair in zip(reduced, parts, strict=True)]
        weights = np.max(outside, axis=0)
        worst = int(weights.argmax())
        of, least = f"rho_{worst}" if target.batch_shape else "rho", "at least " if len(parts) > 1 else ""
        found = f"{least}{weights[worst]:.3g} of the weight of {of} lies outside the support of sigma"
        return found if weights[worst] > 0 else ""

    def __repr__(self) -> str:
        held = {name: (getattr(self, name, default), default) for name, default in _defaults(type(self)).items()}
        plain = {name: x for name, (x, default) in held.items() if not isinstance(x, np.ndarray) and x != default}
        return f"{type(self).__name__}({', '.join(f'{name}={x!r}' for name, x in plain.items())})"


@cache
def _defaults(loss: type[Loss]) -> dict[str, Any]:
    """The arguments that it is made with, and what they are by default."""
    return {p.name: p.default for p in inspect.signature(loss).parameters.values()}


def single_pair(target: StateLike, sigma: StateLike) -> tuple[State, State]:
    """Two single states on the same sites; arrays are made states."""
    rho, sigma = as_pair(target, sigma)
    return one_state(rho, "target"), one_state(sigma, "sigma")


def is_measured(target: Any) -> TypeIs[Counts]:
    """Whether a target is a record of measured counts, with its `measurement`, `frequencies` and `empirical_state`."""
    return bool(getattr(target, "is_measured", False))
