"""Losses of measured counts: how well a state predicts them."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._arrays import is_traced, namespace, number
from qml._checks import InputError
from qml._typing import Cotangent, Dims, Real
from qml.losses.base import Loss, is_measured
from qml.losses.classical import log_loss
from qml.losses.readout import TrainableReadout
from qml.measurement.base import Measurement
from qml.measurement.counts import Counts
from qml.measurement.entries import outcome_name
from qml.measurement.readout import common_shape
from qml.states import as_single_state
from qml.states.base import State
from qml.states.coercion import one_state
from qml.states.cross_entropy import cross_entropy_and_cotangent, log_expectation
from qml.states.density_matrix import DensityMatrix


class CountsLoss(Loss):
    """A loss that compares the counts of a measurement with the probabilities that a state gives them.

    Parameters
    ----------
    readout : TrainableReadout, optional
        Readout errors to be learnt beside the model's parameters; by default the measurement of the record is taken as
        it is.

    Raises
    ------
    InputError
        If readout is no TrainableReadout.

    Examples
    --------
    A loss of counts of one's own compares probabilities, and nothing else:

    >>> class Hellinger(CountsLoss):
    ...     name = "hellinger"
    ...
    ...     def compare(self, counts, p, resolution):
    ...         f = counts.shares()
    ...         return float(np.square(np.sqrt(p) - np.sqrt(f)).sum()), 1 - np.sqrt(f / p)
    >>> from qml import GibbsModel, PauliMeasurement, check_gradient
    >>> record = Counts(PauliMeasurement(["Z"]), [60, 40])
    >>> check_gradient(GibbsModel(["X", "Z"]), record, Hellinger()).ok
    True
    """

    def __init__(self, readout: TrainableReadout | None = None) -> None:
        self.readout = None if readout is None else _checks.instance("readout", readout, TrainableReadout)
        self._phi: Real | None = None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return () if self.readout is None else self.readout.parameter_names

    def init_params(self, rng: np.random.Generator) -> Real:
        return np.zeros(0) if self.readout is None else self.readout.init_params(rng)

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        rates = super().unconstrained(values)
        return rates if self.readout is None else self.readout.unconstrained(rates.reshape(-1, 2))

    def bind(self, params: Real) -> CountsLoss:
        if self.readout is None:
            return self
        bound = copy.copy(self)
        bound._phi = _checks.parameters("the readout parameters", params, 2 * self.readout.n)
        return bound

    def accept(self, target: Any, dims: Dims) -> Counts:
        self._measured(target)
        if target.measurement.dims != dims:
            by = f": these are learnt by {target.measurement.learnt_by}" if target.measurement.learnt_by else ""
            raise InputError(
                f"counts and model must have equal dims; found {target.measurement.dims} (counts) and {dims} "
                f"(model){by}."
            )
        if self.readout is not None and common_shape(target.measurement) != (2,) * self.readout.n:
            raise InputError(
                f"readout errors of {_checks.plural(self.readout.n, 'qubit')} need outcomes of so many bits; found "
                f"outcomes of shape {common_shape(target.measurement)}."
            )
        target.shares()
        counts: Counts = target
        return counts

    def _measured(self, target: Any) -> Dims:
        """The sites of a record of counts; anything else is refused."""
        if is_measured(target):
            return target.measurement.dims
        raise InputError(
            f"{type(self).__name__} compares counts: target must be Counts; found {type(target).__name__}. Sample "
            "a state (qml.measurement.sample), or use CrossEntropy for a state."
        )

    def _seen(self, target: Counts, sigma: State) -> State | None:
        """The frequencies as a state, where the loss is their cross entropy with sigma."""
        return None

    def value(self, target: Counts, sigma: State) -> float:
        sigma = one_state(sigma, "sigma", self._measured(target))
        seen = self._seen(target, sigma)
        return self._compared(target, sigma)[0] if seen is None else number(-log_expectation(seen, sigma) + 0.0)

    def value_and_cotangent(self, target: Counts, sigma: State) -> tuple[float, Cotangent]:
        sigma = one_state(sigma, "sigma", self._measured(target))
        if (seen := self._seen(target, sigma)) is not None:
            return cross_entropy_and_cotangent(seen, sigma)
        value, slope, _ = self._compared(target, sigma)
        if not is_traced(value) and not (math.isfinite(value) and namespace(slope).isfinite(slope).all()):
            return math.inf, None  # of probabilities so small that their inverse overflows, too
        if self.readout is not None and self._phi is not None:
            slope = self.readout.report_adjoint(self._phi, slope)
        return value, target.measurement.pull(slope, sigma)

    def params_gradient(self, target: Counts, sigma: State) -> Real:
        if self.readout is None or self._phi is None:
            return np.zeros(0)
        _, slope, true = self._compared(target, sigma)
        return self.readout.pull(self._phi, true, slope)

    def _compared(self, target: Counts, sigma: State) -> tuple[float, Real, Real]:
        """The loss, its derivative in what is reported, and the probabilities of what is true, each (n_outcomes,)."""
        reported, true = self._predicted(target, sigma)
        with np.errstate(over="ignore"):
            return *self.compare(target, reported, target.measurement.resolution(sigma)), true

    def _predicted(self, target: Counts, sigma: State) -> tuple[Real, Real]:
        """Probabilities of what is reported, and of what is true, each (n_outcomes,)."""
        true = target.measurement.probabilities(sigma)
        if self.readout is None:
            return true, true
        if self._phi is None:
            raise InputError(f"{type(self).__name__} has readout parameters: call bind(params) first, as fit does.")
        return self.readout.report(self._phi, true), true

    @abstractmethod
    def compare(self, counts: Counts, p: Real, resolution: float) -> tuple[float, Real]:
        """The loss and its derivative in the probabilities.

        Parameters
        ----------
        counts : Counts
        p : array (n_outcomes,)
            The probabilities of what is reported, in the order of the measurement's outcomes.
        resolution : float
            Probabilities at or below it count as zero.

        Returns
        -------
        value : float
        slope : array (n_outcomes,)
            dL/dp; of no use where the value is +inf.
        """

    def why_infinite(self, target: Counts, sigma: State) -> str:
        self._measured(target)
        if self.readout is not None and self._phi is None:
            return ""  # error rates are never zero, so nothing is impossible
        reported, _ = self._predicted(target, sigma)
        impossible = (target.counts > 0) & (reported <= target.measurement.resolution(sigma))
        if not impossible.any():
            return ""
        first = outcome_name(target.measurement, int(np.argmax(impossible)))
        outcomes = _checks.plural(int(impossible.sum()), "outcome")
        return f"{outcomes} with counts but with the probability zero, such as {first}"


class NegativeLogLikelihood(CountsLoss):
    r"""The negative log-likelihood of counts in nats a shot, given the settings, without the multinomial constant.

    .. math:: L = -\frac{1}{N} \sum_k n_k \log p_k, \qquad p_k = \mathrm{Tr}(M_k \sigma), \qquad N = \sum_k n_k

    +inf where an outcome was counted that sigma gives probability zero (at or below 8 d eps, the support policy's cut;
    exactly zero where probabilities are read off, as behind readout errors that never report an outcome for another: in
    a diagonal Gibbs state at a gap above 745; never in one that is measured in its basis without readout errors, which
    knows log p at any gap); outcomes that were not counted add nothing. The floor is the
    entropy of the frequencies f, so that the gap, loss - floor, is their relative entropy D(f\|\|p) from the model's
    probabilities p: 2 N of it is the likelihood-ratio statistic. The floor is a bound, reached only where some state
    has these very frequencies.

    What a fit of counts minimises by default. Its minimum is consistent: with an informationally complete measurement
    it tends to the measured state, which the cross entropy of the empirical state does not. It is a lower bound on that
    cross entropy, S(rho_hat, sigma) >= L + sum_k f_k log Tr M_k; see :func:`measured_report`.

    Parameters
    ----------
    readout : TrainableReadout, optional
        Readout errors to be learnt beside the model's parameters.

    Raises
    ------
    InputError
        If readout is no TrainableReadout.

    Notes
    -----
    Costs the probabilities of the measurement and their adjoint. Source: Hradil (1997), Phys. Rev. A 55, R1561; Zhou
    Shangnan and Yixu Wang (2021), arXiv:2102.11887.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import GibbsModel, fit, thermal
    >>> from qml.measurement import PauliMeasurement, sample
    >>> from qml.operators import tfim
    >>> counts = sample(thermal(tfim(2, h=0.5), 1.0), PauliMeasurement(2), 10**6, np.random.default_rng(1))
    >>> result = fit(GibbsModel(tfim(2)), counts, seed=1)
    >>> result.converged, bool(np.abs(result.params - [-1.0, -0.5, -0.5]).max() < 0.01)
    (True, True)
    """

    name = "negative_log_likelihood"
    gap_is = "D(f||p)"
    is_additive = True

    def compare(self, counts: Counts, p: Real, resolution: float) -> tuple[float, Real]:
        return log_loss(counts.shares(), p, resolution)

    def _seen(self, target: Counts, sigma: State) -> State | None:
        """The frequencies as a diagonal state, where sigma is diagonal, too, and measured in its basis: then L is their
        cross entropy, of logarithms that sigma knows where float64 does not hold its probabilities."""
        if self.readout is not None or not sigma.is_diagonal or type(self).compare is not NegativeLogLikelihood.compare:
            return None
        frequencies = target.measurement._diagonal_of(target.shares())
        return None if frequencies is None else DensityMatrix._make(None, sigma.dims, probabilities=frequencies)

    def floor(self, target: Counts) -> float:
        self._measured(target)
        return log_loss(target.shares(), target.frequencies(), 0.0)[0]


class ClassicalCrossEntropy(NegativeLogLikelihood):
    r"""The cross entropy of what a measurement of rho and one of sigma would show: the limit of many shots.

    .. math:: H = -\frac{1}{S} \sum_s \sum_{k \in s} \mathrm{Tr}(M_k \rho) \log \mathrm{Tr}(M_k \sigma)

    Parameters
    ----------
    measurement : Measurement
        Its S settings count equally.
    readout : TrainableReadout, optional
        As in :class:`NegativeLogLikelihood`.

    Raises
    ------
    InputError
        If measurement is no Measurement, or readout no TrainableReadout.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> from qml.states import ghz, maximally_mixed
    >>> loss = ClassicalCrossEntropy(PauliMeasurement(["XX", "ZZ"]))
    >>> round(loss.value(loss.accept(ghz(2), (2, 2)), maximally_mixed((2, 2))), 6)
    1.386294
    """

    name = "classical_cross_entropy"

    def __init__(self, measurement: Measurement, readout: TrainableReadout | None = None) -> None:
        super().__init__(readout)
        self.measurement = _checks.instance("measurement", measurement, Measurement)

    def accept(self, target: Any, dims: Dims) -> Counts:
        if is_measured(target):
            return super().accept(target, dims)
        rho = as_single_state(target, dims)
        exact = Counts.from_frequencies(self.measurement, self.measurement.probabilities(rho))
        return super().accept(exact, dims)


class ChiSquare(CountsLoss):
    r"""Pearson's chi-square of the frequencies, a shot. Floor: 0.

    .. math:: L = \frac{1}{N} \sum_s N_s \sum_{k \in s} \frac{(f_k - p_k)^2}{p_k}, \qquad f_k = n_k / N_s

    N times it is the chi-square statistic. +inf where an outcome was counted that has the probability zero. Near its
    minimum it is twice D(f\|\|p), the gap of the likelihood. Source: Pearson (1900), Phil. Mag. 50, 157.

    Parameters
    ----------
    readout : TrainableReadout, optional
        Readout errors to be learnt beside the model's parameters.

    Raises
    ------
    InputError
        If readout is no TrainableReadout.

    Examples
    --------
    >>> from qml import DensityMatrix
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> coin = DensityMatrix.from_probabilities([0.5, 0.5])
    >>> round(ChiSquare().value(Counts(PauliMeasurement(["Z"]), [3, 1]), coin), 6)
    0.25
    """

    name = "chi_square"

    def compare(self, counts: Counts, p: Real, resolution: float) -> tuple[float, Real]:
        f, weights = counts.frequencies(), _setting_weights(counts)
        possible = p > resolution
        xp = namespace(p)
        if xp.where(possible, False, f * weights > 0).any():
            return math.inf, xp.zeros_like(p)
        safe = xp.where(possible, p, 1.0)
        value = xp.where(possible, (f - p) * ((f - p) / safe), p)
        slope = 1.0 - xp.where(possible, xp.square(f / safe), 0.0)
        return float(weights @ value), weights * slope


class SquaredError(CountsLoss):
    r"""The squared error of the frequencies: the likelihood of a Gaussian model of equal variances. Floor: 0.

    .. math:: L = \frac{1}{N} \sum_s N_s \sum_{k \in s} (f_k - p_k)^2, \qquad f_k = n_k / N_s

    Always finite.

    Parameters
    ----------
    readout : TrainableReadout, optional
        Readout errors to be learnt beside the model's parameters.

    Raises
    ------
    InputError
        If readout is no TrainableReadout.

    Examples
    --------
    >>> from qml import basis_state
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> round(SquaredError().value(Counts(PauliMeasurement(["Z"]), [3, 1]), basis_state("0")), 6)
    0.125
    """

    name = "squared_error"
    is_additive = True

    def compare(self, counts: Counts, p: Real, resolution: float) -> tuple[float, Real]:
        weights, difference = _setting_weights(counts), p - counts.frequencies()
        return number(weights @ namespace(p).square(difference)), 2 * weights * difference


def _setting_weights(counts: Counts) -> Real:
    """N_s / N for every outcome, (n_outcomes,)."""
    return np.repeat(np.asarray(counts.shots / float(counts.total), dtype=np.float64), counts.measurement.sizes)
