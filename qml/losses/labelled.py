"""The loss of labelled data: the mean cross entropy of one target state an input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qml import _checks, _matrices, spectral
from qml._arrays import as_real, namespace
from qml._checks import InputError
from qml._typing import ArrayLike, Cotangent, Dims, Real
from qml.losses.base import Loss
from qml.losses.measures import cross_entropy
from qml.states import as_state
from qml.states.base import State
from qml.states.density_matrix import DensityMatrix


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labelled data: what a conditional model learns from, or is judged by.

    Parameters
    ----------
    inputs : array (m, n_inputs)
        One row x_k a label; finite.
    states : State or arrays (m, d, d)
        The batch (m,) of the states rho_k that they should give; of classes, :func:`label_states`.

    Raises
    ------
    InputError
        If there are not as many inputs as states.

    Examples
    --------
    >>> Labelled([[0.0, 1.0], [2.0, 3.0]], label_states([0, 1], 2))
    <Labelled: 2 labels of dimension 2, 2 inputs each>
    """

    default_loss: ClassVar[str] = "mean_cross_entropy"
    """The loss that a fit of labelled data minimises unless asked otherwise."""
    inputs: Real
    states: State

    def __post_init__(self) -> None:
        x = _checks.reals("inputs", self.inputs)
        states = as_state(self.states)
        if x.ndim != 2 or states.batch_shape != x.shape[:1] or len(x) == 0:
            raise InputError(
                f"inputs must have shape (m, n_inputs) and states be a batch (m,), one row a label; found the shapes "
                f"{x.shape} and {states.batch_shape}."
            )
        object.__setattr__(self, "inputs", _checks.kept(x))
        object.__setattr__(self, "states", states)

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        labels = f"{_checks.plural(len(self), 'label')} of dimension {self.states.dim}"
        return f"<Labelled: {labels}, {_checks.plural(self.inputs.shape[1], 'input')} each>"


class MeanCrossEntropy(Loss):
    r"""The mean quantum cross entropy of labelled data, in nats: the negative log-likelihood per labelled copy.

    .. math:: L = \sum_k w_k\, S(\rho_k, \sigma(x_k)), \qquad \sum_k w_k = 1

    The target is a batch (m,) of states rho_k, and the model one whose state is the batch sigma(x_k), such as
    ``conditional_model.at(inputs)``. +inf where any rho_k of positive weight leaves the support of its sigma(x_k).
    Floor: sum_k w_k S(rho_k).

    Parameters
    ----------
    weights : array (m,), optional
        Non-negative, not all zero; divided by their sum. Equal by default.

    Raises
    ------
    InputError
        If a weight is negative or not finite, or all are zero.

    Examples
    --------
    Labels +1 and -1 as states of a qubit, learnt from one input:

    >>> import numpy as np
    >>> from qml import DensityMatrix, fit, pauli
    >>> from qml.models import ConditionalGibbsModel
    >>> x = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    >>> labels = DensityMatrix.from_probabilities(np.array([[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.1, 0.9]]))
    >>> model = ConditionalGibbsModel([pauli("Z")], n_inputs=1)
    >>> result = fit(model.at(x), labels, loss=MeanCrossEntropy(), seed=0)
    >>> result.converged, (model.states(result.params, x).probabilities()[:, 0] > 0.5).tolist()
    (True, [True, True, False, False])
    """

    name = "mean_cross_entropy"
    gap_is = "mean D(rho||sigma)"
    is_cross_entropy = True
    is_additive = True

    def __init__(self, weights: ArrayLike | None = None) -> None:
        self.weights: Real | None = None
        if weights is not None:
            w = _checks.reals("weights", weights)
            with np.errstate(over="ignore"):
                total = w.sum()
            if w.ndim != 1 or (w < 0).any() or not 0 < total < np.inf:
                raise InputError(
                    "weights must be one non-negative number a label, with a sum above 0 that float64 holds."
                )
            self.weights = w / _matrices.normaliser(np.asarray(total), len(w))

    def accept(self, target: Any, dims: Dims) -> State:
        rho = as_state(target, dims, "target")
        if rho.dims != dims or len(rho.batch_shape) != 1:
            raise InputError(
                f"target must be a batch (m,) of states on sites {dims}, one a label; found dims {rho.dims} and batch "
                f"shape {rho.batch_shape}."
            )
        if self.weights is not None and len(self.weights) != rho.batch_shape[0]:
            raise InputError(f"weights must be one a label, {rho.batch_shape[0]} here; found {len(self.weights)}.")
        return rho

    def value(self, target: State, sigma: State) -> float:
        w = self._weights(target, sigma)
        s = cross_entropy(target, sigma)
        return float((w[w > 0] * s[w > 0]).sum())

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        value = self.value(target, sigma)
        if not np.isfinite(value):
            return value, None
        w = self._weights(target, sigma)[:, None]
        if sigma.is_diagonal:
            return value, sigma._pull_log_of_diagonal(-w * target.probabilities())
        return value, sigma.pull_log(-w[:, None] * target.matrix())

    def floor(self, target: State) -> float:
        return float((self._weights(target, target) * target.entropy()).sum())

    def member_weights(self, target: State) -> Real:
        return np.full(target.batch_shape, 1 / target.batch_shape[0]) if self.weights is None else self.weights

    def _weights(self, target: State, sigma: State) -> Real:
        _checks.instance("target", target, State, "a batch")
        _checks.instance("sigma", sigma, State, "a batch")
        if target.batch_shape != sigma.batch_shape or len(target.batch_shape) != 1:
            raise InputError(
                f"target and model must hold equally many states; found {target.batch_shape} labels and "
                f"{sigma.batch_shape} states: use conditional_model.at(inputs)."
            )
        return self.member_weights(target)


class LabelLikelihood(MeanCrossEntropy):
    r"""The mean negative log-likelihood of labels that are measured in the computational basis, in nats.

    .. math:: L = -\sum_k w_k \sum_c \langle c|\rho_k|c\rangle \log \langle c|\sigma(x_k)|c\rangle
        \;\le\; \sum_k w_k\, S(\rho_k, \sigma(x_k)) \quad \text{for diagonal } \rho_k

    Equal to :class:`MeanCrossEntropy` where labels and states are diagonal. Otherwise it sees populations only, and is
    not convex in general. +inf where a label that was seen has no probability: one of at most 8 d eps, the support
    policy's cut, where populations are computed; exactly zero where they are read off a diagonal state. Arguments and
    targets as there; the floor is the mean entropy of the label distributions.

    Parameters
    ----------
    weights : array (m,), optional
        Non-negative, not all zero; divided by their sum. Equal by default.

    Raises
    ------
    InputError
        If a weight is negative or not finite, or all are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.states import DensityMatrix
    >>> plus = DensityMatrix.from_vector(np.sqrt([[0.5, 0.5]]))
    >>> round(LabelLikelihood().value(label_states([0], 2), plus), 6)  # measured, a fair coin
    0.693147
    >>> MeanCrossEntropy().value(label_states([0], 2), plus)
    inf
    """

    name = "label_likelihood"
    gap_is = "mean D(q||p)"
    is_cross_entropy = False

    def value(self, target: State, sigma: State) -> float:
        self._weights(target, sigma)  # refuses what are no batches
        return super().value(_diagonal(target), _diagonal(sigma))

    def value_and_cotangent(self, target: State, sigma: State) -> tuple[float, Cotangent]:
        weights = self._weights(target, sigma)
        if sigma.is_diagonal:
            return super().value_and_cotangent(_diagonal(target), sigma)
        value = self.value(target, sigma)
        if not np.isfinite(value):
            return value, None
        q, p = _populations(target), _populations(sigma)
        seen = (q > 0) & (p > 0)
        xp = namespace(p)
        slopes = -weights[:, None] * xp.where(seen, q / xp.where(seen, p, 1.0), 0.0)
        return value, sigma.pull_matrix((slopes[:, :, None] * xp.eye(sigma.dim)).astype(np.complex128))

    def why_infinite(self, target: State, sigma: State) -> str:
        self._weights(target, sigma)
        return super().why_infinite(_diagonal(target), _diagonal(sigma))

    def floor(self, target: State) -> float:
        return self.value(target, target)


def _populations(state: State) -> Real:
    """<c|state|c>, (m, d): zero where it is computed and at or below the cut of the support policy."""
    p = state.probabilities()
    return p if state.is_diagonal else as_real(namespace(p).where(p > spectral.weight_cut(state.dim), p, 0.0))


def _diagonal(state: State) -> State:
    """The state without its off-diagonal entries; itself where it has none."""
    if state.is_diagonal:
        return state
    p = _populations(state)
    return DensityMatrix._make(None, state.dims, probabilities=p / p.sum(axis=-1, keepdims=True))


def label_states(labels: ArrayLike, classes: int, *, noise: float = 0.0) -> DensityMatrix:
    r"""Class labels as a batch of diagonal states: hard, soft, or noisy.

    .. math:: \rho_k = (1 - \text{noise}) \sum_c q_{kc} |c\rangle\langle c| + \text{noise} \, 1 / \text{classes}

    Parameters
    ----------
    labels : array (m,) of int, or (m, classes) of float
        Hard labels, from 0 to classes - 1, or the probabilities q of the classes. (Their pure states
        sum_c sqrt(q_c) \|c> are :func:`qml.encodings.rank_one`.)
    classes : int
    noise : float
        From 0 to 1: the weight of the uniform distribution.

    Raises
    ------
    InputError
        For labels out of range, and probabilities that do not add up to one.

    Examples
    --------
    >>> label_states([0, 2], 3).probabilities()
    array([[1., 0., 0.],
           [0., 0., 1.]])
    >>> label_states([[0.9, 0.1]], 2, noise=0.5).probabilities().round(3)
    array([[0.7, 0.3]])
    """
    _checks.array("labels", labels)
    y = np.asarray(labels)
    classes = _checks.integer("classes", classes, low=1)
    count, last = _checks.readable(classes), _checks.readable(classes - 1)
    noise = _checks.number("noise", noise, low=0.0, high=1.0)
    if y.ndim == 2:
        if y.shape[1] != classes or not len(y):
            raise InputError(
                f"labels must be integers (m,) or probabilities of shape (m, {count}); found shape {y.shape}."
            )
        q = _matrices.probabilities("labels", labels)
    else:
        if y.ndim != 1 or y.dtype.kind not in "iu" or y.size == 0:
            raise InputError(
                f"labels must be integers (m,) from 0 to {last}, or probabilities (m, classes); found "
                f"{y.dtype} of shape {y.shape}."
            )
        if y.min() < 0 or y.max() >= classes:
            raise InputError(f"labels must be integers from 0 to {last}; found {y.min()} to {y.max()}.")
        _checks.memory(f"{len(y)} labels of {count} classes", 8 * classes * len(y), "use fewer")
        q = (y[:, None] == np.arange(classes)).astype(np.float64)
    return DensityMatrix.from_probabilities((1 - noise) * q + noise / classes)
