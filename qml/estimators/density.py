"""A density estimator of real data: the density-matrix embedding of samples."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.encodings import fourier_encoding
from qml.states import DensityMatrix

CHUNK = 2**22
"""Kernel entries that are formed at a time."""


@dataclass(eq=False, repr=False)
class DensityEstimator(DensityMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""The mean of the encoded samples as a state, and the probability density that measuring it has.

    .. math:: \rho = \frac1m \sum_k |\phi(x_k)\rangle\langle\phi(x_k)|, \qquad
        p(x) = \prod_a \frac{L}{B_a}\, \langle\phi(x)|\rho|\phi(x)\rangle

    with one site of L levels a feature, \|phi(x)> of Fourier phases (:func:`qml.encodings.fourier_encoding`), and the
    box of sides B around the samples. The effects L^n/prod(B) \|phi(x)><phi(x)\| dx add up to the identity on the box,
    so that p is a normalised density: a kernel estimate with the Fejer kernel, of width B/L. It is zero outside.

    Parameters
    ----------
    levels : int
        L >= 2: more resolve more.
    margin : float
        How far the box reaches beyond the samples, in units of their range, on each side. The box closes on itself, so
        that a margin below 1/L lets its ends see each other.
    smoothing : float
        From 0 to 1: the weight of the uniform density that is mixed in, which keeps logarithms finite in the box.

    Attributes
    ----------
    low_, side_ : array (n_features,)
        The box.
    samples_ : array (m, n_features)

    Raises
    ------
    InputError
        By ``fit``, for a setting out of range.

    Notes
    -----
    score_samples costs O(m n_features) a point, by the kernel: the matrix of :meth:`state`, of dimension
    L^n_features, is not needed. Source: Gonzalez, Gallego, Toledo-Cortes and Vargas-Calderon (2022), Quantum Mach.
    Intell. 4, 23, arXiv:2102.04394 (density matrices of features as density estimates).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 1))
    >>> estimator = DensityEstimator(levels=8).fit(X)
    >>> grid = np.linspace(estimator.low_, estimator.low_ + estimator.side_, 400, endpoint=False)
    >>> p = np.exp(estimator.score_samples(grid))
    >>> round(float(p.mean() * estimator.side_[0]), 12)
    1.0
    """

    levels: int = 8
    _: KW_ONLY
    margin: float = 0.25
    smoothing: float = 1e-6

    def fit(self, X: Any, y: Any = None) -> Self:
        """Keep the samples and their box.

        Parameters
        ----------
        X : array (m, n_features)
        y : ignored
            As scikit-learn wants it.

        Raises
        ------
        InputError
            For a setting out of range, or a feature that is the same in all samples where the margin is 0.
        """
        _checks.integer("levels", self.levels, low=2)
        _checks.number("smoothing", self.smoothing, 0.0, 1.0)
        margin = _checks.number("margin", self.margin, low=0.0)
        x = validate_data(self, X, dtype=np.float64)
        low, high = x.min(axis=0), x.max(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            width = np.where(high > low, high - low, 1.0)
            self.low_, self.side_ = low - margin * width, (high - low) + 2 * margin * width
            ends = self.low_ + self.side_
        if not np.isfinite([self.low_, self.side_, ends]).all():
            raise InputError("the box of a feature must have ends that float64 holds: rescale it, or lower the margin.")
        if not (self.side_ > 0).all():
            raise InputError("a feature is the same in all samples: choose a margin above 0, or leave it out.")
        self.samples_ = x
        return self

    def score_samples(self, X: Any) -> Real:
        """log p(x), (m,), in nats relative to the units of X; -inf outside of the box.

        Parameters
        ----------
        X : array (m, n_features)
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        volume = float(np.log(self.side_).sum())
        rows = max(1, CHUNK // len(self.samples_))
        place = self._place(x)
        inside, place = ((place >= 0) & (place <= 1)).all(axis=1), place.clip(0, 1)
        with np.errstate(divide="ignore"):  # log 0
            overlaps = np.concatenate([self._log_overlap(place[i : i + rows]) for i in range(0, len(x), rows)])
            sampled = overlaps + x.shape[1] * math.log(self.levels) + np.log(1 - self.smoothing)
            return np.where(inside, np.logaddexp(sampled, np.log(self.smoothing)) - volume, -np.inf)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-density."""
        return float(self.score_samples(X).mean())

    def state(self) -> DensityMatrix:
        """rho with the smoothing, on one site of L levels a feature."""
        check_is_fitted(self)
        dims = (self.levels,) * self.n_features_in_
        d = self.levels**self.n_features_in_
        _checks.memory(f"a state of dimension {d}", 16 * d * (d + len(self.samples_)), "use fewer features or levels")
        phases = 2 * np.pi * self._place(self.samples_)
        factor = fourier_encoding(phases, self.levels).factor
        assert factor is not None  # pure states are held as vectors
        vectors = factor[..., 0]
        rho = vectors.T @ vectors.conj() / len(vectors)
        return DensityMatrix._trusted((1 - self.smoothing) * rho + self.smoothing * np.eye(d) / d, dims)

    def _place(self, x: Real) -> Real:
        """The position in the box, from 0 to 1."""
        with np.errstate(over="ignore"):  # far outside of it
            return np.asarray((x - self.low_) / self.side_)

    def _log_overlap(self, place: Real) -> Real:
        """log <phi|rho|phi> at places in the box without smoothing: of the mean of products of Fejer kernels."""
        logs = np.zeros((len(place), len(self.samples_)))
        for a, b in zip(place.T, self._place(self.samples_).T, strict=True):
            apart = a[:, None] - b
            half = np.pi * (apart - np.round(apart))  # the ends of the box are one place
            ratio = np.sin(self.levels * half) / np.where(half == 0, 1.0, self.levels * np.sin(half))
            logs += np.where(half == 0, 0.0, 2 * np.log(np.abs(ratio)))
        return np.asarray(logsumexp(logs, axis=1)) - math.log(len(self.samples_))
