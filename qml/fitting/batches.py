r"""Mini-batches of what is learnt: members of an ensemble, labels, or shots.

In every epoch the M data are put in a new random order and cut into n = ceil(M / B) parts of at most B. With W_i the
weight of part i, its batch has the gradient

.. math:: g_i = n\, W_i\, \nabla L(\text{part}_i), \qquad \frac1n \sum_i g_i = \nabla L

for every loss whose gradient is linear in the data: over an epoch, each datum counts once. The order follows from the
seed and the number of the epoch, and the position from the number of the step, so that a step is all that a checkpoint
has to keep.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from qml._checks import InputError
from qml._typing import Complex, Integer, Real
from qml.losses import Loss, MeanCrossEntropy
from qml.measurement.counts import Counts
from qml.models import Conditioned, Model
from qml.states import DensityMatrix, State

MOST_SHOTS = 10**9 - 1
"""Above this NumPy draws no shots without replacement."""


class Batch(NamedTuple):
    """A part of the data: model, target and loss that stand for it, and its weight W_i."""

    model: Model
    target: Any
    loss: Loss
    weight: float


class Batches(ABC):
    """The mini-batches of a target; see the module.

    Parameters
    ----------
    count : int
        M, the number of data.
    size : int
        B.
    seed : int
        What the order of every epoch follows from.
    """

    def __init__(self, count: int, size: int, seed: int) -> None:
        self.count = count
        self.asked = size
        self.size = min(size, count)
        self.seed = seed
        self._epoch = -1

    @property
    def parts(self) -> int:
        """n, batches an epoch."""
        return -(-self.count // self.size)

    def at(self, step: int) -> tuple[Batch, float]:
        """The batch of a step, counted from 0, and the factor n W_i of its gradient."""
        epoch, part = divmod(step, self.parts)
        if epoch != self._epoch:
            self._begin(np.random.default_rng([self.seed, epoch]))
            self._epoch = epoch
        batch = self._part(part)
        return batch, self.parts * batch.weight

    @abstractmethod
    def _begin(self, rng: np.random.Generator) -> None:
        """Start an epoch."""

    @abstractmethod
    def _part(self, part: int) -> Batch:
        """A part of the epoch."""


class _Listed(Batches):
    """Of data that can be listed one by one."""

    _order: Integer

    def _begin(self, rng: np.random.Generator) -> None:
        self._order = rng.permutation(self.count)

    def _part(self, part: int) -> Batch:
        return self._of(self._order[part * self.size : (part + 1) * self.size])

    @abstractmethod
    def _of(self, chosen: Integer) -> Batch:
        """The batch of these data."""


class _Members(_Listed):
    """Of an ensemble: the columns of a factor, by their squared lengths."""

    def __init__(self, model: Model, target: DensityMatrix, factor: Complex, loss: Loss, size: int, seed: int) -> None:
        weights = np.square(np.abs(factor)).sum(axis=0)
        kept = weights > 0
        self._held = model, target.dims, loss
        self._factor, self._weights = factor[:, kept], weights[kept] / weights.sum()
        super().__init__(int(kept.sum()), size, seed)

    def _of(self, chosen: Integer) -> Batch:
        model, dims, loss = self._held
        weight = float(self._weights[chosen].sum())
        part = DensityMatrix.from_factor(self._factor[:, chosen] / np.sqrt(weight), dims)
        return Batch(model, part, loss, weight)


class _Labels(_Listed):
    """Of labelled data: inputs with their states."""

    def __init__(self, model: Conditioned, target: State, loss: MeanCrossEntropy, size: int, seed: int) -> None:
        weights = loss.member_weights(target)
        self._kept = np.flatnonzero(weights)
        self._model, self._loss, self._weights = model, type(loss), weights
        self._states = target if isinstance(target, DensityMatrix) else _as_density_matrices(target)
        super().__init__(len(self._kept), size, seed)

    def _of(self, chosen: Integer) -> Batch:
        rows = self._kept[chosen]
        weights: Real = self._weights[rows]
        return Batch(self._model.part(rows), self._states[rows], self._loss(weights), float(weights.sum()))


class _Shots(Batches):
    """Of counts: shots, drawn without replacement, from all settings together."""

    def __init__(self, model: Model, target: Counts, loss: Loss, size: int, seed: int) -> None:
        if target.is_weighted:
            raise InputError(
                "batches of shots need counts; this record holds weights, such as exact probabilities: use an "
                "optimizer that takes the whole target, such as Adam()."
            )
        if target.total > MOST_SHOTS:
            raise InputError(
                f"batches of shots are drawn from at most {MOST_SHOTS} shots; found {target.total}: use an optimizer "
                "that takes the whole target, such as Adam()."
            )
        self._model, self._counts, self._loss = model, target, loss
        super().__init__(target.total, size, seed)

    def _begin(self, rng: np.random.Generator) -> None:
        self._rng, self._left, self._drawn = rng, self._counts.counts.copy(), 0

    def _part(self, part: int) -> Batch:
        if part < self._drawn:  # back in the same epoch
            self._begin(np.random.default_rng([self.seed, self._epoch]))
        while self._drawn <= part:
            size = min(self.size, int(self._left.sum()))
            self._latest = self._rng.multivariate_hypergeometric(self._left, size)
            self._left -= self._latest
            self._drawn += 1
        counts = Counts(self._counts.measurement, self._latest)
        return Batch(self._model, counts, self._loss, counts.total / self._counts.total)


def batches_of(model: Model, target: Any, loss: Loss, size: int, seed: int) -> Batches:
    """The mini-batches of a target.

    Raises
    ------
    InputError
        If the gradient of the loss is not linear in the data, so that batches were biased; or the target does not
        consist of parts.
    """
    if not loss.is_additive:
        raise InputError(
            f"the gradient of {type(loss).__name__} is not linear in the data, so that batches would be biased: use a "
            "cross entropy or a likelihood, or an optimizer that takes the whole target, such as Adam()."
        )
    if isinstance(target, Counts):
        return _Shots(model, target, loss, size, seed)
    if isinstance(model, Conditioned) and isinstance(loss, MeanCrossEntropy):
        return _Labels(model, target, loss, size, seed)
    factor = target.factor if isinstance(target, DensityMatrix) and not target.batch_shape else None
    if factor is None:
        raise InputError(
            "batches need a target of many parts: counts, labelled data, or an ensemble, its members the columns of a "
            "factor: DensityMatrix.from_factor(columns), column k being sqrt(weight k) times member k."
        )
    return _Members(model, target, factor, loss, size, seed)


def _as_density_matrices(states: State) -> DensityMatrix:
    """A batch of states whose members can be picked."""
    if states.is_diagonal:
        return DensityMatrix.from_probabilities(states.probabilities(), states.dims)
    return DensityMatrix._trusted(states.matrix(), states.dims)
