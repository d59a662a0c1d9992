"""Priors on parameters, as what they add to a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from qml import _checks
from qml._typing import Real


class Prior(ABC):
    r"""Independent priors p(theta_j) of a model's parameters, all alike.

    The cross entropy is the negative log-likelihood of one copy, so that the most probable theta after N copies is the
    minimum of

    .. math:: S(\rho, \sigma_\theta) - \frac1N \sum_j \log p(\theta_j)

    up to a constant, which is chosen such that the least value of the second term is zero.

    Examples
    --------
    One of your own, which prefers parameters near a whole number of quarter turns:

    >>> class QuarterTurns(Prior):
    ...     def value(self, theta):
    ...         return float(np.square(np.sin(2 * theta)).sum())
    ...
    ...     def gradient(self, theta):
    ...         return 2 * np.sin(4 * theta)
    ...
    ...     def curvature(self, theta):
    ...         return np.clip(8 * np.cos(4 * theta), 0.0, None)
    >>> from qml import Circuit, CircuitModel, basis_state, fit, gates
    >>> model = CircuitModel(Circuit(1, [gates.RY("a", 0)]))
    >>> result = fit(model, basis_state("1"), loss="infidelity", params0=[3.0], prior=QuarterTurns())
    >>> bool(abs(result.params[0] - np.pi) < 1e-6)
    True
    """

    @abstractmethod
    def value(self, theta: Real) -> float:
        """What is added to the loss, at least 0; in nats where the loss is an entropy.

        Parameters
        ----------
        theta : array (n_params,)
            Of the model; parameters of the loss have no prior.
        """

    @abstractmethod
    def gradient(self, theta: Real) -> Real:
        """The derivative of :meth:`value`, shape (n_params,).

        Parameters
        ----------
        theta : array (n_params,)
            Of the model; parameters of the loss have no prior.
        """

    @abstractmethod
    def curvature(self, theta: Real) -> Real:
        """The second derivatives of :meth:`value`, shape (n_params,); it has no mixed ones. Newton's method takes
        them, at least 0 everywhere, so that its steps go down.

        Parameters
        ----------
        theta : array (n_params,)
            Of the model; parameters of the loss have no prior.
        """


@dataclass(frozen=True)
class _Scaled(Prior):
    """Of parameters that lie about a mean, by a scale."""

    scale: float = 1.0
    mean: float = 0.0
    copies: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive("scale", self.scale)
        _checks.number("mean", self.mean)
        _checks.positive("copies", self.copies)


@dataclass(frozen=True)
class Gaussian(_Scaled):
    r"""A normal prior: adds sum_j (theta_j - mean)^2 / (2 N scale^2).

    Parameters
    ----------
    scale : float
        Its standard deviation, in the units of theta.
    mean : float
    copies : float
        N, the number of copies that the target was measured on; 1 lets the prior weigh as much as one copy.

    Raises
    ------
    InputError
        If scale or copies is not positive, or mean is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> Gaussian(scale=2.0, copies=10).value(np.array([4.0, 0.0]))
    0.2
    """

    def value(self, theta: Real) -> float:
        return float(np.square((theta - self.mean) / self.scale).sum()) / (2 * self.copies)

    def gradient(self, theta: Real) -> Real:
        return (theta - self.mean) / self.scale / self.scale / self.copies

    def curvature(self, theta: Real) -> Real:
        return np.full_like(theta, 1 / self.scale / self.scale / self.copies)


@dataclass(frozen=True)
class Laplace(_Scaled):
    r"""A Laplace prior, which prefers few large parameters (L1): adds sum_j \|theta_j - mean\| / (N scale).

    Its kink is rounded, \|x\| becoming sqrt(x^2 + width^2) - width, so that all optimizers can follow it.

    Parameters
    ----------
    scale : float
        The mean of \|theta_j - mean\| that is expected.
    mean : float
    copies : float
        N, as for :class:`Gaussian`.
    width : float
        Of the rounding, in the units of theta, > 0: parameters below it count as zero.

    Raises
    ------
    InputError
        If scale, copies or width is not positive, or mean is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> round(Laplace(scale=2.0).value(np.array([4.0, 0.0])), 3)
    2.0
    """

    width: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.positive("width", self.width)

    def value(self, theta: Real) -> float:
        return float((np.hypot(theta - self.mean, self.width) - self.width).sum()) / (self.scale * self.copies)

    def gradient(self, theta: Real) -> Real:
        x = theta - self.mean
        return np.asarray(x / np.hypot(x, self.width) / (self.scale * self.copies))

    def curvature(self, theta: Real) -> Real:
        size = np.hypot(theta - self.mean, self.width)
        return np.asarray(np.square(self.width / size) / size / (self.scale * self.copies))


PRIORS: dict[str, type[Prior]] = {"gaussian": Gaussian, "laplace": Laplace}
"""Every prior by name; a study says their arguments."""
