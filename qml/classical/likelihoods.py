"""The losses of classical learning as negative log-likelihoods: exponential families with a known log Z."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.losses.labelled import label_states
from qml.losses.measures import cross_entropy
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState


class Likelihood(ABC):
    r"""A distribution p(y \| z) of a target y, given the output z of a model, as a loss of z.

    .. math:: L = -\frac1m \sum_k \log p(y_k \mid z_k) = \frac1m \sum_k \left( E(y_k, z_k) + \log Z \right)

    in nats a target (for continuous targets: relative to their unit).

    Examples
    --------
    A likelihood of one's own, of counts y with the rate exp(z) (without the constant log y!):

    >>> class PoissonLikelihood(Likelihood):
    ...     name = "poisson"
    ...
    ...     def value_and_gradient(self, targets, outputs):
    ...         y, z = np.asarray(targets, dtype=float), np.asarray(outputs, dtype=float)
    ...         return float((np.exp(z) - y * z).mean()), (np.exp(z) - y) / y.size
    >>> value, slope = PoissonLikelihood().value_and_gradient([3.0], np.log([3.0]))
    >>> round(value, 6), slope.round(12) + 0.0
    (-0.295837, array([0.]))
    """

    name: ClassVar[str]

    @abstractmethod
    def value_and_gradient(self, targets: ArrayLike, outputs: ArrayLike) -> tuple[float, Real]:
        """L in nats a target, and dL/dz of the shape of `outputs`.

        Parameters
        ----------
        targets : array (m,), or what else the likelihood says
            y.
        outputs : array (m,), or what else the likelihood says
            z.

        Raises
        ------
        InputError
            Where the shapes do not fit, or a target is not one that the likelihood can have.
        """

    def value(self, targets: ArrayLike, outputs: ArrayLike) -> float:
        """L in nats a target.

        Parameters
        ----------
        targets : array (m,), or what else the likelihood says
            y.
        outputs : array (m,), or what else the likelihood says
            z.

        Raises
        ------
        InputError
            As :meth:`value_and_gradient`.
        """
        return self.value_and_gradient(targets, outputs)[0]


@dataclass(frozen=True)
class _Errors(Likelihood):
    """Of errors y - z with a scale in the unit of y."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive("scale", self.scale)


@dataclass(frozen=True)
class GaussianLikelihood(_Errors):
    r"""The squared error, as the likelihood of normal errors.

    .. math:: -\log p(y \mid z) = \frac{(y - z)^2}{2 s^2} + \log Z, \qquad Z = s \sqrt{2\pi}

    +inf where that is more than float64 holds, from errors of about 1e154 s.

    Parameters
    ----------
    scale : float
        The standard deviation s of the errors, in the unit of y.

    Raises
    ------
    InputError
        Where the scale is not positive, or targets and outputs have not one shape.

    Examples
    --------
    Half the mean square, beside log Z:

    >>> round(GaussianLikelihood().value([1.0, 2.0], [1.0, 4.0]) - math.log(2 * math.pi) / 2, 12)
    1.0
    """

    name: ClassVar[str] = "gaussian"

    @property
    def log_partition(self) -> float:
        """log Z."""
        return math.log(self.scale) + 0.5 * math.log(2 * math.pi)

    def value_and_gradient(self, targets: ArrayLike, outputs: ArrayLike) -> tuple[float, Real]:
        with np.errstate(over="ignore"):  # what is too large for float64 is infinite
            errors = errors_of(targets, outputs) / self.scale
            value = float(np.square(errors).mean()) / 2 + self.log_partition
            return value, errors / self.scale / errors.size

    @classmethod
    def fitted(cls, errors: ArrayLike) -> GaussianLikelihood:
        """The likelihood with the scale of largest likelihood: the root mean square of the errors.

        Parameters
        ----------
        errors : array, any shape
            y - z, at least one.

        Raises
        ------
        InputError
            If there are no errors, one is not finite, or all are zero.
        """
        size = np.abs(_nonempty(errors))
        largest = float(size.max()) or 1.0
        return cls(largest * float(np.sqrt(np.square(size / largest).mean())))


@dataclass(frozen=True)
class LaplaceLikelihood(_Errors):
    r"""The absolute error, as the likelihood of Laplace-distributed errors.

    .. math:: -\log p(y \mid z) = \frac{|y - z|}{b} + \log Z, \qquad Z = 2 b

    The derivative at y = z, where there is none, is given as 0.

    Parameters
    ----------
    scale : float
        The mean absolute error b, in the unit of y.

    Raises
    ------
    InputError
        Where the scale is not positive, or targets and outputs have not one shape.

    Examples
    --------
    The mean absolute error, beside log Z:

    >>> round(LaplaceLikelihood().value([1.0, 2.0], [1.0, 4.0]) - math.log(2), 12)
    1.0
    """

    name: ClassVar[str] = "laplace"

    @property
    def log_partition(self) -> float:
        """log Z."""
        return math.log(2 * self.scale)

    def value_and_gradient(self, targets: ArrayLike, outputs: ArrayLike) -> tuple[float, Real]:
        with np.errstate(over="ignore"):
            errors = errors_of(targets, outputs) / self.scale
            value = float(np.abs(errors / errors.size).sum()) + self.log_partition
            return value, np.sign(errors) / self.scale / errors.size

    @classmethod
    def fitted(cls, errors: ArrayLike) -> LaplaceLikelihood:
        """The likelihood with the scale of largest likelihood: the mean absolute error.

        Parameters
        ----------
        errors : array, any shape
            y - z, at least one.

        Raises
        ------
        InputError
            If there are no errors, one is not finite, or all are zero.
        """
        size = np.abs(_nonempty(errors))
        return cls(float((size / size.size).sum()))


@dataclass(frozen=True)
class CategoricalLikelihood(Likelihood):
    r"""The softmax cross entropy: S(\|y><y\|, sigma) with sigma the diagonal Gibbs state of the logits.

    .. math:: S = -z_y + \log Z, \qquad \sigma = e^{-K}/Z, \quad K = -\mathrm{diag}(z), \quad Z = \sum_c e^{z_c}

    Targets are integers (m,), outputs the logits (m, classes). Its derivative is (sigma - rho)/m. Value and derivative
    keep their digits however large the margins are.

    Examples
    --------
    >>> round(CategoricalLikelihood().value([2], [[0.0, 0.0, 0.0]]), 6)  # log 3
    1.098612
    """

    name: ClassVar[str] = "categorical"

    def value_and_gradient(self, targets: ArrayLike, outputs: ArrayLike) -> tuple[float, Real]:
        z = _checks.reals("outputs", outputs)
        if z.ndim != 2:
            raise InputError(f"outputs must be logits of shape (m, classes); found shape {z.shape}.")
        rho = label_states(targets, z.shape[1])
        if rho.batch_shape != z.shape[:1]:
            raise InputError(
                f"there must be one row of logits a label; found {_checks.plural(rho.batch_shape[0], 'label')} and "
                f"{_checks.plural(len(z), 'row')}."
            )
        return _diagonal_cross_entropy(rho, z)


@dataclass(frozen=True)
class BernoulliLikelihood(Likelihood):
    r"""The binary cross entropy: the same on one qubit, with the logits (0, z).

    .. math:: S = \log(1 + e^z) - y z

    Targets are 0 or 1, or probabilities of 1, shape (m,); outputs the logits z = log p(1)/p(0), (m,).

    Examples
    --------
    >>> round(BernoulliLikelihood().value([1.0, 0.5], [0.0, 0.0]), 6)  # log 2
    0.693147
    """

    name: ClassVar[str] = "bernoulli"

    def value_and_gradient(self, targets: ArrayLike, outputs: ArrayLike) -> tuple[float, Real]:
        y, z = paired(targets, outputs)
        if (y < 0).any() or (y > 1).any():
            raise InputError(f"targets must be probabilities of 1, from 0 to 1; found {y.min():.6g} to {y.max():.6g}.")
        y, flat = y.ravel(), z.ravel()
        rho = DensityMatrix.from_probabilities(np.stack([1 - y, y], axis=-1))
        value, gradient = _diagonal_cross_entropy(rho, np.stack([np.zeros_like(flat), flat], axis=-1))
        return value, gradient[:, 1].reshape(z.shape)


def perplexity(cross_entropy_in_nats: float) -> float:
    r"""How many equally likely outcomes leave one as much in doubt: :math:`e^S`.

    Parameters
    ----------
    cross_entropy_in_nats : float
        S, at most 709, so that float64 holds the result.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Where S is not finite or above 709.

    Examples
    --------
    >>> round(perplexity(CategoricalLikelihood().value([0, 1], [[0.0, 0.0], [0.0, 0.0]])), 12)
    2.0
    """
    return math.exp(_checks.number("the cross entropy", cross_entropy_in_nats, high=709.0, unit="nats"))


def _diagonal_cross_entropy(rho: DensityMatrix, logits: Real) -> tuple[float, Real]:
    sigma = GibbsState(-logits, rho.dims, diagonal=True)
    value = float(np.mean(cross_entropy(rho, sigma)))
    p, q = sigma.probabilities(), rho.probabilities()
    # p - q, where both may be almost one: (p - 1) + (1 - q)
    differences = np.where(q > 0.5, np.expm1(sigma.spectrum().log_eigenvalues) + (1 - q), p - q)
    return value, differences / len(logits)


def paired(targets: ArrayLike, outputs: ArrayLike) -> tuple[Real, Real]:
    """Targets and outputs as float64 arrays of one shape, not empty."""
    y = _checks.reals("targets", targets)
    z = _checks.reals("outputs", outputs)
    if y.shape != z.shape or y.size == 0:
        raise InputError(f"targets and outputs must have one shape, not empty; found {y.shape} and {z.shape}.")
    return y, z


def _nonempty(errors: ArrayLike) -> Real:
    a = _checks.reals("errors", errors)
    if a.size == 0:
        raise InputError("errors must not be empty; found none.")
    return a


def errors_of(targets: ArrayLike, outputs: ArrayLike) -> Real:
    """outputs - targets."""
    y, z = paired(targets, outputs)
    return z - y


LIKELIHOODS: dict[str, type[Likelihood]] = {
    likelihood.name: likelihood
    for likelihood in (GaussianLikelihood, LaplaceLikelihood, BernoulliLikelihood, CategoricalLikelihood)
}
"""Every likelihood by name."""
