"""Classical samples as quantum states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import Integer, Real
from qml.states import DensityMatrix


def load_samples(name: str, kept: Sequence[int] | None = None) -> tuple[Real, Integer, tuple[str, ...]]:
    """A data set of scikit-learn: the samples (m, k) of the classes `kept` (by default all), their classes (m,), which
    are numbered from 0 in the order of the data set, and the names of these.

    Raises
    ------
    InputError
        If scikit-learn is not installed, or there is no such class.
    """
    found = getattr(_checks.need("sklearn.datasets", "data", f"the data set {name!r}"), f"load_{name}")()
    names = [str(name) for name in found.target_names]
    kept = sorted(range(len(names)) if kept is None else kept)
    for label in kept:
        if not 0 <= label < len(names):
            raise InputError(f"{name} has the classes 0 to {len(names) - 1}; found {label}.")
    rows = np.isin(found.target, kept)
    classes = np.searchsorted(kept, np.asarray(found.target)[rows])
    return np.asarray(found.data, np.float64)[rows], classes, tuple(names[k] for k in kept)


def state_of_samples(samples: Real, encoding: str = "amplitude") -> DensityMatrix:
    r"""The average state of samples x of shape (m, k), padded by zeros to the next power of two.

    .. math:: \rho = \frac1m \sum_x \frac{|x\rangle\langle x|}{\langle x|x \rangle}, \qquad
        \text{or} \quad \rho = \frac1m \sum_x \mathrm{diag}\Big(\frac{x}{\sum_i x_i}\Big)

    for the encodings "amplitude" (each sample a pure state) and "probability" (each a distribution).

    Raises
    ------
    InputError
        For a sample that is zero, or a negative entry where a probability is needed.

    Examples
    --------
    >>> import numpy as np
    >>> state_of_samples(np.array([[3.0, 4.0], [0.0, 1.0]])).matrix().real.round(3)
    array([[0.18, 0.24],
           [0.24, 0.82]])
    """
    m, k = samples.shape
    n = max(1, (k - 1).bit_length())
    padded = np.zeros((m, 1 << n))
    padded[:, :k] = samples
    if not padded.any(axis=1).all():
        raise InputError("a sample that is zero everywhere is no state: leave it out.")
    padded /= _matrices.power_of_two(padded, 1)[:, None]
    if encoding == "probability":
        if (samples < 0).any():
            raise InputError("samples with negative entries are no probabilities: use the encoding 'amplitude'.")
        p = (padded / padded.sum(axis=1, keepdims=True)).mean(axis=0)
        return DensityMatrix.from_probabilities(p / p.sum(), (2,) * n)
    vectors = padded / np.linalg.norm(padded, axis=1, keepdims=True)
    return DensityMatrix.from_factor(vectors.T / np.sqrt(m), (2,) * n)


def split(samples: Real, test_fraction: float, rng: np.random.Generator) -> tuple[Real, Real]:
    """The samples at random in two parts, for training and for testing; both must be non-empty."""
    held_out = round(test_fraction * len(samples))
    if not 0 < held_out < len(samples):
        raise InputError(f"a share of {test_fraction} of {len(samples)} samples leaves one part empty: choose another.")
    order = rng.permutation(len(samples))
    return samples[order[held_out:]], samples[order[:held_out]]
