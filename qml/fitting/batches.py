r"""Mini-batches of what is learnt: members of an ensemble, labels, or shots.

In every epoch the M data are put in a new random order and cut into n = ceil(M / B) parts of at most B. With W_i the
weight of part i, its batch has the gradient

.. math:: g_i = n\, W_i\, \nabla L(\text{part}_i), \qquad \frac1n \sum_i g_i = \nabla L

for every loss whose gradient is linear in the data: over an epoch, each datum counts once. The order follows from the
seed and the number of the epoch, and the position from the number of the step, so that a step is all that a checkpoint
has to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
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


class Batches:
    """The mini-batches of a target; see the module.

    Parameters
    ----------
    count : int
        M, the number of data.
    size : int
        B.
    seed : int
        What the order of every epoch follows from.
    epoch : callable
        From B, at most M, and random numbers to the batches of an epoch, one after the other.
    """

    def __init__(
        self, count: int, size: int, seed: int, epoch: Callable[[int, np.random.Generator], Iterator[Batch]]
    ) -> None:
        self.asked, self.seed = size, seed
        self._size = min(size, count)
        self.parts = -(-count // self._size)
        """n, batches an epoch."""
        self._of_epoch = epoch
        self._at = (-1, -1)

    def at(self, step: int) -> tuple[Batch, float]:
        """The batch of a step, counted from 0, and the factor n W_i of its gradient."""
        epoch, part = divmod(step, self.parts)
        if epoch != self._at[0] or part < self._at[1]:
            self._running = self._of_epoch(self._size, np.random.default_rng([self.seed, epoch]))
            self._at = (epoch, -1)
        for _ in range(part - self._at[1]):
            self._latest = next(self._running)
        self._at = (epoch, part)
        return self._latest, self.parts * self._latest.weight


def _listed(count: int, batch: Callable[[Integer], Batch], size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """An epoch of data that can be listed one by one; `batch` is that of some of them, by number."""
    order = rng.permutation(count)
    for first in range(0, count, size):
        yield batch(order[first : first + size])


def _members(model: Model, target: DensityMatrix, factor: Complex, loss: Loss) -> tuple[int, Callable[..., Batch]]:
    """Of an ensemble: the columns of a factor, by their squared lengths; how many, and the batch of some of them."""
    lengths = np.square(np.abs(factor)).sum(axis=0)
    kept = lengths > 0
    columns, weights = factor[:, kept], lengths[kept] / lengths.sum()

    def batch(chosen: Integer) -> Batch:
        weight = float(weights[chosen].sum())
        return Batch(model, DensityMatrix.from_factor(columns[:, chosen] / np.sqrt(weight), target.dims), loss, weight)

    return int(kept.sum()), batch


def _labels(model: Conditioned, target: State, loss: MeanCrossEntropy) -> tuple[int, Callable[..., Batch]]:
    """Of labelled data, inputs with their states: how many, and the batch of some of them."""
    weights = loss.member_weights(target)
    kept = np.flatnonzero(weights)

    def batch(chosen: Integer) -> Batch:
        rows = kept[chosen]
        own: Real = weights[rows]
        return Batch(model.part(rows), target[rows], type(loss)(own), float(own.sum()))

    return len(kept), batch


def _shots(model: Model, counts: Counts, loss: Loss, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """An epoch of shots, drawn without replacement, from all settings together."""
    left = counts.counts.copy()
    while total := int(left.sum()):
        drawn = rng.multivariate_hypergeometric(left, min(size, total))
        left -= drawn
        part = Counts(counts.measurement, drawn)
        yield Batch(model, part, loss, part.total / counts.total)


def _check_shots(counts: Counts) -> None:
    if counts.is_weighted:
        raise InputError(
            "batches of shots need counts; this record holds weights, such as exact probabilities: use an optimizer "
            "that takes the whole target, such as Adam()."
        )
    if counts.total > MOST_SHOTS:
        raise InputError(
            f"batches of shots are drawn from at most {MOST_SHOTS} shots; found {counts.total}: use an optimizer that "
            "takes the whole target, such as Adam()."
        )


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
        _check_shots(target)
        return Batches(target.total, size, seed, partial(_shots, model, target, loss))
    if isinstance(model, Conditioned) and isinstance(loss, MeanCrossEntropy):
        count, batch = _labels(model, target, loss)
        return Batches(count, size, seed, partial(_listed, count, batch))
    factor = target.factor if isinstance(target, DensityMatrix) and not target.batch_shape else None
    if factor is None:
        raise InputError(
            "batches need a target of many parts: counts, labelled data, or an ensemble, its members the columns of a "
            "factor: DensityMatrix.from_factor(columns), column k being sqrt(weight k) times member k."
        )
    count, batch = _members(model, target, factor, loss)
    return Batches(count, size, seed, partial(_listed, count, batch))
